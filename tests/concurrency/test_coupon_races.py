"""Coupons and checkouts asked for at once, over two engines as if two processes: limits hold to the piece and the fen.

Source: TARGETS.md, What it must survive; RULES.md, Coupons: however many ask at once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from app.domain.checkout_commands import (
    CancelCheckout,
    CheckoutCompleted,
    CompleteCheckout,
    HoldCheckout,
    RefundCheckout,
)
from app.domain.checkout_errors import CheckoutCancelled, CheckoutNotHeld, PointsOverLimit
from app.domain.command import Command
from app.domain.commands import Accrue, Mature, Redeem
from app.domain.coupon_commands import ClaimCoupon, LockCoupon, RedeemCoupon, RollBackCoupon
from app.domain.coupon_errors import (
    CouponBudgetSpent,
    CouponExhausted,
    CouponLimitReached,
    CouponLocked,
    CouponNotApplicable,
    CouponNotYours,
    CouponRedeemed,
)
from app.domain.errors import InsufficientPoints, RefundExceedsOrder
from app.ledger.outcome import Outcome
from tests.concurrency.test_races import AT_ONCE, race, told
from tests.ledger.shelf import change, claim, counter, coupon, make_codes, offer
from tests.ledger.test_checkouts import hold
from tests.ledger.till import Till, tills

MANY = 64


@pytest.fixture(scope="module")
def own_url(new_database: Callable[[], str]) -> str:
    """A database of this file's own, so that all of it can be verified."""
    return new_database()


@pytest.fixture
async def pair(own_url: str) -> AsyncGenerator[list[Till]]:
    """Two engines; afterwards the whole ledger is what its entries make it."""
    async with tills(own_url) as opened:
        yield opened
        await opened[0].assert_agrees()


@pytest.fixture
def name() -> str:
    return secrets.token_hex(6)


async def enrolled(pair: list[Till], name: str, count: int, *, points: int = 0) -> list[str]:
    members = [f"m{number}-{name}" for number in range(count)]
    await pair[0].enrol(*members, points=points)
    return members


def the_outcomes(results: list[Any]) -> list[Outcome]:
    return [result for result in results if isinstance(result, Outcome)]


# --- giving out ------------------------------------------------------------------------------------------


async def test_one_stock_and_many_claimers(pair: list[Till], name: str) -> None:
    members = await enrolled(pair, name, MANY)
    template = await offer(pair[0].database, name, stock=10)
    results = await race(pair, [ClaimCoupon(member_id=member, template=template) for member in members])
    assert told(results) == {"done": 10, CouponExhausted: MANY - 10}
    assert await counter(pair[0], template) == (10, 0)
    assert len({outcome.body["code"] for outcome in the_outcomes(results)}) == 10


