"""The lift against figures that others published. Sources beside each table."""

from __future__ import annotations

from math import inf, sqrt
from statistics import NormalDist

import pytest

from app.domain.lift import (
    Group,
    lift,
    mean_difference,
    rate_difference,
    score_interval,
    t_quantile,
)


# Any printed table of Student's distribution.
@pytest.mark.parametrize(
    ("share", "freedom", "value"),
    [
        (0.975, 1, 12.7062047),
        (0.975, 2, 4.3026527),
        (0.975, 4, 2.7764451),
        (0.975, 5, 2.5705818),
        (0.975, 10, 2.2281389),
        (0.975, 30, 2.0422725),
        (0.975, 120, 1.9799304),
        (0.95, 7, 1.8945786),
        (0.995, 3, 5.8409093),
        (0.5, 9, 0.0),
    ],
)
def test_students_quantiles(share: float, freedom: float, value: float) -> None:
    assert t_quantile(share, freedom) == pytest.approx(value, abs=5e-8)


def test_half_of_students_distribution_lies_below_0() -> None:
    assert 0 <= t_quantile(0.5, 9) < 1e-12


def test_students_distribution_becomes_the_normal_one() -> None:
    normal = NormalDist().inv_cdf(0.975)
    assert t_quantile(0.975, 999_999) == pytest.approx(normal, abs=3e-6)
    assert t_quantile(0.975, 1e6) == t_quantile(0.975, inf) == normal
    steps = [t_quantile(0.975, freedom) for freedom in (0.7, 1.5, 7.3, 88.1, 12_345.6)]
    assert steps == sorted(steps, reverse=True)


def group(*amounts_fen: int) -> Group:
    made = Group()
    for amount_fen in amounts_fen:
        made = made.with_member(orders=1, amount_fen=amount_fen)
    return made


# The first two examples of Wikipedia's article on his test; samples in tenths.
_FIRST = (275, 210, 190, 236, 170, 179, 169, 201, 219, 226, 231, 196, 190, 217, 214)
_SECOND = (271, 220, 208, 234, 234, 235, 258, 220, 248, 202, 219, 221, 229, 205, 244)
_FEW = (172, 209, 226, 181, 217, 214, 235, 242, 147, 218)
_MANY = (215, 228, 210, 230, 216, 236, 225, 207, 234, 218)
_MANY += (207, 217, 215, 225, 236, 215, 225, 235, 215, 218)


def test_welch() -> None:
    found = mean_difference(group(*_FIRST), group(*_SECOND))
    assert found is not None
    # t = -2.46 at 25.0 degrees of freedom.
    error = (found.high - found.difference) / t_quantile(0.975, 25.0)
    assert found.difference / error == pytest.approx(-2.46, abs=0.01)
    assert found.high - found.difference == pytest.approx(found.difference - found.low)


def test_welch_of_groups_that_differ_in_size() -> None:
    found = mean_difference(group(*_FEW), group(*_MANY))
    assert found is not None
    # t = -1.57 at 9.9 degrees of freedom.
    error = (found.high - found.difference) / t_quantile(0.975, 9.9)
    assert found.difference / error == pytest.approx(-1.57, abs=0.01)


def test_welch_of_two_members_each() -> None:
    """Two groups of one size and spread have the degrees of freedom of both together."""
    reach = 4.3026527 * sqrt(2)
    assert mean_difference(group(0, 2), group(10, 12)) == pytest.approx(
        (-10, -10 - reach, -10 + reach), abs=1e-6
    )


def test_members_who_all_spend_alike() -> None:
    assert mean_difference(group(300, 300), group(200, 200)) == (100, 100, 100)


@pytest.mark.parametrize(("treated", "control"), [((), (1, 2)), ((1,), (1, 2)), ((1, 2), (1,))])
def test_groups_too_small_for_a_mean(treated: tuple[int, ...], control: tuple[int, ...]) -> None:
    assert mean_difference(group(*treated), group(*control)) is None


# R. G. Newcombe, Interval estimation for the difference between independent proportions (1998), table II, method 10.
@pytest.mark.parametrize(
    ("hits", "of", "control_hits", "control_of", "difference", "low", "high"),
    [
        (56, 70, 48, 80, 0.2000, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.6000, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.5714, 0.0582, 0.8062),
        (5, 56, 0, 29, 0.0893, -0.0381, 0.1926),
        (0, 10, 0, 20, 0.0, -0.1611, 0.2775),
        (0, 10, 0, 10, 0.0, -0.2775, 0.2775),
        (10, 10, 0, 20, 1.0, 0.6791, 1.0),
        (10, 10, 0, 10, 1.0, 0.6075, 1.0),
    ],
)
def test_difference_of_rates(
    hits: int, of: int, control_hits: int, control_of: int, difference: float, low: float, high: float
) -> None:
    found = rate_difference(hits, of, control_hits, control_of)
    assert found is not None
    assert found == pytest.approx((difference, low, high), abs=5e-5)


def test_groups_of_nobody_have_no_rates() -> None:
    assert rate_difference(0, 0, 1, 2) is None
    assert rate_difference(1, 2, 0, 0) is None


# The same, of one proportion (Two-sided confidence intervals for the single proportion, 1998, method 3).
@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_score_interval(hits: int, of: int, low: float, high: float) -> None:
    assert score_interval(hits, of) == pytest.approx((low, high), abs=5e-5)


def test_a_share_is_never_below_0_or_above_1() -> None:
    for of in range(1, 100):
        assert score_interval(0, of)[0] >= 0.0
        assert score_interval(of, of)[1] <= 1.0


def test_lift_counts_every_member_of_a_group() -> None:
    treated = Group()
    for orders, amount_fen in ((2, 300), (1, 100), (0, 0), (3, 800)):
        treated = treated.with_member(orders=orders, amount_fen=amount_fen)
    assert treated == Group(4, 3, 2, 6, 1_200, 740_000)
    control = Group().with_member(orders=1, amount_fen=100).with_member(orders=0, amount_fen=0)
    found = lift(treated, control)
    assert found.amount_per_member_fen is not None
    assert found.buyer_rate is not None
    assert found.repurchase_rate is not None
    assert found.amount_per_member_fen.difference == 250
    assert found.buyer_rate.difference == 0.25
    assert found.repurchase_rate.difference == 0.5
    assert lift(Group(), control) == (None, None, None)


def test_groups_add_up() -> None:
    assert group(*_FEW) + group(*_MANY) == group(*_FEW, *_MANY)
