"""What the program owes its members at a moment: points outstanding by when they expire.

The lots as they stand, less all that entries did to them after that moment.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.queries.lot_moves import TENTH, lot_moves

_IS_LATER = "recorded_at > :as_of AND NOT (actor = 'system' AND occurred_at <= :as_of)"

# A month is that of the last day on which points can be used: `expires_at` is the midnight that ends it.
# Where a tenth goes each year, the other tenths go that many years later.
_MONTHS = f"""
WITH later AS ({lot_moves(_IS_LATER)}
), changed AS (
    SELECT bucket, member_id, lot, sum(remaining) AS remaining, sum(reserved) AS reserved,
           bool_or(is_settlement) AS settled
      FROM later GROUP BY bucket, member_id, lot
), standing AS (
    SELECT lot.expires_at, lot.pending OR coalesce(changed.settled, false) AS pending,
           lot.remaining - coalesce(changed.remaining, 0) AS remaining,
           lot.reserved - coalesce(changed.reserved, 0) AS reserved,
           {TENTH} AS tenth
      FROM lot LEFT JOIN changed USING (bucket, member_id, lot)
     WHERE lot.remaining > 0 OR lot.reserved > 0 OR changed.lot IS NOT NULL
), parts AS (
    SELECT (expires_at - interval '1 microsecond') AT TIME ZONE :timezone + make_interval(years => later)
               AS last_usable,
           pending,
           CASE WHEN tenth IS NULL THEN remaining ELSE least(remaining - later * tenth, tenth) END
               AS remaining,
           CASE later WHEN 0 THEN reserved ELSE 0 END AS reserved
      FROM standing,
           generate_series(0, greatest(coalesce(ceil(remaining / tenth), 1), 1)::integer - 1) AS later
     WHERE remaining <> 0 OR reserved <> 0
)
SELECT to_char(last_usable, 'YYYY-MM') AS month,
       coalesce(sum(remaining) FILTER (WHERE NOT pending), 0) AS available,
       coalesce(sum(remaining) FILTER (WHERE pending), 0) AS pending,
       sum(reserved) AS reserved
  FROM parts
 GROUP BY month ORDER BY month NULLS LAST
"""

_WALLETS = f"""
SELECT (SELECT coalesce(sum(debt), 0) FROM account) - coalesce(sum(debt), 0) AS debt,
       (SELECT coalesce(sum(cash), 0) FROM account) - coalesce(sum(cash), 0) AS cash
  FROM entry WHERE {_IS_LATER}
"""


class MonthRow(NamedTuple):
    """Points that expire in a month of the program's zone (`2027-03`; None: never)."""

    month: str | None
    available: int
    pending: int
    reserved: int


class LiabilityRow(NamedTuple):
    """Points by month, points that members owe, and cash in the minor unit."""

    months: list[MonthRow]
    debt: int
    cash: int


async def read_liability(connection: AsyncConnection, *, as_of: datetime, timezone: str) -> LiabilityRow:
    """All members' points as of `as_of`; what was due by then must have been written down."""
    await connection.execution_options(isolation_level="REPEATABLE READ")
    months = await connection.execute(text(_MONTHS), {"as_of": as_of, "timezone": timezone})
    # The sums are numeric: all members' points together need not fit a bigint.
    rows = [MonthRow(row.month, int(row.available), int(row.pending), int(row.reserved)) for row in months]
    wallets = (await connection.execute(text(_WALLETS), {"as_of": as_of})).one()
    return LiabilityRow(rows, debt=int(wallets.debt), cash=int(wallets.cash))
