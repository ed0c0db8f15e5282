"""Every five seconds: carry out the backtests that wait, one after another, each in a process of its own.

A replay computes for seconds without a pause. In a process of its own, at the lowest priority, it holds up no request
and no other job, and what it took of memory is given back at its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from uuid import UUID

import structlog

from app.actions.backtests import give_up, let_go, waiting_backtest
from app.config import PREFIX
from app.database import Database

SCHEDULE = "* * * * * */5"
LOOK_SECONDS = 0.5
NICENESS = 10

log = structlog.get_logger(__name__)


async def run(database: Database, *, is_sandbox: bool, is_stopping: Callable[[], bool]) -> None:
    """Carry out all that wait, or as many as there is time for."""
    del is_sandbox  # what was recorded is run again at its own time
    while not is_stopping() and (backtest := await waiting_backtest(database)) is not None:
        await _run_one(database, backtest, is_stopping)


async def _run_one(database: Database, backtest: UUID, is_stopping: Callable[[], bool]) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        "backtest",
        str(backtest),
        env=_environment(database),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        # Whatever serves requests goes first.
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        code = await _end_of(process, is_stopping)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code is None:
        await let_go(database, backtest)
    elif code:
        # What it could it has told itself; killed, it could not.
        log.warning("backtest_broke", backtest=str(backtest), code=code)
        await give_up(database, backtest, error="The backtest ended before it was done.")


def _environment(database: Database) -> dict[str, str]:
    """This process's, with its database; but what it counts of requests is not the other's to add to."""
    kept = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    return {**kept, f"{PREFIX}DATABASE_URL": database.url}


async def _end_of(process: asyncio.subprocess.Process, is_stopping: Callable[[], bool]) -> int | None:
    """The exit code of the process; None once this one is to stop."""
    while not is_stopping():
        try:
            return await asyncio.wait_for(process.wait(), LOOK_SECONDS)
        except TimeoutError:
            continue
    return None
