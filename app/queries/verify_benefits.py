"""What `verify` compares the benefits that persons gave with: the entries that gave them and took them back."""

from __future__ import annotations

from app.queries.verify_checks import comparison, is_there, where_there

_CTES = """
WITH given AS (
    SELECT member_id, split_part(key, '/', 2) AS reference, sequence, actor, detail
      FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind = 'grant_benefit'
), taken_back AS (
    SELECT member_id, split_part(key, '/', 2) AS reference, detail
      FROM entry WHERE bucket BETWEEN $1 AND $2 AND kind = 'revoke_benefit'
), benefit_grant AS (
    SELECT * FROM benefit_grant WHERE bucket BETWEEN $1 AND $2
)
"""

GRANTS = comparison(
    _CTES,
    member="member_id",
    place="'benefit ' || reference || ', '",
    rows="benefit_grant FULL JOIN given USING (member_id, reference) "
    "FULL JOIN taken_back USING (member_id, reference)",
    checks=[
        is_there("benefit_grant"),
        *where_there(
            "benefit_grant",
            (
                ("entry that granted it", "given.sequence", "benefit_grant.sequence"),
                ("benefit", "given.detail->>'benefit'", "benefit_grant.benefit"),
                ("label", "given.detail->>'label'", "benefit_grant.label"),
                ("terms", "(given.detail->'terms')::jsonb", "benefit_grant.terms::jsonb"),
                ("since", "(given.detail->>'since')::timestamptz", "benefit_grant.since"),
                ("until", "(given.detail->>'until')::timestamptz", "benefit_grant.until"),
                (
                    "revoked_at",
                    "(taken_back.detail->>'revoked_at')::timestamptz",
                    "benefit_grant.revoked_at",
                ),
                ("actor", "given.actor", "benefit_grant.actor"),
                ("reason", "given.detail->>'reason'", "benefit_grant.reason"),
            ),
        ),
    ],
)
