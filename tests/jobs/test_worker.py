"""Workers share the schedule, survive the loss of the database's connections, and stop when told."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from app.database import Database
from app.jobs import maturity, worker
from app.jobs.worker import work, working
from tests.jobs.conftest import PII, Sandbox
from tests.pace import HANG_SECONDS, until

EVERY_SECOND = "* * * * * *"


class Runs:
    """A job that notes its runs."""

    def __init__(self) -> None:
        self.count = self.under_way = self.most_under_way = 0

    async def run(self, *_: object, **__: object) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0.3)
        self.under_way -= 1
        self.count += 1


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    noted = Runs()
    monkeypatch.setattr(maturity, "SCHEDULE", EVERY_SECOND)
    monkeypatch.setattr(maturity, "run", noted.run)
    monkeypatch.setattr(worker, "RECONNECT_SECONDS", 0.1)
    return noted


async def test_of_two_workers_one_runs_a_job(sandbox: Sandbox, runs: Runs) -> None:
    async with (
        working(sandbox.database, pii=PII, is_sandbox=True),
        working(sandbox.database, pii=PII, is_sandbox=True),
    ):
        await until(lambda: runs.count >= 2)
    assert runs.under_way == 0
    assert runs.most_under_way == 1


async def test_a_lost_connection_is_made_again(sandbox: Sandbox, runs: Runs, fresh_database_url: str) -> None:
    owner = await asyncpg.connect(fresh_database_url)
    async with working(sandbox.database, pii=PII, is_sandbox=True):
        await until(lambda: runs.count >= 1)
        await owner.execute(
            "SELECT pg_terminate_backend(pid, 60_000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        before = runs.count
        await until(lambda: runs.count > before)  # one whose worker died is picked again after half a minute
    await owner.close()


async def test_a_job_that_breaks_runs_again(
    sandbox: Sandbox, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking = 0

    async def breaks(*_: object, **__: object) -> None:
        nonlocal breaking
        breaking += 1
        raise ZeroDivisionError

    monkeypatch.setattr(maturity, "run", breaks)
    async with working(sandbox.database, pii=PII, is_sandbox=True):
        await until(lambda: breaking >= 2)


async def test_it_waits_for_a_database_that_is_away(runs: Runs) -> None:
    stop = asyncio.Event()
    waiting = asyncio.create_task(
        work(Database("postgresql://nobody@/nothing?host=/nowhere"), pii=PII, is_sandbox=False, stop=stop)
    )
    await asyncio.sleep(0.3)
    assert not waiting.done()
    stop.set()
    await asyncio.wait_for(waiting, HANG_SECONDS)


async def test_the_real_jobs_run(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maturity, "SCHEDULE", EVERY_SECOND)
    async with working(sandbox.database, pii=PII, is_sandbox=True):
        await until(lambda: sandbox.rows("SELECT 1 FROM pgqueuer_schedules WHERE last_run IS NOT NULL"))
