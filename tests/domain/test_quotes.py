"""Quotes: what is chosen among coupons, what points and cash pay, what the order earns, and the answer's shape."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.carts import Cart, CartEmpty, CartLine, Wish
from app.domain.commands import Accrue, SetTier
from app.domain.coupon_reasons import reason
from app.domain.coupon_templates import Gift, Template, Window
from app.domain.errors import TierNotFound
from app.domain.program import Program
from app.domain.quotes import CashUse, Held, PointsUse, Quote, Shipping, Shopper, Used, answer
from tests.domain.book import START, Book
from tests.domain.programs import DEFAULT, document, program
from tests.domain.shop import (
    ask,
    ask_of,
    cart,
    discounts,
    held,
    line,
    payables,
    reasons,
    template,
    used,
)


def off(code: str, fen: int, **terms: Any) -> Template:
    return template(code, amount_off_fen=fen, **terms)


def percent(code: str, percent_off: int, **terms: Any) -> Template:
    return template(code, "percent_off", percent_off=percent_off, **terms)


# --- coupons -----------------------------------------------------------------------------------------------


def test_a_plain_cart() -> None:
    assert ask(cart(10_000, 5_050, shipping_fen=800)) == Quote(
        lines=ask(cart(10_000, 5_050)).lines,
        subtotal_fen=15_050,
        discount_fen=0,
        used=(),
        rejected=(),
        fitting=(),
        points=PointsUse(0, 0, 0),
        cash=CashUse(0, 0),
        shipping=Shipping(800, 800, None),
        payable_fen=15_850,
        earned=ask(cart(15_050)).earned,
        tier_after="bronze",
        best_is_exact=None,
    )


def test_a_cart_that_can_not_be_is_refused() -> None:
    with pytest.raises(CartEmpty):
        ask(Cart(()))


def test_coupons_of_the_wallet_are_told_whether_used_or_not() -> None:
    wallet = [
        held("A", off("a", 500)),
        held("B", off("b", 700)),
        held("C", off("c", 700, threshold_fen=20_000)),
        Held("D", off("d", 700), None, reason("coupon_locked")),
    ]
    quote = ask(cart(10_000), coupons=("A",), wallet=wallet)
    assert used(quote) == [("A", 500)]
    assert quote.fitting == (Used("A", "a", 500, None), Used("B", "b", 700, None))
    assert reasons(quote) == {
        "C": [("threshold_not_reached", {"missing": 10_000})],
        "D": [("coupon_locked", {})],
    }


def test_named_coupons_come_in_the_order_named() -> None:
    wallet = [held("A", off("a", 500)), held("B", off("b", 700)), held("P", percent("p", 10))]
    quote = ask(cart(10_000), coupons=("A", "B", "P", "A"), wallet=wallet)
    assert used(quote) == [("A", 500), ("P", 950)]
    assert reasons(quote) == {"B": [("not_stackable", {"with": ["A"]})]}
    other = ask(cart(10_000), coupons=("B", "A", "P"), wallet=wallet)
    assert used(other) == [("B", 700), ("P", 930)]


def test_one_that_goes_alone_names_all_it_does_not_go_with() -> None:
    wallet = [
        held("A", off("a", 500)),
        held("P", percent("p", 10)),
        held("N", off("n", 1, stacks_with="none")),
    ]
    quote = ask(cart(10_000), coupons=("A", "P", "N"), wallet=wallet)
    assert reasons(quote) == {"N": [("not_stackable", {"with": ["A", "P"]})]}


def test_a_named_coupon_that_nobody_knows() -> None:
    unknown = Held("X", None, None, reason("coupon_not_found"))
    quote = ask(cart(10_000), coupons=("X",), wallet=[unknown])
    assert reasons(quote) == {"X": [("coupon_not_found", {})]}
    assert reasons(ask(cart(10_000), coupons=("Y",))) == {"Y": [("coupon_not_found", {})]}
    assert used(ask(cart(10_000), coupons=("Y", "A"), wallet=[held("A", off("a", 500))])) == [("A", 500)]


def test_every_reason_is_told() -> None:
    asked = off("a", 500, channels=["app"], tiers=["gold"], first_order=True, member="x", min_quantity=2)
    quote = ask(cart(10_000), coupons=("A",), wallet=[held("A", asked)])
    assert [code for code, _ in reasons(quote)["A"]] == [
        "channel_not_eligible",
        "tier_not_eligible",
        "first_order_only",
        "member_not_eligible",
        "quantity_not_reached",
    ]
    fine = ask(
        cart(10_000, 1, channel="app"),
        wallet=[held("A", asked)],
        tier="gold",
        is_first_order=True,
        matches=lambda condition: condition == "x",
    )
    assert [each.code for each in fine.fitting] == ["A"]


def test_a_gift_is_listed() -> None:
    gift = template("g", "gift", gift=Gift("cup", 2), threshold_fen=5_000)
    quote = ask(cart(10_000), coupons=("G",), wallet=[held("G", gift)])
    assert quote.used == (Used("G", "g", 0, Gift("cup", 2)),)


# --- automatic templates -----------------------------------------------------------------------------------


def auto(code: str, fen: int, **terms: Any) -> Template:
    return off(code, fen, automatic=True, **terms)


@pytest.mark.parametrize("coupons", [(), "best"])
def test_automatic_ones_need_no_coupon(coupons: Any) -> None:
    quote = ask(cart(10_000), coupons=coupons, promotions=[auto("small", 300), auto("large", 500)])
    assert quote.used == (Used(None, "large", 500, None),)
    assert discounts(quote) == [{"promotion:large": 500}]
    assert quote.rejected == quote.fitting == ()
    assert quote.best_is_exact is (True if coupons == "best" else None)


@pytest.mark.parametrize("coupons", [(), "best"])
def test_automatic_ones_of_any_kind(coupons: Any) -> None:
    goods = Cart((line("1", 3_000, 3), line("2", 1_000)), shipping_fen=500, channel="app")
    promotions = [
        template("piece", "exchange", skus=["sku-1"], channels=["app"], automatic=True),
        template("ship", "free_shipping", automatic=True),
    ]
    assert used(ask(goods, coupons=coupons, promotions=promotions)) == [("piece", 1_000), ("ship", 500)]


def test_automatic_ones_join_where_they_stack_with_the_named() -> None:
    promotions = [
        auto("a", 900),
        template("ship", "free_shipping", automatic=True),
        percent("p", 10, automatic=True),
    ]
    quote = ask(
        cart(10_000, shipping_fen=500),
        coupons=("C",),
        wallet=[held("C", off("c", 100))],
        promotions=promotions,
    )
    assert used(quote) == [("C", 100), ("p", 990), ("ship", 500)]


def test_the_one_that_adds_most_joins_first() -> None:
    promotions = [auto("a", 300, group="g"), percent("p", 10, automatic=True, group="g"), auto("b", 200)]
    assert used(ask(cart(10_000), promotions=promotions)) == [("b", 200), ("p", 980)]


def test_an_automatic_one_never_spoils_a_named_coupon() -> None:
    """50 off would leave less than the named coupon's threshold, and save more; the gift may still join."""
    promotions = [
        auto("a", 5_000),
        template("g", "gift", gift=Gift("cup", 1), automatic=True),
        auto("b", 500, threshold_fen=99_999),
    ]
    wallet = [held("C", percent("c", 10, threshold_fen=10_000))]
    quote = ask(cart(10_000), coupons=("C",), wallet=wallet, promotions=promotions)
    assert used(quote) == [("g", 0), ("C", 1_000)]


