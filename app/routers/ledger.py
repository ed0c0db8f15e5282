"""The accountant's view: entries of all members, and what is owed to them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from app.actions.maturity import mature_all
from app.ledger.engine import Engine, LedgerUnavailable
from app.queries.balances import AsOfInFuture, moment_of
from app.queries.entries import EntryRow, Position, list_all_entries, stream_all_entries
from app.queries.liability import read_liability
from app.routers import door
from app.routers.dependencies import (
    BIGINT,
    BUCKET,
    CursorInvalid,
    PageQuery,
    QueryInstant,
    clock_of,
    decode_cursor,
    encode_cursor,
)
from app.routers.document import problems
from app.routers.door import header_of, require
from app.routers.entries import AsOf
from app.schemas.common import Listing
from app.schemas.entries import CSV_COLUMNS, LedgerEntry, csv_header, csv_lines, entry_of
from app.schemas.ledger import Liability, liability_of

router = door.router("ledger")

# No version of the program was in force before.
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_CSV = "text/csv"
_NOTHING: list[EntryRow] = []
_IN_CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of entries, or all of them as CSV.",
        "content": {
            _CSV: {
                "schema": {"type": "string"},
                "example": ",".join(CSV_COLUMNS)
                + "\r\nu-1001,1,accrue,300,0,0,0,300,0,300,0,0,0,300,0,,o-2026-0001,1,key:Kq3nV0sYb8Zd,"
                "8PvCq2n4T0aWd3Lk,2026-03-05T02:00:00Z,2026-03-05T02:00:00.120417Z,\r\n",
            }
        },
    }
}


class LedgerQuery(PageQuery):
    """Which entries of all."""

    since: QueryInstant | None = Field(None, alias="from", description="Recorded then or later.")
    until: QueryInstant | None = Field(None, alias="to", description="Recorded before then.")


@router.get(
    "/v1/entries",
    operation_id="list_entries",
    response_model=Listing[LedgerEntry],
    responses={**problems(CursorInvalid), **_IN_CSV},
)
@require("ledger:read")
async def list_all(query: Annotated[LedgerQuery, Query()], request: Request) -> dict[str, object] | Response:
    """List entries of all members in the order they were recorded, as JSON pages or as CSV.

    With `Accept: text/csv` the whole range comes at once, a line for each entry; `limit` is not heeded. A
    command under way may still be recorded a moment before the newest entry shown: for books that are closed,
    ask for a range that ended some seconds ago. A text that a spreadsheet would take for a formula has an
    apostrophe before it in CSV.
    """
    after: Position | None = None
    if query.cursor is not None:
        moment, bucket, member_id, sequence = decode_cursor(query.cursor, datetime, BUCKET, str, BIGINT)
        after = (moment, bucket, member_id, sequence)
    database = request.app.state.database
    if _prefers_csv(header_of(request, b"accept")):
        rows = stream_all_entries(database, since=query.since, until=query.until, after=after)
        # The first are read before anything is answered, so that a database that is away is still told.
        first = await anext(rows, _NOTHING)
        headers = {"Content-Disposition": 'attachment; filename="entries.csv"', "Vary": "Accept"}
        return StreamingResponse(_csv(first, rows), media_type=_CSV, headers=headers)
    async with database.engine.connect() as connection:
        page = await list_all_entries(
            connection,
            limit=query.limit + 1,
            clock=clock_of(request),
            since=query.since,
            until=query.until,
            after=after,
        )
    more = len(page) > query.limit
    page = page[: query.limit]
    return {
        "data": [entry_of(row) for row in page],
        "next_cursor": encode_cursor(*_place(page[-1])) if more else None,
    }


@router.get(
    "/v1/liability",
    operation_id="get_liability",
    response_model=Liability,
    responses=problems(AsOfInFuture, LedgerUnavailable),
)
@require("ledger:read")
async def get_liability(query: AsOf, request: Request) -> dict[str, object]:
    """Read the points outstanding by the month they expire in, and what they are worth.

    At any moment, now or past: the sums equal those of all members' balances at that moment. What fell due by
    now is written down first, if the job has not come to it yet.
    """
    database = request.app.state.database
    async with database.engine.connect() as connection:
        moment = await moment_of(connection, query.as_of, clock=clock_of(request))
    await mature_all(database, is_sandbox=request.app.state.is_sandbox)
    engine: Engine = request.app.state.ledger
    program = engine.rulebook.at(max(moment, _FIRST))
    async with database.engine.connect() as connection:
        row = await read_liability(connection, as_of=moment, timezone=program.timezone.key)
    return liability_of(row, as_of=moment, program=program)


def _place(row: EntryRow) -> Position:
    return row.recorded_at, row.bucket, row.member_id, row.sequence


async def _csv(first: list[EntryRow], rows: AsyncGenerator[list[EntryRow]]) -> AsyncGenerator[str]:
    yield csv_header() + csv_lines(first)
    async for some in rows:
        yield csv_lines(some)


def _prefers_csv(accept: bytes | None) -> bool:
    """Whether CSV is named, and nothing that is JSON is named with a higher weight."""
    weights: dict[str, float] = {}
    for offer in (accept or b"").decode("latin-1").lower().split(","):
        media_type, *parameters = (part.strip() for part in offer.split(";"))
        weights[media_type] = _weight(parameters)
    csv = weights.get(_CSV, 0.0)
    json = max(weights.get(name, 0.0) for name in ("application/json", "application/*"))
    return csv > 0 and csv >= json


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
