"""Reading tier reviews: who waits for a person, and what was decided."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.account import Review as ReviewRow
from app.domain.account import bucket_of
from app.models.ledger import TierReview

_COLUMNS = [getattr(TierReview, name) for name in ReviewRow._fields]
_PLACE = (TierReview.opened_at, TierReview.bucket, TierReview.member_id, TierReview.sequence)


class ReviewName(NamedTuple):
    """What names a review: the member, and the entry that opened it."""

    member_id: str
    sequence: int


async def list_reviews(
    connection: AsyncConnection,
    *,
    limit: int,
    status: str | None = None,
    member_id: str | None = None,
    after: tuple[datetime, int, str, int] | None = None,
) -> list[ReviewRow]:
    """Up to `limit` reviews, those that wait longest first; `after` is the place of the last one before."""
    statement = select(*_COLUMNS).order_by(*_PLACE).limit(limit)
    if status is not None:
        statement = statement.where(TierReview.status == status)
    if member_id is not None:
        statement = statement.where(
            TierReview.bucket == bucket_of(member_id), TierReview.member_id == member_id
        )
    if after is not None:
        statement = statement.where(tuple_(*_PLACE) > after)
    return [ReviewRow._make(row) for row in await connection.execute(statement)]


async def read_review(connection: AsyncConnection, name: ReviewName) -> ReviewRow | None:
    """One review, None if there is none of that name."""
    statement = select(*_COLUMNS).where(
        TierReview.bucket == bucket_of(name.member_id),
        TierReview.member_id == name.member_id,
        TierReview.sequence == name.sequence,
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else ReviewRow._make(row)
