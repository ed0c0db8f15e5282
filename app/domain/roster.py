"""What rules are handed of campaigns: those open now, what is left of their budgets, and how conditions are asked.

The engine locks a process's own share of each budget before the members. What a decision needs and was not locked it
asks for with `NeedsMore`; then all is decided again, with that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from app.domain.boosts import Boost, boosts_of
from app.domain.campaigns import Campaign, Facts, Trigger
from app.domain.shelf import NeedsMore

Asking = Callable[[str], bool]
"""Whether a condition holds, for facts already given. Raises ConditionFailed."""


class ConditionFailed(Exception):
    """A condition could not be evaluated: a missing attribute, a division by zero. Its words tell why."""


class Failure(NamedTuple):
    """A campaign could not be decided on, or could not give what it says."""

    campaign: str
    error: str


def _asks_nobody(_trigger: Trigger, _facts: Facts) -> Asking:
    def ask(_condition: str) -> bool:
        raise AssertionError("nothing asks conditions here")

    return ask


NOT_NUMBERED: Mapping[str, int] = {}


class Roster:
    """The campaigns `open` now by trigger, each in the order they apply; `left` of each budget, changed by `draw`.

    `all_shares` names the budgets of which every share is locked: what they hold is all there is. By the `numbers` of
    all campaigns, open or not, accounts know who took part.
    """

    __slots__ = ("_all_shares", "_boosts", "_is_reading", "_left", "_open", "ask", "failures", "numbers")

    def __init__(
        self,
        open_now: Mapping[Trigger, Sequence[Campaign]],
        *,
        left: Mapping[str, int] | None = None,
        all_shares: Iterable[str] = (),
        ask: Callable[[Trigger, Facts], Asking] = _asks_nobody,
        is_reading: bool = False,
        numbers: Mapping[str, int] = NOT_NUMBERED,
    ) -> None:
        self._open = open_now
        self._boosts: dict[str, tuple[Boost, ...]] = {}
        self.numbers = numbers
        self._left = dict(left or {})
        self._all_shares = frozenset(all_shares)
        self._is_reading = is_reading
        self.ask = ask
        self.failures: list[Failure] = []

    def open(self, trigger: Trigger) -> Sequence[Campaign]:
        """The campaigns open now for this trigger, in the order they apply."""
        return self._open.get(trigger, ())

    def boosts(self, campaign: Campaign) -> tuple[Boost, ...]:
        """What one of them adds to an order, worked out once."""
        found = self._boosts.get(campaign.campaign)
        if found is None:
            found = self._boosts[campaign.campaign] = tuple(boosts_of(campaign))
        return found

    def find(self, trigger: Trigger, campaign: str) -> Campaign | None:
        """An open campaign by its code."""
        return next((each for each in self.open(trigger) if each.campaign == campaign), None)

    def left(self, budget: str, wanted: int) -> int:
        """How many of the points `wanted` the budget still has. Raises NeedsMore where another share may have more."""
        left = self._left.get(budget)
        if self._is_reading:  # nothing is locked and nothing is written: a budget not read has room
            return wanted if left is None else min(left, wanted)
        if (left is None or left < wanted) and budget not in self._all_shares:
            raise NeedsMore(budgets=frozenset({budget}))
        return min(left or 0, wanted)

    def draw(self, draws: Mapping[str, int]) -> None:
        """Take in what a decision drew from budgets."""
        for budget, points in draws.items():
            if budget in self._left:
                self._left[budget] -= points

    def reading(self) -> "Roster":
        """The same, for what is only told: nothing is locked for it, and nobody hears of its failures."""
        return Roster(self._open, left=self._left, ask=self.ask, is_reading=True, numbers=self.numbers)

    def failed(self, campaign: str, error: str) -> None:
        """Note that a campaign could not be decided on: it is told on the campaign, and pays nothing."""
        if not self._is_reading:
            self.failures.append(Failure(campaign, error))


NO_CAMPAIGNS = Roster({}, is_reading=True)
