"""Backtests are asked for, taken up, and kept: the replay itself is in `backtest_runs.py`.

Whoever runs one gives a sign of life with its progress. One that broke off is queued again after a while without, and
begins again: until it is done nothing of it is of any use.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import func

from app.database import Database
from app.domain.errors import ErrorKind, LoyaltyError
from app.ledger.claims import Claim
from app.models.backtests import Backtest
from app.queries.backtests import BacktestRow, next_backtest, read_backtest

LOST_AFTER = timedelta(seconds=60)
"""Without a sign of life for so long, whoever ran a backtest is taken for dead."""


class BacktestNotFound(LoyaltyError):
    code = "backtest_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown backtest"

    def __init__(self) -> None:
        super().__init__("There is no backtest by this id. GET /v1/backtests lists them.")


class BacktestNotDone(LoyaltyError):
    code = "backtest_not_done"
    kind = ErrorKind.CONFLICT
    title = "The backtest has no chart yet"

    def __init__(self) -> None:
        super().__init__(
            "The chart is drawn when the backtest is done. GET /v1/backtests/{backtest} tells how far."
        )


def backtest_of(claim: Claim) -> UUID:
    """The id of the backtest that a request makes: the same request has the same, also after a crash."""
    return UUID(bytes=claim.key[:8] + claim.content[:8])


async def ask_for_backtest(
    database: Database, *, backtest: UUID, asked: Mapping[str, Any], actor: str
) -> BacktestRow:
    """Queue a backtest, or find it there: the same request made it. `asked` is what `backtest_runs.py` reads."""
    async with database.transaction() as connection:
        await connection.execute(
            insert(Backtest)
            .values(
                id=backtest,
                state="queued",
                asked=dict(asked),
                progress=0.0,
                actor=actor,
                created_at=await _now(connection),
            )
            .on_conflict_do_nothing()
        )
        row = await read_backtest(connection, backtest)
    if row is None:
        raise BacktestNotFound
    return row


async def delete_backtest(database: Database, *, backtest: UUID) -> None:
    """Forget a backtest; one that is running ends by itself. Raises BacktestNotFound."""
    async with database.transaction() as connection:
        gone = await connection.execute(
            delete(Backtest).where(Backtest.id == backtest).returning(Backtest.id)
        )
        if gone.one_or_none() is None:
            raise BacktestNotFound


async def waiting_backtest(database: Database) -> UUID | None:
    """The next backtest to be taken up, if any."""
    async with database.engine.connect() as connection:
        return await next_backtest(connection, unseen_since=await _now(connection) - LOST_AFTER)


async def take_up(database: Database, backtest: UUID) -> Mapping[str, Any] | None:
    """Begin a backtest; what is asked, or None if it is gone, or somebody else has it."""
    async with database.transaction() as connection:
        now = await _now(connection)
        return await connection.scalar(
            update(Backtest)
            .where(
                Backtest.id == backtest,
                or_(
                    Backtest.state == "queued",
                    (Backtest.state == "running") & (Backtest.seen_at < now - LOST_AFTER),
                ),
            )
            .values(state="running", progress=0.0, started_at=now, seen_at=now)
            .returning(Backtest.asked)
        )


async def note_progress(database: Database, backtest: UUID, progress: float) -> bool:
    """Give a sign of life; False if nobody wants the backtest any more."""
    return await _change(database, backtest, progress=progress, seen_at=func.clock_timestamp())


async def let_go(database: Database, backtest: UUID) -> None:
    """Queue a backtest again that its runner has to leave."""
    await _change(database, backtest, state="queued", progress=0.0)


async def finish(database: Database, backtest: UUID, *, result: Mapping[str, Any], chart: str) -> None:
    """Keep what was found."""
    await _change(
        database,
        backtest,
        state="done",
        progress=1.0,
        result=dict(result),
        chart=chart,
        finished_at=func.clock_timestamp(),
    )


async def give_up(database: Database, backtest: UUID, *, error: str) -> None:
    """Keep that a backtest can't be done, with a sentence of why."""
    await _change(
        database,
        backtest,
        of=("queued", "running"),
        state="failed",
        error=error,
        finished_at=func.clock_timestamp(),
    )


async def _change(
    database: Database,
    backtest: UUID,
    *,
    of: tuple[str, ...] = ("running",),
    **values: Any,  # noqa: ANN401 - columns
) -> bool:
    async with database.transaction() as connection:
        changed = await connection.execute(
            update(Backtest)
            .where(Backtest.id == backtest, Backtest.state.in_(of))
            .values(**values)
            .returning(Backtest.id)
        )
        return changed.one_or_none() is not None


async def _now(connection: Any) -> datetime:  # noqa: ANN401 - an AsyncConnection
    return await connection.scalar(select(func.clock_timestamp()))
