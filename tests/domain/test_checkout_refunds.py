"""Refunds of checkouts: by amount, by items, several times. Source: RULES.md, refund of an order; API.md, Checkout."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.carts import Cart, CartLine
from app.domain.checkout_errors import CheckoutNotCompleted
from app.domain.commands import Redeem, Settle
from app.domain.coupon_templates import Window
from app.domain.errors import ItemNotInOrder, LoyaltyError, RefundExceedsOrder
from app.domain.orders import Returned, order_of
from tests.domain.lane import PLAIN, Lane
from tests.domain.programs import DEFAULT, program
from tests.domain.shop import template

FIVE = template("five", amount_off_fen=500)
Items = list[tuple[str, int | None, int | None]]


def completed(*amounts_fen: int, shipping_fen: int = 800, **terms: Any) -> Lane:
    """A lane with an order for 400 points, 10 yuan of cash and a coupon C1 of 5 yuan off."""
    lane = Lane(template("five", **({"amount_off_fen": 500} | terms)))
    lane.hold(*(amounts_fen or (10_000,)), shipping_fen=shipping_fen, points=400, cash=1_000, coupons=("C1",))
    lane.complete()
    return lane


# --- tables ----------------------------------------------------------------------------------------------


def test_all_of_it() -> None:
    lane = completed()
    told = lane.refund(10_300)  # 95 yuan of goods, 8 of shipping
    assert told["refunded"] == {"amount": 8_900, "points": 400, "cash": 1_000, "coupons": ["C1"]}
    assert told["taken_back"] == {"points": 81, "recovered": 81, "shortfall": 0}
    assert (told["status"], told["expired"], told["debt_paid"]) == ("refunded", 0, 0)
    assert lane.wallet == (1_000, 0, 0, 2_000, 1)
    account = lane.book.account()
    assert (account.redeemed, account.spend, account.orders, account.growth) == (0, 100_000, 1, 1_000)
    checkout = lane.book.checkout("k")
    assert (checkout.points_refunded, checkout.cash_refunded, checkout.parts) == (400, 1_000, [])
    assert lane.book.last().order_id == "k"
    assert lane.book.detail()["amount"] == 8_100


def test_half_of_it() -> None:
    lane = completed()
    told = lane.refund(4_750)
    # of 95 yuan 4 were points, 10 cash and 81 money
    assert told["refunded"] == {"amount": 4_050, "points": 200, "cash": 500, "coupons": []}
    assert told["taken_back"]["points"] == 41
    assert told["status"] == "partially_refunded"
    assert lane.wallet == (840, 0, 0, 1_500, 0)


def test_beyond_the_goods_comes_shipping() -> None:
    lane = completed()
    assert lane.refund(9_500)["refunded"]["amount"] == 8_100
    assert lane.book.checkout("k").status == "refunded"
    told = lane.refund(300)
    assert told["refunded"] == {"amount": 300, "points": 0, "cash": 0, "coupons": []}
    assert told["status"] == "refunded"
    with pytest.raises(RefundExceedsOrder) as refused:
        lane.refund(501)
    assert refused.value.extra == {"rest": 500}
    assert lane.refund(500)["refunded"]["amount"] == 500


def test_more_than_all() -> None:
    lane = completed()
    for amount in (10_301, 10**12):
        with pytest.raises(RefundExceedsOrder):
            lane.refund(amount)


def test_items() -> None:
    lane = completed(4_000, 6_000)
    told = lane.refund(items=[("2", None, None)])
    assert told["refunded"]["points"] == 240
    assert told["status"] == "partially_refunded"
    with pytest.raises(RefundExceedsOrder):
        lane.refund(items=[("2", None, None)])
    with pytest.raises(RefundExceedsOrder):
        lane.refund(items=[("1", None, 3_801)])
    with pytest.raises(ItemNotInOrder):
        lane.refund(items=[("3", None, None)])
    told = lane.refund(items=[("1", 1, None)])
    assert (told["refunded"]["coupons"], told["status"]) == (["C1"], "refunded")


def test_each_line_gives_back_what_was_paid_of_it() -> None:
    lane = completed(4_000, 6_000)
    parts = [lane.refund(items=[(line_id, None, None)])["refunded"] for line_id in "12"]
    assert [(part["points"], part["cash"]) for part in parts] == [(160, 400), (240, 600)]


def test_the_order_knows_what_came_back_of_its_lines() -> None:
    lane = Lane()
    lane.hold(items=Cart((CartLine("a", "a", None, None, 3, 900), CartLine("b", "b", None, None, 1, 100))))
    lane.complete()
    lane.refund(100)
    assert order_of(lane.book.lot(2)).returned == {"a": Returned(0, 90), "b": Returned(0, 10)}
    lane.refund(items=[("a", 1, None)])
    assert order_of(lane.book.lot(2)).returned == {"a": Returned(1, 300), "b": Returned(0, 10)}


def test_an_amount_lies_on_what_is_left_of_the_lines() -> None:
    lane = Lane()
    lane.hold(4_000, 6_000)
    lane.complete()
    lane.refund(items=[("1", None, None)])
    lane.refund(3_000)
    assert order_of(lane.book.lot(2)).returned == {"1": Returned(1, 4_000), "2": Returned(0, 3_000)}


def test_pieces_of_a_line() -> None:
    lane = Lane()
    lane.hold(items=Cart((CartLine("a", "a", None, None, 3, 1_000),)))
    lane.complete()
    parts = [lane.refund(items=[("a", 1, None)])["refunded"]["amount"] for _ in range(3)]
    assert parts == [333, 333, 334]
    assert lane.book.checkout("k").status == "refunded"


def test_goods_for_nothing_come_back_piece_by_piece() -> None:
    lane = Lane(template("all", "percent_off", percent_off=100))
    lane.hold(items=Cart((CartLine("a", "a", None, None, 2, 1_000),), 600), coupons=("C1",))
    lane.complete()
    assert lane.refund(600)["status"] == "partially_refunded"  # the shipping alone
    assert lane.refund(items=[("a", 1, None)])["status"] == "partially_refunded"
    told = lane.refund(items=[("a", 1, None)])
    assert (told["status"], told["refunded"]["coupons"]) == ("refunded", ["C1"])


@pytest.mark.parametrize("status", ["held", "lapsed"])
def test_nothing_to_refund_yet(status: str) -> None:
    lane = Lane()
    lane.hold(1_000)
    if status == "lapsed":
        lane.lapse()
    with pytest.raises(CheckoutNotCompleted) as refused:
        lane.refund(1)
    assert refused.value.extra == {"checkout_status": status}


def test_what_the_order_won_goes_with_it() -> None:
    lane = Lane(program=DEFAULT)
    lane.hold(250_000)  # less two percent as a silver member
    assert lane.complete()["accrual"]["tier"] == {"code": "gold", "changed": True}
    told = lane.refund(245_000)
    assert told["tier"] == {"code": "silver", "changed": True}


def test_a_review_that_the_order_asked_for_goes_with_it() -> None:
    lane = Lane(program=DEFAULT)
    lane.hold(3_000_000)
    lane.complete()
    lane.refund(2_940_000)
    assert [review.status for review in lane.book.members["m"].reviews.values()] == ["closed"]


# --- coupons ---------------------------------------------------------------------------------------------


def test_a_coupon_that_never_comes_back() -> None:
    lane = completed(return_on="never")
    assert lane.refund(9_500)["refunded"]["coupons"] == []
    assert lane.book.coupon("C1").status == "redeemed"


def test_a_coupon_that_expired_meanwhile() -> None:
    lane = completed(valid=Window(days=2))
    lane.book.later(days=9)
    assert lane.refund(9_500)["refunded"]["coupons"] == []
    assert lane.book.coupon("C1").status == "expired"
    assert lane.book.detail()["freed"] == ["C1"]


def test_the_budget_is_free_again() -> None:
    lane = completed(budget_fen=500)
    lane.refund(1)
    assert lane.book.counters["five"].discounted == 500
    lane.refund(9_499)
    assert lane.book.counters["five"].discounted == 0
    lane.hold(10_000, checkout_id="k2", coupons=("C1",))


def test_the_coupon_comes_back_once() -> None:
    lane = completed()
    lane.refund(9_500)
    lane.hold(10_000, checkout_id="k2", coupons=("C1",))
    assert lane.refund(800)["refunded"]["coupons"] == []
    assert lane.book.coupon("C1").reference == "checkout/k2"


# --- points ----------------------------------------------------------------------------------------------


def test_points_come_back_last_taken_first_and_pay_debt() -> None:
    lane = completed()
    lane.book.do(Redeem(member_id="m", reference="r", points=681))
    told = lane.refund(10_300)
    assert told["taken_back"] == {"points": 81, "recovered": 81, "shortfall": 0}  # of those that came back
    assert lane.wallet[:3] == (319, 0, 0)


def test_what_can_not_be_recovered_is_debt() -> None:
    lane = Lane()
    lane.hold(10_000)
    lane.complete()
    lane.book.do(Redeem(member_id="m", reference="r", points=1_100))
    told = lane.refund(10_000)
    assert told["taken_back"] == {"points": 100, "recovered": 0, "shortfall": 100}
    assert lane.wallet[:3] == (0, 0, 100)


def test_a_point_comes_back_once_all_of_its_worth_has() -> None:
    paying = {"points": 1, "worth_fen": 7, "min_points": 1, "step_points": 1}
    lane = Lane(program=program(paying=paying, tiers=PLAIN.to_document()["tiers"]))
    lane.hold(1_400, points=100)  # half of it by points
    lane.complete()
    assert [lane.refund(amount)["refunded"]["points"] for amount in (13, 1, 13, 1)] == [0, 1, 0, 1]


def test_points_that_expired_meanwhile() -> None:
    lane = completed()
    lane.book.later(days=366)
    told = lane.refund(9_500)
    assert told["expired"] == 400
    assert lane.wallet[0] == 0


def test_an_order_that_cost_no_money_settles_after_a_refund_of_a_part() -> None:
    lane = Lane()
    lane.hold(1_000, cash="max", settle=False)
    lane.complete()
    lane.refund(500)
    lot = lane.book.lot(2)
    assert (lot.amount, lot.pending) == (0, True)
    assert lot.settle_at is not None
    lane.lapse(days=16)
    assert (lane.book.lot(2).pending, lane.book.account().orders) == (False, 2)


def test_a_refund_of_what_is_still_pending() -> None:
    lane = Lane()
    lane.hold(10_000, points=400, settle=False)
    lane.complete()
    told = lane.refund(4_000)
    assert told["taken_back"]["points"] == 39  # 96 were pending, 57.6 are left
    assert lane.book.account().pending == 57
    lane.book.do(Settle(member_id="m", order_id="k"))
    lane.refund(6_000)
    account = lane.book.account()
    assert (account.available, account.pending, account.spend) == (1_000, 0, 100_000)


def test_what_was_not_taken_does_not_come_back() -> None:
    lane = Lane()
    lane.hold(10_000, points=1_000, cash=2_000)
    lane.lapse()
    lane.book.do(Redeem(member_id="m", reference="r", points=900))
    lane.complete(earn_only=True)
    told = lane.refund(10_000)
    assert told["refunded"] == {"amount": 7_000, "points": 100, "cash": 2_000, "coupons": []}


def test_of_cash_that_was_taken_in_part_its_share_comes_back() -> None:
    lane = Lane()
    lane.hold(10_000, cash=2_000)
    lane.lapse()
    lane.hold(5_000, checkout_id="other", cash=1_500)
    lane.complete(earn_only=True)
    # 20 fen of the goods were 4 of cash, of which a quarter was there.
    assert [lane.refund(amount)["refunded"]["cash"] for amount in (15, 5, 9_980)] == [0, 1, 499]


# --- less was paid ---------------------------------------------------------------------------------------


def test_the_share_that_was_paid_comes_back_in_whole_fens() -> None:
    lane = Lane()
    lane.hold(1_000)
    lane.complete(paid=500)
    assert [lane.refund(1)["refunded"]["amount"] for _ in range(4)] == [0, 1, 0, 1]
    lane.hold(1_000, checkout_id="k2", shipping_fen=800)
    lane.complete("k2", paid=400)  # half of the shipping, nothing of the goods
    parts = [lane.refund(amount, checkout_id="k2")["refunded"]["amount"] for amount in (1_000, 1, 1)]
    assert parts == [0, 0, 1]


@pytest.mark.parametrize("paid", [0, 1, 300, 799, 800, 801, 4_800, 8_899, 8_900])
def test_no_more_money_comes_back_than_was_paid(paid: int) -> None:
    lane = Lane(FIVE)
    lane.hold(7_000, 3_000, shipping_fen=800, points=400, cash=1_000, coupons=("C1",))
    lane.complete(paid=paid)
    parts = [lane.refund(amount)["refunded"]["amount"] for amount in (1, 3_333, 6_166, 300, 500)]
    assert min(parts) >= 0
    assert sum(parts) == paid


# --- properties ------------------------------------------------------------------------------------------

AMOUNT = st.one_of(st.integers(0, 50), st.integers(0, 20_000))
LINES = st.lists(st.tuples(AMOUNT, st.integers(1, 7)), min_size=1, max_size=4)
FREE = (template("off", amount_off_fen=777), template("some", "percent_off", percent_off=7))


def order(data: st.DataObject) -> tuple[Lane, int]:
    """A completed checkout of any cart, paid for in any way; and the money paid."""
    lane = Lane(*FREE)
    lines = data.draw(LINES)
    lane.hold(
        items=Cart(
            tuple(
                CartLine(str(number), "sku", None, None, quantity, amount)
                for number, (amount, quantity) in enumerate(lines)
            ),
            data.draw(st.sampled_from([0, 0, 7, 800])),
        ),
        points=data.draw(st.sampled_from([0, "max"])),
        cash=data.draw(st.sampled_from([0, "max"])),
        coupons=data.draw(st.sampled_from([(), "best"])),
        settle=data.draw(st.booleans()),
    )
    if data.draw(st.booleans()):
        lane.lapse()
        if data.draw(st.booleans()):
            points = data.draw(st.integers(1, 1_000))
            lane.book.do(Redeem(member_id="m", reference="r", points=points))
    payable = lane.book.members["m"].held["k"]["quote"][9]
    paid = data.draw(st.one_of(st.none(), st.integers(0, payable)))
    told = lane.complete(earn_only=True, paid=paid)
    return lane, told["paid"]


def try_to_refund(lane: Lane, data: st.DataObject) -> dict[str, Any] | None:
    """Any refund; None if it is refused, which changes nothing."""
    pick = st.integers(0, 20_000)
    if data.draw(st.booleans()):
        ask: dict[str, Any] = {"amount": data.draw(st.one_of(st.integers(1, 30), pick.filter(bool)))}
    else:
        lines = data.draw(st.sets(st.sampled_from("0123"), min_size=1))
        ask = {
            "items": [
                data.draw(
                    st.sampled_from(
                        [(line, None, None), (line, 1, None), (line, None, data.draw(pick)), (line, 1, 1)]
                    )
                )
                for line in sorted(lines)
            ]
        }
    try:
        return lane.refund(**ask)
    except LoyaltyError:
        return None


def refund_the_rest(lane: Lane) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    for line in "0123":
        with contextlib.suppress(LoyaltyError):
            told.append(lane.refund(items=[(line, None, None)]))
    try:
        lane.refund(10**12)
    except RefundExceedsOrder as refused:
        if rest := refused.extra["rest"]:
            told.append(lane.refund(rest))
    return told


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_refunds_add_up(data: st.DataObject) -> None:
    """However it comes back: no part is negative, and in the end all of it is back, to the last fen."""
    lane, paid = order(data)
    before = lane.book.account()
    spent = lane.book.checkout("k")
    lot = lane.book.lot(2)
    if data.draw(st.booleans()) and lot.pending:
        lane.book.do(Settle(member_id="m", order_id="k"))
        before = lane.book.account()
    told = [each for _ in range(data.draw(st.integers(0, 5))) if (each := try_to_refund(lane, data))]
    for each in told:
        refunded = each["refunded"]
        assert min(refunded["amount"], refunded["points"], refunded["cash"]) >= 0
        assert each["taken_back"]["points"] >= 0
    told += refund_the_rest(lane)
    checkout, account = lane.book.checkout("k"), lane.book.account()
    assert sum(each["refunded"]["amount"] for each in told) == paid
    assert sum(each["refunded"]["points"] for each in told) == checkout.points_refunded == spent.points
    assert sum(each["refunded"]["cash"] for each in told) == checkout.cash_refunded == spent.cash
    assert sum(each["taken_back"]["points"] for each in told) == lot.granted
    assert [code for each in told for code in each["refunded"]["coupons"]] == spent.coupons
    assert (checkout.status, checkout.parts) == ("refunded", [])
    lot = lane.book.lot(2)
    assert lot.refunded == lot.amount
    assert (account.spend, account.growth, account.earned) == (100_000, 1_000, 1_000)
    assert account.cash == 2_000
    assert account.coupons == 2
    assert account.redeemed == before.redeemed - spent.points
    assert account.available + account.redeemed == 1_000
    assert account.orders == 1 + (lot.amount == 0 and not lot.pending)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_many_small_refunds_give_the_same_as_one(data: st.DataObject) -> None:
    """Of the same lines the same amounts, at once or one after another."""
    seed = data.draw(LINES)
    parts = data.draw(
        st.lists(st.tuples(st.integers(0, len(seed) - 1), st.integers(1, 5_000)), min_size=1, max_size=6)
    )
    lanes: list[Lane] = []
    for _ in range(2):
        lane = Lane(*FREE)
        lane.hold(
            items=Cart(
                tuple(
                    CartLine(str(number), "sku", None, None, quantity, amount)
                    for number, (amount, quantity) in enumerate(seed)
                )
            ),
            points="max",
            cash="max",
            coupons="best",
        )
        lane.complete()
        lanes.append(lane)
    one, many = lanes
    done: dict[int, int] = {}
    for line, amount in parts:
        try:
            many.refund(items=[(str(line), None, amount)])
        except RefundExceedsOrder:
            continue
        done[line] = done.get(line, 0) + amount
    if done:
        one.refund(items=[(str(line), None, amount) for line, amount in done.items()])
    assert one.wallet == many.wallet
    first, second = one.book.checkout("k"), many.book.checkout("k")
    assert first._replace(refunds=None) == second._replace(refunds=None)
    assert one.book.account().spend == many.book.account().spend
    assert one.book.account().earned == many.book.account().earned
