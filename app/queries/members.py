"""Reading where members stand, exactly, and many at once.

Reads that come while one is under way wait and go together with the next: one statement for all of them. What
fell due on a member and is not written down yet is brought about in memory, so that a status never shows
points that have expired, however late the job is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import asyncpg
import structlog

from app.database import CONNECTION_LOST
from app.domain.account import Account, Lot, Redemption, Review, bucket_of
from app.domain.calendar import local_date
from app.domain.maturity import is_due, mature
from app.domain.posting import Caller, Context, Member
from app.domain.program import Program
from app.domain.status import counts_all_lots, status

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

MAX_BATCH = 256
MAX_TRIES = 3
RECONNECT_SECONDS = 2.0

log = structlog.stdlib.get_logger(__name__)

_ACCOUNTS = """
SELECT account.*, {clock} AS now, (SELECT max(version) FROM program_version) AS newest
  FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, member_id)
  JOIN account USING (bucket, member_id)
"""

# One statement, so one snapshot: the account with all that may fall due on it, or that its status counts.
_MEMBERS = """
SELECT account.*, {clock} AS now,
       (SELECT array_agg(found) FROM lot AS found
         WHERE found.bucket = account.bucket AND found.member_id = account.member_id
           AND found.lot >= CASE WHEN $3 THEN 1 ELSE account.lot_floor END) AS lots,
       (SELECT array_agg(redemption) FROM redemption
         WHERE redemption.bucket = account.bucket AND redemption.member_id = account.member_id
           AND redemption.status = 'reserved') AS holds,
       (SELECT array_agg(tier_review) FROM tier_review
         WHERE tier_review.bucket = account.bucket AND tier_review.member_id = account.member_id
           AND tier_review.sequence = account.review) AS reviews
  FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, member_id)
  JOIN account USING (bucket, member_id)
"""

_WIDTH = len(Account._fields)
_CALLER = Caller("system", "reading")


class Rules(Protocol):
    """The versions of the program known to this process (`ledger/rulebook.py`)."""

    @property
    def newest(self) -> int: ...
    @property
    def programs(self) -> Mapping[int, Program]: ...
    async def refresh(self, connection: Connection) -> None: ...
    def at(self, now: datetime) -> Program: ...


class Reading(NamedTuple):
    """A member as they are at `now`, with all that fell due by then."""

    member: Member
    now: datetime
    was_due: bool  # something fell due that is not written down yet
    program: Program
    programs: Mapping[int, Program]

    def status(self) -> dict[str, Any]:
        """The status in API.md's shape."""
        return status(
            self.member.account,
            lots=self.member.lots.values(),
            now=self.now,
            program=self.program,
            programs=self.programs,
        )

    def tag(self) -> str:
        """The status's version: all it tells changes with the ledger, the program or the day."""
        day = local_date(self.now, self.program.timezone)
        return f"{self.member.account.sequence}.{self.program.version}.{day.toordinal()}"


class _Wanted(NamedTuple):
    member_id: str
    found: asyncio.Future[Reading | None]


class MemberReader:
    """Reads statuses on a connection of its own. One a process; `start()` before use, `stop()` after.

    `clock` is the SQL of the program's clock.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], *, rules: Rules, clock: str) -> None:
        self._connect = connect
        self._rules = rules
        self._accounts = _ACCOUNTS.format(clock=clock)
        self._members = _MEMBERS.format(clock=clock)
        self._queue: deque[_Wanted] = deque()
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

    async def status(self, member_id: str) -> dict[str, Any] | None:
        """The member's status as it is at this moment, in API.md's shape; None for an unknown member.

        Raises as asyncpg does when the database can't be reached.
        """
        found = await self._ask(member_id)
        return None if found is None else found.status()

    async def read(self, member_id: str) -> Reading | None:
        """As `status`, not rendered yet."""
        return await self._ask(member_id)

    async def statuses(self, member_ids: Sequence[str]) -> list[dict[str, Any] | None]:
        """As `status`, of many, in the order asked."""
        all_found = await asyncio.gather(*(self._ask(member_id) for member_id in member_ids))
        return [None if found is None else found.status() for found in all_found]

    async def is_due(self, member_id: str) -> bool:
        """Whether anything fell due on the member that is not written down yet; False for an unknown one."""
        found = await self._ask(member_id)
        return found is not None and found.was_due

    def _ask(self, member_id: str) -> asyncio.Future[Reading | None]:
        found: asyncio.Future[Reading | None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Wanted(member_id, found))
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

    async def _answer(self, connection: Connection | None, batch: list[_Wanted]) -> Connection | None:
        """Answer the batch, on a new connection if this one is lost; returns the one to go on with."""
        found: dict[str, Reading] = {}
        failure: Exception | None = None
        for _ in range(MAX_TRIES):
            try:
                if connection is None or connection.is_closed():
                    connection = None
                    connection = await self._reconnected()
                found = await self._read(connection, list({wanted.member_id for wanted in batch}))
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
        for wanted in batch:
            if wanted.found.done():  # the caller went away
                continue
            if failure is None:
                wanted.found.set_result(found.get(wanted.member_id))
            else:
                wanted.found.set_exception(failure)
        return connection

    async def _reconnected(self) -> Connection:
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + RECONNECT_SECONDS
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                return await self._connect()
            if clock() >= give_up_at:
                return await self._connect()
            await asyncio.sleep(0.1)

    async def _read(self, connection: Connection, member_ids: list[str]) -> dict[str, Reading]:
        rows = await connection.fetch(self._accounts, [bucket_of(one) for one in member_ids], member_ids)
        if not rows:
            return {}
        if rows[0]["newest"] > self._rules.newest:
            await self._rules.refresh(connection)
        found: dict[str, Reading] = {}
        closer: list[str] = []
        for row in map(tuple, rows):
            account = Account._make(row[:_WIDTH])
            now: datetime = row[_WIDTH]
            if is_due(account, now) or counts_all_lots(self._rules.at(now)):
                closer.append(account.member_id)
            else:
                found[account.member_id] = self._reading(Member(account), now, was_due=False)
        if closer:
            found |= await self._read_closer(connection, closer)
        return found

    async def _read_closer(self, connection: Connection, member_ids: list[str]) -> dict[str, Reading]:
        """The members on whom something fell due, or whose program counts all their lots."""
        found: dict[str, Reading] = {}
        sees_all = any(counts_all_lots(program) for program in self._rules.programs.values())
        buckets = [bucket_of(one) for one in member_ids]
        for row in await connection.fetch(self._members, buckets, member_ids, sees_all):
            member = Member(Account._make(tuple(row)[:_WIDTH]))
            member.load_lots(Lot._make(lot) for lot in row["lots"] or ())
            for hold in row["holds"] or ():
                member.redemptions[hold["reference"]] = Redemption._make(hold)
            for review in row["reviews"] or ():
                member.reviews[review["sequence"]] = Review._make(review)
            now: datetime = max(row["now"], member.account.last_at or row["now"])
            was_due = is_due(member.account, now)
            if was_due:
                program = self._rules.at(now)
                today = local_date(now, program.timezone)
                mature(member, Context(now, today, program, self._rules.programs, _CALLER))
            found[member.account.member_id] = self._reading(member, now, was_due=was_due)
        return found

    def _reading(self, member: Member, now: datetime, *, was_due: bool) -> Reading:
        now = max(now, member.account.last_at or now)
        return Reading(member, now, was_due, self._rules.at(now), self._rules.programs)
