"""What two runs of a backtest came to, beside each other: points, growth, cash, coupons, what they cost, who moved.

Amounts in the minor unit. Points are worth what they pay at checkout in the member's tier at the time, coupons what
they take off where that is one amount.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from app.domain.backtest import Granted, Placed, Run
from app.domain.calendar import local_date
from app.domain.coupon_templates import Template
from app.domain.program import Program

DAYS_TOLD_BY_DAY = 100
"""The series is by day up to here, by month beyond."""


class Period(NamedTuple):
    """From an instant until another: orders before it only bring members to where they stood."""

    since: datetime
    until: datetime


@dataclass(slots=True)
class CampaignFigures:
    """What one campaign gave in a run."""

    name: str
    members: set[str] = field(default_factory=set[str])
    times: int = 0
    amount_fen: int = 0
    points: int = 0
    growth: int = 0
    chances: int = 0
    coupons: int = 0
    failures: int = 0
    last_error: str | None = None

    def told(self, campaign: str) -> dict[str, Any]:
        return {
            "campaign": campaign,
            "name": self.name,
            "times": self.times,
            "members": len(self.members),
            "amount": self.amount_fen,
            "points": self.points,
            "growth": self.growth,
            "chances": self.chances,
            "coupons": self.coupons,
            "failures": {"count": self.failures, "last_error": self.last_error},
        }


class Figures:
    """The sums of one run over the period."""

    def __init__(self, names: Mapping[str, str], templates: Mapping[str, Template]) -> None:
        self.points = self.growth = self.cash_fen = self.coupons = self.chances = 0
        self.coupons_fen = self.unpriced_coupons = 0
        self.campaigns = {campaign: CampaignFigures(name) for campaign, name in names.items()}
        self._templates = templates
        self._paid: Counter[tuple[Program, str]] = Counter()

    def add(self, order: Placed, granted: Granted) -> None:
        self.points += granted.points
        self.growth += granted.growth
        self.cash_fen += granted.cash_fen
        self._paid[granted.program, granted.tier] += granted.points
        for tally in granted.tallies:
            figures = self.campaigns[tally.campaign]
            figures.members.add(order.buyer.member_id)
            figures.times += tally.times
            figures.amount_fen += tally.amount
            figures.points += tally.points
            figures.growth += tally.growth
            figures.chances += tally.chances
            figures.coupons += tally.coupons
            self.chances += tally.chances
        for failure in granted.failures:
            figures = self.campaigns[failure.campaign]
            figures.failures += 1
            figures.last_error = failure.error
        for coupon in granted.coupons:
            self.coupons += 1
            worth_fen = self._templates[coupon.template].amount_off_fen
            if worth_fen is None:
                self.unpriced_coupons += 1
            else:
                self.coupons_fen += worth_fen

    @property
    def worth_fen(self) -> int:
        """What the points are worth to those who got them."""
        return sum(
            program.paying.value_fen(points, tier=tier) for (program, tier), points in self._paid.items()
        )

    @property
    def cost_fen(self) -> int:
        return self.worth_fen + self.coupons_fen + self.cash_fen


class Day(NamedTuple):
    """One day of the series, or one month by its first day."""

    orders: int
    amount_fen: int
    baseline: int
    draft: int


class Comparison:
    """Both runs order by order: `place` each in the order of their time, then tell the `result`."""

    def __init__(
        self,
        baseline: Run,
        draft: Run,
        *,
        period: Period,
        names: tuple[Mapping[str, str], Mapping[str, str]],
        templates: Mapping[str, Template],
        ladder: Sequence[str],
    ) -> None:
        """`names` are those of the campaigns of each run, by their codes; `ladder` all tiers from the lowest up."""
        self.baseline, self.draft = Figures(names[0], templates), Figures(names[1], templates)
        self._runs = baseline, draft
        self._period = period
        self._rank = {tier: rank for rank, tier in enumerate(ladder)}
        self._buyers: set[str] = set()
        self._days: dict[date, Day] = {}
        self._is_by_day = (period.until - period.since).days <= DAYS_TOLD_BY_DAY
        self.orders = self.amount_fen = 0

    def place(self, order: Placed) -> tuple[Granted, Granted]:
        """Let the order happen in both runs; what it came to in each."""
        baseline, draft = (run.place(order) for run in self._runs)
        if order.at >= self._period.since:
            self.orders += 1
            self.amount_fen += order.amount_fen
            self._buyers.add(order.buyer.member_id)
            self.baseline.add(order, baseline)
            self.draft.add(order, draft)
            self._add_day(order, baseline, draft)
        return baseline, draft

    def _add_day(self, order: Placed, baseline: Granted, draft: Granted) -> None:
        day = local_date(order.at, baseline.program.timezone)
        if not self._is_by_day:
            day = day.replace(day=1)
        before = self._days.get(day, _NO_ORDERS)
        self._days[day] = Day(
            before.orders + 1,
            before.amount_fen + order.amount_fen,
            before.baseline + baseline.points,
            before.draft + draft.points,
        )

    def result(self) -> dict[str, Any]:
        """The figures as they are kept and answered."""
        before, after = self.baseline, self.draft
        return {
            "orders": self.orders,
            "amount": self.amount_fen,
            "members": len(self._buyers),
            "points": _both(before.points, after.points),
            "growth": _both(before.growth, after.growth),
            "chances": _both(before.chances, after.chances),
            "coupons": _both(before.coupons, after.coupons),
            "cost": {
                "points": _both(before.worth_fen, after.worth_fen),
                "cash": _both(before.cash_fen, after.cash_fen),
                "coupons": _both(before.coupons_fen, after.coupons_fen),
                "total": _both(before.cost_fen, after.cost_fen),
                "unpriced_coupons": _both(before.unpriced_coupons, after.unpriced_coupons),
            },
            "campaigns": {
                "baseline": [each.told(code) for code, each in sorted(before.campaigns.items())],
                "draft": [each.told(code) for code, each in sorted(after.campaigns.items())],
            },
            "tiers": self._tiers(),
            "series": {
                "by": "day" if self._is_by_day else "month",
                "data": [
                    {
                        "date": day.isoformat(),
                        "orders": told.orders,
                        "amount": told.amount_fen,
                        "baseline": told.baseline,
                        "draft": told.draft,
                    }
                    for day, told in sorted(self._days.items())
                ],
            },
        }

    def _tiers(self) -> dict[str, Any]:
        """How many members end in each tier in both runs, and who is in another; whoever bought by the end counts."""
        baseline, draft = self._runs
        moves = Counter(
            (member.account.tier, draft.members[member_id].account.tier)
            for member_id, member in baseline.members.items()
        )
        ends: dict[str, list[int]] = {}
        for (before, after), members in moves.items():
            ends.setdefault(before, [0, 0])[0] += members
            ends.setdefault(after, [0, 0])[1] += members
        return {
            "data": [
                {"tier": tier, "baseline": counts[0], "draft": counts[1]}
                for tier, counts in sorted(ends.items(), key=lambda each: self._rank[each[0]])
            ],
            "moves": [
                {"from": before, "to": after, "members": members}
                for (before, after), members in sorted(
                    moves.items(), key=lambda each: (self._rank[each[0][0]], self._rank[each[0][1]])
                )
                if before != after
            ],
        }


_NO_ORDERS = Day(0, 0, 0, 0)


def _both(baseline: int, draft: int) -> dict[str, int]:
    return {"baseline": baseline, "draft": draft, "difference": draft - baseline}
