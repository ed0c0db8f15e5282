"""Whether the service keeps its speed as members come: `python -m bench.growth`.

The same loads on databases of different sizes, each with a service of its own, all on one server; each figure is taken
on every size in turn, and held against the same on 100,000 members, or on the fewest.
"""

import argparse
import asyncio
import contextlib
import json
import math
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg

from app.embedded import EmbeddedServer
from app.ledger.connection import Connection
from app.security.keys import MintedKey, mint_key
from bench import big, load
from bench.database import Databases, add_key, address, shown_settings
from bench.load import Load, require_wrk
from bench.machine import Meter, Usage, allow_files, busy_elsewhere, machine
from bench.options import Options
from bench.options import parse as parse_bench
from bench.report import RESULTS, table
from bench.service import Service, service

TARGET: Final = 0.9
COMPARED: Final = 100_000
WARM_UP_SECONDS: Final = 5

# What an order reads and changes anywhere; entries and lots themselves it adds at the end of their tables.
_TOUCHED: Final = """
SELECT pg_relation_filepath(oid) AS path FROM pg_class
 WHERE oid = 'account'::regclass
    OR oid IN (SELECT indexrelid FROM pg_index
                WHERE indrelid IN ('account'::regclass, 'lot'::regclass, 'entry'::regclass))
"""
_READ_AT_ONCE: Final = 1 << 24
FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "accrue": ("accruals", "accrual"),
    "redeem": ("redemptions of a point, 5 lots a member", "redeem"),
    "status": ("member status", "status"),
}


class Taken(NamedTuple):
    """One measurement: operations a second, milliseconds, answers that failed."""

    value: float
    p50_ms: float
    p99_ms: float
    failures: int
    usage: Usage


class Sized(NamedTuple):
    """A database of so many members, with a service on it."""

    members: int
    service: Service
    bytes_before: int
    url: str


Samples = dict[str, dict[int, list[Taken]]]


def main() -> None:
    """Exit code 1 if an answer failed, not for a missed target."""
    given = _parse()
    require_wrk()
    allow_files()
    began, elsewhere = datetime.now(UTC), busy_elsewhere()
    sizes: list[int] = sorted(set(given.members))
    with _folder(given.folder) as folder:
        filled = big.fill(folder, sizes, has_campaigns=not given.no_campaigns, tell=_tell)
        with EmbeddedServer(folder) as server, contextlib.ExitStack() as running:
            settings = asyncio.run(_settings(server.url))
            postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
            options = parse_bench(["--workers", str(given.workers)])
            sized = [
                running.enter_context(_served(server.url, members, folder, postmaster, settings, options))
                for members in sizes
            ]
            for each in sized:
                asyncio.run(_read_what_orders_touch(folder, each))
            samples = _measure(sized, given, postmaster)
            told = {
                "began": began.isoformat(timespec="seconds"),
                "options": {name: value for name, value in vars(given).items() if name != "folder"},
                "machine": machine(folder),
                "postgresql": settings,
                "elsewhere": elsewhere,
                "sizes": [
                    {
                        "members": each.members,
                        "bytes": each.bytes_before,
                        "filled_seconds": filled.get(each.members),
                    }
                    for each in sized
                ],
            }
    text = _table(samples, told)
    print(f"\n{text}")
    if not given.smoke:
        path = RESULTS / f"growth-{began:%Y-%m-%dT%H%M}Z.json"
        figures = {
            figure: {
                str(members): [{**each._asdict(), "usage": each.usage._asdict()} for each in taken]
                for members, taken in by_size.items()
            }
            for figure, by_size in samples.items()
        }
        path.write_text(json.dumps({**told, "growth": figures}, indent=1, ensure_ascii=False) + "\n")
        print(f"\nKept in {path}")
    failures = sum(
        each.failures for by_size in samples.values() for taken in by_size.values() for each in taken
    )
    if failures:
        print(f"{failures} answers failed", file=sys.stderr)
    sys.exit(1 if failures else 0)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument(
        "--members",
        type=int,
        nargs="+",
        default=[20_000, COMPARED, 1_000_000],
        help="the sizes (%(default)s)",
    )
    parser.add_argument("--runs", type=int, default=3, help="how often each figure is taken (%(default)s)")
    parser.add_argument("--seconds", type=int, default=8, help="length of each (%(default)s)")
    parser.add_argument("--connections", type=int, default=128, help="of the load generator (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes of each service (%(default)s)")
    parser.add_argument(
        "--folder", type=Path, help="for the databases, kept and used again (default: a scratch folder)"
    )
    parser.add_argument("--no-campaigns", action="store_true", help="none live")
    parser.add_argument("--note", default="", help="what else ran on the machine, for the record")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: only tells whether it works")
    given = parser.parse_args()
    if given.smoke:
        given.members, given.runs, given.seconds = [200, 400], 1, 1
        given.connections, given.workers = 16, 1
    return given


@contextlib.contextmanager
def _folder(kept: Path | None) -> Generator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="loyalty-growth-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- what runs -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _served(
    server: str, members: int, folder: Path, postmaster: int, settings: dict[str, str], options: Options
) -> Generator[Sized]:
    """A service on the database of that size, asked with a new key."""
    url, key = address(server, big.name_of(members)), mint_key()
    size = asyncio.run(_admit(url, key))
    here = Databases(
        server=server,
        empty=url,
        service=url,
        baseline=url,
        fresh=url,
        key=key,
        postmaster=postmaster,
        folder=folder,
        settings=settings,
    )
    with service(here, options, module="app.cli") as served:
        yield Sized(members, served, size, url)


