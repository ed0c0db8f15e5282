"""Checkouts completed: in time, late, with other money. Source: API.md, Checkout."""

from typing import Any

import pytest

from app.domain.campaigns import CampaignBudget
from app.domain.carts import Cart, Wish
from app.domain.checkout_commands import CompleteCheckout, HoldCheckout
from app.domain.checkout_errors import HoldLapsed, PaidExceedsCheckout
from app.domain.commands import Accrue, Adjust, Freeze, Redeem, Reverse, Settle, Unfreeze
from app.domain.coupon_commands import ClaimCoupon, LockCoupon, RedeemCoupon, VoidCoupon
from app.domain.coupon_templates import Window
from app.domain.errors import MemberFrozen, OrderAlreadyAccrued
from app.domain.reversal import OrderOfCheckout
from app.domain.shelf import NeedsMore
from tests.domain.book import at
from tests.domain.fair import Fair, campaign, points
from tests.domain.lane import CASH, PLAIN, Lane
from tests.domain.programs import DEFAULT, program
from tests.domain.shop import cart, line, template

FIVE = template("five", amount_off_fen=500)


def held(*coupons: str, **rest: Any) -> Lane:
    """A lane with a cart of 100 yuan held for 400 points, 10 yuan of cash and a coupon."""
    lane = Lane(template("five", **({"amount_off_fen": 500} | rest)))
    lane.hold(10_000, shipping_fen=800, points=400, cash=1_000, coupons=("C1",))
    return lane


# --- in time ---------------------------------------------------------------------------------------------


def test_completing() -> None:
    lane = held()
    told = lane.complete()
    assert told["status"] == "completed"
    assert told["hold_expires_at"] is None
    assert (told["paid"], told["payable"], told["missing"]) == (8_900, 8_900, [])
    accrual = told["accrual"]
    assert (accrual["points"], accrual["status"]) == (81, "settled")
    assert lane.wallet == (681, 0, 0, 1_000, 0)
    account = lane.book.account()
    assert (account.redeemed, account.spend, account.orders, account.growth) == (400, 108_100, 2, 1_081)
    entry = lane.book.last()
    assert (entry.kind, entry.key, entry.order_id, entry.lot) == ("complete", "order/k", "k", 2)
    assert lane.book.detail()["moves"] == [[1, 0, -400], [2, 81, 0]]
    coupon = lane.book.coupon("C1")
    assert (coupon.status, coupon.reference, coupon.discount) == ("redeemed", "checkout/k", 500)
    checkout = lane.book.checkout("k")
    assert (checkout.status, checkout.points, checkout.cash) == ("completed", 400, 1_000)
    assert (checkout.coupons, checkout.hold_expires_at) == (["C1"], None)


def test_an_order_of_1_000_yuan_gives_cash() -> None:
    lane = Lane()
    lane.hold(100_000)
    lane.complete()
    assert lane.wallet[3] == 4_000


def test_settling_later() -> None:
    lane = Lane(FIVE)
    lane.hold(10_500, points=400, coupons=("C1",), settle=False)
    told = lane.complete()
    assert (told["accrual"]["points"], told["accrual"]["status"]) == (96, "pending")
    account = lane.book.account()
    assert (account.available, account.pending, account.spend) == (600, 96, 100_000)
    lane.book.do(Settle(member_id="m", order_id="k"))
    account = lane.book.account()
    assert (account.available, account.pending, account.spend) == (696, 0, 109_600)


def test_settling_by_itself() -> None:
    lane = Lane()
    lane.hold(10_000, settle=False)
    lane.complete()
    lane.lapse(days=15)
    assert lane.book.account().spend == 110_000


def test_the_orders_lines_are_what_was_paid_in_money() -> None:
    rates = program(cash=CASH, earning={"categories": {"tea": "3"}}, tiers={"ladder": _bronze()})
    lane = Lane(FIVE, program=rates)
    items = Cart((line("a", 6_000, category="tea"), line("b", 4_500)), 0, "app")
    told = lane.hold(items=items, points=200, coupons=("C1",))
    by_line = [each["payable"] for each in told["lines"]]
    assert sum(by_line) == 10_000
    earned = lane.complete()["accrual"]["points"]
    assert earned == told["earns"]["points"] == (5_714 - 114) * 3 // 100 + (4_286 - 86) // 100
    assert lane.book.lot(2).terms is not None


