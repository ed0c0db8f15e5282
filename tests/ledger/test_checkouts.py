"""Coupons and checkouts through the engine: found, locked and counted; once, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.database import Database
from app.domain.carts import Wish
from app.domain.checkout_commands import (
    CancelCheckout,
    CheckoutAlreadyExists,
    CheckoutCompleted,
    CompleteCheckout,
    ExtendCheckout,
    HoldCheckout,
    RefundCheckout,
)
from app.domain.checkout_errors import CheckoutNotFound
from app.domain.command import Command
from app.domain.commands import Accrue, Enrol, Mature, Reverse
from app.domain.coupon_commands import (
    ClaimCoupon,
    IssueCoupon,
    LockCoupon,
    RedeemCoupon,
    RollBackCoupon,
    UnlockCoupon,
    VoidCoupon,
)
from app.domain.coupon_errors import (
    CouponBudgetSpent,
    CouponNeedsMember,
    CouponNotApplicable,
    CouponNotFound,
    CouponNotYours,
    CouponPaused,
    TemplateNotFound,
)
from app.domain.errors import OrderAlreadyAccrued, ReferenceAlreadyUsed
from app.domain.reversal import OrderOfCheckout
from app.ledger.claims import Claim
from app.ledger.engine import Engine
from app.ledger.outcome import Outcome
from tests.ledger.shelf import change, claim, counter, coupon, make_codes, offer
from tests.ledger.test_engine import cut_till
from tests.ledger.till import Till, request
from tests.queries.checkouts import cart

A_SECOND = 1.05
"""Until a hold of one second is over."""


def hold(
    member: str, *amounts_fen: int, points: Any = 0, cash: Any = 0, coupons: Any = (), **rest: Any
) -> HoldCheckout:
    return HoldCheckout(
        member_id=member,
        checkout_id=rest.pop("checkout_id", f"k-{member}"),
        cart=cart(*amounts_fen),
        wish=Wish(points, cash, coupons),
        **rest,
    )


def complete(member: str, **how: Any) -> CompleteCheckout:
    return CompleteCheckout(member_id="", checkout_id=f"k-{member}", **how)


@pytest.fixture
async def other(database: Database) -> AsyncGenerator[Till]:
    """Another engine, as if of another process, that knows nothing yet."""
    engine = Engine(database.connect)
    await engine.start()
    yield Till(database, engine)
    await engine.stop()


# --- batches ---------------------------------------------------------------------------------------------


async def test_a_batch_sees_what_it_did_itself(till: Till, member: str) -> None:
    template = await offer(till.database, f"t-{member}", budget=9_000, stock=9, public_code=f"P-{member}")
    await make_codes(till.database, template, f"U-{member}")
    checkout = f"k-{member}"
    commands: list[Command] = [
        Enrol(member_id=member),
        Accrue(member_id=member, order_id="o", amount=100_000),
        ClaimCoupon(member_id=member, code=f"U-{member}"),
        LockCoupon(member_id=member, code=f"U-{member}", reference="a", discount=100),
        UnlockCoupon(member_id=member, code=f"U-{member}", reference="a"),
        hold(member, 10_000, 5_000, points=300, cash=500, coupons=(f"P-{member}",)),
        ExtendCheckout(member_id=member, checkout_id=checkout, hold_seconds=3_000),
        CompleteCheckout(member_id=member, checkout_id=checkout),
        RefundCheckout(member_id=member, checkout_id=checkout, reference="f", amount=7_000),
        RefundCheckout(member_id=member, checkout_id=checkout, reference="g", items=(("1", None, None),)),
        hold(member, 9_000, points="max", coupons="best", checkout_id=f"l-{member}"),
        CancelCheckout(member_id=member, checkout_id=f"l-{member}"),
        RedeemCoupon(member_id=member, code=f"U-{member}", reference="b", discount=200),
        RollBackCoupon(member_id=member, code=f"U-{member}", reference="c"),
        VoidCoupon(member_id=member, code=f"U-{member}", reference="d", reason="x"),
        IssueCoupon(member_id=member, template=template, reference="i"),
    ]
    results = await till.ask_all(commands)
    assert [type(result) for result in results] == [Outcome] * len(commands), results
    assert await counter(till, template) == (3, 500)


async def test_a_repeat_is_answered_as_it_was_and_a_clash_refused(
    till: Till, other: Till, member: str
) -> None:
    template = await offer(till.database, f"t-{member}")
    await till.enrol(member, points=1_000)
    code = await claim(till, member, template)
    checkout = f"k-{member}"
    of = {"member_id": "", "code": code}
    pairs: list[tuple[Command, Command | None, type[Exception]]] = [
        (
            IssueCoupon(member_id=member, template=template, reference="i"),
            IssueCoupon(member_id=member, template=template, reference="i", reason="x"),
            ReferenceAlreadyUsed,
        ),
        (LockCoupon(**of, reference="a"), LockCoupon(**of, reference="a", discount=1), ReferenceAlreadyUsed),
        (UnlockCoupon(**of, reference="a"), None, ReferenceAlreadyUsed),
        (
            RedeemCoupon(**of, reference="b"),
            RedeemCoupon(**of, reference="b", discount=1),
            ReferenceAlreadyUsed,
        ),
        (RollBackCoupon(**of, reference="b"), None, ReferenceAlreadyUsed),
        (
            hold(member, 10_000, 777, points=100, coupons=(code,)),
            hold(member, 10_001, 777, points=100, coupons=(code,)),
            CheckoutAlreadyExists,
        ),
        (complete(member), complete(member, paid=1), CheckoutCompleted),
        (
            RefundCheckout(member_id="", checkout_id=checkout, reference="f", amount=700),
            RefundCheckout(member_id="", checkout_id=checkout, reference="f", amount=701),
            ReferenceAlreadyUsed,
        ),
        (hold(member, 500, checkout_id="l" + member), None, CheckoutAlreadyExists),
        (CancelCheckout(member_id="", checkout_id="l" + member), None, CheckoutAlreadyExists),
    ]
    for first, clash, refusal in pairs:
        made = await till.ask(first)
        assert (made.created, made.replayed) == (True, False)
        for each in (till, other):
            again = await each.ask(first)
            assert (again.created, again.replayed, again.body) == (False, True, made.body)
        if clash is not None:
            with pytest.raises(refusal):
                await other.ask(clash)
    with pytest.raises(OrderOfCheckout):
        await other.ask(Reverse(member_id=member, order_id=checkout, reference="b", amount=1))


async def test_an_order_that_was_told_before(till: Till, member: str) -> None:
    await till.enrol(member, points=1_000)
    await till.ask(hold(member, 10_000))
    await till.ask(Accrue(member_id=member, order_id=f"k-{member}", amount=100))
    with pytest.raises(OrderAlreadyAccrued):
        await till.ask(complete(member))
    await till.ask(Accrue(member_id=member, order_id=f"later-{member}", amount=100))
    with pytest.raises(OrderAlreadyAccrued):
        await till.ask(hold(member, 10_000, checkout_id=f"later-{member}"))


# --- whose it is -----------------------------------------------------------------------------------------


async def test_the_checkout_of_another(till: Till, other: Till, member: str) -> None:
    stranger = f"n{member}"
    await till.enrol(member, stranger)
    await till.ask(hold(member, 100))
    for each in (till, other):
        with pytest.raises(CheckoutAlreadyExists):
            await each.ask(hold(stranger, 100, checkout_id=f"k-{member}"))
        with pytest.raises(CheckoutNotFound):
            await each.ask(CompleteCheckout(member_id=stranger, checkout_id=f"k-{member}"))
    with pytest.raises(CheckoutNotFound):
        await till.ask(complete("nobody"))
    assert (await other.ask(complete(member))).body["member_id"] == member


async def test_codes_lead_to_their_members(till: Till, other: Till, member: str) -> None:
    stranger = f"n{member}"
    await till.enrol(member, stranger)
    template = await offer(till.database, f"t-{member}", budget=500)
    unique = f"U-{member}"
    await make_codes(till.database, template, unique)
    with pytest.raises(CouponNeedsMember):
        await till.ask(LockCoupon(member_id="", code=unique, reference="a"))
    with pytest.raises(CouponNotFound):
        await till.ask(LockCoupon(member_id="", code="no" + unique, reference="a"))
    await other.ask(LockCoupon(member_id=member, code=unique, reference="a", discount=400))
    with pytest.raises(CouponNotYours):
        await till.ask(RedeemCoupon(member_id=stranger, code=unique, reference="a"))
    with pytest.raises(CouponNotYours):
        await till.ask(ClaimCoupon(member_id=stranger, code=unique))
    with pytest.raises(CouponBudgetSpent):
        await till.ask(RedeemCoupon(member_id="", code=unique, reference="a", discount=501))
    await till.ask(RedeemCoupon(member_id="", code=unique, reference="a", discount=500))
    assert await coupon(till, unique) == ("redeemed", "a", 500)
    assert await counter(till, template) == (1, 500)


async def test_a_public_code(till: Till, other: Till, member: str) -> None:
    stranger = f"n{member}"
    await till.enrol(member, stranger)
    public = f"P-{member}"
    template = await offer(till.database, f"t-{member}", public_code=public, per_member=1, stock=2)
    with pytest.raises(CouponNeedsMember):
        await till.ask(RedeemCoupon(member_id="", code=public, reference="a"))
    await till.ask(LockCoupon(member_id=member, code=public, reference="a"))
    await other.ask(RedeemCoupon(member_id=member, code=public, reference="a"))
    await other.ask(hold(stranger, 10_000, coupons=(public,)))
    assert await counter(till, template) == (2, 0)
    with pytest.raises(CouponNotApplicable):
        await till.ask(hold(member, 10_000, coupons=(public,)))
    assert (await till.ask(complete(stranger))).body["coupons"][0]["code"] == public


# --- more than was loaded --------------------------------------------------------------------------------


async def test_the_most_points(till: Till, member: str) -> None:
    await till.enrol(member, points=300)
    for number in range(5):
        await till.ask(Accrue(member_id=member, order_id=f"o{number}", amount=10_000))
    held = await till.ask(hold(member, 100_000, points="max"))
    assert held.body["points"]["used"] == 800


async def test_the_best_of_coupons_with_budgets(till: Till, other: Till, member: str) -> None:
    """Which counters it takes is known only once it is priced: all is decided again with them."""
    await till.enrol(member)
    names = [f"{kind}-{member}" for kind in ("a", "b", "c")]
    await offer(till.database, names[0], budget=499, stacks_with="all")
    await offer(till.database, names[1], amount_off=400, budget=900, stacks_with="all")
    await offer(till.database, names[2], amount_off=300, budget=900, stacks_with="all")
    codes = [await claim(till, member, name) for name in names]
    held = await other.ask(hold(member, 10_000, coupons="best"))
    assert [each["code"] for each in held.body["coupons"]] == codes[1:]
    assert [await counter(till, name) for name in names] == [(1, 0), (1, 400), (1, 300)]


@pytest.mark.parametrize("what", ["lock", "checkout"])
async def test_a_budget_freed_by_time(till: Till, other: Till, member: str, what: str) -> None:
    await till.enrol(member)
    template = await offer(till.database, f"t-{member}", budget=900)
    code = await claim(till, member, template)
    if what == "lock":
        await till.ask(LockCoupon(member_id="", code=code, reference="a", discount=500, hold_seconds=1))
    else:
        await till.ask(hold(member, 10_000, coupons=(code,), hold_seconds=1))
    await asyncio.sleep(A_SECOND)
    await other.ask(Mature(member_id=member))
    assert await coupon(till, code) == ("issued", None, None)
    assert await counter(till, template) == (1, 0)


async def test_completing_after_the_lapse_was_written_down(till: Till, other: Till, member: str) -> None:
    """Its points are taken anew: of lots that its row does not name any more."""
    await till.enrol(member, points=300)
    template = await offer(till.database, f"t-{member}", budget=900)
    code = await claim(till, member, template)
    await till.ask(hold(member, 100_000, points=200, coupons=(code,), hold_seconds=1))
    await asyncio.sleep(A_SECOND)
    await till.ask(Mature(member_id=member))
    assert await till.balance(member) == (300, 0, 0, 0)
    completed = await other.ask(complete(member))
    assert completed.body["missing"] == []
    assert (await till.balance(member))[0] == 100 + completed.body["accrual"]["points"]
    assert await counter(till, template) == (1, 500)


async def test_a_coupon_of_a_public_code_by_its_own_code_late(till: Till, member: str) -> None:
    await till.enrol(member)
    await offer(till.database, f"t-{member}", public_code=f"P-{member}")
    code = (await till.ask(ClaimCoupon(member_id=member, code=f"P-{member}"))).body["code"]
    await till.ask(hold(member, 10_000, coupons=(code,), hold_seconds=1))
    await asyncio.sleep(A_SECOND)
    await till.ask(complete(member))
    assert await coupon(till, code) == ("redeemed", f"checkout/k-{member}", 500)


# --- templates that change -------------------------------------------------------------------------------


async def test_a_change_is_seen_by_all(till: Till, other: Till, member: str) -> None:
    await till.enrol(member)
    with pytest.raises(TemplateNotFound):
        await other.ask(ClaimCoupon(member_id=member, template=f"t-{member}"))
    template = await offer(till.database, f"t-{member}")
    code = await claim(other, member, template)
    await change(till.database, template, state="paused")
    for each in (till, other):
        with pytest.raises(CouponNotApplicable):
            await each.ask(hold(member, 10_000, coupons=(code,)))
        with pytest.raises(CouponPaused):
            await each.ask(LockCoupon(member_id="", code=code, reference="a"))
    await change(till.database, template, state="active", amount_off=700)
    for each in (till, other):
        held = await each.ask(hold(member, 10_000, coupons="best", checkout_id=f"k{id(each)}-{member}"))
        assert held.body["discount"] == 700
        await each.ask(CancelCheckout(member_id="", checkout_id=f"k{id(each)}-{member}"))


async def test_a_budget_given_later_counts_what_was_used_before(till: Till, other: Till, member: str) -> None:
    await till.enrol(member)
    template = await offer(till.database, f"t-{member}")
    used, held, spare = [await claim(till, member, template) for _ in range(3)]
    await till.ask(RedeemCoupon(member_id="", code=used, reference="a", discount=300))
    await till.ask(hold(member, 10_000, coupons=(held,)))
    assert await counter(till, template) == (3, 0)
    await change(till.database, template, budget=1_000)
    assert await counter(till, template) == (3, 800)
    with pytest.raises(CouponBudgetSpent):
        await other.ask(RedeemCoupon(member_id="", code=spare, reference="b", discount=201))
    await other.ask(CancelCheckout(member_id="", checkout_id=f"k-{member}"))
    await other.ask(RollBackCoupon(member_id="", code=used, reference="c"))
    assert await counter(till, template) == (3, 0)
    await till.ask(RedeemCoupon(member_id="", code=spare, reference="b", discount=900))
    await change(till.database, template, budget=None)
    await other.ask(RollBackCoupon(member_id="", code=spare, reference="d"))
    await change(till.database, template, budget=1)
    assert await counter(till, template) == (3, 0)


# --- the connection --------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
async def test_cut_around_a_commit_it_happens_once(
    database: Database, till: Till, member: str, when: str
) -> None:
    await till.enrol(member, points=1_000)
    template = await offer(database, f"t-{member}", stock=1, budget=500)
    plan: list[tuple[str, str]] = []
    async with cut_till(database, plan) as cut:

        async def ask(command: Command) -> Outcome:
            key = Claim(secrets.token_bytes(16), b"c" * 16)
            plan.append(("COMMIT", when))
            outcome = await cut.engine.submit(request(command, claim=key))
            assert plan == []
            again = await cut.engine.submit(request(command, claim=key))
            assert (again.replayed, again.body) == (True, outcome.body)
            return outcome

        claimed = await ask(ClaimCoupon(member_id=member, template=template))
        for command in (
            hold(member, 10_000, points=300, coupons=(claimed.body["code"],)),
            complete(member),
            RefundCheckout(member_id="", checkout_id=f"k-{member}", reference="f", amount=1_000),
        ):
            outcome = await ask(command)
            assert (outcome.created, outcome.replayed) == (True, False)
    assert await till.kinds(member) == ["accrue", "claim_coupon", "hold", "complete", "refund_checkout"]
    assert await counter(till, template) == (1, 500)
