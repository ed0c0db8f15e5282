"""Reads that go together: those that come while one is under way wait, and the next takes them all in one statement."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import asyncpg
import structlog

from app.database import CONNECTION_LOST, plan_once

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

MAX_BATCH = 256
MAX_TRIES = 3
RECONNECT_SECONDS = 2.0

log = structlog.stdlib.get_logger(__name__)

Asked = TypeVar("Asked")
Found = TypeVar("Found")


class _Waiting(NamedTuple, Generic[Asked, Found]):
    asked: Asked
    found: asyncio.Future[Found]


class GatheringReader(ABC, Generic[Asked, Found]):
    """Answers on a connection of its own. One a process; `start()` before use, `stop()` after."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._queue: deque[_Waiting[Asked, Found]] = deque()
        self._arrived = asyncio.Event()
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Take reads from now on; the connection is made with the first."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Answer what is asked already, then close."""
        self._is_stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task

    @abstractmethod
    async def _read(self, connection: Connection, asked: Sequence[Asked]) -> Sequence[Found]:
        """The answer to each, in the order asked. It may be asked again if the connection is lost."""

    def _ask(self, asked: Asked) -> asyncio.Future[Found]:
        """Raises as asyncpg does when the database can't be reached."""
        found: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(asked, found))
        self._arrived.set()
        return found

    async def _run(self) -> None:
        connection: Connection | None = None
        while not (self._is_stopping and not self._queue):
            if not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]
            connection = await self._answer(connection, batch)
        if connection is not None:
            await connection.close()

    async def _answer(
        self, connection: Connection | None, batch: Sequence[_Waiting[Asked, Found]]
    ) -> Connection | None:
        """Answer the batch, on a new connection if this one is lost; returns the one to go on with."""
        found: Sequence[Found] = ()
        failure: Exception | None = None
        for _ in range(MAX_TRIES):
            try:
                if connection is None or connection.is_closed():
                    connection = None
                    connection = await self._reconnected()
                found = await self._read(connection, [waiting.asked for waiting in batch])
            except Exception as error:  # noqa: BLE001 - whoever asked is told
                failure = error
                if connection is None or not isinstance(error, CONNECTION_LOST):
                    break
                log.warning("connection_lost", error=repr(error))
                connection.terminate()
                connection = None
            else:
                failure = None
                break
        for place, waiting in enumerate(batch):
            if waiting.found.done():  # the caller went away
                continue
            if failure is None:
                waiting.found.set_result(found[place])
            else:
                waiting.found.set_exception(failure)
        return connection

    async def _reconnected(self) -> Connection:
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + RECONNECT_SECONDS
        while True:
            with contextlib.suppress(*CONNECTION_LOST, asyncpg.PostgresError):
                return await self._opened()
            if clock() >= give_up_at:
                return await self._opened()
            await asyncio.sleep(0.1)

    async def _opened(self) -> Connection:
        connection = await self._connect()
        await plan_once(connection)
        return connection
