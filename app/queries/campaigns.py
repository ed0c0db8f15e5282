"""Reading campaigns, their versions, and what they gave."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.account import bucket_of
from app.domain.campaign_document import read_campaign as read_document
from app.domain.campaigns import Campaign as CampaignValue
from app.domain.campaigns import State
from app.models.campaigns import Campaign, CampaignBudget, CampaignFailure, CampaignSum, CampaignVersion


class CampaignRow(NamedTuple):
    """A campaign as it is stored; `document` is what `read_campaign` of the domain reads."""

    campaign: str
    revision: int
    version: int
    state: State
    document: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    def read(self) -> CampaignValue:
        """The campaign as a value."""
        return read_document(
            self.campaign,
            self.document,
            version=self.version,
            revision=self.revision,
            state=self.state,
            created_at=self.created_at,
        )


class CampaignVersionRow(NamedTuple):
    """What a version of a campaign said, since when, and who made it."""

    version: int
    document: dict[str, Any]
    created_at: datetime
    actor: str


class Failures(NamedTuple):
    """How often a campaign could not be decided on, and why the last time."""

    failures: int = 0
    last_at: datetime | None = None
    last_error: str | None = None


class Given(NamedTuple):
    """What a campaign gave, to how many: `amount` and `discount` in the minor unit."""

    participants: int
    times: int
    amount: int
    points: int
    growth: int
    chances: int
    coupons: int
    discount: int
    taken_back: int


CAMPAIGN_COLUMNS = (
    Campaign.campaign,
    Campaign.revision,
    Campaign.version,
    Campaign.state,
    Campaign.document,
    Campaign.created_at,
    Campaign.updated_at,
    Campaign.started_at,
    Campaign.ended_at,
)
"""The columns of a `CampaignRow`, in order."""

_SUMS = tuple(getattr(CampaignSum, name) for name in Given._fields)


async def read_campaign(connection: AsyncConnection, campaign: str) -> CampaignRow | None:
    """The campaign, None for an unknown one."""
    found = await connection.execute(select(*CAMPAIGN_COLUMNS).where(Campaign.campaign == campaign))
    row = found.one_or_none()
    return None if row is None else CampaignRow._make(row)


async def list_campaigns(
    connection: AsyncConnection,
    *,
    limit: int | None = None,
    after: str | None = None,
    states: Iterable[str] | None = None,
    trigger: str | None = None,
) -> list[CampaignRow]:
    """Up to `limit` campaigns by their code, those past `after`, in one of `states`, of the trigger."""
    statement = select(*CAMPAIGN_COLUMNS).order_by(Campaign.campaign).limit(limit)
    if after is not None:
        statement = statement.where(Campaign.campaign > after)
    if states is not None:
        statement = statement.where(Campaign.state.in_(list(states)))
    if trigger is not None:
        statement = statement.where(Campaign.document["trigger"].astext == trigger)
    return [CampaignRow._make(row) for row in await connection.execute(statement)]


async def list_versions(
    connection: AsyncConnection, campaign: str, *, limit: int, before: int | None
) -> list[CampaignVersionRow]:
    """Up to `limit` versions of a campaign, newest first, those before the version `before`."""
    statement = (
        select(
            CampaignVersion.version,
            CampaignVersion.document,
            CampaignVersion.created_at,
            CampaignVersion.actor,
        )
        .where(CampaignVersion.campaign == campaign)
        .order_by(CampaignVersion.version.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(CampaignVersion.version < before)
    return [CampaignVersionRow._make(row) for row in await connection.execute(statement)]


async def read_given(connection: AsyncConnection, campaign: str) -> Given:
    """What the campaign gave so far, added up."""
    sums = (func.coalesce(func.sum(column), 0) for column in _SUMS)
    found = await connection.execute(
        select(*sums).where(CampaignSum.bucket == bucket_of(campaign), CampaignSum.campaign == campaign)
    )
    return Given(*map(int, found.one()))


async def read_granted(connection: AsyncConnection, campaign: str, today: date) -> tuple[int, int]:
    """The points granted out of the campaign's budgets: out of the one in all, and out of today's."""
    day = f"{campaign}/{today.isoformat()}"
    found = await connection.execute(
        select(CampaignBudget.budget, func.sum(CampaignBudget.granted))
        .where(
            CampaignBudget.bucket.in_([bucket_of(campaign), bucket_of(day)]),
            CampaignBudget.budget.in_([campaign, day]),
        )
        .group_by(CampaignBudget.budget)
    )
    granted = {budget: int(points) for budget, points in found}
    return granted.get(campaign, 0), granted.get(day, 0)


async def read_failures(connection: AsyncConnection, campaign: str) -> Failures:
    """How often the campaign could not be decided on."""
    found = await connection.execute(
        select(CampaignFailure.failures, CampaignFailure.last_at, CampaignFailure.last_error).where(
            CampaignFailure.campaign == campaign
        )
    )
    row = found.one_or_none()
    return Failures() if row is None else Failures._make(row)
