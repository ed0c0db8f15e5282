"""What `verify` compares coupons and checkouts with: their entries; and both with where their names lead.

A coupon's row is what the newest entry that tells of it left; the first is the one that issued it.
"""

# ruff: noqa: ISC004 - statements are put together of constants, and read best in pieces.

from __future__ import annotations

from app.queries.verify_checks import Check, Pairing, comparison, is_there, where_there

# --- coupons ---------------------------------------------------------------------------------------------

# What is freed is issued again, or expired if its time was over then: no `status` is told, but the moment.
_COUPON_CTES = """
WITH step AS MATERIALIZED (
    SELECT member_id, sequence, kind, split_part(key, '/', 2) AS checkout_id, occurred_at, detail
      FROM entry
     WHERE bucket BETWEEN $1 AND $2
       AND kind IN ('claim_coupon', 'issue_coupon', 'lock_coupon', 'unlock_coupon', 'redeem_coupon',
                    'roll_back_coupon', 'void_coupon', 'lapse_coupon', 'expire_coupons', 'tier_coupons', 'hold',
                    'complete', 'release', 'lapse_checkout', 'refund_checkout')
), granted AS MATERIALIZED (
    SELECT member_id, sequence, occurred_at, detail
      FROM entry
     WHERE bucket BETWEEN $1 AND $2
       AND kind IN ('accrue', 'settle', 'complete', 'sign_in', 'activity', 'referral', 'mission', 'campaign')
       AND detail::text LIKE '%"coupons":[{%'
), withdrawn AS (
    SELECT member_id, sequence, occurred_at, code
      FROM entry, json_array_elements_text(detail->'voided') AS code
     WHERE bucket BETWEEN $1 AND $2
       AND kind IN ('reverse', 'refund_checkout', 'reverse_activity', 'referral_undo', 'mission_undo', 'campaign_undo')
       AND detail::text LIKE '%"voided":[%'
), held AS (
    SELECT member_id, sequence, checkout_id, name->>1 AS code, used->>1 AS template,
           (used->>2)::bigint AS discount
      FROM step, json_array_elements(detail->'coupons') AS name, json_array_elements(detail->'quote'->3) AS used
     WHERE kind = 'hold' AND used->>0 = name->>0
), told AS (
    SELECT member_id, sequence, occurred_at, shown->>'code' AS code, shown->>'template' AS template,
           shown->>'status' AS status, shown->>'reference' AS reference, (shown->>'discount')::bigint AS discount
      FROM (SELECT member_id, sequence, occurred_at, detail AS shown
              FROM step WHERE kind LIKE '%\\_coupon'
             UNION ALL
            SELECT member_id, sequence, occurred_at, json_array_elements(detail->'coupons')
              FROM step WHERE kind = 'tier_coupons'
             UNION ALL
            SELECT member_id, sequence, occurred_at, json_array_elements(detail->'coupons') FROM granted) AS shown
    UNION ALL
    SELECT member_id, sequence, occurred_at, code, NULL, 'voided', NULL, NULL FROM withdrawn
    UNION ALL
    SELECT member_id, sequence, occurred_at, gone->>0, gone->>1, 'expired', NULL, NULL
      FROM step, json_array_elements(detail->'coupons') AS gone WHERE kind = 'expire_coupons'
    UNION ALL
    SELECT member_id, sequence, NULL, code, template, 'locked', 'checkout/' || checkout_id, discount FROM held
    UNION ALL
    SELECT member_id, step.sequence, NULL, code, template, 'redeemed', 'checkout/' || checkout_id, discount
      FROM step JOIN held USING (member_id, checkout_id)
     WHERE kind = 'complete' AND NOT EXISTS (
               SELECT FROM json_array_elements(detail->'missing') AS missing WHERE missing->>'code' = code)
    UNION ALL
    SELECT member_id, sequence, occurred_at, freed, NULL, NULL, NULL, NULL
      FROM step, json_array_elements_text(
               CASE kind WHEN 'refund_checkout' THEN detail->'freed' ELSE detail->'coupons' END) AS freed
     WHERE kind IN ('release', 'lapse_checkout', 'refund_checkout')
), first AS (
    SELECT DISTINCT ON (member_id, code) member_id, code, sequence, template
      FROM told ORDER BY member_id, code, sequence
), last AS (
    SELECT DISTINCT ON (member_id, code) member_id, code, occurred_at, status, reference, discount
      FROM told ORDER BY member_id, code, sequence DESC
), coupon AS (
    SELECT * FROM coupon WHERE bucket BETWEEN $1 AND $2
)
"""

