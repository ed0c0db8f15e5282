"""Coupons are given out: claimed, exchanged for points, issued by the shop (RULES.md: Coupons).

Issued never exceeds a template's stock, and limits per member hold, because the template's counter and the member
are locked while this is decided.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from app.domain.account import Account, Code, Counter, Coupon, Redemption, bucket_of
from app.domain.benefits import templates_given
from app.domain.calendar import local_date
from app.domain.compact import compact
from app.domain.coupon_commands import ClaimCoupon, CouponCommand, IssueCoupon
from app.domain.coupon_errors import (
    CouponExhausted,
    CouponLimitReached,
    CouponNotFound,
    CouponNotYours,
    CouponVoided,
    TemplateAutomatic,
    TemplateNotClaimable,
    TemplateNotFound,
    TemplateNotOpen,
)
from app.domain.coupon_templates import Template
from app.domain.errors import LoyaltyError
from app.domain.instants import earlier, rfc3339
from app.domain.lots import moves
from app.domain.posting import Change, Context, Member, post
from app.domain.shelf import NeedsMore
from app.domain.spending import take_points, told
from app.domain.terms import OCCASIONS


class Obtained(NamedTuple):
    """A coupon just given out: the account with it, where its code leads, and the counter after it."""

    account: Account
    coupon: Coupon
    code: Code
    counter: Counter | None


def claim(member: Member, command: ClaimCoupon, context: Context) -> Change:
    """The member takes a coupon, for points if the template has a price.

    What a tier gives on its occasions is not for the taking: else each would claim birthday coupons all year.
    Raises TemplateNotFound, TemplateNotClaimable, CouponNotFound, CouponNotYours, CouponVoided, InsufficientPoints
    and as `obtain`.
    """
    if command.code is not None:
        row = code_of_nobody(command.code, context)
        got = obtain(member, template_of(row.template, context), context, source="code", by=row)
        return _given(member, got.account, got, context, command=command)
    template = template_of(command.template or "", context)
    if template.points_price is None:
        if template.template in templates_given(context.program, OCCASIONS):
            raise TemplateNotClaimable
        got = obtain(member, template, context, source="claim")
        return _given(member, got.account, got, context, command=command)
    return _exchange(member, template, template.points_price, command, context)


def issue(member: Member, command: IssueCoupon, context: Context) -> Change:
    """The shop gives the member a coupon. Raises TemplateNotFound and as `obtain`."""
    got = obtain(member, template_of(command.template, context), context, source="issue")
    return _given(member, got.account, got, context, command=command, reason=command.reason)


def obtain(
    member: Member,
    template: Template,
    context: Context,
    *,
    source: str,
    by: Code | None = None,
    account: Account | None = None,
    others: Iterable[Coupon] = (),
    counter: Counter | None = None,
) -> Obtained:
    """Give the member a coupon of the template: `by` the code of nobody's yet, else under a new one.

    `account`, `others` and `counter` are as a decision under way has them already.
    Raises TemplateNotOpen, TemplateAutomatic, CouponExhausted, CouponLimitReached.
    """
    now, account = context.now, account or member.account
    _check_open(template, now)
    sees = member.sees_templates
    is_limited = template.per_member is not None or template.per_day is not None
    if is_limited and sees is not None and template.template not in sees:
        raise NeedsMore(template_coupons=frozenset({(account.member_id, template.template)}))
    held = {**member.coupons, **{coupon.code: coupon for coupon in others}}
    _check_limits(template, held.values(), context)
    if by is None or by.kind == "public":  # codes made beforehand took their stock then
        counter = counter or context.shelf.counter(template.template)
        if template.stock is not None and counter.issued >= template.stock:
            raise CouponExhausted
        counter = counter._replace(issued=counter.issued + 1)
        text = context.shelf.new_code()
        code = Code(bucket_of(text), text, template.template, "coupon", account.member_id, None, now)
    else:
        code = by._replace(member_id=account.member_id)
    valid_from, valid_until = template.held(now, context.program.timezone)
    coupon = Coupon(
        bucket=account.bucket,
        member_id=account.member_id,
        code=code.code,
        template=template.template,
        status="issued",
        sequence=member.account.sequence + 1,
        source=source,
        issued_at=now,
        valid_from=valid_from,
        valid_until=valid_until,
        reference=None,
        discount=None,
        lock_expires_at=None,
        public_code=by.code if by is not None and by.kind == "public" else None,
    )
    return Obtained(with_usable(account, coupon, now), coupon, code, counter)


class Handed(NamedTuple):
    """Coupons given along with something else: what could not be given is `refused`, {"template", "code"} each."""

    account: Account
    coupons: tuple[Coupon, ...] = ()
    codes: tuple[Code, ...] = ()
    counters: tuple[Counter, ...] = ()
    refused: tuple[dict[str, str], ...] = ()


def hand_out(
    member: Member, before: Handed, templates: Iterable[str], context: Context, *, source: str
) -> Handed:
    """Give the member a coupon of each template named, as far as the templates let; the rest is told, not raised.

    Goes on from what was handed out `before`, or from the account as a decision under way has it already.
    Raises NeedsMore.
    """
    account, coupons, codes = before.account, list(before.coupons), list(before.codes)
    counters = {counter.template: counter for counter in before.counters}
    refused = list(before.refused)
    for template in templates:
        try:
            got = obtain(
                member,
                template_of(template, context),
                context,
                source=source,
                account=account,
                others=coupons,
                counter=counters.get(template),
            )
        except LoyaltyError as refusal:
            refused.append({"template": template, "code": refusal.code})
            continue
        assert got.counter is not None, "a coupon by no code is counted"
        account = got.account
        coupons.append(got.coupon)
        codes.append(got.code)
        counters[template] = got.counter
    return Handed(account, tuple(coupons), tuple(codes), tuple(counters.values()), tuple(refused))


def _exchange(
    member: Member, template: Template, price: int, command: ClaimCoupon, context: Context
) -> Change:
    """Pay for the coupon: the points are a redemption of their own, known by the coupon."""
    got = obtain(member, template, context, source="exchange")
    taken = take_points(member, price, context, holds=False)
    account = taken.account._replace(
        coupons=got.account.coupons,
        coupon_due_at=got.account.coupon_due_at,
        due_at=earlier(taken.account.due_at, got.account.due_at),
    )
    redemption = Redemption(
        bucket=account.bucket,
        member_id=account.member_id,
        reference=f"coupon/{got.coupon.code}",
        status="redeemed",
        points=price,
        committed=price,
        refunded=0,
        lots=[lot for lot, _ in taken.parts],
        parts=[part for _, part in taken.parts],
        order_id=None,
        hold_expires_at=None,
        program_version=context.program.version,
    )
    lots = {lot.lot: lot for lot in taken.lots}
    change = _given(
        member,
        account,
        got,
        context,
        command=command,
        points=price,
        lots=told(taken.parts, lots),
        moves=moves(member.lots, taken.lots),
    )
    return change._replace(lots=taken.lots, redemption=redemption)


def _given(
    member: Member,
    account: Account,
    got: Obtained,
    context: Context,
    *,
    command: ClaimCoupon | IssueCoupon,
    **told_besides: object,
) -> Change:
    detail = {
        **shown(got.coupon),
        **{name: value for name, value in told_besides.items() if value is not None},
    }
    change = posted(member, account, got.coupon, context, command=command, detail=detail)
    return change._replace(codes=(got.code,), counters=() if got.counter is None else (got.counter,))


def _check_open(template: Template, now: datetime) -> None:
    if template.automatic:
        raise TemplateAutomatic
    if template.state != "active":
        raise TemplateNotOpen(state=template.state)
    if template.valid.until is not None and template.valid.until <= now:
        raise TemplateNotOpen(state="over")


def _check_limits(template: Template, coupons: Iterable[Coupon], context: Context) -> None:
    """Per member, and per member and day: what was voided does not count."""
    had = [coupon for coupon in coupons if coupon.template == template.template and coupon.status != "voided"]
    if template.per_member is not None and len(had) >= template.per_member:
        raise CouponLimitReached(limit="per_member")
    if template.per_day is not None:
        timezone = context.program.timezone
        today = sum(local_date(coupon.issued_at, timezone) == context.today for coupon in had)
        if today >= template.per_day:
            raise CouponLimitReached(limit="per_day")


def with_coupon_due(account: Account, *moments: datetime | None) -> Account:
    """The account that is looked at again at these moments at the latest."""
    due_at = account.coupon_due_at
    for moment in moments:
        due_at = earlier(due_at, moment)
    return account._replace(coupon_due_at=due_at, due_at=earlier(account.due_at, due_at))


def shown(coupon: Coupon) -> dict[str, Any]:
    """A coupon as an entry's detail keeps it."""
    told: Mapping[str, Any] = {
        "code": coupon.code,
        "template": coupon.template,
        "status": coupon.status,
        "source": coupon.source,
        "valid_from": rfc3339(coupon.valid_from),
        "valid_until": rfc3339(coupon.valid_until),
        "reference": coupon.reference,
        "discount": coupon.discount,
        "lock_expires_at": rfc3339(coupon.lock_expires_at),
    }
    return {name: value for name, value in told.items() if value is not None}


