"""Members join, are known, frozen and forgotten."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.domain.commands import Erase
from app.domain.errors import MemberErased
from app.routers import door
from app.routers.commands import CREATED, carry_out, refusals
from app.routers.door import require
from app.schemas.common import MemberId
from app.schemas.members import FreezeRequest, Member, PersonRequest, UnfreezeRequest

router = door.router("members")


@router.put(
    "/v1/members/{member_id}",
    status_code=CREATED,
    operation_id="enrol_member",
    response_model=Member,
    responses=refusals(Member, MemberErased),
)
@require("members:write")
async def enrol(
    member_id: MemberId, body: PersonRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Enrol a member, or update what is known of one.

    Only the fields given change and null clears, so `{}` enrols and changes nothing later. Answers the
    member's status.
    """
    return await carry_out(body.to_command(member_id, request.app.state.pii), request, response)


@router.patch(
    "/v1/members/{member_id}",
    operation_id="update_member",
    response_model=Member,
    responses=refusals(Member, MemberErased, is_verb=True),
)
@require("members:write")
async def update(
    member_id: MemberId, body: PersonRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Update what is known of a member, never enrolling one.

    Only the fields given change and null clears.
    """
    command = body.to_command(member_id, request.app.state.pii, must_exist=True)
    return await carry_out(command, request, response, is_verb=True)


@router.post(
    "/v1/members/{member_id}/freeze",
    operation_id="freeze_member",
    response_model=Member,
    responses=refusals(Member, MemberErased, is_verb=True),
)
@require("members:write")
async def freeze(
    member_id: MemberId, request: Request, response: Response, body: FreezeRequest | None = None
) -> dict[str, Any]:
    """Freeze a member: nothing can be earned or spent until it is unfrozen.

    Settling, reversing, refunding, committing, cancelling and expiry go on. Freezing one that is frozen
    changes nothing.
    """
    command = (body or FreezeRequest()).to_command(member_id)
    return await carry_out(command, request, response, is_verb=True)


@router.post(
    "/v1/members/{member_id}/unfreeze",
    operation_id="unfreeze_member",
    response_model=Member,
    responses=refusals(Member, MemberErased, is_verb=True),
)
@require("members:write")
async def unfreeze(
    member_id: MemberId, request: Request, response: Response, body: UnfreezeRequest | None = None
) -> dict[str, Any]:
    """Let a frozen member earn and spend again. Unfreezing one that is active changes nothing."""
    command = (body or UnfreezeRequest()).to_command(member_id)
    return await carry_out(command, request, response, is_verb=True)


@router.delete(
    "/v1/members/{member_id}",
    operation_id="erase_member",
    response_model=Member,
    responses=refusals(Member, is_verb=True),
)
@require("members:write")
async def erase(member_id: MemberId, request: Request, response: Response) -> dict[str, Any]:
    """Erase the person behind a member, for good.

    Name, phone, e-mail, birthday and all else that is known of the person is deleted. The ledger stands,
    under the id, which can't be enrolled again. Answers the member's last status; again it changes nothing.
    """
    return await carry_out(Erase(member_id=member_id), request, response, is_verb=True)
