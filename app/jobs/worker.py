"""The worker: runs each job when it is due, in one process of all that share the database.

pgqueuer keeps the schedule in the database. Every process asks for what is due; a job goes to the one that is
first (SKIP LOCKED), and, if that one dies, to another half a minute after its last sign of life. So any
number of workers may run, in the processes that serve as well as alone; each job tolerates being run twice at
once all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial

import asyncpg
import structlog
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain.models import Schedule
from pgqueuer.queries import Queries

from app.database import Database
from app.jobs import adoption, backtests, birthdays, forgetting, issuing, maturity, occasions, referrals
from app.ledger.engine import LedgerUnavailable
from app.security.pii import PiiRing

RECONNECT_SECONDS = 5.0

log = structlog.get_logger(__name__)

Job = Callable[[], Awaitable[None]]

_LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


@contextlib.asynccontextmanager
async def working(database: Database, *, pii: PiiRing, is_sandbox: bool) -> AsyncGenerator[None]:
    """Run the jobs beside the block; on leaving, a job under way ends its batch first. `pii` opens birthdays."""
    stop = asyncio.Event()
    worker = asyncio.create_task(work(database, pii=pii, is_sandbox=is_sandbox, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await worker


async def work(database: Database, *, pii: PiiRing, is_sandbox: bool, stop: asyncio.Event) -> None:
    """Run the jobs when they are due until `stop` is set; while the database is away, wait for it."""
    jobs: dict[str, tuple[str, Job]] = {
        "maturity": (
            maturity.SCHEDULE,
            partial(maturity.run, database, is_sandbox=is_sandbox, is_stopping=stop.is_set),
        ),
        "issuing": (
            issuing.SCHEDULE,
            partial(issuing.run, database, is_sandbox=is_sandbox, is_stopping=stop.is_set),
        ),
        "adoption": (
            adoption.SCHEDULE,
            partial(adoption.run, database, pii=pii, is_sandbox=is_sandbox, is_stopping=stop.is_set),
        ),
        "birthdays": (
            birthdays.SCHEDULE,
            partial(birthdays.run, database, pii=pii, is_sandbox=is_sandbox, is_stopping=stop.is_set),
        ),
        "occasions": (
            occasions.SCHEDULE,
            partial(occasions.run, database, pii=pii, is_sandbox=is_sandbox, is_stopping=stop.is_set),
        ),
        "referrals": (
            referrals.SCHEDULE,
            partial(referrals.run, database, is_sandbox=is_sandbox, is_stopping=stop.is_set),
        ),
        "backtests": (
            backtests.SCHEDULE,
            partial(backtests.run, database, is_sandbox=is_sandbox, is_stopping=stop.is_set),
        ),
        "forgetting": (forgetting.SCHEDULE, partial(forgetting.run, database, is_stopping=stop.is_set)),
    }
    while not stop.is_set():
        try:
            await _run_schedule(database, jobs, stop)
        except _LOST as error:
            log.warning("jobs_interrupted", error=repr(error))
        except Exception:
            log.exception("jobs_broke")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RECONNECT_SECONDS)


async def _run_schedule(database: Database, jobs: dict[str, tuple[str, Job]], stop: asyncio.Event) -> None:
    """Take jobs from the schedule on one connection. Raises as asyncpg does when that is lost."""
    connection = await database.connect()
    try:
        manager = SchedulerManager(Queries.from_asyncpg_connection(connection))
        manager.shutdown = stop
        for name, (expression, job) in jobs.items():
            manager.schedule(name, expression)(partial(_run_job, name, job))
        await manager.run()
    finally:
        connection.terminate()


async def _run_job(name: str, job: Job, _schedule: Schedule) -> None:
    try:
        await job()
    except (*_LOST, LedgerUnavailable) as error:
        # What it did stands, and the next minute goes on with the rest.
        log.warning("job_interrupted", job=name, error=repr(error))
