"""What members do besides buying, on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from app.domain.activity_commands import RecordActivity, ReverseActivity
from app.domain.earning import told_parts
from app.domain.instants import rfc3339
from app.queries.activities import ActivityRow
from app.schemas.common import ID_PATTERN, Answer, Reference, Wire
from app.schemas.parts import Balance, Date, Moment, Part, TierAfter, shown

Kind = Annotated[
    str,
    Field(
        pattern=ID_PATTERN,
        description="What was done: one of the kinds of `activities` in the program in force.",
        examples=["review"],
    ),
]
Level = Annotated[
    str,
    Field(
        pattern=ID_PATTERN,
        description="Its quality: one of the levels of its kind; absent: what the kind itself is worth.",
        examples=["pictures"],
    ),
]
ActivityStatus = Literal["recorded", "reversed"]

_ACTIVITY: dict[str, Any] = {
    "reference": "review-88",
    "kind": "review",
    "level": "pictures",
    "status": "recorded",
    "points": 40,
    "growth": 20,
    "chances": 0,
    "breakdown": [{"rule": "activity:review", "label": "带图评价", "points": 40, "version": 1}],
}
_BALANCE = {"available": 455, "pending": 0, "reserved": 0, "debt": 0}
_TIER = {"code": "silver", "changed": False}


class ActivityRequest(Wire):
    """Something a member did."""

    model_config = shown({"reference": "review-88", "kind": "review", "level": "pictures"})

    reference: Reference
    kind: Kind
    level: Level | None = None

    def to_command(self, member_id: str) -> RecordActivity:
        """What is asked of the ledger."""
        return RecordActivity(
            member_id=member_id, reference=self.reference, activity=self.kind, level=self.level
        )


class ActivityReversalRequest(Wire):
    """Taking an activity back takes no fields: the body may be left out."""

    def to_command(self, member_id: str, reference: str) -> ReverseActivity:
        """What is asked of the ledger."""
        return ReverseActivity(member_id=member_id, reference=reference)


class _Activity(Answer):
    """What every answer tells of an activity."""

    reference: str = Field(examples=["review-88"])
    kind: str = Field(examples=["review"])
    level: str | None = Field(examples=["pictures"])


class Activity(_Activity):
    """What an activity gave."""

    model_config = shown(
        {**_ACTIVITY, "coupons": [], "debt_paid": 0, "balance": _BALANCE, "tier": _TIER},
    )

    status: Literal["recorded"]
    points: int = Field(description="The sum of the breakdown.", examples=[40])
    growth: int = Field(description="Growth value, with what campaigns added.", examples=[20])
    chances: int = Field(description="Chances of the lottery that campaigns gave.", examples=[0])
    coupons: list[str] = Field(description="The codes of coupons that campaigns gave.")
    breakdown: list[Part] = Field(description="Which rule gave how much.")
    debt_paid: int = Field(description="How many of the points paid a debt.", examples=[0])
    balance: Balance
    tier: TierAfter


class ReversedActivity(_Activity):
    """What was taken back of an activity that was taken down. Its coupons are void, unless they were used."""

    model_config = shown(
        {
            "reference": "review-88",
            "kind": "review",
            "level": "pictures",
            "status": "reversed",
            "points": 40,
            "recovered": 40,
            "shortfall": 0,
            "growth": 20,
            "chances": 0,
            "balance": {**_BALANCE, "available": 415},
            "tier": _TIER,
        }
    )

    status: Literal["reversed"]
    points: int = Field(description="How many points it had given.", examples=[40])
    recovered: int = Field(description="How many of them were there to take.", examples=[40])
    shortfall: int = Field(description="How many became a debt.", examples=[0])
    growth: int = Field(description="Growth value taken back.", examples=[20])
    chances: int = Field(description="Chances of the lottery taken back: those not used yet.", examples=[0])
    balance: Balance
    tier: TierAfter


class ActivityState(_Activity):
    """An activity as it stands."""

    model_config = shown(
        {**_ACTIVITY, "day": "2026-03-05", "recorded_at": "2026-03-05T02:00:00Z", "reversed_at": None}
    )

    status: ActivityStatus = Field(description="`reversed` once it was taken back.")
    points: int = Field(description="What it gave, taken back since or not.", examples=[40])
    growth: int = Field(examples=[20])
    chances: int = Field(examples=[0])
    breakdown: list[Part] = Field(description="Which rule gave how much.")
    day: Date = Field(description="The day in the program's time zone, for limits.")
    recorded_at: Moment
    reversed_at: Moment | None = Field(description="When it was taken back.")


def activity_state(row: ActivityRow) -> dict[str, Any]:
    """The activity in `ActivityState`'s shape."""
    activity, detail = row.activity, row.detail
    return {
        "reference": activity.reference,
        "kind": activity.kind,
        "level": activity.level,
        "status": activity.status,
        "points": detail["points"],
        "growth": detail.get("growth", 0),
        "chances": detail.get("chances", 0),
        "breakdown": told_parts(detail["breakdown"], version=activity.program_version),
        "day": activity.day.isoformat(),
        "recorded_at": rfc3339(row.recorded_at),
        "reversed_at": rfc3339(row.reversed_at),
    }
