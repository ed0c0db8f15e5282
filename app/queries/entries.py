"""Reading entries: one member's, and everybody's for the accountant."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, exists, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Database
from app.domain.account import bucket_of
from app.models.ledger import Account, Entry


class EntryRow(NamedTuple):
    """An entry as it is read: all but the hash of its command."""

    bucket: int
    member_id: str
    sequence: int
    kind: str
    key: str
    order_id: str | None
    points: int
    pending: int
    reserved: int
    debt: int
    growth: int
    cash: int
    points_after: int
    pending_after: int
    reserved_after: int
    debt_after: int
    growth_after: int
    cash_after: int
    occurred_at: datetime
    recorded_at: datetime
    program_version: int
    actor: str
    request_id: str
    detail: dict[str, Any]


Position = tuple[datetime, int, str, int]
"""Where an entry stands among all: recorded_at, bucket, member_id, sequence."""

_COLUMNS = [getattr(Entry, name) for name in EntryRow._fields]
_PLACE = (Entry.recorded_at, Entry.bucket, Entry.member_id, Entry.sequence)

# How much time the first look for a page of all entries covers, and how much more each further look.
_FIRST_SPAN = timedelta(seconds=1)
_WIDENING = 16

_ROWS_AT_ONCE = 1_000


async def list_entries(
    connection: AsyncConnection,
    *,
    member_id: str,
    limit: int,
    kinds: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
) -> list[EntryRow] | None:
    """Up to `limit` entries of a member recorded from `since` and before `until`, newest first.

    `before` is the sequence at which the page before ended. None for an unknown member.
    """
    statement = (
        select(*_COLUMNS)
        .where(Entry.bucket == bucket_of(member_id), Entry.member_id == member_id)
        .order_by(Entry.sequence.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(Entry.sequence < before)
    if kinds:
        statement = statement.where(Entry.kind.in_(kinds))
    rows = [EntryRow._make(row) for row in await connection.execute(_recorded(statement, since, until))]
    return rows if rows or await is_member(connection, member_id=member_id) else None


async def is_member(connection: AsyncConnection, *, member_id: str) -> bool:
    """Whether there is such a member, erased ones included."""
    is_one = exists().where(Account.bucket == bucket_of(member_id), Account.member_id == member_id)
    return bool(await connection.scalar(select(is_one)))


async def list_all_entries(
    connection: AsyncConnection,
    *,
    limit: int,
    clock: str,
    since: datetime | None = None,
    until: datetime | None = None,
    after: Position | None = None,
) -> list[EntryRow]:
    """Up to `limit` entries of all members recorded from `since` and before `until`, oldest first.

    The index knows only about which times are on which pages, so a page is looked for in a short time first,
    and in ever longer ones until it is full: as much is read as there is to answer, however long the ledger.
    """
    now: datetime = (await connection.execute(text(f"SELECT {clock} + interval '1 day'"))).scalar_one()
    end = now if until is None else min(until, now)
    statement = select(*_COLUMNS).order_by(*_PLACE).limit(limit)
    start = since
    if after is not None:
        start = after[0] if since is None else max(since, after[0])
        statement = statement.where(tuple_(*_PLACE) > after)
    elif since is None:
        start = await connection.scalar(select(func.min(Entry.recorded_at)))
    span = _FIRST_SPAN
    while start is not None and start < end:
        reach = min(start + span, end) if span < end - start else end
        rows = [EntryRow._make(row) for row in await connection.execute(_recorded(statement, start, reach))]
        if len(rows) == limit or reach == end:
            return rows
        span *= _WIDENING
    return []


async def stream_all_entries(
    database: Database,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    after: Position | None = None,
) -> AsyncGenerator[list[EntryRow]]:
    """All entries recorded from `since` and before `until`, oldest first, a thousand at a time."""
    statement = select(*_COLUMNS).order_by(*_PLACE).execution_options(yield_per=_ROWS_AT_ONCE)
    if after is not None:
        statement = statement.where(Entry.recorded_at >= after[0], tuple_(*_PLACE) > after)
    async with database.engine.connect() as connection:
        result = await connection.stream(_recorded(statement, since, until))
        async for rows in result.partitions():
            yield [EntryRow._make(row) for row in rows]


def _recorded(
    statement: Select[*tuple[Any, ...]], since: datetime | None, until: datetime | None
) -> Select[*tuple[Any, ...]]:
    if since is not None:
        statement = statement.where(Entry.recorded_at >= since)
    if until is not None:
        statement = statement.where(Entry.recorded_at < until)
    return statement
