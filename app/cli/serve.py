"""`loyalty serve`: the database, its schema, the first key, then the worker processes."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Generator
from functools import partial
from types import FrameType

import structlog
import typer

from app.cli.workers import supervise
from app.config import PREFIX, Settings, SettingsError, load_settings
from app.embedded import DatabaseUnavailable, EmbeddedServer

GRACEFUL_SECONDS = 30
# Longer than callers and proxies keep a connection that they don't use (60 s with many): whoever closes first may do so
# while the other sends its next request, which then fails.
UNUSED_SECONDS = 75


def serve() -> None:
    """Serve the API; without LOYALTY_DATABASE_URL with a PostgreSQL of its own."""
    settings = load_settings()
    # Bound first: a taken port is told before anything is started.
    with _stoppable(), _bound(settings) as bound, _database(settings) as (url, tend):
        admin_key = asyncio.run(_prepare(settings, url))
        address = _address(settings.host, bound.getsockname()[1])
        told = [f"Serving on {address}, documentation on {address}/docs"]
        if admin_key is not None:
            told.append(f"The first API key, with all rights, shown this once: {admin_key}")
        _serve(settings.model_copy(update={"database_url": url}), bound, told, tend=tend)


def _tell(sentence: str) -> None:
    print(sentence, flush=True)


def _address(host: str, port: int) -> str:
    """What to type into a browser on this machine to reach `host`."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def _stoppable() -> Generator[None]:
    """Let SIGTERM and a closed terminal end the block as Ctrl-C does, so that what it started is stopped."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    # Under nohup it is ignored, and stays so.
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        yield


@contextlib.contextmanager
def _bound(settings: Settings) -> Generator[socket.socket]:
    """The port, kept while the block runs; nobody is heard on it before the workers start."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as bound:
        # The port of a service that just ended is free again at once.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with _taken_port_told(settings):
            bound.bind((settings.host, settings.port))
        yield bound


@contextlib.contextmanager
def _taken_port_told(settings: Settings) -> Generator[None]:
    try:
        yield
    except OSError as error:
        print(
            f"{settings.host}:{settings.port} can't be listened on ({error.strerror}): "
            f"stop what uses it, or name another with {PREFIX}PORT.",
            file=sys.stderr,
        )
        raise typer.Exit(1) from None


@contextlib.contextmanager
def _database(settings: Settings) -> Generator[tuple[str, Callable[[], None]]]:
    """The owner's address of the database, and what looks after it: only one's own is started again."""
    if settings.database_url is not None:
        yield settings.database_url, lambda: None
        return
    with EmbeddedServer(settings.data_dir, tell=_tell) as server:
        yield server.url, partial(_look_after, server)


def _look_after(server: EmbeddedServer) -> None:
    log = structlog.get_logger(__name__)
    try:
        if server.revive():
            log.error("database started again, having ended")
    except DatabaseUnavailable as error:
        log.error("database ended", reason=str(error))


async def _prepare(settings: Settings, url: str) -> str | None:
    """Migrate, and make what the first start makes. Returns the first API key if it was made now."""
    from app.actions.keys import ensure_admin_key
    from app.database import Database, upgrade
    from app.queries.people import any_sealed_value
    from app.security.pii import load_ring

    await upgrade(url)
    ring = load_ring(settings)
    database = Database(url)
    try:
        async with database.engine.connect() as connection:
            sealed = await any_sealed_value(connection)
        if sealed is not None and not ring.knows(sealed):
            raise SettingsError(
                "The personal data in the database is encrypted with other keys than those at hand: set "
                f"{PREFIX}PII_KEYS to the keys it was written with."
            )
        if settings.bootstrap_key is not None:
            return None
        return await ensure_admin_key(database)
    finally:
        await database.dispose()


def _serve(settings: Settings, bound: socket.socket, told: list[str], *, tend: Callable[[], None]) -> None:
    """Serve on the bound socket until a signal ends it; `told` is printed once the first worker answers."""
    with contextlib.ExitStack() as held:
        if settings.workers > 1:
            # Where the workers keep their metrics, so that each can answer with the sum. Read when it is
            # imported.
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="loyalty-metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder

        from uvicorn import Config

        from app.cli.listening import BACKLOG, Shares, Worker
        from app.cli.protocol import Protocol
        from app.main import create_app
        from app.telemetry import configure_logging

        configure_logging(settings.log_level)
        config = Config(
            create_app(settings, runs_jobs=True),
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            # Nothing here depends on whom a proxy speaks for; reading it from every request costs some.
            proxy_headers=False,
            http=Protocol,
            ws="none",
            timeout_keep_alive=UNUSED_SECONDS,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
        shares = Shares(workers=settings.workers)
        was_told = multiprocessing.get_context("fork").Value("b", False)

        def tell_once() -> None:
            with was_told.get_lock():
                if not was_told.value:
                    was_told.value = True
                    _tell("\n".join(told))

        def work(number: int) -> bool:
            worker = Worker(config, shares=shares, number=number, on_start=tell_once)
            worker.run(sockets=[bound])
            return worker.started

        with _taken_port_told(settings):  # by one that was started in the same moment
            bound.listen(BACKLOG)
        # Once the workers stop nobody listens: who connects is refused at once, not left to wait.
        if not supervise(work, count=settings.workers, tend=tend, on_stop=bound.close):
            if not was_told.value:
                _tell("\n".join(told[1:]))  # a key is made only once
            raise typer.Exit(1)
