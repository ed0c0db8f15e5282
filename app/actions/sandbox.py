"""The sandbox's clock: set for all workers at once, and the time in between lived through."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from sqlalchemy import func, select, text, update

from app.actions.maturity import mature_all
from app.actions.occasions import moments_on_the_way, pay_occasions
from app.database import Database
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.instants import rfc3339
from app.models.ledger import Account
from app.models.program import Clock
from app.security.pii import PiiRing


class ClockBehindLedger(LoyaltyError):
    """`newest_at`: when the newest entry was recorded, the earliest the clock may be set to."""

    code = "clock_behind_ledger"
    kind = ErrorKind.CONFLICT
    title = "The clock would go back behind the ledger"

    def __init__(self, *, newest_at: datetime) -> None:
        newest = rfc3339(newest_at)
        super().__init__(
            f"The ledger's newest entry was recorded at {newest}: set the clock to that or later, "
            "or start with an empty ledger.",
            extra={"newest": newest},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(newest_at=datetime(2026, 3, 5, 2, tzinfo=UTC))


async def live_through(database: Database, *, pii: PiiRing, now: datetime) -> int:
    """Let the clock be `now`, with all that falls due on the way: also what campaigns pay on days in between, each at
    its own moment. Returns how many members had something fall due. Raises ClockBehindLedger, having changed nothing.
    """
    matured = 0
    moments = await moments_on_the_way(database, now=now)
    for moment in (*moments, now):
        try:
            matured += await set_clock(database, now=moment)
        except ClockBehindLedger:
            if not moments:
                raise
            # Paying what was due just before took until now.
        await pay_occasions(database, pii=pii, is_sandbox=True)
    return matured


async def set_clock(database: Database, *, now: datetime) -> int:
    """Let the program's clock be `now` and run on from there; all that falls due on the way is written down.

    Returns how many members that concerned. Raises ClockBehindLedger, having changed nothing.
    """
    async with database.transaction() as connection:
        # Commands under way end first and new ones wait, so that none is recorded by a clock taken back.
        await connection.execute(text("LOCK TABLE account IN EXCLUSIVE MODE"))
        newest_at = await connection.scalar(select(func.max(Account.last_at)))
        if newest_at is not None and now < newest_at:
            raise ClockBehindLedger(newest_at=newest_at)
        # Read, then set: a distributed table takes no clock in an UPDATE.
        real_now = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
        await connection.execute(update(Clock).values(ahead=now - real_now))
    return await mature_all(database, is_sandbox=True)
