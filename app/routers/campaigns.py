"""Campaigns: made, changed, started, paused, ended, looked at, and what they gave."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from app.actions.campaign_warnings import warnings_of
from app.actions.campaigns import Moment, look_at, move_campaign, put_campaign, read_moment
from app.domain.campaign_document import CampaignInvalid
from app.domain.campaign_states import (
    BudgetBelowGranted,
    CampaignEnded,
    CampaignNotFound,
    CampaignNotStarted,
    Verb,
)
from app.domain.campaigns import State, Trigger
from app.domain.errors import IdempotencyKeyReused
from app.domain.program_warnings import Warning as CampaignNote
from app.queries.campaigns import (
    CampaignRow,
    list_campaigns,
    list_versions,
    read_campaign,
    read_failures,
    read_given,
    read_granted,
)
from app.routers import door
from app.routers.commands import CREATED, OK, ledger_caller
from app.routers.dependencies import (
    INTEGER,
    CursorInvalid,
    Page,
    PageQuery,
    clock_of,
    decode_cursor,
    encode_cursor,
    idempotency_key_of,
)
from app.routers.document import REPLAYED_HEADER, problems
from app.routers.door import require
from app.routers.errors import hinted
from app.routers.repeats import once
from app.schemas.campaign_document import CampaignCode, CampaignTerms
from app.schemas.campaigns import (
    Campaign,
    CampaignFindings,
    CampaignInFull,
    CampaignVerb,
    CampaignVersion,
    CampaignWithWarnings,
    campaign_answer,
    figures_answer,
    version_answer,
    with_warnings,
)
from app.schemas.common import Listing

router = door.router("campaigns")


class CampaignsQuery(PageQuery):
    """Which campaigns."""

    state: State | None = Field(None, description="Only those in this state.")
    trigger: Trigger | None = Field(None, description="Only those of this trigger.")


@router.put(
    "/v1/campaigns/{campaign}",
    operation_id="put_campaign",
    response_model=CampaignWithWarnings,
    responses={
        CREATED: {"model": CampaignWithWarnings, "description": "Made: a draft."},
        OK: {"description": "Changed: another version of it; or as it was, if it said the same."},
        **problems(CampaignInvalid, CampaignEnded, BudgetBelowGranted),
    },
)
@require("campaigns:write")
async def put(
    campaign: CampaignCode, body: CampaignTerms, request: Request, response: Response
) -> dict[str, Any]:
    """Make a campaign, or change what it says.

    It says what is sent and nothing else. A new one is a draft: it gives nothing until it is started. A change takes
    hold at once, also of a live one, as its next version; what was given stays as the version before gave it. A budget
    can't become less than what was granted out of it. Sent again with the same content, nothing changes.
    """
    done = await put_campaign(
        request.app.state.database,
        campaign=campaign,
        document=body.to_document(),
        caller=ledger_caller(request),
        clock=clock_of(request),
    )
    if done.is_new:
        response.status_code = CREATED
    elif not done.is_changed:
        response.headers[REPLAYED_HEADER] = "true"
    return await _with_warnings(done.row, request)


@router.get(
    "/v1/campaigns",
    operation_id="list_campaigns",
    response_model=Listing[Campaign],
    responses=problems(CursorInvalid),
)
@require("campaigns:read")
async def list_all(query: Annotated[CampaignsQuery, Query()], request: Request) -> dict[str, Any]:
    """List campaigns by their names, ended ones too."""
    after: str | None = None
    if query.cursor is not None:
        (after,) = decode_cursor(query.cursor, str)
    async with request.app.state.database.engine.connect() as connection:
        rows = await list_campaigns(
            connection,
            limit=query.limit + 1,
            after=after,
            states=None if query.state is None else [query.state],
            trigger=query.trigger,
        )
        moment = await read_moment(connection, clock_of(request))
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return {
        "data": [campaign_answer(row, moment) for row in rows],
        "next_cursor": encode_cursor(rows[-1].campaign) if more else None,
    }


@router.get(
    "/v1/campaigns/{campaign}",
    operation_id="get_campaign",
    response_model=CampaignInFull,
    responses=problems(CampaignNotFound),
)
@require("campaigns:read")
async def get(campaign: CampaignCode, request: Request) -> dict[str, Any]:
    """Read a campaign, with what it gave so far and what is left of its budget."""
    async with request.app.state.database.engine.connect() as connection:
        row = await _read(connection, campaign)
        moment = await read_moment(connection, clock_of(request))
        return {
            **with_warnings(row, moment, await _warnings(connection, row, moment)),
            **figures_answer(
                row,
                await read_given(connection, campaign),
                granted=await read_granted(connection, campaign, moment.today),
                failures=await read_failures(connection, campaign),
            ),
        }


@router.get(
    "/v1/campaigns/{campaign}/versions",
    operation_id="list_campaign_versions",
    response_model=Listing[CampaignVersion],
    responses=problems(CampaignNotFound, CursorInvalid),
)
@require("campaigns:read")
async def versions(campaign: CampaignCode, query: Page, request: Request) -> dict[str, Any]:
    """List what a campaign said, the newest version first.

    The version that a grant names tells why it was given.
    """
    before: int | None = None
    if query.cursor is not None:
        (before,) = decode_cursor(query.cursor, INTEGER)
    async with request.app.state.database.engine.connect() as connection:
        await _read(connection, campaign)
        rows = await list_versions(connection, campaign, limit=query.limit + 1, before=before)
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return {
        "data": [version_answer(row) for row in rows],
        "next_cursor": encode_cursor(rows[-1].version) if more else None,
    }


@router.post(
    "/v1/campaigns/{campaign}/validate",
    operation_id="validate_campaign",
    response_model=CampaignFindings,
)
@require("campaigns:read")
async def validate(campaign: CampaignCode, body: CampaignTerms, request: Request) -> dict[str, Any]:
    """Look at a campaign before it is made or changed.

    Every mistake is told with its place, and what to think of: other campaigns and festivals on its days, budgets below
    one grant, coupons that end before it does. Nothing is written. Fields that no campaign has are refused as
    everywhere, and so is a campaign without those that each must have.
    """
    idempotency_key_of(request)  # nothing is done twice, but a misshapen one is refused as everywhere
    async with request.app.state.database.engine.connect() as connection:
        moment = await read_moment(connection, clock_of(request))
        try:
            found = await look_at(connection, campaign=campaign, document=body.to_document(), moment=moment)
        except CampaignInvalid as error:
            return {
                "valid": False,
                "mistakes": [_fault(mistake) for mistake in error.extra["errors"]],
                "warnings": [],
            }
        warnings = await warnings_of(connection, found, moment)
    return {"valid": True, "mistakes": [], "warnings": [warning._asdict() for warning in warnings]}


def _fault(mistake: dict[str, Any]) -> dict[str, Any]:
    places = {"code": CampaignInvalid.code, "line": None, "column": None}
    return {**places, **mistake, "pointer": hinted(mistake["pointer"])}


# --- how it stands -----------------------------------------------------------------------------------------


@router.post(
    "/v1/campaigns/{campaign}/start",
    operation_id="start_campaign",
    response_model=CampaignWithWarnings,
    responses=problems(CampaignNotFound, CampaignEnded, IdempotencyKeyReused),
)
@require("campaigns:write")
async def start(
    campaign: CampaignCode,
    request: Request,
    response: Response,
    body: CampaignVerb | None = None,  # noqa: ARG001 - no fields
) -> dict[str, Any]:
    """Start a campaign, or go on with a paused one: it gives while its window and its days hold."""
    return await _move(campaign, "start", request, response)


@router.post(
    "/v1/campaigns/{campaign}/pause",
    operation_id="pause_campaign",
    response_model=CampaignWithWarnings,
    responses=problems(CampaignNotFound, CampaignEnded, CampaignNotStarted, IdempotencyKeyReused),
)
@require("campaigns:write")
async def pause(
    campaign: CampaignCode,
    request: Request,
    response: Response,
    body: CampaignVerb | None = None,  # noqa: ARG001 - no fields
) -> dict[str, Any]:
    """Pause a campaign: it gives nothing until it is started again. What it gave stays."""
    return await _move(campaign, "pause", request, response)


@router.post(
    "/v1/campaigns/{campaign}/end",
    operation_id="end_campaign",
    response_model=CampaignWithWarnings,
    responses=problems(CampaignNotFound, IdempotencyKeyReused),
)
@require("campaigns:write")
async def end(
    campaign: CampaignCode,
    request: Request,
    response: Response,
    body: CampaignVerb | None = None,  # noqa: ARG001 - no fields
) -> dict[str, Any]:
    """End a campaign for good. What it gave stays; refunds still take back what the order earned by it."""
    return await _move(campaign, "end", request, response)


async def _move(campaign: str, verb: Verb, request: Request, response: Response) -> dict[str, Any]:
    async def moved() -> dict[str, Any]:
        row, is_changed = await move_campaign(
            request.app.state.database,
            campaign=campaign,
            verb=verb,
            caller=ledger_caller(request),
            clock=clock_of(request),
        )
        if not is_changed:
            response.headers[REPLAYED_HEADER] = "true"
        return await _with_warnings(row, request)

    return await once(request, response, None, moved)


async def _with_warnings(row: CampaignRow, request: Request) -> dict[str, Any]:
    async with request.app.state.database.engine.connect() as connection:
        moment = await read_moment(connection, clock_of(request))
        return with_warnings(row, moment, await _warnings(connection, row, moment))


async def _warnings(connection: AsyncConnection, row: CampaignRow, moment: Moment) -> list[CampaignNote]:
    return [] if row.state == "ended" else await warnings_of(connection, row.read(), moment)


async def _read(connection: AsyncConnection, campaign: str) -> CampaignRow:
    row = await read_campaign(connection, campaign)
    if row is None:
        raise CampaignNotFound
    return row
