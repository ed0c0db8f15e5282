"""The statements of `verify`, for the buckets $1 up to $2 each: what is compared with what."""

# ruff: noqa: ISC004 - statements are put together of constants, and read best in pieces.

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.queries.lot_moves import TENTH, lot_moves

SETTINGS = """
SET LOCAL work_mem = '64MB';
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL jit = off;
"""

SIZE = "SELECT count(*) FROM entry"

COUNTS = """
SELECT (SELECT count(*) FROM account WHERE bucket BETWEEN $1 AND $2) AS members,
       (SELECT count(*) FROM entry WHERE bucket BETWEEN $1 AND $2) AS entries,
       (SELECT count(*) FROM lot WHERE bucket BETWEEN $1 AND $2) AS lots,
       (SELECT count(*) FROM redemption WHERE bucket BETWEEN $1 AND $2) AS redemptions
"""

LOWEST_TIERS = "SELECT array_agg(DISTINCT document->'tiers'->'ladder'->0->>'code') FROM program_version"

CHAIN = "entries that do not follow from the one before"


class Check(NamedTuple):
    """What is compared, as SQL: what it must be, and what is stored."""

    what: str
    expected: str
    found: str


class Comparison(NamedTuple):
    """A statement of the rows in which any check fails: member, place, and a pair of texts for each check."""

    statement: str
    names: tuple[str, ...]


class Direction(NamedTuple):
    """Transfers from one side: (member, partner, the partner's key, points), and what to call a lone one."""

    entries: str
    what: str


def _comparison(ctes: str, *, member: str, place: str, rows: str, checks: Sequence[Check]) -> Comparison:
    pairs = ", ".join(f"({check.expected})::text, ({check.found})::text" for check in checks)
    expected = ", ".join(check.expected for check in checks)
    found = ", ".join(check.found for check in checks)
    statement = (
        f"{ctes} SELECT {member}, {place}, {pairs} FROM {rows} "
        f"WHERE ROW({expected}) IS DISTINCT FROM ROW({found})"
    )
    return Comparison(statement, tuple(check.what for check in checks))


def _no_later(bound: str, column: str) -> Check:
    """`column` is a lower bound: where it is later than `bound`, or missing, it should have been `bound`."""
    return Check(
        f"{column} (at the latest)",
        f"CASE WHEN account.bucket IS NOT NULL AND {bound} < coalesce({column}, 'infinity') "
        f"THEN {bound} ELSE {column} END",
        column,
    )


# --- accounts --------------------------------------------------------------------------------------------

_WALLETS = ("points", "pending", "reserved", "debt", "growth", "cash")
_SUMS = ", ".join(f"sum({wallet}) AS {wallet}" for wallet in _WALLETS)
_AFTER = ", ".join(f"{wallet}_after" for wallet in _WALLETS)
_BEFORE = ", ".join(f"{wallet}_after - {wallet}" for wallet in _WALLETS)