async def test_one_stock_by_claims_a_public_code_and_checkouts(pair: list[Till], name: str) -> None:
    members = await enrolled(pair, name, AT_ONCE)
    template = await offer(pair[0].database, name, stock=7, public_code=f"P{name}")
    commands: list[Command] = []
    for number, member in enumerate(members):
        commands.append(
            [
                ClaimCoupon(member_id=member, template=template),
                ClaimCoupon(member_id=member, code=f"P{name}"),
                RedeemCoupon(member_id=member, code=f"P{name}", reference="r"),
                hold(member, 10_000, coupons=(f"P{name}",)),
            ][number // 2 % 4]
        )
    results = await race(pair, commands)
    assert told(results)["done"] == 7
    assert set(told(results)) <= {"done", CouponExhausted, CouponNotApplicable}
    assert await counter(pair[0], template) == (7, 0)


async def test_one_member_and_a_limit(pair: list[Till], name: str) -> None:
    [member] = await enrolled(pair, name, 1)
    template = await offer(pair[0].database, name, per_member=1, public_code=f"P{name}")
    commands = [
        ClaimCoupon(member_id=member, template=template)
        if number // 2 % 2
        else ClaimCoupon(member_id=member, code=f"P{name}")
        for number in range(AT_ONCE)
    ]
    assert told(await race(pair, commands)) == {"done": 1, CouponLimitReached: AT_ONCE - 1}


async def test_a_unique_code_and_many_who_bring_it(pair: list[Till], name: str) -> None:
    members = await enrolled(pair, name, AT_ONCE)
    template = await offer(pair[0].database, name)
    await make_codes(pair[0].database, template, f"U{name}")
    commands: list[Command] = [
        ClaimCoupon(member_id=member, code=f"U{name}")
        if number // 2 % 2
        else hold(member, 10_000, coupons=(f"U{name}",))
        for number, member in enumerate(members)
    ]
    results = await race(pair, commands)
    assert told(results)["done"] == 1
    assert set(told(results)) <= {"done", CouponNotYours, CouponNotApplicable}
    rows = await pair[0].rows("SELECT member_id FROM coupon WHERE code = $1", f"U{name}")
    assert rows == [(the_outcomes(results)[0].body["member_id"],)]


async def test_coupons_for_points(pair: list[Till], name: str) -> None:
    [member] = await enrolled(pair, name, 1, points=100)
    template = await offer(pair[0].database, name, points_price=30)
    commands: list[Command] = [
        ClaimCoupon(member_id=member, template=template)
        if number // 2 % 2
        else Redeem(member_id=member, reference=f"r{number}", points=30)
        for number in range(AT_ONCE)
    ]
    assert told(await race(pair, commands)) == {"done": 3, InsufficientPoints: AT_ONCE - 3}
    assert await pair[0].balance(member) == (10, 0, 0, 0)


async def test_the_stock_lowered_while_it_is_given_out(pair: list[Till], name: str) -> None:
    members = await enrolled(pair, name, MANY)
    template = await offer(pair[0].database, name, stock=MANY)

    async def lower() -> None:
        for stock in (50, 40, 30):
            try:
                await change(pair[1].database, template, stock=stock)
            except Exception as refusal:  # noqa: BLE001 - what was given out already
                assert "given out" in str(refusal)  # noqa: PT017

    commands = [ClaimCoupon(member_id=member, template=template) for member in members]
    await asyncio.gather(race(pair, commands), lower())
    [(stock,)] = await pair[0].rows(
        "SELECT (document->>'stock')::bigint FROM coupon_template WHERE template = $1", template
    )
    assert (await counter(pair[0], template))[0] <= stock


# --- using -----------------------------------------------------------------------------------------------


async def test_one_coupon_and_many_checkouts(pair: list[Till], name: str) -> None:
    [member] = await enrolled(pair, name, 1)
    code = await claim(pair[0], member, await offer(pair[0].database, name))
    commands = [
        hold(member, 10_000, coupons=(code,), checkout_id=f"k{number}-{name}") for number in range(MANY)
    ]
    assert told(await race(pair, commands)) == {"done": 1, CouponNotApplicable: MANY - 1}


async def test_one_coupon_locked_redeemed_and_held(pair: list[Till], name: str) -> None:
    [member] = await enrolled(pair, name, 1)
    code = await claim(pair[0], member, await offer(pair[0].database, name))
    commands: list[Command] = [
        (
            LockCoupon(member_id="", code=code, reference=f"r{number}"),
            RedeemCoupon(member_id="", code=code, reference=f"r{number}"),
            hold(member, 10_000, coupons=(code,), checkout_id=f"k{number}-{name}"),
        )[number // 2 % 3]
        for number in range(AT_ONCE)
    ]
    results = told(await race(pair, commands))
    assert results["done"] == 1
    assert set(results) <= {"done", CouponLocked, CouponRedeemed, CouponNotApplicable}


async def test_one_checkout_at_once(pair: list[Till], name: str) -> None:
    [member] = await enrolled(pair, name, 1, points=1_000)
    commands = [hold(member, 10_000, points=300, checkout_id=f"k-{name}")] * AT_ONCE
    assert told(await race(pair, commands)) == {"done": 1, "replayed": AT_ONCE - 1}


async def test_one_id_and_many_members(pair: list[Till], name: str) -> None:
    members = await enrolled(pair, name, AT_ONCE)
    results = await race(pair, [hold(member, 100, checkout_id=f"k-{name}") for member in members])
    assert told(results)["done"] == 1
    assert sum(told(results).values()) == AT_ONCE


async def test_the_budget(pair: list[Till], name: str) -> None:
    members = await enrolled(pair, name, AT_ONCE)
    template = await offer(pair[0].database, name, budget=3_600)
    codes = [await claim(pair[0], member, template) for member in members]
    commands: list[Command] = [
        hold(member, 10_000, coupons=(code,) if number // 2 % 2 else "best")
        if number // 4 % 2
        else RedeemCoupon(member_id="", code=code, reference="r", discount=500)
        for number, (member, code) in enumerate(zip(members, codes, strict=True))
    ]
    results = await race(pair, commands)
    assert set(told(results)) <= {"done", CouponNotApplicable, CouponBudgetSpent}
    assert await counter(pair[0], template) == (AT_ONCE, 3_500)
    again = [
        CancelCheckout(member_id="", checkout_id=f"k-{member}")
        for member, result in zip(members, results, strict=True)
        if isinstance(result, Outcome) and "checkout_id" in result.body
    ]
    await race(pair, again)
    redeemed = [code for code in codes if (await coupon(pair[0], code))[0] == "redeemed"]
    assert await counter(pair[0], template) == (AT_ONCE, 500 * len(redeemed))


async def test_a_budget_set_while_coupons_are_used(pair: list[Till], name: str) -> None:
    """Nobody counted before it was set: what is under way then is counted with what was used."""
    members = await enrolled(pair, name, AT_ONCE)
    template = await offer(pair[0].database, name)
    codes = [await claim(pair[0], member, template) for member in members]

    async def toggle() -> None:
        for budget in (10**6, None, 10**7, None, 10**8):
            await asyncio.sleep(0.02)
            await change(pair[1].database, template, budget=budget)

    async def use() -> None:
        for number in range(4):
            redeem: list[Command] = [
                RedeemCoupon(member_id="", code=code, reference=f"r{number}", discount=100) for code in codes
            ]
            assert told(await race(pair, redeem)) == {"done": AT_ONCE}
            if number < 3:
                back: list[Command] = [
                    RollBackCoupon(member_id="", code=code, reference=f"b{number}") for code in codes
                ]
                assert told(await race(pair, back)) == {"done": AT_ONCE}

    await asyncio.gather(use(), toggle())
    assert await counter(pair[0], template) == (AT_ONCE, 100 * AT_ONCE)


async def test_the_last_points_and_cash(pair: list[Till], name: str) -> None:
    [member] = await enrolled(pair, name, 1)
    await pair[0].ask(Accrue(member_id=member, order_id="o", amount=100_000))  # 1,000 points, 10 yuan of cash
    commands = [
        hold(member, 10_000, points=400, cash=300, checkout_id=f"k{number}-{name}")
        for number in range(AT_ONCE)
    ]
    assert told(await race(pair, commands)) == {"done": 2, PointsOverLimit: AT_ONCE - 2}
    rows = await pair[0].rows("SELECT available, reserved, cash FROM account WHERE member_id = $1", member)
    assert rows == [(200, 800, 400)]


# --- endings ---------------------------------------------------------------------------------------------


async def held(pair: list[Till], name: str, **rest: Any) -> tuple[str, str, str]:
    """A silver member with a checkout of 93 yuan for points, cash and a coupon: member, checkout, coupon."""
    [member] = await enrolled(pair, name, 1, points=1_000)
    code = await claim(pair[0], member, await offer(pair[0].database, name, budget=500))
    checkout_id = f"k-{name}"
    await pair[0].ask(
        hold(member, 10_000, points=400, cash=1_000, coupons=(code,), checkout_id=checkout_id, **rest)
    )
    return member, checkout_id, code


async def test_completed_or_cancelled(pair: list[Till], name: str) -> None:
    """A hold ends once, in one way; all that it took goes that way."""
    member, checkout_id, code = await held(pair, name)
    commands: list[Command] = [
        CompleteCheckout(member_id="", checkout_id=checkout_id)
        if number % 2 == number // 2 % 2
        else CancelCheckout(member_id="", checkout_id=checkout_id)
        for number in range(AT_ONCE)
    ]
    results = told(await race(pair, commands))
    is_completed = results[CheckoutNotHeld] > 0
    refusal = CheckoutNotHeld if is_completed else CheckoutCancelled
    assert results == {"done": 1, "replayed": AT_ONCE // 2 - 1, refusal: AT_ONCE // 2}
    status, _, _ = await coupon(pair[0], code)
    available, _, reserved, _ = await pair[0].balance(member)
    assert (status, available - 600, reserved) == (
        ("redeemed", 79, 0) if is_completed else ("issued", 400, 0)
    )


async def test_completed_with_different_money(pair: list[Till], name: str) -> None:
    _, checkout_id, _ = await held(pair, name)
    commands = [
        CompleteCheckout(member_id="", checkout_id=checkout_id, paid=100 * (number % 4))
        for number in range(AT_ONCE)
    ]
    results = told(await race(pair, commands))
    assert results == {"done": 1, "replayed": AT_ONCE // 4 - 1, CheckoutCompleted: AT_ONCE * 3 // 4}


async def test_completed_while_it_lapses(pair: list[Till], name: str) -> None:
    """Before or after its end: it is an order once, and takes everything once."""
    for number in range(6):
        member, checkout_id, code = await held(pair, f"{name}{number}", hold_seconds=1)
        await asyncio.sleep(0.9)
        commands: list[Command] = [
            CompleteCheckout(member_id="", checkout_id=checkout_id)
            if n // 2 % 2
            else Mature(member_id=member)
            for n in range(AT_ONCE)
        ]

        async def later(command: Command, n: int) -> Any:
            await asyncio.sleep(n * 0.2 / AT_ONCE)
            return await pair[n % 2].ask(command)

        results = await asyncio.gather(*(later(command, n) for n, command in enumerate(commands)))
        completions = [result for result in results if "accrual" in result.body]
        assert sum(not result.replayed for result in completions) == 1
        assert {str(result.body["accrual"]) for result in completions} == {
            str(completions[0].body["accrual"])
        }
        assert await pair[0].balance(member) == (679, 0, 0, 0)
        assert (await coupon(pair[0], code))[0] == "redeemed"
        assert (await counter(pair[0], f"{name}{number}"))[1] == 500


async def test_refunds(pair: list[Till], name: str) -> None:
    member, checkout_id, code = await held(pair, name)
    await pair[0].ask(CompleteCheckout(member_id="", checkout_id=checkout_id))
    commands: list[Command] = [
        RefundCheckout(member_id="", checkout_id=checkout_id, reference=f"f{number}", amount=700)
        for number in range(AT_ONCE)
    ]
    results = await race(pair, commands)
    assert told(results) == {"done": 13, RefundExceedsOrder: AT_ONCE - 13}
    last = await pair[1].ask(
        RefundCheckout(member_id="", checkout_id=checkout_id, reference="rest", amount=200)
    )
    bodies = [outcome.body["refunded"] for outcome in (*the_outcomes(results), last)]
    assert sum(body["amount"] for body in bodies) == 7_900
    assert (sum(body["points"] for body in bodies), sum(body["cash"] for body in bodies)) == (400, 1_000)
    assert [body["coupons"] for body in bodies if body["coupons"]] == [[code]]
    assert await pair[0].balance(member) == (1_000, 0, 0, 0)


async def test_checkouts_of_many_members_with_one_budget_there_and_back(pair: list[Till], name: str) -> None:
    """Held, completed, refunded and cancelled by both engines at once, each batch over many members and one counter."""
    members = await enrolled(pair, name, 16, points=500)
    template = await offer(pair[0].database, name, budget=10**6, public_code=f"P{name}")
    other = await offer(pair[0].database, f"{name}-2", budget=10**6, stacks_with="all", kind="percent_off",
                        amount_off=None, percent_off=5)  # fmt: skip
    for member in members:
        await claim(pair[0], member, other)

    def of(member: str) -> HoldCheckout:
        return hold(
            member, 10_000, points=100, coupons=(f"P{name}",) if members.index(member) % 2 else "best"
        )

    for step in (
        of,
        lambda member: (
            CompleteCheckout(member_id="", checkout_id=f"k-{member}")
            if members.index(member) % 3
            else CancelCheckout(member_id="", checkout_id=f"k-{member}")
        ),
        lambda member: RefundCheckout(
            member_id="", checkout_id=f"k-{member}", reference="f", items=(("1", None, None),)
        ),
    ):
        shuffled = members[::-1] + members
        await race(pair, [step(member) for member in shuffled])
    assert [(await counter(pair[0], each))[1] for each in (template, other)] == [0, 0]
    for member in members:
        assert (await pair[0].balance(member))[0] == 500
