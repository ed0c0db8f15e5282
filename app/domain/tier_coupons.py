"""A tier gives coupons: to who enters it, each month, and in the month of the birthday (RULES.md: Tiers).

What can't be given (the template is unknown, ended or exhausted, the member has as many as they may) is left out and
told in the entry; it never stands in the way of anything else.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.domain.benefit_commands import GiveBirthdayCoupon
from app.domain.benefits import A_MOMENT, coupons_on, month_start, next_month
from app.domain.calendar import local_date
from app.domain.compact import compact
from app.domain.coupon_issuing import Handed, hand_out, shown
from app.domain.posting import Change, Context, Member, post
from app.domain.terms import Occasion, TierCoupon

_MONTHS_BACK = 11
"""Besides its own month, a tier whose coupons were not written down for long gives those of so many before."""


def due_at(member: Member, context: Context) -> datetime | None:
    """When the tier gives coupons next. Of many months not written down, only the last twelve are given."""
    account = member.account
    at = account.benefits_at
    if at is None or at == account.tier_since:
        return at
    return max(at, month_start(context.now, context.program.timezone, months=-_MONTHS_BACK))


def give(member: Member, context: Context) -> Change:
    """The tier gives what it owes at this moment; no entry if that is nothing. It owes again with the next month."""
    account, at, timezone = member.account, context.now, context.program.timezone
    tier = context.program.tier(account.tier)
    monthly = coupons_on(tier, "month")
    year, month = local_date(at, timezone).isoformat().split("-")[:2]
    entry_key = f"tier_coupons/{tier.code}/entry/{year}"  # so that going down and up again gains nothing
    month_key = f"tier_coupons/{tier.code}/month/{year}-{month}"
    is_beginning = at - month_start(at, timezone) <= A_MOMENT
    owes_month = bool(monthly) and is_beginning and month_key not in member.paid
    next_at = next_month(at, timezone) if monthly else None
    entering = coupons_on(tier, "entry") if at == account.tier_since else ()
    if entering and entry_key not in member.paid:
        then = at if owes_month else next_at
        return _given(member, entering, context, on="entry", key=entry_key, next_at=then)
    if owes_month:
        return _given(member, monthly, context, on="month", key=month_key, next_at=next_at)
    return Change(account=account._replace(benefits_at=next_at))


def give_birthday_coupon(member: Member, command: GiveBirthdayCoupon, context: Context) -> Change:
    """The tier's coupons for the birthday, if it is known to be in this month; no entry if there are none."""
    account = member.account
    coupons = coupons_on(context.program.tier(account.tier), "birthday")
    if not coupons or member.traits.get("birthday_month") != context.today.month:
        return Change(account=account)
    return _given(
        member,
        coupons,
        context,
        on="birthday",
        key=command.natural_key(context.today),
        next_at=account.benefits_at,
        content=command.content(),
    )


def _given(
    member: Member,
    wanted: Iterable[TierCoupon],
    context: Context,
    *,
    on: Occasion,
    key: str,
    next_at: datetime | None,
    content: bytes = b"",
) -> Change:
    source = "birthday" if on == "birthday" else "tier"
    templates = [coupon.template for coupon in wanted for _ in range(coupon.count)]
    handed = hand_out(member, Handed(member.account), templates, context, source=source)
    detail: dict[str, Any] = {
        "tier": member.account.tier,
        "on": on,
        "coupons": [shown(coupon) for coupon in handed.coupons],
        "refused": handed.refused,
    }
    after, entry = post(
        member.account,
        handed.account._replace(benefits_at=next_at),
        kind="tier_coupons",
        key=key,
        context=context,
        content=content,
        detail=compact(detail),
    )
    return Change(
        account=after,
        entry=entry,
        detail=detail,
        coupons=handed.coupons,
        codes=handed.codes,
        counters=handed.counters,
    )
