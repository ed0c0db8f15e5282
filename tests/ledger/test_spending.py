"""Spending from a few of many lots: only those are read that it takes from, and it comes out as if all had been."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.commands import Accrue, Cancel, Redeem
from tests.ledger.till import Till

# Points of lots that expire one day after the other, two of them each time.
_LOTS = [(10, 20), (30, 40), (50, 60)]


async def _shop(till: Till, member: str) -> None:
    await till.enrol(member)
    first_day = datetime.now(UTC) - timedelta(days=100)
    for day, points in enumerate(_LOTS):
        for order, earned in enumerate(points):
            await till.ask(
                Accrue(
                    member_id=member,
                    order_id=f"{day}-{order}",
                    amount=earned * 100,
                    occurred_at=first_day + timedelta(days=day),
                )
            )


async def _assert_spent(till: Till, member: str, points: int) -> None:
    """Oldest first, and the account knows what expires next."""
    left: list[int] = []
    for earned in (earned for points in _LOTS for earned in points):
        part = min(earned, points)
        points -= part
        left.append(earned - part)
    rows = await till.rows("SELECT remaining, expires_at FROM lot WHERE member_id = $1 ORDER BY lot", member)
    assert [remaining for remaining, _ in rows] == left
    due = [(expires_at, remaining) for remaining, expires_at in rows if remaining]
    next_expires_at = min((expires_at for expires_at, _ in due), default=None)
    expected: Any = (next_expires_at, sum(rest for expires_at, rest in due if expires_at == next_expires_at))
    [told] = await till.rows(
        "SELECT next_expires_at, next_expires_points FROM account WHERE member_id = $1", member
    )
    assert told == expected


@pytest.mark.parametrize("points", [1, 10, 11, 29, 30, 31, 99, 100, 101, 209, 210])
async def test_less_and_more_than_expires_next(till: Till, member: str, points: int) -> None:
    await _shop(till, member)
    await till.ask(Redeem(member_id=member, reference="a", points=points))
    await _assert_spent(till, member, points)
    await till.assert_agrees(member)


async def test_one_after_the_other(till: Till, member: str) -> None:
    await _shop(till, member)
    spent = 0
    for number, points in enumerate((29, 1, 1, 68, 2, 108, 1)):
        spent += points
        await till.ask(Redeem(member_id=member, reference=f"r-{number}", points=points))
        await _assert_spent(till, member, spent)
    await till.assert_agrees(member)


async def test_together_more_than_expires_next(till: Till, member: str) -> None:
    """What a batch spends in all decides what it reads."""
    await _shop(till, member)
    await till.ask_all([Redeem(member_id=member, reference=f"r-{number}", points=13) for number in range(9)])
    await _assert_spent(till, member, 9 * 13)
    await till.assert_agrees(member)


async def test_what_was_freed_before_is_spent_first(till: Till, member: str) -> None:
    await _shop(till, member)
    await till.ask(Redeem(member_id=member, reference="held", points=30, reserve=True))
    await till.ask_all(
        [Cancel(member_id=member, reference="held"), Redeem(member_id=member, reference="b", points=40)]
    )
    await _assert_spent(till, member, 40)
    await till.assert_agrees(member)
