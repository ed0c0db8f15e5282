"""The ladder of tiers, where members stand on it, and the reviews that wait for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic_core import to_json
from sqlalchemy import text as sql

from app.actions.batches import answer_kept, keep_answer
from app.actions.maturity import mature_all
from app.domain.commands import DecideReview, EvaluateTier
from app.domain.errors import (
    IdempotencyKeyReused,
    MemberErased,
    MemberNotFound,
    ReferenceAlreadyUsed,
    ReviewClosed,
    ReviewNotFound,
    TierNotFound,
)
from app.domain.standing import TierEndsInPast
from app.domain.status import counts_all_lots
from app.ledger.engine import Engine, LedgerUnavailable, QueueFull
from app.queries.reviews import list_reviews, read_review
from app.queries.tiers import read_standing
from app.routers import door
from app.routers.commands import bring_up_to_date, carry_out, claim_of, refusals
from app.routers.dependencies import (
    BIGINT,
    BUCKET,
    CursorInvalid,
    PageQuery,
    clock_of,
    decode_cursor,
    encode_cursor,
)
from app.routers.document import REPLAYED_HEADER, problems
from app.routers.door import require
from app.schemas.common import Listing, MemberId
from app.schemas.tiers import (
    AllEvaluated,
    ApprovalRequest,
    Evaluated,
    EvaluationRequest,
    Ladder,
    MemberTier,
    RejectionRequest,
    Review,
    ReviewId,
    ReviewStatus,
    SetTierRequest,
    TierSet,
    ladder_of,
    member_tier,
    review_name,
    review_of,
)

router = door.router("tiers")


@router.get("/v1/tiers", operation_id="get_tiers", response_model=Ladder)
@require("tiers:read")
async def get_ladder(request: Request) -> dict[str, Any]:
    """Read the ladder of tiers in force, from the lowest up."""
    async with request.app.state.database.engine.connect() as connection:
        now: datetime = (await connection.execute(sql(f"SELECT {clock_of(request)}"))).scalar_one()
    engine: Engine = request.app.state.ledger
    return ladder_of(engine.rulebook.at(now))


@router.post(
    "/v1/tiers/evaluate",
    operation_id="evaluate_due_tiers",
    response_model=AllEvaluated,
    responses=problems(IdempotencyKeyReused, LedgerUnavailable),
)
@require("tiers:write")
async def evaluate_all(
    request: Request,
    body: EvaluationRequest | None = None,  # noqa: ARG001 - no fields
) -> Response:
    """Look again at all members on whom something is due.

    Periods of tiers that have ended, warnings, and with them whatever else fell due: points to expire, orders
    to settle, holds that ran out. A job does so every minute; this does it now.
    """
    claim = claim_of(request, content=bytes)
    database = request.app.state.database
    if claim is not None and (kept := await answer_kept(database, claim)) is not None:
        return Response(kept, media_type="application/json", headers={REPLAYED_HEADER: "true"})
    members = await mature_all(database, is_sandbox=request.app.state.is_sandbox)
    answer = to_json({"members": members})
    if claim is None:
        return Response(answer, media_type="application/json")
    first = await keep_answer(database, claim, answer.decode())
    headers = {REPLAYED_HEADER: "true"} if first.is_replay else None
    return Response(first.body, media_type="application/json", headers=headers)


@router.get(
    "/v1/members/{member_id}/tier",
    operation_id="get_member_tier",
    response_model=MemberTier,
    responses=problems(MemberNotFound, QueueFull, LedgerUnavailable),
)
@require("members:read", member=True)
async def get_tier(member_id: MemberId, request: Request) -> dict[str, Any]:
    """Read where a member stands on the ladder, why, and what is missing for the next tier."""
    await bring_up_to_date(member_id, request)
    engine: Engine = request.app.state.ledger
    programs = engine.rulebook.programs
    async with request.app.state.database.engine.connect() as connection:
        row = await read_standing(
            connection,
            member_id=member_id,
            all_lots=any(counts_all_lots(program) for program in programs.values()),
        )
        now: datetime = (await connection.execute(sql(f"SELECT {clock_of(request)}"))).scalar_one()
    if row is None:
        raise MemberNotFound
    return member_tier(row, now=now, programs=programs, program=engine.rulebook.at(now))


@router.put(
    "/v1/members/{member_id}/tier",
    operation_id="set_member_tier",
    response_model=TierSet,
    responses=refusals(
        TierSet, TierNotFound, ReferenceAlreadyUsed, TierEndsInPast, MemberErased, is_verb=True
    ),
)
@require("tiers:write")
async def set_tier(
    member_id: MemberId, body: SetTierRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Set a member's tier by hand, until a moment or for good.

    Until then nothing earned, refunded or due moves it; afterwards what the member deserves counts again.
    Known by its `reference`: sent again it is answered as it was, and changes nothing.
    """
    return await carry_out(body.to_command(member_id), request, response, is_verb=True)


