"""What an order earns: points, growth and cash back. Source: RULES.md, Points.

Everything is exact in integers and rounded down once, at the end, per order. An order's points are a function
of what is *left* of it after refunds, so many small refunds leave the same as one: to refund, ask again with
less left and take back the difference.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Any, NamedTuple

from app.domain.boosts import Boost, Weighted, boosted_growth, boosted_points, flat_points
from app.domain.errors import ItemsAmountMismatch, LineIdRepeated
from app.domain.program import Program
from app.domain.ratio import Ratio
from app.domain.terms import Earning, Tier


class Line(NamedTuple):
    """One item of an order: what was paid for all of its `quantity`, in the minor unit."""

    line_id: str
    sku: str
    category: str | None
    brand: str | None
    quantity: int
    amount_fen: int


Part = tuple[str, str, int] | tuple[str, int, int, str] | tuple[str, str, int, int]
"""One line of a breakdown. Of the program's: rule, label, points. Of a campaign: its id, its version, points, label; in
entries of before: rule, label, points, version.
"""


class Earned(NamedTuple):
    """`points` is the sum of the breakdown, parts of 0 left out. `boosted`: what each boost paid of them."""

    points: int
    breakdown: tuple[Part, ...]
    growth: int
    cash_fen: int
    boosted: tuple[int, ...] = ()


def told_parts(breakdown: Iterable[Part], *, version: int) -> list[dict[str, Any]]:
    """A breakdown as answers have it; `version` is that of the program, whose rules gave what no campaign did."""
    return [_told(part, version) for part in breakdown]


def _told(part: Part, version: int) -> dict[str, Any]:
    rule, label, points, *others = part
    if isinstance(label, int):
        return {"rule": f"campaign:{rule}", "label": others[0], "points": points, "version": label}
    return {"rule": rule, "label": label, "points": points, "version": others[0] if others else version}


def check_lines(*, amount_fen: int, lines: Sequence[Line]) -> None:
    """Raises LineIdRepeated, and ItemsAmountMismatch if lines are given and don't add up to the amount."""
    if not lines:
        return
    if len({line.line_id for line in lines}) < len(lines):
        raise LineIdRepeated
    items_fen = sum(line.amount_fen for line in lines)
    if items_fen != amount_fen:
        raise ItemsAmountMismatch(amount_fen=amount_fen, items_fen=items_fen)


def earned(
    *,
    amount_fen: int,
    lines: Sequence[Line] = (),
    unallocated_refund_fen: int = 0,
    spend_before_fen: int = 0,
    tier: str,
    program: Program,
    boosts: Sequence[Boost] = (),
    ordered_fen: int = 0,
) -> Earned:
    """What an order of which this much is left earns at the rate of the tier with this code.

    `amount_fen` is what is left after all refunds. `lines` are what is left of each after the refunds that
    named it, so they add up to `amount_fen + unallocated_refund_fen`: what was refunded without naming lines
    lies on all of them alike. `spend_before_fen` is the lifetime spend without this order; only cumulative
    cash back asks for it.

    points = floor(tier rate x sum(rate of line x line) x amount / (amount + unallocated)), each line at its
    brand's rate, else its category's, else the base rate. Growth and cash are on the amount. `boosts` are what
    campaigns add to it; of an order of `ordered_fen` they ask how much is left. Raises TierNotFound; ValueError if the
    amount is negative or the lines don't add up.
    """
    if amount_fen < 0:
        raise ValueError("more was refunded than the order had")
    earning, standing_tier = program.earning, program.tier(tier)
    if lines and (earning.brands or earning.categories):
        points, breakdown = _points_by_line(
            lines,
            amount_fen=amount_fen,
            lines_fen=amount_fen + unallocated_refund_fen,
            tier=standing_tier,
            earning=earning,
        )
    else:
        points, breakdown = _points_at_base_rate(amount_fen, tier=standing_tier, earning=earning)
    growth_rate = program.growth.rate
    reward = Earned(
        points,
        breakdown,
        amount_fen * growth_rate.numerator // (growth_rate.denominator * earning.unit_fen),
        _cash_fen(amount_fen, spend_before_fen=spend_before_fen, program=program),
    )
    if not boosts:
        return reward
    if amount_fen and amount_fen == ordered_fen and (paid := flat_points(boosts)) is not None:
        return _with_boosts(reward, boosts, paid, share=1)
    left = Fraction(amount_fen, amount_fen + unallocated_refund_fen) if amount_fen else Fraction()
    weighted = [_weighted(line, tier=standing_tier, earning=earning, left=left) for line in lines]
    if not lines:
        whole = Line("", "", None, None, 1, amount_fen)
        weighted = [_weighted(whole, tier=standing_tier, earning=earning, left=Fraction(1))]
    share = Fraction(amount_fen, ordered_fen) if ordered_fen else Fraction()
    return _with_boosts(reward, boosts, boosted_points(boosts, weighted, share=share), share=share)


