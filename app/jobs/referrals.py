"""Every hour: give inviters the share of what their invitees spent in the time that was promised, once it is over."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.actions.referrals import pay_referral_shares
from app.database import Database

SCHEDULE = "12 * * * *"

log = structlog.get_logger(__name__)


async def run(database: Database, *, is_sandbox: bool, is_stopping: Callable[[], bool]) -> None:
    """Pay the shares, or as many as there is time for."""
    asked = await pay_referral_shares(database, is_sandbox=is_sandbox, is_stopping=is_stopping)
    if asked:
        log.info("referral_shares_settled", invitees=asked)
