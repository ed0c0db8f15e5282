"""What is read of lots and of what entries did to them, for those who look at all of them at once."""

from __future__ import annotations

GRANTING_KINDS = (
    "accrue",
    "settle",
    "sign_in",
    "activity",
    "mission",
    "campaign",
    "import",
    "adjust",
    "referral",
    "referral_share",
)
"""Entries whose own columns tell what became of the one lot they name."""

TAKING_KINDS = ("redeem", "transfer", "expire")
"""Entries whose `lots` in the detail are what went out of each."""

HOLDING_KINDS = ("reserve", "hold")
"""Entries whose `lots` in the detail are what is held of each now."""

MOVING_KINDS = (
    "reverse",
    "reverse_activity",
    "commit",
    "cancel",
    "lapse",
    "refund",
    "receive",
    "claim_coupon",
    "complete",
    "release",
    "lapse_checkout",
    "refund_checkout",
    "referral_undo",
    "mission_undo",
    "campaign_undo",
)
"""Entries whose `moves` in the detail are what changed in each."""

TENTH = """
CASE WHEN lot.program_version = ANY
          (ARRAY (SELECT version FROM program_version WHERE document->'validity'->>'policy' = 'yearly_tenth'))
     THEN (lot.granted + 9) / 10 END"""
"""SQL of how much of a `lot` goes at each of its expiries, where that isn't all of it; else null."""


def lot_moves(entries: str) -> str:
    """SQL of rows (bucket, member_id, sequence, lot, remaining, reserved, granted, is_settlement).

    `remaining` and `reserved` are signed changes; of pending lots `remaining` is what they hold. `entries` is
    the condition on `entry` that chooses which to read. `granted` is what a lot was granted, unless part of
    that had expired on arrival; null where the entry granted none, or several.
    """
    return f"""
SELECT bucket, member_id, sequence, lot, points + pending AS remaining, 0::bigint AS reserved,
       CASE WHEN kind <> 'settle' THEN points + pending - debt END AS granted,
       kind = 'settle' AS is_settlement
  FROM entry WHERE {entries} AND kind IN {GRANTING_KINDS} AND lot IS NOT NULL
UNION ALL
{detailed_moves(entries)}
"""


def detailed_moves(entries: str) -> str:
    """Those of the rows of `lot_moves` that the entries' details tell; the others are of `GRANTING_KINDS`."""
    return f"""
SELECT bucket, member_id, sequence, (part->>0)::integer AS lot, -(part->>1)::bigint AS remaining,
       CASE WHEN kind IN {HOLDING_KINDS} THEN (part->>1)::bigint ELSE 0 END AS reserved, NULL::bigint AS granted,
       false AS is_settlement
  FROM entry, json_array_elements(detail->'lots') AS part
 WHERE {entries} AND kind IN {(*TAKING_KINDS, *HOLDING_KINDS)}
UNION ALL
SELECT bucket, member_id, sequence, (part->>0)::integer, (part->>1)::bigint, (part->>2)::bigint, NULL, false
  FROM entry, json_array_elements(detail->'moves') AS part
 WHERE {entries}
   AND (kind IN {MOVING_KINDS} OR kind = 'adjust' AND lot IS NULL)
"""
