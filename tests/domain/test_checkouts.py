"""Checkouts held, extended, cancelled, lapsed. Source: API.md, Checkout; RULES.md, Coupons and paying."""

from datetime import timedelta
from typing import Any

import pytest

from app.domain.carts import Cart, CartEmpty, Wish
from app.domain.checkout_commands import (
    CancelCheckout,
    CheckoutAlreadyExists,
    CheckoutCompleted,
    CompleteCheckout,
    ExtendCheckout,
    HoldCheckout,
    RefundCheckout,
)
from app.domain.checkout_errors import (
    CashOverLimit,
    CheckoutCancelled,
    CheckoutNotFound,
    CheckoutNotHeld,
    PointsOverLimit,
    QuoteChanged,
)
from app.domain.commands import Accrue, Freeze, Redeem, Reverse
from app.domain.coupon_commands import (
    ClaimCoupon,
    LockCoupon,
    RedeemCoupon,
    RollBackCoupon,
    UnlockCoupon,
)
from app.domain.coupon_errors import CouponLocked, CouponNotApplicable, CouponOfCheckout
from app.domain.coupon_templates import Window
from app.domain.errors import HoldTooLong, InsufficientPoints, MemberFrozen, OrderAlreadyAccrued
from tests.domain.book import START
from tests.domain.lane import Lane
from tests.domain.shop import cart, template

FIVE = template("five", amount_off_fen=500)
TENTH = template("tenth", "percent_off", percent_off=10)


def refusals(refused: pytest.ExceptionInfo[CouponNotApplicable]) -> dict[str, list[str]]:
    return {
        coupon["code"]: [reason["code"] for reason in coupon["reasons"]]
        for coupon in refused.value.extra["coupons"]
    }


# --- hold ------------------------------------------------------------------------------------------------


def test_a_hold_keeps_all_three() -> None:
    lane = Lane(FIVE, TENTH)
    told = lane.hold(10_000, 5_500, shipping_fen=800, points=400, cash=1_000, coupons=("C1", "C2"))
    assert told["status"] == "held"
    assert (told["subtotal"], told["discount"], told["payable"]) == (15_500, 2_000, 12_900)
    assert told["coupons"] == [
        {"code": "C1", "template": "five", "discount": 500},
        {"code": "C2", "template": "tenth", "discount": 1_500},
    ]
    assert told["hold_expires_at"] == "2026-03-05T02:30:00Z"
    assert told["balance"]["available"] == 600
    assert lane.wallet == (600, 400, 0, 1_000, 0)
    entry = lane.book.last()
    assert (entry.kind, entry.key, entry.points, entry.reserved, entry.cash) == (
        "hold",
        "hold/k",
        -400,
        400,
        -1_000,
    )
    checkout = lane.book.checkout("k")
    assert (checkout.points, checkout.cash, checkout.coupons) == (400, 1_000, ["C1", "C2"])
    for code in ("C1", "C2"):
        coupon = lane.book.coupon(code)
        assert (coupon.status, coupon.reference, coupon.lock_expires_at) == ("locked", "checkout/k", None)


def test_a_hold_of_nothing_but_the_price() -> None:
    lane = Lane()
    assert lane.hold(1_000)["payable"] == 1_000
    checkout = lane.book.checkout("k")
    assert (checkout.points, checkout.cash, checkout.lots, checkout.parts, checkout.coupons) == (
        0,
        0,
        [],
        [],
        [],
    )


def test_as_much_as_can_be() -> None:
    lane = Lane(FIVE, TENTH)
    told = lane.hold(3_000, points="max", cash="max", coupons="best")
    assert told["best_is_exact"] is True
    # 30 yuan less 5 less a tenth; of the 22.50 at most half by points, in hundreds; then cash
    assert (told["points"]["used"], told["cash"]["used"], told["payable"]) == (1_000, 1_250, 0)
    assert lane.wallet == (0, 1_000, 0, 750, 0)


WRONG: list[tuple[dict[str, Any], type[Exception], dict[str, Any]]] = [
    ({"points": 150}, PointsOverLimit, {"max": 1_000, "min": 100, "step": 100}),
    ({"points": 99}, PointsOverLimit, {"max": 1_000, "min": 100, "step": 100}),
    ({"points": 1_100}, PointsOverLimit, {"max": 1_000, "min": 100, "step": 100}),
    ({"cash": 2_001}, CashOverLimit, {"max": 2_000}),
    ({"hold_seconds": 604_801}, HoldTooLong, {"max_hold_seconds": 604_800}),
    (
        {"quoted": (("payable", 9_999), ("discount", 0), ("earns", 100))},
        QuoteChanged,
        {"difference": {"payable": {"quoted": 9_999, "now": 10_000}}},
    ),
    ({"items": Cart(())}, CartEmpty, {}),
]


