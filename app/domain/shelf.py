"""What the rules of coupons are handed: the templates, their counters, where codes lead, and what is not pure.

The engine locks counters and codes before the members. What a decision needs and was not locked it asks for with
`NeedsMore`; then all is decided again, with that.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.domain.account import Code, Counter, bucket_of
from app.domain.command import Command
from app.domain.coupon_templates import Template


class NeedsMore(Exception):
    """A decision needs more than was loaded: these counters, every share of these budgets, all lots of these members,
    what these commands, which follow from it, name, how far members are with the missions of these periods, or what
    campaigns gave these members for tiers.
    """

    def __init__(
        self,
        *,
        counters: frozenset[str] = frozenset(),
        budgets: frozenset[str] = frozenset(),
        all_lots_of: frozenset[str] = frozenset(),
        template_coupons: frozenset[tuple[str, str]] = frozenset(),
        coupons: frozenset[tuple[str, str]] = frozenset(),
        commands: frozenset[Command] = frozenset(),
        periods: frozenset[tuple[str, str]] = frozenset(),
        gifts_of: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__()
        self.counters = counters
        self.budgets = budgets
        self.all_lots_of = all_lots_of
        self.template_coupons = template_coupons
        self.coupons = coupons
        self.commands = commands
        self.periods = periods
        self.gifts_of = gifts_of


def _no_code() -> str:
    raise AssertionError("nothing hands out codes here")


def _matches_nobody(_condition: str, _facts: Mapping[str, Any]) -> bool:
    return False


class Shelf:
    """Templates by code; `counters` and `codes` as far as they are loaded, changed only by `put`.

    `new_code` makes an unguessable code; `matches` tells whether a condition (CEL) holds for these facts.
    """

    __slots__ = ("automatic", "codes", "counters", "matches", "new_code", "templates")

    def __init__(
        self,
        templates: Mapping[str, Template],
        *,
        counters: Mapping[str, Counter] | None = None,
        codes: Mapping[str, Code] | None = None,
        new_code: Callable[[], str] = _no_code,
        matches: Callable[[str, Mapping[str, Any]], bool] = _matches_nobody,
        automatic: Sequence[Template] | None = None,
    ) -> None:
        self.templates = templates
        self.automatic = (
            [template for template in templates.values() if template.automatic]
            if automatic is None
            else automatic
        )
        self.counters = dict(counters or {})
        self.codes = dict(codes or {})
        self.new_code = new_code
        self.matches = matches

    def counter(self, template: str) -> Counter:
        """The template's counter, locked. Raises NeedsMore where it is not."""
        counter = self.counters.get(template)
        if counter is None:
            raise NeedsMore(counters=frozenset({template}))
        return counter

    def put(self, counters: Sequence[Counter], codes: Sequence[Code]) -> None:
        """Take in what a decision changed."""
        for counter in counters:
            self.counters[counter.template] = counter
        for code in codes:
            self.codes[code.code] = code


class ReadingShelf(Shelf):
    """For what is brought about in memory only, where nothing is locked: a counter that is not loaded has room."""

    __slots__ = ()

    def counter(self, template: str) -> Counter:
        """The template's counter as it was read, or an empty one."""
        return self.counters.get(template) or Counter(bucket_of(template), template, 0, 0)


EMPTY_SHELF = Shelf({})
