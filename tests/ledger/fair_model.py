"""The model of the rules while three campaigns are live.

`half` gives half as much again on orders of 100 yuan or more, at most 700 points a member; `plus` 7 points and 3 growth
on every order; signing in counts twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any

from tests.ledger.model import Lot, Member

PER_MEMBER = 700
CAMPAIGNS: dict[str, dict[str, Any]] = {
    "half": {
        "effects": [{"kind": "multiply_points", "factor": "1.5"}],
        "condition": "order.amount >= 10000",
        "budget": {"per_member": PER_MEMBER, "points": 10**9},
        "priority": 1,
    },
    "plus": {"effects": [{"kind": "add_points", "points": 7}, {"kind": "add_growth", "growth": 3}]},
    "twice": {"effects": [{"kind": "multiply_points", "factor": "2"}], "trigger": "sign_in"},
}


@dataclass
class FairLot(Lot):
    """An order with what campaigns add to it; `cap` is what was left of the member's share of `half`."""

    is_half_more: bool = False
    cap: int | None = None

    def left(self) -> Fraction:
        """The part of the order that did not come back."""
        return Fraction(self.amount - self.refunded, self.amount) if self.amount else Fraction()

    def with_half(self) -> Fraction:
        base = Fraction((self.amount - self.refunded) * self.rate, 1_000)
        if not self.is_half_more:
            return base
        total = base * 3 / 2
        return total if self.cap is None else min(total, Fraction(floor(base) + self.cap))

    def worth(self) -> int:
        return floor(self.with_half() + 7 * self.left())

    def growth(self) -> int:
        return floor(3 * self.left())


@dataclass
class FairMember(Member):
    """What `half` gave, whatever came back of it; and orders as campaigns leave them."""

    given: int = field(default=0)

    def with_campaigns(self, lot: Lot) -> Lot:
        made = FairLot(**vars(lot))
        base = made.granted
        made.is_half_more = made.amount >= 10_000 and (self.given < PER_MEMBER)
        wanted = floor(made.with_half()) - base
        if wanted > PER_MEMBER - self.given:
            made.cap = PER_MEMBER - self.given
        self.given += floor(made.with_half()) - base
        made.granted = made.worth()
        return made

    def with_campaigns_of_the_day(self, points: int) -> int:
        return 2 * points

    def _settle(self, lot: Lot, now: Any) -> None:
        super()._settle(lot, now)
        assert isinstance(lot, FairLot)
        self.growth += lot.growth()

    def _take_back(self, lot: Lot, amount: int) -> None:
        assert isinstance(lot, FairLot)
        before = lot.growth()
        super()._take_back(lot, amount)
        if lot.settle_at is None:
            self.growth += lot.growth() - before
