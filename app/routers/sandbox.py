"""The sandbox: time at will. Routed with LOYALTY_SANDBOX=1 only."""

from __future__ import annotations

from fastapi import Request

from app.actions.birthdays import give_birthday_coupons
from app.actions.referrals import pay_referral_shares
from app.actions.sandbox import ClockBehindLedger, live_through
from app.domain.instants import rfc3339
from app.routers import door
from app.routers.document import problems
from app.routers.door import require
from app.schemas.sandbox import ClockRequest, ClockSet
from app.security.callers import ADMIN_SCOPE

router = door.router("operations")


@router.put("/v1/sandbox/clock", operation_id="set_sandbox_clock", responses=problems(ClockBehindLedger))
@require(ADMIN_SCOPE)
async def put_clock(body: ClockRequest, request: Request) -> ClockSet:
    """Set the program's clock for all workers; it runs on from there.

    Any time will do while the ledger is empty, later none before its newest entry. What falls due on the way
    (expiry, holds, settlements, tier periods and coupons, what campaigns pay on their days) is written down before this
    answers, so that a year passes in a second. API keys and members' tokens go by the real clock.
    """
    database = request.app.state.database
    pii = request.app.state.pii
    matured = await live_through(database, pii=pii, now=body.now)
    await give_birthday_coupons(database, pii=pii, is_sandbox=True)
    await pay_referral_shares(database, is_sandbox=True)
    return ClockSet(now=rfc3339(body.now), matured=matured)
