"""What `verify` compares campaigns with: what the entries tell that each gave; and their budgets with both.

An entry tells what campaigns gave with it, or lost by it, as {campaign: [times, amount, ...]}, up to the last that is
not 0; the points besides as parts of its breakdown. What an order is worth is told again when it settles.
"""

from __future__ import annotations

from app.domain.account import SUMS_OF_CAMPAIGNS
from app.queries.verify_checks import Check, comparison, where_there

_NUMBERED = ", ".join(
    f"coalesce(sums[{number}], 0) AS {name}" for number, name in enumerate(SUMS_OF_CAMPAIGNS, 1)
)
_ADDED = ", ".join(f"sum({name})::bigint AS {name}" for name in SUMS_OF_CAMPAIGNS)

# Taken apart as text: `json_each` would cost more for each order than all else that is compared of it.
TOLD = {
    "campaign_told": f"""
SELECT member_id, campaign, (recorded_at AT TIME ZONE timezone)::date AS day, {_NUMBERED}
  FROM (SELECT member_id, recorded_at, program_version, split_part(given, '"', 2) AS campaign,
               ('{{' || split_part(given, '[', 2) || '}}')::bigint[] AS sums
          FROM (SELECT member_id, recorded_at, program_version,
                       unnest(string_to_array(rtrim((detail->'campaigns')::text, ' ]}}'), ']')) AS given
                  FROM other WHERE detail::text LIKE '%"campaigns":{{"%') AS told) AS told
  LEFT JOIN (SELECT version AS program_version, document->>'timezone' AS timezone FROM program_version) AS program
       USING (program_version)
""",
    "campaign_told_of": f"""
SELECT member_id, campaign, bool_or(times > 0) AS took_part, {_ADDED}
  FROM campaign_told GROUP BY member_id, campaign
""",
}
"""What the entries tell of campaigns, and of each member: CTEs that all below share, for where campaigns are live every
order may tell of one.
"""

_CAMPAIGN_CTES = """
WITH told AS (
    SELECT * FROM campaign_told_of
), parts AS (
    -- A campaign's part has its version besides; in entries of before it is told as a rule, `campaign:<id>`.
    SELECT member_id, sum((part->>2)::bigint) AS points,
           CASE json_typeof(part->1) WHEN 'number' THEN part->>0 ELSE substr(part->>0, length('campaign:') + 1) END
               AS campaign
      FROM entry, json_array_elements(detail->'breakdown') AS part
     WHERE bucket BETWEEN $1 AND $2 AND kind <> 'settle' AND detail::text LIKE '%"campaigns":{"%'
       AND json_array_length(part) = 4
     GROUP BY member_id, campaign
), given AS (
    SELECT * FROM campaign_points WHERE bucket BETWEEN $1 AND $2
)
"""

# Bit n of the bytes, counted from the least significant one of each, is the campaign of that number.
_PART_CTES = """
WITH told AS (
    SELECT member_id, campaign FROM campaign_told_of WHERE took_part
), parts AS (
    SELECT member_id, place, coalesce(bit_or(1 << (number % 8)) FILTER (WHERE number / 8 = place), 0) AS bits
      FROM (SELECT member_id, number, max(number) OVER (PARTITION BY member_id) AS last
              FROM told JOIN campaign USING (campaign)) AS numbered, generate_series(0, last / 8) AS place
     GROUP BY member_id, place
), packed AS (
    SELECT member_id, string_agg(set_byte('\\x00', 0, bits), '' ORDER BY place) AS campaigns
      FROM parts GROUP BY member_id
), kept AS (
    SELECT member_id, campaigns FROM account WHERE bucket BETWEEN $1 AND $2 AND campaigns <> ''
)
"""

CAMPAIGNS = comparison(
    _CAMPAIGN_CTES,
    member="member_id",
    place="'campaign ' || campaign || ', '",
    rows="given FULL JOIN told USING (member_id, campaign) FULL JOIN parts USING (member_id, campaign)",
    checks=[
        *where_there("given", [("points", "coalesce(told.points, 0)", "given.points")]),
        Check("points, by breakdowns", "coalesce(parts.points, 0)", "coalesce(told.points, 0)"),
    ],
)
"""What a campaign that gives each member only so much gave a member, which is counted since it does."""

TOOK_PART = comparison(
    _PART_CTES,
    member="member_id",
    place="'campaigns '",
    rows="packed FULL JOIN kept USING (member_id)",
    checks=[
        Check(
            "taken part in",
            "coalesce(packed.campaigns, '')",
            "coalesce(kept.campaigns, '')",
        )
    ],
)
"""Which campaigns gave a member something, as the account remembers it."""

# --- budgets ---------------------------------------------------------------------------------------------

GRANTED = "SELECT campaign, day, sum(points)::bigint AS points FROM campaign_told GROUP BY campaign, day"
"""The points each campaign gave on each program day."""

FIGURES = ("participants", *SUMS_OF_CAMPAIGNS)

ADDED_UP = f"""
SELECT campaign, count(*) FILTER (WHERE took_part) AS participants, {_ADDED} FROM campaign_told_of GROUP BY campaign
"""
"""What each campaign gave, and to how many."""

KEPT = f"""
SELECT campaign, {", ".join(f"sum({name})::bigint" for name in FIGURES)} FROM campaign_sum GROUP BY campaign
"""

BUDGETS = """
WITH limits AS (
    SELECT campaign, (document->'budget'->>'points')::bigint AS points,
           (document->'budget'->>'per_day')::bigint AS per_day,
           (updated_at AT TIME ZONE 'UTC')::date AS changed_on
      FROM campaign
), always AS (
    SELECT campaign, bool_and(coalesce(document->'budget' ? 'points', false)) AS points,
           bool_and(coalesce(document->'budget' ? 'per_day', false)) AS per_day
      FROM campaign_version GROUP BY campaign
), shares AS (
    SELECT budget, split_part(budget, '/', 1) AS campaign, nullif(split_part(budget, '/', 2), '')::date AS day,
           sum(share)::bigint AS share, sum(granted)::bigint AS granted
      FROM campaign_budget GROUP BY budget
)
SELECT budget, campaign, day, share, granted,
       CASE WHEN day IS NULL THEN limits.points WHEN day > limits.changed_on + 1 THEN limits.per_day END AS most,
       coalesce(CASE WHEN day IS NULL THEN always.points ELSE always.per_day END, false) AS is_all_of_it
  FROM (SELECT * FROM shares
         UNION ALL
        SELECT campaign, campaign, NULL, NULL, 0 FROM limits
         WHERE points IS NOT NULL AND campaign NOT IN (SELECT budget FROM shares)) AS shares
  LEFT JOIN limits USING (campaign) LEFT JOIN always USING (campaign)
 ORDER BY budget
"""
"""Each budget's shares: in all and granted; the `most` they may be where that is known still, a day's if it began after
the campaign was changed last; and whether the campaign was limited so all the time.
"""
