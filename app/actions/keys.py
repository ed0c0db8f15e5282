"""Making and revoking API keys."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert

from app.database import Database
from app.domain.errors import ErrorKind, IdempotencyKeyReused, LoyaltyError
from app.models.api_keys import ApiKey
from app.queries.keys import KEY_COLUMNS, KeyRow
from app.security.callers import ADMIN_SCOPE, Principal
from app.security.keys import TRUST_SECONDS, MintedKey, mint_key, seal_key, unseal_key

COMMAND_LINE = "cli"
"""The actor of what is done on the command line."""

_SETTLING_SECONDS = TRUST_SECONDS + 0.05
_FIRST_START = "first-start"


class KeyNotFound(LoyaltyError):
    code = "key_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown API key"

    def __init__(self) -> None:
        super().__init__("No API key has this id. GET /v1/keys lists them.")


class CreatedKey(NamedTuple):
    """A key as it was made; `key` is the credential, which is told now and not stored."""

    row: KeyRow
    key: str
    is_replay: bool


async def create_key(
    database: Database,
    *,
    name: str,
    scopes: Sequence[str],
    creator: Principal,
    idempotency_key: str,
    credential: str,
) -> CreatedKey:
    """Make a key that holds no more than its creator.

    The same `idempotency_key` from the same creator, with the same name and scopes, gives the same key again.
    Raises `ScopeMissing` or `IdempotencyKeyReused`.
    """
    for scope in scopes:
        creator.needs(scope)
    minted = mint_key()
    request_digest = _digest_of_request(name=name, scopes=scopes)
    values = _values(minted, name=name, scopes=scopes, actor=creator.actor) | {
        "request_key": idempotency_key,
        "request_digest": request_digest,
        "sealed_key": seal_key(minted.key, credential=credential, idempotency_key=idempotency_key),
    }
    claim = insert(ApiKey).values(values).on_conflict_do_nothing(index_elements=["created_by", "request_key"])
    async with database.transaction() as connection:
        made = (await connection.execute(claim.returning(*KEY_COLUMNS))).one_or_none()
        if made is not None:
            return CreatedKey(KeyRow._make(made), minted.key, is_replay=False)
        first = (
            await connection.execute(
                select(*KEY_COLUMNS, ApiKey.request_digest, ApiKey.sealed_key).where(
                    ApiKey.created_by == creator.actor, ApiKey.request_key == idempotency_key
                )
            )
        ).one()
    if first.request_digest != request_digest:
        raise IdempotencyKeyReused
    assert first.sealed_key is not None, "it is saved with every request_key but that of the first start"
    key = unseal_key(first.sealed_key, credential=credential, idempotency_key=idempotency_key)
    # As it was answered then, whatever became of the key.
    row = KeyRow._make(first[: len(KEY_COLUMNS)])._replace(revoked_at=None, revoked_by=None)
    return CreatedKey(row, key, is_replay=True)


async def create_key_locally(database: Database, *, name: str, scopes: Sequence[str]) -> CreatedKey:
    """Make a key for whoever runs commands on the server itself, who may do anything."""
    minted = mint_key()
    values = _values(minted, name=name, scopes=scopes, actor=COMMAND_LINE)
    async with database.transaction() as connection:
        made = (await connection.execute(insert(ApiKey).values(values).returning(*KEY_COLUMNS))).one()
    return CreatedKey(KeyRow._make(made), minted.key, is_replay=False)


async def ensure_admin_key(database: Database) -> str | None:
    """An administrator's key if there is no key at all yet, to be shown once; else None.

    Of two starts at once, one makes it.
    """
    minted = mint_key()
    values = _values(minted, name="first administrator", scopes=[ADMIN_SCOPE], actor=_FIRST_START)
    claim = (
        insert(ApiKey)
        .values(values | {"request_key": _FIRST_START})
        .on_conflict_do_nothing(index_elements=["created_by", "request_key"])
        .returning(ApiKey.key_id)
    )
    async with database.transaction() as connection:
        if await connection.scalar(select(exists(select(ApiKey.key_id)))):
            return None
        made = await connection.scalar(claim)
    return minted.key if made is not None else None


async def revoke_key(database: Database, *, key_id: str, revoker: Principal) -> tuple[KeyRow, bool]:
    """Revoke a key for good; answers once no process anywhere accepts it any more.

    Returns the key and whether it had been revoked before. Takes `TRUST_SECONDS`, the longest that a process
    may still believe what it read before. Raises `KeyNotFound`, or `ScopeMissing` when the key holds more
    than its revoker.
    """
    async with database.transaction() as connection:
        key = (
            await connection.execute(
                select(*KEY_COLUMNS).where(ApiKey.key_id == key_id).with_for_update(key_share=True)
            )
        ).one_or_none()
        if key is None:
            raise KeyNotFound
        row = KeyRow._make(key)
        for scope in row.scopes:
            revoker.needs(scope)
        was_revoked = row.revoked_at is not None
        if not was_revoked:
            row = row._replace(revoked_at=datetime.now(UTC), revoked_by=revoker.actor)
            await connection.execute(
                update(ApiKey)
                .where(ApiKey.key_id == key_id)
                .values(revoked_at=row.revoked_at, revoked_by=row.revoked_by)
            )
    await asyncio.sleep(_SETTLING_SECONDS)
    return row, was_revoked


def _values(minted: MintedKey, *, name: str, scopes: Sequence[str], actor: str) -> dict[str, Any]:
    return {
        "key_id": minted.key_id,
        "digest": minted.digest,
        "name": name,
        "scopes": sorted(set(scopes)),
        "created_at": datetime.now(UTC),
        "created_by": actor,
    }


def _digest_of_request(*, name: str, scopes: Sequence[str]) -> bytes:
    return hashlib.blake2b(json.dumps([name, sorted(set(scopes))]).encode(), digest_size=16).digest()
