"""The order of prices once more, as simply as it can be said, to try the real one against.

It shares no code with the rules: templates and lines are only read. All arithmetic is in fractions and rounded
where the published order says so.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from itertools import combinations
from math import floor
from typing import NamedTuple

from app.domain.carts import Cart
from app.domain.coupon_templates import Template

STEP = {"amount_off": 1, "exchange": 1, "gift": 1, "percent_off": 2, "free_shipping": 3}


class Offer(NamedTuple):
    """A coupon, or (code None) an automatic template."""

    code: str | None
    template: Template
    valid_until: datetime | None


class Outcome(NamedTuple):
    saved: int
    lines: list[int]
    shipping: int
    applied: list[tuple[Offer, int]]


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    exact = [Fraction(total * weight, sum(weights)) if total else Fraction(0) for weight in weights]
    shares = [floor(each) for each in exact]
    by_remainder = sorted(range(len(weights)), key=lambda n: (shares[n] - exact[n], n))
    for n in by_remainder[: total - sum(shares)]:
        shares[n] += 1
    return shares


def counted(template: Template, cart: Cart) -> list[int]:
    named = template.eligible
    return [
        n
        for n, line in enumerate(cart.lines)
        if (not named.skus and not named.categories and not named.brands)
        or line.sku in named.skus
        or line.category in named.categories
        or line.brand in named.brands
    ]


def order(offer: Offer, cart: Cart) -> tuple[int, int, int, int, str, str]:
    """Narrower first, then the higher threshold, then the larger nominal, then by code."""
    template = offer.template
    last = template.steps[-1] if template.steps else None
    threshold = last.threshold_fen if last else template.threshold_fen
    nominal = last.amount_off_fen if last else template.amount_off_fen or template.percent_off or 0
    narrow = len(counted(template, cart))
    return STEP[template.kind], narrow, -threshold, -nominal, template.template, offer.code or ""


def take_off(lines: list[int], places: list[int], total: int) -> None:
    for n, share in zip(places, largest_remainder(total, [lines[n] for n in places]), strict=True):
        lines[n] -= share


def amount(template: Template, reached: int) -> int:
    """What an amount coupon takes off at most."""
    off = template.amount_off_fen or 0
    for step in template.steps:
        if reached >= step.threshold_fen:
            off = step.amount_off_fen
    return off


def worth(template: Template, pieces: dict[int, int], before: int, left: int, shipping: int) -> int:
    """What it takes off when `before` was there of its lines and `left` is; `pieces` are what one costs, by line."""
    match template.kind:
        case "percent_off":
            off = floor(Fraction(left * (template.percent_off or 0), 100))
        case "exchange":
            off = max(pieces.values())
        case "free_shipping":
            off = shipping
        case _:
            off = min(amount(template, before), left)
    return off if template.max_discount_fen is None else min(off, template.max_discount_fen)


def outcome(cart: Cart, tier_percent: int, shipping: int, offers: Sequence[Offer]) -> Outcome:
    """Tier discount, amount coupons, percent coupons, shipping."""
    lines = [line.amount_fen for line in cart.lines]
    take_off(lines, list(range(len(lines))), floor(Fraction(sum(lines) * tier_percent, 100)))
    start, shipping_at_start = sum(lines), shipping
    applied: list[tuple[Offer, int]] = []
    for step in (1, 2, 3):
        before = list(lines)
        for offer in sorted(offers, key=lambda each: order(each, cart)):
            template, places = offer.template, counted(offer.template, cart)
            reached = sum(before[n] for n in places)
            if STEP[template.kind] != step or not places or reached < template.threshold_fen:
                continue
            pieces = {n: lines[n] // cart.lines[n].quantity for n in places}
            off = worth(template, pieces, reached, sum(lines[n] for n in places), shipping)
            if not off and template.kind != "gift":
                continue
            applied.append((offer, off))
            if template.kind == "exchange":
                places = [n for n in places if pieces[n] == max(pieces.values())][:1]
            if template.kind == "free_shipping":
                shipping -= off
            else:
                take_off(lines, places, off)
    return Outcome(start - sum(lines) + shipping_at_start - shipping, lines, shipping, applied)


def agree(one: Template, other: Template) -> bool:
    if one.group is not None and one.group == other.group:
        return False
    for template in (one, other):
        if template.stacks_with == "none":
            return False
        if template.stacks_with == "other_kinds" and one.kind == other.kind:
            return False
    return True


def goodness(found: Outcome) -> tuple[int, int, int, list[datetime], list[str]]:
    """The smallest is the best."""
    coupons = [offer for offer, _ in found.applied if offer.code is not None]
    never = datetime(9999, 12, 31, tzinfo=UTC)
    return (
        -found.saved,
        -len([1 for offer, _ in found.applied if offer.template.kind == "gift"]),
        len(coupons),
        sorted(offer.valid_until or never for offer in coupons),
        sorted(offer.code or offer.template.template for offer, _ in found.applied),
    )


def best_of_all(cart: Cart, tier_percent: int, shipping: int, offers: Sequence[Offer]) -> Outcome:
    """Try every subset that stacks."""
    found: Outcome | None = None
    for size in range(len(offers) + 1):
        for subset in combinations(offers, size):
            if all(agree(one.template, other.template) for one, other in combinations(subset, 2)):
                trial = outcome(cart, tier_percent, shipping, subset)
                if found is None or goodness(trial) < goodness(found):
                    found = trial
    assert found is not None
    return found