_COUPON_STATUS = """
coalesce(last.status, CASE WHEN coupon.valid_until <= last.occurred_at THEN 'expired' ELSE 'issued' END)"""


def _while_used(column: str) -> str:
    return f"CASE WHEN last.status IN ('locked', 'redeemed') THEN last.{column} END"


COUPONS = comparison(
    _COUPON_CTES,
    member="member_id",
    place="'coupon ' || code || ', '",
    rows="coupon FULL JOIN first USING (member_id, code) LEFT JOIN last USING (member_id, code)",
    checks=[
        is_there("coupon"),
        *where_there(
            "coupon",
            (
                ("entry that issued it", "first.sequence", "coupon.sequence"),
                ("template", "first.template", "coupon.template"),
                ("status", _COUPON_STATUS, "coupon.status"),
                ("reference", _while_used("reference"), "coupon.reference"),
                ("discount", _while_used("discount"), "coupon.discount"),
            ),
        ),
    ],
)

# --- checkouts -------------------------------------------------------------------------------------------

# What a late completion did without is told by it as `missing`.
_CHECKOUT_CTES = """
WITH step AS MATERIALIZED (
    SELECT member_id, sequence, kind, reserved, cash, detail,
           CASE kind WHEN 'extend' THEN detail->>'checkout_id' ELSE split_part(key, '/', 2) END AS checkout_id
      FROM entry
     WHERE bucket BETWEEN $1 AND $2
       AND kind IN ('hold', 'extend', 'complete', 'release', 'lapse_checkout', 'refund_checkout')
), missing AS (
    SELECT member_id, checkout_id, missing->>'what' AS what, (missing->>'available')::bigint AS available,
           missing->>'code' AS code
      FROM step, json_array_elements(detail->'missing') AS missing WHERE kind = 'complete'
), coupons AS (
    SELECT member_id, checkout_id, array_agg(name->>1 ORDER BY number) AS codes
      FROM step, json_array_elements(detail->'coupons') WITH ORDINALITY AS named (name, number)
     WHERE kind = 'hold' AND (member_id, checkout_id, name->>1) NOT IN (
               SELECT member_id, checkout_id, code FROM missing WHERE what = 'coupon')
     GROUP BY member_id, checkout_id
), told AS (
    SELECT member_id, checkout_id, sum(reserved) FILTER (WHERE kind = 'hold') AS points,
           -sum(cash) FILTER (WHERE kind = 'hold') AS cash,
           coalesce(sum((detail->'refunded'->>'points')::bigint), 0) AS points_refunded,
           coalesce(sum((detail->'refunded'->>'cash')::bigint), 0) AS cash_refunded,
           max((detail->>'hold_expires_at')::timestamptz) AS hold_expires_at,
           (array_agg(CASE kind WHEN 'complete' THEN 'completed' WHEN 'release' THEN 'cancelled'
                                WHEN 'lapse_checkout' THEN 'lapsed' WHEN 'refund_checkout' THEN detail->>'status'
                                ELSE 'held' END ORDER BY sequence DESC))[1] AS status,
           count(*) FILTER (WHERE kind IN ('complete', 'release')) AS ends
      FROM step GROUP BY member_id, checkout_id
), taken AS (
    SELECT told.*, coalesce(points.available, told.points) AS taken_points,
           coalesce(cash.available, told.cash) AS taken_cash, coalesce(codes, '{}') AS codes,
           told.status IN ('completed', 'partially_refunded', 'refunded') AS is_order
      FROM told LEFT JOIN coupons USING (member_id, checkout_id)
      LEFT JOIN missing AS points ON points.what = 'points' AND points.member_id = told.member_id
                AND points.checkout_id = told.checkout_id
      LEFT JOIN missing AS cash ON cash.what = 'cash' AND cash.member_id = told.member_id
                AND cash.checkout_id = told.checkout_id
), checkout AS (
    SELECT *, (SELECT coalesce(sum(part), 0) FROM unnest(parts) AS part) AS kept
      FROM checkout WHERE bucket BETWEEN $1 AND $2
)
"""

