"""The answer to a whole batch, kept under its `Idempotency-Key`.

Its operations are commands with keys of their own, so a batch that is sent again does nothing twice. What is
kept here is only that it is answered in the same words.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import func

from app.database import Database
from app.domain.errors import IdempotencyKeyReused
from app.ledger.claims import Claim, bucket_of_key
from app.models.ledger import IdempotencyKey

_OK = 200


async def answer_kept(database: Database, claim: Claim) -> str | None:
    """Claim the key, and the body kept for the same request, if it was answered before.

    Raises IdempotencyKeyReused.
    """
    bucket = bucket_of_key(claim.key)
    async with database.transaction() as connection:
        await connection.execute(
            insert(IdempotencyKey)
            .values(bucket=bucket, key=claim.key, content=claim.content, created_at=func.clock_timestamp())
            .on_conflict_do_nothing()
        )
        content, body = (
            await connection.execute(
                select(IdempotencyKey.content, IdempotencyKey.body).where(
                    IdempotencyKey.bucket == bucket, IdempotencyKey.key == claim.key
                )
            )
        ).one()
    if content != claim.content:
        raise IdempotencyKeyReused
    return body


class Kept(NamedTuple):
    """The body that is kept under a key; `is_replay` if it is that of another request, which was first."""

    body: str
    is_replay: bool


async def keep_answer(database: Database, claim: Claim, body: str) -> Kept:
    """Keep the body under its claimed key, unless one is kept already."""
    mine = (IdempotencyKey.bucket == bucket_of_key(claim.key), IdempotencyKey.key == claim.key)
    async with database.transaction() as connection:
        keeping = await connection.scalar(
            update(IdempotencyKey)
            .where(*mine, IdempotencyKey.status.is_(None))
            .values(status=_OK, body=body)
            .returning(IdempotencyKey.body)
        )
        kept = keeping or await connection.scalar(select(IdempotencyKey.body).where(*mine))
    return Kept(kept or body, is_replay=keeping is None and kept is not None)
