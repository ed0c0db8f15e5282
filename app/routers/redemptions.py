"""Points are spent, held, freed and given back."""

from __future__ import annotations

from fastapi import Request, Response

from app.domain.errors import (
    HoldTooLong,
    InsufficientPoints,
    MemberNotFound,
    ReferenceAlreadyUsed,
)
from app.domain.redemptions import (
    CommitExceedsReservation,
    RedemptionNotFound,
    RefundExceedsRedemption,
    ReservationClosed,
    ReservationExpired,
    ReservationOpen,
)
from app.ledger.engine import Engine, LedgerUnavailable, QueueFull
from app.queries.redemptions import read_redemption
from app.routers import door
from app.routers.commands import CREATED, FROZEN, answer_to, bring_up_to_date, refusals
from app.routers.document import problems
from app.routers.door import require
from app.schemas.common import MemberId, Reference
from app.schemas.redemptions import (
    Cancellation,
    Cancelled,
    CommitRequest,
    Committed,
    Redemption,
    RedemptionRequest,
    RedemptionState,
    Refunded,
    RefundRequest,
    redemption_state,
)

router = door.router("points")


@router.post(
    "/v1/members/{member_id}/redemptions",
    status_code=CREATED,
    operation_id="redeem_points",
    response_model=Redemption,
    responses=refusals(Redemption, InsufficientPoints, ReferenceAlreadyUsed, *FROZEN, HoldTooLong),
)
@require("points:write")
async def redeem(member_id: MemberId, body: RedemptionRequest, request: Request) -> Response:
    """Spend points, or hold them for a while.

    Points that expire next go first. Held points can't be spent twice; a hold that is neither committed nor
    cancelled frees itself.
    """
    return await answer_to(body.to_command(member_id), request)


@router.get(
    "/v1/members/{member_id}/redemptions/{reference}",
    operation_id="get_redemption",
    responses=problems(MemberNotFound, RedemptionNotFound, QueueFull, LedgerUnavailable),
)
@require("points:read", member=True)
async def get_redemption(member_id: MemberId, reference: Reference, request: Request) -> RedemptionState:
    """Read a redemption as it stands: reserved, redeemed, cancelled or run out."""
    await bring_up_to_date(member_id, request)
    async with request.app.state.database.engine.connect() as connection:
        is_member, row = await read_redemption(connection, member_id=member_id, reference=reference)
    if row is None:
        raise RedemptionNotFound if is_member else MemberNotFound
    engine: Engine = request.app.state.ledger
    found = row.redemption
    paying = engine.rulebook.programs[found.program_version].paying
    value = paying.value_fen(found.committed or found.points, tier=row.tier)
    return redemption_state(found, expires_at=row.expires_at, value=value)


@router.post(
    "/v1/members/{member_id}/redemptions/{reference}/commit",
    operation_id="commit_redemption",
    response_model=Committed,
    responses=refusals(
        Committed,
        RedemptionNotFound,
        ReservationExpired,
        ReservationClosed,
        CommitExceedsReservation,
        ReferenceAlreadyUsed,
        is_verb=True,
    ),
)
@require("points:write")
async def commit(
    member_id: MemberId,
    reference: Reference,
    request: Request,
    body: CommitRequest | None = None,
) -> Response:
    """Spend what a reservation holds.

    All of it, or `points` of it: the rest is freed. What expired while it was held may still be committed.
    """
    command = (body or CommitRequest()).to_command(member_id, reference)
    return await answer_to(command, request, is_verb=True)


@router.post(
    "/v1/members/{member_id}/redemptions/{reference}/cancel",
    operation_id="cancel_redemption",
    response_model=Cancelled,
    responses=refusals(Cancelled, RedemptionNotFound, ReservationExpired, ReservationClosed, is_verb=True),
)
@require("points:write")
async def cancel(
    member_id: MemberId,
    reference: Reference,
    request: Request,
    body: Cancellation | None = None,
) -> Response:
    """Free what a reservation holds.

    The points go back to their lots, with their own expiry: what has expired meanwhile stays expired.
    """
    command = (body or Cancellation()).to_command(member_id, reference)
    return await answer_to(command, request, is_verb=True)


@router.post(
    "/v1/members/{member_id}/redemptions/{reference}/refund",
    operation_id="refund_redemption",
    response_model=Refunded,
    responses=refusals(
        Refunded,
        RedemptionNotFound,
        ReservationOpen,
        ReservationClosed,
        RefundExceedsRedemption,
        ReferenceAlreadyUsed,
        is_verb=True,
    ),
)
@require("points:write")
async def refund(
    member_id: MemberId, reference: Reference, body: RefundRequest, request: Request
) -> Response:
    """Give spent points back to the lots they came from.

    What was taken last comes back first, with its own expiry. The `reference` in the body names the refund
    within its redemption.
    """
    return await answer_to(body.to_command(member_id, reference), request, is_verb=True)