@pytest.mark.parametrize(("how", "refusal", "extra"), WRONG)
def test_a_hold_refused_holds_nothing(
    how: dict[str, Any], refusal: type[Exception], extra: dict[str, Any]
) -> None:
    lane = Lane()
    with pytest.raises(refusal) as refused:
        lane.hold(10_000, **how)
    assert getattr(refused.value, "extra", {}) == extra
    assert lane.wallet == (1_000, 0, 0, 2_000, 0)


def test_what_was_quoted_is_what_is_held() -> None:
    figures = {"payable": 9_200, "discount": 500, "shipping": 800, "points": 100, "cash": 1_000}
    figures["earns"] = 84
    told = Lane(FIVE).hold(
        10_000,
        shipping_fen=800,
        points=100,
        cash=1_000,
        coupons=("C1",),
        quoted=tuple(figures.items()),
    )
    assert told["payable"] == 9_200
    for name in figures:
        with pytest.raises(QuoteChanged) as refused:
            Lane().hold(10_000, quoted=((name, 7),))
        assert [*refused.value.extra["difference"]] == [name]


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"threshold_fen": 10_001}, "threshold_not_reached"),
        ({"valid": Window(from_at=START + timedelta(1))}, "coupon_not_started"),
        ({"skus": ["other"]}, "product_not_eligible"),
        ({"channels": ["app"]}, "channel_not_eligible"),
        ({"tiers": ["gold"]}, "tier_not_eligible"),
        ({"first_order": True}, "first_order_only"),
        ({"min_quantity": 2}, "quantity_not_reached"),
        ({"budget_fen": 499}, "coupon_budget_spent"),
    ],
)
def test_a_coupon_that_does_not_fit(terms: dict[str, Any], why: str) -> None:
    lane = Lane(template("five", amount_off_fen=500, **terms))
    with pytest.raises(CouponNotApplicable) as refused:
        lane.hold(10_000, coupons=("C1",))
    assert refusals(refused) == {"C1": [why]}
    assert lane.hold(10_000, coupons="best")["coupons"] == []


def test_coupons_that_do_not_go_together() -> None:
    lane = Lane(FIVE, template("four", amount_off_fen=400))
    with pytest.raises(CouponNotApplicable) as refused:
        lane.hold(10_000, coupons=("C1", "C2"))
    assert refused.value.extra["coupons"][0]["reasons"][0]["with"] == ["C1"]
    assert refusals(refused) == {"C2": ["not_stackable"]}


def test_frozen_members_hold_nothing_new() -> None:
    lane = Lane()
    lane.hold(10_000, points=100)
    lane.book.do(Freeze(member_id="m"))
    with pytest.raises(MemberFrozen):
        lane.hold(10_000, checkout_id="k2")
    lane.extend(60)
    assert lane.complete()["status"] == "completed"


def test_what_is_held_is_nobody_elses() -> None:
    lane = Lane(FIVE)
    lane.hold(20_000, points=1_000, cash=2_000, coupons=("C1",))
    with pytest.raises(InsufficientPoints):
        lane.book.do(Redeem(member_id="m", reference="r", points=1))
    with pytest.raises(CouponNotApplicable) as refused:
        lane.hold(20_000, checkout_id="k2", coupons=("C1",))
    assert refusals(refused) == {"C1": ["coupon_locked"]}
    told = lane.hold(20_000, checkout_id="k2", points="max", cash="max", coupons="best")
    assert (told["points"]["used"], told["cash"]["used"], told["coupons"]) == (0, 0, [])


def test_coupons_of_checkouts_go_with_them() -> None:
    lane = Lane(FIVE)
    lane.hold(10_000, coupons=("C1",))
    named = {"member_id": "m", "code": "C1", "reference": "k"}
    for command in (UnlockCoupon(**named), RedeemCoupon(**named), RollBackCoupon(**named)):
        with pytest.raises(CouponOfCheckout):
            lane.book.do(command)
    with pytest.raises(CouponLocked):
        lane.book.do(LockCoupon(**named))
    lane.complete()
    for command in (UnlockCoupon(**named), RedeemCoupon(**named), RollBackCoupon(**named)):
        with pytest.raises(CouponOfCheckout):
            lane.book.do(command)


