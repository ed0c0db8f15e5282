"""What campaigns add to an order, kept with the order as it was granted, so that refunds know what is left of it.

Several multipliers multiply; all is exact, and rounded down once (API.md: Campaigns). What comes back takes its share
of flat points along: an order of which a third is left keeps a third of them. Where a budget did not reach, the boost
pays at most its `cap`, and multipliers after it multiply as if it had paid whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

from app.domain.campaigns import ALL_LINES, AT_THE_TILL, Campaign, Effect, EffectKind, Lines
from app.domain.ratio import Ratio

_NOTHING_MORE: Mapping[str, Any] = {}


class Boost(NamedTuple):
    """One effect of one version of a campaign on an order."""

    campaign: str
    version: int
    label: str
    kind: EffectKind
    factor: Ratio | None = None
    amount: int = 0  # points, growth or chances
    template: str | None = None
    pieces: int = 1  # coupons of the template
    lines: Lines = ALL_LINES
    cap: int | None = None  # points at most


class Weighted(NamedTuple):
    """A line's points before any boost, exact."""

    points: Fraction
    sku: str
    category: str | None
    brand: str | None


def boosts_of(campaign: Campaign) -> Iterable[Boost]:
    """What the campaign adds to an order that it applies to; what it does at the till is decided there."""
    for effect in campaign.effects:
        if effect.kind not in AT_THE_TILL:
            yield _boost(campaign, effect)


def _boost(campaign: Campaign, effect: Effect) -> Boost:
    return Boost(
        campaign.campaign,
        campaign.version,
        campaign.name,
        effect.kind,
        effect.factor,
        effect.amount,
        effect.template,
        effect.count,
        effect.lines,
    )


def boosted_points(boosts: Sequence[Boost], lines: Sequence[Weighted], *, share: Fraction) -> tuple[int, ...]:
    """What each boost pays: differences of rounded-down running totals, so that all of them add up.

    `lines` are what is left of the order; `share` is the part of it that is left, of which flat points are paid.
    """
    # All in whole parts of one scale, which is much faster than fractions.
    scale = lcm(share.denominator, *(line.points.denominator for line in lines))
    values = [line.points.numerator * (scale // line.points.denominator) for line in lines]
    flat = share.numerator * (scale // share.denominator)
    total = sum(values)
    told = total // scale
    paid: list[int] = []
    for boost in boosts:
        if boost.kind == "add_points":
            total += boost.amount * flat
        elif boost.factor is not None:
            times, parts = boost.factor
            fits = [boost.lines.has(line.sku, line.category, line.brand) for line in lines]
            gain = sum(value for value, fit in zip(values, fits, strict=True) if fit) * (times - parts)
            values = [value * (times if fit else parts) for value, fit in zip(values, fits, strict=True)]
            total, flat, scale = total * parts + gain, flat * parts, scale * parts
        if boost.cap is not None:
            total = min(total, (told + boost.cap) * scale)
        paid.append(total // scale - told)
        told += paid[-1]
    return tuple(paid)


def flat_points(boosts: Sequence[Boost]) -> tuple[int, ...] | None:
    """What each boost pays on an order of which nothing came back; None if that depends on the order's points."""
    paid: list[int] = []
    for boost in boosts:
        if boost.factor is not None:
            return None
        points = boost.amount if boost.kind == "add_points" else 0
        paid.append(points if boost.cap is None else min(points, boost.cap))
    return tuple(paid)


def boosted_growth(boosts: Iterable[Boost], *, share: Fraction | int) -> int:
    """The growth that boosts add to what is left of an order."""
    growth = 0
    for boost in boosts:
        if boost.kind == "add_growth":
            growth += int(boost.amount * share)
    return growth


Written = tuple[str, int, Any] | tuple[str, int, Any, Mapping[str, Any]]
"""A boost as an order keeps it: campaign, version, what it gives, and what else it says (`lines`, `cap`, `label`).
Points are told as a number, a factor as text, anything else as its kind and how many, or which coupon and how many.
"""


def write_boosts(boosts: Iterable[Boost], *, is_told: bool = False) -> list[Written]:
    """As an order keeps them. If `is_told`, without their labels: nothing tells those again."""
    return [_write(boost, is_told=is_told) for boost in boosts]


def _write(boost: Boost, *, is_told: bool) -> Written:
    gives: Any = boost.amount
    if boost.factor is not None:
        gives = str(boost.factor)
    elif boost.template is not None:
        gives = [boost.kind, boost.template, boost.pieces]
    elif boost.kind != "add_points":
        gives = [boost.kind, boost.amount]
    more: dict[str, Any] = {}
    if boost.lines != ALL_LINES:
        more["lines"] = [sorted(names) for names in boost.lines]
    if boost.cap is not None:
        more["cap"] = boost.cap
    if boost.label and not is_told:
        more["label"] = boost.label
    told = (boost.campaign, boost.version, gives)
    return (*told, more) if more else told


def read_boosts(written: Iterable[Sequence[Any] | Mapping[str, Any]]) -> tuple[Boost, ...]:
    """The boosts that an order keeps."""
    return tuple(_read_named(told) if isinstance(told, Mapping) else _read(*told) for told in written)


def _read(campaign: str, version: int, gives: Any, more: Mapping[str, Any] = _NOTHING_MORE) -> Boost:  # noqa: ANN401
    fields: dict[str, Any] = dict(more)
    if "lines" in fields:
        fields["lines"] = _read_lines(fields["lines"])
    fields.setdefault("label", "")
    if isinstance(gives, int):
        return Boost(campaign, version, kind="add_points", amount=gives, **fields)
    if isinstance(gives, str):
        return Boost(campaign, version, kind="multiply_points", factor=Ratio.parse(gives), **fields)
    kind, *what = gives
    if len(what) == 1:
        return Boost(campaign, version, kind=kind, amount=what[0], **fields)
    template, pieces = what
    return Boost(campaign, version, kind=kind, template=template, pieces=pieces, **fields)


def _read_named(told: Mapping[str, Any]) -> Boost:
    """One that was written before they were told by their places."""
    fields = dict(told)
    if "factor" in fields:
        fields["factor"] = Ratio.parse(fields["factor"])
    if "lines" in fields:
        fields["lines"] = _read_lines(fields["lines"])
    return Boost(**fields)


def _read_lines(written: Iterable[Iterable[str]]) -> Lines:
    return Lines(*map(frozenset, written))