_ACCOUNT_CTES = f"""
WITH linked AS (
    SELECT member_id, recorded_at, {", ".join(_WALLETS)},
           ARRAY[sequence - 1, {_BEFORE}] AS starts,
           lag(ARRAY[sequence, {_AFTER}], 1, ARRAY[0, 0, 0, 0, 0, 0, 0]::bigint[]) OVER member AS ended,
           lag(recorded_at, 1, '-infinity') OVER member AS before
      FROM entry WHERE bucket BETWEEN $1 AND $2
    WINDOW member AS (PARTITION BY bucket, member_id ORDER BY sequence)
), entries AS (
    SELECT member_id, count(*) AS entries, max(recorded_at) AS last_at, {_SUMS},
           count(*) FILTER (WHERE starts <> ended OR recorded_at < before) AS broken
      FROM linked GROUP BY member_id
), told AS (
    SELECT member_id,
           coalesce(sum(points) FILTER (WHERE kind = 'transfer'), 0) AS given,
           coalesce(sum((detail->>'points')::bigint) FILTER (WHERE kind = 'receive'), 0) AS received,
           coalesce(sum((detail->>'spend')::bigint) FILTER (WHERE kind = 'import'), 0) AS spend,
           coalesce(max(sequence) FILTER (WHERE kind = 'freeze'), 0) AS frozen,
           coalesce(max(sequence) FILTER (WHERE kind = 'unfreeze'), 0) AS unfrozen,
           max(sequence) FILTER (WHERE kind = 'erase') AS erased,
           max(key || '/' || (detail->>'streak')) FILTER (WHERE kind = 'sign_in') AS sign_in,
           max(lpad(sequence::text, 20, '0') || coalesce(detail->'tier_change'->>'to', detail->>'to'))
               FILTER (WHERE kind NOT IN ('transfer', 'approve_review', 'reject_review')
                          OR kind = 'approve_review' AND detail->'tier_change' IS NOT NULL) AS tier
      FROM entry
     WHERE bucket BETWEEN $1 AND $2
       AND (kind IN ('transfer', 'receive', 'import', 'freeze', 'unfreeze', 'erase', 'sign_in', 'evaluate',
                     'set_tier', 'tier_period')
            OR detail::text LIKE '%"tier_change"%')
     GROUP BY member_id
), held AS (
    SELECT member_id, count(*) AS lots, max(lot) AS newest,
           coalesce(sum(remaining) FILTER (WHERE NOT pending), 0) AS available,
           coalesce(sum(remaining) FILTER (WHERE pending), 0) AS pending,
           sum(reserved) AS reserved, sum(redeemed) AS redeemed, sum(expired) AS expired, sum(moved) AS moved,
           coalesce(sum(granted) FILTER (WHERE source = 'transfer'), 0) AS received,
           coalesce(sum(amount - refunded) FILTER (WHERE NOT pending), 0) AS spend,
           count(*) FILTER (WHERE NOT pending AND (amount = 0 OR refunded < amount)) AS orders,
           min(lot) FILTER (WHERE remaining > 0 OR reserved > 0 OR settle_at IS NOT NULL) AS floor,
           min(settle_at) AS settle_at,
           min(expires_at) FILTER (WHERE remaining > 0 AND NOT pending) AS expires_at
      FROM lot WHERE bucket BETWEEN $1 AND $2 GROUP BY member_id
), holds AS (
    SELECT member_id, sum(points) AS reserved, min(hold_expires_at) AS due_at
      FROM redemption WHERE bucket BETWEEN $1 AND $2 AND status = 'reserved' GROUP BY member_id
), redeeming AS (
    SELECT DISTINCT member_id FROM redemption WHERE bucket BETWEEN $1 AND $2
), reviews AS (
    SELECT member_id, count(*) FILTER (WHERE status = 'open') AS open,
           max(sequence) FILTER (WHERE status = 'open') AS review
      FROM tier_review WHERE bucket BETWEEN $1 AND $2 GROUP BY member_id
), account AS (
    SELECT * FROM account WHERE bucket BETWEEN $1 AND $2
)
"""

_NEXT_EXPIRES_POINTS = f"""
(SELECT coalesce(sum(least(lot.remaining, {TENTH})), 0) FROM lot
  WHERE lot.bucket = account.bucket AND lot.member_id = account.member_id AND lot.lot >= account.lot_floor
    AND lot.remaining > 0 AND NOT lot.pending AND lot.expires_at = account.next_expires_at)"""

_TIER_END = "CASE WHEN account.tier_state <> 'grace' THEN account.tier_valid_until END"

