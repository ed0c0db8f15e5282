"""What to measure, how long and how often."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from bench.targets import ROWS

# Members with 50 lots each, members with coupons, and members whose status never changes while it is read.
HOLDERS = 20_000
SHOPPERS = 20_000
READERS = 10_000
LOTS_EACH = 50
WARM_UP_SECONDS = 2
# Claims of a coupon rush, and how many of them there is a coupon for.
CLAIMS = 20_000
CLAIMS_A_COUPON = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run of the benchmark. `database_url` None: the embedded server, in a scratch folder."""

    rows: tuple[str, ...]
    runs: int
    seconds: int
    members: int
    holders: int
    shoppers: int
    claims: int
    readers: int
    connections: int
    batch_connections: int
    workers: int
    p1_clients: tuple[int, ...]
    lots: int  # that expire
    import_members: int
    has_campaigns: bool
    database_url: str | None
    note: str
    is_smoke: bool


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; exits with 2 and a sentence if it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the service beside what it is measured against; see bench/README.md.",
    )
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help=f"rows to measure (default: all): {', '.join(ROWS)}"
    )
    parser.add_argument("--runs", type=int, default=5, help="how often each figure is taken (%(default)s)")
    parser.add_argument("--seconds", type=int, default=8, help="length of each (%(default)s)")
    parser.add_argument("--members", type=int, default=100_000, help="members who buy (%(default)s)")
    parser.add_argument("--connections", type=int, default=128, help="of the load generator (%(default)s)")
    parser.add_argument(
        "--batch-connections", type=int, default=8, help="that send batches at once (%(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes of the service (%(default)s)")
    parser.add_argument("--lots", type=int, default=250_000, help="that expire at once (%(default)s)")
    parser.add_argument("--import-members", type=int, default=50_000, help="brought along (%(default)s)")
    parser.add_argument("--no-campaigns", action="store_true", help="none live, to look at what they cost")
    parser.add_argument("--database-url", help="a server to use, as a user who may create databases")
    parser.add_argument("--note", default="", help="what else ran on the machine, for the record")
    parser.add_argument(
        "--smoke", action="store_true", help="tiny figures in under a minute: only tells whether it works"
    )
    given = parser.parse_args(arguments)
    unknown = [row for row in given.rows if row not in ROWS]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    if given.no_campaigns and "campaigns" in given.rows:
        parser.error("the row campaigns needs them: leave --no-campaigns out")
    smoke: bool = given.smoke
    return Options(
        rows=tuple(given.rows or (row for row in ROWS if row != "campaigns" or not given.no_campaigns)),
        runs=1 if smoke else given.runs,
        seconds=1 if smoke else given.seconds,
        members=2_000 if smoke else given.members,
        holders=200 if smoke else HOLDERS,
        shoppers=200 if smoke else SHOPPERS,
        claims=400 if smoke else min(CLAIMS, given.members),
        readers=200 if smoke else READERS,
        connections=16 if smoke else given.connections,
        batch_connections=2 if smoke else given.batch_connections,
        workers=given.workers,
        p1_clients=(8,) if smoke else (8, 16, 32, 64, 128),
        lots=1_000 if smoke else given.lots,
        import_members=500 if smoke else given.import_members,
        has_campaigns=not given.no_campaigns,
        database_url=given.database_url,
        note=given.note,
        is_smoke=smoke,
    )
