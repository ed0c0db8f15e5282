"""Standard campaigns: what there is, and made by one call."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.actions.campaign_warnings import warnings_of
from app.actions.campaigns import put_campaign, read_moment
from app.domain.campaign_document import CampaignInvalid
from app.domain.campaign_states import CampaignExists
from app.domain.campaign_templates import (
    STANDARDS,
    CampaignTemplateNotFound,
    among_parameters,
    document_of,
)
from app.domain.errors import IdempotencyKeyReused
from app.routers import door
from app.routers.commands import OK, ledger_caller
from app.routers.dependencies import (
    CursorInvalid,
    Page,
    clock_of,
    decode_cursor,
    encode_cursor,
)
from app.routers.document import REPLAYED_HEADER, problems
from app.routers.door import require
from app.routers.repeats import once
from app.schemas.campaign_templates import StandardCampaign, StandardName, StandardRequest, standard_answer
from app.schemas.campaigns import CampaignWithWarnings, with_warnings
from app.schemas.common import Listing

router = door.router("campaigns")


@router.get(
    "/v1/campaign-templates",
    operation_id="list_campaign_templates",
    response_model=Listing[StandardCampaign],
    responses=problems(CursorInvalid),
)
@require("campaigns:read")
async def list_all(query: Page) -> dict[str, Any]:
    """List the standard campaigns, with the parameters each is made of."""
    after = "" if query.cursor is None else decode_cursor(query.cursor, str)[0]
    found = [STANDARDS[name] for name in sorted(STANDARDS) if name > after]
    page = found[: query.limit]
    return {
        "data": [standard_answer(standard) for standard in page],
        "next_cursor": encode_cursor(page[-1].template) if len(found) > len(page) else None,
    }


@router.post(
    "/v1/campaign-templates/{template}/campaigns",
    status_code=201,
    operation_id="create_campaign_from_template",
    response_model=CampaignWithWarnings,
    responses={
        OK: {
            "model": CampaignWithWarnings,
            "description": "Made before with the same content: as it is now.",
        },
        **problems(CampaignTemplateNotFound, CampaignInvalid, CampaignExists, IdempotencyKeyReused),
    },
)
@require("campaigns:write")
async def create(
    template: StandardName, body: StandardRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Make a standard campaign, a draft, out of a few parameters.

    It is a campaign like any other from then on: changed with PUT, started, paused and ended. Sent again with the same
    content nothing is made; under the same `Idempotency-Key` the first answer is given again.
    """

    async def make() -> dict[str, Any]:
        document = document_of(template, body.to_parameters())
        try:
            done = await put_campaign(
                request.app.state.database,
                campaign=body.campaign,
                document=document,
                caller=ledger_caller(request),
                clock=clock_of(request),
                is_made=True,
            )
        except CampaignInvalid as error:
            raise error.placed(among_parameters) from None
        if not done.is_new:
            response.status_code = OK
            response.headers[REPLAYED_HEADER] = "true"
        async with request.app.state.database.engine.connect() as connection:
            moment = await read_moment(connection, clock_of(request))
            return with_warnings(done.row, moment, await warnings_of(connection, done.row.read(), moment))

    return await once(request, response, body, make)
