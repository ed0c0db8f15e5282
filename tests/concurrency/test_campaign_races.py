"""Campaigns under races, over two engines as if two processes: a budget is given to its last point and no further,
each occasion is paid once. Source: RULES.md, Campaigns.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import asyncpg
import pytest

from app.domain.campaign_commands import PayCampaign
from app.domain.commands import Accrue, Command, Enrol, Redeem, Reverse, SignIn
from app.ledger.outcome import Outcome
from tests.concurrency.test_races import AT_ONCE, race, told
from tests.ledger.fair import DOUBLE, change_state, end_all, given, put_live, shares
from tests.ledger.shelf import counter, offer
from tests.ledger.till import Till, tills

LAST_POINTS = 64
GIFT: dict[str, Any] = {"kind": "add_points", "points": 50}


@pytest.fixture(scope="module")
def own_url(new_database: Callable[[], str]) -> str:
    """A database of this file's own: campaigns are for everybody."""
    return new_database()


@pytest.fixture
async def pair(own_url: str) -> AsyncGenerator[list[Till]]:
    """Two engines; afterwards no campaign is live, and the whole ledger is what its entries make it."""
    async with tills(own_url) as opened:
        yield opened
        await end_all(opened[0])
        await opened[0].assert_agrees()


@pytest.fixture
def name() -> str:
    return f"c-{secrets.token_hex(4)}"


async def members(till: Till, name: str, count: int = LAST_POINTS) -> list[str]:
    found = [f"{name}-{number}" for number in range(count)]
    await asyncio.gather(*(till.ask(Enrol(member_id=member)) for member in found))
    return found


def order(member: str, order_id: str = "o", amount: int = 10_000, **fields: Any) -> Accrue:
    return Accrue(member_id=member, order_id=order_id, amount=amount, **fields)


def points_of(results: Sequence[object]) -> list[int]:
    assert all(isinstance(result, Outcome) for result in results)
    return [result.body["points"] for result in results if isinstance(result, Outcome)]


async def test_the_last_points_of_a_budget(pair: list[Till], name: str) -> None:
    found = await members(pair[0], name)
    await put_live(pair[0], name, budget={"points": 1_050})
    got = points_of(await race(pair, [order(member) for member in found]))
    assert sum(got) == 100 * LAST_POINTS + 1_050
    assert sorted(got)[-11:] == [150] + [200] * 10
    assert await shares(pair[0], name) == (1_050, 1_050)
    assert await given(pair[0], name) == {"times": 11, "amount": 110_000, "points": 1_050}


async def test_the_last_points_of_a_day(pair: list[Till], name: str) -> None:
    found = await members(pair[0], name)
    await put_live(
        pair[0], name, DOUBLE, {"kind": "add_points", "points": 7}, budget={"per_day": 500, "points": 10_000}
    )
    got = points_of(await race(pair, [order(member) for member in found]))
    assert sum(got) == 100 * LAST_POINTS + 500
    [(day, share, granted)] = await pair[0].rows(
        "SELECT budget, sum(share)::int, sum(granted)::int FROM campaign_budget WHERE budget LIKE $1 GROUP BY 1",
        f"{name}/%",
    )
    assert (share, granted) == (500, 500), day
    assert await shares(pair[0], name) == (10_000, 500)


async def test_the_last_points_for_one_member(pair: list[Till], name: str) -> None:
    [member, other] = await members(pair[0], name, 2)
    await put_live(pair[0], name, budget={"per_member": 25})
    commands = [order(member, f"o{number}", 400) for number in range(LAST_POINTS)]
    got = points_of(await race(pair, [*commands, order(other, amount=400)]))
    assert sum(got[:-1]) == 4 * LAST_POINTS + 25
    assert got[-1] == 8


