"""What a batch turned out to need besides what its commands name: kept from one try to the next."""

from __future__ import annotations

from typing import NamedTuple

from app.domain.command import Command
from app.domain.shelf import NeedsMore


class Needs(NamedTuple):
    """Everything that `NeedsMore` asked for so far."""

    counters: frozenset[str] = frozenset()
    budgets: frozenset[str] = frozenset()
    all_lots_of: frozenset[str] = frozenset()
    template_coupons: frozenset[tuple[str, str]] = frozenset()
    coupons: frozenset[tuple[str, str]] = frozenset()
    commands: frozenset[Command] = frozenset()
    periods: frozenset[tuple[str, str]] = frozenset()
    gifts_of: frozenset[str] = frozenset()

    def with_more(self, more: NeedsMore) -> Needs:
        return Needs(
            self.counters | more.counters,
            self.budgets | more.budgets,
            self.all_lots_of | more.all_lots_of,
            self.template_coupons | more.template_coupons,
            self.coupons | more.coupons,
            self.commands | more.commands,
            self.periods | more.periods,
            self.gifts_of | more.gifts_of,
        )


class Again(Exception):
    """Some decisions of a batch need more than was loaded: all of it is to be decided again, with that."""

    def __init__(self, needs: Needs) -> None:
        super().__init__()
        self.needs = needs
