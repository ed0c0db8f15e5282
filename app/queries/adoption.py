"""How far the members were looked at under the version of the program in force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

Place = tuple[int, str]
"""A member's (bucket, id): where a walk through all of them stands."""

START: Place = (-1, "")


class Adoption(NamedTuple):
    """The version in force, the last member looked at under it, and when all had been."""

    version: int
    after: Place
    adopted_at: datetime | None


async def read_adoption(connection: Connection, clock: str) -> Adoption:
    """Where the version in force stands; `clock` is the SQL of the program's clock."""
    row = await connection.fetchrow(
        "SELECT version, adopted_bucket, adopted_member, adopted_at FROM program_version "
        f"WHERE publication IS NOT NULL AND effective_at <= {clock} "
        "ORDER BY effective_at DESC, publication DESC LIMIT 1"
    )
    assert row is not None, "the first version is in force since ever"
    is_begun = row["adopted_bucket"] is not None
    after: Place = (row["adopted_bucket"], row["adopted_member"]) if is_begun else START
    return Adoption(row["version"], after, row["adopted_at"])


async def members_after(connection: Connection, after: Place, *, limit: int) -> Sequence[Place]:
    """Up to `limit` members after a place, in order, erased ones left out."""
    rows = await connection.fetch(
        "SELECT bucket, member_id FROM account WHERE (bucket, member_id) > ($1::smallint, $2) AND status <> 'erased' "
        "ORDER BY bucket, member_id LIMIT $3",
        *after,
        limit,
    )
    return [(row["bucket"], row["member_id"]) for row in rows]
