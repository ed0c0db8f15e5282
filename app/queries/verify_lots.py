"""What `verify` compares lots with: the entry that granted each, what moved in it since, and what is held of it.

All lots are looked at once, on the way to their sums for the account (`HELD`), where it is only counted how many are
off; a member's lots are told of in full (`LOTS`) if any is, or if those of plain entries are not what they made.
"""

from __future__ import annotations

from app.queries.lot_moves import GRANTING_KINDS, TENTH, detailed_moves, lot_moves
from app.queries.verify_checks import OF_BUCKETS, OF_MEMBERS, comparison, hash_of, is_there, where_there


def _parts(scope: str) -> str:
    """(member, lot, what redemptions and checkouts hold of it, what they took)."""
    return f"""
    SELECT member_id, part.lot, coalesce(sum(part.points) FILTER (WHERE is_held), 0) AS reserved,
           coalesce(sum(part.points) FILTER (WHERE NOT is_held), 0) AS redeemed
      FROM (SELECT member_id, status = 'reserved' AS is_held, lots, parts FROM redemption WHERE {scope}
             UNION ALL
            SELECT member_id, status = 'held', lots, parts FROM checkout WHERE {scope}) AS taken,
           unnest(lots, parts) AS part (lot, points)
     GROUP BY member_id, part.lot
"""


def _refunds(scope: str) -> str:
    """(member, order, the amount that was refunded of it)."""
    return f"""
    SELECT member_id AS refunder, order_id, sum((detail->>'amount')::bigint)::bigint AS refunded
      FROM entry WHERE {scope} AND kind IN ('reverse', 'refund_checkout')
     GROUP BY member_id, order_id
"""


def _granted(by_columns: str, entry: str) -> str:
    """What a lot was granted: only where the columns don't tell (part had expired on arrival) the detail is read."""
    return f"""
CASE WHEN lot.source = 'transfer' OR {by_columns} = lot.granted THEN lot.granted
     ELSE (SELECT coalesce(
                      (SELECT sum((part->>2)::bigint) FROM json_array_elements(detail->'breakdown') AS part),
                      (detail->>'points')::bigint, 0)
             FROM {entry} AS entry WHERE entry.bucket = lot.bucket AND entry.member_id = lot.member_id
              AND entry.sequence = lot.sequence) END"""


_BY_ITS_PARTS = (
    "lot.remaining + lot.reserved + lot.redeemed + lot.expired + lot.clawed_back + lot.moved",
    "lot.granted",
)

LOTS = comparison(
    f"""
WITH moves AS ({lot_moves(OF_MEMBERS)}
), moved AS (
    SELECT member_id, lot, min(sequence) AS sequence, sum(remaining) AS remaining, sum(reserved) AS reserved,
           max(granted) AS granted
      FROM moves GROUP BY member_id, lot
), parts AS ({_parts(OF_MEMBERS)}), refunds AS ({_refunds(OF_MEMBERS)}), lot AS (
    SELECT * FROM lot WHERE {OF_MEMBERS}
)
""",
    member="member_id",
    place="'lot ' || lot || ', '",
    rows="lot FULL JOIN moved USING (member_id, lot) FULL JOIN parts USING (member_id, lot) "
    "LEFT JOIN refunds ON refunds.refunder = lot.member_id AND refunds.order_id = lot.order_id",
    checks=[
        is_there("lot"),
        *where_there(
            "lot",
            (
                ("entry that granted it", "moved.sequence", "lot.sequence"),
                ("granted", _granted("moved.granted", "entry"), "lot.granted"),
                ("granted, by its parts", *_BY_ITS_PARTS),
                ("remaining, by entries", "coalesce(moved.remaining, 0)", "lot.remaining"),
                ("reserved, by entries", "coalesce(moved.reserved, 0)", "lot.reserved"),
                ("reserved, by redemptions and checkouts", "coalesce(parts.reserved, 0)", "lot.reserved"),
                ("redeemed, by redemptions and checkouts", "coalesce(parts.redeemed, 0)", "lot.redeemed"),
                (
                    "refunded, by entries",
                    "CASE WHEN lot.order_id IS NOT NULL THEN coalesce(refunds.refunded, 0) END",
                    "lot.refunded",
                ),
            ),
        ),
    ],
)

# --- all of them ------------------------------------------------------------------------------------------

# Most lots have one entry, which names the lot in its own columns: such are not put beside each other one by one, since
# that costs as much as all the rest. The exclusive or of a hash of each is the same on both sides. Whatever else
# touched lots is less, and is gathered first (to no `numeric`, which is slow to compare).
_GIVING_KINDS = tuple(kind for kind in GRANTING_KINDS if kind != "settle")