def with_usable(account: Account, coupon: Coupon, now: datetime) -> Account:
    if coupon.valid_from > now:
        return with_coupon_due(account, coupon.valid_from)
    return with_coupon_due(account._replace(coupons=account.coupons + 1), coupon.valid_until)


def template_of(template: str, context: Context) -> Template:
    found = context.shelf.templates.get(template)
    if found is None:
        raise TemplateNotFound
    return found


def code_of_nobody(code: str, context: Context) -> Code:
    """Where a code leads that is nobody's yet. Raises CouponNotFound, CouponVoided, CouponNotYours."""
    row = context.shelf.codes.get(code)
    if row is None:
        raise CouponNotFound
    if row.kind == "void":
        raise CouponVoided
    if row.member_id is not None:
        raise CouponNotYours
    return row


def posted(
    member: Member,
    account: Account,
    coupon: Coupon,
    context: Context,
    *,
    command: ClaimCoupon | IssueCoupon | CouponCommand | None = None,
    kind: str | None = None,
    detail: dict[str, Any],
) -> Change:
    after, entry = post(
        member.account,
        account,
        kind=kind or (command.kind if command else ""),
        key=None if command is None else command.natural_key(context.today),
        context=context,
        content=b"" if command is None else command.content(),
        detail=compact(detail),
    )
    return Change(account=after, entry=entry, detail=detail, coupons=(coupon,))
