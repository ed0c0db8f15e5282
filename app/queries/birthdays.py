"""Members by the month of their birthday, and those whose month is not indexed yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

Place = tuple[int, str]
"""A member's (bucket, id): where a walk through all of them stands."""

START: Place = (-1, "")


async def members_with_birthday(
    connection: Connection, *, digest: bytes, key: str, tiers: Collection[str], after: Place, limit: int
) -> Sequence[Place]:
    """Up to `limit` members of these tiers, in order, whose birthday's month has this digest and who have no entry
    under `key`.
    """
    rows = await connection.fetch(
        "SELECT found.bucket, found.member_id FROM person_birthday AS found "
        "JOIN account USING (bucket, member_id) "
        "WHERE found.digest = $1 AND (found.bucket, found.member_id) > ($2::smallint, $3) "
        "AND account.tier = ANY ($4::text[]) AND account.status <> 'erased' AND NOT EXISTS ("
        "SELECT FROM entry WHERE entry.bucket = found.bucket AND entry.member_id = found.member_id AND entry.key = $5) "
        "ORDER BY found.bucket, found.member_id LIMIT $6",
        digest,
        *after,
        list(tiers),
        key,
        limit,
    )
    return [(row["bucket"], row["member_id"]) for row in rows]


async def birthdays_without_digest(
    connection: Connection, *, after: Place, limit: int
) -> Sequence[tuple[Place, bytes]]:
    """Up to `limit` members, in order, whose birthday has no digest yet, each with the sealed birthday."""
    rows = await connection.fetch(
        "SELECT found.bucket, found.member_id, person.birthday FROM person_birthday AS found "
        "JOIN person USING (bucket, member_id) "
        "WHERE found.digest IS NULL AND (found.bucket, found.member_id) > ($1::smallint, $2) "
        "AND person.birthday IS NOT NULL ORDER BY found.bucket, found.member_id LIMIT $3",
        *after,
        limit,
    )
    return [((row["bucket"], row["member_id"]), row["birthday"]) for row in rows]
