"""The faults: which ones is drawn by the seed, each is done and mended within a few seconds."""

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import asyncpg
import psutil

from app.embedded import DatabaseUnavailable
from app.ledger.connection import Connection
from chaos.clock import Clock
from chaos.place import MAX_CONNECTIONS, Place
from chaos.wire import Cut

FORWARD: Final = (
    timedelta(seconds=90),
    timedelta(hours=2),
    timedelta(days=1),
    timedelta(days=16),
    timedelta(days=366),
)
HINDRANCES: Final = (
    OSError,
    Cut,
    DatabaseUnavailable,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    psutil.Error,
)
"""What a fault may meet while another one is under way: it is done a moment later."""
BACK: Final = timedelta(seconds=45)


class Fault(NamedTuple):
    """One fault of a round: it comes once so much of the round is done. `size` is its own: seconds, or how many."""

    kind: str
    after: float
    size: float


class Faults:
    """Draws the faults of each round, and does them."""

    def __init__(
        self, seed: int, place: Place, clock: Clock, kinds: Sequence[str], *, freeze_seconds: float
    ) -> None:
        self._random = random.Random(f"faults of {seed}")
        self._place = place
        self._clock = clock
        self._freeze_seconds = freeze_seconds
        self._kinds = list(kinds)
        self._left: list[str] = []
        self.done: dict[str, int] = {}
        self.not_done: dict[str, str] = {}

    def draw(self) -> list[Fault]:
        """One or two faults; every kind comes before any comes again."""
        count = self._random.choice((1, 1, 2))
        return [
            Fault(self._next_kind(), self._random.uniform(0.05, 0.6), self._random.random())
            for _ in range(count)
        ]

    def _next_kind(self) -> str:
        if not self._left:
            self._left = self._random.sample(self._kinds, len(self._kinds))
        return self._left.pop()

    async def strike(self, fault: Fault) -> None:
        """Do it, and mend what it broke."""
        what = getattr(self, f"_{fault.kind}")
        strike: Callable[[float], Awaitable[str | None]] = what
        failed: str | None = None
        for _ in range(5):
            try:
                failed = await strike(fault.size)
                break
            except HINDRANCES as error:
                failed = repr(error)  # another fault was in its way
                await asyncio.sleep(0.3)
        if failed is None:
            self.done[fault.kind] = self.done.get(fault.kind, 0) + 1
        else:
            self.not_done[fault.kind] = failed

    # --- the service ----------------------------------------------------------------------------------------

    async def _kill_worker(self, size: float) -> None:
        workers = self._place.workers()
        workers[int(size * len(workers))].kill()

    async def _kill_service(self, size: float) -> None:
        await self._place.kill_service()
        await asyncio.sleep(size)
        await self._place.start_service()

    async def _freeze_worker(self, size: float) -> None:
        workers = self._place.workers()
        worker = workers[int(size * len(workers))]
        worker.suspend()
        try:
            await asyncio.sleep(self._freeze_seconds)
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.resume()

    # --- PostgreSQL -----------------------------------------------------------------------------------------

    async def _stop_postgres(self, size: float) -> None:
        """As `pg_ctl stop -m immediate`."""
        await self._place.end_postgres(signal.SIGQUIT, seconds=size)

    async def _kill_postgres(self, size: float) -> None:
        await self._place.end_postgres(signal.SIGKILL, seconds=size)

    async def _lose_both(self, size: float) -> None:
        """A worker dies while PostgreSQL is down, so that none can take its place for a while."""
        down = asyncio.create_task(self._place.end_postgres(signal.SIGQUIT, seconds=2 + 3 * size))
        await asyncio.sleep(1)
        await self._kill_worker(size)
        await down

    async def _terminate_backends(self, size: float) -> None:
        async with self._owner() as connection:
            for _ in range(1 + int(size * 3)):
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'loyalty'"
                )
                await asyncio.sleep(0.2)

    async def _take_connections(self, size: float) -> str | None:
        """No connection is left, and those of the service are ended."""
        async with self._owner() as connection:
            taken: list[Connection] = []
            try:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'loyalty'"
                )
                with contextlib.suppress(asyncpg.TooManyConnectionsError):
                    while len(taken) < MAX_CONNECTIONS:
                        taken.append(await asyncpg.connect(self._place.owner_url, timeout=5))
                await asyncio.sleep(0.5 + 2 * size)
            finally:
                for each in taken:
                    each.terminate()
        return None if taken else "no connection could be taken"

    async def _lock_accounts(self, size: float) -> None:
        """A session forgotten in a transaction locks everybody out, and the pools run empty."""
        async with self._owner() as connection, connection.transaction():
            await connection.execute("LOCK TABLE account IN ACCESS EXCLUSIVE MODE")
            await asyncio.sleep(0.5 + 3 * size)

    async def _disk_full(self, size: float) -> str | None:
        """Not a page more can be written to the ledger's tables."""
        disk = self._place.disk
        if disk is None:
            return "a small tmpfs can't be mounted here"
        disk.fill()
        try:
            await asyncio.sleep(1 + 2 * size)
        finally:
            disk.clear()
        return None

    # --- between them ---------------------------------------------------------------------------------------

    async def _cut_before_commit(self, size: float) -> None:
        await self._cut(self._place.database_proxy.cut, "before", size)

    async def _cut_after_commit(self, size: float) -> None:
        await self._cut(self._place.database_proxy.cut, "after", size)

    async def _cut_requests(self, size: float) -> None:
        await self._cut(self._place.client_proxy.cut, "before", size * 10)

    async def _cut_answers(self, size: float) -> None:
        await self._cut(self._place.client_proxy.cut, "after", size * 10)

    async def _cut(self, cut: Callable[..., None], moment: str, size: float) -> None:
        cut(moment, 1 + int(size * 5))
        await asyncio.sleep(1)

    # --- time and schema ------------------------------------------------------------------------------------

    async def _step_forward(self, size: float) -> str | None:
        """The clock jumps, and all that falls due on the way is written down while commands come."""
        ahead = self._clock.ahead + FORWARD[int(size * len(FORWARD))]
        return await self._set_clock(ahead)

    async def _jobs(self, _size: float) -> str | None:
        """What fell due is written down again and again."""
        for _ in range(5):
            failed = await self.write_down_what_is_due()
            if failed is not None:
                return failed
        return None

    async def write_down_what_is_due(self) -> str | None:
        """By setting the clock to what it shows; what failed, if anything did."""
        return await self._set_clock(self._clock.ahead)

    async def catch_up(self) -> None:
        """Set the clock to the ledger's newest entry, should a step back have left it behind: what is due by then can't
        be written down before.
        """
        async with self._owner() as connection:
            behind: timedelta | None = await connection.fetchval(
                "SELECT max(last_at) - clock_timestamp() - (SELECT ahead FROM clock) FROM account"
            )
        if behind is not None and behind > timedelta():
            await self._set_clock(self._clock.ahead + behind)

    async def _set_clock(self, ahead: timedelta) -> str | None:
        began = time.time()
        now = datetime.now(UTC) + ahead
        try:
            answer = await self._place.ask("PUT", "/v1/sandbox/clock", {"now": now.isoformat()})
            failed = None if answer.status == 200 else f"{answer.status} {answer.body}"
        finally:
            await self.read_clock(began)
        # The ledger was ahead of what this process took for now, by a step back or a moment of waiting.
        return None if failed is None or "clock_behind_ledger" in failed else failed

    async def _step_back(self, _size: float) -> None:
        """As when a machine's clock is corrected: only the clock is touched, past the service."""
        began = time.time()
        async with self._owner() as connection:
            await connection.execute("UPDATE clock SET ahead = ahead - $1::interval", BACK)
        await self.read_clock(began)

    async def read_clock(self, began: float) -> None:
        """Note how the clock stands, having been stepped since `began` perhaps."""
        async with self._owner() as connection:
            self._clock.note(began, time.time(), await connection.fetchval("SELECT ahead FROM clock"))

    async def _migrate(self, _size: float) -> str | None:
        """`loyalty migrate` again, and an index made and dropped while everything goes on."""
        command = [sys.executable, "-m", "app.cli", "migrate"]
        ran = await asyncio.to_thread(
            subprocess.run, command, env=self._place.settings, capture_output=True, text=True, check=False
        )
        async with self._owner() as connection:
            await connection.execute("DROP INDEX IF EXISTS chaos_lot_expires_at")
            await connection.execute("CREATE INDEX CONCURRENTLY chaos_lot_expires_at ON lot (expires_at)")
            await connection.execute("DROP INDEX CONCURRENTLY chaos_lot_expires_at")
            await connection.execute("REINDEX TABLE CONCURRENTLY account")
        return None if ran.returncode == 0 else ran.stderr[-500:]

    @contextlib.asynccontextmanager
    async def _owner(self):  # noqa: ANN202 - an owner's connection for a while
        connection = await self._place.connect()
        try:
            yield connection
        finally:
            with contextlib.suppress(Exception):
                connection.terminate()


KINDS: Final = (
    "kill_worker",
    "kill_service",
    "freeze_worker",
    "stop_postgres",
    "kill_postgres",
    "lose_both",
    "terminate_backends",
    "take_connections",
    "lock_accounts",
    "disk_full",
    "cut_before_commit",
    "cut_after_commit",
    "cut_requests",
    "cut_answers",
    "step_forward",
    "step_back",
    "jobs",
    "migrate",
)
