"""Every minute: pay what campaigns give by themselves: at a scheduled time, on a holiday, in the month of a birthday,
to the dormant, for a balance reached, after another campaign has ended.

What came up while no worker ran is paid as long as its occasion lasts (`domain/campaign_walks.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.actions.occasions import pay_occasions
from app.database import Database
from app.security.pii import PiiRing

SCHEDULE = "* * * * *"

log = structlog.get_logger(__name__)


async def run(database: Database, *, pii: PiiRing, is_sandbox: bool, is_stopping: Callable[[], bool]) -> None:
    """Pay everybody whose turn it is, or as many as there is time for."""
    paid = await pay_occasions(database, pii=pii, is_sandbox=is_sandbox, is_stopping=is_stopping)
    if paid:
        log.info("occasions_paid", payments=paid)
