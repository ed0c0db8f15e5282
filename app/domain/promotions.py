"""Line promotions: time-limited, new-product, bundle and member prices, without a code (RULES.md, Coupons).

Each line takes one. Of the bundles the one that saves most comes first, if it saves more than what its lines
would take by themselves; then each other line takes its best, the first in code order of equals.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from app.domain.carts import CartLine
from app.domain.coupon_templates import Bundle, Template
from app.domain.shares import spread


class Promoted(NamedTuple):
    """What one line takes off and by which template."""

    template: str
    discount_fen: int


def line_promotions(
    lines: Sequence[CartLine], templates: Sequence[tuple[Template, Sequence[int]]]
) -> list[Promoted | None]:
    """What each line takes. `templates` are those of kind line_price that fit, each with its eligible lines."""
    taken: list[Promoted | None] = [None] * len(lines)
    in_order = sorted(templates, key=lambda each: each[0].template)
    for template, places in in_order:
        if template.bundle is None:
            for index in places:
                saved_fen, best = _saved_fen(template, lines[index]), taken[index]
                if saved_fen > (0 if best is None else best.discount_fen):
                    taken[index] = Promoted(template.template, saved_fen)
    bundles = {each.template: (each.bundle, places) for each, places in in_order if each.bundle is not None}
    if bundles:
        _take_bundles(lines, bundles, taken)
    return taken


def _saved_fen(template: Template, line: CartLine) -> int:
    """What a price, an amount off a piece, or a percentage saves on a line."""
    if template.price_fen is not None:
        return line.amount_fen - template.price_fen * line.quantity
    if template.amount_off_fen is not None:
        return min(line.amount_fen, template.amount_off_fen * line.quantity)
    assert template.percent_off is not None
    return line.amount_fen * template.percent_off // 100


def _take_bundles(
    lines: Sequence[CartLine],
    bundles: dict[str, tuple[Bundle, Sequence[int]]],
    taken: list[Promoted | None],
) -> None:
    """Let bundles replace in `taken` what lines would take by themselves; a line is in one bundle at most."""
    bundled: set[int] = set()
    while bundles:
        offers = {
            code: _bundled(lines, [index for index in places if index not in bundled], bundle)
            for code, (bundle, places) in bundles.items()
        }
        code = max(offers, key=lambda each: sum(offers[each].values()))  # the first of equals
        del bundles[code]
        own_fen = sum(own.discount_fen for index in offers[code] if (own := taken[index]) is not None)
        if sum(offers[code].values()) > own_fen:
            bundled.update(offers[code])
            for index, saved_fen in offers[code].items():
                taken[index] = Promoted(code, saved_fen)


def _bundled(lines: Sequence[CartLine], places: Sequence[int], bundle: Bundle) -> dict[int, int]:
    """What the lines in the bundle's sets save, by place. Sets are of the dearest pieces, as many as save."""
    dearest = sorted(
        places, key=lambda index: Fraction(lines[index].amount_fen, lines[index].quantity), reverse=True
    )
    pieces = list(accumulate((lines[index].quantity for index in dearest), initial=0))
    amounts = list(accumulate((lines[index].amount_fen for index in dearest), initial=0))

    def worth_fen(count: int) -> int:
        """The list price of the dearest `count` pieces, a line's pieces being all alike."""
        whole = bisect_right(pieces, count) - 1  # lines that are in with all their pieces
        if whole == len(dearest):
            return amounts[whole]
        line = lines[dearest[whole]]
        return amounts[whole] + line.amount_fen * (count - pieces[whole]) // line.quantity

    def is_dear(nth: int) -> bool:
        """Whether the n-th set, each cheaper than the one before, is no dearer apart."""
        return worth_fen(nth * bundle.quantity) - worth_fen((nth - 1) * bundle.quantity) <= bundle.price_fen

    sets = bisect_left(range(1, pieces[-1] // bundle.quantity + 1), True, key=is_dear)
    count = sets * bundle.quantity
    inside = dearest[: bisect_left(pieces, count)]
    weights = [worth_fen(min(end, count)) - start for end, start in zip(pieces[1:], amounts, strict=False)]
    saved = spread(worth_fen(count) - sets * bundle.price_fen, weights[: len(inside)])
    return dict(zip(inside, saved, strict=True))
