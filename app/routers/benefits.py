"""What holds for a member: benefits of the tier, and those that persons give."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import Request, Response
from sqlalchemy import text as sql

from app.domain.benefit_commands import BenefitEnded
from app.domain.benefit_grants import BenefitEndsInPast, BenefitInvalid, BenefitNotFound
from app.domain.errors import MemberErased, MemberNotFound, ReferenceAlreadyUsed
from app.ledger.engine import Engine, LedgerUnavailable, QueueFull
from app.queries.benefits import read_benefits
from app.routers import door
from app.routers.commands import CREATED, bring_up_to_date, carry_out, refusals
from app.routers.dependencies import clock_of
from app.routers.document import problems
from app.routers.door import require
from app.schemas.benefits import (
    BenefitRequest,
    GrantedBenefit,
    MemberBenefits,
    RevocationRequest,
    benefits_of,
)
from app.schemas.common import MemberId, Reference

router = door.router("tiers")


@router.get(
    "/v1/members/{member_id}/benefits",
    operation_id="get_member_benefits",
    response_model=MemberBenefits,
    responses=problems(MemberNotFound, QueueFull, LedgerUnavailable),
)
@require("members:read", member=True)
async def get_benefits(member_id: MemberId, request: Request) -> dict[str, Any]:
    """Read what holds for a member now, why, and until when.

    The tier's rate, discount, free shipping, coupons and entitlements that other systems act on, and what was given
    to the member alone.
    """
    await bring_up_to_date(member_id, request)
    engine: Engine = request.app.state.ledger
    async with request.app.state.database.engine.connect() as connection:
        row = await read_benefits(connection, member_id)
        now: datetime = (await connection.execute(sql(f"SELECT {clock_of(request)}"))).scalar_one()
    if row is None:
        raise MemberNotFound
    return benefits_of(row.account, row.grants, now=now, program=engine.rulebook.at(now))


@router.post(
    "/v1/members/{member_id}/benefits",
    status_code=CREATED,
    operation_id="grant_benefit",
    response_model=GrantedBenefit,
    responses=refusals(GrantedBenefit, ReferenceAlreadyUsed, BenefitEndsInPast, BenefitInvalid, MemberErased),
)
@require("members:write")
async def grant(
    member_id: MemberId, body: BenefitRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Give a member a benefit, for a time or for good, with a reason.

    It joins those of the tier from now on and ends by itself. Known by its `reference`: sent again it is answered as
    it was, and changes nothing.
    """
    return await carry_out(body.to_command(member_id), request, response)


@router.post(
    "/v1/members/{member_id}/benefits/{reference}/revoke",
    operation_id="revoke_benefit",
    response_model=GrantedBenefit,
    responses=refusals(GrantedBenefit, BenefitNotFound, BenefitEnded, MemberErased, is_verb=True),
)
@require("members:write")
async def revoke(
    member_id: MemberId,
    reference: Reference,
    body: RevocationRequest,
    request: Request,
    response: Response,
) -> dict[str, Any]:
    """Take back a benefit that was given, before its time. What comes with the tier can't be taken back."""
    return await carry_out(body.to_command(member_id, reference), request, response, is_verb=True)
