"""An order as its lot keeps it, and what is left of it after refunds. Source: RULES.md, refund of an order."""

import pytest

from app.domain.boosts import Boost
from app.domain.commands import Accrue, Reverse
from app.domain.earning import Line
from app.domain.errors import RefundExceedsOrder
from app.domain.orders import Order, Returned, order_of
from tests.domain.book import Book
from tests.domain.programs import program, with_section

BOOK, LAMP = Line("1", "b", "books", None, 4, 20_000), Line("2", "l", None, None, 1, 10_000)
LINES = (BOOK, LAMP)
BOOST = Boost("c", 1, "the c", "add_points", amount=5)


def order(**more: object) -> Order:
    return Order(30_000, LINES, {}, 0, None)._replace(**more)


def test_what_comes_back_without_a_line_lies_on_all_of_them_alike() -> None:
    rules = program(earning={"categories": {"books": "3"}})
    assert order().earned(tier="bronze", program=rules).points == 700
    assert order(unallocated=15_000).earned(tier="bronze", program=rules).points == 350


def test_nothing_was_spent_before_if_nobody_says_so() -> None:
    rules = with_section("cash", {"policy": "cumulative", "every_fen": 30_001, "reward_fen": 500})
    assert order().earned(tier="bronze", program=rules).cash_fen == 0
    assert order().earned(tier="bronze", program=rules, spend_before=1).cash_fen == 500


def test_campaigns_are_kept_by_their_names_until_those_were_told() -> None:
    kept = Order(30_000, (), {}, 0, None, (BOOST,))
    assert kept.terms() == '{"boosts":[["c",1,5,{"label":"the c"}]]}'
    assert kept.terms(is_told=True) == '{"boosts":[["c",1,5]]}'


def test_a_lot_keeps_all_that_a_refund_asks_for() -> None:
    book = Book()
    book.do(Accrue(member_id="m", order_id="o", amount=30_000, items=LINES, channel="wechat"))
    assert order_of(book.lot(1)) == order(channel="wechat")
    book.do(Reverse(member_id="m", order_id="o", reference="a", items=(("1", 1, None),)))
    book.do(Reverse(member_id="m", order_id="o", reference="b", amount=700))
    assert order_of(book.lot(1)) == order(
        channel="wechat", returned={"1": Returned(1, 5_000)}, unallocated=700
    )


def test_an_order_of_nothing_is_kept_as_such() -> None:
    book = Book()
    book.do(Accrue(member_id="m", order_id="o", amount=0))
    assert order_of(book.lot(1)).amount == 0


# what came back of the line of four books at 50 yuan each before, what comes back now, what came back then
PIECES: list[tuple[Returned, tuple[int | None, int | None], Returned | None]] = [
    (Returned(0, 0), (1, None), Returned(1, 5_000)),
    (Returned(1, 5_000), (3, None), Returned(4, 20_000)),
    (Returned(0, 0), (None, None), Returned(4, 20_000)),
    (Returned(1, 5_000), (None, None), Returned(4, 20_000)),
    (Returned(0, 0), (None, 700), Returned(0, 700)),
    (Returned(0, 0), (1, 700), Returned(1, 700)),
    (Returned(0, 700), (1, None), Returned(1, 5_000)),  # its share, of which 7 yuan came back before
    (Returned(0, 7_000), (1, None), Returned(1, 7_000)),  # more than its share did
    (Returned(0, 20_000), (None, None), Returned(4, 20_000)),
    (Returned(4, 700), (None, None), Returned(4, 20_000)),
    (Returned(4, 20_000), (None, None), None),
    (Returned(1, 5_000), (4, None), None),
    (Returned(0, 19_000), (None, 1_000), Returned(0, 20_000)),
    (Returned(0, 19_000), (None, 1_001), None),
]


@pytest.mark.parametrize(("before", "now", "then"), PIECES)
def test_pieces_of_a_line(
    before: Returned, now: tuple[int | None, int | None], then: Returned | None
) -> None:
    has = order(returned={"1": before})
    if then is None:
        with pytest.raises(RefundExceedsOrder) as refused:
            has.refund_items([("1", *now)])
        assert refused.value.extra == {"rest": 20_000 - before.amount}
        return
    assert has.refund_items([("1", *now)]).returned == {"1": then}
