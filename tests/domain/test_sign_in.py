from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.commands import SignIn
from app.domain.program import Program
from app.domain.sign_in import SignInReward, reward, streak_after
from tests.domain.book import START, Book
from tests.domain.programs import DEFAULT, document, program

TODAY = date(2026, 3, 5)


@pytest.mark.parametrize(
    ("last", "streak", "after"),
    [
        (None, 0, 1),
        (date(2026, 3, 4), 6, 7),
        (date(2026, 3, 3), 6, 1),
        (date(2025, 3, 5), 6, 1),
        (TODAY, 6, 6),
        (date(2026, 3, 6), 6, 6),
    ],
)
def test_streak(last: date | None, streak: int, after: int) -> None:
    assert streak_after(last, streak, TODAY) == after


@pytest.mark.parametrize(
    ("streak", "extra"),
    [(1, 0), (6, 0), (7, 20), (8, 0), (15, 50), (29, 0), (30, 100), (31, 0), (37, 20), (45, 50), (60, 100)],
)
def test_the_default_ladder_starts_again(streak: int, extra: int) -> None:
    given_ = reward(streak, DEFAULT)
    assert (given_.points, given_.growth) == (10 + extra, 5)
    told = [("sign_in", "daily sign-in", 10)]
    if extra:
        told.append(("streak", f"{streak} days in a row", extra))
    assert given_.breakdown == tuple(told)


@pytest.mark.parametrize(("streak", "extra"), [(7, 20), (29, 0), (30, 100), (31, 100), (37, 100), (400, 100)])
def test_a_ladder_may_stay_on_its_last_step(streak: int, extra: int) -> None:
    assert reward(streak, program(sign_in={"after_ladder": "stay"})).points == 10 + extra


def test_no_ladder_and_no_points() -> None:
    assert reward(9, program(sign_in={"ladder": []})).points == 10
    bare = program(sign_in={"ladder": [], "points": 0, "growth": 0})
    assert reward(9, bare) == SignInReward(0, 0, ())


@given(st.integers(1, 10_000), st.sampled_from(["restart", "stay"]))
def test_the_breakdown_adds_up(streak: int, after_ladder: str) -> None:
    given_ = reward(streak, program(sign_in={"after_ladder": after_ladder}))
    assert given_.points == sum(points for _, _, points in given_.breakdown)
    assert all(points > 0 for _, _, points in given_.breakdown)


def test_signing_in_grants_the_day() -> None:
    book = Book()
    assert book.do(SignIn(member_id="m")) == {
        "date": "2026-03-05",
        "points": 10,
        "streak": 1,
        "breakdown": [{"rule": "sign_in", "label": "daily sign-in", "points": 10, "version": 1}],
        "balance": {"available": 10, "pending": 0, "reserved": 0, "debt": 0},
    }
    assert (book.account().growth, book.account().earned, book.lot(1).source) == (5, 10, "sign_in")


def test_the_day_is_that_of_the_programs_zone() -> None:
    book = Book(now=START.replace(hour=15, minute=59))
    assert book.do(SignIn(member_id="m"))["date"] == "2026-03-05"
    assert book.later(minutes=1).do(SignIn(member_id="m"))["date"] == "2026-03-06"
    assert book.account().streak == 2


def test_seven_days_then_a_missed_one() -> None:
    book = Book()
    points: list[int] = []
    for _ in range(7):
        points.append(book.do(SignIn(member_id="m"))["points"])
        book.later(days=1)
    assert points == [10] * 6 + [30]
    assert book.later(days=1).do(SignIn(member_id="m"))["streak"] == 1


def test_a_day_may_be_worth_growth_alone() -> None:
    book = Book(program(sign_in={"points": 0, "ladder": []}))
    assert book.do(SignIn(member_id="m"))["points"] == 0
    assert (book.account().growth, book.account().lot_count, book.last().lot) == (5, 1, 1)


def test_it_may_pay_debt_and_earn_a_tier() -> None:
    made = document()
    made["tiers"]["qualification"]["metrics"] = ["growth"]
    for rank, tier in enumerate(made["tiers"]["ladder"]):
        tier["thresholds"] = {"growth": rank * 5} if rank else {}
    book = Book(Program.from_document(1, made))
    book.do(SignIn(member_id="m"))
    assert (book.account().tier, book.detail()["tier_change"]["to"]) == ("silver", "silver")
