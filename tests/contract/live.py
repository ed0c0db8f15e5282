"""A service as it is started in earnest, in a process and with a database of its own, for the long runs."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.pace import HANG_SECONDS

KEY = "bootstrap-key-of-the-contract-0123456789"
START_SECONDS = HANG_SECONDS


@dataclass(frozen=True)
class Live:
    """A service that runs: its process, where it listens, its folder, and the file that its logs go to."""

    process: subprocess.Popen[str]
    address: str
    folder: Path
    logs: Path

    @property
    def headers(self) -> dict[str, str]:
        """An administrator's."""
        return {"Authorization": f"Bearer {KEY}"}

    @property
    def port(self) -> int:
        """On 127.0.0.1."""
        return int(self.address.rpartition(":")[2])

    def memory_bytes(self) -> int:
        """Resident memory of the process and its workers, without PostgreSQL."""
        total = 0
        root = psutil.Process(self.process.pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.name() != "postgres":
                    total += process.memory_info().rss
        return total

    def verify(self) -> subprocess.CompletedProcess[str]:
        """`loyalty verify` of its database."""
        return run("verify", LOYALTY_DATA_DIR=str(self.folder))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command of `loyalty`, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )


@contextlib.contextmanager
def serving(folder: Path, **environment: str) -> Generator[Live]:
    """A service on any free port, with its embedded PostgreSQL under `folder` unless `environment` names another."""
    settings = {
        "LOYALTY_PORT": "0",
        "LOYALTY_DATA_DIR": str(folder),
        "LOYALTY_BOOTSTRAP_KEY": KEY,
        "LOYALTY_WORKERS": "1",
        **environment,
    }
    logs = folder / "service.log"
    with (
        logs.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = re.search(r"http://[^, ]+", line)
            assert address is not None, (line, logs.read_text())
            _await_ready(address.group())
            yield Live(process, address.group(), folder, logs)
        finally:
            process.terminate()
            process.wait(HANG_SECONDS)


def _await_ready(address: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError("The service did not get ready.")


@contextlib.contextmanager
def own_folder() -> Generator[Path]:
    """An empty folder in which PostgreSQL may run, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="loyalty-contract-") as folder:
        yield Path(folder)