async def test_the_last_points_through_every_door(pair: list[Till], name: str) -> None:
    """Orders, occasions and sign-ins of campaigns of their own, each with its budget: locks in one order."""
    found = await members(pair[0], name)
    await put_live(pair[0], f"{name}-o", budget={"points": 1_030})
    await put_live(pair[0], f"{name}-s", trigger="sign_in", budget={"points": 105, "per_day": 103})
    await put_live(pair[0], f"{name}-p", GIFT, trigger="schedule", budget={"per_day": 220})
    commands: list[Command] = []
    for member in found[:32]:
        commands += [
            order(member),
            SignIn(member_id=member),
            PayCampaign(member_id=member, campaign=f"{name}-p", trigger="schedule", occasion="at/2026-12-05"),
        ]
    results = await race(pair, commands)
    assert told(results) == {"done": 96}
    assert (await given(pair[0], f"{name}-o"))["points"] == 1_030
    assert (await given(pair[0], f"{name}-s"))["points"] == 103
    assert await given(pair[0], f"{name}-p") == {"times": 5, "points": 220}


async def test_a_budget_changed_meanwhile(pair: list[Till], name: str) -> None:
    """Raised, and lowered to what is granted at least: never is more granted than the budget of the moment."""
    found = await members(pair[0], name)
    await put_live(pair[0], name, budget={"points": 300})

    async def change() -> None:
        for points in (500, 400, 1_700, 6_300):
            await asyncio.sleep(0.01)
            with contextlib.suppress(asyncpg.CheckViolationError):  # more than that is granted
                await put_live(pair[1], name, budget={"points": points})
            share, granted = await shares(pair[0], name)
            assert share >= granted

    commands = [order(member, f"o{number}") for number in range(2) for member in found]
    results, _ = await asyncio.gather(race(pair, commands), change())
    share, granted = await shares(pair[0], name)
    assert share == 6_300
    assert sum(points_of(results)) == 100 * len(commands) + granted


async def test_many_processes_share_a_budget(own_url: str, name: str) -> None:
    """What one process filled its share with is there for the others once nothing else is left."""
    async with tills(own_url, count=4) as opened:
        found = await members(opened[0], name)
        await put_live(opened[0], name, budget={"points": 1_234})
        for till in opened[1:]:
            await till.ask(order(found[0], f"o{id(till)}"))
        results = await asyncio.gather(
            *(opened[number % 4].ask(order(member)) for number, member in enumerate(found))
        )
        assert sum(points_of(results)) == 100 * LAST_POINTS + 1_234 - 300
        assert await shares(opened[0], name) == (1_234, 1_234)
        await end_all(opened[0])
        await opened[0].assert_agrees()


async def test_joining_is_paid_once(pair: list[Till], name: str) -> None:
    await put_live(pair[0], name, GIFT, trigger="enrolment")
    results = await race(pair, [Enrol(member_id=name)] * AT_ONCE)
    assert len(results) == AT_ONCE
    assert await given(pair[0], name) == {"times": 1, "points": 50}
    assert await pair[1].kinds(name) == ["campaign"]


async def test_joining_and_buying_at_once(pair: list[Till], name: str) -> None:
    """Who joins, rises and buys at the same time is paid for joining and for each tier once."""
    await put_live(pair[0], f"{name}-e", GIFT, trigger="enrolment")
    await put_live(pair[0], f"{name}-t", GIFT, trigger="tier_change")
    await race(pair, [Enrol(member_id=name)] * 8)
    commands: list[Command] = [order(name, f"o{number % 12}", 40_000) for number in range(AT_ONCE)]
    assert told(await race(pair, commands)) == {"done": 12, "replayed": AT_ONCE - 12}
    assert await given(pair[0], f"{name}-e") == {"times": 1, "points": 50}
    assert await given(pair[0], f"{name}-t") == {"times": 2, "points": 100}  # silver and gold
    assert (await pair[0].balance(name))[0] == 150 + sum(points_of(await race(pair, commands[:12])))


