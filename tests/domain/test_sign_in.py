from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.sign_in import SignInReward, reward, streak_after
from tests.domain.programs import DEFAULT, program

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
