"""What a member's tier and grants hold for them, and when the tier owes coupons (RULES.md: Tiers)."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from app.domain.account import Account, BenefitGrant
from app.domain.calendar import add_months, local_date, midnight
from app.domain.instants import earlier
from app.domain.posting import Context
from app.domain.program import Program
from app.domain.terms import Occasion, Tier, TierCoupon
from app.domain.tiers import grace_until

A_MOMENT = timedelta(microseconds=1)


class Perks(NamedTuple):
    """What prices take into account: the largest discount, free shipping, and whose they are (`tier:gold`)."""

    discount_percent: int
    discount_by: str
    shipping_by: str | None


def perks(tier: Tier, grants: Iterable[BenefitGrant], now: datetime) -> Perks:
    """The best of the tier and of what was granted; of two that are equal the tier's."""
    own = f"tier:{tier.code}"
    percent, discount_by, shipping_by = 0, own, None
    for benefit in tier.benefits:
        percent = max(percent, benefit.discount_percent or 0)
        if benefit.free_shipping:
            shipping_by = own
    for grant in grants:
        if not holds(grant, now):
            continue
        terms: dict[str, Any] = json.loads(grant.terms)
        source = f"benefit:{grant.benefit}"
        if terms.get("discount_percent", 0) > percent:
            percent, discount_by = terms["discount_percent"], source
        if terms.get("free_shipping"):
            shipping_by = shipping_by or source
    return Perks(percent, discount_by, shipping_by)


def holds(grant: BenefitGrant, now: datetime) -> bool:
    """Whether what was granted still holds."""
    return grant.revoked_at is None and (grant.until is None or now < grant.until)


# --- coupons of a tier -------------------------------------------------------------------------------------


def coupons_on(tier: Tier, on: Occasion) -> tuple[TierCoupon, ...]:
    """What the tier gives on an occasion."""
    return tuple(
        benefit.coupon for benefit in tier.benefits if benefit.coupon is not None and benefit.coupon.on == on
    )


@lru_cache(maxsize=64)
def templates_given(program: Program, occasions: frozenset[Occasion]) -> frozenset[str]:
    """The templates of which any tier gives coupons on one of these occasions."""
    return frozenset(
        coupon.template
        for tier in program.tiers.ladder
        for on in occasions
        for coupon in coupons_on(tier, on)
    )


def owing(account: Account, *, before: str | None, context: Context) -> Account:
    """The account, which just got its tier after `before` (None: on joining), with when that tier owes coupons next.

    Entry coupons are for those who rise; what the tier before owed at this very moment, the new one does a moment
    later, when nobody takes it for an entry.
    """
    program, now = context.program, context.now
    tier = program.tier(account.tier)
    has_risen = before is None or program.tier(before).rank < tier.rank
    at: datetime | None = None
    if has_risen and coupons_on(tier, "entry"):
        at = now
    elif coupons_on(tier, "month"):
        at = now + A_MOMENT if account.benefits_at == now else next_month(now, program.timezone)
    return _with_benefits_at(account, at)


def owing_no_entry(account: Account, context: Context) -> Account:
    """The account of a member brought along from elsewhere, who did not enter the tier here."""
    if account.benefits_at != context.now:
        return account
    return with_months(account._replace(benefits_at=None), context)


def with_months(account: Account, context: Context) -> Account:
    """The account, with when its tier owes the next month's coupons if nothing told so yet: a later version of the
    program may have brought them.
    """
    if account.benefits_at is not None or account.status == "erased":
        return account
    if not coupons_on(context.program.tier(account.tier), "month"):
        return account
    return _with_benefits_at(account, next_month(context.now, context.program.timezone))


def _with_benefits_at(account: Account, at: datetime | None) -> Account:
    if account.status == "erased":
        at = None
    if at is None and account.benefits_at is None:
        return account  # most tiers give no coupons
    return account._replace(benefits_at=at, due_at=earlier(account.due_at, at))


def month_start(instant: datetime, timezone: ZoneInfo, *, months: int = 0) -> datetime:
    """When the month of an instant begins in the zone, or one so many months later."""
    return midnight(add_months(local_date(instant, timezone).replace(day=1), months), timezone)


def next_month(instant: datetime, timezone: ZoneInfo) -> datetime:
    """When the month after that of an instant begins."""
    return month_start(instant, timezone, months=1)


# --- what holds now ----------------------------------------------------------------------------------------


class Held(NamedTuple):
    """One benefit that a member has now: of the tier, or of a grant. `terms` as the program or the grant has them;
    `next_coupon_at`: when it gives coupons next, where that is a set day.
    """

    code: str
    label: str
    terms: dict[str, Any]
    since: datetime
    until: datetime | None
    grant: BenefitGrant | None
    next_coupon_at: datetime | None


def held(
    account: Account, grants: Iterable[BenefitGrant], *, now: datetime, program: Program
) -> Iterator[Held]:
    """What holds for the member at `now`: the tier's rate and benefits, then what was granted. Nothing is due."""
    if account.status == "erased":
        return
    tier = program.tier(account.tier)
    until = account.tier_valid_until
    if until is not None and account.tier_state == "grace":
        until = grace_until(until, program)
    if tier.rate.numerator != tier.rate.denominator:
        yield Held(
            "rate", f"积分 ×{tier.rate}", {"rate": str(tier.rate)}, account.tier_since, until, None, None
        )
    for benefit in tier.benefits:
        coupon = benefit.coupon
        next_at = account.benefits_at if coupon is not None and coupon.on == "month" else None
        yield Held(benefit.code, benefit.label, benefit.all_terms(), account.tier_since, until, None, next_at)
    for grant in grants:
        if holds(grant, now):
            terms: dict[str, Any] = json.loads(grant.terms)
            yield Held(grant.benefit, grant.label, terms, grant.since, grant.until, grant, None)
