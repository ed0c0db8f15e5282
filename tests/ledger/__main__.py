"""The engine against the model at length: `make model` (TARGETS.md, 4).

    python -m tests.ledger [--seed N] [--operations N] [--processes N]

Each process has an engine and a database of its own on one embedded PostgreSQL, `fsync` on, in a temporary folder.
Every answer is compared with the model's, and what all members hold from time to time; `loyalty verify` ends it. Exit
code 1 if anything was apart, told with the seed that repeats it.
"""

# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

import asyncpg

from app.database import upgrade
from app.embedded import EmbeddedServer
from tests.conftest import database_address
from tests.ledger.at_length import walk_alone

TELL_SECONDS = 10.0


def main() -> int:
    """Run all of it; the exit code."""
    given = _options()
    began = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="loyalty-model-") as folder,
        EmbeddedServer(Path(folder)) as server,
    ):
        ends: list[Connection] = []
        for number in range(given.processes):
            url = asyncio.run(_database(server.url, f"model_{number}"))
            mine, its = context.Pipe(duplex=False)
            context.Process(
                target=walk_alone,
                args=(url, f"{given.seed}-{number}", given.operations // given.processes, its),
            ).start()
            its.close()
            ends.append(mine)
        taken, apart = _watch(ends, began)
    for sentence in apart:
        print(f"APART {sentence}")
    print(
        f"{taken:,} operations in {time.monotonic() - began:,.0f} s by {given.processes} processes, "
        f"{len(apart)} apart; repeat with --seed {given.seed} --operations {given.operations} "
        f"--processes {given.processes}"
    )
    return 1 if apart else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.ledger")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="what repeats a run; default: the time"
    )
    parser.add_argument("--operations", type=int, default=10_000_000, help="in all (%(default)s)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="(%(default)s)")
    return parser.parse_args()


async def _database(server: str, name: str) -> str:
    """Make it, with the schema; its owner's address."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    url = database_address(server, name)
    await upgrade(url)
    return url


def _watch(ends: Sequence[Connection], began: float) -> tuple[int, list[str]]:
    """Until all have ended: how many operations were taken, and what was apart."""
    running, taken, apart, next_told = list(ends), 0, list[str](), began + TELL_SECONDS
    while running:
        for end in wait(running):
            assert isinstance(end, Connection)
            try:
                said: int | list[str] = end.recv()
            except EOFError:
                apart.append("a process ended before it was done")
                running.remove(end)
                continue
            if isinstance(said, int):
                taken += said
            else:
                apart += said
                running.remove(end)
        if time.monotonic() >= next_told:
            next_told += TELL_SECONDS
            print(
                f"{taken:,} operations after {time.monotonic() - began:,.0f} s", file=sys.stderr, flush=True
            )
    return taken, apart


if __name__ == "__main__":
    sys.exit(main())
