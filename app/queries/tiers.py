"""Reading where a member stands on the ladder."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import cast, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from app.domain.account import Account as AccountRow
from app.domain.account import Lot as LotRow
from app.domain.account import bucket_of
from app.models.ledger import Account, Entry, Lot

_ACCOUNT = [getattr(Account, name) for name in AccountRow._fields]
# The rules read the terms as the text they wrote.
_LOT = [cast(Lot.terms, Text) if name == "terms" else getattr(Lot, name) for name in LotRow._fields]


class SetByHand(NamedTuple):
    """Who set a tier, when and why."""

    reference: str
    actor: str
    reason: str
    set_at: datetime


class StandingRow(NamedTuple):
    """The account, its lots if asked for, and who set the tier if a person did."""

    account: AccountRow
    lots: list[LotRow]
    set_by_hand: SetByHand | None


async def read_standing(connection: AsyncConnection, *, member_id: str, all_lots: bool) -> StandingRow | None:
    """What a member's tier comes from; `all_lots` where a window decides what counts.

    None for an unknown member.
    """
    bucket = bucket_of(member_id)
    statement = select(*_ACCOUNT).where(Account.bucket == bucket, Account.member_id == member_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    account = AccountRow._make(row)
    lots: list[LotRow] = []
    if all_lots:
        found = await connection.execute(
            select(*_LOT).where(Lot.bucket == bucket, Lot.member_id == member_id)
        )
        lots = [LotRow._make(lot) for lot in found]
    by_hand = await _last_set(connection, account) if account.tier_state == "manual" else None
    return StandingRow(account, lots, by_hand)


async def _last_set(connection: AsyncConnection, account: AccountRow) -> SetByHand | None:
    prefix = "set_tier/"
    statement = (
        select(Entry.key, Entry.actor, Entry.detail, Entry.recorded_at)
        .where(Entry.bucket == account.bucket, Entry.member_id == account.member_id)
        .where(Entry.key >= prefix, Entry.key < "set_tier0", Entry.kind == "set_tier")
        .order_by(Entry.sequence.desc())
        .limit(1)
    )
    row: Any = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    return SetByHand(row.key.removeprefix(prefix), row.actor, row.detail["reason"], row.recorded_at)