def test_the_rules_are_those_of_the_moment_of_paying() -> None:
    lane = Lane()
    lane.hold(10_000)
    lane.book.adopt(at(program(earning={"rate": "2"}), version=2))
    assert lane.complete()["accrual"]["points"] == 200


def test_an_order_may_reach_a_tier_that_asks_for_a_review() -> None:
    lane = Lane(program=DEFAULT)
    lane.hold(3_000_000)
    lane.complete()
    [review] = lane.book.members["m"].reviews.values()
    assert (review.to_tier, review.status) == ("diamond", "open")


def test_campaigns_pay_within_their_budgets_and_its_entry_tells_their_names() -> None:
    book = Fair(campaign("a", points(30), budget=CampaignBudget(points=50)))
    paid: list[int] = []
    for number in range(2):
        checkout_id = f"k{number}"
        book.do(HoldCheckout(member_id="m", checkout_id=checkout_id, cart=cart(1_000), wish=Wish()))
        told = book.do(CompleteCheckout(member_id="m", checkout_id=checkout_id))
        paid.append(told["accrual"]["points"])
    assert (paid, book.left) == ([10 + 30, 10 + 20], {"a": 0})
    assert "the a" in book.last().detail
    assert "the a" not in (book.lot(1).terms or "")


def test_plain_reversals_of_its_order_are_refused() -> None:
    lane = held()
    lane.complete()
    with pytest.raises(OrderOfCheckout):
        lane.book.do(Reverse(member_id="m", order_id="k", reference="b", amount=1))


def test_an_order_under_its_id() -> None:
    lane = held()
    lane.book.do(Accrue(member_id="m", order_id="k", amount=100))
    with pytest.raises(OrderAlreadyAccrued):
        lane.complete()
    assert lane.cancel()["status"] == "cancelled"


# --- what was really paid --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paid", "earned"), [(None, 81), (8_900, 81), (8_899, 80), (4_800, 40), (800, 0), (300, 0), (0, 0)]
)
def test_less_was_paid(paid: int | None, earned: int) -> None:
    """Shipping first: what is left of the money was paid for goods."""
    lane = held()
    told = lane.complete(paid=paid)
    assert told["paid"] == (8_900 if paid is None else paid)
    assert told["accrual"]["points"] == earned
    assert lane.book.account().spend == 100_000 + max((told["paid"] or 0) - 800, 0)


def test_more_was_paid() -> None:
    with pytest.raises(PaidExceedsCheckout) as refused:
        held().complete(paid=8_901)
    assert refused.value.extra == {"payable": 8_900}


def test_less_is_shared_by_the_lines() -> None:
    lane = Lane()
    lane.hold(3_000, 2_000, 0)
    lane.complete(paid=2_501)
    assert lane.book.detail()["money"] == [1_501, 1_000, 0]


# --- late ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("earn_only", [False, True])
def test_after_it_lapsed_it_takes_what_is_free(earn_only: bool) -> None:
    lane = held()
    lane.lapse()
    told = lane.complete(earn_only=earn_only)
    assert (told["status"], told["missing"], told["accrual"]["points"]) == ("completed", [], 81)
    assert lane.wallet == (681, 0, 0, 1_000, 0)
    coupon = lane.book.coupon("C1")
    assert (coupon.status, coupon.reference, coupon.discount) == ("redeemed", "checkout/k", 500)
    assert lane.book.detail()["moves"] == [[1, -400, 0], [2, 81, 0]]


def spend_points(lane: Lane) -> None:
    lane.book.do(Redeem(member_id="m", reference="r", points=900))


def spend_all_points(lane: Lane) -> None:
    lane.book.do(Redeem(member_id="m", reference="r", points=1_000))


