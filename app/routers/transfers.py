"""Points are given to another member."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.domain.errors import InsufficientPoints, ReferenceAlreadyUsed, TransferToSelf
from app.routers import door
from app.routers.commands import CREATED, FROZEN, carry_out, refusals
from app.routers.door import require
from app.schemas.common import MemberId
from app.schemas.transfers import Transfer, TransferRequest

router = door.router("points")


@router.post(
    "/v1/members/{member_id}/transfers",
    status_code=CREATED,
    operation_id="transfer_points",
    response_model=Transfer,
    responses=refusals(Transfer, InsufficientPoints, ReferenceAlreadyUsed, *FROZEN, TransferToSelf),
)
@require("points:write")
async def transfer(
    member_id: MemberId, body: TransferRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Give points to another member.

    The giver's next to expire go first and keep their expiry; what arrives pays the receiver's debt first.
    """
    return await carry_out(body.to_command(member_id), request, response)
