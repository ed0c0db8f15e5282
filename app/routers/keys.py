"""API keys: make, list, revoke."""

from __future__ import annotations

from datetime import datetime

from fastapi import Request, Response

from app.actions.keys import KeyNotFound, create_key, revoke_key
from app.domain.errors import IdempotencyKeyMissing, IdempotencyKeyReused
from app.queries.keys import KeyRow, list_keys
from app.routers import door
from app.routers.dependencies import (
    CursorInvalid,
    Page,
    decode_cursor,
    encode_cursor,
    required_idempotency_key_of,
)
from app.routers.document import REPLAYED_HEADER, problems
from app.routers.door import caller_of, header_of, require
from app.routers.repeats import once
from app.schemas.common import Listing
from app.schemas.keys import Key, KeyId, KeyRequest, NewKey, RevocationRequest
from app.security.authenticator import bearer

router = door.router("keys")


@router.post(
    "/v1/keys",
    status_code=201,
    operation_id="create_key",
    responses=problems(IdempotencyKeyMissing, IdempotencyKeyReused),
)
@require("keys:write")
async def create(body: KeyRequest, request: Request, response: Response) -> NewKey:
    """Make an API key.

    The key is answered once and stored as a hash only. It can hold no scope that the caller's own doesn't
    hold. The same request with the same `Idempotency-Key` and the same credential answers the same key
    again.
    """
    made = await create_key(
        request.app.state.database,
        name=body.name,
        scopes=body.scopes,
        creator=caller_of(request),
        idempotency_key=required_idempotency_key_of(request),
        credential=bearer(header_of(request, b"authorization") or b""),
    )
    if made.is_replay:
        response.headers[REPLAYED_HEADER] = "true"
    return NewKey(key=made.key, **_shown(made.row).model_dump())


@router.get("/v1/keys", operation_id="list_keys", responses=problems(CursorInvalid))
@require("keys:write")
async def list_all(page: Page, request: Request) -> Listing[Key]:
    """List API keys, newest first, revoked ones too."""
    after = None
    if page.cursor is not None:
        after = decode_cursor(page.cursor, datetime, str)
    rows = await list_keys(request.app.state.database, limit=page.limit + 1, after=after)
    more = len(rows) > page.limit
    rows = rows[: page.limit]
    return Listing(
        data=[_shown(row) for row in rows],
        next_cursor=encode_cursor(rows[-1].created_at, rows[-1].key_id) if more else None,
    )


@router.post(
    "/v1/keys/{key_id}/revoke",
    operation_id="revoke_key",
    responses=problems(KeyNotFound, IdempotencyKeyReused),
)
@require("keys:write")
async def revoke(
    key_id: KeyId,
    request: Request,
    response: Response,
    body: RevocationRequest | None = None,
) -> Key:
    """Revoke an API key for good.

    Answers after a good second: until then a process may still accept the key, and from then on none does.
    """

    async def revoked() -> Key:
        row, was_revoked = await revoke_key(
            request.app.state.database, key_id=key_id, revoker=caller_of(request)
        )
        if was_revoked:
            response.headers[REPLAYED_HEADER] = "true"
        return _shown(row)

    return await once(request, response, body, revoked)


def _shown(row: KeyRow) -> Key:
    return Key(id=row.key_id, **{name: value for name, value in row._asdict().items() if name != "key_id"})
