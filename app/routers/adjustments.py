"""A person corrects a balance."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.domain.errors import InsufficientPoints, ReferenceAlreadyUsed
from app.routers import door
from app.routers.commands import CREATED, carry_out, refusals
from app.routers.door import require
from app.schemas.adjustments import Adjustment, AdjustmentRequest
from app.schemas.common import MemberId

router = door.router("points")


@router.post(
    "/v1/members/{member_id}/adjustments",
    status_code=CREATED,
    operation_id="adjust_points",
    response_model=Adjustment,
    responses=refusals(Adjustment, InsufficientPoints, ReferenceAlreadyUsed),
)
@require("points:adjust")
async def adjust(
    member_id: MemberId, body: AdjustmentRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Correct a member's points by hand, plus or minus, with a reason.

    Points given expire as if earned now and pay a debt first; points taken come from what is available. The
    ledger keeps who did it.
    """
    return await carry_out(body.to_command(member_id), request, response)
