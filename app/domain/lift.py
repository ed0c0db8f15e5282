"""What a campaign changed: those it treated against those it held out (RULES.md, Campaigns: control group, lift).

The confidence intervals are at 95 %: Welch's for a mean, since the groups differ in size and spread, and Newcombe's
hybrid score interval for the difference of two proportions, which also holds where nobody or everybody bought.
"""

from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist
from typing import NamedTuple

CONFIDENCE = 0.95
_TAIL = (1 + CONFIDENCE) / 2
_Z = NormalDist().inv_cdf(_TAIL)


class Group(NamedTuple):
    """Sums over the members of one group; of orders in the campaign's time. Amounts in the minor unit."""

    members: int = 0
    buyers: int = 0  # with an order
    repeat_buyers: int = 0  # with two or more
    orders: int = 0
    amount_fen: int = 0
    squares: int = 0  # the sum of each member's amount, squared

    def with_member(self, *, orders: int, amount_fen: int) -> "Group":
        """The group with one more member, who placed so many orders."""
        return Group(
            self.members + 1,
            self.buyers + (orders >= 1),
            self.repeat_buyers + (orders >= 2),
            self.orders + orders,
            self.amount_fen + amount_fen,
            self.squares + amount_fen**2,
        )

    def __add__(self, other: object) -> "Group":
        """Both groups as one."""
        assert isinstance(other, Group)
        return Group(*(one + another for one, another in zip(self, other, strict=True)))


class Difference(NamedTuple):
    """Treated less control, and the interval that holds the true difference with 95 % confidence."""

    difference: float
    low: float
    high: float


class Lift(NamedTuple):
    """The lift of each figure; None where a group is too small to tell."""

    amount_per_member_fen: Difference | None
    buyer_rate: Difference | None
    repurchase_rate: Difference | None


def lift(treated: Group, control: Group) -> Lift:
    """The lift per member of the group, so that who buys because of the campaign counts in full."""
    return Lift(
        mean_difference(treated, control),
        rate_difference(treated.buyers, treated.members, control.buyers, control.members),
        rate_difference(treated.repeat_buyers, treated.members, control.repeat_buyers, control.members),
    )


def mean_difference(treated: Group, control: Group) -> Difference | None:
    """How much more a treated member spent, by Welch; None unless both groups have two members."""
    if treated.members < 2 or control.members < 2:
        return None
    difference = treated.amount_fen / treated.members - control.amount_fen / control.members
    errors = [_squared_error(group) for group in (treated, control)]
    error = sum(errors)
    if not error:
        return Difference(difference, difference, difference)
    freedom = error**2 / (errors[0] ** 2 / (treated.members - 1) + errors[1] ** 2 / (control.members - 1))
    reach = t_quantile(_TAIL, freedom) * sqrt(error)
    return Difference(difference, difference - reach, difference + reach)


def _squared_error(group: Group) -> float:
    """The variance of the group's mean: exact in integers up to the one division."""
    return (group.members * group.squares - group.amount_fen**2) / (group.members**2 * (group.members - 1))


def rate_difference(hits: int, of: int, control_hits: int, control_of: int) -> Difference | None:
    """How much larger the share is, by Newcombe's method 10; None if a group is empty."""
    if not of or not control_of:
        return None
    rate, control_rate = hits / of, control_hits / control_of
    low, high = score_interval(hits, of)
    control_low, control_high = score_interval(control_hits, control_of)
    difference = rate - control_rate
    return Difference(
        difference,
        difference - sqrt((rate - low) ** 2 + (control_high - control_rate) ** 2),
        difference + sqrt((high - rate) ** 2 + (control_rate - control_low) ** 2),
    )


def score_interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's score interval of the share `hits` of `of`, which is at least 1."""
    squared = _Z**2
    middle = (hits + squared / 2) / (of + squared)
    reach = _Z / (of + squared) * sqrt(hits * (of - hits) / of + squared / 4)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


# --- Student's t -----------------------------------------------------------------------------------------

_NORMAL_FROM = 1e6  # degrees of freedom at which the normal distribution is the same to six digits
_HALVINGS = 60
_CLOSE = 1e-14


def t_quantile(share: float, freedom: float) -> float:
    """The value below which this share (0.5 to 1) of Student's distribution lies; `freedom` need not be whole."""
    if freedom >= _NORMAL_FROM:
        return NormalDist().inv_cdf(share)
    low, high = 0.0, 1.0
    while _t_share(high, freedom) < share:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_share(middle, freedom) < share else (low, middle)
    return high


def _t_share(value: float, freedom: float) -> float:
    """The share of Student's distribution below a value that isn't negative."""
    return 1 - _beta_share(freedom / (freedom + value * value), freedom / 2, 0.5) / 2


def _beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # where its mirror image converges faster
        return 1 - _beta_share(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    # Its continued fraction, by Lentz.
    fraction = denominator = 1 / (1 - (a + b) * x / (a + 1))
    numerator, change, step = 1.0, 0.0, 1
    while abs(change - 1) > _CLOSE:
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            denominator = 1 / (1 + term * denominator)
            numerator = 1 + term / numerator
            change = denominator * numerator
            fraction *= change
        step += 1
    return front * fraction
