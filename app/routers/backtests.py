"""A draft over the recorded orders of a period."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from fastapi import Request, Response

from app.actions.backtest_runs import AskedBacktest
from app.actions.backtests import (
    BacktestNotDone,
    BacktestNotFound,
    ask_for_backtest,
    backtest_of,
    delete_backtest,
)
from app.actions.batches import answer_kept, keep_answer
from app.actions.drafts import DraftNotFound, DraftRepeated, read_drafts
from app.actions.issuing import let_go
from app.domain.backtest_figures import Period
from app.domain.campaign_document import CampaignInvalid
from app.domain.errors import IdempotencyKeyMissing, IdempotencyKeyReused, LoyaltyError
from app.domain.instants import rfc3339
from app.domain.program import ProgramInvalid
from app.domain.program_versions import VersionNotFound
from app.queries.backtests import list_backtests, read_backtest, read_chart
from app.routers import door
from app.routers.commands import claim_of
from app.routers.dependencies import (
    CursorInvalid,
    Page,
    decode_cursor,
    encode_cursor,
    required_idempotency_key_of,
)
from app.routers.document import REPLAYED_HEADER, problems
from app.routers.door import caller_of, require
from app.schemas.backtests import (
    Backtest,
    BacktestId,
    BacktestRequest,
    BacktestWithResult,
    backtest_answer,
)
from app.schemas.common import Listing

router = door.router("campaigns")

_SVG = "image/svg+xml"
_CHART: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The points of both runs over time, and how their difference grows.",
        "content": {_SVG: {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/v1/backtests",
    status_code=201,
    operation_id="create_backtest",
    response_model=Backtest,
    responses=problems(
        DraftNotFound,
        VersionNotFound,
        DraftRepeated,
        CampaignInvalid,
        ProgramInvalid,
        IdempotencyKeyMissing,
        IdempotencyKeyReused,
    ),
)
@require("campaigns:write")
async def create(body: BacktestRequest, request: Request, response: Response) -> dict[str, Any]:
    """Run the recorded orders of a period again, with drafts in the place of what was in force.

    A job: it is `queued`, then `running`, and its progress and result are read with its id. Each order is decided by
    the very rules that grant points live, twice: as it was, and with the draft. Nothing of it is written to the ledger.
    """
    required_idempotency_key_of(request)
    claim = claim_of(request, content=lambda: _hash(body))
    assert claim is not None, "every POST with a key makes one"
    database = request.app.state.database
    if (kept := await answer_kept(database, claim)) is not None:
        response.headers[REPLAYED_HEADER] = "true"
        return json.loads(kept)
    try:
        async with database.engine.connect() as connection:
            campaigns, program = await read_drafts(connection, body.to_wanted())
    except LoyaltyError:
        await let_go(database, claim)
        raise
    asked = AskedBacktest(Period(body.from_, body.until), campaigns, program)
    row = await ask_for_backtest(
        database,
        backtest=backtest_of(claim),
        asked=asked.to_document(),
        actor=caller_of(request).actor,
    )
    first = await keep_answer(database, claim, json.dumps(backtest_answer(row)))
    if first.is_replay:
        response.headers[REPLAYED_HEADER] = "true"
    return json.loads(first.body)


@router.get(
    "/v1/backtests",
    operation_id="list_backtests",
    response_model=Listing[Backtest],
    responses=problems(CursorInvalid),
)
@require("campaigns:read")
async def list_all(query: Page, request: Request) -> dict[str, Any]:
    """List backtests, the newest first, without their results."""
    before: tuple[datetime, UUID] | None = None
    if query.cursor is not None:
        created_at, text = decode_cursor(query.cursor, datetime, str)
        before = created_at, _uuid(text)
    async with request.app.state.database.engine.connect() as connection:
        rows = await list_backtests(connection, limit=query.limit + 1, before=before)
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return {
        "data": [backtest_answer(row) for row in rows],
        "next_cursor": encode_cursor(rows[-1].created_at, str(rows[-1].id)) if more else None,
    }


@router.get(
    "/v1/backtests/{backtest}",
    operation_id="get_backtest",
    response_model=BacktestWithResult,
    responses=problems(BacktestNotFound),
)
@require("campaigns:read")
async def get(backtest: BacktestId, request: Request) -> dict[str, Any]:
    """Read how far a backtest is, and what it found once it is done."""
    async with request.app.state.database.engine.connect() as connection:
        row = await read_backtest(connection, UUID(backtest))
    if row is None:
        raise BacktestNotFound
    return {**backtest_answer(row), "result": row.result}


@router.get(
    "/v1/backtests/{backtest}/chart",
    operation_id="get_backtest_chart",
    response_class=Response,
    responses={**problems(BacktestNotFound, BacktestNotDone), **_CHART},
)
@require("campaigns:read")
async def get_chart(backtest: BacktestId, request: Request) -> Response:
    """Read a backtest's result as a picture (SVG)."""
    async with request.app.state.database.engine.connect() as connection:
        found = await read_chart(connection, UUID(backtest))
    if found is None:
        raise BacktestNotFound
    _, chart = found
    if chart is None:
        raise BacktestNotDone
    # A picture that is opened by itself is a document: it may load and run nothing.
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Response(chart, media_type=_SVG, headers=headers)


@router.delete(
    "/v1/backtests/{backtest}",
    status_code=204,
    operation_id="delete_backtest",
    responses=problems(BacktestNotFound),
)
@require("campaigns:write")
async def delete(backtest: BacktestId, request: Request) -> Response:
    """Forget a backtest; one that is running is cancelled."""
    await delete_backtest(request.app.state.database, backtest=UUID(backtest))
    return Response(status_code=204)


def _hash(body: BacktestRequest) -> bytes:
    asked = [rfc3339(body.from_), rfc3339(body.until), body.to_wanted()]
    return blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=16).digest()


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CursorInvalid from None
