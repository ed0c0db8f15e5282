"""How the tests hold a lock, and see that somebody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from app.database import Database
from app.ledger.connection import Connection


@contextlib.asynccontextmanager
async def transaction(database: Database) -> AsyncGenerator[Connection]:
    """A connection in a transaction, which is rolled back."""
    connection = await database.connect()
    under_way = connection.transaction()
    await under_way.start()
    try:
        yield connection
    finally:
        await under_way.rollback()
        await connection.close()


async def until_somebody_waits_for(connection: Connection, *, pid: int | None = None) -> None:
    """Wait until a lock of this connection, or of the one with that process id, is waited for."""
    while not await connection.fetchval(  # noqa: ASYNC110 - the server tells nobody
        "SELECT count(*) FROM pg_stat_activity WHERE coalesce($1, pg_backend_pid()) = ANY (pg_blocking_pids(pid))",
        pid,
    ):
        await asyncio.sleep(0.01)
