"""Campaigns changed while purchases draw from their budgets, over two engines as if two processes: every batch decides
by a version that holds at its moment, and no budget is overdrawn."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from app.actions.campaigns import move_campaign, put_campaign
from app.domain.campaign_states import BudgetBelowGranted
from app.domain.commands import Accrue
from app.domain.posting import Caller
from app.ledger.load import REAL_CLOCK
from app.ledger.outcome import Outcome
from tests.ledger.fair import end_all
from tests.ledger.till import Till, request, tills
from tests.pace import until

MEMBERS = 8
ORDERS = 40
CALLER = Caller("key:test", "request")
DOUBLE: dict[str, Any] = {
    "name": "双倍",
    "trigger": "order",
    "effects": [{"kind": "multiply_points", "factor": "2"}],
}
CHANGES: list[dict[str, Any] | None] = [
    {"points": 60},
    {"points": 200, "per_day": 150},
    None,
    {"points": 300},
    {"per_day": 180},
    {"points": 240, "per_day": 500},
    {"points": 200},
    {"points": 3_000, "per_member": 400, "per_day": 3_000},
    None,
    {"points": 3_100},
]


@pytest.fixture(scope="module")
def own_url(new_database: Callable[[], str]) -> str:
    """A database of this file's own: campaigns are for everybody."""
    return new_database()


@pytest.fixture
async def pair(own_url: str) -> AsyncGenerator[list[Till]]:
    """Two engines; afterwards the whole ledger is what its entries make it."""
    async with tills(own_url) as opened:
        yield opened
        await end_all(opened[0])
        await opened[0].assert_agrees()


async def put(till: Till, campaign: str, budget: dict[str, Any] | None) -> None:
    document = DOUBLE if budget is None else {**DOUBLE, "budget": budget}
    await put_campaign(till.database, campaign=campaign, document=document, caller=CALLER, clock=REAL_CLOCK)


async def test_budgets_change_under_purchases(pair: list[Till]) -> None:
    campaign, mark = f"c-{secrets.token_hex(4)}", secrets.token_hex(4)
    members = [f"m-{mark}-{number}" for number in range(MEMBERS)]
    await pair[0].enrol(*members)
    await put(pair[0], campaign, {"points": 50})
    await move_campaign(pair[0].database, campaign=campaign, verb="start", caller=CALLER, clock=REAL_CLOCK)

    answered = 0

    async def buy(number: int) -> int:
        nonlocal answered
        points = 0
        for order in range(ORDERS):
            accrue = Accrue(member_id=members[number], order_id=f"o-{order}", amount=1_000)
            outcome = await pair[(number + order) % 2].engine.submit(request(accrue))
            assert isinstance(outcome, Outcome)
            points += sum(part["points"] for part in outcome.body["breakdown"][1:])
            answered += 1
        return points

    async def change() -> None:
        for number, budget in enumerate(CHANGES, start=1):
            # So that many orders come before the first change, and less is given in the end than the last one allows.
            await until(lambda number=number: answered >= number * MEMBERS * ORDERS / (len(CHANGES) + 1))
            with contextlib.suppress(BudgetBelowGranted):
                await put(pair[1], campaign, budget)

    *told, _ = await asyncio.gather(*(buy(number) for number in range(MEMBERS)), change())
    [[given]] = await pair[0].rows(
        "SELECT sum(points)::bigint FROM campaign_sum WHERE campaign = $1", campaign
    )
    [[granted, share]] = await pair[0].rows(
        "SELECT sum(granted)::bigint, sum(share)::bigint FROM campaign_budget WHERE budget = $1", campaign
    )
    assert sum(told) == given == granted
    assert share == 3_100
    assert 0 < given < MEMBERS * ORDERS * 10


async def test_many_say_the_same_at_once(pair: list[Till]) -> None:
    campaign = f"c-{secrets.token_hex(4)}"
    await asyncio.gather(*(put(pair[number % 2], campaign, {"points": 5}) for number in range(16)))
    rows = await pair[0].rows("SELECT version FROM campaign_version WHERE campaign = $1", campaign)
    assert rows == [(1,)]
    kinds = await pair[0].rows("SELECT kind FROM shop_event WHERE subject = $1", campaign)
    assert kinds == [("campaign_created",)]


async def test_many_start_at_once(pair: list[Till]) -> None:
    campaign = f"c-{secrets.token_hex(4)}"
    await put(pair[0], campaign, None)

    async def start(number: int) -> bool:
        _, is_changed = await move_campaign(
            pair[number % 2].database, campaign=campaign, verb="start", caller=CALLER, clock=REAL_CLOCK
        )
        return is_changed

    assert sum(await asyncio.gather(*(start(number) for number in range(16)))) == 1
    revisions = await pair[0].rows("SELECT count(*), count(DISTINCT revision) FROM campaign")
    assert revisions[0][0] == revisions[0][1]