def test_an_automatic_one_that_adds_nothing_does_not_join() -> None:
    """Both would take all there is: what one takes more, the other takes less."""
    promotions = [auto("a", 1_000, stacks_with="all")]
    wallet = [held("C", off("c", 1_000, stacks_with="all"))]
    assert used(ask(cart(1_000), coupons=("C",), wallet=wallet, promotions=promotions)) == [("C", 1_000)]
    wider = [auto("a", 1_500, stacks_with="all")]  # comes first: the larger nominal
    assert used(ask(cart(1_000), coupons=("C",), wallet=wallet, promotions=wider)) == [("C", 1_000)]
    half = [
        auto("a", 1_500, stacks_with="all", skus=["sku-1"])
    ]  # comes first and leaves some to the named one
    assert used(ask(cart(500, 500), coupons=("C",), wallet=wallet, promotions=half)) == [("C", 1_000)]


def test_what_is_closed_or_does_not_fit_is_passed_over() -> None:
    promotions = [
        auto("paused", 500, state="paused"),
        auto("later", 500, valid=Window(START + timedelta(seconds=1), None)),
        auto("over", 500, valid=Window(None, START)),
        auto("gold", 500, tiers=["gold"]),
        template("price", "line_price", percent_off=10, automatic=True, brands=["acme"]),
    ]
    quote = ask(cart(10_000), promotions=promotions)
    assert quote.used == quote.rejected == ()


