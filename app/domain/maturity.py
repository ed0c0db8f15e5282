"""What falls due by itself: expiry of points and coupons, holds that lapse, orders that settle, tier periods that end,
coupons that a tier gives.

Each is decided at its own moment, in the order of those moments, however late it is written down: so a job that
runs late, or a command that comes first, leads to the same balances (RULES.md: expired points are never spendable,
also when the expiry job is late).
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from app.domain import checkouts, coupons, missions, tier_coupons
from app.domain.account import Account, Checkout, Coupon, Lot, Redemption
from app.domain.accrual import settle_lot
from app.domain.calendar import local_date
from app.domain.campaign_choice import counted
from app.domain.commands import Settle
from app.domain.compact import compact
from app.domain.instants import earlier
from app.domain.lots import expire, with_due_dates
from app.domain.posting import Change, Context, Member, post
from app.domain.redemptions import free
from app.domain.standing import end_tier_period, tier_due_at


class _Due(NamedTuple):
    at: datetime
    order: int  # of things due at once: settle, expire, lapse (lots up to date), coupons, tier, its coupons
    place: int | str  # of things of one order: as they are numbered or named
    happen: Callable[[Member, Context], Change]


def is_due(account: Account, now: datetime) -> bool:
    """Whether anything may have fallen due on this account: a cheap question, asked before every command."""
    return (account.due_at is not None and account.due_at <= now) or (
        account.hold_due_at is not None and account.hold_due_at <= now
    )


def mature(member: Member, context: Context) -> list[Change]:
    """Write down all that fell due by now; the member, loaded with all lots and holds, is brought up to date."""
    changes: list[Change] = []
    while (due := _next_due(member, context)) is not None and due.at <= context.now:
        change = _happen(member, due, context)
        member.apply(change)
        context.shelf.put(change.counters, change.codes)
        changes.append(change)
    account = _with_exact_due_dates(member, context)
    if account != member.account:
        if changes:
            changes[-1] = changes[-1]._replace(account=account)
        else:
            changes.append(Change(account=account))
        member.account = account
    return changes


def _next_due(member: Member, context: Context) -> _Due | None:
    """The earliest thing still to happen to the member, if any."""
    candidates = [*_due_lots(member), *_due_holds(member), *_due_coupons(member)]
    if (at := tier_due_at(member.account, context.program)) is not None:
        candidates.append(_Due(at, 4, 0, end_tier_period))
    if (at := tier_coupons.due_at(member, context)) is not None:
        candidates.append(_Due(at, 5, 0, tier_coupons.give))
    return min(candidates, key=lambda due: due[:3], default=None)


def _due_lots(member: Member) -> list[_Due]:
    found: list[_Due] = []
    expiring: dict[datetime, list[Lot]] = {}
    for lot in member.lots.values():
        if lot.pending:
            if lot.settle_at is not None:
                found.append(_Due(lot.settle_at, 0, lot.lot, partial(_settle, lot)))
        elif lot.remaining > 0 and lot.expires_at is not None:
            expiring.setdefault(lot.expires_at, []).append(lot)
    found.extend(_Due(at, 1, 0, partial(_expire, tuple(lots))) for at, lots in expiring.items())
    return found


def _due_holds(member: Member) -> list[_Due]:
    found: list[_Due] = []
    for hold in member.redemptions.values():
        if hold.status == "reserved" and hold.hold_expires_at is not None:
            lapse = partial(_lapse_redemption, hold)
            found.append(_Due(hold.hold_expires_at, 2, f"redemption/{hold.reference}", lapse))
    for checkout in member.checkouts.values():
        if checkout.status == "held" and checkout.hold_expires_at is not None:
            lapse = partial(_lapse_checkout, checkout)
            found.append(_Due(checkout.hold_expires_at, 2, f"checkout/{checkout.checkout_id}", lapse))
    return found


def _due_coupons(member: Member) -> list[_Due]:
    found: list[_Due] = []
    expiring: dict[datetime, list[Coupon]] = {}
    for coupon in member.coupons.values():
        if coupon.status == "locked" and coupon.lock_expires_at is not None:
            end = partial(_end_lock, coupon)
            found.append(_Due(coupon.lock_expires_at, 2, f"coupon/{coupon.code}", end))
        elif coupon.status == "issued" and coupon.valid_until is not None:
            expiring.setdefault(coupon.valid_until, []).append(coupon)
    found.extend(_Due(at, 3, 0, partial(_expire_coupons, tuple(gone))) for at, gone in expiring.items())
    return found


def _happen(member: Member, due: _Due, context: Context) -> Change:
    """Decide what falls due as of its own moment; it is recorded now."""
    then = context._replace(now=due.at, today=local_date(due.at, context.program.timezone))
    change = counted(member, missions.counted(member, due.happen(member, then), then), then)
    if change.entry is None:
        return change
    entry = change.entry._replace(recorded_at=context.now)
    return change._replace(entry=entry, account=change.account._replace(last_at=context.now))


def _settle(lot: Lot, member: Member, context: Context) -> Change:
    command = Settle(member_id=lot.member_id, order_id=lot.order_id or "")
    return settle_lot(member, lot, context, command=command)


def _lapse_redemption(hold: Redemption, member: Member, context: Context) -> Change:
    return free(member, hold, context, kind="lapse", command=None)


def _lapse_checkout(checkout: Checkout, member: Member, context: Context) -> Change:
    return checkouts.lapse(member, checkout, context)


def _end_lock(coupon: Coupon, member: Member, context: Context) -> Change:
    return coupons.end_lock(member, coupon, context)


def _expire_coupons(gone: tuple[Coupon, ...], member: Member, context: Context) -> Change:
    return coupons.expire(member, gone, context)


def _expire(lots: tuple[Lot, ...], member: Member, context: Context) -> Change:
    account = member.account
    gone: list[tuple[Lot, int]] = [
        expire(lot, now=context.now, program=context.programs[lot.program_version]) for lot in lots
    ]
    points = sum(part for _, part in gone)
    detail = {"points": points, "lots": [[lot.lot, part] for lot, part in gone]}
    after, entry = post(
        account,
        account._replace(available=account.available - points, expired=account.expired + points),
        kind="expire",
        key=None,
        context=context,
        detail=compact(detail),
    )
    return Change(account=after, entry=entry, detail=detail, lots=tuple(lot for lot, _ in gone))


def _with_exact_due_dates(member: Member, context: Context) -> Account:
    """The account with `due_at` and `hold_due_at` counted anew, so that what is over does not call again."""
    hold_due_at: datetime | None = None
    for hold in (*member.redemptions.values(), *member.checkouts.values()):
        if hold.status in ("reserved", "held"):
            hold_due_at = earlier(hold_due_at, hold.hold_expires_at)
    due_at = earlier(tier_due_at(member.account, context.program), member.account.benefits_at)
    for lot in member.lots.values():
        due_at = earlier(due_at, lot.settle_at)
    account = member.account._replace(due_at=due_at, hold_due_at=hold_due_at)
    if member.sees_wallet:
        account = _with_exact_coupons(account, member, context.now)
    account = account._replace(due_at=earlier(account.due_at, account.coupon_due_at))
    return with_due_dates(account, member.lots.values(), context.programs)


def _with_exact_coupons(account: Account, member: Member, now: datetime) -> Account:
    """The account with its usable coupons counted anew: some may have begun."""
    usable, due_at = 0, None
    for coupon in member.coupons.values():
        if coupon.status == "locked":
            due_at = earlier(due_at, coupon.lock_expires_at)
        elif coupon.status == "issued" and coupon.valid_from > now:
            due_at = earlier(due_at, coupon.valid_from)
        elif coupon.status == "issued":
            usable, due_at = usable + 1, earlier(due_at, coupon.valid_until)
    return account._replace(coupons=usable, coupon_due_at=due_at)
