"""Points given to another member keep their expiry. Source: API.md, transfers; RULES.md, debt."""

from datetime import timedelta

import pytest

from app.domain.commands import Accrue, Import, Redeem, Refund, Reverse, Transfer
from app.domain.errors import InsufficientPoints, TransferToSelf
from tests.domain.book import START, Book, at
from tests.domain.programs import DEFAULT, with_validity


def transfer(points: int) -> Transfer:
    return Transfer(member_id="m", reference="t", to="n", points=points)


def both(program: object = DEFAULT) -> Book:
    return Book(program, "m", "n")  # pyright: ignore[reportArgumentType]


def test_points_move_in_spending_order_and_keep_their_expiry() -> None:
    book = both()
    for number, (points, days) in enumerate([(100, 300), (100, 100)]):
        ends = START + timedelta(days=days)
        book.do(Import(member_id="m", reference=f"i{number}", points=points, expires_at=ends))
    assert book.do(transfer(150)) == {
        "reference": "t",
        "to": "n",
        "points": 150,
        "lots": [
            {"lot": 2, "points": 100, "expires_at": "2026-06-13T02:00:00Z"},
            {"lot": 1, "points": 50, "expires_at": "2026-12-30T02:00:00Z"},
        ],
        "balance": {"available": 50, "pending": 0, "reserved": 0, "debt": 0},
    }
    assert book.balances("n") == (150, 0, 0, 0)
    assert [book.lot(number, "n").expires_at for number in (1, 2)] == [
        START + timedelta(days=100),
        START + timedelta(days=300),
    ]
    assert (book.last("n").kind, book.last("n").key, book.last("n").lot) == ("receive", "receive/m/t", 1)
    assert (book.detail("n")["from"], book.detail("n")["points"]) == ("m", 150)
    assert [book.lot(number, "n").source for number in (1, 2)] == ["transfer", "transfer"]
    assert book.account("n").earned == 0
    assert (book.lot(1).moved, book.lot(2).moved) == (50, 100)
    book.later(days=100).mature("n")
    assert book.balances("n") == (50, 0, 0, 0)


def test_what_arrives_pays_the_receivers_debt() -> None:
    book = both()
    book.do(Accrue(member_id="n", order_id="o", amount=10_000))
    book.do(Redeem(member_id="n", reference="r", points=100))
    book.do(Reverse(member_id="n", order_id="o", reference="b", amount=10_000))
    book.do(Accrue(member_id="m", order_id="o", amount=15_000))
    book.do(transfer(150))
    assert book.balances("n") == (50, 0, 0, 0)
    assert book.detail("n")["debt_paid"] == 100


def test_each_lot_that_arrives_pays_what_is_left_of_the_debt() -> None:
    book = both()
    book.do(Accrue(member_id="n", order_id="o", amount=10_000))
    book.do(Redeem(member_id="n", reference="r", points=100))
    book.do(Reverse(member_id="n", order_id="o", reference="b", amount=10_000))
    for number, points in enumerate((60, 90)):
        book.do(Import(member_id="m", reference=f"i{number}", points=points))
    book.do(transfer(150))
    assert book.balances("n") == (50, 0, 0, 0)
    assert book.detail("n")["debt_paid"] == 100


def test_what_is_given_stays_under_the_version_that_granted_it() -> None:
    book = both()
    book.do(Import(member_id="m", reference="i", points=150))
    book.adopt(at(DEFAULT, version=2))
    book.do(transfer(150))
    assert book.lot(1, "n").program_version == 1


@pytest.mark.parametrize(("sees_all", "floor"), [(True, 2), (False, 1)])
def test_only_who_sees_all_lots_can_tell_the_oldest_open_one(*, sees_all: bool, floor: int) -> None:
    book = both()
    for reference in "ij":
        book.do(Import(member_id="m", reference=reference, points=150))
    book.members["m"].sees_all_lots = sees_all
    book.do(transfer(150))
    assert book.account().lot_floor == floor


def test_refusals() -> None:
    book = both()
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    with pytest.raises(TransferToSelf):
        book.do(Transfer(member_id="m", reference="t", to="m", points=1))
    with pytest.raises(InsufficientPoints) as refused:
        book.do(transfer(101))
    assert refused.value.extra == {"available": 100}


def test_the_refund_of_the_order_is_the_givers_debt() -> None:
    book = both()
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    book.do(transfer(100))
    assert book.do(Reverse(member_id="m", order_id="o", reference="b", amount=10_000))["shortfall"] == 100
    assert book.balances("n") == (100, 0, 0, 0)


def test_a_tenth_of_what_was_received_goes_on_the_givers_anniversary() -> None:
    book = both(with_validity(policy="yearly_tenth"))
    book.do(Accrue(member_id="m", order_id="o", amount=100_000))
    book.later(days=200).do(transfer(500))
    book.later(days=166).mature("n")
    assert book.balances("n") == (450, 0, 0, 0)
    book.do(Redeem(member_id="n", reference="r", points=450))
    book.do(Refund(member_id="n", redemption="r", reference="b"))
    assert book.balances("n") == (450, 0, 0, 0)
