"""Reading backtests."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import exists, null, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.models.backtests import Backtest


class BacktestRow(NamedTuple):
    """A backtest as it is kept. `asked`: as `actions/backtests.py` writes it; `result`: None before it is done, and
    where only lists are read.
    """

    id: UUID
    state: str
    asked: dict[str, Any]
    progress: float
    error: str | None
    actor: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None


_COLUMNS = (
    Backtest.id,
    Backtest.state,
    Backtest.asked,
    Backtest.progress,
    Backtest.error,
    Backtest.actor,
    Backtest.created_at,
    Backtest.started_at,
    Backtest.finished_at,
)


async def read_backtest(connection: AsyncConnection, backtest: UUID) -> BacktestRow | None:
    """The backtest with its result, None for an unknown one."""
    found = await connection.execute(select(*_COLUMNS, Backtest.result).where(Backtest.id == backtest))
    row = found.one_or_none()
    return None if row is None else BacktestRow._make(row)


async def read_chart(connection: AsyncConnection, backtest: UUID) -> tuple[str, str | None] | None:
    """The state of the backtest and its chart as SVG, None before it is done; None for an unknown one."""
    found = await connection.execute(select(Backtest.state, Backtest.chart).where(Backtest.id == backtest))
    row = found.one_or_none()
    return None if row is None else (row.state, row.chart)


async def list_backtests(
    connection: AsyncConnection, *, limit: int, before: tuple[datetime, UUID] | None = None
) -> list[BacktestRow]:
    """Up to `limit` backtests, newest first, without their results."""
    statement = (
        select(*_COLUMNS, null()).order_by(Backtest.created_at.desc(), Backtest.id.desc()).limit(limit)
    )
    if before is not None:
        statement = statement.where(tuple_(Backtest.created_at, Backtest.id) < before)
    return [BacktestRow._make(row) for row in await connection.execute(statement)]


async def next_backtest(connection: AsyncConnection, *, unseen_since: datetime) -> UUID | None:
    """The oldest that nobody runs: one still queued, or one whose runner gave no sign of life since then."""
    return await connection.scalar(
        select(Backtest.id)
        .where(
            or_(Backtest.state == "queued", (Backtest.state == "running") & (Backtest.seen_at < unseen_since))
        )
        .order_by(Backtest.created_at, Backtest.id)
        .limit(1)
    )


async def is_there(connection: AsyncConnection, backtest: UUID) -> bool:
    """Whether the backtest is still there: whoever asked for it may have deleted it."""
    return bool(await connection.scalar(select(exists().where(Backtest.id == backtest))))
