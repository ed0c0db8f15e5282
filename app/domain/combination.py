"""Which coupons go together, and which together save most (RULES.md, Coupons: best combination).

The best saves most, off goods and shipping; of equals the one with more gifts, then the one that uses fewer coupons,
then the one whose coupons run out sooner, then in code order. A coupon without effect beside the others is
not used. Up to `EXACT_UP_TO` candidates every combination is looked at, but for those a bound rules out; beyond
it is the best found from a good start by exchanging one for another.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from math import prod
from typing import NamedTuple

from app.domain.coupon_templates import Template
from app.domain.lots import NEVER
from app.domain.pricing import AMOUNTS, SHIPPING, Basket, Candidate, Priced, effect, price, reduce

EXACT_UP_TO = 10
_TRIES = 300  # prices asked for where there are more candidates
_TRIED_LINES = 1_500_000  # lines times candidates of all tries: long carts and many coupons take no seconds

Rank = tuple[int, int, int, tuple[datetime, ...], tuple[str, ...]]
"""Sorts combinations, the best first."""


class Best(NamedTuple):
    chosen: tuple[Candidate, ...]
    is_exact: bool


def stacks(one: Template, other: Template) -> bool:
    """Whether the two may be used on one order: both must agree."""
    if one.group is not None and one.group == other.group:
        return False
    said = {one.stacks_with, other.stacks_with}
    return "none" not in said and (one.kind != other.kind or said == {"all"})


def rank(saved_fen: int, chosen: Iterable[Candidate]) -> Rank:
    chosen = tuple(chosen)
    coupons = [each for each in chosen if each.code is not None]
    return (
        -saved_fen,
        -sum(each.template.kind == "gift" for each in chosen),
        len(coupons),
        tuple(sorted(each.valid_until or NEVER for each in coupons)),
        tuple(sorted(each.name for each in chosen)),
    )


def best(basket: Basket, fitting: Sequence[tuple[Candidate, int]]) -> Best:
    """The best of the candidates that fit alone, each with what it saves then."""
    fitting = sorted(_without_twins(fitting), key=lambda each: each[0].place)
    if len(fitting) <= EXACT_UP_TO:
        return Best(_Search(basket, fitting).best(), is_exact=True)
    return Best(_improved(basket, fitting), is_exact=False)


def join(basket: Basket, chosen: Sequence[Candidate], automatic: Sequence[Candidate]) -> Priced:
    """Price the chosen ones, and with them the automatic ones that stack: each time the one that adds most.

    One joins only where all before it keep their effect, and where it saves or gives something.
    """
    priced = price(basket, chosen)
    together = [taken.candidate for taken in priced.taken]
    failed = priced.failed
    waiting = sorted(automatic, key=lambda each: each.template.template)
    while waiting:
        waiting = [each for each in waiting if all(stacks(each.template, one.template) for one in together)]
        found: tuple[Rank, Priced, Candidate] | None = None
        for each in waiting:
            trial = price(basket, (*together, each))
            trial_rank = rank(trial.saved_fen, (*together, each))
            if not trial.failed and (found is None or trial_rank < found[0]):
                found = trial_rank, trial, each
        if found is None or found[0][:2] >= rank(priced.saved_fen, together)[:2]:
            break
        _, priced, joined = found
        together.append(joined)
        waiting.remove(joined)
    return priced._replace(failed=failed)


def _applied(priced: Priced) -> Iterator[Candidate]:
    return (taken.candidate for taken in priced.taken)


def _without_twins(fitting: Sequence[tuple[Candidate, int]]) -> list[tuple[Candidate, int]]:
    """Of the coupons of one template that can't be used together, the one to be used first."""
    kept: list[tuple[Candidate, int]] = []
    seen: set[str] = set()
    for each, saved_fen in sorted(fitting, key=lambda each: (each[0].valid_until or NEVER, each[0].name)):
        template = each.template
        if not stacks(template, template):
            if template.template in seen:
                continue
            seen.add(template.template)
        kept.append((each, saved_fen))
    return kept


