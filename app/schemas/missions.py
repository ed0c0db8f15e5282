"""Missions on the wire: how far a member is, and the badges earned."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.domain.calendar import local_date, midnight
from app.domain.instants import rfc3339
from app.domain.mission_document import write_reward
from app.domain.mission_terms import Mission
from app.domain.program import Program
from app.queries.missions import MissionsRow
from app.schemas.common import Answer
from app.schemas.parts import Moment, shown


class Reward(Answer):
    """What completing a mission gives; what it does not give is null."""

    points: int | None = Field(examples=[50])
    growth: int | None = Field(description="Growth value.", examples=[None])
    chances: int | None = Field(description="Of the lottery.", examples=[None])
    coupon: str | None = Field(description="A coupon of this template.", examples=[None])


class MissionStanding(Answer):
    """A mission in the period that today lies in."""

    mission: str = Field(examples=["three-orders"])
    name: str = Field(examples=["本月三单"])
    name_en: str | None = Field(examples=["Three orders this month"])
    counts: Literal["orders", "amount", "sign_ins", "activities", "referrals"]
    kind: str | None = Field(description="The kind of activities that count; null: all.", examples=[None])
    period: str = Field(
        description="`ever`, a day, an ISO week (`2026-W10`), a month (`2026-03`), or `joining`: the first days of a "
        "member.",
        examples=["2026-03"],
    )
    ends_at: Moment | None = Field(description="When the period ends; null: never.")
    progress: int = Field(description="What counted so far; of amounts in the minor unit.", examples=[2])
    at_least: int = Field(description="What completes it.", examples=[3])
    completed_at: Moment | None = Field(description="When it was completed in this period.")
    reward: Reward
    badge: str | None = Field(description="What it earns besides.", examples=["regular"])


class Badge(Answer):
    """A badge that the member earned."""

    badge: str = Field(examples=["regular"])
    mission: str = Field(examples=["three-orders"])
    period: str = Field(examples=["2026-02"])
    earned_at: Moment


_REWARD = {"points": 50, "growth": None, "chances": None, "coupon": None}


class MemberMissions(Answer):
    """The missions of the program in force, and the badges earned."""

    model_config = shown(
        {
            "data": [
                {
                    "mission": "three-orders",
                    "name": "本月三单",
                    "name_en": "Three orders this month",
                    "counts": "orders",
                    "kind": None,
                    "period": "2026-03",
                    "ends_at": "2026-03-31T16:00:00Z",
                    "progress": 2,
                    "at_least": 3,
                    "completed_at": None,
                    "reward": _REWARD,
                    "badge": "regular",
                }
            ],
            "badges": [
                {
                    "badge": "regular",
                    "mission": "three-orders",
                    "period": "2026-02",
                    "earned_at": "2026-02-27T09:12:00Z",
                }
            ],
        }
    )

    data: list[MissionStanding] = Field(
        description="Those whose period is not over, in the order of the program."
    )
    badges: list[Badge] = Field(description="The newest 200, newest first.")


def missions_of(row: MissionsRow, *, now: datetime, program: Program) -> dict[str, Any]:
    """The missions in `MemberMissions`' shape."""
    today = local_date(now, program.timezone)
    joined = local_date(row.joined_at, program.timezone)
    rows = {(each.mission, each.period): each for each in row.progress}
    data: list[dict[str, Any]] = []
    for mission in program.missions:
        period = mission.period.name(today, joined=joined)
        if period is None:
            continue
        ends = mission.period.ends(today, joined=joined)
        own = rows.get((mission.mission, period))
        data.append(
            {
                **_told(mission),
                "period": period,
                "ends_at": None if ends is None else rfc3339(midnight(ends, program.timezone)),
                "progress": 0 if own is None else own.progress,
                "completed_at": None if own is None else rfc3339(own.completed_at),
            }
        )
    badges = [
        {
            "badge": each.badge,
            "mission": each.mission,
            "period": each.period,
            "earned_at": rfc3339(each.completed_at),
        }
        for each in row.badges
    ]
    return {"data": data, "badges": badges}


def _told(mission: Mission) -> dict[str, Any]:
    reward = dict.fromkeys(("points", "growth", "chances", "coupon")) | write_reward(mission.reward)
    return {
        "mission": mission.mission,
        "name": mission.name,
        "name_en": mission.name_en,
        "counts": mission.counts,
        "kind": mission.activity,
        "at_least": mission.at_least,
        "reward": reward,
        "badge": mission.badge,
    }
