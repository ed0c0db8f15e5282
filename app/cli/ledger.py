"""What the commands that work on the ledger share: the database with its engine, and how they are stopped."""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

import typer

from app.config import Settings, load_settings
from app.database import Database, database_url, upgrade
from app.ledger.engine import Engine
from app.telemetry import configure_logging

T = TypeVar("T")


def on_database(work: Callable[[Settings, Database], Awaitable[T]]) -> T:
    """Do `work` on the settings' database, whether the service runs on it or not.

    Stopped by Ctrl-C or SIGTERM it leaves what it did, says so, and exits with 130.
    """
    settings = load_settings()
    configure_logging(settings.log_level)
    try:
        with database_url(settings, tell=lambda sentence: print(sentence, file=sys.stderr)) as url:
            return asyncio.run(_work(settings, url, work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("Stopped. What is done stands; the same command goes on from there.", file=sys.stderr)
        raise typer.Exit(130) from None


async def _work(settings: Settings, url: str, work: Callable[[Settings, Database], Awaitable[T]]) -> T:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await upgrade(url)
    database = Database(url)
    try:
        return await work(settings, database)
    finally:
        await database.dispose()


@contextlib.asynccontextmanager
async def running_engine(settings: Settings, database: Database) -> AsyncGenerator[Engine]:
    """An engine of this process alone: what is submitted first is carried out first."""
    engine = Engine(database.connect, is_sandbox=settings.sandbox)
    await engine.start()
    # What was made by now stays, and lines leave next to no cycles behind: looking for them took a fifth of an import.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    try:
        yield engine
    finally:
        await engine.stop()
