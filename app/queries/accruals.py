"""Reading an order as it stands: the entry that accrued it, and its lot."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from app.domain.account import Lot as LotRow
from app.domain.account import bucket_of
from app.models.ledger import Account, Entry, Lot

# The rules read the terms as the text they wrote.
_LOT = [cast(Lot.terms, Text) if name == "terms" else getattr(Lot, name) for name in LotRow._fields]


class AccrualRow(NamedTuple):
    """An order: its lot, when it was placed, and the details of the entry that accrued it."""

    lot: LotRow
    occurred_at: datetime
    detail: dict[str, Any]


async def read_accrual(
    connection: AsyncConnection, *, member_id: str, order_id: str
) -> tuple[bool, AccrualRow | None]:
    """Whether the member exists, and the order if there is one."""
    statement = (
        select(Entry.occurred_at, Entry.detail, *_LOT)
        .select_from(Account)
        .outerjoin(
            Entry,
            and_(
                Entry.bucket == Account.bucket,
                Entry.member_id == Account.member_id,
                Entry.key == f"order/{order_id}",
            ),
        )
        .outerjoin(
            Lot,
            and_(Lot.bucket == Entry.bucket, Lot.member_id == Entry.member_id, Lot.lot == Entry.lot),
        )
        .where(Account.bucket == bucket_of(member_id), Account.member_id == member_id)
    )
    # Of an outer join all columns may be null, and JSON is no text once read.
    row: Any = (await connection.execute(statement)).one_or_none()
    if row is None or row.occurred_at is None:
        return row is not None, None
    return True, AccrualRow(LotRow._make(row[2:]), occurred_at=row.occurred_at, detail=row.detail)
