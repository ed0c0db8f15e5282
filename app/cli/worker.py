"""`loyalty worker`: the scheduled jobs alone, for those who keep them off the machines that serve."""

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.security.pii import PiiRing


def worker() -> None:
    """Run the scheduled jobs until stopped (`serve` runs them too; any number may run at once)."""
    from app.config import load_settings
    from app.database import database_url
    from app.security.pii import load_ring
    from app.telemetry import configure_logging

    settings = load_settings()
    configure_logging(settings.log_level)
    with database_url(settings, tell=lambda sentence: print(sentence, file=sys.stderr)) as url:
        asyncio.run(_work(url, pii=load_ring(settings), is_sandbox=settings.sandbox))


async def _work(url: str, *, pii: "PiiRing", is_sandbox: bool) -> None:
    from app.database import Database, upgrade
    from app.jobs.worker import work

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    await upgrade(url)
    database = Database(url)
    print("Working.", flush=True)
    try:
        await work(database, pii=pii, is_sandbox=is_sandbox, stop=stop)
    finally:
        await database.dispose()
