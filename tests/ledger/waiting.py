"""How the tests hold a lock, and see that somebody waits for it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Self

from app.database import Database
from app.ledger.connection import Connection
from tests.pace import until


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


async def until_somebody_waits_for(
    connection: Connection, *, pid: int | None = None, count: int = 1
) -> Sequence[int]:
    """Wait until a lock of this connection, or of the one with that process id, is waited for by `count` others; their
    process ids.
    """
    waiting: list[int] = []

    async def is_waited_for() -> bool:
        rows = await connection.fetch(
            "SELECT DISTINCT pid FROM pg_locks "
            "WHERE NOT granted AND coalesce($1, pg_backend_pid()) = ANY (pg_blocking_pids(pid))",
            pid,
        )
        waiting[:] = [row["pid"] for row in rows]
        return len(waiting) >= count

    await until(is_waited_for)
    return waiting


class Gate:
    """Holds a member's account locked, so that the engine's batch waits."""

    def __init__(self, database: Database, member: str) -> None:
        self._database = database
        self._member = member

    async def __aenter__(self) -> Self:
        self._connection = await self._database.connect()
        self._transaction = self._connection.transaction()
        await self._transaction.start()
        await self._connection.execute("SELECT 1 FROM account WHERE member_id = $1 FOR UPDATE", self._member)
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._transaction.rollback()
        await self._connection.close()

    async def until_somebody_waits(self, *, count: int = 1) -> None:
        """Until a batch does, or so many others."""
        await until_somebody_waits_for(self._connection, count=count)
