"""`loyalty import`: members from elsewhere, with their balances."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Protocol

from app.cli.csv_file import CsvFile, Line
from app.cli.importer import MESSAGE_BYTES, Cells, Importer, Told
from app.cli.ledger import on_database, running_engine
from app.config import Settings
from app.database import Database
from app.domain.account import bucket_of
from app.ledger.engine import LedgerUnavailable
from app.schemas.imports import MEMBER_COLUMNS
from app.security.pii import load_ring

CHUNK = 500
"""Lines at a time, for each that takes them."""

UNDER_WAY = 2
"""Chunks at a time: while the engine saves one, the next is read."""

MAX_PROCESSES = 4

SMALL_BYTES = 1_000_000
"""A file smaller than this is done before other processes have come up."""


class Taker(Protocol):
    """Takes lines into the ledger, an `Importer` here or elsewhere; chunks in the order they are given."""

    async def take(self, lines: Sequence[Cells]) -> list[Told]: ...


def import_file(path: Path) -> bool:
    """Import the members of a file and print a summary; whether every line was taken. Raises FileUnusable."""
    importing = _Import()
    began = time.monotonic()
    with CsvFile(path, required=("member_id",), known=MEMBER_COLUMNS, filled=("reference",)) as file:
        count = _processes(path.stat().st_size)

        async def work(settings: Settings, database: Database) -> None:
            async with _takers(settings, database, count=count) as takers:
                await importing.feed(file, takers)

        on_database(work)
    seconds = time.monotonic() - began
    print(f"{importing.imported:,} lines imported, {importing.points:,} points, in {seconds:.1f} s.")
    if importing.present:
        print(f"{importing.present:,} lines were there already.")
    if file.rejected:
        print(f"{file.rejected:,} lines were not taken: mend and import {file.rejected_path}.")
    return not file.rejected


def _processes(size_bytes: int) -> int:
    """How many to divide a file among."""
    return 1 if size_bytes < SMALL_BYTES else min(os.cpu_count() or 1, MAX_PROCESSES)


class _Import:
    """A run, and its figures."""

    def __init__(self) -> None:
        self.imported = self.present = self.points = 0

    async def feed(self, file: CsvFile, takers: Sequence[Taker]) -> None:
        """Have the lines taken, each member's in the order of the file, and tell of them in that order. Raises
        LedgerUnavailable.
        """
        under_way: deque[tuple[list[Line], asyncio.Task[list[Told]]]] = deque()
        lines: list[Line] = []
        try:
            for line in file:
                lines.append(line)
                if len(lines) == CHUNK * len(takers):
                    under_way.append((lines, asyncio.create_task(_taken(lines, takers))))
                    lines = []
                    # Also lets the takers start on it.
                    await asyncio.sleep(0)
                    if len(under_way) == UNDER_WAY:
                        await self._finish(file, *under_way.popleft())
            under_way.append((lines, asyncio.create_task(_taken(lines, takers))))
            while under_way:
                await self._finish(file, *under_way.popleft())
        finally:
            for _, taking in under_way:
                taking.cancel()

    async def _finish(self, file: CsvFile, lines: Sequence[Line], taking: asyncio.Task[list[Told]]) -> None:
        """Count what became of one chunk, and keep what was not taken."""
        for line, told in zip(lines, await taking, strict=True):
            match told.outcome:
                case "imported":
                    self.imported += 1
                    self.points += told.points
                case "present":
                    self.present += 1
                case "rejected":
                    fills = {"reference": told.reference} if told.reference else {}
                    file.reject(line, told.reason, fills=fills)
        file.advance(len(lines))


async def _taken(lines: Sequence[Line], takers: Sequence[Taker]) -> list[Told]:
    """What became of the lines, in their order; whose member they are decides who takes them."""
    told = [Told("rejected", 0, line.fault or "", "") for line in lines]
    places: list[list[int]] = [[] for _ in takers]
    for place, line in enumerate(lines):
        if line.fault is None:
            places[bucket_of(line.cells.get("member_id", "")) % len(takers)].append(place)
    shares = await asyncio.gather(
        *(
            taker.take([lines[place].cells for place in mine])
            for taker, mine in zip(takers, places, strict=True)
        )
    )
    for mine, share in zip(places, shares, strict=True):
        for place, each in zip(mine, share, strict=True):
            told[place] = each
    return told


# --- who takes them --------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _takers(settings: Settings, database: Database, *, count: int) -> AsyncGenerator[Sequence[Taker]]:
    """One in this process, or so many processes: an engine decides on one processor alone."""
    request_id = f"import-{secrets.token_hex(4)}"
    pii = load_ring(settings)  # before others look for it: the first to look makes it
    if count == 1:
        async with running_engine(settings, database) as engine:
            yield [Importer(engine, pii=pii, request_id=request_id)]
        return
    async with contextlib.AsyncExitStack() as running:
        yield [
            await running.enter_async_context(_process(database.url, request_id=request_id))
            for _ in range(count)
        ]


@contextlib.asynccontextmanager
async def _process(url: str, *, request_id: str) -> AsyncGenerator[Taker]:
    """Another process (`python -m app.cli.importer`); on leaving it ends what it began."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli.importer",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MESSAGE_BYTES,
        start_new_session=True,  # a Ctrl-C is for the one who reads the file
    )
    try:
        elsewhere = _Elsewhere(process)
        elsewhere.send({"url": url, "request_id": request_id})
        yield elsewhere
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


class _Elsewhere:
    """An `Importer` in another process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._to, self._from = process.stdin, process.stdout
        self._turn = asyncio.Lock()  # taken in the order of asking, which is that of the answers

    def send(self, message: object) -> None:
        self._to.write(json.dumps(message).encode() + b"\n")

    async def take(self, lines: Sequence[Cells]) -> list[Told]:
        """Raises LedgerUnavailable, also when the process is gone."""
        self.send(lines)
        async with self._turn:
            answer = await self._from.readline()
        told = json.loads(answer) if answer else None
        if told is None:
            raise LedgerUnavailable
        return [Told(*each) for each in told]
