"""`loyalty verify`: every member's entries replayed, and compared with lots, coupons, checkouts and the account.

One REPEATABLE READ snapshot, some buckets at a time, so it runs on a live service and in memory that does not
grow with the ledger. The comparing is done where the rows are, on several connections; what comes back is what differs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from app.domain.account import BUCKETS, bucket_of
from app.queries import verify_accounts as accounts
from app.queries import verify_activities as activities
from app.queries import verify_balances as balances
from app.queries import verify_benefits as benefits
from app.queries import verify_campaigns as campaigns
from app.queries import verify_checks as checks
from app.queries import verify_coupons as coupons
from app.queries import verify_lots as lots
from app.queries import verify_points as points
from app.queries import verify_referrals as referrals
from app.queries import verify_undone as undone
from app.queries.verify_checks import Comparison, Pairing

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

MOST_KEPT = 10_000
"""Differences named one by one; beyond these they are only counted."""

_PAIRS_AT_ONCE = 1_000
_MEMBERS_AT_ONCE = 200

# So many buckets are looked at together as hold about so much of the entries. Every share of them reads the tables
# whole, since a bucket's rows lie scattered over them, and sorts and joins what is its own: little of it in memory,
# more by way of the disk.
_BYTES_AT_ONCE = 1 << 30

_COMPARISONS: Mapping[str, Comparison] = {
    "standings": accounts.STANDINGS,
    "redemptions": points.REDEMPTIONS,
    "reviews": points.REVIEWS,
    "coupons": coupons.COUPONS,
    "checkouts": coupons.CHECKOUTS,
    "benefits": benefits.GRANTS,
    "activities": activities.ACTIVITIES,
    "missions": activities.MISSIONS,
    "campaigns": campaigns.CAMPAIGNS,
    "took part": campaigns.TOOK_PART,
    "referrals": referrals.REFERRALS,
    "invitations": referrals.INVITATIONS,
    "referrers": referrals.REFERRERS,
    "undone": undone.UNDONE,
}
_PAIRINGS: Mapping[str, Pairing] = {
    f"pairing {number}": pairing
    for number, pairing in enumerate((*points.TRANSFERS, *coupons.NAMES, *referrals.REFERRAL_PAIRS))
}
_EVERYTHING = checks.together(
    {
        **{name: comparison.statement for name, comparison in _COMPARISONS.items()},
        **{
            name: "SELECT member_id, place, ARRAY[key], ARRAY[told::text] "
            f"FROM ({pairing.rows}) AS pair (member_id, place, key, told)"
            for name, pairing in _PAIRINGS.items()
        },
        "given": "SELECT template, '', ARRAY[issued::text, discounted::text], ARRAY[]::text[] "
        f"FROM ({coupons.GIVEN}) AS given",
        "granted": "SELECT campaign, day::text, ARRAY[points::text], ARRAY[]::text[] "
        f"FROM ({campaigns.GRANTED}) AS granted",
        "figures": f"SELECT campaign, '', ARRAY[{', '.join(f'{name}::text' for name in campaigns.FIGURES)}], "
        f"ARRAY[]::text[] FROM ({campaigns.ADDED_UP}) AS added_up",
    },
    shared=campaigns.TOLD,
    of_points={
        "standings",
        "redemptions",
        *(name for name, pair in _PAIRINGS.items() if pair in points.TRANSFERS),
    },
)
"""All that is compared, for some buckets."""


class _Pair(NamedTuple):
    """A row that must have another one: at `place`, by `key`, which tells `expected`."""

    member_id: str
    place: str
    key: str
    expected: str | None


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


@dataclass(frozen=True, slots=True)
class _Run:
    """What the connections share: the report, and what is added up over all buckets."""

    report: Report
    lowest_tiers: Sequence[str]
    given: dict[str, Counter[str]] = field(default_factory=dict[str, "Counter[str]"])
    granted: Counter[tuple[str, date | None]] = field(default_factory=Counter[tuple[str, date | None]])
    figures: dict[str, Counter[str]] = field(default_factory=dict[str, "Counter[str]"])


async def verify(
    connect: Callable[[], Awaitable[Connection]],
    *,
    connections: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Compare everything, in as many processes of the server as `connections`. `progress` is told (steps done, steps in
    all) as it goes.

    Raises as asyncpg does when the database goes away.
    """
    report = Report()
    async with contextlib.AsyncExitStack() as opened:
        working = await _in_one_snapshot(connect, opened, connections)
        run = _Run(report, await working[0].fetchval(accounts.LOWEST_TIERS))
        size: int = await working[0].fetchval(checks.SIZE)
        step = min(max(BUCKETS * _BYTES_AT_ONCE // max(size, 1), 1), -(-BUCKETS // connections))
        shares = [(first, min(first + step, BUCKETS) - 1) for first in range(0, BUCKETS, step)]
        waiting = [(_count, shares[0]), *((_verify, share) for share in reversed(shares))]
        done, of = 0, len(waiting)

        async def work(connection: Connection) -> None:
            nonlocal done
            while waiting:
                task, buckets = waiting.pop()
                await task(connection, buckets, run)
                done += 1
                if progress is not None:
                    progress(done, of)

        tasks = [asyncio.create_task(work(connection)) for connection in working]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await _compare_counters(working[0], run.given, report)
        await _compare_budgets(working[0], run.granted, report)
        await _compare_figures(working[0], run.figures, report)
    return report


async def _in_one_snapshot(
    connect: Callable[[], Awaitable[Connection]], opened: contextlib.AsyncExitStack, count: int
) -> list[Connection]:
    """So many connections that all see the rows of the same moment."""
    snapshot: str | None = None
    connections: list[Connection] = []
    for _ in range(count):
        connection = await connect()
        opened.push_async_callback(connection.close)
        await opened.enter_async_context(connection.transaction(isolation="repeatable_read", readonly=True))
        if snapshot is None:
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
        else:
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        await connection.execute(checks.SETTINGS)
        connections.append(connection)
    return connections


async def _count(connection: Connection, _buckets: tuple[int, int], run: _Run) -> None:
    counts = await connection.fetchrow(checks.COUNTS)
    assert counts is not None
    for name, count in counts.items():
        setattr(run.report, name, count)


# --- some buckets ------------------------------------------------------------------------------------------


async def _verify(connection: Connection, buckets: tuple[int, int], run: _Run) -> None:
    closely: dict[str, set[str]] = {accounts.BALANCES: set(), accounts.LOTS: set()}
    pairs: dict[Pairing, list[_Pair]] = {}
    async for name, who, place, first, second in _rows_of_all(
        connection, _EVERYTHING, *buckets, run.lowest_tiers
    ):
        if name in _COMPARISONS:
            for difference in _differences(_COMPARISONS[name], who, place, first, second):
                if difference.what in closely:
                    closely[difference.what].add(who)
                else:
                    run.report.add(difference)
        elif name in _PAIRINGS:
            waiting = pairs.setdefault(_PAIRINGS[name], [])
            waiting.append(_Pair(who, place, first[0], second[0]))
            if len(waiting) == _PAIRS_AT_ONCE:
                await _match(connection, pairs.pop(_PAIRINGS[name]), _PAIRINGS[name], run.report)
        else:
            _SUMS[name](run, who, place, [int(figure) for figure in first])
    for pairing, waiting in pairs.items():
        await _match(connection, waiting, pairing, run.report)
    for members in _batches(sorted(closely[accounts.BALANCES])):
        await _compare_members(connection, balances.BALANCES, members, run.report)
        for row in await connection.fetch(balances.BROKEN, *members):
            run.report.add(Difference(*row))
    for members in _batches(sorted(closely[accounts.LOTS])):
        await _compare_members(connection, lots.LOTS, members, run.report)


def _batches(members: Sequence[str]) -> Iterator[tuple[list[int], Sequence[str]]]:
    """The members, some at a time, behind their buckets."""
    for first in range(0, len(members), _MEMBERS_AT_ONCE):
        some = members[first : first + _MEMBERS_AT_ONCE]
        yield [bucket_of(member_id) for member_id in some], some


async def _compare_members(
    connection: Connection, comparison: Comparison, members: tuple[list[int], Sequence[str]], report: Report
) -> None:
    for row in await connection.fetch(comparison.statement, *members):
        for difference in _differences(comparison, *row):
            report.add(difference)


def _differences(
    comparison: Comparison,
    member_id: str,
    place: str,
    expected: Sequence[str | None],
    found: Sequence[str | None],
) -> Iterator[Difference]:
    for what, wanted, stored in zip(comparison.names, expected, found, strict=True):
        if wanted != stored:
            yield Difference(member_id, f"{place}{what}", wanted, stored)


async def _match(connection: Connection, waiting: Sequence[_Pair], pairing: Pairing, report: Report) -> None:
    """Every row has its other one, such as a transfer its receipt: which lives in another bucket."""
    members, places, keys, wanted = zip(*waiting, strict=True)
    rows = await connection.fetch(pairing.partners, [bucket_of(place) for place in places], places, keys)
    for member_id, key, expected, (partner,) in zip(members, keys, wanted, rows, strict=True):
        found = None if partner is None else str(partner)
        if found != expected:
            report.add(Difference(member_id, f"{pairing.what} {key}", expected, found))


# --- what is added up over all buckets ---------------------------------------------------------------------


def _add_given(run: _Run, template: str, _place: str, figures: Sequence[int]) -> None:
    """Add what was given out of a template: `issued`, and `discounted` by coupons locked or redeemed."""
    issued, discounted = figures
    run.given.setdefault(template, Counter()).update(issued=issued, discounted=discounted)


def _add_granted(run: _Run, campaign: str, day: str, figures: Sequence[int]) -> None:
    """Add the points a campaign gave: on that day, and in all (None)."""
    [granted] = figures
    run.granted[campaign, date.fromisoformat(day)] += granted
    run.granted[campaign, None] += granted


def _add_figures(run: _Run, campaign: str, _place: str, figures: Sequence[int]) -> None:
    """Add what a campaign gave, and to how many."""
    told = dict(zip(campaigns.FIGURES, figures, strict=True))
    run.figures.setdefault(campaign, Counter()).update(told)


_SUMS: Mapping[str, Callable[[_Run, str, str, Sequence[int]], None]] = {
    "given": _add_given,
    "granted": _add_granted,
    "figures": _add_figures,
}


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


async def _compare_figures(
    connection: Connection, figures: Mapping[str, Counter[str]], report: Report
) -> None:
    """What each campaign's shares add up to is what the entries tell that it gave."""
    unknown = dict(figures)
    for campaign, *sums in await connection.fetch(campaigns.KEPT):
        told = unknown.pop(campaign, Counter[str]())
        for name, found in zip(campaigns.FIGURES, sums, strict=True):
            if found != told[name]:
                report.add(Difference("", f"campaign {campaign}, {name}", str(told[name]), str(found)))
    for campaign in unknown:
        report.add(Difference("", f"campaign {campaign}, figures", "present", "missing"))


def _of_template(template: str, what: str, expected: int, found: int | None) -> Difference:
    return Difference(
        "", f"template {template}, {what}", str(expected), None if found is None else str(found)
    )


async def _rows_of_all(
    connection: Connection, statement: str, *arguments: object
) -> AsyncGenerator[tuple[Any, ...]]:
    """The rows of a statement over whole tables as they come, a thousand at a time; others may be asked meanwhile."""
    await connection.execute(checks.OF_ALL)
    cursor = await connection.cursor(statement, *arguments)
    await connection.execute(checks.OF_SOME)
    while rows := await cursor.fetch(1_000):
        for row in rows:
            yield tuple(row)
