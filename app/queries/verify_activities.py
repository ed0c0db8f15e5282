"""What `verify` compares activities and missions with: the entries that recorded, counted, paid and undid them."""

from __future__ import annotations

from app.queries.verify_checks import Check, comparison, is_there, where_there

# --- activities ------------------------------------------------------------------------------------------

_ACTIVITY_CTES = """
WITH told AS (
    SELECT member_id, split_part(key, '/', 2) AS reference, sequence, lot, program_version, detail,
           (recorded_at AT TIME ZONE (
               SELECT document->>'timezone' FROM program_version WHERE version = entry.program_version))::date AS day
      FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind = 'activity'
), reversed AS (
    SELECT member_id, split_part(key, '/', 2) AS reference, (detail->>'points')::bigint AS points
      FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind = 'reverse_activity'
), granted AS (
    SELECT member_id AS holder, lot AS number, terms->>'taken_back' IS NOT NULL AS is_taken_back
      FROM lot WHERE bucket BETWEEN $1 AND $2 AND source = 'activity'
), activity AS (
    SELECT * FROM activity WHERE bucket BETWEEN $1 AND $2
)
"""

ACTIVITIES = comparison(
    _ACTIVITY_CTES,
    member="member_id",
    place="'activity ' || reference || ', '",
    rows="activity FULL JOIN told USING (member_id, reference) FULL JOIN reversed USING (member_id, reference) "
    "LEFT JOIN granted ON granted.holder = told.member_id AND granted.number = told.lot",
    checks=[
        is_there("activity"),
        *where_there(
            "activity",
            (
                ("entry that recorded it", "told.sequence", "activity.sequence"),
                ("kind", "told.detail->>'kind'", "activity.kind"),
                ("level", "told.detail->>'level'", "activity.level"),
                ("day", "told.day", "activity.day"),
                (
                    "status",
                    "CASE WHEN reversed.points IS NULL THEN 'recorded' ELSE 'reversed' END",
                    "activity.status",
                ),
                ("lot", "told.lot", "activity.lot"),
                ("program_version", "told.program_version", "activity.program_version"),
            ),
        ),
        Check(
            "points taken back",
            "CASE WHEN reversed.points IS NOT NULL THEN (told.detail->>'points')::bigint END",
            "reversed.points",
        ),
        Check(
            "lot taken back",
            "CASE WHEN granted.number IS NOT NULL THEN reversed.points IS NOT NULL END",
            "granted.is_taken_back",
        ),
    ],
)

# --- missions --------------------------------------------------------------------------------------------

_MISSION_CTES = """
WITH told AS (
    SELECT member_id, counted->>0 AS mission, counted->>1 AS period, sum((counted->>2)::bigint) AS progress
      FROM entry, json_array_elements(detail->'missions') AS counted
     WHERE bucket BETWEEN $1 AND $2 AND detail::text LIKE '%"missions":[%'
     GROUP BY member_id, mission, period
), last AS (
    SELECT DISTINCT ON (member_id, mission, period) *
      FROM (SELECT member_id, sequence, kind, split_part(key, '/', 2) AS mission, split_part(key, '/', 3) AS period,
                   coalesce(nullif(split_part(key, '/', 4), ''), '1')::integer AS number,
                   (detail->>'completed_at')::timestamptz AS completed_at, detail->>'badge' AS badge,
                   (detail->>'version')::integer AS version
              FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind IN ('mission', 'mission_undo')) AS step
     ORDER BY member_id, mission, period, sequence DESC
), progress AS (
    SELECT * FROM mission_progress WHERE bucket BETWEEN $1 AND $2
)
"""

MISSIONS = comparison(
    _MISSION_CTES,
    member="member_id",
    place="'mission ' || mission || ' of ' || period || ', '",
    rows="progress FULL JOIN told USING (member_id, mission, period) "
    "FULL JOIN last USING (member_id, mission, period)",
    checks=[
        is_there("progress"),
        *where_there(
            "progress",
            (
                ("progress", "told.progress", "progress.progress"),
                ("completed_at", "last.completed_at", "progress.completed_at"),
                ("badge", "last.badge", "progress.badge"),
                (
                    "program_version",
                    "coalesce(last.version, progress.program_version)",
                    "progress.program_version",
                ),
                (
                    "undone",
                    "CASE last.kind WHEN 'mission' THEN last.number - 1 ELSE coalesce(last.number, 0) END",
                    "coalesce(progress.undone, 0)",
                ),
            ),
        ),
    ],
)
