"""Every five seconds: give out the coupons of issues to more members than are carried out at once."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.actions.issuing import issue_all
from app.database import Database

SCHEDULE = "* * * * * */5"

log = structlog.get_logger(__name__)


async def run(database: Database, *, is_sandbox: bool, is_stopping: Callable[[], bool]) -> None:
    """Carry out all open parts, or as many as there is time for."""
    parts = await issue_all(database, is_sandbox=is_sandbox, is_stopping=is_stopping)
    if parts:
        log.info("coupons_issued", parts=parts)
