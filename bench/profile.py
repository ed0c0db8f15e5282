"""Where a worker's time goes under load: `python -m bench.profile accruals` (any figure taken over HTTP).

One worker runs in this process while wrk loads it from outside. A timer of the process's own processor time
interrupts it a few hundred times a second and notes the stack: nothing is slowed down by being counted.
"""

import base64
import contextlib
import os
import re
import secrets
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Final

from uvicorn import Config, Server

from app.cli.protocol import Protocol
from app.config import Settings
from app.main import create_app
from app.telemetry import configure_logging
from bench.database import databases
from bench.load import require_wrk
from bench.options import parse
from bench.service import Service
from bench.stage import Stage
from bench.targets import FIGURES

INTERVAL_SECONDS: Final = 0.004
SHOWN: Final = 45
ROOT: Final = str(Path(__file__).resolve().parent.parent) + "/"


class Samples:
    """How often each function was on top of the stack, and how often anywhere in it."""

    def __init__(self) -> None:
        self.count = 0
        self.on_top: Counter[str] = Counter()
        self.within: Counter[str] = Counter()

    def note(self, _number: int, frame: FrameType | None) -> None:
        self.count += 1
        if frame is not None:
            self.on_top[_name(frame)] += 1
        seen: set[str] = set()
        while frame is not None:
            seen.add(_name(frame))
            frame = frame.f_back
        self.within.update(seen)

    def tell(self) -> None:
        for title, counter in (("own time", self.on_top), ("with all it calls", self.within)):
            print(f"\n{title}, % of {self.count:,} samples")
            for name, count in counter.most_common(SHOWN):
                print(f"{100 * count / max(self.count, 1):5.1f}  {name}")


def _name(frame: FrameType) -> str:
    path = re.sub(r".*/(site-packages|python3\.\d+)/", "", frame.f_code.co_filename)
    return f"{frame.f_code.co_qualname}  {path.removeprefix(ROOT)}"


def main() -> None:
    """Profile one figure (the first argument) for `--seconds`."""
    figure = sys.argv[1] if len(sys.argv) > 1 else "accruals"
    options = parse(["accruals", *sys.argv[2:]])
    require_wrk()
    configure_logging("WARNING")
    with databases(options) as filled, _listener() as listener:
        settings = Settings(
            database_url=filled.service,
            bootstrap_key=secrets.token_urlsafe(32),  # pyright: ignore[reportArgumentType]
            pii_keys=f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",  # pyright: ignore[reportArgumentType]
        )
        server = Server(
            Config(
                create_app(settings),
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                http=Protocol,
                ws="none",
            )
        )
        samples = Samples()
        signal.signal(signal.SIGPROF, samples.note)
        served = Service(listener.getsockname()[1], os.getpid(), filled.key.key)
        stage = Stage(options=options, databases=filled, service=served, confined=None, c0=None)
        loading = threading.Thread(target=_load, args=(stage, figure, server))
        loading.start()
        server.run(sockets=[listener])
        loading.join()
    samples.tell()


@contextlib.contextmanager
def _listener() -> Generator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        yield listener


def _load(stage: Stage, figure: str, server: Server) -> None:
    """Send the load from a thread that sleeps meanwhile; signals are taken by the main thread."""
    try:
        stage.prepare([figure])
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)
        taken = stage.take(figure)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(f"{figure}: {taken.value:,.2f} {FIGURES[figure].unit} with one worker, {taken.failures} failed")
    finally:
        server.should_exit = True


if __name__ == "__main__":
    main()
