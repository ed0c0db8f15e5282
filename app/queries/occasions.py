"""Members whom campaigns may have to pay on an occasion, found in walks through them, a bounded slice at a time.

Each statement looks at no more than `limit` rows of the table that it walks, in the order of its key, and for each of
them into the entries by their keys: a walk costs as much whether it finds many or none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from app.domain.account import SUMS_OF_CAMPAIGNS

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

Place = tuple[int, str]
"""A member's (bucket, id): where a walk through all of them stands."""

START: Place = (-1, "")

# Who is not paid yet on the occasion named by the key.
_UNPAID = """slice.status = 'active' AND ($4::text[] = '{}' OR slice.tier = ANY ($4))
       AND NOT EXISTS (SELECT FROM entry WHERE entry.bucket = slice.bucket AND entry.member_id = slice.member_id
                                           AND entry.key = $5)"""

_ALL = f"""
SELECT slice.bucket, slice.member_id, slice.available >= $6 AND {_UNPAID} AS is_due
  FROM (SELECT bucket, member_id, status, tier, available FROM account
         WHERE (bucket, member_id) > ($1::smallint, $2) ORDER BY bucket, member_id LIMIT $3) AS slice
 ORDER BY slice.bucket, slice.member_id
"""

_BORN = f"""
SELECT slice.bucket, slice.member_id, {_UNPAID} AS is_due
  FROM (SELECT bucket, member_id, status, tier FROM person_birthday JOIN account USING (bucket, member_id)
         WHERE digest = $6 AND (bucket, member_id) > ($1::smallint, $2) ORDER BY bucket, member_id LIMIT $3) AS slice
 ORDER BY slice.bucket, slice.member_id
"""

_POINTS, _TAKEN_BACK = map(SUMS_OF_CAMPAIGNS.index, ("points", "taken_back"))

# Whose points all came back with what they bought has taken no part after all: their entries tell.
_TOOK_PART = f"""
WITH slice AS MATERIALIZED (
    SELECT bucket, member_id, status, tier,
           CASE WHEN length(campaigns) > $7 / 8 THEN get_bit(campaigns, $7) = 1 ELSE false END AS took_part
      FROM account WHERE (bucket, member_id) > ($1::smallint, $2) ORDER BY bucket, member_id LIMIT $3
)
SELECT slice.bucket, slice.member_id, slice.took_part AND {_UNPAID} AND (
           SELECT coalesce(sum((given ->> {_POINTS})::bigint), 0) = 0
               OR sum((given ->> {_POINTS})::bigint) > coalesce(sum((given ->> {_TAKEN_BACK})::bigint), 0)
             FROM entry, LATERAL (SELECT entry.detail -> 'campaigns' -> $6 AS given) AS told
            WHERE entry.bucket = slice.bucket AND entry.member_id = slice.member_id
              AND entry.detail::text LIKE '%"campaigns":{{%') AS is_due
  FROM slice
 ORDER BY slice.bucket, slice.member_id
"""

# The newest sign of life by its sequence tells of most members that they are not dormant; only of the others all
# entries are read, since what was recorded later may have happened earlier. What was brought along counts from when it
# was.
_DORMANT = """
WITH slice AS MATERIALIZED (
    SELECT bucket, member_id, status, tier, joined_at, last_sign_in FROM account
     WHERE (bucket, member_id) > ($1::smallint, $2) ORDER BY bucket, member_id LIMIT $3
), quiet AS (
    SELECT slice.bucket, slice.member_id, (greatest(slice.joined_at, seen.at) AT TIME ZONE $8)::date AS last
      FROM slice, LATERAL (
           SELECT max(CASE kind WHEN 'import' THEN recorded_at ELSE occurred_at END) AS at FROM entry
            WHERE entry.bucket = slice.bucket AND entry.member_id = slice.member_id AND kind = ANY ($5)) AS seen
     WHERE slice.status = 'active' AND ($4::text[] = '{}' OR slice.tier = ANY ($4))
       AND slice.joined_at < $7 AND (slice.last_sign_in IS NULL OR slice.last_sign_in <= $6)
       AND coalesce((SELECT CASE kind WHEN 'import' THEN recorded_at ELSE occurred_at END < $7 FROM entry
                      WHERE entry.bucket = slice.bucket AND entry.member_id = slice.member_id AND kind = ANY ($5)
                      ORDER BY sequence DESC LIMIT 1), true)
)
SELECT slice.bucket, slice.member_id, quiet.last, quiet.last <= $6 AND NOT EXISTS (
           SELECT FROM entry WHERE entry.bucket = slice.bucket AND entry.member_id = slice.member_id
                               AND entry.key = $9 || to_char(quiet.last, 'YYYY-MM-DD')) AS is_due
  FROM slice LEFT JOIN quiet USING (bucket, member_id)
 ORDER BY slice.bucket, slice.member_id
"""

