"""Members brought along with their balances: `loyalty import` of a file, beside COPY of the very rows it wrote."""

import asyncio
import csv
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg

from app.ledger.connection import Connection
from bench.database import Databases, scratch
from bench.service import environment_for

_COLUMNS: Final = ("member_id", "joined_at", "points", "accrued_at", "spend", "growth")
_PERSON: Final = ("name", "phone", "email", "birthday", "gender", "region")
# In which all tables stand after those that they refer to.
_TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


class Imported(NamedTuple):
    """Members a second, and how many are missing or not whole."""

    per_second: float
    missing: int


class Imports:
    """Imports so many members; what one wrote is kept for the COPY that follows it."""

    def __init__(self, databases: Databases, *, members: int) -> None:
        self._databases, self._members = databases, members
        self._folder = databases.folder / "import"

    def by_service(self, *, has_persons: bool) -> Imported:
        """The whole command, from its start to its end, into a database without members."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        lines = self._folder / "members.csv"
        _write(lines, members=self._members, has_persons=has_persons)
        with scratch(self._databases) as url:
            command = [sys.executable, "-m", "app.cli", "import", str(lines)]
            began = time.perf_counter()
            ran = subprocess.run(
                command, env=environment_for(url), capture_output=True, text=True, check=False
            )
            seconds = time.perf_counter() - began
            if ran.returncode != 0:
                raise SystemExit(f"loyalty import failed: {ran.stdout} {ran.stderr}")
            lines.unlink()
            written = asyncio.run(_dump(url, self._databases.empty, self._folder))
        tables = ["account", "entry", "lot", *(["person", "person_birthday"] if has_persons else [])]
        wanted = dict.fromkeys(tables, self._members)
        if has_persons:
            wanted["person_lookup"] = 2 * self._members
        # A campaign may have welcomed them with an entry and a lot more.
        missing = sum(max(count - written.get(table, 0), 0) for table, count in wanted.items())
        return Imported(self._members / seconds, missing)

    def by_copy(self) -> float:
        """Members a second: the rows of the last import, table by table, into the same tables and indexes."""
        with scratch(self._databases) as url:
            return self._members / asyncio.run(_copy(url, sorted(self._folder.iterdir())))


def _write(path: Path, *, members: int, has_persons: bool) -> None:
    """A file as another system would write it: each member a line, with a balance that differs."""
    now = datetime.now(UTC).replace(microsecond=0)
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow([*_COLUMNS, *(_PERSON if has_persons else ())])
        for number in range(1, members + 1):
            accrued_at = now - timedelta(days=number % 300, seconds=number % 86_400)
            joined_at = accrued_at - timedelta(days=number % 1_000)
            spend = 1_000 + number * 7_919 % 300_000
            line: list[Any] = [
                f"i-{number}", joined_at.isoformat(), spend // 100, accrued_at.isoformat(), spend, spend // 100,
            ]  # fmt: skip
            if has_persons:
                phone = f"+86138{number:08}"
                birthday = f"{1950 + number % 60}-{number % 12 + 1:02}-{number % 28 + 1:02}"
                line += [
                    f"Member {number}",
                    phone,
                    f"member-{number}@example.com",
                    birthday,
                    "female",
                    "CN-31",
                ]
            lines.writerow(line)


async def _dump(url: str, empty: str, folder: Path) -> dict[str, int]:
    """Write the rows of every table that has none in the database `empty` to a file; how many each has."""
    connection: Connection = await asyncpg.connect(url)
    before: Connection = await asyncpg.connect(empty)
    written: dict[str, int] = {}
    for row in await connection.fetch(_TABLES):
        table = row["tablename"]
        is_filled = f"SELECT EXISTS (SELECT FROM {table})"
        if await connection.fetchval(is_filled) and not await before.fetchval(is_filled):
            path = folder / table
            told = await connection.copy_from_table(table, output=str(path), format="binary")
            written[table] = int(told.split()[-1])
    await connection.close()
    await before.close()
    return written


async def _copy(url: str, files: Sequence[Path]) -> float:
    """Seconds that COPY of all those files takes, each named for its table."""
    connection: Connection = await asyncpg.connect(url)
    began = time.perf_counter()
    for path in files:
        await connection.copy_to_table(path.name, source=str(path), format="binary")
    seconds = time.perf_counter() - began
    await connection.close()
    return seconds
