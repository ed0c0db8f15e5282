"""What coupons take off, step by step; shown by quotes, since that is what a cart page sees."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.carts import Cart
from app.domain.coupon_templates import Gift, Step, Template
from app.domain.quotes import Quote
from tests.domain.shop import ask, cart, discounts, held, line, payables, reasons, template, used

STEPS = (Step(30_000, 3_000), Step(60_000, 8_000))
CUP = Gift("cup", 1)


def with_coupons(goods: Cart, *templates: Template, **asked: Any) -> Quote:
    """The cart with a coupon A, B, ... of each template, all named."""
    wallet = [held(chr(ord("A") + n), each) for n, each in enumerate(templates)]
    return ask(goods, coupons=tuple(each.code for each in wallet), wallet=wallet, **asked)


@pytest.mark.parametrize(
    ("goods", "terms", "saved"),
    [
        (cart(30_000), {"amount_off_fen": 3_000, "threshold_fen": 30_000}, 3_000),
        (cart(10_000, 20_000), {"amount_off_fen": 3_000, "threshold_fen": 30_000}, 3_000),
        (cart(2_000), {"amount_off_fen": 3_000}, 2_000),  # at most what is left
        (cart(30_000), {"steps": STEPS}, 3_000),
        (cart(59_999), {"steps": STEPS}, 3_000),
        (cart(60_000), {"steps": STEPS}, 8_000),
        (cart(10_000_000), {"steps": STEPS}, 8_000),
        (cart(999), {"kind": "percent_off", "percent_off": 10}, 99),  # rounded down
        (cart(333, 333, 333), {"kind": "percent_off", "percent_off": 10}, 99),  # once over all lines
        (cart(999), {"kind": "percent_off", "percent_off": 100}, 999),
        (cart(10_000), {"kind": "percent_off", "percent_off": 50, "max_discount_fen": 1_000}, 1_000),
        (cart(10_000), {"kind": "percent_off", "percent_off": 50, "threshold_fen": 10_000}, 5_000),
        (cart(500, shipping_fen=800), {"kind": "free_shipping"}, 800),
        (cart(500), {"kind": "gift", "gift": Gift("cup", 1)}, 0),
        (
            Cart((line("1", 1_000, 3), line("2", 700, 2))),
            {"kind": "exchange", "skus": ["sku-1", "sku-2"]},
            350,
        ),
        (Cart((line("1", 1_000, 3),)), {"kind": "exchange", "skus": ["sku-1"]}, 333),
        (Cart((line("1", 1_000),)), {"kind": "exchange", "skus": ["sku-1"], "max_discount_fen": 300}, 300),
    ],
)
def test_what_a_coupon_saves(goods: Cart, terms: dict[str, Any], saved: int) -> None:
    quote = with_coupons(goods, template("t", **terms))
    assert used(quote) == [("A", saved)]
    assert quote.rejected == ()
    assert [each.discount_fen for each in quote.fitting] == [saved]
    assert quote.payable_fen == quote.subtotal_fen + goods.shipping_fen - saved


@pytest.mark.parametrize(
    ("goods", "terms", "refused"),
    [
        (
            cart(29_999),
            {"amount_off_fen": 1, "threshold_fen": 30_000},
            ("threshold_not_reached", {"missing": 1}),
        ),
        (cart(20_000), {"steps": STEPS}, ("threshold_not_reached", {"missing": 10_000})),
        (
            cart(20_000, 20_000),
            {"amount_off_fen": 1, "threshold_fen": 30_000, "skus": ["sku-1"]},
            ("threshold_not_reached", {"missing": 10_000}),
        ),
        (
            cart(9, shipping_fen=1),
            {"kind": "free_shipping", "threshold_fen": 10},
            ("threshold_not_reached", {"missing": 1}),
        ),
        (cart(0), {"amount_off_fen": 1}, ("coupon_no_effect", {})),
        (cart(9), {"kind": "percent_off", "percent_off": 10}, ("coupon_no_effect", {})),
        (cart(9), {"kind": "free_shipping"}, ("coupon_no_effect", {})),
        (Cart((line("1", 2, 3),)), {"kind": "exchange", "skus": ["sku-1"]}, ("coupon_no_effect", {})),
        (cart(9), {"amount_off_fen": 1, "brands": ["acme"]}, ("product_not_eligible", {})),
    ],
)
def test_why_a_coupon_does_not_fit(goods: Cart, terms: dict[str, Any], refused: tuple[str, Any]) -> None:
    quote = with_coupons(goods, template("t", **terms))
    assert reasons(quote) == {"A": [refused]}
    assert quote.used == quote.fitting == ()
    assert quote.payable_fen == quote.subtotal_fen + goods.shipping_fen


def test_a_discount_is_shared_by_what_is_left_of_its_lines() -> None:
    goods = Cart((line("1", 1_000, category="x"), line("2", 2_000, category="x"), line("3", 5_000)))
    quote = with_coupons(goods, template("t", amount_off_fen=1_000, categories=["x"]))
    assert discounts(quote) == [{"coupon:A": 333}, {"coupon:A": 667}, {}]
    assert payables(quote) == [667, 1_333, 5_000]


def test_the_dearest_piece_is_the_one_that_costs_most_now() -> None:
    """After a price of its own the first line's piece is the cheaper one."""
    goods = Cart((line("1", 1_000), line("2", 900)))
    low = template("low", "line_price", skus=["sku-1"], price_fen=500, automatic=True)
    free = template("t", "exchange", skus=["sku-1", "sku-2"])
    assert discounts(with_coupons(goods, free, promotions=[low])) == [
        {"promotion:low": 500},
        {"coupon:A": 900},
    ]
    assert discounts(with_coupons(cart(900, 900), free)) == [{"coupon:A": 900}, {}]  # of equals the first
    thirds = Cart((line("1", 999, 3), line("2", 1_000, 3)))  # 3.33 a piece of both, in whole fens
    assert discounts(with_coupons(thirds, free)) == [{"coupon:A": 333}, {}]