_LIVE = """
SELECT campaign, started_at FROM campaign WHERE state = 'live' AND document ->> 'trigger' = ANY ($1)
"""

_RUNS = """
SELECT campaign, occasion, started_at, finished_at FROM campaign_run WHERE campaign = ANY ($1)
"""


class Looked(NamedTuple):
    """What a slice has: the members to be paid, each with the day they were there last where that counts; and where the
    next slice begins (None: that was the last).
    """

    found: list[tuple[Place, date]]
    next: Place | None


class Run(NamedTuple):
    """How a walk stands."""

    started_at: datetime
    finished_at: datetime | None


class Slices(NamedTuple):
    """What all slices of a walk have in common: the tiers (none: all), the natural key that is not to be there yet, and
    how many members are looked at at once.
    """

    connection: Connection
    tiers: Collection[str]
    key: str
    limit: int

    async def of_all(self, after: Place, *, least: int = 0) -> Looked:
        """Of all members, those with so many points available."""
        return await self._look(_ALL, after, self.key, least)

    async def of_month(self, after: Place, *, digest: bytes) -> Looked:
        """Of the members whose birthday's month has this digest."""
        return await self._look(_BORN, after, self.key, digest)

    async def of_participants(self, after: Place, *, campaign: str) -> Looked:
        """Of the members to whom a campaign gave something that did not all come back."""
        number = await self.connection.fetchval("SELECT number FROM campaign WHERE campaign = $1", campaign)
        if number is None:
            return Looked([], None)
        return await self._look(_TOOK_PART, after, self.key, campaign, number)

    async def of_dormant(
        self, after: Place, *, kinds: Collection[str], last: date, before: datetime, timezone: str
    ) -> Looked:
        """Of all members, those who were not there any more after the day `last`, which ends at the instant `before`.
        `kinds` of entries are signs of life.
        """
        return await self._look(_DORMANT, after, list(kinds), last, before, timezone, f"{self.key}/")

    async def _look(self, statement: str, after: Place, *more: object) -> Looked:
        rows = await self.connection.fetch(statement, *after, self.limit, list(self.tiers), *more)
        found = [
            ((row["bucket"], row["member_id"]), row.get("last") or date.min) for row in rows if row["is_due"]
        ]
        return Looked(found, (rows[-1]["bucket"], rows[-1]["member_id"]) if len(rows) == self.limit else None)


async def live_campaigns(connection: Connection, triggers: Collection[str]) -> Mapping[str, datetime]:
    """The live campaigns of these triggers, each with when it was started."""
    rows = await connection.fetch(_LIVE, list(triggers))
    return {row["campaign"]: row["started_at"] for row in rows}


async def read_runs(connection: Connection, campaigns: Collection[str]) -> Mapping[tuple[str, str], Run]:
    """The walks begun for these campaigns, by campaign and run."""
    rows = await connection.fetch(_RUNS, list(campaigns))
    return {(row["campaign"], row["occasion"]): Run(row["started_at"], row["finished_at"]) for row in rows}
