"""Load over HTTP: wrk with the scripts beside this file, one thread."""

import contextlib
import json
import os
import resource
import secrets
import shutil
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final, NamedTuple

from bench.service import Service

SCRIPTS: Final = Path(__file__).parent / "wrk"
TIMEOUT_SECONDS: Final = 20
PATIENT_SECONDS: Final = 15


class Load(NamedTuple):
    """What to send: a script, to whom (members `prefix-1` to `prefix-members`), over how many connections."""

    script: str
    prefix: str
    members: int
    connections: int
    etags: Path | None = None
    first: int = 0  # of the checkouts
    template: str = ""  # whose coupons are claimed


class Answered(NamedTuple):
    """What came back. `operations` are what the script counts: requests, unless it counts better; `started`
    those it began.
    """

    requests: int
    operations: int
    started: int
    seconds: float
    bytes_each: float
    p50_ms: float
    p99_ms: float
    failures: int
    load_cpu_seconds: float


def require_wrk() -> None:
    """Raises SystemExit with a sentence if there is no wrk."""
    if shutil.which("wrk") is None:
        raise SystemExit(
            "The load generator wrk is not installed: `apt-get install wrk`, `brew install wrk`, "
            "or see https://github.com/wg/wrk."
        )


def send(load: Load, service: Service, *, seconds: int) -> Answered:
    """Send for so many seconds, or until the script ends by itself.

    Answers other than 2xx, 304 and the refusals a script expects, and lost requests, count as failures.
    """
    environment = os.environ | {
        "BENCH_HOST": f"127.0.0.1:{service.port}",
        "BENCH_KEY": service.key,
        "BENCH_PREFIX": load.prefix,
        "BENCH_MEMBERS": str(load.members),
        "BENCH_RUN": secrets.token_hex(4),
        "BENCH_SEED": str(secrets.randbelow(2**31)),
        "BENCH_ETAGS": str(load.etags or ""),
        "BENCH_FIRST": str(load.first),
        "BENCH_TEMPLATE": load.template,
    }
    command = [
        "wrk", "--threads", "1", "--connections", str(load.connections), "--duration", f"{seconds}s",
        "--timeout", f"{TIMEOUT_SECONDS}s", "--script", f"{load.script}.lua", f"http://127.0.0.1:{service.port}",
    ]  # fmt: skip
    with children_time() as used:
        ran = subprocess.run(
            command, cwd=SCRIPTS, env=environment, capture_output=True, text=True, check=False
        )
    line = next((line for line in ran.stdout.splitlines() if line.startswith("RESULT ")), None)
    if ran.returncode != 0 or line is None:
        raise SystemExit(f"wrk failed with {load.script}.lua: {ran.stdout} {ran.stderr}")
    told = json.loads(line.removeprefix("RESULT "))
    lost = sum(told["lost"].values())
    if lost:
        print(f"{lost} requests lost: {told['lost']}", flush=True)
    return Answered(
        requests=told["requests"],
        operations=told.get("operations", told["requests"] - told["refused"]),
        started=told.get("started", told["requests"]),
        seconds=told["duration_us"] / 1e6,
        bytes_each=told["bytes"] / max(told["requests"], 1),
        p50_ms=told["p50_us"] / 1e3,
        p99_ms=told["p99_us"] / 1e3,
        failures=lost + told["refused"] - told.get("expected", 0) + told.get("failures", 0),
        load_cpu_seconds=used(),
    )


def send_for_a_moment(load: Load, service: Service, *, seconds: int) -> list[Answered]:
    """As `send`, for a run that only tells whether it works: once more, and for longer, where nothing came back in the
    first seconds, neither a failure nor what counts. A busy machine needs them to begin.
    """
    first = send(load, service, seconds=seconds)
    if first.operations or first.failures:
        return [first]
    rest = load._replace(first=load.first + first.started)
    return [first, send(rest, service, seconds=PATIENT_SECONDS)]


@contextlib.contextmanager
def children_time() -> Generator[Callable[[], float]]:
    """Tells the seconds of processor time of the children that ended since; the services have not."""
    before = _children_seconds()
    yield lambda: _children_seconds() - before


def _children_seconds() -> float:
    """Processor time of all children that have ended; the service and the database have not."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
