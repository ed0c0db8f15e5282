"""A coupon is used: locked, redeemed, rolled back; or it expires, or is voided (RULES.md: Coupons).

What expires while it is locked may still be redeemed, and expires at once when it is freed, as points do.
"""

from datetime import datetime

from app.domain.account import Account, Counter, Coupon
from app.domain.compact import compact
from app.domain.coupon_commands import (
    CouponCommand,
    LockCoupon,
    RedeemCoupon,
    RollBackCoupon,
    UnlockCoupon,
    VoidCoupon,
)
from app.domain.coupon_errors import (
    STATE_REFUSALS,
    CouponBudgetSpent,
    CouponLocked,
    CouponNotLocked,
    CouponNotRedeemed,
    CouponOfCheckout,
)
from app.domain.coupon_issuing import (
    Obtained,
    code_of_nobody,
    obtain,
    posted,
    shown,
    template_of,
    with_coupon_due,
    with_usable,
)
from app.domain.coupon_reasons import Reason, reason
from app.domain.coupon_templates import Template
from app.domain.errors import MemberErased, MemberFrozen
from app.domain.posting import Change, Context, Member, post
from app.domain.spending import hold_span

CHECKOUT = "checkout/"
"""What the reference of a coupon in a checkout begins with; no caller's reference has a slash."""


def lock(member: Member, command: LockCoupon, context: Context) -> Change:
    """Keep the coupon for this reference. Raises as `_own`, `check_usable`, `spend_budget`; HoldTooLong."""
    coupon, got = _own(member, command, context)
    template = template_of(coupon.template, context)
    check_usable(coupon, template, context.now)
    account = got.account if got else member.account
    until = context.now + hold_span(command.hold_seconds, context.program)
    locked = coupon._replace(
        status="locked",
        reference=command.reference,
        discount=command.discount,
        lock_expires_at=until,
    )
    account = _without_usable(account)
    account = with_coupon_due(account, until)
    counters = spend_budget(template, command.discount, context, _counter(got))
    return _used(member, account, locked, got, context, command=command, counters=counters)


def unlock(member: Member, command: UnlockCoupon, context: Context) -> Change:
    """End the lock. Raises as `_own`; CouponNotLocked, CouponOfCheckout, CouponLocked (by another reference)."""
    coupon, got = _own(member, command, context)
    _check_free_of_checkout(coupon)
    if coupon.status != "locked":
        raise CouponNotLocked(status=coupon.status)
    if coupon.reference != command.reference:
        raise CouponLocked
    account, freed, counters = free_coupon(member.account, coupon, context)
    return _used(member, account, freed, got, context, command=command, counters=counters)


def redeem(member: Member, command: RedeemCoupon, context: Context) -> Change:
    """Use the coupon up. Raises as `_own`, `check_usable`, `spend_budget`; CouponOfCheckout.

    What was locked before can be redeemed also by a member frozen since; else MemberFrozen, MemberErased.
    """
    coupon, got = _own(member, command, context)
    _check_free_of_checkout(coupon)
    template = template_of(coupon.template, context)
    is_locked = coupon.status == "locked" and coupon.reference == command.reference
    account = got.account if got else member.account
    if not is_locked:
        check_active(account)
        check_usable(coupon, template, context.now)
        account = _without_usable(account)
    had = coupon.discount or 0
    discount = had if command.discount is None else command.discount
    redeemed = coupon._replace(
        status="redeemed", reference=command.reference, discount=discount, lock_expires_at=None
    )
    counters = spend_budget(template, discount - had, context, _counter(got))
    return _used(member, account, redeemed, got, context, command=command, counters=counters)


def roll_back(member: Member, command: RollBackCoupon, context: Context) -> Change:
    """Let a redeemed coupon be used again. Raises as `_own`; CouponNotRedeemed, CouponOfCheckout."""
    coupon, got = _own(member, command, context)
    _check_free_of_checkout(coupon)
    if coupon.status != "redeemed":
        raise CouponNotRedeemed(status=coupon.status)
    account, freed, counters = free_coupon(member.account, coupon, context)
    return _used(member, account, freed, got, context, command=command, counters=counters)


def void(member: Member, command: VoidCoupon, context: Context) -> Change:
    """Withdraw the coupon; its stock stays used. Raises as `_own`; CouponRedeemed, CouponLocked, CouponVoided."""
    coupon, got = _own(member, command, context)
    if coupon.status in ("redeemed", "locked", "voided"):
        raise STATE_REFUSALS[f"coupon_{coupon.status}"]
    account = got.account if got else member.account
    if coupon.status == "issued" and coupon.valid_from <= context.now:
        account = _without_usable(account)
    voided = coupon._replace(status="voided")
    counter = _counter(got)
    counters = () if counter is None else (counter,)
    return _used(
        member, account, voided, got, context, command=command, counters=counters, reason=command.reason
    )