class _Search:
    """Every combination, depth first in the order candidates apply, so that each prefix is priced once."""

    def __init__(self, basket: Basket, fitting: Sequence[tuple[Candidate, int]]) -> None:
        self.basket = basket
        self.candidates = [each for each, _ in fitting]
        self.clashes = [
            sum(
                1 << place
                for place, one in enumerate(self.candidates)
                if not stacks(each.template, one.template)
            )
            for each in self.candidates
        ]
        rests = [fitting[start:] for start in range(len(fitting) + 1)]
        # What those from here on save at most: beside others a coupon never saves more than alone.
        self.most_fen = [sum(fen for _, fen in rest) for rest in rests]
        self.amounts_fen = [sum(fen for each, fen in rest if each.step == AMOUNTS) for rest in rests]
        self.shippings_fen = [sum(fen for each, fen in rest if each.step == SHIPPING) for rest in rests]
        self.kept = [prod(100 - (each.template.percent_off or 0) for each, _ in rest) for rest in rests]
        self.goods_fen = sum(basket.lines_fen)
        self.found: list[Candidate] = []
        self.found_fen = 0
        self.found_rank = rank(0, ())

    def best(self) -> tuple[Candidate, ...]:
        fen = self.basket.lines_fen
        self._descend(0, fen, fen, self.basket.shipping_fen, 0, [], 0)
        return tuple(self.found)

    def _descend(
        self,
        place: int,
        base_fen: list[int],
        left_fen: list[int],
        shipping_fen: int,
        saved_fen: int,
        chosen: list[Candidate],
        barred: int,
    ) -> None:
        """Decide on the candidate at `place`, then on those after; `barred`: those that don't stack with the chosen."""
        if saved_fen + self._most_fen(place, saved_fen) < self.found_fen:
            return
        if place == len(self.candidates):
            found_rank = rank(saved_fen, chosen)
            if found_rank < self.found_rank:
                self.found, self.found_fen, self.found_rank = chosen, saved_fen, found_rank
            return
        candidate = self.candidates[place]
        if place and candidate.step != self.candidates[place - 1].step:
            base_fen = left_fen
        if not barred >> place & 1:
            taken = effect(candidate, self.basket, base_fen, left_fen, shipping_fen)
            if taken is not None:
                fen, places = taken
                after_fen = reduce(left_fen, fen, places)[0] if places else left_fen
                self._descend(
                    place + 1,
                    base_fen,
                    after_fen,
                    shipping_fen if places else shipping_fen - fen,
                    saved_fen + fen,
                    [*chosen, candidate],
                    barred | self.clashes[place],
                )
        self._descend(place + 1, base_fen, left_fen, shipping_fen, saved_fen, chosen, barred)

    def _most_fen(self, place: int, saved_fen: int) -> int:
        """A bound on what those from `place` on save: each what it saves alone, and of the goods no more than amounts
        take and percentages then do. Together these keep the product of what each keeps, whichever lines they count.
        """
        left_fen = max(0, self.goods_fen - saved_fen)
        kept_fen = max(0, left_fen - self.amounts_fen[place]) * self.kept[place]
        kept_fen //= 100 ** (len(self.candidates) - place)
        return min(self.most_fen[place], left_fen - kept_fen + self.shippings_fen[place])


def _improved(basket: Basket, fitting: Sequence[tuple[Candidate, int]]) -> tuple[Candidate, ...]:
    """Start with those that save most alone, as far as they stack; then add or exchange one while that helps."""
    strongest = [each for each, _ in sorted(fitting, key=lambda each: (-each[1], each[0].place))]
    chosen: tuple[Candidate, ...] = ()
    for each in strongest:
        if all(stacks(each.template, one.template) for one in chosen):
            chosen = (*chosen, each)
    chosen, found_rank = _tried(basket, chosen)
    neighbours = _neighbours(chosen, strongest)
    for _ in range(min(_TRIES, 1 + _TRIED_LINES // (len(fitting) * len(basket.lines_fen)))):
        trial = next(neighbours, None)
        if trial is None:
            break
        applied, trial_rank = _tried(basket, trial)
        if trial_rank < found_rank:
            chosen, found_rank = applied, trial_rank
            neighbours = _neighbours(chosen, strongest)
    return chosen


def _tried(basket: Basket, chosen: Iterable[Candidate]) -> tuple[tuple[Candidate, ...], Rank]:
    """Those that have an effect beside the others, and how good they are."""
    priced = price(basket, chosen)
    applied = tuple(_applied(priced))
    return applied, rank(priced.saved_fen, applied)


def _neighbours(
    chosen: tuple[Candidate, ...], candidates: Iterable[Candidate]
) -> Iterator[tuple[Candidate, ...]]:
    """Each combination with one more, in place of those it does not stack with; of one besides; or with one less."""
    for each in candidates:
        if each in chosen:
            continue
        beside = tuple(one for one in chosen if stacks(each.template, one.template))
        yield (*beside, each)
        for out in beside:
            yield (*(one for one in beside if one is not out), each)
    for out in chosen:
        yield tuple(one for one in chosen if one is not out)
