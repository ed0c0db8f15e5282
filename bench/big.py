"""Databases of millions of members, made by COPY in a folder that may be kept: what is filled is used again."""

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg

from app.embedded import EmbeddedServer
from app.ledger.connection import Connection
from app.security.keys import mint_key
from bench.database import address, make_empty
from bench.history import MEMBER, Population, copy, history

ORDERS_EACH: Final = 5
"""And as many lots and entries."""

BYTES_A_MEMBER: Final = 4_700
"""With all indexes; measured with 1,000,000 members, and some more."""

BYTES_BESIDE: Final = 8 * 2**30
"""For the write-ahead log, for sorting an index, and for what is written while it is measured."""

# While it is filled: what a transaction puts into a table that it emptied itself is not logged, but flushed.
_FILLING: Final = {"wal_level": "minimal", "max_wal_senders": "0"}
_FILLED: Final = "filled"


def require_space(folder: Path, sizes: Sequence[int]) -> None:
    """Raises SystemExit with a sentence if the disk is too small for databases of so many members."""
    needed = sum(sizes) * BYTES_A_MEMBER + BYTES_BESIDE if sizes else 0
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise SystemExit(
            f"{sum(sizes):,} members need some {needed / 2**30:.0f} GiB in {folder}, where {free / 2**30:.0f} GiB are "
            "free: name another folder, or fewer members."
        )


def fill(
    folder: Path, sizes: Sequence[int], *, has_campaigns: bool, tell: Callable[[str], None]
) -> dict[int, float]:
    """Make a database `growth_<members>` for each of the sizes that is not there yet; the seconds that each took.

    A database that was not filled to its end is made anew. Raises SystemExit if the disk is too small.
    """
    with EmbeddedServer(folder, settings=_FILLING) as server:
        missing = asyncio.run(_missing(server.url, sizes))
        require_space(folder, missing)
        taken: dict[int, float] = {}
        for members in missing:
            began = time.perf_counter()
            asyncio.run(_make(server.url, members, has_campaigns=has_campaigns, tell=tell))
            taken[members] = round(time.perf_counter() - began, 1)
            tell(f"{members:,} members were filled in {taken[members]:,.0f} s.")
    return taken


def name_of(members: int) -> str:
    """The database of that size."""
    return f"growth_{members}"


async def _missing(server: str, sizes: Sequence[int]) -> list[int]:
    """The sizes that are not there whole, of which nothing is left."""
    connection: Connection = await asyncpg.connect(server)
    rows = await connection.fetch(
        "SELECT datname, shobj_description(oid, 'pg_database') AS comment FROM pg_database"
    )
    whole = {row["datname"] for row in rows if row["comment"] == _FILLED}
    missing = [members for members in sizes if name_of(members) not in whole]
    for members in missing:
        await connection.execute(f"DROP DATABASE IF EXISTS {name_of(members)} WITH (FORCE)")
    await connection.close()
    return missing


async def _make(server: str, members: int, *, has_campaigns: bool, tell: Callable[[str], None]) -> None:
    name = name_of(members)
    url = address(server, name)
    connection: Connection = await asyncpg.connect(server)
    await make_empty(connection, url, mint_key(), has_campaigns=has_campaigns)
    population = Population("u", members, ORDERS_EACH)
    made = history(MEMBER, orders=ORDERS_EACH, now=datetime.now(UTC).replace(microsecond=0))
    tell(f"{members:,} members: accounts ...")
    await _put(url, "account", [made.account], population)
    tell(f"{members:,} members: lots and entries ...")
    await asyncio.gather(
        _put(url, "lot", made.lots, population), _put(url, "entry", made.entries, population)
    )
    tell(f"{members:,} members: vacuum ...")
    filled: Connection = await asyncpg.connect(url)
    await filled.execute("VACUUM (ANALYZE) account, lot, entry")
    await filled.execute("CHECKPOINT")
    await filled.close()
    await connection.execute(f"COMMENT ON DATABASE {name} IS '{_FILLED}'")
    await connection.close()


async def _put(url: str, table: str, rows: Sequence[tuple[object, ...]], population: Population) -> None:
    """Each row once for every member before the next row: what is one member's lies apart, as it comes in a shop.

    Where nothing refers to the table its indexes are made afterwards.
    """
    connection: Connection = await asyncpg.connect(url)
    await connection.execute("SET maintenance_work_mem = '1GB'")
    async with connection.transaction():
        # Tables that refer to it are as empty.
        await connection.execute(f"TRUNCATE {table} CASCADE")
        again = await _without_indexes(connection, table)
        for row in rows:
            await copy(connection, table, [row], population, is_frozen=True)
        for statement in again:
            await connection.execute(statement)
    await connection.close()


async def _without_indexes(connection: Connection, table: str) -> list[str]:
    """Drop the table's unique constraints and other indexes, unless it is referred to; what makes them again."""
    if await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = $1::text::regclass)",
        table,
    ):
        return []
    again: list[str] = []
    for row in await connection.fetch(
        "SELECT conname, pg_get_constraintdef(oid) AS text FROM pg_constraint "
        "WHERE conrelid = $1::text::regclass AND contype IN ('p', 'u')",
        table,
    ):
        again.append(f"ALTER TABLE {table} ADD CONSTRAINT {row['conname']} {row['text']}")
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {row['conname']}")
    for row in await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = $1", table
    ):
        again.append(row["indexdef"])
        await connection.execute(f"DROP INDEX {row['indexname']}")
    return again
