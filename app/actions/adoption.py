"""Looking at every member once when a version of the program has come into force: the engine's `EvaluateTier` command,
in bounded batches.

Who reaches a tier by the new thresholds rises, and who gets monthly coupons by it is noted to be owed them; nobody is
lowered. How far it came is kept with the version, so it may be ended and begun anew at any time, by any number of
processes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from app.database import Database
from app.domain.commands import EvaluateTier
from app.domain.posting import Caller
from app.ledger.connection import Connection
from app.ledger.engine import Engine, LedgerUnavailable
from app.ledger.load import REAL_CLOCK, SANDBOX_CLOCK
from app.ledger.request import SYSTEM, Request
from app.queries.adoption import Adoption, members_after, read_adoption
from app.security.pii import PiiRing

BATCH = 50
"""Members at a time, as when what fell due is written down (`actions/maturity.py`)."""


async def adopt(
    database: Database, *, pii: PiiRing, is_sandbox: bool, is_stopping: Callable[[], bool] = lambda: False
) -> int:
    """Look at every member who was not looked at yet under the version in force; returns at how many.

    Raises `LedgerUnavailable`, or as asyncpg does, when the database goes away; what was done until then stands.
    """
    clock = SANDBOX_CLOCK if is_sandbox else REAL_CLOCK
    connection = await database.connect()
    try:
        if (await read_adoption(connection, clock)).adopted_at is not None:
            return 0
        engine = Engine(database.connect, is_sandbox=is_sandbox, pii=pii)
        try:
            await engine.start()
            return await _adopt(engine, connection, clock=clock, is_stopping=is_stopping)
        finally:
            await engine.stop()
    finally:
        await connection.close()


async def _adopt(
    engine: Engine, connection: Connection, *, clock: str, is_stopping: Callable[[], bool]
) -> int:
    caller = Caller(SYSTEM, f"adoption-{secrets.token_hex(4)}")
    looked_at = 0
    while not is_stopping():
        # Asked each time: another version may have come into force, or another process may have been here.
        adoption = await read_adoption(connection, clock)
        if adoption.adopted_at is not None:
            break
        found = await members_after(connection, adoption.after, limit=BATCH)
        if not found:
            await _finish(connection, adoption, clock)
            break
        requests = [Request(EvaluateTier(member_id=member_id), caller) for _, member_id in found]
        for result in await engine.submit_all(requests):
            if isinstance(result, LedgerUnavailable):
                raise result
        await connection.execute(
            "UPDATE program_version SET adopted_bucket = $2, adopted_member = $3 WHERE version = $1 AND "
            "(adopted_bucket IS NULL OR (adopted_bucket, adopted_member) < ($2::smallint, $3))",
            adoption.version,
            *found[-1],
        )
        looked_at += len(found)
    return looked_at


async def _finish(connection: Connection, adoption: Adoption, clock: str) -> None:
    now = await connection.fetchval(f"SELECT {clock}")
    await connection.execute(
        "UPDATE program_version SET adopted_at = $2 WHERE version = $1 AND adopted_at IS NULL",
        adoption.version,
        now,
    )