def test_line_prices_are_told_with_what_they_save_together() -> None:
    price = template("sale", "line_price", percent_off=10, automatic=True)
    quote = ask(cart(10_000, 5_000), promotions=[price])
    assert quote.used == (Used(None, "sale", 1_500, None),)
    assert discounts(quote) == [{"promotion:sale": 1_000}, {"promotion:sale": 500}]


# --- the tier's benefits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "discount_fen", "shipping"),
    [
        ("bronze", 0, Shipping(800, 800, None)),
        ("silver", 200, Shipping(800, 800, None)),
        ("gold", 200, Shipping(800, 0, "tier:gold")),
        ("platinum", 500, Shipping(800, 0, "tier:platinum")),
    ],
)
def test_what_a_tier_gives(tier: str, discount_fen: int, shipping: Shipping) -> None:
    quote = ask(cart(10_019, shipping_fen=800), tier=tier)
    assert (quote.discount_fen, quote.shipping) == (discount_fen, shipping)
    assert quote.used == ()


def test_shipping_that_costs_nothing_is_made_free_by_nobody() -> None:
    assert ask(cart(100), tier="gold").shipping == Shipping(0, 0, None)


def test_a_coupon_for_shipping_has_no_effect_where_the_tier_gives_it() -> None:
    wallet = [held("S", template("s", "free_shipping"))]
    assert reasons(ask(cart(100, shipping_fen=800), wallet=wallet, tier="gold")) == {
        "S": [("coupon_no_effect", {})]
    }


def test_the_largest_discount_counts() -> None:
    ladder = document()["tiers"]["ladder"]
    ladder[0]["benefits"] = [
        {"code": "d1", "label": "d", "discount_percent": 3},
        {"code": "d2", "label": "d", "discount_percent": 7},
        {"code": "d3", "label": "d", "discount_percent": 5},
    ]
    assert ask(cart(100), program=program(tiers={"ladder": ladder})).discount_fen == 7


def test_a_tier_that_is_none() -> None:
    with pytest.raises(TierNotFound):
        ask(cart(100), tier="wood")


# --- points and cash ---------------------------------------------------------------------------------------


def paying(**changes: Any) -> Program:
    return program(paying=changes)