def spend_cash(lane: Lane) -> None:
    lane.hold(5_000, checkout_id="other", cash=1_500)


def lose_cash(lane: Lane) -> None:
    """A refund takes back cash that was spent meanwhile."""
    lane.hold(5_000, checkout_id="other", cash=2_000)
    lane.complete("other")
    lane.book.do(Reverse(member_id="m", order_id="opening", reference="b", amount=1))


def lock_coupon(lane: Lane) -> None:
    lane.book.do(LockCoupon(member_id="m", code="C1", reference="r"))


def use_coupon(lane: Lane) -> None:
    lane.book.do(RedeemCoupon(member_id="m", code="C1", reference="r"))


def void_coupon(lane: Lane) -> None:
    lane.book.do(VoidCoupon(member_id="m", code="C1", reference="v", reason="x"))


def pause(lane: Lane) -> None:
    lane.book.offer(template("five", amount_off_fen=500, state="paused"))


POINTS = {"what": "points", "needed": 400, "available": 100}
LOST: list[tuple[Any, dict[str, Any]]] = [
    (spend_points, POINTS),
    (spend_all_points, {**POINTS, "available": 0}),
    (spend_cash, {"what": "cash", "needed": 1_000, "available": 500}),
    (lose_cash, {"what": "cash", "needed": 1_000, "available": 0}),
    (lock_coupon, {"what": "coupon", "code": "C1", "reason": "coupon_locked"}),
    (use_coupon, {"what": "coupon", "code": "C1", "reason": "coupon_redeemed"}),
    (void_coupon, {"what": "coupon", "code": "C1", "reason": "coupon_voided"}),
    (pause, {"what": "coupon", "code": "C1", "reason": "coupon_paused"}),
]


@pytest.mark.parametrize(("lose", "missing"), LOST)
def test_what_is_not_free_any_more(lose: Any, missing: dict[str, Any]) -> None:
    lane = held()
    lane.lapse()
    lose(lane)
    with pytest.raises(HoldLapsed) as refused:
        lane.complete()
    assert refused.value.extra == {"missing": [missing]}
    had = lane.book.account().redeemed
    told = lane.complete(earn_only=True)
    assert told["missing"] == [missing]
    assert told["accrual"]["points"] == 81
    checkout = lane.book.checkout("k")
    assert checkout.points == lane.book.account().redeemed - had
    assert checkout.points == (missing["available"] if missing["what"] == "points" else 400)
    assert checkout.cash == (missing["available"] if missing["what"] == "cash" else 1_000)
    assert checkout.coupons == ([] if missing["what"] == "coupon" else ["C1"])
    assert lane.book.account().cash == {"cash": 0 if lose is spend_cash else -2_000}.get(
        missing["what"], 1_000
    )


def test_a_coupon_that_expired_meanwhile() -> None:
    lane = held(valid=Window(days=1))
    lane.lapse(days=2)
    with pytest.raises(HoldLapsed) as refused:
        lane.complete()
    assert refused.value.extra["missing"][0]["reason"] == "coupon_expired"


def test_a_budget_that_is_spent_meanwhile() -> None:
    lane = Lane(template("five", amount_off_fen=500, budget_fen=900, stacks_with="all"))
    lane.book.do(ClaimCoupon(member_id="m", template="five"))
    lane.hold(10_000, coupons=("C1",))
    lane.lapse()
    lane.book.do(LockCoupon(member_id="m", code="C2", reference="r", discount=500))
    with pytest.raises(HoldLapsed) as refused:
        lane.complete()
    assert refused.value.extra["missing"] == [
        {"what": "coupon", "code": "C1", "reason": "coupon_budget_spent"}
    ]
    lane.complete(earn_only=True)
    assert lane.book.counters["five"].discounted == 500