def _weighted(line: Line, *, tier: Tier, earning: Earning, left: Fraction) -> Weighted:
    """What is `left` of a line in points, exact: at its rate and the tier's."""
    _, _, rate = _rate_of(line, earning)
    points = Fraction(
        line.amount_fen * rate.numerator * tier.rate.numerator,
        rate.denominator * earning.unit_fen * tier.rate.denominator,
    )
    return Weighted(points * left, line.sku, line.category, line.brand)


def _with_boosts(
    reward: Earned, boosts: Sequence[Boost], paid: tuple[int, ...], *, share: Fraction | int
) -> Earned:
    points, parts = reward.points, list(reward.breakdown)
    for boost, gained in zip(boosts, paid, strict=True):
        if gained:
            points += gained
            parts.append((boost.campaign, boost.version, gained, boost.label))
    growth = reward.growth + boosted_growth(boosts, share=share)
    return Earned(points, tuple(parts), growth, reward.cash_fen, paid)


def _points_at_base_rate(
    amount_fen: int, *, tier: Tier, earning: Earning
) -> tuple[int, tuple[tuple[str, str, int], ...]]:
    rate, times = earning.rate, tier.rate
    scaled, scale = amount_fen * rate.numerator, rate.denominator * earning.unit_fen
    base = scaled // scale
    points = base if times == (1, 1) else scaled * times.numerator // (scale * times.denominator)
    if points == base:
        if not points:
            return 0, ()
        return points, ((*_rule("purchase", None, rate, earning.unit_name), points),)
    gained = (*_tier_rule(tier.code, times), points - base)
    if not base:
        return points, (gained,)
    return points, ((*_rule("purchase", None, rate, earning.unit_name), base), gained)


def _points_by_line(
    lines: Sequence[Line], *, amount_fen: int, lines_fen: int, tier: Tier, earning: Earning
) -> tuple[int, tuple[tuple[str, str, int], ...]]:
    """The breakdown's parts are differences of rounded-down running totals, so they add up to the points."""
    by_rate_fen: dict[tuple[str, str | None, Ratio], int] = {}
    for line in lines:
        key = _rate_of(line, earning)
        by_rate_fen[key] = by_rate_fen.get(key, 0) + line.amount_fen
    if sum(by_rate_fen.values()) != lines_fen:
        raise ValueError("the lines are not what is left of the order")
    # All parts over one denominator: rates, the unit, and the share of the lines that is left.
    rates_scale = lcm(*(rate.denominator for _, _, rate in by_rate_fen))
    scale = rates_scale * earning.unit_fen * (lines_fen or 1)
    scaled = told = 0
    breakdown: list[tuple[str, str, int]] = []
    for (kind, name, rate), rate_fen in by_rate_fen.items():
        scaled += rate_fen * rate.numerator * (rates_scale // rate.denominator) * amount_fen
        if part := scaled // scale - told:
            breakdown.append((*_rule(kind, name, rate, earning.unit_name), part))
            told += part
    points = scaled * tier.rate.numerator // (scale * tier.rate.denominator)
    if points != told:
        breakdown.append((*_tier_rule(tier.code, tier.rate), points - told))
    return points, tuple(breakdown)


def _rate_of(line: Line, earning: Earning) -> tuple[str, str | None, Ratio]:
    """A brand is the narrower choice: its rate goes before the category's. Either replaces the base rate."""
    if line.brand is not None and line.brand in earning.brands:
        return "brand", line.brand, earning.brands[line.brand]
    if line.category is not None and line.category in earning.categories:
        return "category", line.category, earning.categories[line.category]
    return "purchase", None, earning.rate


@lru_cache(maxsize=1024)
def _rule(kind: str, name: str | None, rate: Ratio, unit_name: str) -> tuple[str, str]:
    label = f"{rate} {'point' if rate == (1, 1) else 'points'} per {unit_name}"
    return (kind, label) if name is None else (f"{kind}:{name}", f"{label} on {name}")


@lru_cache(maxsize=1024)
def _tier_rule(code: str, rate: Ratio) -> tuple[str, str]:
    return f"tier:{code}", f"{code} ×{rate}"


def _cash_fen(amount_fen: int, *, spend_before_fen: int, program: Program) -> int:
    cash = program.cash
    match cash.policy:
        case "single_order":
            for step in reversed(cash.steps):
                if amount_fen >= step.at_fen:
                    return step.reward_fen
            return 0
        case "cumulative":
            passed = (spend_before_fen + amount_fen) // cash.every_fen - spend_before_fen // cash.every_fen
            return passed * cash.reward_fen
        case _:  # none
            return 0