@pytest.mark.parametrize(
    ("wished", "available", "rules", "expected"),
    [
        (0, 5_000, DEFAULT, PointsUse(0, 0, 5_000)),
        ("max", 5_000, DEFAULT, PointsUse(5_000, 5_000, 5_000)),  # half of the goods
        ("max", 9_999, DEFAULT, PointsUse(5_000, 5_000, 5_000)),
        ("max", 4_999, DEFAULT, PointsUse(4_900, 4_900, 4_900)),  # whole hundreds
        ("max", 99, DEFAULT, PointsUse(0, 0, 0)),
        (100, 5_000, DEFAULT, PointsUse(100, 100, 5_000)),
        (150, 5_000, DEFAULT, PointsUse(100, 100, 5_000)),  # the most usable below
        (99, 5_000, DEFAULT, PointsUse(0, 0, 5_000)),
        (6_000, 5_000, DEFAULT, PointsUse(5_000, 5_000, 5_000)),
        ("max", 9_999, paying(max_share_percent=0), PointsUse(0, 0, 0)),
        ("max", 20_000, paying(max_share_percent=100), PointsUse(10_000, 10_000, 10_000)),
        ("max", 20_000, paying(min_points=6_000), PointsUse(0, 0, 0)),
        (300, 20_000, paying(min_points=250), PointsUse(300, 300, 5_000)),
        (200, 20_000, paying(min_points=250), PointsUse(0, 0, 5_000)),
        # 3 points are a fen: a single point is worth nothing, and 15,002 are still worth 5,000 fen.
        (
            "max",
            20_000,
            paying(points=3, worth_fen=1, min_points=1, step_points=1),
            PointsUse(15_002, 5_000, 15_002),
        ),
        (2, 20_000, paying(points=3, worth_fen=1, min_points=1, step_points=1), PointsUse(0, 0, 15_002)),
        ("max", 2, paying(points=3, worth_fen=1, min_points=1, step_points=1), PointsUse(0, 0, 0)),
        ("max", 90, paying(points=1, worth_fen=7, min_points=1, step_points=1), PointsUse(90, 630, 90)),
        ("max", 999, paying(points=1, worth_fen=7, min_points=1, step_points=1), PointsUse(714, 4_998, 714)),
        (
            "max",
            9_000,
            paying(tiers={"bronze": {"worth_fen": 200, "max_share_percent": 60}}),
            PointsUse(3_000, 6_000, 3_000),
        ),
        (  # a point that is worth nothing but in this tier
            "max",
            1,
            paying(points=3, worth_fen=1, min_points=1, step_points=1, tiers={"bronze": {"worth_fen": 3}}),
            PointsUse(1, 1, 1),
        ),
    ],
)
def test_what_points_pay(wished: Any, available: int, rules: Program, expected: PointsUse) -> None:
    quote = ask(cart(9_000, 1_000, shipping_fen=900), points=wished, available=available, program=rules)
    assert quote.points == expected
    assert quote.payable_fen == 10_900 - expected.value_fen


def test_points_are_a_share_of_what_is_left_after_discounts() -> None:
    quote = ask(
        cart(10_000),
        points="max",
        available=9_000,
        coupons=("A",),
        wallet=[held("A", off("a", 5_000))],
    )
    assert quote.points == PointsUse(2_500, 2_500, 2_500)


@pytest.mark.parametrize(
    ("wished", "balance_fen", "points", "expected"),
    [
        (0, 500, 0, CashUse(0, 500)),
        ("max", 500, 0, CashUse(500, 500)),
        (200, 500, 0, CashUse(200, 500)),
        (600, 500, 0, CashUse(500, 500)),
        ("max", 99_999, 0, CashUse(10_000, 10_000)),
        ("max", 99_999, 4_000, CashUse(6_000, 6_000)),  # what points leave of the goods; never shipping
        ("max", -300, 0, CashUse(0, 0)),  # a refund took back more cash than there was
    ],
)
def test_what_cash_pays(wished: Any, balance_fen: int, points: int, expected: CashUse) -> None:
    quote = ask(
        cart(10_000, shipping_fen=900), cash=wished, cash_fen=balance_fen, points=points, available=9_000
    )
    assert quote.cash == expected
    assert quote.payable_fen == 10_900 - points - expected.used_fen


def test_points_and_cash_are_shared_over_the_lines() -> None:
    quote = ask(cart(1_000, 2_000, 10), points=300, available=500, cash=1_000, cash_fen=1_000)
    assert [(each.points_fen, each.cash_fen, each.money_fen) for each in quote.lines] == [
        (100, 332, 568),
        (199, 665, 1_136),
        (1, 3, 6),
    ]


