"""`Idempotency-Key` of what is no command of the ledger: the first answer is kept, and given again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any

from fastapi import Request, Response
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel

from app.ledger.claims import claim_keys, keep_answers
from app.ledger.outcome import Outcome
from app.routers.commands import CREATED, OK, claim_of
from app.routers.document import REPLAYED_HEADER


async def once(
    request: Request, response: Response, body: BaseModel | None, make: Callable[[], Awaitable[Any]]
) -> Any:  # noqa: ANN401
    """What `make` answers, once for the same key: again it is the first answer, status and body, whatever happened
    since. What is refused leaves nothing behind. Without a key `make` is asked each time.

    What is made commits before its answer is kept, so `make` must do no harm if it is asked again.
    Raises IdempotencyKeyReused, IdempotencyKeyInvalid and what `make` does.
    """
    claim = claim_of(request, content=lambda: _hash(request, body))
    if claim is None:
        return await make()
    connection = await request.app.state.database.connect()
    try:
        async with connection.transaction():
            claimed = (await claim_keys(connection, [claim]))[claim.key]
            known = claimed.outcome_for(claim)
            if known is not None:
                response.status_code = CREATED if known.created else OK
                response.headers[REPLAYED_HEADER] = "true"
                return known.body
            answer = jsonable_encoder(await make())
            status = response.status_code or request.scope["route"].status_code
            claimed.outcome = Outcome(created=status == CREATED, body=answer)
            await keep_answers(connection, [claimed])
            return answer
    finally:
        await connection.close()


def _hash(request: Request, body: BaseModel | None) -> bytes:
    asked = [
        dict(request.path_params),
        None if body is None else body.model_dump(mode="json", warnings=False),
    ]
    return blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=16).digest()
