"""C0: the same application with the same routes, validation, authentication and answers, and no database.

Run as the service is (`python -m bench.c0 serve`): same server, same workers, same settings. What would ask
PostgreSQL on the way of a request answers from memory instead, with a body made by the same rules once.
"""

import contextlib
import json
import os
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI

import app.main
from app.cli.serve import serve
from app.config import Settings
from app.domain.answers import answer
from app.domain.commands import Accrue
from app.domain.status import status
from app.ledger.outcome import Outcome
from app.ledger.request import Request
from app.security.authenticator import Authenticator
from app.security.callers import ALL_SCOPES
from app.security.keys import KeyVerifier, StoredKey, digest_of, key_id_of
from bench.history import default_program, history

HISTORY = history("u-1", orders=1, now=datetime.now(UTC))


class MemoryLedger:
    """Takes every order without looking."""

    def __init__(self) -> None:
        entry = HISTORY.entries[0]
        self._body = answer(entry, json.loads(entry.detail))

    async def submit(self, request: Request) -> Outcome:
        assert isinstance(request.command, Accrue)
        return Outcome(created=True, body={**self._body, "order_id": request.command.order_id})


class MemoryReading:
    """A status that needs no rules to be told."""

    def __init__(self, status: dict[str, Any]) -> None:
        self._status = status

    def status(self) -> dict[str, Any]:
        return self._status

    def tag(self) -> str:
        return "1.1.739680"


class MemoryReader:
    """Knows every member, and that they are all alike."""

    def __init__(self) -> None:
        program = default_program()
        self._status = status(
            HISTORY.account,
            lots=HISTORY.lots,
            now=datetime.now(UTC),
            program=program,
            programs={program.version: program},
        )

    async def read(self, member_id: str) -> MemoryReading:
        return MemoryReading({**self._status, "member_id": member_id})


def create_app(settings: Settings, **_options: object) -> FastAPI:
    """The application, cut off from its database once it has started; it runs no jobs."""
    application = create_whole_app(settings)
    start = application.router.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(started: FastAPI) -> AsyncGenerator[Any]:
        async with start(started) as state:
            started.state.ledger = MemoryLedger()
            started.state.reader = MemoryReader()
            started.state.authenticator = Authenticator(keys=KeyVerifier(lookup=_known_key), tokens=None)
            yield state

    application.router.lifespan_context = lifespan
    return application


async def _known_key(key_id: str) -> StoredKey | None:
    credential = os.environ["BENCH_KEY"]
    if key_id != key_id_of(credential):
        return None
    return StoredKey(key_id, digest_of(credential), frozenset(ALL_SCOPES), is_revoked=False)


create_whole_app = app.main.create_app

if __name__ == "__main__":
    app.main.create_app = create_app
    serve()
