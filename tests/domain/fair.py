"""A book in which campaigns are open: what they give is added up, and held to their budgets after every command."""

import json
from collections.abc import Callable, Iterable, Mapping
from operator import add
from typing import Any

from app.domain.account import SUMS_OF_CAMPAIGNS, Tally
from app.domain.campaign_choice import budgets_of
from app.domain.campaigns import Campaign, Effect, Facts, Trigger
from app.domain.command import Command
from app.domain.coupon_templates import Template
from app.domain.posting import Change, Context
from app.domain.program import Program
from app.domain.ratio import Ratio
from app.domain.roster import Asking, ConditionFailed, Failure, Roster
from tests.domain.book import Book
from tests.domain.programs import program

ONE_TIER: dict[str, Any] = {
    "ladder": [
        {
            "code": "bronze",
            "name": "b",
            "thresholds": {},
            "rate": "1",
            "requires_review": False,
            "benefits": [],
        }
    ]
}
PLAIN = program(tiers=ONE_TIER)
"""One tier, 1 point and 1 growth a yuan, 10 points a sign-in."""


def campaign(code: str, *effects: Effect, trigger: Trigger = "order", **more: Any) -> Campaign:
    return Campaign(campaign=code, name=f"the {code}", trigger=trigger, effects=effects, **more)


def times(factor: str, **more: Any) -> Effect:
    return Effect(kind="multiply_points", factor=Ratio.parse(factor), **more)


def points(amount: int) -> Effect:
    return Effect(kind="add_points", amount=amount)


def growth(amount: int) -> Effect:
    return Effect(kind="add_growth", amount=amount)


def chances(amount: int) -> Effect:
    return Effect(kind="add_chances", amount=amount)


def coupon(template: str, count: int = 1) -> Effect:
    return Effect(kind="issue_coupon", template=template, count=count)


class Fair(Book):
    """A book whose campaigns are open all the time, each asked about what it is triggered by.

    `says` answers conditions by their text; one that is not there can't be evaluated.
    """

    def __init__(
        self,
        *campaigns: Campaign,
        program: Program = PLAIN,
        members: Iterable[str] = ("m",),
        templates: Iterable[Template] = (),
        says: Mapping[str, Callable[[Facts], bool]] | None = None,
    ) -> None:
        self.campaigns = list(campaigns)
        self.left: dict[str, int] = {}
        self.says = dict(says or {})
        self.given: dict[tuple[str, str], Tally] = {}
        self._took_part: set[tuple[str, str]] = set()
        self.failures: list[Failure] = []
        super().__init__(program, *members, templates=templates)

    def context(self) -> Context:
        context = super().context()
        limits = {"points": "", "per_day": f"/{context.today.isoformat()}"}
        for each in self.campaigns:
            for limit, place in limits.items():
                if (most := getattr(each.budget, limit)) is not None:
                    self.left.setdefault(f"{each.campaign}{place}", most)
            assert set(budgets_of(each, context.today.isoformat())) <= self.left.keys()
        by_trigger: dict[Trigger, list[Campaign]] = {}
        for each in sorted(self.campaigns, key=lambda each: each.order_key):
            by_trigger.setdefault(each.trigger, []).append(each)
        numbers = {each.campaign: number for number, each in enumerate(self.campaigns, start=1)}
        roster = Roster(by_trigger, left=self.left, all_shares=self.left, ask=self._ask, numbers=numbers)
        roster.failures = self.failures
        return context._replace(campaigns=roster)

    def _ask(self, _trigger: Trigger, facts: Facts) -> Asking:
        def asked(expression: str) -> bool:
            if expression not in self.says:
                raise ConditionFailed("no such attribute")
            return self.says[expression](facts)

        return asked

    def _record(self, change: Change) -> None:
        super()._record(change)
        member_id = change.account.member_id
        for code, *sums in change.tallies:
            before = self.given.get((member_id, code), Tally(code))
            self.given[member_id, code] = Tally(code, *map(add, before[1:], sums))
        for code in change.newcomers:
            assert (member_id, code) not in self._took_part
            self._took_part.add((member_id, code))
        for budget, drawn in change.draws.items():
            assert drawn > 0
            self.left[budget] -= drawn
        self._check_campaigns(member_id)

    def _check_campaigns(self, member_id: str) -> None:
        """Budgets are kept, and what is counted of the campaigns is what the entries tell."""
        assert min(self.left.values(), default=0) >= 0
        for each in self.campaigns:
            of_all = [row for (_, code), row in self.given.items() if code == each.campaign]
            total = sum(row.points for row in of_all)
            if each.budget.points is not None:
                assert total == each.budget.points - self.left[each.campaign]
            if each.budget.per_member is not None:
                assert all(row.points <= each.budget.per_member for row in of_all)
        told: dict[str, list[int]] = {}
        by_breakdown: dict[str, int] = {}
        for entry in self.entries.get(member_id, []):
            detail = json.loads(entry.detail)
            for code, sums in detail.get("campaigns", {}).items():
                assert not sums or sums[-1], "nothing that is 0 is told at the end"
                told[code] = list(map(add, told.get(code, [0] * 8), [*sums, *[0] * 8]))
            if entry.kind != "settle":
                for code, _, part, *label in detail.get("breakdown", ()):
                    if label:
                        by_breakdown[code] = by_breakdown.get(code, 0) + part
        given = {code: row for (member, code), row in self.given.items() if member == member_id}
        assert told == {code: list(row[1:]) for code, row in given.items()}
        member = self.members[member_id]
        for number, each in enumerate(self.campaigns, start=1):
            row = given.get(each.campaign, Tally(each.campaign))
            took_part = row.times > 0
            assert (
                took_part
                == member.account.took_part_in(number)
                == ((member_id, each.campaign) in self._took_part)
            )
            if member.limited is None or each.campaign in member.limited:
                assert member.given.get(each.campaign, 0) == row.points
        assert by_breakdown == {code: sums[2] for code, sums in told.items() if sums[2]}

    def tally(self, campaign: str, member_id: str = "m") -> dict[str, int]:
        """What the campaign gave the member, figures of 0 left out."""
        row = self.given.get((member_id, campaign))
        figures = {} if row is None else {name: getattr(row, name) for name in SUMS_OF_CAMPAIGNS}
        return {name: figure for name, figure in figures.items() if figure}

    def parts(self, command: Command) -> list[tuple[str, int]]:
        """The breakdown of what the command is answered."""
        return [(part["rule"], part["points"]) for part in self.do(command)["breakdown"]]
