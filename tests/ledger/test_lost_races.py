"""Two processes make the same new row: the second finds it there, and decides again."""

from __future__ import annotations

import asyncio
from typing import Any

from app.database import Database
from app.domain.commands import Enrol
from app.ledger.engine import Engine
from tests.ledger.till import request
from tests.ledger.waiting import transaction, until_somebody_waits_for


class Paused:
    """A driver's connection whose COMMIT waits until it is let go."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.is_reached = asyncio.Event()
        self.go = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, statement: str, *values: Any) -> Any:
        if statement.startswith("COMMIT"):
            self.is_reached.set()
            await self.go.wait()
        return await self._connection.execute(statement, *values)


async def test_who_loses_the_race_for_a_new_member_finds_them_there(database: Database, member: str) -> None:
    paused = Paused(await database.connect())

    async def connect() -> Any:
        return paused

    first, second = Engine(connect), Engine(database.connect)
    await first.start()
    await second.start()
    try:
        winning = asyncio.create_task(first.submit(request(Enrol(member_id=member))))
        await paused.is_reached.wait()
        losing = asyncio.create_task(second.submit(request(Enrol(member_id=member))))
        async with transaction(database) as watching:
            await until_somebody_waits_for(watching, pid=paused.get_server_pid())
        assert not losing.done()
        paused.go.set()
        assert (await winning).created
        assert not (await losing).created
    finally:
        paused.go.set()
        await first.stop()
        await second.stop()
