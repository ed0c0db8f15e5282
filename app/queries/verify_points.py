"""What `verify` compares redemptions and reviews with; and both sides of a transfer with each other."""

# ruff: noqa: ISC004 - statements are put together of constants, and read best in pieces.

from __future__ import annotations

from app.queries.verify_checks import Check, Pairing, comparison, is_there, where_there

# --- redemptions and reviews -----------------------------------------------------------------------------

_REDEMPTION_CTES = """
WITH step AS (
    SELECT member_id, (detail->>'points')::bigint AS points,
           CASE kind WHEN 'claim_coupon' THEN 'redeem' ELSE kind END AS kind,
           CASE kind WHEN 'claim_coupon' THEN 'coupon/' || (detail->>'code') ELSE split_part(key, '/', 2) END
               AS reference
      FROM entry
     WHERE bucket BETWEEN $1 AND $2
       AND (kind IN ('redeem', 'reserve', 'commit', 'cancel', 'lapse', 'refund')
            OR kind = 'claim_coupon' AND detail->'points' IS NOT NULL)
), told AS (
    SELECT member_id, reference,
           sum(points) FILTER (WHERE kind IN ('redeem', 'reserve')) AS points,
           coalesce(sum(points) FILTER (WHERE kind IN ('redeem', 'commit')), 0) AS committed,
           coalesce(sum(points) FILTER (WHERE kind = 'refund'), 0) AS refunded,
           CASE WHEN bool_or(kind IN ('redeem', 'commit')) THEN 'redeemed'
                WHEN bool_or(kind = 'cancel') THEN 'cancelled'
                WHEN bool_or(kind = 'lapse') THEN 'expired' ELSE 'reserved' END AS status,
           count(*) FILTER (WHERE kind IN ('redeem', 'commit', 'cancel', 'lapse')) AS ends
      FROM step GROUP BY member_id, reference
), redemption AS (
    SELECT *, (SELECT coalesce(sum(part), 0) FROM unnest(parts) AS part) AS kept
      FROM redemption WHERE bucket BETWEEN $1 AND $2
)
"""

REDEMPTIONS = comparison(
    _REDEMPTION_CTES,
    member="member_id",
    place="'redemption ' || reference || ', '",
    rows="redemption FULL JOIN told USING (member_id, reference)",
    checks=[
        is_there("redemption"),
        Check("ends", "least(told.ends, 1)", "told.ends"),
        *where_there(
            "redemption",
            (
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
            ),
        ),
    ],
)

_REVIEW_CTES = """
WITH decided AS (
    SELECT member_id, substr(key, 8)::bigint AS sequence,
           CASE kind WHEN 'approve_review' THEN 'approved' ELSE 'rejected' END AS status
      FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind IN ('approve_review', 'reject_review')
), review AS (
    SELECT *, (SELECT sequence FROM public.entry
                WHERE bucket = review.bucket AND member_id = review.member_id AND sequence = review.sequence) AS opened
      FROM tier_review AS review WHERE bucket BETWEEN $1 AND $2
)
"""

REVIEWS = comparison(
    _REVIEW_CTES,
    member="member_id",
    place="'review ' || sequence || ', '",
    rows="review FULL JOIN decided USING (member_id, sequence)",
    checks=[
        is_there("review"),
        Check(
            "entry that opened it",
            "'present'",
            "CASE WHEN review.opened IS NULL THEN 'missing' ELSE 'present' END",
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

_PARTNERS = """
SELECT CASE entry.kind WHEN 'transfer' THEN -entry.points ELSE (entry.detail->>'points')::bigint END
  FROM unnest($1::smallint[], $2::text[], $3::text[])
       WITH ORDINALITY AS wanted (bucket, member_id, key, number)
  LEFT JOIN entry USING (bucket, member_id, key)
 ORDER BY number
"""

TRANSFERS = (
    Pairing(
        "SELECT member_id, detail->>'to', 'receive/' || member_id || '/' || split_part(key, '/', 2), -points "
        "FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind = 'transfer'",
        _PARTNERS,
        "transfer without its",
    ),
    Pairing(
        "SELECT member_id, split_part(key, '/', 2), 'transfer/' || split_part(key, '/', 3), "
        "(detail->>'points')::bigint FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind = 'receive'",
        _PARTNERS,
        "receipt without its",
    ),
)