def test_cash_lies_on_what_points_leave_of_a_line() -> None:
    single = paying(points=1, worth_fen=1, min_points=1, step_points=1)
    quote = ask(cart(1, 1, 1), points=1, available=1, cash=1, cash_fen=1, program=single)
    assert [(each.points_fen, each.cash_fen) for each in quote.lines] == [(1, 0), (0, 1), (0, 0)]


# --- what it earns -----------------------------------------------------------------------------------------


def test_the_order_earns_on_the_money_paid_for_goods() -> None:
    quote = ask(
        cart(100_000, shipping_fen=5_000), points=10_000, available=10_000, cash=9_000, cash_fen=9_000
    )
    assert quote.earned.points == 810
    assert quote.earned.cash_fen == 0  # not an order of 1,000 yuan any more
    assert ask(cart(100_000)).earned.cash_fen == 1_000


def test_each_line_earns_at_its_own_rate() -> None:
    rules = program(earning={"categories": {"tea": "3"}})
    goods = Cart((line("1", 10_000, category="tea"), line("2", 10_000)))
    assert ask(goods, program=rules).earned.points == 400
    assert ask(goods, program=rules, points=5_000, available=5_000).earned.points == 300


def test_cumulative_cash_counts_what_was_spent_before() -> None:
    cash = {"policy": "cumulative", "every_fen": 100_000, "reward_fen": 500}
    rules = Program.from_document(1, document() | {"cash": cash})
    assert ask(cart(10_000), program=rules, spend=95_000).earned.cash_fen == 500


@pytest.mark.parametrize(
    ("amount_fen", "figures", "tier_after"),
    [
        (29_999, {}, "bronze"),
        (30_000, {}, "silver"),
        (300_000, {}, "gold"),
        (9_999, {"spend": 20_000}, "bronze"),
        (10_000, {"spend": 20_000}, "silver"),
        (3_000_000, {}, "platinum"),  # diamond waits for a person
        (3_000_000, {"approved_tier": "diamond", "reviewed_tier": "diamond"}, "diamond"),
        (300_000, {"tier_state": "manual"}, "bronze"),
    ],
)
def test_which_tier_it_would_reach(amount_fen: int, figures: dict[str, Any], tier_after: str) -> None:
    assert ask(cart(amount_fen), **figures).tier_after == tier_after


def test_other_metrics_count_too() -> None:
    made = document()
    made["tiers"]["qualification"] |= {"metrics": ["orders", "points_earned", "growth"]}
    for rank, tier in enumerate(made["tiers"]["ladder"]):
        tier["thresholds"] = (
            {"orders": 2 * rank, "points_earned": 900 * rank, "growth": 990 * rank} if rank else {}
        )
    rules = Program.from_document(1, made)
    assert ask(cart(100), program=rules).tier_after == "bronze"
    assert ask(cart(100), program=rules, orders=1).tier_after == "silver"
    assert ask(cart(90_000), program=rules).tier_after == "silver"
    assert ask(cart(10_000), program=rules, growth=890).tier_after == "silver"


def test_under_a_window_only_what_lies_in_it_counts() -> None:
    made = document()
    made["tiers"]["qualification"]["window"] = {"kind": "rolling_months", "months": 12}
    book = Book(Program.from_document(1, made))
    for order_id, days_ago in (("old", 400), ("new", 30)):
        book.do(
            Accrue(
                member_id="m",
                order_id=order_id,
                amount=20_000,
                occurred_at=START - timedelta(days=days_ago),
            )
        )
    assert ask_of(book, cart(9_999), Wish()).tier_after == "bronze"
    assert ask_of(book, cart(10_000), Wish()).tier_after == "silver"


