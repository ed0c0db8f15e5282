"""What to think of before a campaign is started, with what the database and the calendar know."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.actions.campaigns import Moment
from app.domain.calendar import local_date
from app.domain.campaign_clashes import Planned, clashes
from app.domain.campaigns import Campaign
from app.domain.coupon_templates import Template
from app.domain.program_warnings import Warning as CampaignNote
from app.festivals import beginning_on, days_of
from app.models.coupons import CouponTemplate
from app.queries.campaigns import list_campaigns
from app.recurrence import open_days

_DAY = timedelta(days=1)
_YEAR = timedelta(days=365)


async def warnings_of(connection: AsyncConnection, campaign: Campaign, moment: Moment) -> list[CampaignNote]:
    """What is to be pointed out of a campaign that could be live, over the year that begins with it or today."""
    timezone = moment.program.timezone
    first = moment.today
    if campaign.window.from_at is not None:
        first = max(first, local_date(campaign.window.from_at, timezone))
    last = first + _YEAR
    rows = await list_campaigns(connection, states=("draft", "live", "paused"), trigger=campaign.trigger)
    others = (row.read() for row in rows if row.campaign != campaign.campaign)
    return clashes(
        Planned(campaign, open_days(campaign, first, last, timezone)),
        [Planned(other, open_days(other, first, last, timezone)) for other in others],
        now=moment.now,
        festivals=_festivals(first, last, are_begun=campaign.trigger == "holiday"),
        templates=await _templates(connection, campaign),
    )


def _festivals(first: date, last: date, *, are_begun: bool) -> dict[date, frozenset[str]]:
    """The festivals by their days, or by the day on which they begin."""
    if are_begun:
        days = (first + _DAY * number for number in range((last - first).days + 1))
        return {day: names for day in days if (names := beginning_on(day))}
    years = {first.year, last.year}
    return {day: names for year in years for day, names in days_of(year).items() if first <= day <= last}


async def _templates(connection: AsyncConnection, campaign: Campaign) -> dict[str, Template]:
    named = {effect.template for effect in campaign.effects if effect.template is not None}
    if not named:
        return {}
    found = await connection.execute(
        select(CouponTemplate.template, CouponTemplate.revision, CouponTemplate.document).where(
            CouponTemplate.template.in_(named)
        )
    )
    return {row.template: Template.from_document(*row) for row in found}