async def _admit(url: str, key: MintedKey) -> int:
    """Have the database know the key; its size in bytes."""
    connection: Connection = await asyncpg.connect(url)
    try:
        await add_key(connection, key)
        return await connection.fetchval("SELECT pg_database_size(current_database())")
    finally:
        await connection.close()


async def _settings(url: str) -> dict[str, str]:
    connection: Connection = await asyncpg.connect(url)
    try:
        return await shown_settings(connection)
    finally:
        await connection.close()


async def _read_what_orders_touch(folder: Path, sized: Sized) -> None:
    """Read the accounts and all indexes into the memory of the system, where they are on a server that has been up for
    long: filling left there what was written last, and the loads of a benchmark would need hours to bring them back.
    """
    connection: Connection = await asyncpg.connect(sized.url)
    try:
        rows = await connection.fetch(_TOUCHED)
    finally:
        await connection.close()
    began, size = time.perf_counter(), 0
    for row in rows:
        first = folder / "postgres" / row["path"]
        for file in (first, *first.parent.glob(f"{first.name}.*")):  # in segments of a GiB
            with file.open("rb", buffering=0) as read:
                while got := len(read.read(_READ_AT_ONCE)):
                    size += got
    _tell(f"{sized.members:,} members: {size / 2**30:.1f} GiB read in {time.perf_counter() - began:,.0f} s.")


# --- how it is measured ----------------------------------------------------------------------------------


def _measure(sized: Sequence[Sized], given: argparse.Namespace, postmaster: int) -> Samples:
    samples: Samples = {figure: {each.members: [] for each in sized} for figure in FIGURES}
    if not given.smoke:
        _tell("Warming up ...")
        for each in sized:
            for figure in FIGURES:
                _take(figure, each, given, postmaster, seconds=WARM_UP_SECONDS)
    for number in range(1, given.runs + 1):
        for figure, (title, _) in FIGURES.items():
            for each in sized:
                taken = _take(figure, each, given, postmaster, seconds=given.seconds)
                samples[figure][each.members].append(taken)
                _tell(f"{number}/{given.runs} {title}, {each.members:,} members: {taken.value:,.0f} /s")
    return samples


def _take(figure: str, on: Sized, given: argparse.Namespace, postmaster: int, *, seconds: int) -> Taken:
    meter = Meter(service=on.service.pid, database=postmaster)
    sending = Load(FIGURES[figure][1], "u", on.members, given.connections)
    if given.smoke:
        answered = load.send_for_a_moment(sending, on.service, seconds=seconds)[-1]
    else:
        answered = load.send(sending, on.service, seconds=seconds)
    return Taken(
        answered.operations / answered.seconds,
        answered.p50_ms,
        answered.p99_ms,
        answered.failures or int(not answered.operations),
        meter.read(load_seconds=answered.load_cpu_seconds),
    )


# --- what came out ---------------------------------------------------------------------------------------


def ratios(mine: Sequence[float], its: Sequence[float]) -> list[float]:
    """Round by round."""
    return [own / other if other else math.inf for own, other in zip(mine, its, strict=True)]


def compared(sizes: Sequence[int]) -> int:
    """The size that the others are held against."""
    return COMPARED if COMPARED in sizes else min(sizes)


def _table(samples: Samples, told: Mapping[str, Any]) -> str:
    where, options = told["machine"], told["options"]
    sizes = [each["members"] for each in told["sizes"]]
    base = compared(sizes)
    lines = [
        [
            "figure",
            "members",
            "measured",
            f"beside {base:,}",
            "target",
            "",
            "p50 / p99",
            "service",
            "PostgreSQL",
        ]
    ]
    for figure, by_size in samples.items():
        for members, taken in by_size.items():
            found = ratios([each.value for each in taken], [each.value for each in by_size[base]])
            middle = statistics.median(found)
            spread = f"{middle:.2f} ({min(found):.2f} to {max(found):.2f})"
            values = [each.value for each in taken]
            lines.append(
                [
                    FIGURES[figure][0],
                    f"{members:,}",
                    f"{statistics.median(values):,.0f} /s ({min(values):,.0f} to {max(values):,.0f})",
                    "" if members == base else spread,
                    f"≥ {TARGET} ×" if members > base else "",
                    ("✓" if middle >= TARGET else "✗") if members > base else "",
                    (
                        f"{statistics.median(each.p50_ms for each in taken):.1f} / "
                        f"{statistics.median(each.p99_ms for each in taken):.1f} ms"
                    ),
                    f"{statistics.median(each.usage.service for each in taken):.2f}",
                    f"{statistics.median(each.usage.database for each in taken):.2f}",
                ]
            )
    stored = "; ".join(
        f"{each['members']:,} members {each['bytes'] / 2**30:.2f} GiB"
        + (f", filled in {each['filled_seconds']:,.0f} s" if each["filled_seconds"] else "")
        for each in told["sizes"]
    )
    note = f" {options['note'].rstrip('.')}." if options["note"] else ""
    return (
        f"{told['began'][:10]}: {where['cores']} cores ({where['processor']}), {where['memory_gib']} GiB, "
        f"{where['file_system']}; {big.ORDERS_EACH} lots a member; {options['workers']} workers a service, "
        f"{options['connections']} connections; each figure {options['runs']} × {options['seconds']} s, in turn. "
        f"On disk: {stored}.{note}\n\n{table(lines)}"
    )


def _tell(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