def test_a_coupon_s_own_state_is_told_rather_than_its_budget() -> None:
    lane = Lane(template("five", amount_off_fen=500, budget_fen=900, stacks_with="all"))
    lane.book.do(ClaimCoupon(member_id="m", template="five"))
    lane.hold(10_000, coupons=("C1",))
    lane.lapse()
    lane.book.do(LockCoupon(member_id="m", code="C2", reference="r", discount=500))
    void_coupon(lane)
    with pytest.raises(HoldLapsed) as refused:
        lane.complete()
    assert [each["reason"] for each in refused.value.extra["missing"]] == ["coupon_voided"]


def test_of_several_coupons_those_that_are_free_are_taken() -> None:
    """One is not usable any more, of one the budget is spent: the others are used, and counted of their budgets."""
    lane = Lane(
        template("five", amount_off_fen=500, stacks_with="all"),
        template("four", amount_off_fen=400, budget_fen=400, stacks_with="all"),
        template("tenth", "percent_off", percent_off=10, budget_fen=2_000, stacks_with="all"),
        template("ship", "free_shipping", budget_fen=800, stacks_with="all"),
    )
    lane.book.do(ClaimCoupon(member_id="m", template="four"))
    lane.hold(10_000, shipping_fen=800, coupons=("C1", "C2", "C3", "C4"))
    lane.lapse()
    void_coupon(lane)
    lane.book.do(LockCoupon(member_id="m", code="C5", reference="r", discount=400))
    told = lane.complete(earn_only=True)
    assert [(each["code"], each["reason"]) for each in told["missing"]] == [
        ("C1", "coupon_voided"),
        ("C2", "coupon_budget_spent"),
    ]
    assert lane.book.checkout("k").coupons == ["C3", "C4"]
    assert [lane.book.counters[code].discounted for code in ("four", "tenth", "ship")] == [400, 910, 800]


def test_coupons_with_a_budget_are_counted_again() -> None:
    lane = Lane(template("five", amount_off_fen=500, budget_fen=1_000, stacks_with="all"))
    lane.book.do(ClaimCoupon(member_id="m", template="five"))
    lane.hold(10_000, coupons=("C1", "C2"))
    lane.lapse()
    assert lane.book.counters["five"].discounted == 0
    lane.complete()
    assert lane.book.counters["five"].discounted == 1_000


def test_points_that_were_not_read_are_asked_for() -> None:
    lane = held()
    lane.lapse()
    lane.book.members["m"].sees_all_lots = False
    with pytest.raises(NeedsMore) as more:
        lane.complete()
    assert (more.value.counters, more.value.all_lots_of) == (frozenset(), {"m"})


def test_debt_is_paid_by_what_a_late_order_earns() -> None:
    lane = held()
    lane.lapse()
    lane.book.do(Adjust(member_id="m", reference="a", points=-900, reason="x"))
    lane.book.do(Redeem(member_id="m", reference="r", points=100))
    lane.book.do(Reverse(member_id="m", order_id="opening", reference="b", amount=50_00))
    assert lane.wallet[2] == 50
    told = lane.complete(earn_only=True)
    assert told["accrual"]["debt_paid"] == 50
    assert lane.wallet[:3] == (31, 0, 0)


def _bronze() -> Any:
    return PLAIN.to_document()["tiers"]["ladder"]


def test_a_cart_that_costs_nothing() -> None:
    lane = Lane(template("all", "percent_off", percent_off=100))
    assert lane.hold(1_000, coupons=("C1",))["payable"] == 0
    told = lane.complete()
    assert (told["paid"], told["accrual"]["points"]) == (0, 0)
    assert lane.book.account().orders == 2
    assert cart(1).channel is None


def test_a_frozen_member_completes_what_is_held_and_takes_nothing_anew() -> None:
    lane = held()
    lane.book.do(Freeze(member_id="m"))
    lane.lapse()
    for earn_only in (False, True):
        with pytest.raises(MemberFrozen):
            lane.complete(earn_only=earn_only)
    lane.book.do(Unfreeze(member_id="m"))
    assert lane.complete()["missing"] == []
    lane = held()
    lane.book.do(Freeze(member_id="m"))
    assert lane.complete()["status"] == "completed"
