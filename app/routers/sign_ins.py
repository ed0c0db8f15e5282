"""A member shows up."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.routers import door
from app.routers.commands import CREATED, FROZEN, carry_out, refusals
from app.routers.door import require
from app.schemas.common import MemberId
from app.schemas.sign_ins import SignIn, SignInRequest

router = door.router("points")


@router.post(
    "/v1/members/{member_id}/sign-ins",
    status_code=CREATED,
    operation_id="sign_in",
    response_model=SignIn,
    responses=refusals(SignIn, *FROZEN),
)
@require("points:write", member=True)
async def sign_in(
    member_id: MemberId, request: Request, response: Response, body: SignInRequest | None = None
) -> dict[str, Any]:
    """Sign a member in for today.

    Once a day of the program's time zone; again that day is answered as the first time. Days in a row climb a
    ladder of extras.
    """
    return await carry_out((body or SignInRequest()).to_command(member_id), request, response)