async def test_the_order_that_brings_a_tier_and_its_refund(pair: list[Till], name: str) -> None:
    """What a campaign gave for the tier goes each time the tier does; it is never given twice."""
    await pair[0].enrol(name)
    await put_live(pair[0], name, GIFT, trigger="tier_change")
    for number in range(5):
        buy = order(name, f"o{number}", 40_000)
        back = Reverse(member_id=name, order_id=buy.order_id, reference="b", amount=40_000)
        await race(pair, [buy, back] * (AT_ONCE // 2))
        await pair[number % 2].ask(back)
    assert await pair[0].balance(name) == (0, 0, 0, 0)
    kinds = await pair[0].kinds(name)
    assert [kind for kind in kinds if kind.startswith("campaign")] == ["campaign", "campaign_undo"] * 5
    assert await given(pair[0], name) == {"times": 5, "points": 250, "taken_back": 250}


async def test_an_occasion_is_paid_once(pair: list[Till], name: str) -> None:
    [member] = await members(pair[0], name, 1)
    await put_live(pair[0], name, GIFT, trigger="dormancy", dormant_days=9, budget={"points": 1_000})
    pay = PayCampaign(member_id=member, campaign=name, trigger="dormancy", occasion="dormant/2026-08-25")
    assert told(await race(pair, [pay] * AT_ONCE)) == {"done": 1, "replayed": AT_ONCE - 1}
    assert await shares(pair[0], name) == (1_000, 50)


async def test_the_last_coupons(pair: list[Till], name: str) -> None:
    """Given out to the last by several campaigns and never beyond; the purchases are unharmed."""
    await offer(pair[0].database, name, stock=25)
    found = await members(pair[0], name)
    coupon = {"kind": "issue_coupon", "template": name}
    await put_live(pair[0], f"{name}-a", coupon)
    await put_live(pair[0], f"{name}-b", coupon, GIFT)
    got = points_of(await race(pair, [order(member) for member in found]))
    assert got == [150] * LAST_POINTS
    assert await counter(pair[0], name) == (25, 0)
    coupons = [(await given(pair[0], f"{name}-{which}")).get("coupons", 0) for which in "ab"]
    assert sum(coupons) == 25


async def test_paused_and_ended_while_members_buy(pair: list[Till], name: str) -> None:
    found = await members(pair[0], name)
    await put_live(pair[0], name, budget={"points": 100_000})

    async def end() -> None:
        for state in ("paused", "live", "ended"):
            await asyncio.sleep(0.02)
            await change_state(pair[1], name, state)

    commands = [order(member, f"o{number}") for number in range(3) for member in found]
    results, _ = await asyncio.gather(race(pair, commands), end())
    got = points_of(results)
    assert set(got) <= {100, 200}
    assert (await given(pair[0], name)).get("points", 0) == sum(got) - 100 * len(got)
    assert points_of(await race(pair, [order(member, "after") for member in found])) == [100] * LAST_POINTS


async def test_buying_spending_and_sending_back_at_once(pair: list[Till], name: str) -> None:
    """However it comes out, what campaigns gave for it is taken back with it."""
    [member] = await members(pair[0], name, 1)
    await put_live(pair[0], name, DOUBLE, GIFT, {"kind": "add_chances", "chances": 2}, budget={"points": 900})
    orders = [order(member, f"o{number}", settle=number % 2 == 0) for number in range(8)]
    await race(pair, orders)
    commands: list[Command] = [
        Reverse(member_id=member, order_id=f"o{number % 8}", reference=f"b{number // 8}", amount=2_500)
        for number in range(32)
    ]
    commands += [Redeem(member_id=member, reference=f"r{number}", points=90) for number in range(8)]
    results = await race(pair, commands)
    assert all(isinstance(result, Outcome) for result in results[:32])
    spent = 90 * sum(isinstance(result, Outcome) for result in results[32:])
    assert await pair[0].balance(member) == (0, 0, 0, spent)
    row = await given(pair[0], name)
    assert row["points"] == row["taken_back"] == 900
    assert "chances" not in row