# --- extend ----------------------------------------------------------------------------------------------


def test_an_extension() -> None:
    lane = Lane(FIVE)
    first = lane.hold(10_000, points=100, coupons=("C1",))
    lane.book.later(minutes=20)
    told = lane.extend(1_200)
    assert told == {**first, "hold_expires_at": "2026-03-05T02:40:00Z"}
    assert lane.extend(60)["hold_expires_at"] == told["hold_expires_at"]  # never shorter
    lane.lapse(minutes=19)
    assert lane.book.checkout("k").status == "held"
    lane.lapse(minutes=1)
    assert lane.book.checkout("k").status == "lapsed"
    with pytest.raises(CheckoutNotHeld) as refused:
        lane.extend(60)
    assert refused.value.extra == {"checkout_status": "lapsed"}


def test_an_extension_too_long() -> None:
    lane = Lane()
    lane.hold(10_000)
    with pytest.raises(HoldTooLong):
        lane.extend(604_801)


# --- cancel, lapse ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_itself", [False, True])
def test_all_comes_back(by_itself: bool) -> None:
    lane = Lane(FIVE)
    lane.hold(10_000, points=300, cash=700, coupons=("C1",))
    if by_itself:
        lane.lapse(days=3)
        assert lane.book.last().occurred_at == START + timedelta(minutes=30)
    else:
        told = lane.cancel()
        assert told["status"] == "cancelled"
        assert told["freed"] == {"points": 300, "cash": 700, "coupons": ["C1"]}
        assert (told["expired"], told["debt_paid"]) == (0, 0)
    assert lane.wallet == (1_000, 0, 0, 2_000, 1)
    assert lane.book.checkout("k").status == ("lapsed" if by_itself else "cancelled")
    assert lane.book.kinds()[-1] == ("lapse_checkout" if by_itself else "release")


def test_points_and_coupons_that_expired_meanwhile() -> None:
    lane = Lane(template("five", amount_off_fen=500, valid=Window(days=361)))
    lane.book.later(days=360)
    lane.hold(10_000, points=300, coupons=("C1",), hold_seconds=604_800)
    lane.book.later(days=6, hours=23)
    told = lane.cancel()
    assert told["expired"] == 300
    assert lane.wallet == (0, 0, 0, 2_000, 0)
    assert lane.book.coupon("C1").status == "expired"


def test_what_comes_back_pays_debt() -> None:
    lane = Lane()
    lane.hold(10_000, points=300)
    lane.book.do(Reverse(member_id="m", order_id="opening", reference="b", amount=90_000))
    assert lane.wallet[:3] == (0, 300, 200)
    assert lane.cancel()["debt_paid"] == 200
    assert lane.wallet[:3] == (100, 0, 0)


def test_the_budget_is_free_again() -> None:
    lane = Lane(template("five", amount_off_fen=500, budget_fen=500))
    lane.book.do(ClaimCoupon(member_id="m", template="five"))
    lane.hold(10_000, coupons=("C1",))
    with pytest.raises(CouponNotApplicable):
        lane.hold(10_000, checkout_id="k2", coupons=("C2",))
    assert lane.hold(10_000, checkout_id="k3", coupons="best")["coupons"] == []
    lane.cancel()
    assert lane.book.counters["five"].discounted == 0
    lane.hold(10_000, checkout_id="k4", coupons=("C2",))


def test_each_coupon_s_own_budget_is_free_again() -> None:
    lane = Lane(
        template("five", amount_off_fen=500, budget_fen=500),
        template("tenth", "percent_off", percent_off=10, budget_fen=2_000),
    )
    lane.hold(10_000, coupons=("C1", "C2"))
    assert [lane.book.counters[code].discounted for code in ("five", "tenth")] == [500, 950]
    lane.cancel()
    assert [lane.book.counters[code].discounted for code in ("five", "tenth")] == [0, 0]


def test_the_best_leaves_out_a_coupon_that_does_not_fit_whatever_its_code() -> None:
    lane = Lane(template("far", amount_off_fen=500, threshold_fen=20_000), claims=False)
    lane.book.make_codes("far", *"best")
    for code in "best":
        lane.book.do(ClaimCoupon(member_id="m", code=code))
    assert lane.hold(10_000, coupons="best")["coupons"] == []


