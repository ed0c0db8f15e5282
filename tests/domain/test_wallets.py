"""The coupons a cart may use: one's own, and those a code gives on the spot. Source: RULES.md, Coupons."""

from typing import Any

import pytest

from app.domain.carts import Wish
from app.domain.checkout_commands import CancelCheckout, HoldCheckout
from app.domain.commands import Accrue, Reverse
from app.domain.coupon_commands import ClaimCoupon, LockCoupon, UnlockCoupon
from app.domain.coupon_errors import CouponNotApplicable
from app.domain.coupon_templates import Template, Window
from app.domain.wallets import Wallet, shopper_of
from tests.domain.book import START
from tests.domain.lane import Lane
from tests.domain.shop import cart, reasons, template, used
from tests.domain.test_checkouts import refusals


def public(**terms: Any) -> Template:
    return template("public", **({"amount_off_fen": 300, "public_code": "HELLO"} | terms))


def refused(lane: Lane, *codes: str) -> dict[str, list[str]]:
    counters, made = dict(lane.book.counters), dict(lane.book.codes)
    with pytest.raises(CouponNotApplicable) as why:
        lane.hold(10_000, checkout_id="refused", coupons=codes)
    assert (lane.book.counters, lane.book.codes) == (counters, made)
    return refusals(why)


# --- on the spot -----------------------------------------------------------------------------------------


def test_a_public_code_is_got_and_used_at_once() -> None:
    lane = Lane(public(stock=1), claims=False)
    told = lane.hold(10_000, coupons=("HELLO",))
    assert told["coupons"] == [{"code": "HELLO", "template": "public", "discount": 300}]
    coupon = lane.book.coupon("C1")
    assert (coupon.status, coupon.source, coupon.public_code) == ("locked", "code", "HELLO")
    assert coupon.sequence == lane.book.last().sequence
    assert lane.book.counters["public"].issued == 1
    lane.cancel()
    assert lane.wallet[4] == 1
    assert lane.book.counters["public"].issued == 1  # it is the member's now


def test_a_unique_code_is_got_and_used_at_once() -> None:
    lane = Lane(template("u", amount_off_fen=300, budget_fen=300), claims=False)
    lane.book.make_codes("u", "U1")
    lane.hold(10_000, coupons=("U1",))
    assert lane.book.codes["U1"].member_id == "m"
    assert lane.book.counters["u"] == lane.book.counters["u"]._replace(issued=1, discounted=300)
    lane.complete()
    assert lane.book.coupon("U1").status == "redeemed"


def test_what_is_not_there() -> None:
    lane = Lane(template("u", amount_off_fen=300), claims=False)
    lane.book.make_codes("u", "FOREIGN", "VOID")
    lane.book.do(ClaimCoupon(member_id="n", code="FOREIGN"))
    lane.book.codes["VOID"] = lane.book.codes["VOID"]._replace(kind="void")
    lane.book.counters["u"] = lane.book.counters["u"]._replace(issued=1)
    assert refused(lane, "FOREIGN", "VOID", "NONE") == {
        "FOREIGN": ["coupon_not_yours"],
        "VOID": ["coupon_voided"],
        "NONE": ["coupon_not_found"],
    }


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"stock": 0}, "coupon_exhausted"),
        ({"state": "paused"}, "template_not_open"),
        ({"threshold_fen": 20_000}, "threshold_not_reached"),
        ({"budget_fen": 299}, "coupon_budget_spent"),
    ],
)
def test_a_public_code_that_gives_nothing(terms: dict[str, Any], why: str) -> None:
    assert refused(Lane(public(**terms), claims=False), "HELLO") == {"HELLO": [why]}


