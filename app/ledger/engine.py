"""The one door: a bounded queue of commands, taken in natural batches, each batch one transaction.

While a batch is in flight new commands queue, and the next batch takes all that wait: no timer, so a lone request
is not delayed. A batch that waited for a member takes along what was asked of the same member meanwhile. Lists of
many queue apart from single commands and the two take turns, so that whoever stands at a till waits for one batch of
an import and not for all of them. Correctness rests on row locks and unique keys alone;
any number of processes may do the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import asyncpg
import structlog

from app.database import CONNECTION_LOST, plan_once
from app.domain.errors import ErrorKind, LoyaltyError
from app.ledger import campaign_failures
from app.ledger.batch import Batch, Known, Latecomers, nobody
from app.ledger.campaign_rack import CampaignRack
from app.ledger.connection import Connection
from app.ledger.fill import JoinedMeanwhile
from app.ledger.load import REAL_CLOCK, SANDBOX_CLOCK
from app.ledger.needs import Again, Needs
from app.ledger.outcome import Outcome
from app.ledger.plan import Directory
from app.ledger.rack import TemplateRack
from app.ledger.request import InternalError, Request, Result
from app.ledger.rulebook import Rulebook, VersionUnknown
from app.ledger.unheard import Unheard
from app.security.pii import PiiRing

log = structlog.get_logger(__name__)

MAX_BATCH = 256
MAX_QUEUE = 16_384
# How often a batch is tried again whole after losing its connection, a deadlock or a race for a new key.
MAX_TRIES = 8
# How long a batch waits for the database to come back before its callers are told to try again.
RECONNECT_SECONDS = 15.0

_RACED = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.UniqueViolationError,
    JoinedMeanwhile,
    VersionUnknown,
)


class QueueFull(LoyaltyError):
    code = "overloaded"
    kind = ErrorKind.OVERLOADED
    title = "Too many requests are waiting"

    def __init__(self) -> None:
        super().__init__("Nothing was done. Send the same request again in a moment.")


class LedgerUnavailable(LoyaltyError):
    code = "ledger_unavailable"
    kind = ErrorKind.OVERLOADED
    title = "The database cannot be reached"

    def __init__(self) -> None:
        super().__init__(
            "Whether this request took effect is not known. Send it again unchanged: it happens once at most, "
            "and the answer tells."
        )


class _Group:
    """Requests that came together and stay in their order; `done` holds their results, in that order."""

    __slots__ = ("done", "requests")

    def __init__(self, requests: Sequence[Request]) -> None:
        self.requests = requests
        self.done: asyncio.Future[list[Result]] = asyncio.get_running_loop().create_future()


class Engine:
    """Takes commands and answers each with its own outcome. One an process; `start()` before use, `stop()` after."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        is_sandbox: bool = False,
        pii: PiiRing | None = None,
    ) -> None:
        """`pii` opens the birthdays that conditions ask for; without it none is known."""
        self._connect = connect
        self._clock = SANDBOX_CLOCK if is_sandbox else REAL_CLOCK
        self._queue: deque[_Group] = deque()
        self._lists: deque[_Group] = deque()
        self._is_turn_of_lists = False
        self._queued = 0  # commands, in both
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        self.rulebook = Rulebook()
        self.rack = TemplateRack()
        self.campaigns = CampaignRack()
        self._known = Known(self.rulebook, self.rack, self.campaigns, Directory(), pii)

    async def start(self) -> None:
        """Open a connection and read the program. Raises as asyncpg does when there is no database."""
        connection = await self._open()
        await self.rulebook.refresh(connection)
        await self.rack.refresh(connection)
        await self.campaigns.refresh(connection)
        self._task = asyncio.create_task(self._run(connection))

    async def stop(self) -> None:
        """Finish what is queued, then close."""
        self._is_stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task

    async def submit(self, request: Request) -> Outcome:
        """Carry out one command. Raises its refusal (LoyaltyError), having changed nothing, or QueueFull."""
        [group] = self._enqueue([request], self._queue)
        [result] = await group.done
        if isinstance(result, Outcome):
            return result
        raise result

    async def submit_all(self, requests: Sequence[Request]) -> list[Result]:
        """Carry out many in the order given, before any list that is submitted later; each has its own result.

        Raises QueueFull, having done nothing.
        """
        results: list[Result] = []
        for group in self._enqueue(requests, self._lists):
            results += await group.done
        return results

    def _enqueue(self, requests: Sequence[Request], queue: deque[_Group]) -> list[_Group]:
        """Queue the requests, as groups of at most a batch's size one after another. Raises QueueFull."""
        # However many lists wait, a single command has its turn soon.
        ahead = len(queue) if queue is self._queue else self._queued
        if self._is_stopping or (ahead and ahead + len(requests) > MAX_QUEUE):
            raise QueueFull
        groups = [_Group(requests[start : start + MAX_BATCH]) for start in range(0, len(requests), MAX_BATCH)]
        queue.extend(groups)
        self._queued += len(requests)
        self._arrived.set()
        return groups

    # --- batches ------------------------------------------------------------------------------------------

    async def _run(self, connection: Connection | None) -> None:
        """Take batches one after another on a connection of the engine's own, until it stops.

        One batch at a time: two at once were measured slower, being smaller and waiting for each other's members.
        """
        while True:
            while not self._has_more():
                if self._is_stopping:
                    if connection is not None:
                        await self.campaigns.failures.tell_rest(connection)
                        await connection.close()
                    return
                self._arrived.clear()
                await self._wait(connection)
            groups = self._take()
            requests = [request for group in groups for request in group.requests]
            connection, results = await self._carry_out(
                connection, requests, latecomers=partial(self._take_late, groups, requests)
            )
            position = 0
            for group in groups:
                count = len(group.requests)
                if not group.done.done():  # the caller may have gone away
                    group.done.set_result(results[position : position + count])
                position += count

    async def _wait(self, connection: Connection | None) -> None:
        """Until a request arrives. If none does for a while, what campaigns failed at is told meanwhile."""
        failures = self.campaigns.failures
        if failures.is_waiting and connection is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(campaign_failures.TELL_SECONDS):
                    await self._arrived.wait()
                return
            await failures.tell_rest(connection)
        await self._arrived.wait()

    def _take(self) -> list[_Group]:
        """The groups of the next batch, whole, in the order they came: of the queue whose turn it is, if it has any."""
        takes_lists = bool(self._lists) and (self._is_turn_of_lists or not self._queue)
        self._is_turn_of_lists = not takes_lists
        queue = self._lists if takes_lists else self._queue
        groups = [queue.popleft()]
        size = len(groups[0].requests)
        while queue and size + len(queue[0].requests) <= MAX_BATCH:
            size += len(queue[0].requests)
            groups.append(queue.popleft())
        self._queued -= size
        return groups

    def _take_late(
        self, groups: list[_Group], requests: list[Request], may_join: Callable[[Request], bool]
    ) -> list[Request]:
        """Those of the single commands that wait and `may_join` a batch under way, up to the first that may not: added
        to its groups and its requests.
        """
        late: list[Request] = []
        while self._queue and len(requests) < MAX_BATCH and all(map(may_join, self._queue[0].requests)):
            group = self._queue.popleft()
            self._queued -= len(group.requests)
            groups.append(group)
            requests += group.requests
            late += group.requests
        return late

    async def _carry_out(
        self,
        connection: Connection | None,
        requests: Sequence[Request],
        unheard: Sequence[Unheard] = (),
        *,
        latecomers: Latecomers = nobody,
    ) -> tuple[Connection | None, list[Result]]:
        """Run a batch until it is committed: again after a lost connection or a race, in halves if it breaks.

        `unheard`: earlier tries that may have been committed. `latecomers` adds to the requests those that join while
        the batch waits for its locks.
        """
        needs = Needs()
        tries = 0
        while tries < MAX_TRIES:
            tries += 1
            batch = Batch(requests, known=self._known, needs=needs, unheard=unheard)
            try:
                if connection is None or connection.is_closed():
                    connection = await self._reconnect()
                    if connection is None:
                        return None, [LedgerUnavailable() for _ in requests]
                return connection, await batch.run(
                    connection,
                    clock=self._clock,
                    more_wait=self._has_more,
                    # What may have been committed was answered to those who were there then.
                    latecomers=nobody if unheard else latecomers,
                )
            except CONNECTION_LOST as error:
                log.warning("connection_lost", error=repr(error))
                connection = await _closed(connection)
                unheard = batch.unheard
            except Again as again:
                if again.needs == needs:  # it has that already, and asks again
                    log.error("batch_needs_more", counters=sorted(needs.counters))
                    break
                needs = again.needs
                tries -= 1
            except _RACED as error:
                log.info("batch_raced", error=repr(error))
            except asyncpg.InsufficientResourcesError as error:
                # A full disk, no memory: no batch would fare better.
                log.error("database_exhausted", error=repr(error))
                return connection, [LedgerUnavailable() for _ in requests]
            except Exception:
                log.exception("batch_broke", size=len(requests))
                break
        if connection is None:
            return None, [LedgerUnavailable() for _ in requests]
        if len(requests) == 1:
            return connection, [InternalError()]
        middle = len(requests) // 2
        connection, first = await self._carry_out(
            connection, requests[:middle], [each.part(0, middle) for each in unheard]
        )
        connection, second = await self._carry_out(
            connection, requests[middle:], [each.part(middle, len(requests)) for each in unheard]
        )
        return connection, first + second

    def _has_more(self) -> bool:
        return bool(self._queue or self._lists)

    async def _reconnect(self) -> Connection | None:
        """A new connection, waited for while the database restarts; None when it does not come back in time."""
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + RECONNECT_SECONDS
        delay = 0.05
        while clock() < give_up_at:
            with contextlib.suppress(*CONNECTION_LOST, asyncpg.PostgresError):
                return await self._open()
            await asyncio.sleep(delay)
            delay = min(delay * 2, 1.0)
        return None

    async def _open(self) -> Connection:
        """A connection on which statements are planned once. Raises as asyncpg does when there is no database."""
        connection = await self._connect()
        await plan_once(connection)
        return connection


async def _closed(connection: Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(Exception):
            connection.terminate()
