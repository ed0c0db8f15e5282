"""Coupons and chances that campaigns give, and what becomes of them with the order. Source: RULES.md, Campaigns."""

import pytest

from app.domain.account import Coupon
from app.domain.campaigns import Effect
from app.domain.carts import Wish
from app.domain.checkout_commands import CompleteCheckout, HoldCheckout, RefundCheckout
from app.domain.commands import Accrue, Freeze, Reverse, Settle
from app.domain.coupon_commands import RedeemCoupon
from app.domain.coupon_issuing import Handed, hand_out
from app.domain.orders import order_of
from app.domain.prizes import give_prizes, take_back_prizes
from app.domain.shelf import NeedsMore
from tests.domain.fair import Fair, campaign, chances, coupon, growth, points, times
from tests.domain.programs import DEFAULT
from tests.domain.shop import cart, template

OFF = template("t", amount_off_fen=100)


def accrue(amount: int = 10_000, order_id: str = "o", *, settle: bool = True) -> Accrue:
    return Accrue(member_id="m", order_id=order_id, amount=amount, settle=settle)


def reverse(amount: int = 10_000, reference: str = "b", order_id: str = "o") -> Reverse:
    return Reverse(member_id="m", order_id=order_id, reference=reference, amount=amount)


def wallet(book: Fair) -> list[tuple[str, str]]:
    coupons: dict[str, Coupon] = book.members["m"].coupons
    return [(coupon.template, coupon.status) for coupon in coupons.values()]


def test_an_order_gives_what_several_campaigns_say() -> None:
    book = Fair(
        campaign("a", coupon("t", 2), chances(1), chances(2)),
        campaign("b", coupon("u"), coupon("t"), times("2")),
        templates=[OFF, template("u", amount_off_fen=1)],
    )
    book.do(accrue())
    assert wallet(book) == [("t", "issued"), ("t", "issued"), ("u", "issued"), ("t", "issued")]
    assert book.tally("a") == {"times": 1, "amount": 10_000, "chances": 3, "coupons": 2}
    assert book.tally("b") == {"times": 1, "amount": 10_000, "points": 100, "coupons": 2}
    assert book.detail()["chances"] == 3
    assert {coupon.source for coupon in book.members["m"].coupons.values()} == {"campaign"}
    assert [told["template"] for told in book.detail()["coupons"]] == ["t", "t", "u", "t"]


def test_what_an_order_gives_comes_when_it_settles_by_itself() -> None:
    book = Fair(campaign("a", coupon("t"), chances(2)), templates=[OFF])
    book.do(accrue(settle=False))
    assert (wallet(book), book.account().chances) == ([], 0)
    book.later(days=15).mature("m")
    assert (wallet(book), book.account().chances) == ([("t", "issued")], 2)
    assert book.tally("a")["chances"] == 2


def test_limits_of_the_template_hold_within_one_order() -> None:
    book = Fair(
        campaign("a", coupon("t", 3)),
        campaign("b", coupon("t")),
        templates=[template("t", amount_off_fen=1, per_member=2)],
    )
    book.do(accrue())
    assert wallet(book) == [("t", "issued")] * 2
    assert (book.tally("a")["coupons"], book.tally("b").get("coupons", 0)) == (2, 0)
    assert book.failures == [("a", "t: coupon_limit_reached"), ("b", "t: coupon_limit_reached")]


def test_a_template_that_is_not_there() -> None:
    book = Fair(campaign("a", coupon("gone"), points(5)))
    assert book.do(accrue())["points"] == 105
    assert book.failures == [("a", "gone: template_not_found")]


def test_what_was_used_stays_used() -> None:
    """An order comes back whole: of its coupons one was redeemed, of its chances some were not its own."""
    book = Fair(campaign("a", coupon("t", 2), chances(2)), templates=[OFF])
    book.do(accrue())
    code = next(iter(book.members["m"].coupons))
    book.do(RedeemCoupon(member_id="m", code=code, reference="r", discount=100))
    account = book.account()
    book.members["m"].account = account._replace(chances=1)  # one was drawn
    book.do(reverse())
    assert wallet(book) == [("t", "redeemed"), ("t", "voided")]
    assert book.account().chances == 0
    assert book.tally("a") == {"times": 1, "amount": 10_000, "chances": 1, "coupons": 1}
    assert book.detail()["chances"] == 1


