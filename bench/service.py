"""The service as a subprocess, as its users run it; C0 in the same way."""

import base64
import contextlib
import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final, NamedTuple

from bench.database import Databases
from bench.options import Options

START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 60.0


class Service(NamedTuple):
    """A server that answers on 127.0.0.1."""

    port: int
    pid: int
    key: str


@contextlib.contextmanager
def service(databases: Databases, options: Options, *, module: str) -> Generator[Service]:
    """`python -m <module> serve` on the service's database, with a free port, until the block ends.

    Raises SystemExit with the end of its log when it does not come up.
    """
    port = _free_port()
    log = databases.folder / f"{module.rpartition('.')[2]}-{port}.log"
    environment = environment_for(databases.service) | {
        "LOYALTY_PORT": str(port),
        "LOYALTY_WORKERS": str(options.workers),
        "LOYALTY_BOOTSTRAP_KEY": secrets.token_urlsafe(32),
        "BENCH_KEY": databases.key.key,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "serve"], env=environment, stdout=output, stderr=output
        )
    try:
        _await_ready(process, port, log)
        yield Service(port, process.pid, databases.key.key)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        told = log.read_text(errors="replace").splitlines()
        complaints = [line for line in told if '"level"' in line]
        if complaints:
            print(f"{module} logged {len(complaints)} warnings, the last: {complaints[-1][:2000]}")


def environment_for(url: str) -> dict[str, str]:
    """This process's environment, with settings of our own alone: the database at `url`, a new key for persons."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("LOYALTY_")}
    return others | {
        "LOYALTY_DATABASE_URL": url,
        "LOYALTY_PII_KEYS": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "LOYALTY_LOG_LEVEL": "WARNING",
    }


def _free_port() -> int:
    """Below those that the system gives to outgoing connections, of which a load generator next to it opens many."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _await_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError, HTTPException):
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        connection.close()
        time.sleep(0.05)
    ended = log.read_text(errors="replace")[-4000:]
    raise SystemExit(f"The server on port {port} did not come up; its log ends with:\n{ended}")