def test_the_quote_is_what_the_order_then_earns() -> None:
    book = Book()
    book.do(SetTier(member_id="m", reference="r", tier="gold", until=None, reason="test"))
    quote = ask_of(book, cart(45_600, shipping_fen=900), Wish())
    body = book.do(Accrue(member_id="m", order_id="o", amount=quote.payable_fen))
    assert body["points"] == quote.earned.points
    assert body["breakdown"] == answer(quote, version=1)["earns"]["breakdown"]


# --- the answer --------------------------------------------------------------------------------------------


def test_the_answer_has_the_contracts_shape() -> None:
    until = datetime(2026, 4, 1, tzinfo=UTC)
    goods = Cart(
        (CartLine("1", "tea", "tea", None, 2, 20_000), CartLine("2", "cup", None, None, 1, 10_000)),
        shipping_fen=1_000,
    )
    quote = ask(
        goods,
        coupons=("A", "G", "S"),
        wallet=[
            held("A", off("a", 3_000, threshold_fen=25_000), until),
            held("B", off("b", 3_000, threshold_fen=50_000)),
            held("G", template("g", "gift", gift=Gift("cup", 1), stacks_with="all")),
            held("S", template("s", "free_shipping")),
        ],
        promotions=[
            template("sale", "line_price", percent_off=10, skus=["tea"], automatic=True),
            template("box", "gift", gift=Gift("box", 1), stacks_with="all", automatic=True),
        ],
        points=500,
        available=900,
        cash="max",
        cash_fen=100,
    )
    body = answer(quote, version=1)
    assert json.loads(json.dumps(body)) == body
    assert body == {
        "lines": [
            {
                "line_id": "1",
                "amount": 20_000,
                "discounts": [
                    {"source": "promotion:sale", "amount": 2_000},
                    {"source": "coupon:A", "amount": 1_929},
                ],
                "payable": 16_071,
            },
            {
                "line_id": "2",
                "amount": 10_000,
                "discounts": [{"source": "coupon:A", "amount": 1_071}],
                "payable": 8_929,
            },
        ],
        "subtotal": 30_000,
        "discount": 5_000,
        "coupons": [
            {"code": "A", "template": "a", "discount": 3_000},
            {"code": "G", "template": "g", "discount": 0, "gift": {"sku": "cup", "quantity": 1}},
            {"code": "S", "template": "s", "discount": 1_000},
        ],
        "promotions": [
            {"template": "sale", "discount": 2_000},
            {"template": "box", "discount": 0, "gift": {"sku": "box", "quantity": 1}},
        ],
        "rejected": [
            {
                "code": "B",
                "reasons": [
                    {
                        "code": "threshold_not_reached",
                        "detail": "Goods for 22000 more, in the minor unit, are needed to use the coupon.",
                        "missing": 22_000,
                    }
                ],
            }
        ],
        "fitting": [
            {"code": "A", "template": "a", "discount": 3_000},
            {"code": "G", "template": "g", "discount": 0, "gift": {"sku": "cup", "quantity": 1}},
            {"code": "S", "template": "s", "discount": 1_000},
        ],
        "points": {"used": 500, "value": 500, "max": 900},
        "cash": {"used": 100, "max": 100},
        "shipping": {"amount": 1_000, "payable": 0, "free_by": "coupon:S"},
        "payable": 24_400,
        "earns": {
            "points": 244,
            "breakdown": [{"rule": "purchase", "label": "1 point per yuan", "points": 244, "version": 1}],
        },
        "tier_after": "bronze",
        "best_is_exact": None,
    }


def test_a_plain_answer_says_nothing_of_free_shipping() -> None:
    body = answer(ask(cart(100, shipping_fen=5)), version=1)
    assert body["shipping"] == {"amount": 5, "payable": 5}
    assert payables(ask(cart(100))) == [100]


def test_a_shopper_may_have_another_tiers_benefits() -> None:
    """The discount is that of the shopper's tier, the points those of the account's."""
    quote = ask_of(Book(), cart(10_000), Wish(), shopper=Shopper("platinum", False, lambda _: False))
    assert (quote.discount_fen, quote.earned.points) == (500, 95)
