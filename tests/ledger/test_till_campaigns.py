"""What campaigns do at the till, through two engines: each checkout keeps its price, and what was given is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.domain.carts import Cart, CartLine, Wish
from app.domain.checkout_commands import CompleteCheckout, HoldCheckout, RefundCheckout
from tests.ledger.fair import change_state, given, put_live
from tests.ledger.till import Till, tills

OFF: dict[str, Any] = {"kind": "discount", "percent_off": 10}
TEN: dict[str, Any] = {"kind": "add_points", "points": 10}
CART = Cart((CartLine("1", "a", None, None, 1, 10_000),), 800, None)


@pytest.fixture
async def pair(fresh_database_url: str) -> AsyncGenerator[list[Till]]:
    """Two tills; afterwards the whole ledger is what its entries make it."""
    async with tills(fresh_database_url) as made:
        yield made
        await made[0].assert_agrees()


def hold(member: str, checkout: str) -> HoldCheckout:
    return HoldCheckout(member_id=member, checkout_id=checkout, cart=CART, wish=Wish(0, 0, ()))


async def checked_out(till: Till, other: Till, member: str, checkout: str) -> int:
    """What a checkout that one engine holds and the other completes has cost."""
    held = (await till.ask(hold(member, checkout))).body
    done = (await other.ask(CompleteCheckout(member_id=member, checkout_id=checkout))).body
    assert done["payable"] == held["payable"]
    return done["payable"]


async def test_held_completed_and_refunded(pair: list[Till]) -> None:
    till, other = pair
    await till.enrol("a")
    await put_live(
        till, "c", OFF, TEN, {"kind": "free_shipping"}, {"kind": "gift", "sku": "s", "quantity": 1}
    )
    assert await checked_out(till, other, "a", "k") == 9_000
    told = {"times": 1, "amount": 9_000, "points": 10, "discount": 1_800}
    assert await given(till, "c") == told
    await other.ask(RefundCheckout(member_id="a", checkout_id="k", reference="r", amount=9_000))
    assert await given(till, "c") == {**told, "taken_back": 10}
    assert await till.balance("a") == (0, 0, 0, 0)


async def test_paused_while_many_check_out(pair: list[Till]) -> None:
    till, other = pair
    members = [f"m-{number}" for number in range(48)]
    await till.enrol(*members)
    await put_live(till, "c", OFF)

    async def pause() -> None:
        await asyncio.sleep(0.03)
        await change_state(till, "c", "paused")

    *payables, _ = await asyncio.gather(
        *(
            checked_out(*((till, other) if number % 2 else (other, till)), member, f"k-{member}")
            for number, member in enumerate(members)
        ),
        pause(),
    )
    assert set(payables) <= {9_800, 10_800}
    given_to = payables.count(9_800)
    told = {"times": given_to, "amount": 9_000 * given_to, "discount": 1_000 * given_to}
    assert await given(till, "c") == {name: figure for name, figure in told.items() if figure}
    assert await checked_out(till, other, "m-0", "k-after") == 10_800


async def test_the_last_points_of_a_budget_end_the_discount_too(pair: list[Till]) -> None:
    till, other = pair
    members = [f"m-{number}" for number in range(24)]
    await till.enrol(*members)
    await put_live(till, "c", OFF, TEN, budget={"points": 95})
    payables = await asyncio.gather(
        *(
            checked_out(*((till, other) if number % 2 else (other, till)), member, f"k-{member}")
            for number, member in enumerate(members)
        )
    )
    figures = await given(till, "c")
    assert figures["points"] == 95
    # Who held in time keeps the price; the points are those that were left when the order was there.
    assert figures["discount"] == 1_000 * payables.count(9_800)
    assert payables.count(9_800) >= 10
    assert await checked_out(till, other, "m-0", "k-after") == 10_800
    assert await checked_out(other, till, "m-1", "k-after-too") == 10_800
