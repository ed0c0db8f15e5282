"""`loyalty verify`: every member's entries replayed, and compared with lots, coupons, checkouts and the account.

One REPEATABLE READ snapshot, some buckets at a time, so it runs on a live service and in memory that does not
grow with the ledger. The comparing is done where the rows are; what comes back is what differs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from app.domain.account import BUCKETS, bucket_of
from app.queries import verify_accounts as accounts
from app.queries import verify_activities as activities
from app.queries import verify_benefits as benefits
from app.queries import verify_campaigns as campaigns
from app.queries import verify_checks as checks
from app.queries import verify_coupons as coupons
from app.queries import verify_points as points
from app.queries import verify_referrals as referrals
from app.queries import verify_undone as undone

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

MOST_KEPT = 10_000
"""Differences named one by one; beyond these they are only counted."""

_PAIRS_AT_ONCE = 1_000

# The server compares in as many processes, each on some of the buckets, in one and the same snapshot.
_CONNECTIONS = 2

# So many buckets are looked at together as hold about so many entries: a bucket's rows lie scattered over the
# whole table, so that reading few buckets at a time reads most pages many times.
_ENTRIES_AT_ONCE = 1_000_000


class Difference(NamedTuple):
    """Something stored that is not what the ledger makes it; `member_id` is empty where it is no member's."""

    member_id: str
    what: str
    expected: str | None
    found: str | None


@dataclass(slots=True)
class Report:
    """What was compared, and what differs: all of it counted, the first `MOST_KEPT` named."""

    members: int = 0
    entries: int = 0
    lots: int = 0
    redemptions: int = 0
    coupons: int = 0
    checkouts: int = 0
    difference_count: int = 0
    differences: list[Difference] = field(default_factory=list[Difference])

    @property
    def agrees(self) -> bool:
        return self.difference_count == 0

    def add(self, difference: Difference) -> None:
        """Count one, and keep it while there is room."""
        self.difference_count += 1
        if len(self.differences) < MOST_KEPT:
            self.differences.append(difference)