ACCOUNTS = _comparison(
    _ACCOUNT_CTES,
    member="member_id",
    place="''",
    rows="account FULL JOIN entries USING (member_id) "
    "LEFT JOIN told USING (member_id) FULL JOIN held USING (member_id) "
    "FULL JOIN holds USING (member_id) FULL JOIN redeeming USING (member_id) "
    "FULL JOIN reviews USING (member_id)",
    checks=[
        Check("account", "'present'", "CASE WHEN account.bucket IS NULL THEN 'missing' ELSE 'present' END"),
        Check(CHAIN, "0", "coalesce(entries.broken, 0)"),
        *(
            Check(f"account.{column}", f"CASE WHEN account.bucket IS NOT NULL THEN {expected} END", stored)
            for column, expected, stored in (
                ("sequence", "coalesce(entries.entries, 0)", "account.sequence"),
                ("last_at", "entries.last_at", "account.last_at"),
                ("available, by entries", "coalesce(entries.points, 0)", "account.available"),
                ("pending, by entries", "coalesce(entries.pending, 0)", "account.pending"),
                ("reserved, by entries", "coalesce(entries.reserved, 0)", "account.reserved"),
                ("debt, by entries", "coalesce(entries.debt, 0)", "account.debt"),
                ("growth, by entries", "coalesce(entries.growth, 0)", "account.growth"),
                ("cash, by entries", "coalesce(entries.cash, 0)", "account.cash"),
                ("lot_count", "coalesce(held.lots, 0)", "account.lot_count"),
                ("lot_count, by the newest lot", "coalesce(held.newest, 0)", "account.lot_count"),
                ("available, by lots", "coalesce(held.available, 0)", "account.available"),
                ("pending, by lots", "coalesce(held.pending, 0)", "account.pending"),
                ("reserved, by lots", "coalesce(held.reserved, 0)", "account.reserved"),
                ("reserved, by open holds", "coalesce(holds.reserved, 0)", "account.reserved"),
                ("redeemed, by lots", "coalesce(held.redeemed, 0)", "account.redeemed"),
                ("expired, by lots", "coalesce(held.expired, 0)", "account.expired"),
                (
                    "earned, by what became of it",
                    "account.available + account.reserved - account.debt + account.redeemed "
                    "+ account.expired - coalesce(told.received, 0) - coalesce(told.given, 0)",
                    "account.earned",
                ),
                ("spend, by orders", "coalesce(held.spend, 0) + coalesce(told.spend, 0)", "account.spend"),
                ("orders", "coalesce(held.orders, 0)", "account.orders"),
                (
                    "status",
                    "CASE WHEN told.erased IS NOT NULL THEN 'erased' "
                    "WHEN told.frozen > told.unfrozen THEN 'frozen' ELSE 'active' END",
                    "account.status",
                ),
                (
                    "tier",
                    "CASE WHEN told.tier IS NOT NULL THEN substr(told.tier, 21) "
                    "WHEN account.tier = ANY ($3::text[]) THEN account.tier ELSE ($3::text[])[1] END",
                    "account.tier",
                ),
                ("last_sign_in", "split_part(told.sign_in, '/', 2)::date", "account.last_sign_in"),
                (
                    "streak",
                    "coalesce(split_part(told.sign_in, '/', 3)::integer, 0)",
                    "account.streak",
                ),
                ("review", "reviews.review", "account.review"),
                ("next_expires_at", "held.expires_at", "account.next_expires_at"),
                (
                    "next_expires_points",
                    "CASE WHEN account.next_expires_at IS NULL THEN 0 "
                    f"WHEN account.next_expires_at = held.expires_at THEN {_NEXT_EXPIRES_POINTS} "
                    "ELSE account.next_expires_points END",
                    "account.next_expires_points",
                ),
            )
        ),
        Check("open reviews", "least(coalesce(reviews.open, 0), 1)", "coalesce(reviews.open, 0)"),
        Check("points moved, by lots", "-coalesce(told.given, 0)", "coalesce(held.moved, 0)"),
        Check("points received, by lots", "coalesce(told.received, 0)", "coalesce(held.received, 0)"),
        _no_later("held.floor", "account.lot_floor")._replace(
            expected="CASE WHEN held.floor < account.lot_floor THEN held.floor ELSE account.lot_floor END"
        ),
        _no_later(f"least(held.expires_at, held.settle_at, {_TIER_END})", "account.due_at"),
        _no_later("holds.due_at", "account.hold_due_at"),
    ],
)

_OFF = ", ".join(
    f"{wallet}_after - {wallet} - lag({wallet}_after, 1, 0::bigint) OVER member AS {wallet}_off"
    for wallet in _WALLETS
)
BROKEN_ENTRIES = f"""
WITH linked AS (
    SELECT sequence, recorded_at, {", ".join(_WALLETS)}, {
    ", ".join(f"{wallet}_after" for wallet in _WALLETS)
},
           sequence - lag(sequence, 1, 0::bigint) OVER member AS step,
           lag(recorded_at) OVER member AS before,
           {_OFF}
      FROM entry WHERE bucket = $1 AND member_id = $2
    WINDOW member AS (ORDER BY sequence)
)
SELECT $2::text, 'entry ' || sequence || ', ' || what, expected, found
  FROM linked, LATERAL (VALUES
       ('sequence', (sequence - step + 1)::text, sequence::text),
       ('recorded_at', greatest(before, recorded_at)::text, recorded_at::text),
       {
    ", ".join(
        f"('balance of {wallet}', ({wallet}_after - {wallet}_off)::text, {wallet}_after::text)"
        for wallet in _WALLETS
    )
}) AS looked_at (what, expected, found)
 WHERE expected <> found ORDER BY sequence
"""

