"""The orders that were recorded, in the order of their time, with what is known of who placed them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import asyncpg

from app.domain.account import Lot
from app.domain.backtest import Buyer, Placed, placed
from app.domain.orders import order_of
from app.security.pii import PiiRing

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

AT_ONCE = 1_000
_WIDTH = len(Lot._fields)

_COUNT = "SELECT count(*) FROM lot WHERE source = 'order' AND accrued_at < $1"
# Spend and points that were brought along count from the member's first order here on.
_OPENINGS = """
SELECT bucket, member_id, sum((detail->>'points')::bigint)::bigint AS points,
       sum((detail->>'spend')::bigint)::bigint AS spend, sum(growth)::bigint AS growth
  FROM (SELECT bucket, member_id, detail::json AS detail, growth FROM entry WHERE kind = 'import') AS imported
 GROUP BY bucket, member_id
"""
_TRAITS = """
SELECT json_build_object('gender', person.gender, 'region', person.region, 'attributes', person.attributes,
                         'birthday', encode(person.birthday, 'hex'))
  FROM person WHERE person.bucket = lot.bucket AND person.member_id = lot.member_id
"""
_ORDERS = f"""
WITH opening AS MATERIALIZED ({_OPENINGS}), approved AS MATERIALIZED (
    SELECT DISTINCT bucket, member_id FROM entry WHERE kind = 'approve_review'
)
SELECT lot.*, account.joined_at, opening.points, opening.spend, opening.growth,
       approved.member_id IS NOT NULL AS is_approved, CASE WHEN $2 THEN ({_TRAITS}) END AS traits
  FROM lot JOIN account USING (bucket, member_id)
  LEFT JOIN opening USING (bucket, member_id) LEFT JOIN approved USING (bucket, member_id)
 WHERE lot.source = 'order' AND lot.accrued_at < $1
 ORDER BY lot.accrued_at, lot.bucket, lot.member_id, lot.lot
"""


async def count_orders(connection: Connection, *, until: datetime) -> int:
    """How many orders `read_orders` will go through."""
    return await connection.fetchval(_COUNT, until)


async def read_orders(
    connection: Connection, *, until: datetime, pii: PiiRing, asks_for_traits: bool
) -> AsyncGenerator[Sequence[Placed | None]]:
    """All orders before `until`, in the order of their time, a thousand at a time; None for one refunded in full.

    Within a transaction of the caller's, whose snapshot is read. Traits are read where conditions ask for them.
    """
    cursor = await connection.cursor(_ORDERS, until, asks_for_traits)
    while rows := await cursor.fetch(AT_ONCE):
        yield list(_placed(rows, pii))


def _placed(rows: Sequence[asyncpg.Record], pii: PiiRing) -> Iterator[Placed | None]:
    for row in rows:
        lot = Lot._make(tuple(row)[:_WIDTH])
        assert lot.order_id is not None, "every order has its id"
        buyer = Buyer(
            lot.member_id,
            row["joined_at"],
            _traits(row["traits"], lot.member_id, pii),
            (row["points"] or 0, row["spend"] or 0, row["growth"] or 0),
            row["is_approved"],
        )
        yield placed(buyer, lot.order_id, lot.accrued_at, order_of(lot))


def _traits(told: str | None, member_id: str, pii: PiiRing) -> dict[str, Any]:
    if told is None:
        return {}
    traits = json.loads(told)
    sealed = traits.pop("birthday")
    traits["birthday_month"] = pii.birthday_month(
        None if sealed is None else bytes.fromhex(sealed), member_id=member_id
    )
    return traits