def test_the_steps_come_in_their_order() -> None:
    """Line price, tier discount, amount, percent, shipping: each sees what the one before left."""
    sale = template("sale", "line_price", percent_off=10, skus=["sku-1"], automatic=True)
    quote = with_coupons(
        cart(10_000, 10_000, shipping_fen=600),
        template("ship", "free_shipping", threshold_fen=14_000),
        template("half", "percent_off", percent_off=20, threshold_fen=17_000),
        template("amount", amount_off_fen=1_000, threshold_fen=18_620),
        promotions=[sale],
        tier="silver",
    )
    # 190.00 after the sale; 2 % of it 3.80; 10 off; 20 % of 176.20 is 35.24, which leaves 140.96.
    assert used(quote) == [("sale", 1_000), ("C", 1_000), ("B", 3_524), ("A", 600)]
    assert sum(line["tier:silver"] for line in discounts(quote)) == 380
    assert [each.discount_fen for each in quote.fitting] == [600, 3_724, 1_000]  # each alone
    assert payables(quote) == [6_677, 7_419]
    assert quote.payable_fen == 14_096
    assert quote.shipping.free_by == "coupon:A"
    assert [[source for source, _ in each.discounts] for each in quote.lines] == [
        ["promotion:sale", "tier:silver", "coupon:C", "coupon:B"],
        ["tier:silver", "coupon:C", "coupon:B"],
    ]


def test_thresholds_of_amount_coupons_all_look_at_the_same() -> None:
    terms = {"amount_off_fen": 1_000, "threshold_fen": 10_000, "stacks_with": "all"}
    assert used(with_coupons(cart(10_000), template("a", **terms), template("b", **terms))) == [
        ("A", 1_000),
        ("B", 1_000),
    ]


def test_a_percentage_looks_at_what_amounts_left() -> None:
    half = template("p", "percent_off", percent_off=50, threshold_fen=10_000)
    quote = with_coupons(cart(10_000), template("a", amount_off_fen=1), half)
    assert used(quote) == [("A", 1)]
    assert reasons(quote) == {"B": [("threshold_not_reached", {"missing": 1})]}
    assert [each.code for each in quote.fitting] == ["A", "B"]


def test_one_without_effect_is_not_in_the_way_of_those_after_it() -> None:
    half = template("p", "percent_off", percent_off=50, threshold_fen=10_000)
    goods = cart(10_000, shipping_fen=500)
    quote = with_coupons(goods, template("a", amount_off_fen=1), half, template("s", "free_shipping"))
    assert used(quote) == [("A", 1), ("C", 500)]


def test_a_coupon_without_effect_beside_the_others_is_not_used() -> None:
    quote = with_coupons(
        cart(1_000),
        template("a", amount_off_fen=1_000, stacks_with="all"),
        template("b", "percent_off", percent_off=10, stacks_with="all"),
    )
    assert used(quote) == [("A", 1_000)]
    assert reasons(quote) == {"B": [("coupon_no_effect", {})]}


@pytest.mark.parametrize(
    ("terms", "order"),
    [
        (({}, {"skus": ["sku-1"]}), "BA"),  # fewer lines first
        (({"threshold_fen": 500}, {"threshold_fen": 600}), "BA"),  # then the higher threshold
        (({"amount_off_fen": 100}, {"amount_off_fen": 101}), "BA"),  # then the larger nominal
        (({"code": "b"}, {"code": "a"}), "BA"),  # then code order, the template's first
        (({}, {}), "AB"),
        (({"steps": STEPS[:1], "amount_off_fen": None}, {"steps": STEPS, "amount_off_fen": None}), "BA"),
        # of steps the last one's threshold and nominal
        (({"threshold_fen": 50_000}, {"steps": (Step(60_000, 50),), "amount_off_fen": None}), "BA"),
        (({"threshold_fen": 30_000}, {"steps": STEPS[:1], "amount_off_fen": None}), "BA"),
        # what names no amount has a nominal of 0
        (
            (
                {"code": "a", "kind": "gift", "amount_off_fen": None, "gift": CUP},
                {"code": "b", "amount_off_fen": 1},
            ),
            "BA",
        ),
    ],
)
def test_the_order_within_a_step(terms: tuple[dict[str, Any], dict[str, Any]], order: str) -> None:
    made = [template(**({"code": "t", "amount_off_fen": 100, "stacks_with": "all"} | each)) for each in terms]
    quote = with_coupons(cart(50_000, 50_000), *made)
    assert "".join(each.code or "" for each in quote.used) == order


