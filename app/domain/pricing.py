"""What coupons, and automatic templates beside them, take off a cart: the steps of the published order.

RULES.md, Coupons: amount coupons (amount off, exchange, gift) before percentages before free shipping. Thresholds
of a step look at what the step before left of the eligible lines: all amount coupons at the same, all percentages at
what is left after the amount coupons, shipping at what is left after the percentages. Within a step they
apply one after another: fewer eligible lines first, then the higher threshold, then the larger nominal, then
in code order, the template's before the coupon's own, so that two coupons of one template may change places.

Amounts of lines are plain lists of ints here, one a line: this is what the search for the best runs thousands
of times.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from app.domain.coupon_reasons import Reason, reason
from app.domain.coupon_templates import Kind, Template
from app.domain.shares import spread

AMOUNTS, PERCENTAGES, SHIPPING = range(3)

_STEPS: dict[Kind, int] = {
    "amount_off": AMOUNTS,
    "exchange": AMOUNTS,
    "gift": AMOUNTS,
    "percent_off": PERCENTAGES,
    "free_shipping": SHIPPING,
}


class Candidate(NamedTuple):
    """A coupon, or with `code` None an automatic template, on this cart."""

    step: int
    lines: tuple[int, ...]  # the places of those that count for it
    code: str | None
    template: Template
    valid_until: datetime | None
    place: tuple[int, int, int, int, str, str]  # sorts candidates into the order they apply in

    @property
    def name(self) -> str:
        return self.template.template if self.code is None else self.code

    @property
    def source(self) -> str:
        """How a discount tells where it comes from."""
        if self.code is not None:
            return f"coupon:{self.code}"
        template = self.template
        return template.template if template.campaign is not None else f"promotion:{template.template}"


class Basket(NamedTuple):
    """What coupons apply to: the lines after promotions and the tier's discount, the shipping still to be paid."""

    quantities: list[int]
    lines_fen: list[int]
    shipping_fen: int


class Taken(NamedTuple):
    """What one candidate takes off: `shares_fen` of the lines at `places`, or off shipping if there are none."""

    candidate: Candidate
    saved_fen: int
    places: Sequence[int]
    shares_fen: Sequence[int]


class Priced(NamedTuple):
    """What is left to pay, what each candidate took, and those that do not apply beside the others, with the reason."""

    lines_fen: list[int]
    shipping_fen: int
    taken: list[Taken]
    failed: list[tuple[Candidate, Reason]]

    @property
    def saved_fen(self) -> int:
        return sum(taken.saved_fen for taken in self.taken)


def candidate(
    template: Template,
    lines: tuple[int, ...],
    *,
    code: str | None = None,
    valid_until: datetime | None = None,
) -> Candidate:
    steps = template.steps
    threshold_fen = steps[-1].threshold_fen if steps else template.threshold_fen
    nominal = steps[-1].amount_off_fen if steps else template.amount_off_fen or template.percent_off or 0
    step = _STEPS[template.kind]
    place = (step, len(lines), -threshold_fen, -nominal, template.template, code or "")
    return Candidate(step, lines, code, template, valid_until, place)


def effect(
    candidate: Candidate, basket: Basket, base_fen: list[int], left_fen: list[int], shipping_fen: int
) -> tuple[int, Sequence[int]] | None:
    """What it takes off and of which lines; None if its threshold is not reached or there is nothing to take.

    `base_fen` is what the step before left, `left_fen` what is left now, and `shipping_fen` of shipping.
    """
    template, lines = candidate.template, candidate.lines
    kind = template.kind
    reached_fen = sum(map(base_fen.__getitem__, lines))
    if reached_fen < _least_fen(template):
        return None
    if kind == "gift":
        return 0, ()
    if kind == "free_shipping":
        return (shipping_fen, ()) if shipping_fen else None
    if kind == "exchange":
        quantities = basket.quantities
        dearest = max(lines, key=lambda index: left_fen[index] // quantities[index])  # the first of equals
        lines, saved_fen = (dearest,), left_fen[dearest] // quantities[dearest]
    else:
        saved_fen = sum(map(left_fen.__getitem__, lines))
        if template.percent_off is not None:
            saved_fen = saved_fen * template.percent_off // 100
        else:
            saved_fen = min(saved_fen, _amount_off_fen(template, reached_fen))
    if template.max_discount_fen is not None:
        saved_fen = min(saved_fen, template.max_discount_fen)
    return (saved_fen, lines) if saved_fen else None


def refusal(candidate: Candidate, base_fen: list[int]) -> Reason:
    """Why it has no effect."""
    missing_fen = _least_fen(candidate.template) - sum(map(base_fen.__getitem__, candidate.lines))
    if missing_fen > 0:
        return reason("threshold_not_reached", {"missing": missing_fen})
    return reason("coupon_no_effect")


def reduce(lines_fen: list[int], saved_fen: int, places: Sequence[int]) -> tuple[list[int], list[int]]:
    """The lines once `saved_fen` is off those at `places`, in proportion to what is left of them; and the shares."""
    if len(places) == len(lines_fen):  # most coupons count all lines
        shares_fen = spread(saved_fen, lines_fen)
        return [fen - share_fen for fen, share_fen in zip(lines_fen, shares_fen, strict=True)], shares_fen
    shares_fen = spread(saved_fen, [lines_fen[place] for place in places])
    reduced_fen = lines_fen.copy()
    for place, share_fen in zip(places, shares_fen, strict=True):
        reduced_fen[place] -= share_fen
    return reduced_fen, shares_fen


def price(basket: Basket, candidates: Iterable[Candidate]) -> Priced:
    """Apply all of them, in their order: whether they stack is asked before."""
    left_fen = base_fen = basket.lines_fen
    shipping_fen = basket.shipping_fen
    taken: list[Taken] = []
    failed: list[tuple[Candidate, Reason]] = []
    step = AMOUNTS
    for each in sorted(candidates, key=_place):
        if each.step != step:
            step, base_fen = each.step, left_fen
        found = effect(each, basket, base_fen, left_fen, shipping_fen)
        if found is None:
            failed.append((each, refusal(each, base_fen)))
            continue
        saved_fen, places = found
        shares_fen: Sequence[int] = ()
        if places:
            left_fen, shares_fen = reduce(left_fen, saved_fen, places)
        else:
            shipping_fen -= saved_fen  # a gift takes nothing
        taken.append(Taken(each, saved_fen, places, shares_fen))
    return Priced(left_fen, shipping_fen, taken, failed)


def _place(candidate: Candidate) -> tuple[int, int, int, int, str, str]:
    return candidate.place


def _least_fen(template: Template) -> int:
    return template.steps[0].threshold_fen if template.steps else template.threshold_fen


def _amount_off_fen(template: Template, reached_fen: int) -> int:
    if template.amount_off_fen is not None:
        return template.amount_off_fen
    return next(step.amount_off_fen for step in reversed(template.steps) if step.threshold_fen <= reached_fen)
