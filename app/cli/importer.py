"""Taking lines of members into the ledger: what `loyalty import` does with each, here or in a process of its own.

`python -m app.cli.importer` is such a process. It speaks JSON, a line a message: first `{"url", "request_id"}` of the
database, then arrays of lines' cells; to each array it answers with one of what became of them, and to the end of its
input with its own.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from app.actions.keys import COMMAND_LINE
from app.cli.ledger import running_engine
from app.config import load_settings
from app.database import Database
from app.domain.commands import Import
from app.domain.errors import LoyaltyError
from app.domain.posting import Caller
from app.ledger.engine import Engine, LedgerUnavailable
from app.ledger.outcome import Outcome
from app.ledger.request import Request, Result
from app.schemas.imports import References, openings
from app.security.pii import PiiRing, load_ring
from app.telemetry import configure_logging

MESSAGE_BYTES = 64 * 2**20
"""The longest message: lines of a CSV file are as long as somebody made them."""

Cells = Mapping[str, str]


class Told(NamedTuple):
    """What became of a line: why it was not taken, or its points. `reference` is the one it goes by."""

    outcome: Literal["imported", "present", "rejected"]
    points: int
    reason: str
    reference: str


class Importer:
    """Takes lines into the ledger by an engine; all lines of one member must come to the same."""

    def __init__(self, engine: Engine, *, pii: PiiRing, request_id: str) -> None:
        self._engine, self._pii = engine, pii
        self._caller = Caller(COMMAND_LINE, request_id)
        self._references = References()

    async def take(self, lines: Sequence[Cells]) -> list[Told]:
        """Carry out what each asks for, in order. Raises LedgerUnavailable."""
        references = [self._references.of(cells) for cells in lines]
        asked = openings(lines, references=references, pii=self._pii)
        requests = [Request(each, self._caller) for each in asked if isinstance(each, Import)]
        results = iter(await self._engine.submit_all(requests) if requests else [])
        return [
            _told(each, next(results), reference)
            if isinstance(each, Import)
            else Told("rejected", 0, each, reference)
            for each, reference in zip(asked, references, strict=True)
        ]


def _told(command: Import, result: Result, reference: str) -> Told:
    if isinstance(result, Outcome):
        return Told("present" if result.replayed else "imported", command.points, "", reference)
    if isinstance(result, LedgerUnavailable):
        raise result
    if isinstance(result, LoyaltyError):
        return Told("rejected", 0, f"{result.code}: {result.detail}", reference)
    return Told("rejected", 0, "it could not be carried out; the log says why", reference)


# --- a process of its own --------------------------------------------------------------------------------


def main() -> None:
    """Take what comes in until its end; who stops the import closes it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = load_settings()
    configure_logging(settings.log_level)
    asyncio.run(_serve())


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MESSAGE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    settings = load_settings()
    first = json.loads(await reader.readline())
    database = Database(first["url"])
    try:
        async with running_engine(settings, database) as engine:
            importer = Importer(engine, pii=load_ring(settings), request_id=first["request_id"])
            answers: asyncio.Queue[asyncio.Task[list[Told]] | None] = asyncio.Queue()
            # A group: when a line breaks it, nobody waits for an answer that never comes.
            async with asyncio.TaskGroup() as group:
                group.create_task(_answer(answers))
                while message := await reader.readline():
                    answers.put_nowait(asyncio.create_task(importer.take(json.loads(message))))
                answers.put_nowait(None)
    finally:
        await database.dispose()


async def _answer(answers: asyncio.Queue[asyncio.Task[list[Told]] | None]) -> None:
    """Tell what became of the messages, in the order they came."""
    while (taking := await answers.get()) is not None:
        try:
            told: list[Told] | None = await taking
        except LedgerUnavailable:
            told = None
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