def test_two_coupons_of_one_budget() -> None:
    both = template("five", amount_off_fen=500, budget_fen=900, stacks_with="all")
    lane = Lane(both)
    lane.book.do(ClaimCoupon(member_id="m", template="five"))
    with pytest.raises(CouponNotApplicable) as refused:
        lane.hold(10_000, coupons=("C1", "C2"))
    assert refusals(refused) == {"C2": ["coupon_budget_spent"]}
    assert [each["code"] for each in lane.hold(10_000, coupons="best")["coupons"]] == ["C1"]
    lane.cancel()
    lane.book.offer(template("five", amount_off_fen=500, budget_fen=1_000, stacks_with="all"))
    lane.hold(10_000, checkout_id="k2", coupons=("C1", "C2"))
    assert lane.book.counters["five"].discounted == 1_000
    lane.cancel("k2")
    assert lane.book.counters["five"].discounted == 0


# --- what is not there, or over --------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["complete", "cancel", "extend", "refund"])
def test_no_such_checkout(verb: str) -> None:
    arguments = {"extend": [60], "refund": [1]}.get(verb, [])
    with pytest.raises(CheckoutNotFound):
        getattr(Lane(), verb)(*arguments)


@pytest.mark.parametrize("verb", ["complete", "cancel", "extend", "refund"])
def test_after_it_was_cancelled(verb: str) -> None:
    lane = Lane()
    lane.hold(1_000)
    lane.cancel()
    with pytest.raises(CheckoutCancelled):
        getattr(lane, verb)(*{"extend": [60], "refund": [1]}.get(verb, []))


@pytest.mark.parametrize(
    ("verb", "refusal"),
    [("complete", CheckoutCompleted), ("cancel", CheckoutNotHeld), ("extend", CheckoutNotHeld)],
)
def test_after_it_was_completed(verb: str, refusal: type[Exception]) -> None:
    lane = Lane()
    lane.hold(1_000)
    lane.complete()
    with pytest.raises(refusal):
        getattr(lane, verb)(*{"extend": [60]}.get(verb, []))


def test_a_lapsed_one_is_not_there_to_cancel() -> None:
    lane = Lane()
    lane.hold(1_000)
    lane.lapse()
    with pytest.raises(CheckoutNotHeld) as refused:
        lane.cancel()
    assert refused.value.extra == {"checkout_status": "lapsed"}


def test_an_order_of_the_same_name_can_be_reversed_while_the_checkout_is_none() -> None:
    lane = Lane()
    lane.hold(1_000)
    lane.book.do(Accrue(member_id="m", order_id="k", amount=100))
    lane.book.do(Reverse(member_id="m", order_id="k", reference="b", amount=1))


# --- what commands need ----------------------------------------------------------------------------------


def test_what_is_read_for_each() -> None:
    def hold(points: Any = 0, coupons: Any = ()) -> HoldCheckout:
        return HoldCheckout(member_id="m", checkout_id="k", cart=cart(1), wish=Wish(points, 0, coupons))

    today = START.date()
    assert (hold(70).spends, hold("max").spends) == (70, 0)
    assert (hold(70).reads_all_lots, hold("max").reads_all_lots) == (False, True)
    assert hold(coupons=("A",)).codes_named == hold(coupons=("A",)).codes_held == ("A",)
    assert hold(coupons="best").codes_named == ()
    assert (hold(coupons="best").needs_wallet, hold().needs_wallet) == (True, False)
    assert hold().checkout_made == hold().order_named == "k"
    assert hold().natural_key(today) == "hold/k"
    assert isinstance(hold().clash(), CheckoutAlreadyExists)
    complete = CompleteCheckout(member_id="m", checkout_id="k")
    assert isinstance(complete.clash(), CheckoutCompleted)
    refund = RefundCheckout(member_id="m", checkout_id="k", reference="b", amount=1)
    assert {complete.order_named, refund.order_named, complete.checkout_named} == {"k"}
    assert CancelCheckout(member_id="m", checkout_id="k").natural_key(today) == "release/k"
    extend = ExtendCheckout(member_id="m", checkout_id="k", hold_seconds=1)
    assert extend.natural_key(today) is None
    assert extend.content() == ExtendCheckout(member_id="", checkout_id="k", hold_seconds=1).content()


def test_an_order_earlier_under_the_id() -> None:
    """Before money is taken for what could not be completed."""
    lane = Lane()
    lane.book.do(Accrue(member_id="m", order_id="k", amount=100))
    with pytest.raises(OrderAlreadyAccrued):
        lane.hold(1_000)
