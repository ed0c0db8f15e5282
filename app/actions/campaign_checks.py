"""Whether a campaign that reads well could be live: its conditions, its recurrence, and what it names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.calendar import local_date
from app.domain.campaign_document import CampaignInvalid, CampaignMistake
from app.domain.campaigns import Campaign
from app.domain.program import Program
from app.expressions import ExpressionInvalid, Scope
from app.expressions import check as check_expression
from app.festivals import NAMES as HOLIDAYS
from app.models.campaigns import Campaign as CampaignTable
from app.queries.program import known_templates
from app.recurrence import RecurrenceAlways, RecurrenceInvalid, RecurrenceNever, start_of
from app.recurrence import check as check_recurrence

_MOMENT = timedelta(microseconds=1)
_DAY = timedelta(days=1)


def check_fit(campaign: Campaign, timezone: ZoneInfo) -> None:
    """Raise CampaignInvalid, with every place, unless conditions and recurrence can be used."""
    if mistakes := [*_conditions(campaign), *_recurrence(campaign, timezone)]:
        raise CampaignInvalid(mistakes)


async def check_all(connection: AsyncConnection, campaign: Campaign, program: Program) -> None:
    """As `check_fit`, and unless the tiers, templates, holidays and the campaign it names are there."""
    mistakes = [
        *_conditions(campaign),
        *_recurrence(campaign, program.timezone),
        *_tiers(campaign, program),
        *_holidays(campaign),
        *await _templates(connection, campaign),
        *await _of_campaign(connection, campaign),
    ]
    if mistakes:
        raise CampaignInvalid(mistakes)


def last_day(until: datetime, timezone: ZoneInfo) -> date:
    """The last day on which a window that ends then holds."""
    return local_date(until - _MOMENT, timezone)


def _conditions(campaign: Campaign) -> Iterator[CampaignMistake]:
    asked: tuple[tuple[str, str | None, Scope], ...] = (
        ("audience", campaign.audience, "audience"),
        ("condition", campaign.condition, campaign.trigger),
    )
    for name, expression, scope in asked:
        try:
            if expression is not None:
                check_expression(expression, scope)
        except ExpressionInvalid as error:
            line, column = error.extra["line"], error.extra["column"]
            yield CampaignMistake(f"/{name}", error.detail, error.code, line, column)


def _recurrence(campaign: Campaign, timezone: ZoneInfo) -> Iterator[CampaignMistake]:
    window = campaign.window
    if window.rrule is None:
        return
    until = None if window.until is None else last_day(window.until, timezone) + _DAY
    try:
        check_recurrence(window.rrule, start=start_of(campaign, timezone), until=until)
    except (RecurrenceInvalid, RecurrenceNever, RecurrenceAlways) as error:
        yield CampaignMistake("/window/rrule", error.detail, error.code)


def _tiers(campaign: Campaign, program: Program) -> Iterator[CampaignMistake]:
    known = [tier.code for tier in program.tiers.ladder]
    if not campaign.tiers <= set(known):
        yield CampaignMistake(
            "/tiers", f"must name tiers of the program in force: {', '.join(known)}", "tier_unknown"
        )


def _holidays(campaign: Campaign) -> Iterator[CampaignMistake]:
    if not set(campaign.holidays) <= set(HOLIDAYS):
        yield CampaignMistake("/holidays", f"must name some of {', '.join(HOLIDAYS)}", "holiday_unknown")


async def _templates(connection: AsyncConnection, campaign: Campaign) -> list[CampaignMistake]:
    named = {effect.template for effect in campaign.effects if effect.template is not None}
    known = set(await known_templates(connection, named)) if named else set[str]()
    return [
        CampaignMistake(
            f"/effects/{number}/template", "must be a coupon template that there is", "template_unknown"
        )
        for number, effect in enumerate(campaign.effects)
        if effect.template in named - known
    ]


async def _of_campaign(connection: AsyncConnection, campaign: Campaign) -> list[CampaignMistake]:
    code = campaign.of_campaign
    if code is None:
        return []
    if code != campaign.campaign and await connection.scalar(
        select(CampaignTable.campaign).where(CampaignTable.campaign == code)
    ):
        return []
    return [CampaignMistake("/of_campaign", "must be another campaign that there is", "campaign_unknown")]