def test_two_codes_of_one_template_keep_to_its_limits() -> None:
    lane = Lane(public(stacks_with="all", per_member=1, stock=9), claims=False)
    lane.book.make_codes("public", "U1", "U2")
    assert refused(lane, "U1", "U2") == {"U2": ["coupon_limit_reached"]}
    assert reasons(priced(lane, whole=False, coupons=("U1", "U2"))) == {
        "U2": [("coupon_limit_reached", {"limit": "per_member"})]
    }
    lane.book.offer(public(stacks_with="all", per_member=3, stock=2))
    assert refused(lane, "U1", "HELLO") == {"HELLO": ["coupon_exhausted"]}
    lane.book.offer(public(stacks_with="all", per_member=3, stock=3, budget_fen=600))
    assert refused(lane, "U1", "U2", "HELLO") == {"U2": ["coupon_budget_spent"]}  # the last to apply
    lane.book.offer(public(stacks_with="all", per_member=3, stock=3, budget_fen=900))
    lane.hold(10_000, coupons=("U1", "U2", "HELLO"))
    assert lane.book.counters["public"] == lane.book.counters["public"]._replace(issued=3, discounted=900)


# --- names of one's own ----------------------------------------------------------------------------------


def test_a_public_code_means_the_coupon_got_by_it_before() -> None:
    lane = Lane(public(per_member=1), claims=False)
    lane.book.do(ClaimCoupon(member_id="m", code="HELLO"))
    lane.hold(10_000, coupons=("HELLO",))
    assert lane.book.coupon("C1").status == "locked"
    assert refused(lane, "HELLO") == {"HELLO": ["coupon_limit_reached"]}


@pytest.mark.parametrize("codes", [("C1",), ("HELLO",), "best"])
def test_a_coupon_got_by_a_public_code_is_used_whatever_it_is_called(codes: Any) -> None:
    lane = Lane(public(), claims=False)
    lane.book.do(ClaimCoupon(member_id="m", code="HELLO"))
    [told] = lane.hold(10_000, coupons=codes)["coupons"]
    assert told["code"] == ("HELLO" if codes == ("HELLO",) else "C1")
    lane.lapse()
    assert lane.complete()["missing"] == []
    assert lane.book.coupon("C1").discount == 300


@pytest.mark.parametrize("codes", [("C1", "HELLO"), ("HELLO", "C1")])
def test_one_coupon_under_two_names_goes_once(codes: tuple[str, str]) -> None:
    lane = Lane(public(stacks_with="all", per_member=1), claims=False)
    lane.book.do(ClaimCoupon(member_id="m", code="HELLO"))
    assert refused(lane, *codes) == {codes[0]: ["coupon_not_found"]}


def test_a_code_named_twice_is_named_once() -> None:
    lane = Lane(public(stacks_with="all"), claims=False)
    assert len(lane.hold(10_000, coupons=("HELLO", "HELLO"))["coupons"]) == 1
    assert [*lane.book.members["m"].coupons] == ["C1"]


# --- what is looked at -----------------------------------------------------------------------------------


def priced(lane: Lane, *, whole: bool, coupons: Any = ()) -> Any:
    wish = Wish(0, 0, coupons)
    wallet = Wallet(lane.book.members["m"], wish, lane.book.context(), whole=whole)
    return wallet.price(cart(10_000), wish)


def test_a_whole_wallet_tells_of_every_coupon() -> None:
    lane = Lane(
        template("a", amount_off_fen=300), template("b", amount_off_fen=400, threshold_fen=20_000), public()
    )
    lane.book.do(LockCoupon(member_id="m", code="C3", reference="r"))
    quote = priced(lane, whole=True)
    assert [each.code for each in quote.fitting] == ["C1"]
    assert [*reasons(quote)] == ["C2", "C3"]
    assert priced(lane, whole=False).fitting == ()
    named = priced(lane, whole=True, coupons=("C1", "NONE"))
    assert used(named) == [("C1", 300)]
    assert [code for code, _ in reasons(named)["NONE"]] == ["coupon_not_found"]
    lane.book.do(UnlockCoupon(member_id="m", code="C3", reference="r"))
    best = priced(lane, whole=True, coupons="best")
    assert used(best) == [("C1", 300)]
    assert [*reasons(best)] == ["C2", "C3"]


