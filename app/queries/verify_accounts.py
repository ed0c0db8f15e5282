"""What `verify` compares an account with: its entries, lots, holds, coupons and reviews."""

# ruff: noqa: ISC004 - statements are put together of constants, and read best in pieces.

from __future__ import annotations

from app.queries.verify_balances import CHAIN, ENDS
from app.queries.verify_checks import Check, comparison
from app.queries.verify_lots import HELD

LOWEST_TIERS = (
    "SELECT array_agg(DISTINCT document->'tiers'->'ladder'->0->>'code') FROM program_version "
    "WHERE publication IS NOT NULL"
)

BALANCES = "balances"
LOTS = "lots"
"""Checks that only tell whose entries, or lots, must be looked at closely."""


def _no_later(bound: str, column: str) -> Check:
    """`column` is a lower bound: where it is later than `bound`, or missing, it should have been `bound`."""
    return Check(
        f"{column} (at the latest)",
        f"CASE WHEN account.bucket IS NOT NULL AND {bound} < coalesce({column}, 'infinity') "
        f"THEN {bound} ELSE {column} END",
        column,
    )


_STANDING_CTES = f"""
WITH told AS (
    SELECT member_id,
           coalesce(sum(points) FILTER (WHERE kind = 'transfer'), 0) AS given,
           coalesce(sum((detail->>'points')::bigint) FILTER (WHERE kind = 'receive'), 0) AS received,
           coalesce(sum((detail->>'spend')::bigint) FILTER (WHERE kind = 'import'), 0) AS spend,
           coalesce(max(sequence) FILTER (WHERE kind = 'freeze'), 0) AS frozen,
           coalesce(max(sequence) FILTER (WHERE kind = 'unfreeze'), 0) AS unfrozen,
           max(sequence) FILTER (WHERE kind = 'erase') AS erased,
           -- What the refund of an order took is told without its sign.
           coalesce(sum((detail->>'chances')::bigint
                        * CASE WHEN kind IN ('reverse', 'refund_checkout') THEN -1 ELSE 1 END), 0) AS chances,
           max(key || '/' || (detail->>'streak')) FILTER (WHERE kind = 'sign_in') AS sign_in,
           max(lpad(sequence::text, 20, '0') || coalesce(detail->'tier_change'->>'to', detail->>'to'))
               FILTER (WHERE kind NOT IN ('transfer', 'approve_review', 'reject_review')
                          OR kind = 'approve_review' AND detail->'tier_change' IS NOT NULL) AS tier
      FROM entry
     WHERE bucket BETWEEN $1 AND $2
       AND (kind IN ('transfer', 'receive', 'import', 'freeze', 'unfreeze', 'erase', 'sign_in', 'evaluate',
                     'set_tier', 'tier_period')
            OR detail::text LIKE '%"tier_change"%' OR detail::text LIKE '%"chances"%')
     GROUP BY member_id
), {CHAIN}, {HELD}, holds AS (
    SELECT member_id, sum(points) AS reserved, min(hold_expires_at) AS due_at
      FROM (SELECT member_id, points, hold_expires_at
              FROM redemption WHERE bucket BETWEEN $1 AND $2 AND status = 'reserved'
             UNION ALL
            SELECT member_id, points, hold_expires_at
              FROM checkout WHERE bucket BETWEEN $1 AND $2 AND status = 'held') AS hold
     GROUP BY member_id
), wallets AS (
    SELECT coupon.member_id,
           count(*) FILTER (WHERE coupon.status = 'issued' AND valid_from <= last_at) AS begun,
           count(*) FILTER (WHERE coupon.status = 'issued') AS issued,
           min(CASE coupon.status WHEN 'issued' THEN valid_until WHEN 'locked' THEN lock_expires_at END) AS due_at
      FROM coupon JOIN account USING (bucket, member_id)
     WHERE bucket BETWEEN $1 AND $2 GROUP BY coupon.member_id
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

_TIER_END = "CASE WHEN account.tier_state <> 'grace' THEN account.tier_valid_until END"

STANDINGS = comparison(
    _STANDING_CTES,
    member="member_id",
    place="''",
    rows="account FULL JOIN chain USING (member_id) FULL JOIN held USING (member_id) "
    "FULL JOIN holds USING (member_id) FULL JOIN redeeming USING (member_id) "
    "FULL JOIN reviews USING (member_id) FULL JOIN wallets USING (member_id) "
    "LEFT JOIN told USING (member_id)",
    checks=[
        Check("account", "'present'", "CASE WHEN account.bucket IS NULL THEN 'missing' ELSE 'present' END"),
        Check(BALANCES, "coalesce(chain.ends, 0)", ENDS),
        Check(BALANCES, "chain.last_at", "account.last_at"),
        Check(BALANCES, "coalesce(chain.early, 0)", "0"),
        Check(LOTS, "coalesce(chain.given, 0)", "coalesce(held.given, 0)"),
        Check(LOTS, "0", "coalesce(held.off, 0)"),
        *(
            Check(f"account.{column}", f"CASE WHEN account.bucket IS NOT NULL THEN {expected} END", stored)
            for column, expected, stored in (
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
                ("chances", "coalesce(told.chances, 0)", "account.chances"),
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
                # Those that began since the last entry are counted once somebody looks.
                (
                    "coupons",
                    "least(greatest(account.coupons, coalesce(wallets.begun, 0)), coalesce(wallets.issued, 0))",
                    "account.coupons",
                ),
                ("next_expires_at", "held.expires_at", "account.next_expires_at"),
                (
                    "next_expires_points",
                    "CASE WHEN account.next_expires_at IS NULL THEN 0 "
                    "WHEN account.next_expires_at = held.expires_at THEN held.expires_points "
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
        _no_later(
            f"least(held.expires_at, held.settle_at, {_TIER_END}, account.coupon_due_at, account.benefits_at)",
            "account.due_at",
        ),
        _no_later("holds.due_at", "account.hold_due_at"),
        _no_later("wallets.due_at", "account.coupon_due_at"),
    ],
)