def free_coupon(
    account: Account, coupon: Coupon, context: Context, counter: Counter | None = None
) -> tuple[Account, Coupon, tuple[Counter, ...]]:
    """A locked or redeemed coupon is its member's again, or expired if its time is over; its budget is free."""
    now = context.now
    template = template_of(coupon.template, context)
    counters = spend_budget(template, -(coupon.discount or 0), context, counter)
    is_over = coupon.valid_until is not None and coupon.valid_until <= now
    freed = coupon._replace(
        status="expired" if is_over else "issued", reference=None, discount=None, lock_expires_at=None
    )
    return (account if is_over else with_usable(account, freed, now)), freed, counters


def end_lock(member: Member, coupon: Coupon, context: Context) -> Change:
    """A lock's time is over."""
    account, freed, counters = free_coupon(member.account, coupon, context)
    detail = {**shown(freed), "reference": coupon.reference}
    change = posted(member, account, freed, context, kind="lapse_coupon", detail=detail)
    return change._replace(counters=counters)


def expire(member: Member, coupons: tuple[Coupon, ...], context: Context) -> Change:
    """Coupons nobody used are over."""
    account = member.account
    gone = tuple(coupon._replace(status="expired") for coupon in coupons)
    detail = {"coupons": [[coupon.code, coupon.template] for coupon in gone]}
    after, entry = post(
        account,
        account._replace(coupons=account.coupons - len(gone)),
        kind="expire_coupons",
        key=None,
        context=context,
        detail=compact(detail),
    )
    return Change(account=after, entry=entry, detail=detail, coupons=gone)


def refusal_of(coupon: Coupon, template: Template, now: datetime) -> Reason | None:
    """Why the coupon can't be used now, whatever the cart; None if it can."""
    if coupon.status in ("voided", "redeemed", "expired", "locked"):
        return reason(f"coupon_{coupon.status}")
    if coupon.valid_until is not None and coupon.valid_until <= now:
        return reason("coupon_expired")
    if coupon.valid_from > now:
        return reason("coupon_not_started")
    if template.state == "paused":
        return reason("coupon_paused")
    return None


def check_usable(coupon: Coupon, template: Template, now: datetime) -> None:
    """Raises the refusal that tells why the coupon can't be used, if so."""
    why = refusal_of(coupon, template, now)
    if why is not None:
        raise STATE_REFUSALS[why.code]


def spend_budget(
    template: Template, discount_fen: int, context: Context, counter: Counter | None
) -> tuple[Counter, ...]:
    """The template's counter (as a decision under way has it) with so much more given, if it has a budget.

    Raises CouponBudgetSpent.
    """
    known = () if counter is None else (counter,)
    if template.budget_fen is None or not discount_fen:
        return known
    counter = counter or context.shelf.counter(template.template)
    given = counter.discounted + discount_fen
    if discount_fen > 0 and given > template.budget_fen:
        raise CouponBudgetSpent
    return (counter._replace(discounted=given),)


def _without_usable(account: Account) -> Account:
    return account._replace(coupons=account.coupons - 1)


def _own(member: Member, command: CouponCommand, context: Context) -> tuple[Coupon, Obtained | None]:
    """The member's coupon, or one that becomes theirs by a code of nobody's.

    Raises CouponNotFound, CouponNotYours, CouponVoided and as `obtain`.
    """
    coupon = member.coupons.get(command.code)
    if coupon is not None:
        return coupon, None
    row = code_of_nobody(command.code, context)
    got_by_it = [coupon for coupon in member.coupons.values() if coupon.public_code == row.code]
    for other in got_by_it:
        if other.reference == command.reference:
            return other, None
    for other in sorted(got_by_it, key=lambda coupon: coupon.sequence, reverse=True):
        if other.status == command.acts_on:
            return other, None
    got = obtain(member, template_of(row.template, context), context, source="code", by=row)
    return got.coupon, got


def check_active(account: Account) -> None:
    """Raises MemberFrozen, MemberErased."""
    if account.status == "erased":
        raise MemberErased
    if account.status == "frozen":
        raise MemberFrozen


def _counter(got: Obtained | None) -> Counter | None:
    return None if got is None else got.counter


def _check_free_of_checkout(coupon: Coupon) -> None:
    if coupon.reference is not None and coupon.reference.startswith(CHECKOUT):
        raise CouponOfCheckout


def _used(
    member: Member,
    account: Account,
    coupon: Coupon,
    got: Obtained | None,
    context: Context,
    *,
    command: CouponCommand,
    counters: tuple[Counter, ...],
    reason: str | None = None,
) -> Change:
    detail = shown(coupon) | ({"reason": reason} if reason else {})
    change = posted(member, account, coupon, context, command=command, detail=detail)
    return change._replace(codes=() if got is None else (got.code,), counters=counters)
