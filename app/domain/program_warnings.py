"""What to think of before a version of the program is published: what members would lose, and what would not work.

A warning forbids nothing. What is forbidden are `obstacles`: a version that members can't live under.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import NamedTuple

from app.domain.benefits import templates_given
from app.domain.calendar import add_months
from app.domain.document import Mistake
from app.domain.program import Program
from app.domain.ratio import Ratio
from app.domain.terms import OCCASIONS, Tier, Validity


class Warning(NamedTuple):  # noqa: A001 - that is what it is
    """Something to think of: a stable code, its place in the document, and what it means for members."""

    code: str
    pointer: str
    detail: str


Warnings = Iterator[Warning]


def obstacles(after: Program, *, published: Iterable[Program]) -> tuple[Mistake, ...]:
    """What keeps a version from being published: a tier that members may be in must be there in every later version,
    and amounts keep their currency.
    """
    found: list[Mistake] = []
    codes = {tier.code for tier in after.tiers.ladder}
    dropped: set[str] = set()
    for program in published:
        dropped |= {tier.code for tier in program.tiers.ladder} - codes
        if program.currency != after.currency:
            found.append(
                Mistake("/currency", f"must stay {program.currency}: the ledger's amounts are in it")
            )
    found += [
        Mistake(
            "/tiers/ladder", f"must keep the tier {code}: members may be in it. Raise its thresholds instead"
        )
        for code in sorted(dropped)
    ]
    return tuple(dict.fromkeys(found))


def warnings(before: Program, after: Program, *, templates: Collection[str]) -> list[Warning]:
    """What members would lose if `after` followed `before`, and the coupon templates it names that are none of
    `templates`.
    """
    found = [
        *_unknown_templates(after, templates),
        *_earning(before, after),
        *_sign_in(before, after),
        *_keeping(before, after),
        *_paying(before, after),
        *_tiers(before, after),
        *_qualification(before, after),
        *_engagement(before, after),
    ]
    if before.timezone.key != after.timezone.key:
        found.append(
            Warning(
                "timezone_changed",
                "/timezone",
                "Days begin at another hour: streaks, days of expiry and limits move.",
            )
        )
    return found


def _unknown_templates(after: Program, templates: Collection[str]) -> Warnings:
    for rank, tier in enumerate(after.tiers.ladder):
        for place, benefit in enumerate(tier.benefits):
            if benefit.coupon is not None and benefit.coupon.template not in templates:
                pointer = f"/tiers/ladder/{rank}/benefits/{place}/coupon/template"
                yield Warning(
                    "template_unknown", pointer, "There is no such coupon template: nothing would be given."
                )
    for place, mission in enumerate(after.missions):
        if mission.reward.coupon is not None and mission.reward.coupon not in templates:
            pointer = f"/missions/{place}/reward/coupon"
            yield Warning(
                "template_unknown", pointer, "There is no such coupon template: nothing would be given."
            )


def _earning(before: Program, after: Program) -> Warnings:
    was, now = before.earning, after.earning
    if _is_less(now.rate, was.rate, times=was.unit_fen, over=now.unit_fen):
        yield Warning("rate_lowered", "/earning/rate", "Purchases earn fewer points than before.")
    for section, rates, old_rates in (
        ("categories", now.categories, was.categories),
        ("brands", now.brands, was.brands),
    ):
        for name, old in old_rates.items():
            own = rates.get(name, now.rate)
            if _is_less(own, old, times=was.unit_fen, over=now.unit_fen):
                pointer = f"/earning/{section}" + (f"/{_escaped(name)}" if name in rates else "")
                yield Warning("rate_lowered", pointer, "Purchases there earn fewer points than before.")
    if _is_less(after.growth.rate, before.growth.rate, times=was.unit_fen, over=now.unit_fen):
        yield Warning("growth_lowered", "/growth/rate", "Purchases give less growth than before.")
    if before.cash != after.cash and before.cash.policy != "none":
        if after.cash.policy == "none":
            yield Warning("cash_dropped", "/cash/policy", "Orders no longer return cash.")
        else:
            yield Warning("cash_changed", "/cash", "Orders return cash otherwise: some return less, or none.")


def _sign_in(before: Program, after: Program) -> Warnings:
    if after.sign_in.points < before.sign_in.points:
        yield Warning("sign_in_lowered", "/sign_in/points", "A sign-in gives fewer points than before.")
    extras = dict(after.sign_in.ladder)
    if any(extras.get(day, 0) < points for day, points in before.sign_in.ladder):
        yield Warning("sign_in_lowered", "/sign_in/ladder", "Some day of a streak gives less than before.")


def _keeping(before: Program, after: Program) -> Warnings:
    if _reach(after.validity) < _reach(before.validity):
        yield Warning(
            "validity_shortened",
            "/validity",
            "Points earned from then on expire sooner than before; those earned earlier keep their date.",
        )
    elif before.validity.policy != after.validity.policy and _reach(after.validity) == _reach(
        before.validity
    ):
        yield Warning("validity_changed", "/validity", "Points earned from then on expire by another rule.")
    if after.refund_grace_days < before.refund_grace_days:
        yield Warning(
            "grace_shortened", "/refunds/grace_days", "Points that a refund returns can be used less long."
        )
    if after.settlement_days > before.settlement_days:
        yield Warning(
            "settlement_later", "/settlement/days", "Pending points become available later than before."
        )


def _paying(before: Program, after: Program) -> Warnings:
    was, now = before.paying, after.paying
    for tier in after.tiers.ladder:
        code = tier.code
        if now.value_fen(was.points * now.points, tier=code) < was.value_fen(
            was.points * now.points, tier=code
        ):
            yield Warning(
                "worth_lowered", "/paying", f"Points of the tier {code} are worth less than before."
            )
        if now.share_percent(tier=code) < was.share_percent(tier=code):
            yield Warning(
                "share_lowered", "/paying", f"Points pay less of an order in the tier {code} than before."
            )
    if now.min_points > was.min_points:
        yield Warning(
            "least_raised", "/paying/min_points", "It takes more points than before to pay with any."
        )


def _tiers(before: Program, after: Program) -> Warnings:
    codes = [tier.code for tier in after.tiers.ladder]
    kept = [tier.code for tier in before.tiers.ladder if tier.code in codes]
    if kept != [code for code in codes if code in kept]:
        yield Warning(
            "tier_order_changed",
            "/tiers/ladder",
            "Tiers stand in another order: members rank otherwise at once.",
        )
    if kept and codes[0] not in kept:
        yield Warning(
            "lowest_tier_changed", "/tiers/ladder/0", "Who joins starts in a tier below all others."
        )
    for code in kept:
        was, now = before.tier(code), after.tier(code)
        pointer = f"/tiers/ladder/{now.rank}"
        if any(now.thresholds.get(metric, 0) > value for metric, value in was.thresholds.items()):
            yield Warning(
                "threshold_raised",
                f"{pointer}/thresholds",
                "Members keep a tier they would no longer win, until a refund or the end of its period.",
            )
        if _is_less(now.rate, was.rate):
            yield Warning(
                "tier_rate_lowered", f"{pointer}/rate", "Its members earn at a lower rate than before."
            )
        if now.requires_review and not was.requires_review:
            yield Warning(
                "review_added",
                f"{pointer}/requires_review",
                "Who has the tier already has no approval for it.",
            )
        yield from _benefits(was, now, pointer)


def _benefits(was: Tier, now: Tier, pointer: str) -> Warnings:
    codes = {benefit.code for benefit in now.benefits}
    if any(benefit.code not in codes for benefit in was.benefits):
        yield Warning("benefit_dropped", f"{pointer}/benefits", "Its members lose a benefit at once.")
    most, had = (
        max((benefit.discount_percent or 0 for benefit in tier.benefits), default=0) for tier in (now, was)
    )
    if most < had:
        yield Warning(
            "discount_lowered", f"{pointer}/benefits", "Its members get a smaller discount than before."
        )


def _qualification(before: Program, after: Program) -> Warnings:
    if before.tiers.qualification != after.tiers.qualification:
        yield Warning(
            "qualification_changed",
            "/tiers/qualification",
            "What counts for tiers changes. Nobody goes down at that moment, but the next refund or end of a period "
            "judges by the new rule.",
        )
    was, now = before.tiers.validity_months, after.tiers.validity_months
    if now is not None and (was is None or now < was):
        yield Warning(
            "tier_validity_shortened",
            "/tiers/validity_months",
            "Tiers won from then on hold less long; those won earlier keep their end, or have none.",
        )
    if now is None and (after.tiers.grace_days or after.tiers.warn_days):
        yield Warning(
            "tier_period_unused",
            "/tiers/validity_months",
            "Tiers hold for good, so their grace and warning say nothing.",
        )


def _engagement(before: Program, after: Program) -> Warnings:
    for kind, was in before.activities.items():
        now = after.activities.get(kind)
        if now is None:
            yield Warning("activity_dropped", "/activities", "An activity is rewarded no more.")
        elif now.points < was.points or now.growth < was.growth:
            place = list(after.activities).index(kind)
            yield Warning("activity_lowered", f"/activities/{place}", "The activity gives less than before.")
    names = {mission.mission for mission in after.missions}
    if any(mission.mission not in names for mission in before.missions):
        yield Warning("mission_dropped", "/missions", "A mission ends: progress towards it is worth nothing.")
    if before.referral is None:
        return
    if after.referral is None:
        yield Warning("section_dropped", "/referral", "Inviting friends is rewarded no more.")
    elif (
        after.referral.inviter_points < before.referral.inviter_points
        or after.referral.invitee_points < before.referral.invitee_points
    ):
        yield Warning("referral_lowered", "/referral", "Inviting friends gives less than before.")


_FAR = 10**6


def _reach(validity: Validity) -> int:
    """How long points of an average day last, in days, for comparing; what never ends by date lasts for ever."""
    middle = date(2001, 7, 1)
    match validity.policy:
        case "anniversary":
            return (add_months(middle, validity.years * 12) - middle).days
        case "calendar_year_end":
            return (date(middle.year + validity.years, 12, 31) - middle).days
        case "months" | "inactivity":
            return (add_months(middle, validity.months) - middle).days
        case "yearly_tenth":
            return _FAR - 1
        case _:  # never
            return _FAR


def _is_less(now: Ratio, was: Ratio, *, times: int = 1, over: int = 1) -> bool:
    """Whether a rate for each `over` is less than one for each `times` was."""
    return now.numerator * was.denominator * times < was.numerator * now.denominator * over


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def templates_of(program: Program) -> frozenset[str]:
    """Every coupon template that the program names."""
    given = {mission.reward.coupon for mission in program.missions if mission.reward.coupon is not None}
    return templates_given(program, OCCASIONS) | given
