"""Missions: so much of something within a period earns a reward and a badge. Program data, as all terms.

A period is whole days of the program's zone, and has a name: `ever`, `2026-11-23`, `2026-W48`, `2026-11`, `joining`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

Counts = Literal["orders", "amount", "sign_ins", "activities", "referrals"]
PeriodKind = Literal["ever", "day", "week", "month", "joining"]


class MissionPeriod(NamedTuple):
    """Over which days a mission counts: those of one day, ISO week or month, or the first `days` after joining."""

    kind: PeriodKind
    days: int = 0

    def name(self, day: date, *, joined: date) -> str | None:
        """The period that a day lies in, for a member who joined then; None if in none."""
        match self.kind:
            case "day":
                return day.isoformat()
            case "week":
                year, week, _ = day.isocalendar()
                return f"{year}-W{week:02}"
            case "month":
                return day.isoformat()[:7]
            case "joining":
                return "joining" if joined <= day <= joined + timedelta(days=self.days) else None
            case _:  # ever
                return "ever"

    def ends(self, day: date, *, joined: date) -> date | None:
        """The day after the period that a day lies in; None: it never ends."""
        match self.kind:
            case "day":
                return day + timedelta(days=1)
            case "week":
                return day + timedelta(days=8 - day.isoweekday())
            case "month":
                return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
            case "joining":
                return joined + timedelta(days=self.days + 1)
            case _:  # ever
                return None


class MissionReward(NamedTuple):
    """What completing a mission gives."""

    points: int = 0
    growth: int = 0
    chances: int = 0
    coupon: str | None = None  # a template


@dataclass(frozen=True, slots=True)
class Mission:
    """`at_least` of what it `counts`: pieces, or the minor unit where it counts the amount of orders."""

    mission: str
    name: str
    name_en: str | None
    counts: Counts
    activity: str | None  # the kind of activities counted; None: every kind
    at_least: int
    period: MissionPeriod
    reward: MissionReward
    badge: str | None