@router.post(
    "/v1/members/{member_id}/tier/evaluate",
    operation_id="evaluate_member_tier",
    response_model=Evaluated,
    responses=refusals(Evaluated, MemberErased, is_verb=True),
)
@require("tiers:write")
async def evaluate(
    member_id: MemberId,
    request: Request,
    response: Response,
    body: EvaluationRequest | None = None,  # noqa: ARG001 - no fields
) -> dict[str, Any]:
    """Look again at where a member stands, by the rules in force.

    Purchases and refunds do so by themselves; this is for what a new version of the rules changes. A tier is
    never lowered by it: only a refund or the end of a period does that.
    """
    status = await carry_out(EvaluateTier(member_id=member_id), request, response, is_verb=True)
    return {"member_id": status["member_id"], **status["tier"]}


# --- reviews ---------------------------------------------------------------------------------------------


class ReviewsQuery(PageQuery):
    """Which reviews."""

    status: ReviewStatus | None = None
    member_id: MemberId | None = None


@router.get(
    "/v1/tier-reviews",
    operation_id="list_tier_reviews",
    response_model=Listing[Review],
    responses=problems(CursorInvalid),
)
@require("tiers:read")
async def list_all_reviews(query: Annotated[ReviewsQuery, Query()], request: Request) -> dict[str, object]:
    """List tier reviews, those that were opened first coming first."""
    after: tuple[datetime, int, str, int] | None = None
    if query.cursor is not None:
        moment, bucket, member_id, sequence = decode_cursor(query.cursor, datetime, BUCKET, str, BIGINT)
        after = (moment, bucket, member_id, sequence)
    async with request.app.state.database.engine.connect() as connection:
        rows = await list_reviews(
            connection, limit=query.limit + 1, status=query.status, member_id=query.member_id, after=after
        )
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    last = rows[-1] if more else None
    return {
        "data": [review_of(row) for row in rows],
        "next_cursor": last and encode_cursor(last.opened_at, last.bucket, last.member_id, last.sequence),
    }


@router.get(
    "/v1/tier-reviews/{review_id}",
    operation_id="get_tier_review",
    response_model=Review,
    responses=problems(ReviewNotFound),
)
@require("tiers:read")
async def get_review(review_id: ReviewId, request: Request) -> dict[str, object]:
    """Read a tier review."""
    async with request.app.state.database.engine.connect() as connection:
        row = await read_review(connection, review_name(review_id))
    if row is None:
        raise ReviewNotFound
    return review_of(row)


@router.post(
    "/v1/tier-reviews/{review_id}/approve",
    operation_id="approve_tier_review",
    response_model=Review,
    responses=problems(ReviewNotFound, ReviewClosed, IdempotencyKeyReused, QueueFull, LedgerUnavailable),
)
@require("tiers:write")
async def approve(
    review_id: ReviewId, request: Request, response: Response, body: ApprovalRequest | None = None
) -> dict[str, Any]:
    """Approve a tier review: the member has the tier from now on, if it is still reached."""
    return await _decide((body or ApprovalRequest()).to_command(review_name(review_id)), request, response)


@router.post(
    "/v1/tier-reviews/{review_id}/reject",
    operation_id="reject_tier_review",
    response_model=Review,
    responses=problems(ReviewNotFound, ReviewClosed, IdempotencyKeyReused, QueueFull, LedgerUnavailable),
)
@require("tiers:write")
async def reject(
    review_id: ReviewId, body: RejectionRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Reject a tier review: the member keeps the tier below.

    The tier is not reviewed again unless the member falls below it and reaches it anew.
    """
    return await _decide(body.to_command(review_name(review_id)), request, response)


async def _decide(command: DecideReview, request: Request, response: Response) -> dict[str, Any]:
    try:
        return await carry_out(command, request, response, is_verb=True)
    except MemberNotFound as error:
        raise ReviewNotFound from error
