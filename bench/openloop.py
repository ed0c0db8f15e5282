"""Load in an open loop: so many orders a second whatever the answers are, by vegeta.

Each latency counts from the moment its order was due: what the generator sends late, because it or the machine was
busy, has waited too.
"""

import base64
import contextlib
import csv
import os
import random
import secrets
import shutil
import subprocess
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from bench.load import TIMEOUT_SECONDS, children_time
from bench.service import Service

# Left out: connections are made, and the service learns what it can do.
BEGINNING_SECONDS: Final = 1.0
# At most. Without a bound the generator opens another for each order that waits, and comes to spend its processor on
# opening them: in four of six rounds nothing was sent any more, and the service was idle.
CONNECTIONS: Final = 1_000
OVERLOADED: Final = 503
LONGEST_FIELD: Final = 1 << 20


class Answer(NamedTuple):
    """One order's. `status` 0 is none, and `error` says why; `after_ms` counts from when the order was due,
    `at_seconds` from the first.
    """

    status: int
    after_ms: float
    at_seconds: float
    late_ms: float  # how much later than due it was sent
    error: str


class Flood(NamedTuple):
    """What came back. Rates and latencies are those after the beginning; latencies are None where there was no such
    answer.
    """

    accepted: int
    accepted_per_second: float
    p50_ms: float | None
    p99_ms: float | None
    refused: int
    refusal_p50_ms: float | None
    refusal_p99_ms: float | None
    failures: int
    late_p99_ms: float
    load_cpu_seconds: float


def require_vegeta() -> None:
    """Raises SystemExit with a sentence if there is no vegeta."""
    if _vegeta() is None:
        raise SystemExit(
            "The load generator vegeta is not installed: `go install github.com/tsenart/vegeta/v12@v12.13.0`, "
            "`brew install vegeta`, or see https://github.com/tsenart/vegeta."
        )


def _vegeta() -> str | None:
    """The program: on the path, or where Go puts what it installs."""
    return shutil.which("vegeta") or shutil.which("vegeta", path=str(Path.home() / "go" / "bin"))


def processors_left() -> int | None:
    """How many processors `apart` leaves to the service and PostgreSQL; None where it does nothing."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) == 1:
        return None
    return len(os.sched_getaffinity(0)) - 1


@contextlib.contextmanager
def apart(service: Service, postmaster: int | None) -> Generator[None]:
    """While the block runs, the last processor is the generators' alone, all others are the service's and PostgreSQL's.

    A generator that keeps sending under overload would else take what it measures. Nothing is done where there is one
    processor, or where processes can't be bound to any.
    """
    if processors_left() is None:
        yield
        return
    all_of_them = os.sched_getaffinity(0)
    *others, last = sorted(all_of_them)
    try:
        _bind(service.pid, others)
        _bind(postmaster, others)
        os.sched_setaffinity(0, {last})  # what is started from here inherits it
        yield
    finally:
        os.sched_setaffinity(0, all_of_them)
        _bind(service.pid, sorted(all_of_them))
        _bind(postmaster, sorted(all_of_them))


def _bind(pid: int | None, processors: Sequence[int]) -> None:
    if pid is None:
        return
    root = psutil.Process(pid)
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            for thread in process.threads():
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(thread.id, processors)


def flood(service: Service, folder: Path, *, members: int, per_second: float, seconds: int) -> Flood:
    """Send orders of members `u-1` to `u-<members>`, evenly in time; `folder` is for what is sent and what comes back.

    A generator that can't keep its pace is told by `late_p99_ms`.
    """
    orders, answers = folder / "orders.json", folder / "answers.bin"
    rate = max(round(per_second), 1)
    _write_orders(orders, service, members=members, count=rate * (seconds + 1))  # it may ask for one more
    program = _vegeta()
    assert program is not None
    command = [
        program, "attack", "-format=json", f"-targets={orders}", f"-rate={rate}", f"-duration={seconds}s",
        f"-timeout={TIMEOUT_SECONDS}s", f"-max-workers={CONNECTIONS}", "-max-body=0", f"-output={answers}",
        "-header", f"Authorization: Bearer {service.key}", "-header", "Content-Type: application/json",
    ]  # fmt: skip
    with children_time() as used:
        subprocess.run(command, check=True)
    found = _read(program, answers, per_second=rate)
    orders.unlink()
    answers.unlink()
    for told, times in _failures(found).most_common():
        print(f"{times} orders failed: {told}", flush=True)
    return _summed(found, seconds=seconds, load_cpu_seconds=used())


def _failures(found: Sequence[Answer]) -> Counter[str]:
    """What was neither accepted nor refused, by why: the status, or the generator's words without the addresses."""
    return Counter(
        answer.error.rpartition(": ")[2] or str(answer.status)
        for answer in found
        if answer.status // 100 != 2 and answer.status != OVERLOADED
    )