CHECKOUTS = comparison(
    _CHECKOUT_CTES,
    member="member_id",
    place="'checkout ' || checkout_id || ', '",
    rows="checkout FULL JOIN taken USING (member_id, checkout_id)",
    checks=[
        is_there("checkout"),
        Check("ends", "least(taken.ends, 1)", "taken.ends"),
        *where_there(
            "checkout",
            (
                ("status", "taken.status", "checkout.status"),
                ("points", "taken.taken_points", "checkout.points"),
                ("points_refunded", "taken.points_refunded", "checkout.points_refunded"),
                ("cash", "taken.taken_cash", "checkout.cash"),
                ("cash_refunded", "taken.cash_refunded", "checkout.cash_refunded"),
                ("coupons", "taken.codes", "checkout.coupons"),
                (
                    "hold_expires_at",
                    "CASE WHEN NOT taken.is_order THEN taken.hold_expires_at END",
                    "checkout.hold_expires_at",
                ),
                (
                    "parts",
                    "CASE WHEN taken.is_order THEN checkout.points - checkout.points_refunded "
                    "WHEN taken.status = 'held' THEN checkout.points ELSE 0 END",
                    "checkout.kept",
                ),
            ),
        ),
    ],
)

# --- names -----------------------------------------------------------------------------------------------

NAMES = (
    Pairing(
        "SELECT member_id, code, code, template || ' of ' || member_id FROM coupon WHERE bucket BETWEEN $1 AND $2",
        """
SELECT found.template || ' of ' || found.member_id
  FROM unnest($1::smallint[], $2::text[], $3::text[]) WITH ORDINALITY AS wanted (bucket, code, again, number)
  LEFT JOIN coupon_code AS found USING (bucket, code)
 ORDER BY number
""",
        "coupon without its code",
    ),
    Pairing(
        "SELECT member_id, member_id, code, template FROM coupon_code "
        "WHERE bucket BETWEEN $1 AND $2 AND member_id IS NOT NULL",
        """
SELECT found.template
  FROM unnest($1::smallint[], $2::text[], $3::text[]) WITH ORDINALITY AS wanted (bucket, member_id, code, number)
  LEFT JOIN coupon AS found USING (bucket, member_id, code)
 ORDER BY number
""",
        "code without its coupon",
    ),
    Pairing(
        "SELECT member_id, checkout_id, checkout_id, member_id FROM checkout WHERE bucket BETWEEN $1 AND $2",
        """
SELECT found.member_id
  FROM unnest($1::smallint[], $2::text[], $3::text[])
       WITH ORDINALITY AS wanted (bucket, checkout_id, again, number)
  LEFT JOIN checkout_key AS found USING (bucket, checkout_id)
 ORDER BY number
""",
        "checkout without its key",
    ),
    Pairing(
        "SELECT member_id, member_id, checkout_id, member_id FROM checkout_key WHERE bucket BETWEEN $1 AND $2",
        """
SELECT found.member_id
  FROM unnest($1::smallint[], $2::text[], $3::text[])
       WITH ORDINALITY AS wanted (bucket, member_id, checkout_id, number)
  LEFT JOIN checkout AS found USING (bucket, member_id, checkout_id)
 ORDER BY number
""",
        "key without its checkout",
    ),
)

# --- counters --------------------------------------------------------------------------------------------

GIVEN = """
SELECT template, sum(issued)::bigint AS issued, sum(discounted)::bigint AS discounted
  FROM (SELECT template, count(*) AS issued, coalesce(sum(discount), 0) AS discounted
          FROM coupon WHERE bucket BETWEEN $1 AND $2 GROUP BY template
         UNION ALL
        SELECT template, count(*), 0 FROM coupon_code
         WHERE bucket BETWEEN $1 AND $2 AND kind IN ('unique', 'void') AND member_id IS NULL
         GROUP BY template) AS given
 GROUP BY template
"""
"""Of each template the coupons, and the codes that took their stock before they are anybody's."""

COUNTERS = """
SELECT template, counter.issued, counter.discounted, (document->>'stock')::bigint AS stock,
       (document->>'budget')::bigint AS budget
  FROM coupon_template FULL JOIN coupon_counter AS counter USING (template)
 ORDER BY template
"""
