"""Every minute: look at the members whom a version of the program that came into force may raise.

Nothing that is bought waits for it: a purchase evaluates its member's tier by itself.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.actions.adoption import adopt
from app.database import Database
from app.security.pii import PiiRing

SCHEDULE = "* * * * *"

log = structlog.get_logger(__name__)


async def run(database: Database, *, pii: PiiRing, is_sandbox: bool, is_stopping: Callable[[], bool]) -> None:
    """Look at all, or at as many as there is time for."""
    members = await adopt(database, pii=pii, is_sandbox=is_sandbox, is_stopping=is_stopping)
    if members:
        log.info("program_adopted", members=members)