def test_a_wallet_has_what_is_named_and_no_more() -> None:
    lane = Lane(template("a", amount_off_fen=300), template("b", amount_off_fen=400))
    wish = Wish(0, 0, ("C1",))
    quote = Wallet(lane.book.members["m"], wish, lane.book.context()).price(cart(10_000), wish)
    assert [each.code for each in quote.fitting] == ["C1"]


def test_of_equals_the_one_that_runs_out_sooner() -> None:
    lane = Lane(
        template("a", amount_off_fen=300, valid=Window(days=9)),
        template("b", amount_off_fen=300, valid=Window(days=2)),
    )
    assert [each["code"] for each in lane.hold(10_000, coupons="best")["coupons"]] == ["C2"]


def test_a_budget_that_does_not_reach_is_found_behind_automatic_templates() -> None:
    lane = Lane(
        template("auto", amount_off_fen=900, automatic=True),
        template("tenth", "percent_off", percent_off=10, budget_fen=909),
    )
    assert lane.hold(10_000, coupons="best")["coupons"] == []
    lane.book.offer(template("tenth", "percent_off", percent_off=10, budget_fen=910))
    assert len(lane.hold(10_000, checkout_id="k2", coupons="best")["coupons"]) == 1


def test_automatic_templates_come_without_a_coupon() -> None:
    lane = Lane(
        template("auto", amount_off_fen=250, automatic=True), template("five", "percent_off", percent_off=5)
    )
    told = lane.hold(10_000, coupons=("C1",))
    assert told["promotions"] == [{"template": "auto", "discount": 250}]
    assert lane.book.checkout("k").coupons == ["C1"]
    lane.cancel()
    assert lane.hold(10_000, checkout_id="k2", coupons="best")["discount"] == 737
    assert lane.book.checkout("k2").coupons == ["C1"]


def test_what_conditions_are_told() -> None:
    lane = Lane()
    lane.book.members["m"].traits = {"region": "GD"}
    asked: list[Any] = []
    lane.book.matches = lambda condition, facts: bool(asked.append((condition, dict(facts)))) or True
    shopper = shopper_of(lane.book.members["m"], lane.book.context())
    assert (shopper.tier, shopper.is_first_order, shopper.matches("x")) == ("bronze", False, True)
    [(condition, facts)] = asked
    assert condition == "x"
    assert facts == {
        "tier": "bronze",
        "spend_fen": 100_000,
        "orders": 1,
        "joined_at": START,
        "region": "GD",
    }


def test_a_coupon_may_ask_for_a_member_of_some_sort() -> None:
    lane = Lane(template("five", amount_off_fen=500, member="gold"))
    lane.book.matches = lambda condition, facts: condition == facts["tier"]
    assert refused(lane, "C1") == {"C1": ["member_not_eligible"]}
    lane.book.offer(template("five", amount_off_fen=500, member="bronze"))
    lane.hold(10_000, coupons=("C1",))


def test_an_order_that_is_not_settled_yet_was_the_first() -> None:
    lane = Lane()
    new = lane.book.members["n"]
    assert shopper_of(new, lane.book.context()).is_first_order
    lane.book.do(Accrue(member_id="n", order_id="o", amount=1_000, settle=False))
    assert not shopper_of(lane.book.members["n"], lane.book.context()).is_first_order
    lane.book.do(Reverse(member_id="n", order_id="o", reference="r", amount=1_000))
    assert shopper_of(lane.book.members["n"], lane.book.context()).is_first_order


def test_of_two_carts_at_once_one_is_the_first() -> None:
    lane = Lane()
    hold = HoldCheckout(member_id="n", checkout_id="k", cart=cart(1_000), wish=Wish())
    lane.book.do(hold)
    assert not shopper_of(lane.book.members["n"], lane.book.context()).is_first_order
    lane.book.do(CancelCheckout(member_id="n", checkout_id="k"))
    assert shopper_of(lane.book.members["n"], lane.book.context()).is_first_order