async def verify(
    connect: Callable[[], Awaitable[Connection]], *, progress: Callable[[int, int], None] | None = None
) -> Report:
    """Compare everything. `progress` is told (buckets done, buckets in all) as it goes.

    Raises as asyncpg does when the database goes away.
    """
    report = Report()
    async with contextlib.AsyncExitStack() as opened:
        connections = [await _connected(connect, opened) for _ in range(_CONNECTIONS)]
        snapshot: str | None = None
        for connection in connections:
            await opened.enter_async_context(
                connection.transaction(isolation="repeatable_read", readonly=True)
            )
            if snapshot is None:
                snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            else:
                await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            await connection.execute(checks.SETTINGS)
        lowest_tiers: list[str] = await connections[0].fetchval(accounts.LOWEST_TIERS)
        entries: int = await connections[0].fetchval(checks.SIZE)
        step = min(max(BUCKETS * _ENTRIES_AT_ONCE // max(entries, 1), 1), BUCKETS // _CONNECTIONS)
        waiting = [(first, min(first + step, BUCKETS) - 1) for first in range(0, BUCKETS, step)][::-1]
        done = 0
        given: dict[str, Counter[str]] = {}
        granted: Counter[tuple[str, date | None]] = Counter()

        async def work(connection: Connection) -> None:
            nonlocal done
            while waiting:
                buckets = waiting.pop()
                await _verify_buckets(connection, buckets, lowest_tiers, report)
                await _count_given(connection, buckets, given)
                await _count_granted(connection, buckets, granted)
                done += buckets[1] - buckets[0] + 1
                if progress is not None:
                    progress(done, BUCKETS)

        tasks = [asyncio.create_task(work(connection)) for connection in connections]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await _compare_counters(connections[0], given, report)
        await _compare_budgets(connections[0], granted, report)
    return report


async def _connected(
    connect: Callable[[], Awaitable[Connection]], opened: contextlib.AsyncExitStack
) -> Connection:
    connection = await connect()
    opened.push_async_callback(connection.close)
    return connection


async def _verify_buckets(
    connection: Connection, buckets: tuple[int, int], lowest_tiers: Sequence[str], report: Report
) -> None:
    counts = await connection.fetchrow(checks.COUNTS, *buckets)
    assert counts is not None
    for name, count in counts.items():
        setattr(report, name, getattr(report, name) + count)
    await _compare(connection, accounts.ACCOUNTS, (*buckets, lowest_tiers), report)
    for comparison in (
        points.LOTS,
        points.REDEMPTIONS,
        points.REVIEWS,
        coupons.COUPONS,
        coupons.CHECKOUTS,
        benefits.GRANTS,
        activities.ACTIVITIES,
        activities.MISSIONS,
        campaigns.CAMPAIGNS,
        referrals.REFERRALS,
        referrals.INVITATIONS,
        referrals.REFERRERS,
        undone.UNDONE,
    ):
        await _compare(connection, comparison, buckets, report)
    for pairing in (*points.TRANSFERS, *coupons.NAMES, *referrals.REFERRAL_PAIRS):
        await _pair(connection, buckets, pairing, report)


async def _compare(
    connection: Connection, comparison: checks.Comparison, arguments: Sequence[object], report: Report
) -> None:
    broken: list[str] = []
    async for row in _rows(connection, comparison.statement, *arguments):
        member_id, place = row[0], row[1]
        for number, what in enumerate(comparison.names):
            expected, found = row[2 + 2 * number], row[3 + 2 * number]
            if expected == found:
                continue
            if what == accounts.CHAIN:
                broken.append(member_id)
            else:
                report.add(Difference(member_id, f"{place}{what}", expected, found))
    for member_id in broken:
        async for row in _rows(connection, accounts.BROKEN_ENTRIES, bucket_of(member_id), member_id):
            report.add(Difference(*row))


async def _pair(
    connection: Connection, buckets: tuple[int, int], pairing: checks.Pairing, report: Report
) -> None:
    """Every row has its other one, such as a transfer its receipt: which lives in another bucket."""
    waiting: list[tuple[str, str, str, object]] = []
    async for row in _rows(connection, pairing.rows, *buckets):
        waiting.append((row[0], row[1], row[2], row[3]))
        if len(waiting) == _PAIRS_AT_ONCE:
            await _match(connection, waiting, pairing, report)
            waiting = []
    if waiting:
        await _match(connection, waiting, pairing, report)


async def _match(
    connection: Connection,
    waiting: Sequence[tuple[str, str, str, object]],
    pairing: checks.Pairing,
    report: Report,
) -> None:
    members, places, keys, expected = zip(*waiting, strict=True)
    rows = await connection.fetch(pairing.partners, [bucket_of(place) for place in places], places, keys)
    for member_id, key, wanted, (found,) in zip(members, keys, expected, rows, strict=True):
        if found != wanted:
            told = None if found is None else str(found)
            report.add(Difference(member_id, f"{pairing.what} {key}", str(wanted), told))


async def _count_given(
    connection: Connection, buckets: tuple[int, int], given: dict[str, Counter[str]]
) -> None:
    """Add what was given out of each template: `issued`, and `discounted` by coupons locked or redeemed."""
    for template, *figures in await connection.fetch(coupons.GIVEN, *buckets):
        counter = given.setdefault(template, Counter())
        counter.update(dict(zip(("issued", "discounted"), figures, strict=True)))


async def _compare_counters(
    connection: Connection, given: Mapping[str, Counter[str]], report: Report
) -> None:
    """Each template's counter is what was given out of it, within its stock and budget."""
    unknown = dict(given)
    for row in await connection.fetch(coupons.COUNTERS):
        template = row["template"]
        really = unknown.pop(template, Counter[str]())
        limits = [("issued", row["stock"])]
        if row["budget"] is not None:  # else nobody counts it
            limits.append(("discounted", row["budget"]))
        for name, most in limits:
            if row[name] != really[name]:
                report.add(_of_template(template, name, really[name], row[name]))
            if most is not None and really[name] > most:
                report.add(_of_template(template, f"{name}, at most", most, really[name]))
    for template, really in unknown.items():
        report.add(_of_template(template, "issued", really["issued"], None))


async def _count_granted(
    connection: Connection, buckets: tuple[int, int], granted: Counter[tuple[str, date | None]]
) -> None:
    """Add the points each campaign gave: on each day, and in all (None)."""
    for campaign, day, more in await connection.fetch(campaigns.GRANTED, *buckets):
        granted[campaign, day] += more
        granted[campaign, None] += more


async def _compare_budgets(
    connection: Connection, granted: Mapping[tuple[str, date | None], int], report: Report
) -> None:
    """The shares of each budget add up to it, and what was granted of them is what the campaign gave: no more of it,
    and no less unless it gave without that limit for a time.
    """
    for row in await connection.fetch(campaigns.BUDGETS):
        budget, share, most = f"budget {row['budget']}", row["share"], row["most"]
        if most is not None and share != most:
            report.add(Difference("", f"{budget}, shares", str(most), None if share is None else str(share)))
        really = granted[row["campaign"], row["day"]]
        if row["granted"] > really or (row["is_all_of_it"] and row["granted"] < really):
            report.add(Difference("", f"{budget}, granted", str(really), str(row["granted"])))


def _of_template(template: str, what: str, expected: int, found: int | None) -> Difference:
    return Difference(
        "", f"template {template}, {what}", str(expected), None if found is None else str(found)
    )


async def _rows(
    connection: Connection, statement: str, *arguments: object
) -> AsyncGenerator[tuple[Any, ...]]:
    """The rows of a statement as they come, a thousand at a time."""
    async for row in connection.cursor(statement, *arguments, prefetch=1_000):
        yield tuple(row)
