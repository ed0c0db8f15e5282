"""`python -m bench.backup`: how long a backup, a restore and a verification of a large ledger take.

The ledger is filled by COPY, dumped and restored as README.md says, into a second database of the same server, and
`loyalty verify` compares the restored one. Prints a table; the exit code is 1 if it does not agree or rows are missing.
"""

import argparse
import asyncio
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import asyncpg

from app.database import upgrade
from app.embedded import EmbeddedServer
from app.ledger.connection import Connection
from bench.database import address, program
from bench.history import Population, fill
from bench.machine import busy_elsewhere, machine
from bench.options import LOTS_EACH

COUNTS: Final = "SELECT (SELECT count(*) FROM entry) AS entries, (SELECT count(*) FROM lot) AS lots"


async def _make(server: str, name: str, lots: int) -> None:
    await _create(server, name)
    await upgrade(address(server, name))
    connection: Connection = await asyncpg.connect(address(server, name))
    try:
        await fill(connection, [Population("h", -(-lots // LOTS_EACH), LOTS_EACH)])
    finally:
        await connection.close()


async def _create(server: str, name: str) -> None:
    connection: Connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()


async def _counts(url: str) -> tuple[int, int, int]:
    """Entries, lots, bytes of the database."""
    connection: Connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(COUNTS)
        assert row is not None
        return (
            row["entries"],
            row["lots"],
            await connection.fetchval("SELECT pg_database_size(current_database())"),
        )
    finally:
        await connection.close()


def _timed(title: str, work: Callable[[], None]) -> tuple[str, float]:
    print(f"{title} ...", file=sys.stderr, flush=True)
    began = time.monotonic()
    work()
    return title, time.monotonic() - began


def _loyalty(url: str, command: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "app.cli", command],
        check=True,
        env={**os.environ, "LOYALTY_DATABASE_URL": url, "LOYALTY_PII_KEYS": "k1:" + "A" * 43 + "="},
    )


def measure(server: str, folder: Path, *, lots: int) -> None:
    """Fill, dump, restore, verify, and print what each took. Raises subprocess.CalledProcessError, AssertionError."""
    stem = f"backup_{secrets.token_hex(4)}"
    source, target = address(server, f"{stem}_source"), address(server, f"{stem}_restored")
    dump = folder / "loyalty.dump"
    steps = [_timed("fill by COPY", lambda: asyncio.run(_make(server, f"{stem}_source", lots)))]
    steps.append(
        _timed(
            "pg_dump --format=custom",
            lambda: _run("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", source),
        )
    )
    asyncio.run(_create(server, f"{stem}_restored"))
    _loyalty(target, "migrate")
    restore = (
        "--clean",
        "--if-exists",
        "--no-owner",
        "--single-transaction",
        f"--dbname={target}",
        str(dump),
    )
    steps.append(_timed("pg_restore --single-transaction", lambda: _run("pg_restore", *restore)))
    steps.append(_timed("loyalty verify", lambda: _loyalty(target, "verify")))
    before, after = asyncio.run(_counts(source)), asyncio.run(_counts(target))
    assert before[:2] == after[:2], f"{before} became {after}"
    told = machine(folder)
    print(
        f"{after[0]:,} entries, {after[1]:,} lots: {before[2] / 2**30:.1f} GiB, restored {after[2] / 2**30:.1f} GiB, "
        f"the dump {dump.stat().st_size / 2**30:.2f} GiB; {told['cores']} cores ({told['processor']})"
    )
    for title, seconds in steps:
        print(f"| {title:31} | {seconds:8.1f} s |")


def _run(name: str, *arguments: str) -> None:
    subprocess.run([program(name), *arguments], check=True)


def main() -> None:
    """Exit code 1 if what was restored is not what was dumped."""
    parser = argparse.ArgumentParser(prog="python -m bench.backup", description=__doc__)
    parser.add_argument("--lots", type=int, default=10_000_000, help="in the ledger (%(default)s)")
    options = parser.parse_args()
    print(f"Before it began: {busy_elsewhere()}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="loyalty-backup-"))
    try:
        with EmbeddedServer(folder) as server:
            measure(server.url, folder, lots=options.lots)
    except (subprocess.CalledProcessError, AssertionError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
