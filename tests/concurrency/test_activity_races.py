"""Activities and missions at once, over two engines as if two processes: no limit is passed, no reward paid twice."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from app.domain.activities import ActivityLimitReached
from app.domain.activity_commands import RecordActivity, ReverseActivity
from app.domain.command import Command
from app.domain.commands import Accrue, Reverse, SignIn
from app.domain.errors import ReferenceAlreadyUsed
from tests.concurrency.test_races import AT_ONCE, only_body, race, told
from tests.ledger.till import Till, tills
from tests.queries.ledgers import replace_program

MISSIONS: list[dict[str, Any]] = [
    {
        "mission": "orders",
        "name": "o",
        "counts": "orders",
        "at_least": 10,
        "period": "ever",
        "reward": {"points": 1_000},
    },
    {
        "mission": "all",
        "name": "a",
        "counts": "activities",
        "at_least": 3,
        "period": {"days_after_joining": 30},
        "reward": {"points": 10_000, "coupon": "birthday"},
        "badge": "b",
    },
]


@pytest.fixture(scope="module")
def own_url(new_database: Callable[[], str]) -> str:
    """A database of this file's own, so that all of it can be verified."""
    return new_database()


@pytest.fixture
async def pair(own_url: str) -> AsyncGenerator[list[Till]]:
    """Two engines of a program with missions; afterwards the whole ledger is what its entries make it."""
    await replace_program(own_url, {"missions": MISSIONS})
    async with tills(own_url) as opened:
        yield opened
        await opened[0].assert_agrees()


@pytest.fixture
def member() -> str:
    return f"m-{secrets.token_hex(6)}"


async def test_the_same_activity(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    results = await race(pair, [RecordActivity(member_id=member, reference="a", activity="quiz")] * AT_ONCE)
    assert told(results) == {"done": 1, "replayed": AT_ONCE - 1}
    only_body(results)
    results = await race(pair, [ReverseActivity(member_id=member, reference="a")] * AT_ONCE)
    assert told(results) == {"done": 1, "replayed": AT_ONCE - 1}
    only_body(results)
    assert await pair[0].balance(member) == (0, 0, 0, 0)


async def test_one_reference_for_two_activities(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    kinds = ("quiz", "vote")
    results = await race(
        pair, [RecordActivity(member_id=member, reference="a", activity=kinds[n % 2]) for n in range(AT_ONCE)]
    )
    assert told(results) == {"done": 1, "replayed": AT_ONCE // 2 - 1, ReferenceAlreadyUsed: AT_ONCE // 2}


async def test_the_last_of_a_day(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    results = await race(
        pair,
        [RecordActivity(member_id=member, reference=f"a{n}", activity="review") for n in range(2 * AT_ONCE)],
    )
    days = await pair[0].rows("SELECT day, count(*) FROM activity WHERE member_id = $1 GROUP BY day", member)
    assert [count for _, count in days] == [5] * len(days)  # midnight may pass meanwhile
    assert told(results) == {"done": 5 * len(days), ActivityLimitReached: 2 * AT_ONCE - 5 * len(days)}


async def test_what_counts_once(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    for round_ in range(3):
        results = await race(
            pair,
            [
                RecordActivity(member_id=member, reference=f"{round_}-{n}", activity="profile")
                for n in range(AT_ONCE)
            ],
        )
        assert told(results) == {"done": 1, ActivityLimitReached: AT_ONCE - 1}
        [(reference,)] = await pair[0].rows(
            "SELECT reference FROM activity WHERE member_id = $1 AND status = 'recorded'", member
        )
        await pair[round_ % 2].ask(ReverseActivity(member_id=member, reference=reference))


async def test_a_mission_is_paid_once(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    orders = [Accrue(member_id=member, order_id=f"o{n}", amount=100) for n in range(AT_ONCE)]
    await race(pair, orders)
    assert (await pair[1].balance(member))[0] == AT_ONCE + 1_000
    kinds = await pair[0].kinds(member)
    assert kinds[:11] == ["accrue"] * 10 + ["mission"]
    assert kinds[11:] == ["accrue"] * (AT_ONCE - 10)


async def test_orders_and_refunds_around_the_last_step(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    for number in range(9):
        await pair[0].ask(Accrue(member_id=member, order_id=f"o{number}", amount=100))
    commands: list[Command] = [SignIn(member_id=member)]
    for number in range(5):
        commands.append(Accrue(member_id=member, order_id=f"p{number}", amount=100))
        commands.append(Reverse(member_id=member, order_id=f"o{number}", reference="r", amount=100))
        commands.append(RecordActivity(member_id=member, reference=f"a{number}", activity="vote"))
    await race(pair, commands)
    rows = await pair[0].rows(
        "SELECT progress, completed_at IS NOT NULL, undone FROM mission_progress WHERE member_id = $1 "
        "AND mission = 'orders'",
        member,
    )
    [(progress, is_completed, undone)] = rows
    assert (progress, is_completed) == (9, False)
    kinds = await pair[0].kinds(member)
    assert (
        kinds.count("mission") - 1 == kinds.count("mission_undo") == undone
    )  # the other one is of activities
    points, _, _, debt = await pair[1].balance(member)
    assert points - debt == 9 + 5 * 2 + 10 + 10_000


async def test_the_order_that_completes_it_and_its_refund(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    for number in range(9):
        await pair[0].ask(Accrue(member_id=member, order_id=f"o{number}", amount=100))
    for number in range(5):
        last = Accrue(member_id=member, order_id=f"last-{number}", amount=100)
        back = Reverse(member_id=member, order_id=last.order_id, reference="r", amount=100)
        await race(pair, [last, back] * (AT_ONCE // 2))
        await pair[number % 2].ask(back)
    assert (await pair[0].balance(member)) == (9, 0, 0, 0)
    assert await pair[0].rows(
        "SELECT progress, completed_at, undone FROM mission_progress WHERE member_id = $1 AND mission = 'orders'",
        member,
    ) == [(9, None, 5)]
    kinds = await pair[0].kinds(member)
    assert [kind for kind in kinds if kind.startswith("mission")] == ["mission", "mission_undo"] * 5