# --- lots ------------------------------------------------------------------------------------------------

_LOT_CTES = f"""
WITH moves AS ({lot_moves("bucket BETWEEN $1 AND $2")}
), moved AS (
    SELECT member_id, lot, min(sequence) AS sequence, sum(remaining) AS remaining, sum(reserved) AS reserved,
           max(granted) AS granted
      FROM moves GROUP BY member_id, lot
), parts AS (
    SELECT member_id, part.lot,
           coalesce(sum(part.points) FILTER (WHERE status = 'reserved'), 0) AS reserved,
           coalesce(sum(part.points) FILTER (WHERE status = 'redeemed'), 0) AS redeemed
      FROM redemption, unnest(lots, parts) AS part (lot, points) WHERE bucket BETWEEN $1 AND $2
     GROUP BY member_id, part.lot
), refunds AS (
    SELECT member_id AS refunder, order_id, sum((detail->>'amount')::bigint) AS refunded
      FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind = 'reverse' GROUP BY member_id, order_id
), lot AS (
    SELECT * FROM lot WHERE bucket BETWEEN $1 AND $2
)
"""

# Only where it is not plain from the columns (part of it had expired on arrival) the detail is read.
_GRANTED = """
CASE WHEN lot.source = 'transfer' OR moved.granted = lot.granted THEN lot.granted
     ELSE (SELECT coalesce(
                      (SELECT sum((part->>2)::bigint) FROM json_array_elements(detail->'breakdown') AS part),
                      (detail->>'points')::bigint, 0)
             FROM entry WHERE entry.bucket = lot.bucket AND entry.member_id = lot.member_id
              AND entry.sequence = lot.sequence) END"""

LOTS = _comparison(
    _LOT_CTES,
    member="member_id",
    place="'lot ' || lot || ', '",
    rows="lot FULL JOIN moved USING (member_id, lot) FULL JOIN parts USING (member_id, lot) "
    "LEFT JOIN refunds ON refunds.refunder = lot.member_id AND refunds.order_id = lot.order_id",
    checks=[
        Check("row", "'present'", "CASE WHEN lot.bucket IS NULL THEN 'missing' ELSE 'present' END"),
        *(
            Check(what, f"CASE WHEN lot.bucket IS NOT NULL THEN {expected} END", stored)
            for what, expected, stored in (
                ("entry that granted it", "moved.sequence", "lot.sequence"),
                ("granted", _GRANTED, "lot.granted"),
                (
                    "granted, by its parts",
                    "lot.remaining + lot.reserved + lot.redeemed + lot.expired + lot.clawed_back + lot.moved",
                    "lot.granted",
                ),
                ("remaining, by entries", "coalesce(moved.remaining, 0)", "lot.remaining"),
                ("reserved, by entries", "coalesce(moved.reserved, 0)", "lot.reserved"),
                ("reserved, by redemptions", "coalesce(parts.reserved, 0)", "lot.reserved"),
                ("redeemed, by redemptions", "coalesce(parts.redeemed, 0)", "lot.redeemed"),
                (
                    "refunded, by entries",
                    "CASE WHEN lot.order_id IS NOT NULL THEN coalesce(refunds.refunded, 0) END",
                    "lot.refunded",
                ),
            )
        ),
    ],
)

# --- redemptions and reviews -----------------------------------------------------------------------------

