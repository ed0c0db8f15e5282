"""Every hour: give their coupons to those whose birthday is in this month, and who have had none this year.

So they come within the first hour of the month, whatever the program's zone, and later to whoever joins or tells
their birthday within it.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.actions.birthdays import give_birthday_coupons
from app.database import Database
from app.security.pii import PiiRing

SCHEDULE = "2 * * * *"

log = structlog.get_logger(__name__)


async def run(database: Database, *, pii: PiiRing, is_sandbox: bool, is_stopping: Callable[[], bool]) -> None:
    """Give the coupons, or as many as there is time for."""
    given = await give_birthday_coupons(database, pii=pii, is_sandbox=is_sandbox, is_stopping=is_stopping)
    if given:
        log.info("birthday_coupons_given", members=given)
