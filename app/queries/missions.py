"""Reading how far members are with missions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.account import MissionProgress as ProgressRow
from app.domain.account import bucket_of
from app.models.activities import MissionProgress
from app.models.ledger import Account

MOST_BADGES = 200

_PROGRESS = [getattr(MissionProgress, name) for name in ProgressRow._fields]


class MissionsRow(NamedTuple):
    """When the member joined, the progress in the periods asked for, and what earned a badge, newest first."""

    joined_at: datetime
    progress: list[ProgressRow]
    badges: list[ProgressRow]


async def read_missions(
    connection: AsyncConnection, *, member_id: str, periods: Collection[str]
) -> MissionsRow | None:
    """None for an unknown member. Of the badges the newest `MOST_BADGES`."""
    bucket = bucket_of(member_id)
    joined_at = await connection.scalar(
        select(Account.joined_at).where(Account.bucket == bucket, Account.member_id == member_id)
    )
    if joined_at is None:
        return None
    mine = select(*_PROGRESS).where(MissionProgress.bucket == bucket, MissionProgress.member_id == member_id)
    progress = await connection.execute(mine.where(MissionProgress.period.in_(periods)))
    badges = await connection.execute(
        mine.where(MissionProgress.badge.is_not(None))
        .order_by(MissionProgress.completed_at.desc(), MissionProgress.mission, MissionProgress.period)
        .limit(MOST_BADGES)
    )
    return MissionsRow(
        joined_at, [ProgressRow._make(row) for row in progress], [ProgressRow._make(row) for row in badges]
    )
