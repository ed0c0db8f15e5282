"""What members do besides buying: recorded, taken back, listed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from app.domain.activities import (
    ActivityKindUnknown,
    ActivityLevelUnknown,
    ActivityLimitReached,
    ActivityNotFound,
)
from app.domain.errors import MemberNotFound, ReferenceAlreadyUsed
from app.queries.activities import list_activities, read_activity
from app.routers import door
from app.routers.commands import CREATED, FROZEN, carry_out, refusals
from app.routers.dependencies import BIGINT, CursorInvalid, PageQuery, decode_cursor, encode_cursor
from app.routers.document import problems
from app.routers.door import require
from app.schemas.activities import (
    Activity,
    ActivityRequest,
    ActivityReversalRequest,
    ActivityState,
    ActivityStatus,
    Kind,
    ReversedActivity,
    activity_state,
)
from app.schemas.common import Listing, MemberId, Reference

router = door.router("points")


class ActivitiesQuery(PageQuery):
    """Which of a member's activities."""

    kind: Kind | None = Field(None, description="Only those of this kind.")
    status: ActivityStatus | None = Field(None, description="Only those that are so now.")


@router.post(
    "/v1/members/{member_id}/activities",
    status_code=CREATED,
    operation_id="record_activity",
    response_model=Activity,
    responses=refusals(
        Activity,
        ActivityKindUnknown,
        ActivityLevelUnknown,
        ActivityLimitReached,
        ReferenceAlreadyUsed,
        *FROZEN,
    ),
)
@require("points:write")
async def record(
    member_id: MemberId, body: ActivityRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Record something a member did besides buying, such as a review, and give what it is worth.

    Kinds, levels and limits are those of the program in force; campaigns may add to it. Each `reference` pays once. One
    over its limit is refused and not recorded: nothing was given.
    """
    return await carry_out(body.to_command(member_id), request, response)


@router.post(
    "/v1/members/{member_id}/activities/{reference}/reverse",
    operation_id="reverse_activity",
    response_model=ReversedActivity,
    responses=refusals(ReversedActivity, ActivityNotFound, is_verb=True),
)
@require("points:write")
async def reverse(
    member_id: MemberId,
    reference: Reference,
    request: Request,
    response: Response,
    body: ActivityReversalRequest | None = None,
) -> dict[str, Any]:
    """Take back what an activity gave, because its content was removed.

    Points as with refunds: from its own lot first, then from others; what is missing becomes a debt. Coupons that
    campaigns gave for it stay. It still counts in its day's limit.
    """
    command = (body or ActivityReversalRequest()).to_command(member_id, reference)
    return await carry_out(command, request, response, is_verb=True)


@router.get(
    "/v1/members/{member_id}/activities",
    operation_id="list_activities",
    response_model=Listing[ActivityState],
    responses=problems(MemberNotFound, CursorInvalid),
)
@require("points:read", member=True)
async def list_of_member(
    member_id: MemberId, query: Annotated[ActivitiesQuery, Query()], request: Request
) -> dict[str, Any]:
    """List a member's activities, newest first."""
    before: int | None = None
    if query.cursor is not None:
        (before,) = decode_cursor(query.cursor, BIGINT)
    async with request.app.state.database.engine.connect() as connection:
        rows = await list_activities(
            connection,
            member_id=member_id,
            kind=query.kind,
            status=query.status,
            limit=query.limit + 1,
            before=before,
        )
    if rows is None:
        raise MemberNotFound
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return {
        "data": [activity_state(row) for row in rows],
        "next_cursor": encode_cursor(rows[-1].activity.sequence) if more else None,
    }


@router.get(
    "/v1/members/{member_id}/activities/{reference}",
    operation_id="get_activity",
    response_model=ActivityState,
    responses=problems(MemberNotFound, ActivityNotFound),
)
@require("points:read", member=True)
async def get_activity(member_id: MemberId, reference: Reference, request: Request) -> dict[str, Any]:
    """Read an activity as it stands."""
    async with request.app.state.database.engine.connect() as connection:
        is_member, row = await read_activity(connection, member_id=member_id, reference=reference)
    if not is_member:
        raise MemberNotFound
    if row is None:
        raise ActivityNotFound
    return activity_state(row)
