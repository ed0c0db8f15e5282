"""Reading the lots that still hold points."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.account import bucket_of
from app.domain.lots import NEVER
from app.models.ledger import Account, Lot
from app.queries.entries import is_member


class LotRow(NamedTuple):
    """What a lot holds and where it came from."""

    lot: int
    source: str
    order_id: str | None
    pending: bool
    granted: int
    remaining: int
    reserved: int
    accrued_at: datetime
    expires_at: datetime | None


_COLUMNS = [getattr(Lot, name) for name in LotRow._fields]
_EXPIRY = func.coalesce(Lot.expires_at, NEVER)


async def list_lots(
    connection: AsyncConnection, *, member_id: str, limit: int, after: tuple[datetime, int] | None = None
) -> list[LotRow] | None:
    """Up to `limit` lots that hold points, pending ones too, in spending order: next to expire first.

    `after` is the expiry (`NEVER` for none) and the number of the last one of the page before. None for an
    unknown member.
    """
    statement = (
        select(*_COLUMNS)
        .join(
            Account,
            # Lots below the floor hold nothing any more.
            (Account.bucket == Lot.bucket)
            & (Account.member_id == Lot.member_id)
            & (Lot.lot >= Account.lot_floor),
        )
        .where(Lot.bucket == bucket_of(member_id), Lot.member_id == member_id)
        .where(or_(Lot.remaining > 0, Lot.reserved > 0))
        .order_by(_EXPIRY, Lot.lot)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(_EXPIRY, Lot.lot) > after)
    rows: list[Any] = list(await connection.execute(statement))
    if not rows and not await is_member(connection, member_id=member_id):
        return None
    return [LotRow._make(row) for row in rows]