def _write_orders(path: Path, service: Service, *, members: int, count: int) -> None:
    run = secrets.token_hex(4)
    address = f"http://127.0.0.1:{service.port}/v1/members/u-"
    with path.open("w") as file:
        for number in range(count):
            body = f'{{"order_id":"{run}-{number}","amount":{random.randint(1_000, 30_000)},"settle":"now"}}'
            file.write(
                f'{{"method":"POST","url":"{address}{random.randint(1, members)}/accruals",'
                f'"body":"{base64.b64encode(body.encode()).decode()}"}}\n'
            )


def _read(program: str, path: Path, *, per_second: int) -> list[Answer]:
    """The answers vegeta recorded; the first of its lines that were sent in time tells when the others were due."""
    csv.field_size_limit(LONGEST_FIELD)
    with subprocess.Popen(
        [program, "encode", "-to=csv", path], stdout=subprocess.PIPE, text=True
    ) as encoding:
        assert encoding.stdout is not None
        lines = [
            (int(line[0]), int(line[1]), int(line[2]), int(line[8]), line[5])
            for line in csv.reader(encoding.stdout)
        ]
    interval_ns = 1e9 / per_second
    began_ns = min(sent_ns - number * interval_ns for sent_ns, _, _, number, _ in lines)
    found: list[Answer] = []
    for sent_ns, status, took_ns, number, error in lines:
        sent = sent_ns - began_ns
        late = sent - number * interval_ns
        found.append(Answer(status, (late + took_ns) / 1e6, (sent + took_ns) / 1e9, late / 1e6, error))
    return found


def _summed(found: Sequence[Answer], *, seconds: int, load_cpu_seconds: float) -> Flood:
    beginning = min(BEGINNING_SECONDS, seconds / 4)
    accepted = [answer for answer in found if answer.status // 100 == 2]
    refused = [answer for answer in found if answer.status == OVERLOADED]
    taken_ms = _in_order(accepted, since=beginning)
    refused_ms = _in_order(refused, since=beginning)
    counted = sum(beginning <= answer.at_seconds < seconds for answer in accepted)
    return Flood(
        accepted=len(accepted),
        accepted_per_second=counted / (seconds - beginning),
        p50_ms=_quantile(taken_ms, 0.5),
        p99_ms=_quantile(taken_ms, 0.99),
        refused=len(refused),
        refusal_p50_ms=_quantile(refused_ms, 0.5),
        refusal_p99_ms=_quantile(refused_ms, 0.99),
        failures=len(found) - len(accepted) - len(refused),
        late_p99_ms=_quantile(sorted(answer.late_ms for answer in found), 0.99) or 0.0,
        load_cpu_seconds=load_cpu_seconds,
    )


def _in_order(answers: Sequence[Answer], *, since: float) -> list[float]:
    """How long they took, in ms, of those that were due `since` so many seconds after the first."""
    return sorted(answer.after_ms for answer in answers if answer.at_seconds - answer.after_ms / 1e3 >= since)


def _quantile(in_order: Sequence[float], share: float) -> float | None:
    return in_order[min(int(len(in_order) * share), len(in_order) - 1)] if in_order else None
