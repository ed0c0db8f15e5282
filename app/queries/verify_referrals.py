"""What `verify` compares referrals with: the entries that paid and undid them; both sides with each other; and codes
with where they lead.
"""

# ruff: noqa: ISC004 - statements are put together of constants, and read best in pieces.

from __future__ import annotations

from app.queries.verify_checks import Pairing, comparison, is_there, where_there

# --- the invitee's side ------------------------------------------------------------------------------------

_REFERRAL_CTES = """
WITH last AS (
    SELECT DISTINCT ON (member_id) member_id, kind, lot, recorded_at, split_part(key, '/', 2) AS order_id
      FROM entry
     WHERE bucket BETWEEN $1 AND $2
       AND (kind = 'referral' AND key LIKE 'referral\\_welcome/%'
            OR kind = 'referral_undo' AND split_part(key, '/', 3) = '')
     ORDER BY member_id, sequence DESC
), waiting AS (
    SELECT member_id, invited_by FROM account WHERE bucket BETWEEN $1 AND $2 AND invited_by IS NOT NULL
), erased AS (
    SELECT member_id FROM account WHERE bucket BETWEEN $1 AND $2 AND status = 'erased'
), referral AS (
    SELECT * FROM referral WHERE bucket BETWEEN $1 AND $2
)
"""

REFERRALS = comparison(
    _REFERRAL_CTES,
    member="member_id",
    place="'referral, '",
    rows="referral FULL JOIN last USING (member_id) FULL JOIN waiting USING (member_id) "
    "LEFT JOIN erased USING (member_id)",
    checks=[
        is_there("referral"),
        *where_there(
            "referral",
            (
                ("order_id", "CASE last.kind WHEN 'referral' THEN last.order_id END", "referral.order_id"),
                ("lot", "CASE last.kind WHEN 'referral' THEN last.lot END", "referral.lot"),
                ("paid_at", "CASE last.kind WHEN 'referral' THEN last.recorded_at END", "referral.paid_at"),
                (
                    "account.invited_by",
                    "CASE WHEN referral.order_id IS NULL AND erased.member_id IS NULL THEN referral.inviter END",
                    "waiting.invited_by",
                ),
            ),
        ),
    ],
)

# --- the inviter's side ------------------------------------------------------------------------------------

_STEPS = """
WITH step AS (
    SELECT member_id, sequence, kind, split_part(key, '/', 2) AS invitee, lot, recorded_at,
           (detail->>'points')::bigint AS points,
           date_trunc('month', recorded_at AT TIME ZONE (
               SELECT document->>'timezone' FROM program_version WHERE version = entry.program_version))::date AS month
      FROM entry
     WHERE bucket BETWEEN $1 AND $2
       AND (kind = 'referral' AND key LIKE 'referral/%'
            OR kind = 'referral_undo' AND split_part(key, '/', 3) <> '')
), last AS (
    SELECT DISTINCT ON (member_id, invitee) * FROM step ORDER BY member_id, invitee, sequence DESC
), share AS (
    SELECT member_id, split_part(key, '/', 2) AS invitee, (detail->>'points')::bigint AS points
      FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind = 'referral_share'
)"""

_INVITATION_CTES = f"""{_STEPS}, invitation AS (
    SELECT * FROM invitation WHERE bucket BETWEEN $1 AND $2
)
"""

