"""Referrals: the code a member brings others by, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import Request
from sqlalchemy import text as sql

from app.database import Database
from app.domain.calendar import local_date
from app.domain.errors import MemberNotFound
from app.domain.referral_commands import MakeReferralCode
from app.ledger.engine import Engine, LedgerUnavailable, QueueFull
from app.ledger.request import Request as Asked
from app.queries.referrals import ReferralRow, list_invitations, read_referral
from app.routers import door
from app.routers.commands import ledger_caller
from app.routers.dependencies import CursorInvalid, Page, clock_of, decode_cursor, encode_cursor
from app.routers.document import problems
from app.routers.door import require
from app.schemas.common import Listing, MemberId
from app.schemas.referrals import Invitation, MemberReferral, invitation_of, referral_of

router = door.router("members")


@router.get(
    "/v1/members/{member_id}/referral",
    operation_id="get_member_referral",
    response_model=MemberReferral,
    responses=problems(MemberNotFound, QueueFull, LedgerUnavailable),
)
@require("members:read", member=True)
async def get_referral(member_id: MemberId, request: Request) -> dict[str, Any]:
    """Read a member's referral code, and what came of those they brought.

    The code is made on the first look and stays for good. Whoever is brought names it, or the member's id, in
    `referred_by` when they join; both are rewarded once the first order that is large enough has settled.
    """
    engine: Engine = request.app.state.ledger
    row, now = await _read(member_id, request)
    if row.status != "erased" and (row.referrer is None or row.referrer.code is None):
        await engine.submit(Asked(MakeReferralCode(member_id=member_id), ledger_caller(request)))
        row, now = await _read(member_id, request)
    program = engine.rulebook.at(now)
    return referral_of(member_id, row, today=local_date(now, program.timezone), program=program)


async def _read(member_id: str, request: Request) -> tuple[ReferralRow, datetime]:
    """What is known, and the program's moment. Raises MemberNotFound."""
    database: Database = request.app.state.database
    async with database.engine.connect() as connection:
        row = await read_referral(connection, member_id)
        now: datetime = (await connection.execute(sql(f"SELECT {clock_of(request)}"))).scalar_one()
    if row is None:
        raise MemberNotFound
    return row, now


@router.get(
    "/v1/members/{member_id}/referral/invitations",
    operation_id="list_member_invitations",
    responses=problems(MemberNotFound, CursorInvalid),
)
@require("members:read", member=True)
async def list_member_invitations(member_id: MemberId, page: Page, request: Request) -> Listing[Invitation]:
    """List those whom a member brought, newest first: what came of each, not who they are."""
    before = None if page.cursor is None else decode_cursor(page.cursor, datetime, str)
    database: Database = request.app.state.database
    async with database.engine.connect() as connection:
        rows = await list_invitations(
            connection,
            member_id=member_id,
            limit=page.limit + 1,
            before=before and (before[0], before[1]),
        )
    if rows is None:
        raise MemberNotFound
    found = rows[: page.limit]
    return Listing(
        data=[Invitation.model_validate(invitation_of(row)) for row, _ in found],
        next_cursor=encode_cursor(found[-1][0].bound_at, found[-1][1]) if len(rows) > len(found) else None,
    )
