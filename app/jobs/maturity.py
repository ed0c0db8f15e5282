"""Every minute: expire points, free holds, settle orders, end tier periods.

Nothing waits for it: what fell due counts from its own moment on. The job only writes it down, so that the
ledger tells it and the indexes stay short.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.actions.maturity import mature_all
from app.database import Database

SCHEDULE = "* * * * *"

log = structlog.get_logger(__name__)


async def run(database: Database, *, is_sandbox: bool, is_stopping: Callable[[], bool]) -> None:
    """Write down all that fell due, or as much as there is time for."""
    matured = await mature_all(database, is_sandbox=is_sandbox, is_stopping=is_stopping)
    if matured:
        log.info("matured", members=matured)