def test_several_campaigns_lose_what_nobody_used_yet_in_their_order() -> None:
    """Two gave 2 coupons and 2 chances each; a coupon is used, and the member had 5 chances before."""
    book = Fair(
        campaign("a", points(50), chances(2), coupon("t", 2)),
        campaign("b", chances(2), coupon("t", 2)),
        templates=[OFF],
    )
    account = book.account()
    book.members["m"].account = account._replace(chances=5)
    book.do(accrue())
    book.do(RedeemCoupon(member_id="m", code="C1", reference="r", discount=100))
    book.do(reverse())
    assert book.account().chances == 5
    assert (book.detail()["chances"], book.detail()["voided"]) == (4, ["C2", "C3", "C4"])
    assert book.tally("a") == {"times": 1, "amount": 10_000, "points": 50, "taken_back": 50}
    assert book.tally("b") == {"times": 1, "amount": 10_000, "coupons": 1}


def test_of_chances_an_order_did_not_give_its_refund_tells_nothing() -> None:
    book = Fair(campaign("a", points(50)))
    account = book.account()
    book.members["m"].account = account._replace(chances=5)
    book.do(accrue())
    book.do(reverse())
    assert (book.account().chances, book.detail().keys() & {"chances", "voided"}) == (5, set())


def test_coupons_of_the_order_that_are_not_loaded_are_asked_for() -> None:
    book = Fair(campaign("a", coupon("t")), templates=[OFF])
    book.do(accrue())
    member = book.members["m"]
    order = order_of(member.lots[1])
    [code] = member.coupons
    member.coupons.clear()
    with pytest.raises(NeedsMore) as more:
        take_back_prizes(member, member.account, order, book.context())
    assert more.value.coupons == {("m", code)}


def test_what_the_member_had_of_a_template_is_asked_for_where_that_is_limited() -> None:
    limited = template("l", amount_off_fen=1, per_day=1)
    book = Fair(templates=[OFF, limited])
    member = book.members["m"]
    member.sees_templates = frozenset()
    handed = hand_out(member, Handed(member.account), ["t"], book.context(), source="campaign")
    assert len(handed.coupons) == 1
    with pytest.raises(NeedsMore) as more:
        hand_out(member, handed, ["l"], book.context(), source="campaign")
    assert more.value.template_coupons == {("m", "l")}


def test_nothing_to_give() -> None:
    book = Fair()
    member = book.members["m"]
    given = give_prizes(member, member.account, (), book.context())
    assert (given.account, given.coupons, given.tallies, given.detail) == (member.account, (), (), {})


def test_a_checkout_gives_them_and_takes_them_back() -> None:
    book = Fair(campaign("a", coupon("t"), chances(1)), templates=[OFF])
    book.do(HoldCheckout(member_id="m", checkout_id="k", cart=cart(6_000, 4_000), wish=Wish(0, 0, ())))
    book.do(CompleteCheckout(member_id="m", checkout_id="k"))
    assert (wallet(book), book.account().chances) == ([("t", "issued")], 1)
    for reference, amount in (("b1", 9_999), ("b2", 1)):
        assert book.account().chances == 1
        book.do(RefundCheckout(member_id="m", checkout_id="k", reference=reference, amount=amount, items=()))
    assert (wallet(book), book.account().chances) == ([("t", "voided")], 0)
    assert book.tally("a") == {"times": 1, "amount": 10_000}


def test_what_is_counted_is_what_limits_ask_for() -> None:
    book = Fair(campaign("a", points(1)), campaign("b", points(1)))
    member = book.members["m"]
    member.limited = frozenset("b")
    book.do(accrue())
    assert member.given.keys() == {"b"}


def test_the_frozen_rise_without_a_gift() -> None:
    """What is pending settles also while frozen, and may raise the tier; campaigns pay active members."""
    book = Fair(campaign("up", points(5), trigger="tier_change"), program=DEFAULT)
    book.do(accrue(40_000, settle=False))
    book.do(Freeze(member_id="m"))
    book.do(Settle(member_id="m", order_id="o"))
    assert book.account().tier == "silver"
    assert book.kinds() == ["accrue", "freeze", "settle"]


GROWN: list[tuple[tuple[Effect, ...], int]] = [((growth(5),), 105), ((growth(5), growth(6)), 111)]


@pytest.mark.parametrize(("effects", "grown"), GROWN)
def test_growth_goes_down_with_the_order(effects: tuple[Effect, ...], grown: int) -> None:
    book = Fair(campaign("a", *effects))
    book.do(accrue())
    assert book.account().growth == grown
    book.do(reverse(5_000))
    assert book.account().growth == 50 + sum(effect.amount // 2 for effect in effects)
    book.do(reverse(5_000, "b2"))
    assert book.account().growth == 0