GIVEN = f"""
CASE WHEN lot IS NOT NULL AND kind IN {_GIVING_KINDS}
     THEN {hash_of("points + pending - debt", "points + pending", "sequence", "lot")} END"""
"""What a plain entry made of its lot: all of a member's, put together, must be `held.given`."""

_TOUCHED = f"""
    SELECT member_id, lot, min(sequence) AS sequence, sum(remaining)::bigint AS remaining,
           sum(reserved)::bigint AS reserved, sum(held)::bigint AS held, sum(spent)::bigint AS spent
      FROM (SELECT member_id, lot, sequence, remaining, reserved, 0 AS held, 0 AS spent
              FROM ({detailed_moves(OF_BUCKETS)}) AS moves
             UNION ALL
            SELECT member_id, lot, sequence, points + pending, 0, 0, 0
              FROM public.entry WHERE {OF_BUCKETS} AND kind = 'settle' AND lot IS NOT NULL
             UNION ALL
            SELECT member_id, lot, NULL, 0, 0, reserved, redeemed FROM ({_parts(OF_BUCKETS)}) AS parts) AS touched
     GROUP BY member_id, lot
"""

# Granted by an entry whose detail tells so, such as a transfer's.
_BY_DETAIL = "coalesce(touched.sequence <= lot.sequence, false)"

_IS_OFF = f"""
lot.bucket IS NULL OR ROW(
    CASE WHEN {_BY_DETAIL} THEN touched.sequence ELSE lot.sequence END,
    CASE WHEN {_BY_DETAIL} THEN touched.remaining ELSE lot.remaining END,
    CASE WHEN {_BY_DETAIL} THEN {_granted("NULL", "public.entry")} ELSE lot.granted END, {_BY_ITS_PARTS[0]},
    coalesce(touched.reserved, 0), coalesce(touched.held, 0), coalesce(touched.spent, 0),
    CASE WHEN lot.order_id IS NOT NULL THEN coalesce(refunds.refunded, 0) END
) IS DISTINCT FROM ROW(
    lot.sequence, lot.remaining, lot.granted, {_BY_ITS_PARTS[1]}, lot.reserved, lot.reserved, lot.redeemed, lot.refunded
)"""

_LINK = f"""
CASE WHEN NOT {_BY_DETAIL}
     THEN {hash_of("lot.granted", "lot.remaining - coalesce(touched.remaining, 0)", "lot.sequence", "lot.lot")} END"""

_NOW = "NOT pending AND remaining > 0"

_SUMMED = (
    "source", "pending", "granted", "remaining", "reserved", "redeemed", "expired", "moved", "amount", "refunded",
    "expires_at", "settle_at", "program_version",
)  # fmt: skip
HELD = f"""
touched AS ({_TOUCHED}), refunds AS ({_refunds(OF_BUCKETS)}), beside AS (
    SELECT member_id, lot.lot AS number, {", ".join(f"lot.{column}" for column in _SUMMED)}, {_IS_OFF} AS is_off,
           {_LINK} AS given
      FROM (SELECT * FROM lot WHERE {OF_BUCKETS}) AS lot FULL JOIN touched USING (member_id, lot)
      LEFT JOIN refunds ON refunds.refunder = lot.member_id AND refunds.order_id = lot.order_id
), held AS (
    SELECT member_id, count(*) FILTER (WHERE is_off) AS off, bit_xor(given) AS given,
           count(number) AS lots, max(number) AS newest,
           sum(remaining) FILTER (WHERE NOT pending)::bigint AS available,
           sum(remaining) FILTER (WHERE pending)::bigint AS pending,
           sum(reserved)::bigint AS reserved, sum(redeemed)::bigint AS redeemed, sum(expired)::bigint AS expired,
           sum(moved)::bigint AS moved, sum(granted) FILTER (WHERE source = 'transfer')::bigint AS received,
           sum(amount - refunded) FILTER (WHERE NOT pending)::bigint AS spend,
           count(*) FILTER (WHERE NOT pending AND (amount = 0 OR refunded < amount)) AS orders,
           min(number) FILTER (WHERE remaining > 0 OR reserved > 0 OR settle_at IS NOT NULL) AS floor,
           min(settle_at) AS settle_at, min(expires_at) FILTER (WHERE {_NOW}) AS expires_at,
           coalesce(sum(CASE WHEN {_NOW} AND expires_at = next_expires_at
                             THEN least(remaining, {TENTH}) END), 0)::bigint AS expires_points
      FROM beside AS lot LEFT JOIN (SELECT member_id, next_expires_at FROM account WHERE {OF_BUCKETS}) AS next
           USING (member_id)
     GROUP BY member_id
)"""
"""Of each member the lots' sums as CTEs, of which the last is `held`; and how many of them are `off`."""
