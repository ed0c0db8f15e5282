"""How the tests speak to an engine."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from app.database import Database
from app.domain.command import Command
from app.domain.commands import Accrue, Enrol
from app.domain.posting import Caller
from app.ledger.claims import Claim
from app.ledger.engine import Engine
from app.ledger.outcome import Outcome
from app.ledger.request import Request, Result
from app.queries.verify import verify

_numbers = itertools.count()


def request(command: Command, *, claim: Claim | None = None, request_id: str | None = None) -> Request:
    return Request(command, Caller("key:test", request_id or f"r-{next(_numbers)}"), claim)


class Till:
    """A caller of one engine."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self.database = database
        self.engine = engine

    async def ask(self, command: Command, *, claim: Claim | None = None) -> Outcome:
        return await self.engine.submit(request(command, claim=claim))

    async def ask_all(self, commands: Sequence[Command]) -> list[Result]:
        return await self.engine.submit_all([request(command) for command in commands])

    async def enrol(self, *members: str, points: int = 0) -> None:
        """Enrol members, each with an order `opening` of so many points."""
        for member in members:
            await self.ask(Enrol(member_id=member))
            if points:
                await self.ask(Accrue(member_id=member, order_id="opening", amount=points * 100))

    async def points(self, member: str) -> dict[str, Any]:
        return (await self.ask(Enrol(member_id=member))).body["points"]

    async def balance(self, member: str) -> tuple[int, int, int, int]:
        """Available, pending, reserved, debt."""
        points = await self.points(member)
        return points["available"], points["pending"], points["reserved"], points["debt"]

    async def rows(self, statement: str, *values: object) -> list[Any]:
        """Rows as the application may read them."""
        connection = await self.database.connect()
        try:
            return [tuple(row) for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()

    async def kinds(self, member: str) -> list[str]:
        rows = await self.rows("SELECT kind FROM entry WHERE member_id = $1 ORDER BY sequence", member)
        return [kind for (kind,) in rows]

    async def assert_agrees(self, member: str | None = None) -> None:
        """The whole ledger is what its entries make it, or this member's part: on a database that tests share, some
        plant what they need.
        """
        report = await verify(self.database.connect)
        found = [each for each in report.differences if member in (None, each.member_id)]
        assert not found, found[:5]


@contextlib.asynccontextmanager
async def tills(url: str, *, count: int = 2, is_sandbox: bool = False) -> AsyncGenerator[list[Till]]:
    """So many engines on one database, as if each were a process of its own."""
    async with contextlib.AsyncExitStack() as opened:
        made: list[Till] = []
        for _ in range(count):
            database = Database(url)
            opened.push_async_callback(database.dispose)
            engine = Engine(database.connect, is_sandbox=is_sandbox)
            await engine.start()
            opened.push_async_callback(engine.stop)
            made.append(Till(database, engine))
        yield made
