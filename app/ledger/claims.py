"""`Idempotency-Key`s: claimed before anything is locked, answered with the command's own commit.

A key spans members, so it has a table of its own that leads nowhere else. Whoever claims it second waits for the
first to commit, and then finds the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from app.domain.account import BUCKETS
from app.domain.errors import IdempotencyKeyReused
from app.ledger.connection import Connection
from app.ledger.outcome import Outcome


class Claim(NamedTuple):
    """A key as its caller sent it: `key` hashes caller, route and key, `content` the request (16 bytes each)."""

    key: bytes
    content: bytes


class Claimed:
    """A key of this batch: what was answered to it before, or what is to be kept as its answer."""

    def __init__(self, claim: Claim, *, known: Outcome | None = None) -> None:
        self.claim = claim
        self.is_new = known is None
        self.outcome = known

    def outcome_for(self, claim: Claim) -> Outcome | None:
        """The answer kept for the same request, None if this is the first. Raises IdempotencyKeyReused."""
        if self.claim.content != claim.content:
            raise IdempotencyKeyReused
        return self.outcome


async def claim_keys(connection: Connection, claims: Iterable[Claim]) -> dict[bytes, Claimed]:
    """Claim these keys in one global order, and read those that were used before."""
    ordered = sorted(claims, key=lambda claim: (bucket_of_key(claim.key), claim.key))
    buckets = [bucket_of_key(claim.key) for claim in ordered]
    keys = [claim.key for claim in ordered]
    won = await connection.fetch(
        "INSERT INTO idempotency_key (bucket, key, content, created_at) "
        "SELECT bucket, key, content, clock_timestamp() "
        "FROM unnest($1::smallint[], $2::bytea[], $3::bytea[]) AS wanted (bucket, key, content) "
        "ON CONFLICT DO NOTHING RETURNING key",
        buckets,
        keys,
        [claim.content for claim in ordered],
    )
    claimed = {claim.key: Claimed(claim) for claim in ordered}
    if len(won) < len(ordered):
        claimed |= await read_keys(connection, keys)
    return claimed


async def read_keys(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, Claimed]:
    """Those of these keys that were answered before."""
    rows = await connection.fetch(
        "SELECT key, content, status, body FROM unnest($1::smallint[], $2::bytea[]) AS wanted (bucket, key) "
        "JOIN idempotency_key USING (bucket, key) WHERE status IS NOT NULL",
        [bucket_of_key(key) for key in keys],
        keys,
    )
    return {
        row["key"]: Claimed(
            Claim(row["key"], row["content"]),
            known=Outcome(created=row["status"] == 201, body=json.loads(row["body"]), replayed=True),
        )
        for row in rows
    }


async def keep_answers(connection: Connection, claimed: Iterable[Claimed]) -> None:
    """Keep the answers of the keys claimed now, and let go of those whose command was refused."""
    fresh = [claim for claim in claimed if claim.is_new]
    refused = [claim.claim.key for claim in fresh if claim.outcome is None]
    if refused:
        await connection.execute(
            "DELETE FROM idempotency_key AS kept USING unnest($1::smallint[], $2::bytea[]) AS gone (bucket, key) "
            "WHERE kept.bucket = gone.bucket AND kept.key = gone.key",
            [bucket_of_key(key) for key in refused],
            refused,
        )
    answered = [(claim.claim.key, claim.outcome) for claim in fresh if claim.outcome is not None]
    if answered:
        await connection.execute(
            "UPDATE idempotency_key AS kept SET status = given.status, body = given.body "
            "FROM unnest($1::smallint[], $2::bytea[], $3::smallint[], $4::text[]) "
            "AS given (bucket, key, status, body) "
            "WHERE kept.bucket = given.bucket AND kept.key = given.key",
            [bucket_of_key(key) for key, _ in answered],
            [key for key, _ in answered],
            [201 if outcome.created else 200 for _, outcome in answered],
            [json.dumps(outcome.body, separators=(",", ":"), ensure_ascii=False) for _, outcome in answered],
        )


def bucket_of_key(key: bytes) -> int:
    """The shard (0 to 63) a key's row lives in."""
    return key[0] % BUCKETS
