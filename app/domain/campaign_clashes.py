"""What to think of before a campaign is started: others and festivals on its days, and what it can't give.

Source: RULES.md, Campaigns: a plan that clashes with a festival or another campaign is pointed out. A warning forbids
nothing. Audiences and conditions are not weighed against each other: who warns too often is asked, who warns too
seldom costs.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import NamedTuple

from app.domain.campaigns import ALL_LINES, STACKING_TRIGGERS, Campaign
from app.domain.coupon_templates import Template
from app.domain.program_warnings import Warning as CampaignNote

MOST_OTHERS = 20
"""Clashes with others that are told; who has more has seen what there is to see."""


class Planned(NamedTuple):
    """A campaign, and the days on which it gives, of the year that is looked at."""

    campaign: Campaign
    days: frozenset[date]


Notes = Iterator[CampaignNote]


def clashes(
    planned: Planned,
    others: Iterable[Planned],
    *,
    now: datetime,
    festivals: Mapping[date, frozenset[str]],
    templates: Mapping[str, Template],
) -> list[CampaignNote]:
    """What is to be pointed out of a campaign. `others` are the campaigns that have not ended, of any trigger;
    `festivals` are those of the year looked at by their days, or for the trigger `holiday` by the day on which they
    begin; `templates` those it gives coupons of.
    """
    campaign = planned.campaign
    found = [
        *_days(planned, now, festivals),
        *_festivals(planned, festivals),
        *_budget(campaign),
        *_templates(campaign, templates),
    ]
    met = [
        (other.campaign, min(days))
        for other in sorted(others, key=lambda each: each.campaign.order_key)
        if _meet(campaign, other.campaign) and (days := planned.days & other.days)
    ]
    for other, day in met[:MOST_OTHERS]:
        found.append(_together(campaign, other, day))
    return found


def _days(planned: Planned, now: datetime, festivals: Mapping[date, frozenset[str]]) -> Notes:
    """Whether it has any day on which it can give."""
    campaign = planned.campaign
    if campaign.window.until is not None and campaign.window.until <= now:
        yield CampaignNote("window_over", "/window/until", "Its time is over: it gives nothing.")
    elif not planned.days:
        yield CampaignNote("no_day", "/window", "None of its days is within the year after it begins.")
    elif campaign.trigger == "holiday":
        named = frozenset(campaign.holidays)
        if not any(named & festivals.get(day, frozenset()) for day in planned.days):
            yield CampaignNote(
                "no_day", "/holidays", "None of these holidays begins on one of its days within the year."
            )


def _festivals(planned: Planned, festivals: Mapping[date, frozenset[str]]) -> Notes:
    """The festivals that it falls on: more is bought then anyway, and much else goes on."""
    window = planned.campaign.window
    if planned.campaign.trigger == "holiday" or (window.until is None and window.rrule is None):
        return
    met: dict[str, date] = {}
    for day in sorted(planned.days & festivals.keys()):
        for name in sorted(festivals[day]):
            met.setdefault(name, day)
    if met:
        told = "、".join(f"{name} ({day.isoformat()})" for name, day in met.items())
        yield CampaignNote("festival", "/window", f"It falls on public holidays: {told}.")


def _budget(campaign: Campaign) -> Notes:
    """Whether each budget reaches for one grant of its flat points."""
    grant = sum(effect.amount for effect in campaign.effects if effect.kind == "add_points")
    for name, most in campaign.budget._asdict().items():
        if most is not None and most < grant:
            yield CampaignNote(
                "budget_below_grant", f"/budget/{name}", f"It is less than one grant of {grant} points."
            )


def _templates(campaign: Campaign, templates: Mapping[str, Template]) -> Notes:
    """Whether coupons can be given as long as the campaign lasts."""
    for number, effect in enumerate(campaign.effects):
        template = templates.get(effect.template or "")
        if template is None:
            continue
        pointer = f"/effects/{number}/template"
        if template.automatic or template.state != "active":
            why = "applies without a coupon" if template.automatic else f"is {template.state}"
            yield CampaignNote(
                "template_not_given", pointer, f"The template {why}: nothing is given out of it."
            )
        elif template.valid.until is not None and _outlasts(campaign, template.valid.until):
            yield CampaignNote(
                "template_ends_before",
                pointer,
                "Its coupons end before the campaign does: then none is given.",
            )


def _outlasts(campaign: Campaign, until: datetime) -> bool:
    return campaign.window.until is None or until < campaign.window.until


def _meet(campaign: Campaign, other: Campaign) -> bool:
    """Whether both may apply to the same: the same thing happening to a member of the same tier."""
    return (
        campaign.campaign != other.campaign
        and campaign.trigger == other.trigger
        and not (campaign.tiers and other.tiers and campaign.tiers.isdisjoint(other.tiers))
    )


def _together(campaign: Campaign, other: Campaign, day: date) -> CampaignNote:
    """What becomes of two campaigns that meet from a day on."""
    name, since = other.campaign, f"from {day.isoformat()} on"
    if campaign.trigger in STACKING_TRIGGERS and not (campaign.stacks and other.stacks):
        # One that doesn't stack applies alone, and only as the first: so of the two the first applies.
        if campaign.order_key < other.order_key:
            told = f"While it applies, the campaign {name} does not ({since})."
            return CampaignNote("shadows", "/stacks", told)
        told = f"While the campaign {name} applies, this one does not ({since})."
        return CampaignNote("shadowed", "/stacks", told)
    told = "both give"
    own, others = _factor(campaign), _factor(other)
    if own > 1 and others > 1:
        where = "" if _is_for_all(campaign) and _is_for_all(other) else " where both are for the same goods"
        told = f"together they give {_decimal(own * others)} times the points{where}"
    return CampaignNote(
        "same_days", "/window", f"The campaign {name} is for the same days ({since}): {told}."
    )


def _factor(campaign: Campaign) -> Fraction:
    """By how much its multipliers multiply, where all of them apply."""
    product = Fraction(1)
    for effect in campaign.effects:
        if effect.factor is not None:
            product *= Fraction(*effect.factor)
    return product


def _is_for_all(campaign: Campaign) -> bool:
    return all(effect.lines == ALL_LINES for effect in campaign.effects)


def _decimal(factor: Fraction) -> str:
    return f"{float(factor):.3f}".rstrip("0").rstrip(".")