_REDEMPTION_CTES = """
WITH told AS (
    SELECT member_id, split_part(key, '/', 2) AS reference,
           sum((detail->>'points')::bigint) FILTER (WHERE kind IN ('redeem', 'reserve')) AS points,
           coalesce(sum((detail->>'points')::bigint) FILTER (WHERE kind IN ('redeem', 'commit')), 0)
               AS committed,
           coalesce(sum((detail->>'points')::bigint) FILTER (WHERE kind = 'refund'), 0) AS refunded,
           CASE WHEN bool_or(kind IN ('redeem', 'commit')) THEN 'redeemed'
                WHEN bool_or(kind = 'cancel') THEN 'cancelled'
                WHEN bool_or(kind = 'lapse') THEN 'expired' ELSE 'reserved' END AS status,
           count(*) FILTER (WHERE kind IN ('redeem', 'commit', 'cancel', 'lapse')) AS ends
      FROM entry
     WHERE bucket BETWEEN $1 AND $2 AND kind IN ('redeem', 'reserve', 'commit', 'cancel', 'lapse', 'refund')
     GROUP BY member_id, split_part(key, '/', 2)
), redemption AS (
    SELECT *, (SELECT coalesce(sum(part), 0) FROM unnest(parts) AS part) AS kept
      FROM redemption WHERE bucket BETWEEN $1 AND $2
)
"""

REDEMPTIONS = _comparison(
    _REDEMPTION_CTES,
    member="member_id",
    place="'redemption ' || reference || ', '",
    rows="redemption FULL JOIN told USING (member_id, reference)",
    checks=[
        Check("row", "'present'", "CASE WHEN redemption.bucket IS NULL THEN 'missing' ELSE 'present' END"),
        Check("ends", "least(told.ends, 1)", "told.ends"),
        *(
            Check(what, f"CASE WHEN redemption.bucket IS NOT NULL THEN {expected} END", stored)
            for what, expected, stored in (
                ("points", "coalesce(told.points, 0)", "redemption.points"),
                ("committed", "coalesce(told.committed, 0)", "redemption.committed"),
                ("refunded", "coalesce(told.refunded, 0)", "redemption.refunded"),
                ("status", "told.status", "redemption.status"),
                (
                    "parts",
                    "CASE redemption.status WHEN 'reserved' THEN redemption.points "
                    "WHEN 'redeemed' THEN redemption.committed - redemption.refunded ELSE 0 END",
                    "redemption.kept",
                ),
            )
        ),
    ],
)

_REVIEW_CTES = """
WITH decided AS (
    SELECT member_id, substr(key, 8)::bigint AS sequence,
           CASE kind WHEN 'approve_review' THEN 'approved' ELSE 'rejected' END AS status
      FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind IN ('approve_review', 'reject_review')
), opened AS (
    SELECT member_id, sequence FROM entry
     WHERE bucket BETWEEN $1 AND $2 AND (member_id, sequence) IN
           (SELECT member_id, sequence FROM tier_review WHERE bucket BETWEEN $1 AND $2)
), review AS (
    SELECT * FROM tier_review WHERE bucket BETWEEN $1 AND $2
)
"""

REVIEWS = _comparison(
    _REVIEW_CTES,
    member="member_id",
    place="'review ' || sequence || ', '",
    rows="review FULL JOIN decided USING (member_id, sequence) LEFT JOIN opened USING (member_id, sequence)",
    checks=[
        Check("row", "'present'", "CASE WHEN review.bucket IS NULL THEN 'missing' ELSE 'present' END"),
        Check(
            "entry that opened it",
            "'present'",
            "CASE WHEN opened.sequence IS NULL THEN 'missing' ELSE 'present' END",
        ),
        Check(
            "status",
            "CASE WHEN decided.status IS NOT NULL AND review.bucket IS NOT NULL THEN decided.status "
            "WHEN review.status IN ('approved', 'rejected') THEN 'undecided' ELSE review.status END",
            "review.status",
        ),
    ],
)

# --- transfers -------------------------------------------------------------------------------------------

SENT = Direction(
    "SELECT member_id, detail->>'to', 'receive/' || member_id || '/' || split_part(key, '/', 2), -points "
    "FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind = 'transfer'",
    "transfer without its",
)
RECEIVED = Direction(
    "SELECT member_id, split_part(key, '/', 2), 'transfer/' || split_part(key, '/', 3), "
    "(detail->>'points')::bigint FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind = 'receive'",
    "receipt without its",
)

PARTNERS = """
SELECT CASE entry.kind WHEN 'transfer' THEN -entry.points ELSE (entry.detail->>'points')::bigint END AS points
  FROM unnest($1::smallint[], $2::text[], $3::text[])
       WITH ORDINALITY AS wanted (bucket, member_id, key, number)
  LEFT JOIN entry USING (bucket, member_id, key)
 ORDER BY number
"""
