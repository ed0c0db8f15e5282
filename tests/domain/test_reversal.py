"""A refund takes back what the refunded part earned. Source: RULES.md, Points (refund of an order, debt)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.commands import Accrue, Adjust, Redeem, Reverse, Settle
from app.domain.earning import Line
from app.domain.errors import ItemNotInOrder, OrderNotFound, RefundExceedsOrder
from tests.domain.book import START, Book, at
from tests.domain.fair import Fair, campaign, points, times
from tests.domain.programs import program, with_section, with_validity

Items = tuple[tuple[str, int | None, int | None], ...]


def accrue(amount: int, order_id: str = "o", **fields: Any) -> Accrue:
    return Accrue(member_id="m", order_id=order_id, amount=amount, **fields)


def reverse(amount: int, reference: str = "b", order_id: str = "o") -> Reverse:
    return Reverse(member_id="m", order_id=order_id, reference=reference, amount=amount)


def return_items(*items: tuple[str, int | None, int | None], reference: str = "b") -> Reverse:
    return Reverse(member_id="m", order_id="o", reference=reference, items=items)


def lines(*amounts: int, quantity: int = 1, categories: tuple[str | None, ...] = ()) -> tuple[Line, ...]:
    return tuple(
        Line(f"l{number}", "sku", categories[number] if categories else None, None, quantity, amount)
        for number, amount in enumerate(amounts)
    )


def test_the_answer() -> None:
    book = Book()
    book.do(accrue(40_000))
    assert book.do(reverse(15_000)) == {
        "order_id": "o",
        "reference": "b",
        "amount": 15_000,
        "points": 150,
        "recovered": 150,
        "shortfall": 0,
        "balance": {"available": 250, "pending": 0, "reserved": 0, "debt": 0},
        "tier": {"code": "bronze", "changed": True},
    }
    account = book.account()
    assert (account.earned, account.spend, account.growth, account.orders) == (250, 25_000, 250, 1)


def test_a_full_refund_nets_to_zero() -> None:
    book = Book()
    book.do(accrue(1_234_567))
    body = book.do(reverse(1_234_567))
    assert body["tier"] == {"code": "bronze", "changed": True}
    account = book.account()
    assert (account.earned, account.spend, account.growth, account.orders, account.cash) == (0, 0, 0, 0, 0)
    assert book.balances() == (0, 0, 0, 0)
    assert book.lot(1).clawed_back == book.lot(1).granted


def test_more_than_the_rest_is_refused() -> None:
    book = Book()
    with pytest.raises(OrderNotFound):
        book.do(reverse(1))
    book.do(accrue(10_000))
    book.do(reverse(4_000))
    with pytest.raises(RefundExceedsOrder):
        book.do(reverse(6_001, "b2"))
    book.do(reverse(6_000, "b3"))
    with pytest.raises(RefundExceedsOrder):
        book.do(reverse(1, "b4"))


def test_first_from_its_own_lot_then_from_the_others_next_to_expire_first() -> None:
    book = Book()
    book.do(Adjust(member_id="m", reference="a1", points=50, reason="r"))
    book.later(days=1).do(accrue(10_000))
    book.later(days=1).do(Adjust(member_id="m", reference="a2", points=50, reason="r"))
    book.do(Redeem(member_id="m", reference="r", points=110))
    # 50 of lot 1 and 60 of the order's lot are spent.
    body = book.do(reverse(7_000))
    assert (body["points"], body["recovered"], body["shortfall"]) == (70, 70, 0)
    assert [book.lot(number).clawed_back for number in (1, 2, 3)] == [0, 40, 30]


def test_never_from_reserved_points_and_the_rest_is_debt() -> None:
    book = Book()
    book.do(accrue(10_000))
    book.do(Adjust(member_id="m", reference="a", points=20, reason="r"))
    book.do(Redeem(member_id="m", reference="h", points=100, reserve=True))
    body = book.do(reverse(10_000))
    assert (body["points"], body["recovered"], body["shortfall"]) == (100, 20, 80)
    assert book.balances() == (0, 0, 100, 80)


def test_debt_is_paid_by_whatever_is_granted_next() -> None:
    book = Book()
    book.do(accrue(10_000))
    book.do(Redeem(member_id="m", reference="r", points=100))
    book.do(reverse(10_000))
    assert book.balances() == (0, 0, 0, 100)
    assert book.do(Adjust(member_id="m", reference="a", points=30, reason="r"))["debt_paid"] == 30
    body = book.do(accrue(9_000, "o2"))
    assert body["debt_paid"] == 70
    assert book.balances() == (20, 0, 0, 0)
    assert book.account().earned == 30 + 90
    # What paid debt is taken back like what is spent.
    assert book.do(reverse(9_000, "b2", "o2"))["shortfall"] == 70
    assert book.balances() == (0, 0, 0, 70)


def test_what_expired_of_the_order_counts_as_recovered() -> None:
    book = Book()
    book.do(accrue(10_000, occurred_at=START - timedelta(days=300)))
    book.do(Redeem(member_id="m", reference="r", points=40))
    book.later(days=100)
    body = book.do(reverse(10_000))
    assert (body["recovered"], body["shortfall"]) == (60, 40)
    account = book.account()
    assert (account.expired, account.debt, account.earned) == (0, 40, 0)


def test_what_expired_is_taken_back_only_as_far_as_the_rest_does_not_reach() -> None:
    book = Book(with_validity(policy="yearly_tenth"))
    book.do(accrue(100_000))
    book.later(days=366)
    body = book.do(reverse(10_000))
    assert (body["recovered"], body["shortfall"]) == (100, 0)
    assert (book.balances()[0], book.account().expired) == (800, 100)


# what was spent on other orders, and on this one; the refunds, and the cash that is left after each
CASH: list[tuple[int, int, list[tuple[int, int]]]] = [
    (8_000, 4_000, [(1_000, 100), (1_001, 0)]),
    (8_000, 25_000, [(3_000, 300), (1, 200), (21_999, 0)]),
    (30_000, 4_000, [(4_000, 300)]),
]


@pytest.mark.parametrize(("others", "amount", "refunds"), CASH)
def test_cumulative_cash_goes_down_as_if_it_had_never_been_spent(
    others: int, amount: int, refunds: list[tuple[int, int]]
) -> None:
    cash = {"policy": "cumulative", "every_fen": 10_000, "reward_fen": 100}
    book = Book(with_section("cash", cash))
    book.do(accrue(others, "others"))
    book.do(accrue(amount))
    for number, (refunded, left) in enumerate(refunds):
        book.do(reverse(refunded, f"b{number}"))
        assert book.account().cash == left


@pytest.mark.parametrize("settle", [True, False])
def test_campaigns_lose_what_of_their_points_is_taken_back(*, settle: bool) -> None:
    book = Fair(campaign("a", times("2"), points(50)), campaign("b", points(30)), campaign("c", points(1)))
    assert book.do(accrue(10_000, settle=settle))["points"] == 281
    assert book.do(reverse(9_999))["points"] == 281
    assert {code: book.tally(code)["taken_back"] for code in "abc"} == {"a": 150, "b": 30, "c": 1}


def test_under_the_version_and_rate_that_granted_it() -> None:
    book = Book()
    book.do(accrue(1_000_000))
    book.do(accrue(10_000, "o2"))  # platinum: ×1.5
    book.adopt(at(program(earning={"rate": "9"}), version=2))
    assert book.do(reverse(5_000, order_id="o2"))["points"] == 75


def test_pending_points_are_lowered_and_nothing_else() -> None:
    book = Book()
    book.do(accrue(10_000, settle=False))
    body = book.do(reverse(2_500))
    assert (body["points"], body["recovered"], body["shortfall"]) == (25, 25, 0)
    assert book.balances() == (0, 75, 0, 0)
    assert book.account().spend == 0
    book.do(Settle(member_id="m", order_id="o"))
    assert book.balances() == (75, 0, 0, 0)
    account = book.account()
    assert (account.earned, account.spend, account.orders) == (75, 7_500, 1)


def test_what_is_left_of_a_pending_order_settles_by_itself() -> None:
    book = Book()
    book.do(accrue(10_000, settle=False))
    book.do(reverse(2_500))
    book.later(days=15).mature("m")
    assert (book.kinds()[-1], book.balances()) == ("settle", (75, 0, 0, 0))


def test_a_pending_order_refunded_in_full_never_settles() -> None:
    book = Book()
    book.do(accrue(10_000, settle=False))
    book.do(reverse(10_000))
    book.later(days=16).mature("m")
    assert book.kinds() == ["accrue", "reverse"]
    assert book.balances() == (0, 0, 0, 0)


# --- by items --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "amount"),
    [
        ((("l0", None, None),), 9_999),
        ((("l0", 1, None),), 3_333),
        ((("l0", 2, None),), 6_666),
        ((("l0", 1, 500),), 500),
        ((("l0", None, 700),), 700),
        ((("l0", 1, None), ("l0", 2, None)), 9_999),
        ((("l0", 1, None), ("l1", None, None)), 3_333 + 3_000),
        ((("l0", 1, 0), ("l0", None, None)), 9_999),
    ],
)
def test_items(items: Items, amount: int) -> None:
    book = Book()
    book.do(accrue(12_999, items=lines(9_999, 3_000, quantity=3)))
    assert book.do(return_items(*items))["amount"] == amount


@pytest.mark.parametrize(
    "items",
    [
        (("l0", 4, None),),
        (("l0", 4, 1),),
        (("l0", None, 10_000),),
        (("l0", 2, None), ("l0", 2, None)),
        (("l0", None, None), ("l0", None, None)),
        (("l0", None, None), ("l0", 1, None)),
        (("l0", None, None), ("l0", None, 1)),
    ],
)
def test_more_than_a_line_has_is_refused(items: Items) -> None:
    book = Book()
    book.do(accrue(12_999, items=lines(9_999, 3_000, quantity=3)))
    with pytest.raises(RefundExceedsOrder):
        book.do(return_items(*items))


def test_unknown_items_are_refused() -> None:
    book = Book()
    book.do(accrue(100, items=lines(100)))
    with pytest.raises(ItemNotInOrder):
        book.do(return_items(("elsewhere", None, None)))
    book.do(accrue(100, "o2"))
    with pytest.raises(ItemNotInOrder):
        book.do(Reverse(member_id="m", order_id="o2", reference="x", items=(("l0", None, None),)))


def test_items_after_an_amount_never_exceed_the_order() -> None:
    book = Book()
    book.do(accrue(20_000, items=lines(10_000, 10_000)))
    book.do(reverse(15_000))
    with pytest.raises(RefundExceedsOrder):
        book.do(return_items(("l0", None, None), reference="b2"))
    assert book.do(return_items(("l0", None, 5_000), reference="b3"))["amount"] == 5_000
    assert book.account().spend == 0


def test_pieces_add_up_to_the_line() -> None:
    book = Book()
    book.do(accrue(10_000, items=lines(10_000, quantity=3)))
    amounts = [book.do(return_items(("l0", 1, None), reference=f"b{n}"))["amount"] for n in range(3)]
    assert amounts == [3_333, 3_333, 3_334]


def test_an_item_takes_back_what_its_own_category_earned() -> None:
    book = Book(program(earning={"categories": {"books": "3"}}))
    book.do(accrue(20_000, items=lines(10_000, 10_000, categories=(None, "books"))))
    assert book.balances()[0] == 400
    assert book.do(return_items(("l1", None, None)))["points"] == 300
    assert book.do(return_items(("l0", None, None), reference="b2"))["points"] == 100


# --- many small refunds are one --------------------------------------------------------------------------

AMOUNTS = st.lists(st.integers(1, 50_000), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(parts=AMOUNTS, rest=st.integers(0, 20_000), settle=st.booleans(), spent=st.integers(0, 500))
def test_many_small_refunds_give_the_same_as_one(
    parts: list[int], rest: int, settle: bool, spent: int
) -> None:
    amount = sum(parts) + rest
    outcomes: list[Any] = []
    for refunds in (parts, [sum(parts)]):
        book = Book()
        book.do(accrue(1_000_000, "before"))  # platinum: rounding matters at 1.5
        book.do(accrue(amount, settle=settle))
        book.do(Redeem(member_id="m", reference="r", points=min(spent * 50, book.balances()[0])))
        for number, part in enumerate(refunds):
            book.do(reverse(part, f"b{number}"))
        account = book.account()
        outcomes.append((book.balances(), account.earned, account.spend, account.growth, account.cash))
        if not rest:
            assert (account.earned, account.spend) == (10_000, 1_000_000)
    assert outcomes[0] == outcomes[1]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_by_items_and_amounts_in_any_order(data: st.DataObject) -> None:
    amounts = data.draw(st.lists(st.integers(100, 20_000), min_size=2, max_size=4))
    categories = data.draw(
        st.lists(st.sampled_from([None, "books"]), min_size=len(amounts), max_size=len(amounts))
    )
    refunds: list[Reverse] = []
    for number, amount in enumerate(amounts[:-1]):
        part = data.draw(st.integers(1, amount))
        refunds.append(return_items((f"l{number}", None, part), reference=f"i{number}"))
    refunds.append(reverse(data.draw(st.integers(1, amounts[-1])), "a"))
    outcomes: set[Any] = set()
    for order in (refunds, data.draw(st.permutations(refunds))):
        book = Book(program(earning={"rate": "0.7", "categories": {"books": "1.3"}}))
        book.do(accrue(sum(amounts), items=lines(*amounts, categories=tuple(categories))))
        for command in order:
            assert book.do(command)["points"] >= 0
        account = book.account()
        outcomes.add((book.balances(), account.earned, account.spend, account.growth))
        # What is left comes back too: the order nets to zero.
        left = account.spend
        if left:
            book.do(reverse(left, "rest"))
        account = book.account()
        assert (account.earned, account.spend, account.growth, account.orders) == (0, 0, 0, 0)
        assert book.balances() == (0, 0, 0, 0)
    assert len(outcomes) == 1
