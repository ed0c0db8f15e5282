"""The way to PostgreSQL: connections, transactions, and whether the schema is there.

The application never works as the owner of its tables: every connection of a `Database` takes the role
APPLICATION_ROLE, which may only do what the migrations granted it (append, not change, where the ledger is
concerned).
"""

import contextlib
from collections.abc import AsyncGenerator, Callable, Generator
from functools import cache
from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.config import Settings
from app.embedded import DatabaseUnavailable, EmbeddedServer

APPLICATION_ROLE: Final = "loyalty_app"
MIGRATIONS: Final = Path(__file__).resolve().parent.parent / "migrations"
CONNECT_SECONDS: Final = 10.0
# Any number that no other program is likely to lock in this database.
UPGRADE_LOCK: Final = 0x10_7A_17
# A backup or a verification has the tables locked for as long as it reads them. A revision that must wait for it gives
# up soon, since all others wait behind it, and is tried again, so often and after such a pause.
UPGRADE_TRIES: Final = 12
UPGRADE_PAUSE_SECONDS: Final = 3.0
# What a lost connection raises: whether a statement under way took effect is not known then.
CONNECTION_LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # told by a connection that the server ended while it was idle
    asyncpg.OperatorInterventionError,
    OSError,
)
# Not for searches, whose plan depends on what is searched for.
_PLANS: Final = """
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off
"""


class Database:
    """One process's access to the database at `url` (`postgresql://...`), as APPLICATION_ROLE.

    `pool_size` bounds the connections of the SQLAlchemy engine; those of `connect()` are the caller's to
    bound.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            # The address goes to asyncpg as it stands: it alone knows all forms of it (sockets, sslmode,
            # several hosts).
            "postgresql+asyncpg://",
            async_creator=self.connect,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
        )

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A new connection of the driver, the caller's to close; json and jsonb come and go as text.

        Raises OSError, TimeoutError or asyncpg.PostgresError when there is none to be had.
        """
        return await asyncpg.connect(
            self.url,
            timeout=CONNECT_SECONDS,
            # Statements are few and fixed, so each is prepared once a connection and kept.
            statement_cache_size=1_000,
            max_cached_statement_lifetime=0,
            server_settings={"role": APPLICATION_ROLE, "application_name": "loyalty", "timezone": "UTC"},
        )

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncConnection]:
        """One administrative write: commits when the block ends, rolls back if it raises."""
        async with self.engine.begin() as connection:
            yield connection

    async def migrated(self) -> bool:
        """Whether the schema is the one this code knows or, while a release is rolled out, a later one.

        Raises as `connect()` does when the database can't be reached.
        """
        async with self.engine.connect() as connection:
            driver_connection = (await connection.get_raw_connection()).driver_connection
            assert driver_connection is not None
            return await _revision(driver_connection) >= latest_revision()

    async def dispose(self) -> None:
        """Close the engine's connections."""
        await self.engine.dispose()


async def plan_once(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Let each statement be planned once, for a connection whose statements find rows by their keys.

    A plan made for certain arrays is no better than the one made for any, and making it took a fifth of PostgreSQL's
    processor time for a lone order (1.24 ms, 0.98 without). Nor may a table that is small today mislead a plan that
    is kept.
    """
    await connection.execute(_PLANS)


@contextlib.contextmanager
def database_url(settings: Settings, *, tell: Callable[[str], None] | None = None) -> Generator[str]:
    """The owner's address of the database: the one given, or the embedded server's, run while the block runs.

    Raises DatabaseUnavailable.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    with EmbeddedServer(settings.data_dir, tell=tell) as server:
        yield server.url


@cache
def latest_revision() -> str:
    """The newest revision under `migrations/versions`; files are named by it, so Alembic isn't needed."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


async def upgrade(url: str) -> None:
    """Bring the schema at `url` up to `latest_revision()`, as its owner.

    Any number of processes and machines may do so at once: one migrates, the others wait. A schema already as
    new or newer is left alone, at the price of one query.

    Raises DatabaseUnavailable, or what a failing revision raises, after about a minute if others hold what it needs;
    that revision is rolled back.
    """
    connection = await _connect_as_owner(url)
    try:
        if await _revision(connection) >= latest_revision():
            return
        # Held by the session, so that it is gone with a killed process.
        await connection.execute("SELECT pg_advisory_lock($1)", UPGRADE_LOCK)
        if await _revision(connection) < latest_revision():
            await _run_migrations(url)
    finally:
        await connection.close()


async def _connect_as_owner(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    try:
        return await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # The address itself stays out: it may hold a password.
        told = str(error) or "it did not answer in time"
        raise DatabaseUnavailable(f"The database of LOYALTY_DATABASE_URL can't be used: {told}.") from error


async def _run_migrations(url: str) -> None:
    import asyncio

    from alembic import command
    from alembic.config import Config
    from sqlalchemy.exc import DBAPIError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    for tries_left in reversed(range(UPGRADE_TRIES)):
        try:
            # env.py runs an event loop of its own.
            await asyncio.to_thread(command.upgrade, config, "head")
        except DBAPIError as error:
            if (
                getattr(error.orig, "sqlstate", None) != asyncpg.LockNotAvailableError.sqlstate
                or not tries_left
            ):
                raise
            await asyncio.sleep(UPGRADE_PAUSE_SECONDS)
        else:
            return


async def _revision(connection: "asyncpg.Connection[asyncpg.Record]") -> str:
    """The schema's revision, "" where there is none yet."""
    try:
        revision: str | None = await connection.fetchval("SELECT max(version_num) FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return ""
    return revision or ""
