"""Where it happens: an embedded PostgreSQL of its own, the service on it, and a proxy before each."""

import asyncio
import base64
import contextlib
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil

from app.database import upgrade
from app.embedded import SOCKET_NAME, EmbeddedServer
from app.ledger.connection import Connection
from chaos.disk import Disk
from chaos.proxy import PostgresProxy, Proxy, Streams
from chaos.wire import Answered, Cut, Wire

WORKERS: Final = 2
MAX_CONNECTIONS: Final = 80
START_SECONDS: Final = 90.0
STOP_SECONDS: Final = 60.0
DATABASE: Final = "loyalty"


class Place:
    """The running pieces, and the ways to break each. Use `open_place()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = EmbeddedServer(folder, settings={"max_connections": str(MAX_CONNECTIONS)})
        self.database_proxy = PostgresProxy(self._to_postgres)
        self.client_proxy = Proxy(self._to_service)
        self.key = secrets.token_urlsafe(32)
        self._pii = f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "service.log"
        self.owner_url = self._socket = ""
        self.disk: Disk | None = None

    async def start_postgres(self) -> None:
        """Start it with an empty, migrated database. `owner_url` leads straight to it, as the owner, from then on."""
        await asyncio.to_thread(self.server.start)
        address = urlsplit(self.server.url)
        self._socket = str(Path(parse_qs(address.query)["host"][0]) / SOCKET_NAME)
        connection: Connection = await asyncpg.connect(self.server.url)
        try:
            await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()
        self.owner_url = address._replace(path=f"/{DATABASE}").geturl()
        await upgrade(self.owner_url)
        await self._take_disk()

    async def _take_disk(self) -> None:
        """Give the largest tables a small disk, if that can be."""
        user = (self.folder / "postgres").stat().st_uid
        self.disk = Disk.mounted(self.folder / "small", user=user)
        if self.disk is not None:
            connection = await self.connect()
            try:
                await self.disk.take(connection)
            finally:
                await connection.close()

    @property
    def settings(self) -> dict[str, str]:
        """The service's environment: its database lies behind the proxy."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LOYALTY_")}
        behind = f"127.0.0.1:{self.database_proxy.port}/{DATABASE}?sslmode=disable"
        return kept | {
            "LOYALTY_DATABASE_URL": f"postgresql://postgres@{behind}",
            "LOYALTY_PORT": str(self._port),
            "LOYALTY_WORKERS": str(WORKERS),
            "LOYALTY_BOOTSTRAP_KEY": self.key,
            "LOYALTY_PII_KEYS": self._pii,
            "LOYALTY_SANDBOX": "1",
            "LOYALTY_LOG_LEVEL": "INFO",
        }

    async def _to_postgres(self) -> Streams:
        return await asyncio.open_unix_connection(self._socket)

    async def _to_service(self) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def connect(self) -> Connection:
        """An owner's connection, waited for while PostgreSQL comes back."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return await asyncpg.connect(self.owner_url, timeout=5)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)

    async def ask(self, method: str, path: str, body: object = None, *, seconds: float = 60) -> Answered:
        """An administrator's request, past the proxies. Raises Cut."""
        wire = Wire(self._port, self.key)
        try:
            headers = {"Idempotency-Key": secrets.token_hex(8), "Connection": "close"}
            return await wire.ask(method, path, body, headers=headers, seconds=seconds)
        finally:
            wire.close()

    # --- PostgreSQL -----------------------------------------------------------------------------------------

    @property
    def postmaster(self) -> int:
        """Its process id."""
        return int((self.folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])

    async def end_postgres(self, number: signal.Signals, *, seconds: float) -> None:
        """End it by a signal, and start it again after so many seconds."""
        process = psutil.Process(self.postmaster)
        process.send_signal(number)
        deadline = time.monotonic() + STOP_SECONDS
        while (
            process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline
        ):
            await asyncio.sleep(0.02)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.server.revive)

    # --- the service ----------------------------------------------------------------------------------------

    def workers(self) -> list[psutil.Process]:
        """The processes that serve, oldest first."""
        if self._process is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._process.pid).children()
            return sorted(children, key=lambda child: child.create_time())
        return []

    async def start_service(self) -> None:
        """Start it and wait until it is ready. Raises SystemExit with the end of its log if it does not come up."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"],
                env=self.settings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(Cut):
                if (await self.ask("GET", "/readyz", seconds=5)).status == 200:
                    return
            await asyncio.sleep(0.05)
        raise SystemExit(f"The service did not come up; its log ends with:\n{self.log_end()}")

    @property
    def has_ended(self) -> bool:
        """Whether the service is gone, by itself if nobody is just starting it anew."""
        return self._process is None or self._process.poll() is not None

    def log_end(self) -> str:
        """The last of what the service logged."""
        return self._log.read_text(errors="replace")[-4000:]

    def log_lines(self, event: str) -> list[str]:
        """What the service logged of one kind of event."""
        with self._log.open(errors="replace") as log:
            return [line.rstrip() for line in log if f'"{event}"' in line]

    async def kill_service(self) -> None:
        """Kill every process of it at once."""
        assert self._process is not None
        for process in [*self.workers(), psutil.Process(self._process.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        await asyncio.to_thread(self._process.wait)

    async def stop_service(self) -> None:
        """Stop it as an operator would."""
        if self._process is None or self.has_ended:
            return
        for worker in self.workers():
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.resume()
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            await self.kill_service()


@contextlib.asynccontextmanager
async def open_place() -> AsyncGenerator[Place]:
    """Everything started, on a database just migrated; all of it gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="loyalty-chaos-"))
    place = Place(folder)
    try:
        await place.start_postgres()
        await place.database_proxy.start()
        await place.client_proxy.start()
        await place.start_service()
        yield place
    finally:
        await place.stop_service()
        for proxy in (place.client_proxy, place.database_proxy):
            await proxy.stop()
        await asyncio.to_thread(place.server.stop)
        if place.disk is not None:
            place.disk.unmount()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    """Below those that the system gives to outgoing connections, so that it is still free after a restart."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
