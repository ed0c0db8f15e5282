"""A person's correction, plus or minus. Source: RULES.md, Points (adjustment, debt)."""

import pytest

from app.domain.commands import Accrue, Adjust, Redeem, Reverse
from app.domain.errors import InsufficientPoints
from app.domain.program import Program
from tests.domain.book import START, Book
from tests.domain.programs import document


def adjust(points: int, reference: str = "a") -> Adjust:
    return Adjust(member_id="m", reference=reference, points=points, reason="补偿")


def test_plus_is_a_lot_of_its_own() -> None:
    book = Book()
    assert book.do(adjust(50)) == {
        "reference": "a",
        "status": "applied",
        "points": 50,
        "reason": "补偿",
        "debt_paid": 0,
        "balance": {"available": 50, "pending": 0, "reserved": 0, "debt": 0},
    }
    assert (book.account().earned, book.lot(1).source, book.lot(1).accrued_at) == (50, "adjustment", START)
    assert '"补偿"' in book.last().detail


def test_minus_takes_in_spending_order_what_is_there() -> None:
    book = Book()
    book.do(adjust(50))
    book.later(days=1).do(adjust(50, "b"))
    book.do(adjust(-70, "c"))
    assert [book.lot(number).remaining for number in (1, 2)] == [0, 30]
    assert book.account().earned == 30
    with pytest.raises(InsufficientPoints) as refused:
        book.do(adjust(-31, "d"))
    assert refused.value.extra == {"available": 30}


def test_one_point_comes_and_the_last_one_goes() -> None:
    book = Book()
    book.do(adjust(1))
    assert (book.balances()[0], book.last().lot) == (1, 1)
    book.do(adjust(-1, "b"))
    assert (book.balances()[0], book.last().lot) == (0, None)


@pytest.mark.parametrize(("sees_all", "floor"), [(True, 2), (False, 1)])
def test_only_who_sees_all_lots_can_tell_the_oldest_open_one(*, sees_all: bool, floor: int) -> None:
    book = Book()
    book.do(adjust(50))
    book.do(adjust(50, "b"))
    book.members["m"].sees_all_lots = sees_all
    book.do(adjust(-50, "c"))
    assert book.account().lot_floor == floor


def test_plus_pays_debt_first() -> None:
    book = Book()
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    book.do(Redeem(member_id="m", reference="r", points=100))
    book.do(Reverse(member_id="m", order_id="o", reference="x", amount=10_000))
    assert book.do(adjust(130))["debt_paid"] == 100
    assert book.balances() == (30, 0, 0, 0)


def by_points_earned() -> Program:
    made = document()
    made["tiers"]["qualification"]["metrics"] = ["points_earned"]
    for rank, tier in enumerate(made["tiers"]["ladder"]):
        tier["thresholds"] = {"points_earned": rank * 100} if rank else {}
    return Program.from_document(1, made)


def test_it_counts_as_earned_for_tiers_both_ways() -> None:
    book = Book(by_points_earned())
    book.do(adjust(200))
    assert book.account().tier == "gold"
    assert book.detail()["tier_change"]["to"] == "gold"
    book.do(adjust(-1, "b"))
    assert book.account().tier == "silver"
