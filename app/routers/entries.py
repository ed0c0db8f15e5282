"""A member's ledger: its entries, the lots that hold points, the balance at a moment."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query, Request
from pydantic import Field

from app.domain.errors import MemberNotFound
from app.domain.lots import NEVER
from app.ledger.engine import LedgerUnavailable, QueueFull
from app.queries.balances import AsOfInFuture, moment_of, read_balance
from app.queries.entries import list_entries
from app.queries.lots import list_lots
from app.routers import door
from app.routers.commands import bring_up_to_date
from app.routers.dependencies import (
    BIGINT,
    INTEGER,
    CursorInvalid,
    Page,
    PageQuery,
    QueryInstant,
    StrictQuery,
    clock_of,
    decode_cursor,
    encode_cursor,
)
from app.routers.document import problems
from app.routers.door import require
from app.schemas.common import Listing, MemberId
from app.schemas.entries import Entry, EntryKind, entry_of
from app.schemas.ledger import BalanceThen
from app.schemas.lots import Lot, lot_of

router = door.router("points")


class AsOfQuery(StrictQuery):
    """The moment that is asked about."""

    as_of: QueryInstant | None = Field(
        None,
        description="RFC 3339 with offset, not ahead of now; absent: now.",
        examples=["2026-03-31T16:00:00Z"],
    )


AsOf = Annotated[AsOfQuery, Query()]


class EntriesQuery(PageQuery):
    """Which of a member's entries."""

    kind: list[EntryKind] = Field(
        default_factory=list[EntryKind], max_length=64, description="Only these kinds; may be repeated."
    )
    since: QueryInstant | None = Field(None, alias="from", description="Recorded then or later.")
    until: QueryInstant | None = Field(None, alias="to", description="Recorded before then.")


@router.get(
    "/v1/members/{member_id}/entries",
    operation_id="list_member_entries",
    response_model=Listing[Entry],
    responses=problems(MemberNotFound, CursorInvalid, QueueFull, LedgerUnavailable),
)
@require("points:read", member=True)
async def list_of_member(
    member_id: MemberId, query: Annotated[EntriesQuery, Query()], request: Request
) -> dict[str, object]:
    """List a member's entries, newest first.

    One entry a command: the signed changes, and the balance they left. What has expired, lapsed or settled by
    itself by now is among them, however late it was written down.
    """
    before: int | None = None
    if query.cursor is not None:
        (before,) = decode_cursor(query.cursor, BIGINT)
    await bring_up_to_date(member_id, request)
    async with request.app.state.database.engine.connect() as connection:
        rows = await list_entries(
            connection,
            member_id=member_id,
            limit=query.limit + 1,
            kinds=query.kind,
            since=query.since,
            until=query.until,
            before=before,
        )
    if rows is None:
        raise MemberNotFound
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return {
        "data": [entry_of(row) for row in rows],
        "next_cursor": encode_cursor(rows[-1].sequence) if more else None,
    }


@router.get(
    "/v1/members/{member_id}/lots",
    operation_id="list_member_lots",
    response_model=Listing[Lot],
    responses=problems(MemberNotFound, CursorInvalid, QueueFull, LedgerUnavailable),
)
@require("points:read", member=True)
async def list_lots_of_member(member_id: MemberId, query: Page, request: Request) -> dict[str, object]:
    """List the lots that still hold points, next to expire first.

    That is the order in which they are spent. Lots whose points are pending or reserved are among them; these
    points can't be spent.
    """
    after: tuple[datetime, int] | None = None
    if query.cursor is not None:
        moment, number = decode_cursor(query.cursor, datetime, INTEGER)
        after = (moment, number)
    await bring_up_to_date(member_id, request)
    async with request.app.state.database.engine.connect() as connection:
        rows = await list_lots(connection, member_id=member_id, limit=query.limit + 1, after=after)
    if rows is None:
        raise MemberNotFound
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return {
        "data": [lot_of(row) for row in rows],
        "next_cursor": encode_cursor(rows[-1].expires_at or NEVER, rows[-1].lot) if more else None,
    }


@router.get(
    "/v1/members/{member_id}/balance",
    operation_id="get_member_balance",
    response_model=BalanceThen,
    responses=problems(MemberNotFound, AsOfInFuture, QueueFull, LedgerUnavailable),
)
@require("points:read", member=True)
async def get_balance(member_id: MemberId, query: AsOf, request: Request) -> dict[str, object]:
    """Read a member's balance as it stood at a moment.

    Exact to the instant: what was recorded by then, and what had expired, lapsed or settled by itself by
    then, however late that was written down. An order counts from when it was recorded, also if it was
    back-dated. Before the member joined all is zero.
    """
    await bring_up_to_date(member_id, request)
    async with request.app.state.database.engine.connect() as connection:
        moment = await moment_of(connection, query.as_of, clock=clock_of(request))
        row = await read_balance(connection, member_id=member_id, as_of=moment)
    if row is None:
        raise MemberNotFound
    return {"member_id": member_id, **row._asdict()}
