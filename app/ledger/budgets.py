"""What is left of the budgets of campaigns, in shares: a process draws from its own, without waiting for others.

Row 0 of a budget holds what nobody took yet. A share that does not reach is filled up while all rows of the budget are
locked: first from row 0, then from the other processes' shares, so that a budget is given out to its last point.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from app.domain.account import Budget, bucket_of
from app.ledger.connection import Connection

SHARES = 30
"""Processes that draw side by side; more of them share their shares."""

# A day's budget is opened by whoever needs it first, with what the campaign says at that moment.
_OPEN_DAYS = """
INSERT INTO campaign_budget (bucket, budget, share_of, share, granted)
SELECT wanted.bucket, wanted.budget, 0, (found.document -> 'budget' ->> 'per_day')::bigint, 0
  FROM unnest($1::smallint[], $2::text[], $3::text[]) AS wanted (bucket, budget, campaign)
  JOIN campaign AS found USING (campaign)
 WHERE found.document -> 'budget' ? 'per_day'
   FOR SHARE OF found
    ON CONFLICT DO NOTHING
"""

# Shares are made while row 0 is locked: once it is, whoever waited for it finds all of them.
_LOCK_FIRST = """
SELECT FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, budget)
  JOIN campaign_budget AS found USING (bucket, budget)
 WHERE found.share_of = 0
 ORDER BY found.bucket, found.budget FOR NO KEY UPDATE OF found
"""

LOCK_SHARES = """
SELECT found.* FROM unnest(${}::smallint[], ${}::text[], ${}::boolean[]) AS wanted (bucket, budget, whole)
  JOIN campaign_budget AS found USING (bucket, budget)
 WHERE wanted.whole OR found.share_of = ${}
 ORDER BY found.bucket, found.budget, found.share_of FOR NO KEY UPDATE OF found
"""
"""A part of the statement that locks a batch's members (`locks.py`)."""


class Drawing(NamedTuple):
    """What a batch may draw from: this share of the budgets of `own`, and every share of those in `whole`."""

    own: Collection[str]
    whole: Collection[str]
    share_of: int

    @property
    def budgets(self) -> list[str]:
        return sorted({*self.own, *self.whole})

    def arguments(self) -> tuple[list[int], list[str], list[bool], int]:
        """Those of LOCK_SHARES."""
        names = self.budgets
        return (
            [bucket_of(name) for name in names],
            names,
            [name in self.whole for name in names],
            self.share_of,
        )


NO_DRAWING = Drawing((), (), 0)


async def prepare(connection: Connection, drawing: Drawing) -> None:
    """Open the budgets of days and lock row 0 of each that is needed whole, before their shares are locked."""
    first = sorted(drawing.whole)
    days = [budget for budget in first if "/" in budget]
    if days:
        campaigns = [budget.partition("/")[0] for budget in days]
        await connection.execute(_OPEN_DAYS, [bucket_of(day) for day in days], days, campaigns)
    if first:
        await connection.execute(_LOCK_FIRST, [bucket_of(name) for name in first], first)


def left_of(rows: Iterable[Budget]) -> dict[str, int]:
    """What the locked shares of each budget have left."""
    left: dict[str, int] = {}
    for row in rows:
        left[row.budget] = left.get(row.budget, 0) + row.share - row.granted
    return left


def drawn(
    rows: Iterable[Budget], draws: Mapping[str, int], *, whole: Collection[str], share_of: int
) -> list[Budget]:
    """The shares as they stand once `draws` are granted: all from the process's own.

    Where all shares were locked, its own is filled up for the next batches with a part of what nobody took.
    """
    shares: dict[str, dict[int, Budget]] = {}
    for row in rows:
        shares.setdefault(row.budget, {})[row.share_of] = row
    changed: list[Budget] = []
    for budget, points in draws.items():
        held = shares[budget]
        own = held.get(share_of) or Budget(bucket_of(budget), budget, share_of, 0, 0)
        needed = points - (own.share - own.granted)
        if budget in whole:
            others = [held[number] for number in sorted(held) if number != share_of]
            for other in others:
                left = other.share - other.granted
                wanted = max(needed, 0)
                if other.share_of == 0:
                    wanted = max(wanted, wanted + (left - wanted) // 4)
                moved = min(left, wanted)
                if moved:
                    changed.append(other._replace(share=other.share - moved))
                    own = own._replace(share=own.share + moved)
                    needed -= moved
        changed.append(own._replace(granted=own.granted + points))
    return changed
