"""Reading a redemption as it stands."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.account import Redemption as RedemptionFields
from app.domain.account import bucket_of
from app.models.ledger import Account, Lot, Redemption

_REDEMPTION = [getattr(Redemption, name) for name in RedemptionFields._fields]


class RedemptionRow(NamedTuple):
    """A redemption, the member's tier, and when each of the lots it takes part of expires."""

    redemption: RedemptionFields
    tier: str
    expires_at: dict[int, datetime | None]


async def read_redemption(
    connection: AsyncConnection, *, member_id: str, reference: str
) -> tuple[bool, RedemptionRow | None]:
    """Whether the member exists, and the redemption if there is one."""
    bucket = bucket_of(member_id)
    statement = (
        select(*_REDEMPTION, Account.tier)
        .select_from(Account)
        .outerjoin(
            Redemption,
            and_(
                Redemption.bucket == Account.bucket,
                Redemption.member_id == Account.member_id,
                Redemption.reference == reference,
            ),
        )
        .where(Account.bucket == bucket, Account.member_id == member_id)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None or row[0] is None:
        return row is not None, None
    redemption = RedemptionFields._make(row[:-1])
    lots = await connection.execute(
        select(Lot.lot, Lot.expires_at).where(
            Lot.bucket == bucket, Lot.member_id == member_id, Lot.lot.in_(redemption.lots)
        )
    )
    return True, RedemptionRow(redemption, row[-1], {lot.lot: lot.expires_at for lot in lots})
