"""A sandbox of its own for each test: an empty ledger, an engine on it, and a clock to set."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any

import pytest

from app.actions.sandbox import set_clock
from app.database import Database
from app.domain.command import Command
from app.domain.posting import Caller
from app.ledger.engine import Engine
from app.ledger.outcome import Outcome
from app.ledger.request import Request
from app.queries.verify import verify
from app.security.pii import PiiRing

PII = PiiRing.parse(f"k1:{'A' * 43}=")


class Sandbox:
    """A database with an engine whose clock can be set."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.engine = Engine(database.connect, is_sandbox=True, pii=PII)

    async def do(self, *commands: Command) -> list[dict[str, Any]]:
        """Carry out commands that are not refused; their answers."""
        results = await self.engine.submit_all(
            [Request(command, Caller("test", "request")) for command in commands]
        )
        assert all(isinstance(result, Outcome) for result in results), results
        return [result.body for result in results if isinstance(result, Outcome)]

    async def at(self, instant: str) -> int:
        """Set the clock; how many members had something fall due."""
        return await set_clock(self.database, now=datetime.fromisoformat(instant))

    async def ahead(self, instant: str) -> None:
        """Set the clock and leave what falls due to the job."""
        await self.rows("UPDATE clock SET ahead = $1 - clock_timestamp()", datetime.fromisoformat(instant))

    async def rows(self, statement: str, *arguments: object) -> Sequence[tuple[Any, ...]]:
        """What a statement finds."""
        connection = await self.database.connect()
        try:
            return [tuple(row) for row in await connection.fetch(statement, *arguments)]
        finally:
            await connection.close()

    async def entries(self, kind: str) -> list[tuple[str, int]]:
        """Member and points of each entry of a kind."""
        rows = await self.rows(
            "SELECT member_id, points FROM entry WHERE kind = $1 ORDER BY 1, sequence", kind
        )
        return [(row[0], row[1]) for row in rows]

    async def agrees(self) -> bool:
        """Whether the ledger agrees with itself."""
        return (await verify(self.database.connect)).agrees


@pytest.fixture
async def sandbox(fresh_database_url: str) -> AsyncGenerator[Sandbox]:
    database = Database(fresh_database_url)
    made = Sandbox(database)
    await made.engine.start()
    yield made
    await made.engine.stop()
    await database.dispose()