INVITATIONS = comparison(
    _INVITATION_CTES,
    member="member_id",
    place="'invitation of ' || invitee || ', '",
    rows="invitation FULL JOIN last USING (member_id, invitee) FULL JOIN share USING (member_id, invitee)",
    checks=[
        is_there("invitation"),
        *where_there(
            "invitation",
            (
                (
                    "status",
                    "CASE WHEN last.kind = 'referral' THEN 'paid' WHEN invitation.status = 'limited' THEN 'limited' "
                    "ELSE 'bound' END",
                    "invitation.status",
                ),
                ("lot", "CASE last.kind WHEN 'referral' THEN last.lot END", "invitation.lot"),
                (
                    "points",
                    "CASE last.kind WHEN 'referral' THEN last.points ELSE 0 END",
                    "invitation.points",
                ),
                (
                    "paid_at",
                    "CASE WHEN last.kind = 'referral' THEN last.recorded_at ELSE invitation.paid_at END",
                    "invitation.paid_at",
                ),
                ("share_points", "coalesce(share.points, 0)", "invitation.share_points"),
                (
                    "share_at",
                    "CASE WHEN share.points IS NULL THEN invitation.share_at END",
                    "invitation.share_at",
                ),
            ),
        ),
    ],
)

_REFERRER_CTES = f"""{_STEPS}, newest AS (
    SELECT member_id, max(month) AS month FROM step WHERE kind = 'referral' GROUP BY member_id
), this_month AS (
    SELECT last.member_id, count(*) AS paid
      FROM last JOIN newest USING (member_id, month) WHERE kind = 'referral' GROUP BY last.member_id
), counted AS (
    SELECT member_id, count(*) AS bound, count(*) FILTER (WHERE status = 'paid') AS paid,
           sum(points + share_points) AS earned
      FROM invitation WHERE bucket BETWEEN $1 AND $2 GROUP BY member_id
), referrer AS (
    SELECT * FROM referrer WHERE bucket BETWEEN $1 AND $2
)
"""

REFERRERS = comparison(
    _REFERRER_CTES,
    member="member_id",
    place="'invitations, '",
    rows="referrer FULL JOIN counted USING (member_id) LEFT JOIN newest USING (member_id) "
    "LEFT JOIN this_month USING (member_id)",
    checks=[
        is_there("referrer"),
        *where_there(
            "referrer",
            (
                ("bound", "coalesce(counted.bound, 0)", "referrer.bound"),
                ("paid", "coalesce(counted.paid, 0)", "referrer.paid"),
                ("earned", "coalesce(counted.earned, 0)", "referrer.earned"),
                ("month", "newest.month", "referrer.month"),
                ("month_paid", "coalesce(this_month.paid, 0)", "referrer.month_paid"),
            ),
        ),
    ],
)

# --- both sides, and codes -----------------------------------------------------------------------------------


def _partners(found: str, table: str, columns: str) -> str:
    """The rows of a table by its `columns`: the bucket, and one or two keys."""
    return f"""
SELECT {found}
  FROM unnest($1::smallint[], $2::text[], $3::text[]) WITH ORDINALITY AS wanted ({columns}, number)
  LEFT JOIN {table} AS found USING ({", ".join(column for column in columns.split(", ") if column != "again")})
 ORDER BY number
"""


REFERRAL_PAIRS = (
    Pairing(
        "SELECT member_id, inviter, member_id, bound_at || CASE WHEN order_id IS NULL THEN ' waits' ELSE ' done' END "
        "FROM referral WHERE bucket BETWEEN $1 AND $2",
        _partners(
            "found.bound_at || CASE found.status WHEN 'bound' THEN ' waits' ELSE ' done' END",
            "invitation",
            "bucket, member_id, invitee",
        ),
        "referral without its invitation",
    ),
    Pairing(
        "SELECT member_id, invitee, member_id, member_id FROM invitation WHERE bucket BETWEEN $1 AND $2",
        _partners("found.inviter", "referral", "bucket, member_id, again"),
        "invitation without its referral",
    ),
    Pairing(
        "SELECT member_id, code, code, member_id FROM referrer WHERE bucket BETWEEN $1 AND $2 AND code IS NOT NULL",
        _partners("found.member_id", "referral_code", "bucket, code, again"),
        "referral code that does not lead to its member:",
    ),
    Pairing(
        "SELECT member_id, member_id, code, code FROM referral_code WHERE bucket BETWEEN $1 AND $2",
        _partners("found.code", "referrer", "bucket, member_id, again"),
        "referral code that is not its member's:",
    ),
)
