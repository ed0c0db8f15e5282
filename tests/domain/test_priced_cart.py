"""A line's parts come back in their shares. Source: RULES.md, refund of an order."""

import json

from hypothesis import given
from hypothesis import strategies as st

from app.domain.carts import Cart, CartLine
from app.domain.coupon_templates import Gift
from app.domain.earning import Earned, Line
from app.domain.priced_cart import LineParts, PricedCart, quote_of
from app.domain.quotes import answer
from tests.domain.shop import ask, cart, held, template

PARTS = st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500)).map(
    lambda parts: LineParts(sum(parts), parts[0], parts[1])
)


@given(parts=PARTS, data=st.data())
def test_parts_of_a_value(parts: LineParts, data: st.DataObject) -> None:
    """They add up, none is above the line's own, and for more of the line there is never less of any."""
    less = data.draw(st.integers(0, parts.payable_fen))
    more = data.draw(st.integers(less, parts.payable_fen))
    before, after = parts.of(less), parts.of(more)
    for of in (before, after):
        assert of.points_fen + of.cash_fen + of.money_fen == of.payable_fen
        assert min(of.points_fen, of.cash_fen, of.money_fen) >= 0
    assert before.points_fen <= after.points_fen <= parts.points_fen
    assert before.cash_fen <= after.cash_fen <= parts.cash_fen
    assert before.money_fen <= after.money_fen <= parts.money_fen


@given(parts=PARTS)
def test_all_of_a_line_is_all_of_its_parts(parts: LineParts) -> None:
    assert parts.of(parts.payable_fen) == parts
    assert parts.of(0) == LineParts(0, 0, 0)


def test_what_it_earns_is_read_again_with_the_versions_that_campaigns_had() -> None:
    breakdown = (("purchase", "1 point per yuan", 90), ("campaign:c", "Double", 90, 3))
    quote = ask(cart(9_000))._replace(earned=Earned(180, breakdown, 90, 0))
    assert quote_of(json.loads(json.dumps(quote))).earned == quote.earned


def test_its_order_has_the_lines_of_the_cart() -> None:
    bought = CartLine("1", "tea-100", "tea", "acme", 2, 5_000)
    priced = PricedCart({"quote": ask(Cart((bought,))), "channel": None, "coupons": []})
    assert priced.order_lines([4_000]) == (Line("1", "tea-100", "tea", "acme", 2, 4_000),)


def test_a_quote_read_again_is_the_quote() -> None:
    quote = ask(
        cart(10_000, 333, shipping_fen=800, channel="app"),
        coupons=("A", "G"),
        points=300,
        cash=1_000,
        cash_fen=2_000,
        available=500,
        wallet=[
            held("A", template("a", amount_off_fen=700)),
            held("G", template("g", "gift", gift=Gift("cup", 2))),
        ],
    )._replace(fitting=(), rejected=())
    kept = json.dumps(quote)
    again = quote_of(json.loads(kept))
    assert (json.dumps(again), answer(again, version=1)) == (kept, answer(quote, version=1))
    assert (again.lines[0].money_fen, again.used[1].gift) == (quote.lines[0].money_fen, Gift("cup", 2))
    assert quote_of(quote) is quote
    priced = PricedCart({"quote": quote, "channel": "app", "coupons": [["A", "C1"], ["G", "C2"]]})
    assert priced.coupon_discounts == {"C1": 700, "C2": 0}
    assert sum(priced.money_fen) + priced.shipping_fen == quote.payable_fen
    goods = priced.goods
    assert (goods.amount, goods.rest, goods.channel) == (9_633, 9_633, "app")
    assert [line.amount_fen for line in priced.order_lines(priced.money_fen)] == priced.money_fen
