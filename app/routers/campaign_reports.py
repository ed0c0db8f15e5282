"""What a campaign changed."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from app.database import Database
from app.domain.campaign_states import CampaignNotFound
from app.queries.campaign_reports import ReportTooEarly, read_report
from app.routers import door
from app.routers.dependencies import clock_of
from app.routers.document import problems
from app.routers.door import require
from app.schemas.campaign_document import CampaignCode
from app.schemas.campaign_reports import CampaignReport, report_answer

router = door.router("campaigns")


@router.get(
    "/v1/campaigns/{campaign}/report",
    operation_id="get_campaign_report",
    response_model=CampaignReport,
    responses=problems(CampaignNotFound, ReportTooEarly),
)
@require("campaigns:read")
async def get(campaign: CampaignCode, request: Request) -> dict[str, Any]:
    """Read what a campaign changed: its members against those it held out.

    Both groups are told with what they bought from its start until its end, or so far, and the lift of the one over
    the other. The audience is that of now, and counts whether or not its members bought. A difference whose interval
    holds 0 may be chance.
    """
    database: Database = request.app.state.database
    connection = await database.connect()
    try:
        report = await read_report(
            connection,
            campaign,
            rules=request.app.state.ledger.rulebook,
            pii=request.app.state.pii,
            clock=clock_of(request),
        )
    finally:
        await connection.close()
    if report is None:
        raise CampaignNotFound
    return report_answer(report)
