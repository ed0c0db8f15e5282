"""The database of the tests: a real PostgreSQL for the whole run, and in it a database for each worker.

The first test that asks for a database starts the server; tests that ask for none start none.
LOYALTY_TEST_DATABASE_URL names a server to use instead; its user must be allowed to create databases and
roles.

No test's outcome hangs on the machine's pace, on chance, or on the time of day: see `pace.py`, and what is set up here.
"""

import asyncio
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from app.database import Database, upgrade
from app.embedded import EmbeddedServer
from bench.machine import allow_files

GIVEN_SERVER: Final = os.environ.get("LOYALTY_TEST_DATABASE_URL")
# The folder of this run, made by the process that starts the workers and found by them in their environment.
RUN_FOLDER: Final = "LOYALTY_TEST_RUN_FOLDER"
# Nothing here need survive a power cut, so nothing waits for the disk.
TEST_SETTINGS: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "500",
}
# However many processors there are: what the tests of so many open at once, the server of the run has room for.
MOST_WORKERS: Final = 16
CREATION_LOCK: Final = 0x7E57
# Many tests ask twice on what they take for one day, by the real clock: the program's, in Shanghai, or UTC's.
DAYS_BEGIN_AT_HOURS: Final = (0, 16)
MORE_THAN_A_TEST: Final = timedelta(seconds=30)

# The same examples each time, however long each takes; `--hypothesis-profile=anew` draws others.
settings.register_profile("anew", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("anew"), derandomize=True, print_blob=True)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Make the run's folder, and keep the developer's own settings out of the tests."""
    # In the background a shell has it ignored, and what is started from here would ignore it, too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Some tests open hundreds of connections, here and in the services that they start.
    allow_files()
    if hasattr(config, "workerinput"):
        return
    for name in [
        name for name in os.environ if name.startswith("LOYALTY_") and not name.startswith("LOYALTY_TEST_")
    ]:
        del os.environ[name]
    # Not under pytest's own: PostgreSQL can't run as root, and pytest shuts its folders to all others.
    os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="loyalty-tests-")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """How many `-n auto` starts; None leaves it to xdist."""
    return MOST_WORKERS if (os.cpu_count() or 1) > MOST_WORKERS else None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the run made; its workers have ended."""
    if hasattr(config, "workerinput") or RUN_FOLDER not in os.environ:
        return
    run_folder = Path(os.environ.pop(RUN_FOLDER))
    if GIVEN_SERVER is not None:
        asyncio.run(_on_server(GIVEN_SERVER, _drop_all(f"{_prefix(run_folder)}%")))
    shutil.rmtree(run_folder, ignore_errors=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let midnight pass before a test begins that lives by the real clock."""
    if "server_url" in getattr(item, "fixturenames", ()):
        time.sleep(_seconds_past_midnight(datetime.now(UTC)))


def _seconds_past_midnight(now: datetime) -> float:
    """How long to wait until no day begins soon: 0 but for the last moments before one."""
    soon = now + MORE_THAN_A_TEST
    if soon.hour == now.hour or soon.hour not in DAYS_BEGIN_AT_HOURS:
        return 0
    return (soon.replace(minute=0, second=0, microsecond=0) - now).total_seconds()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests and fixtures on asyncio."""
    return "asyncio"


@pytest.fixture
def data_dir() -> Path:
    """An empty folder that PostgreSQL may run in, also as root (pytest shuts its own to all others)."""
    return Path(tempfile.mkdtemp(dir=os.environ[RUN_FOLDER], prefix="data-"))


@pytest.fixture(scope="session")
def server_url() -> Generator[str]:
    """The server's address as its superuser; the workers of one run share it."""
    if GIVEN_SERVER is not None:
        yield GIVEN_SERVER
        return
    with EmbeddedServer(Path(os.environ[RUN_FOLDER]), settings=TEST_SETTINGS) as server:
        yield server.url


@pytest.fixture(scope="session")
def new_database(server_url: str) -> Callable[[], str]:
    """Make a migrated database and return its owner's address; the first to ask migrates one to copy from."""

    def make() -> str:
        prefix = _prefix(Path(os.environ[RUN_FOLDER]))
        name = f"{prefix}{secrets.token_hex(4)}"
        asyncio.run(_on_server(server_url, _copy_template(server_url, f"{prefix}template", name)))
        return database_address(server_url, name)

    return make


@pytest.fixture(scope="session")
def database_url(new_database: Callable[[], str]) -> str:
    """The owner's address of this worker's own migrated database."""
    return new_database()


@pytest.fixture
def fresh_database_url(server_url: str, new_database: Callable[[], str]) -> Generator[str]:
    """The owner's address of a migrated database for one test alone."""
    url = new_database()
    yield url
    asyncio.run(_on_server(server_url, _drop_all(urlsplit(url).path.removeprefix("/"))))


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    """This worker's database as the application reaches it. Its rows stay: use members of your own."""
    opened = Database(database_url)
    yield opened
    await opened.dispose()


def database_address(server: str, name: str) -> str:
    """The address of the database `name` on the server at `server`."""
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def _prefix(run_folder: Path) -> str:
    return f"{run_folder.name.lower().replace('-', '_')}_"


Work = Callable[["asyncpg.Connection[Any]"], Awaitable[None]]


async def _on_server(server: str, work: Work) -> None:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(server)
    try:
        await work(connection)
    finally:
        await connection.close()


def _copy_template(server: str, template: str, name: str) -> Work:
    async def work(connection: "asyncpg.Connection[Any]") -> None:
        # One at a time: a database that is being copied can't be copied by another.
        await connection.execute("SELECT pg_advisory_lock($1)", CREATION_LOCK)
        if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", template):
            await connection.execute(f"CREATE DATABASE {template}_new")
            await upgrade(database_address(server, f"{template}_new"))
            await connection.execute(f"ALTER DATABASE {template}_new RENAME TO {template}")
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")

    return work


def _drop_all(pattern: str) -> Work:
    async def work(connection: "asyncpg.Connection[Any]") -> None:
        for row in await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE $1", pattern):
            await connection.execute(f"DROP DATABASE IF EXISTS {row['datname']} WITH (FORCE)")

    return work
