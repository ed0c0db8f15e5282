"""Bad input at length, against a service of its own: `make fuzz`.

    python -m tests.contract [--seed N] [--requests N] [--minutes N]

1. malformed requests, one after another, over every operation
2. connections as they shouldn't be
3. schemathesis with all of its checks over every operation, with ids that lead somewhere
4. `loyalty verify`

Prints a table and what was wrong; exits 1 if anything was. The service has one worker and an embedded PostgreSQL, on
loopback, in a temporary folder.
"""

# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.contract.bad_input import Findings, send_malformed
from tests.contract.connections import CASES, try_connections
from tests.contract.fuzzing import KNOWN_IDS
from tests.contract.live import KEY, Live, own_folder, serving
from tests.contract.operations import operations
from tests.contract.shop import Shop

SLOW_SECONDS = 1.0
GROWTH_BYTES = 256 * 1024 * 1024
"""What a worker may take more after all that was sent than before."""
KNOWN_OF_EACH = 3
MEMORY_EVERY = 50  # requests


def main() -> int:
    """Run all of it; the exit code."""
    options = _options()
    with own_folder() as folder, serving(folder, LOYALTY_LOG_LEVEL="warning") as live:
        print(f"seed {options.seed}, {live.address}, logs in {live.logs}", flush=True)
        faults = asyncio.run(_bad_input(live, options))
        faults += _schemathesis(live, options)
        faults += _afterwards(live)
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"{len(faults)} faults, seed {options.seed}")
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.contract")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="what repeats a run; default: the time"
    )
    parser.add_argument("--requests", type=int, default=10_000, help="malformed requests")
    parser.add_argument("--minutes", type=float, default=20, help="for schemathesis; 0 leaves it out")
    return parser.parse_args()


async def _nothing(_backtest: str) -> None:
    """Let a backtest wait: the service carries out one after another."""


async def _bad_input(live: Live, options: argparse.Namespace) -> list[str]:
    before = peak = live.memory_bytes()

    def look(number: int) -> None:
        nonlocal peak
        if number % MEMORY_EVERY == 0:
            peak = max(peak, live.memory_bytes())

    async with httpx.AsyncClient(base_url=live.address, headers=live.headers, timeout=60) as admin:
        shop = Shop(admin, carry_out=_nothing)
        began = time.monotonic()
        found = await send_malformed(
            live.port, shop, KEY, seed=options.seed, count=options.requests, each=look
        )
        took = time.monotonic() - began
        faults = [f"malformed: {fault}" for fault in found.faults]
        faults += [f"connections: {fault}" for fault in await try_connections(live.port, KEY)]
        known_ids = await _known_ids(shop)
    _known_ids_file(live).write_text(json.dumps(known_ids))
    after = live.memory_bytes()
    _tell(found, seconds=took, memory_bytes=(before, max(peak, after), after))
    for fault in faults:
        print(f"  fault: {fault}", flush=True)  # here too: schemathesis may be cut short
    if found.slowest[0] > SLOW_SECONDS:
        faults.append(f"slow: {found.slowest[0]:.2f} s for {found.slowest[1]}")
    if after - before > GROWTH_BYTES:
        faults.append(f"memory: {(after - before) / 2**20:,.0f} MiB more than before")
    return faults


def _tell(found: Findings, *, seconds: float, memory_bytes: tuple[int, int, int]) -> None:
    print(f"malformed requests  {found.sent:>8,}  in {seconds:.0f} s, one after another")
    for status, count in sorted(found.statuses.items()):
        print(f"  answered {status:<8} {count:>9,}")
    print(
        f"  problems told     {len(found.codes):>8,}  "
        + ", ".join(code or "none" for code, _ in found.codes.most_common(8))
    )
    print(f"  slowest           {found.slowest[0] * 1000:>8,.0f}  ms: {found.slowest[1]}")
    print(
        "  memory            "
        + " -> ".join(f"{size / 2**20:,.0f}" for size in memory_bytes)
        + " MiB: before, most, after"
    )
    print(f"connections         {len(CASES):>8,}  kinds", flush=True)


def _known_ids_file(live: Live) -> Path:
    return live.folder / "known_ids.json"


async def _known_ids(shop: Shop) -> dict[str, dict[str, list[str]]]:
    """Make what is there for each operation; its ids, by operation and name."""
    ids: dict[str, dict[str, list[str]]] = {}
    for operation in operations():
        for _ in range(KNOWN_OF_EACH):
            for name, value in (await shop.call(operation)).values.items():
                ids.setdefault(operation.name, {}).setdefault(name, []).append(value)
    return ids


def _schemathesis(live: Live, options: argparse.Namespace) -> list[str]:
    if not options.minutes:
        return []
    command = [
        Path(sys.executable).with_name("st"), "run", f"{live.address}/openapi.json", "--checks", "all",
        "--header", f"Authorization: Bearer {KEY}", "--continue-on-failure", "--warnings", "off", "--no-color",
        "--seed", str(options.seed), "--max-time", str(round(options.minutes * 60)),
    ]  # fmt: skip
    environment = os.environ | {KNOWN_IDS: str(_known_ids_file(live))}
    done = subprocess.run(command, env=environment, check=False)
    return [f"schemathesis: see above, and {live.logs}"] if done.returncode else []


def _afterwards(live: Live) -> list[str]:
    faults: list[str] = []
    for line in live.logs.read_text().splitlines():
        if not line.startswith("{"):
            faults.append(f"log: {line[:200]}")
        elif json.loads(line)["level"] in ("error", "critical"):
            faults.append(f"log: {line[:2000]}")
    verified = live.verify()
    print(verified.stdout.strip())
    if verified.returncode:
        faults.append(f"verify: exit {verified.returncode}, {verified.stderr.strip()[:500]}")
    return faults


if __name__ == "__main__":
    sys.exit(main())
