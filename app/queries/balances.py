"""A member's balance as it stood at a moment."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.account import bucket_of
from app.domain.errors import ErrorKind, LoyaltyError
from app.models.ledger import Entry
from app.queries.entries import is_member

SYSTEM = "system"
"""The actor of entries that wrote down what happened by itself, at their `occurred_at`."""


class AsOfInFuture(LoyaltyError):
    code = "as_of_in_future"
    kind = ErrorKind.UNPROCESSABLE
    title = "as_of lies ahead"

    def __init__(self) -> None:
        super().__init__(
            "What will be isn't known yet: ask for now (leave `as_of` out) or a time in the past."
        )


class BalanceRow(NamedTuple):
    """The wallets; all zero before the first entry."""

    as_of: datetime
    available: int = 0
    pending: int = 0
    reserved: int = 0
    debt: int = 0
    growth: int = 0
    cash: int = 0


async def moment_of(connection: AsyncConnection, as_of: datetime | None, *, clock: str) -> datetime:
    """The moment asked for, now if none; `clock` is the SQL of the program's clock. Raises AsOfInFuture."""
    now: datetime = (await connection.execute(text(f"SELECT {clock}"))).scalar_one()
    if as_of is None:
        return now
    if as_of > now:
        raise AsOfInFuture
    return as_of


async def read_balance(connection: AsyncConnection, *, member_id: str, as_of: datetime) -> BalanceRow | None:
    """The balance by all that had happened by `as_of`; None for an unknown member.

    What happens by itself counts from its own moment, however late it was written down; so whatever is due
    by `as_of` must have been.
    """
    statement = (
        select(
            Entry.points_after,
            Entry.pending_after,
            Entry.reserved_after,
            Entry.debt_after,
            Entry.growth_after,
            Entry.cash_after,
        )
        .where(Entry.bucket == bucket_of(member_id), Entry.member_id == member_id)
        .where(or_(Entry.recorded_at <= as_of, and_(Entry.actor == SYSTEM, Entry.occurred_at <= as_of)))
        .order_by(Entry.sequence.desc())
        .limit(1)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is not None:
        return BalanceRow(as_of, *row)
    return BalanceRow(as_of) if await is_member(connection, member_id=member_id) else None
