"""What would happen, and why."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from app.actions.drafts import DraftNotFound, DraftRepeated, read_drafts
from app.actions.simulations import AskedSimulation, simulate
from app.domain.activities import ActivityKindUnknown, ActivityLevelUnknown, ActivityLimitReached
from app.domain.campaign_document import CampaignInvalid
from app.domain.errors import (
    ItemsAmountMismatch,
    LineIdRepeated,
    MemberErased,
    MemberFrozen,
    MemberNotFound,
    OccurredAtInFuture,
    TierNotFound,
)
from app.domain.program import ProgramInvalid
from app.domain.program_versions import VersionNotFound
from app.domain.simulation import SimulationRepeats, SimulationTooEarly
from app.routers import door
from app.routers.commands import ledger_caller
from app.routers.dependencies import clock_of, idempotency_key_of
from app.routers.document import problems
from app.routers.door import caller_of, require
from app.schemas.simulations import Simulation, SimulationRequest

router = door.router("campaigns")

_OF_EVENT = (
    OccurredAtInFuture,
    LineIdRepeated,
    ItemsAmountMismatch,
    ActivityKindUnknown,
    ActivityLevelUnknown,
)


@router.post(
    "/v1/simulations",
    operation_id="simulate",
    response_model=Simulation,
    responses=problems(
        MemberNotFound,
        MemberErased,
        MemberFrozen,
        TierNotFound,
        SimulationRepeats,
        SimulationTooEarly,
        DraftNotFound,
        VersionNotFound,
        DraftRepeated,
        CampaignInvalid,
        ProgramInvalid,
        *_OF_EVENT,
        ActivityLimitReached,
    ),
)
@require("campaigns:read")
async def run(body: SimulationRequest, request: Request) -> dict[str, Any]:
    """Tell what an order, a sign-in or an activity would come to, and why; nothing is written.

    It is decided as the ledger would decide it, on a member as they are now or on one made up, with the live campaigns
    and program or with drafts in their place. Every campaign looked at says why it took part or did not. For a member
    who exists the key needs `points:read` too.
    """
    idempotency_key_of(request)  # nothing is changed, but a misshapen one is refused as everywhere
    if body.member_id is not None:
        caller_of(request).needs("points:read")
    database = request.app.state.database
    async with database.engine.connect() as connection:
        campaigns, program = await read_drafts(connection, body.to_wanted())
    made_up = None if body.member is None else body.member.to_made_up()
    try:
        return await simulate(
            database,
            request.app.state.ledger,
            AskedSimulation(body.to_command(), made_up, body.at, campaigns, program),
            pii=request.app.state.pii,
            clock=clock_of(request),
            caller=ledger_caller(request),
        )
    except _OF_EVENT as refusal:
        refusal.within = "/event"
        raise