def test_an_automatic_template_comes_before_a_coupon_of_its_own() -> None:
    either = template("t", amount_off_fen=100, stacks_with="all", automatic=True)
    assert used(with_coupons(cart(1_000), either, promotions=[either])) == [("t", 100), ("A", 100)]


def test_two_percentages_come_one_after_another() -> None:
    terms = {"kind": "percent_off", "percent_off": 50, "stacks_with": "all"}
    quote = with_coupons(cart(1_001), template("a", **terms), template("b", **terms))
    assert used(quote) == [("A", 500), ("B", 250)]


def test_one_makes_shipping_free() -> None:
    ship = template("s", "free_shipping", stacks_with="all")
    quote = with_coupons(cart(1_000, shipping_fen=500), ship, ship)
    assert used(quote) == [("A", 500)]
    assert reasons(quote) == {"B": [("coupon_no_effect", {})]}
    assert (quote.shipping.payable_fen, quote.shipping.free_by) == (0, "coupon:A")


some_coupons = st.lists(
    st.one_of(
        st.builds(
            lambda fen, skus: template("a", amount_off_fen=fen, skus=skus, stacks_with="all"),
            st.integers(1, 500),
            st.sets(st.sampled_from(["sku-1", "sku-2", "sku-3"])),
        ),
        st.builds(
            lambda percent, skus, most: template(
                "p", "percent_off", percent_off=percent, skus=skus, max_discount_fen=most, stacks_with="all"
            ),
            st.integers(1, 100),
            st.sets(st.sampled_from(["sku-1", "sku-2", "sku-3"])),
            st.one_of(st.none(), st.integers(1, 90)),
        ),
        st.just(template("x", "exchange", skus=["sku-1", "sku-2"], stacks_with="all")),
        st.just(template("s", "free_shipping", stacks_with="all")),
        st.just(template("l", "line_price", percent_off=7, automatic=True)),
    ),
    max_size=5,
)


@given(
    st.lists(st.tuples(st.integers(0, 1_000), st.integers(1, 4)), min_size=1, max_size=5),
    some_coupons,
    st.sampled_from(["bronze", "silver", "gold", "platinum"]),
    st.one_of(st.integers(0, 2_000), st.just("max")),
    st.one_of(st.integers(0, 2_000), st.just("max")),
    st.integers(0, 300),
)
def test_everything_adds_up(
    figures: list[tuple[int, int]],
    templates: list[Template],
    tier: str,
    points: int | str,
    cash: int | str,
    shipping_fen: int,
) -> None:
    lines = tuple(line(str(n), amount_fen, quantity) for n, (amount_fen, quantity) in enumerate(figures))
    quote = ask(
        Cart(lines, shipping_fen),
        coupons=tuple(f"C{n}" for n, each in enumerate(templates) if not each.automatic),
        wallet=[held(f"C{n}", each) for n, each in enumerate(templates) if not each.automatic],
        promotions=[each for each in templates if each.automatic][:1],
        points=points,
        cash=cash,
        tier=tier,
        available=1_500,
        cash_fen=700,
    )
    for each in quote.lines:
        assert all(fen > 0 for _, fen in each.discounts)
        assert each.payable_fen == each.amount_fen - sum(fen for _, fen in each.discounts) >= 0
        assert min(each.points_fen, each.cash_fen, each.money_fen) >= 0
        assert each.money_fen == each.payable_fen - each.points_fen - each.cash_fen
    goods_fen = sum(payables(quote))
    assert (
        quote.subtotal_fen == sum(amount_fen for amount_fen, _ in figures) == goods_fen + quote.discount_fen
    )
    assert sum(each.points_fen for each in quote.lines) == quote.points.value_fen
    assert sum(each.cash_fen for each in quote.lines) == quote.cash.used_fen
    assert 0 <= quote.shipping.payable_fen <= quote.shipping.amount_fen == shipping_fen
    assert (
        goods_fen + quote.shipping.payable_fen - quote.points.value_fen - quote.cash.used_fen
        == quote.payable_fen
    )
    by_source: dict[str, int] = {}
    for each in discounts(quote):
        for source, fen in each.items():
            by_source[source] = by_source.get(source, 0) + fen
    for each in quote.used:
        source = f"promotion:{each.template}" if each.code is None else f"coupon:{each.code}"
        if each.template == "s":
            assert each.discount_fen == shipping_fen > 0
        else:
            assert by_source.pop(source, 0) == each.discount_fen
    assert by_source.keys() <= {f"tier:{tier}"}
