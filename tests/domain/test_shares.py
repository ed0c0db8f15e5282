from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.shares import spread
from tests.domain.naive_pricing import largest_remainder


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (0, [], []),
        (0, [0, 0], [0, 0]),
        (0, [5, 5], [0, 0]),
        (10, [5, 0, 5], [5, 0, 5]),
        (1, [1, 1, 1], [1, 0, 0]),  # of equal remainders the earlier line's first
        (2, [1, 1, 1], [1, 1, 0]),
        (1, [1, 2], [0, 1]),
        (100, [333, 333, 334], [33, 33, 34]),
        (7, [0, 3, 5], [0, 3, 4]),
        (10**12, [10**12, 10**12], [5 * 10**11, 5 * 10**11]),
        # Where floating point goes wrong.
        (30, [1, 21, 22], [1, 14, 15]),
        (665, [121, 999, 105], [66, 542, 57]),
        (
            1_328_021_550_571,
            [556_725_787_304, 625_954_267_846, 956_954_373_277],
            [345_546_806_256, 388_515_321_275, 593_959_423_040],
        ),
    ],
)
def test_shares(amount: int, weights: list[int], shares: list[int]) -> None:
    assert spread(amount, weights) == shares


def test_never_more_than_there_is() -> None:
    with pytest.raises(AssertionError, match="more is shared out"):
        spread(11, [5, 5])
    with pytest.raises(AssertionError, match="more is shared out"):
        spread(-1, [5, 5])


@given(st.lists(st.one_of(st.integers(0, 9), st.integers(0, 10**12)), max_size=12), st.data())
def test_shares_add_up_and_are_fair(weights: list[int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(0, sum(weights)))
    shares = spread(amount, weights)
    assert sum(shares) == amount
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))
    assert all(
        abs(share - Fraction(amount * weight, sum(weights))) < 1
        for share, weight in zip(shares, weights, strict=True)
        if weight
    )
    assert shares == largest_remainder(amount, weights)
