"""What `verify` compares entries with that took back what another one gave: that one, and the lot it granted."""

from __future__ import annotations

from app.queries.verify_checks import Check, comparison

_CTES = """
WITH undone AS (
    SELECT member_id, detail->>'undoes' AS key, (detail->>'points')::bigint AS points
      FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind IN ('mission_undo', 'campaign_undo', 'referral_undo')
), gave AS (
    SELECT member_id, key, lot, (detail->>'points')::bigint AS points
      FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind IN ('mission', 'campaign', 'referral')
), granted AS (
    SELECT member_id AS holder, lot AS number, terms->>'taken_back' IS NOT NULL AS is_taken_back
      FROM lot WHERE bucket BETWEEN $1 AND $2 AND source IN ('mission', 'campaign', 'referral')
)
"""

UNDONE = comparison(
    _CTES,
    member="member_id",
    place="'entry ' || coalesce(key, 'undone') || ', '",
    rows="undone FULL JOIN gave USING (member_id, key) "
    "LEFT JOIN granted ON granted.holder = member_id AND granted.number = gave.lot",
    checks=[
        Check(
            "points taken back", "CASE WHEN undone.points IS NOT NULL THEN gave.points END", "undone.points"
        ),
        Check(
            "lot taken back",
            "CASE WHEN granted.number IS NOT NULL THEN undone.points IS NOT NULL END",
            "granted.is_taken_back",
        ),
    ],
)
