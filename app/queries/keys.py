"""Reading API keys."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, tuple_

from app.database import Database
from app.models.api_keys import ApiKey
from app.security.keys import StoredKey


class KeyRow(NamedTuple):
    """What may be told of a key, to those who may see keys."""

    key_id: str
    name: str
    scopes: list[str]
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    revoked_by: str | None


KEY_COLUMNS = (
    ApiKey.key_id,
    ApiKey.name,
    ApiKey.scopes,
    ApiKey.created_at,
    ApiKey.created_by,
    ApiKey.revoked_at,
    ApiKey.revoked_by,
)
"""The columns of a `KeyRow`, in order."""


async def read_key(database: Database, key_id: str) -> StoredKey | None:
    """What a credential with this id is checked against, from committed data."""
    statement = select(ApiKey.key_id, ApiKey.digest, ApiKey.scopes, ApiKey.revoked_at).where(
        ApiKey.key_id == key_id
    )
    async with database.engine.connect() as connection:
        row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    return StoredKey(row.key_id, row.digest, frozenset(row.scopes), is_revoked=row.revoked_at is not None)


async def list_keys(
    database: Database, *, limit: int, after: tuple[datetime, str] | None = None
) -> list[KeyRow]:
    """Up to `limit` keys, newest first, those past `after` (`created_at`, `key_id`); revoked ones too."""
    statement = select(*KEY_COLUMNS).order_by(ApiKey.created_at.desc(), ApiKey.key_id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(ApiKey.created_at, ApiKey.key_id) < after)
    async with database.engine.connect() as connection:
        return [KeyRow._make(row) for row in await connection.execute(statement)]
