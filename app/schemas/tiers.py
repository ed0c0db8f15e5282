"""Tiers and their reviews on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from app.domain.account import Review as ReviewRow
from app.domain.commands import DecideReview, SetTier
from app.domain.instants import rfc3339
from app.domain.program import Program
from app.domain.standing import standing_of
from app.domain.terms import Tier
from app.domain.tiers import Standing, progress, qualified, window_start
from app.queries.reviews import ReviewName
from app.queries.tiers import StandingRow
from app.schemas.common import Answer, Instant, Reason, Reference, Wire, text
from app.schemas.members import TierStanding
from app.schemas.parts import Moment, shown

Metric = Literal["spend", "orders", "points_earned", "growth"]

TierCode = Annotated[
    str, text(max_length=64), Field(description="A tier's code, as GET /v1/tiers has it.", examples=["gold"])
]
ReviewId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}~[1-9][0-9]{0,17}$"),
    Field(description="The review's id, as GET /v1/tier-reviews has it.", examples=["u-1001~42"]),
]
ReviewStatus = Literal["open", "approved", "rejected", "closed"]


# --- the ladder ------------------------------------------------------------------------------------------


class Benefit(Answer):
    """Something a tier grants. `discount_percent`, `free_shipping` and `coupon` (the `template`, how many if more than
    one, and whether they come on `entry`, each `month` or in the month of the `birthday`) are acted on here; what else
    it holds are figures for other systems.
    """

    model_config = ConfigDict(extra="allow")

    code: str = Field(examples=["discount"])
    label: str = Field(examples=["会员折扣 2%"])


class LadderTier(Answer):
    """One step of the ladder."""

    code: str = Field(examples=["gold"])
    name: str = Field(examples=["黄金会员"])
    rank: int = Field(description="0 is the lowest.", examples=[2])
    thresholds: dict[Metric, int] = Field(
        description="What reaches it, by metric; reaching it exactly is enough. Spend in the minor unit.",
        examples=[{"spend": 300_000}],
    )
    rate: str = Field(description="Multiplies what purchases earn: a decimal.", examples=["1.2"])
    requires_review: bool = Field(description="Whether a person approves it first.")
    benefits: list[Benefit]


class Window(Answer):
    """Over which time what qualifies is counted."""

    kind: Literal["lifetime", "rolling_months", "calendar_year"]
    months: int | None = Field(None, description="With `rolling_months`: how many.")


class Qualification(Answer):
    """What counts, whether one of it or all must be reached, and over which time."""

    metrics: list[Metric] = Field(examples=[["spend"]])
    combine: Literal["any", "all"]
    window: Window


class Ladder(Answer):
    """The tiers from the lowest up, and how they are won and kept."""

    model_config = shown(
        {
            "program_version": 1,
            "qualification": {
                "metrics": ["spend"],
                "combine": "any",
                "window": {"kind": "lifetime", "months": None},
            },
            "validity_months": None,
            "grace_days": 0,
            "warn_days": 0,
            "tiers": [
                {
                    "code": "silver",
                    "name": "白银会员",
                    "rank": 1,
                    "thresholds": {"spend": 30000},
                    "rate": "1",
                    "requires_review": False,
                    "benefits": [{"code": "discount", "label": "会员折扣 2%", "discount_percent": 2}],
                }
            ],
        }
    )

    program_version: int
    qualification: Qualification
    validity_months: int | None = Field(
        description="How long a tier holds once won; null: for good.", examples=[None]
    )
    grace_days: int = Field(description="How long a tier is left after its period ended undeserved.")
    warn_days: int = Field(description="How long before its end a member is warned; 0: never.")
    tiers: list[LadderTier]


def ladder_of(program: Program) -> dict[str, Any]:
    """The program's ladder in `Ladder`'s shape."""
    document: Mapping[str, Any] = program.to_document()["tiers"]
    return {
        "program_version": program.version,
        "qualification": document["qualification"],
        **{name: document[name] for name in ("validity_months", "grace_days", "warn_days")},
        "tiers": [{**tier, "rank": rank} for rank, tier in enumerate(document["ladder"])],
    }


# --- where a member stands -------------------------------------------------------------------------------


class Gathered(Answer):
    """What the member has gathered over the window."""

    spend: int = Field(description="In the minor unit.", examples=[68500])
    orders: int = Field(examples=[3])
    points_earned: int = Field(examples=[685])
    growth: int = Field(examples=[700])


class Upcoming(Answer):
    """The next tier and what is missing."""

    code: str = Field(examples=["gold"])
    name: str = Field(examples=["黄金会员"])
    amount_to_go: int | None = Field(
        description="Still to be spent, in the minor unit; null where spend doesn't count.",
        examples=[231500],
    )
    missing: dict[Metric, int] = Field(
        description="What is still to go for each metric; 0: reached.", examples=[{"spend": 231500}]
    )
    combine: Literal["any", "all"] = Field(description="Whether one of them must be reached, or all.")
    requires_review: bool = Field(description="Whether a person approves it, once it is reached.")


class SetByHand(Answer):
    """Who set the tier, and why."""

    reference: str
    actor: str
    reason: str
    set_at: datetime


Why = Literal["lowest", "earned", "approved", "kept", "grace", "set_by_hand"]


class MemberTier(Answer):
    """Where a member stands, why, and what is missing."""

    model_config = shown(
        {
            "member_id": "u-1001",
            "code": "silver",
            "name": "白银会员",
            "since": "2026-03-01T04:00:00Z",
            "valid_until": None,
            "state": "held",
            "why": "earned",
            "set_by_hand": None,
            "gathered": {"spend": 68500, "orders": 3, "points_earned": 685, "growth": 700},
            "counts_since": None,
            "qualifies_for": "silver",
            "next": {
                "code": "gold",
                "name": "黄金会员",
                "amount_to_go": 231500,
                "missing": {"spend": 231500},
                "combine": "any",
                "requires_review": False,
            },
            "approved": None,
            "open_review": None,
        }
    )

    member_id: str
    code: str
    name: str
    since: datetime
    valid_until: datetime | None = Field(description="When its period ends; null: never.")
    state: Literal["held", "warned", "grace", "manual"] = Field(
        description="`warned` when its period ends soon, `grace` when it has ended, `manual` when a person "
        "set it."
    )
    why: Why = Field(
        description="Why it is this one: `lowest` everybody has; `earned` by what was gathered; `approved` "
        "by a person's review; `kept` for its period although less is gathered now; in `grace` after that; "
        "`set_by_hand`."
    )
    set_by_hand: SetByHand | None
    gathered: Gathered
    counts_since: datetime | None = Field(
        description="From when on what is gathered counts; null: all of it ever."
    )
    qualifies_for: str = Field(description="The highest tier that is reached, reviews aside.")
    next: Upcoming | None = Field(description="Null on the highest tier.")
    approved: str | None = Field(description="The highest tier a person approved.")
    open_review: str | None = Field(description="The id of the review that waits for a person.")


def member_tier(
    row: StandingRow, *, now: datetime, programs: Mapping[int, Program], program: Program
) -> dict[str, Any]:
    """The standing in `MemberTier`'s shape."""
    account = row.account
    tier = program.tier(account.tier)
    standing = standing_of(account, row.lots, at=now, programs=programs, program=program)
    ahead = progress(standing, current=tier.code, program=program)
    by_hand = row.set_by_hand
    return {
        "member_id": account.member_id,
        "code": tier.code,
        "name": tier.name,
        "since": account.tier_since,
        "valid_until": account.tier_valid_until,
        "state": account.tier_state,
        "why": _why(tier, account.tier_state, standing, program),
        "set_by_hand": None if by_hand is None else by_hand._asdict(),
        "gathered": {
            "spend": standing.spend_fen,
            "orders": standing.orders,
            "points_earned": standing.points_earned,
            "growth": standing.growth,
        },
        "counts_since": window_start(now, program),
        "qualifies_for": qualified(standing, program).code,
        "next": None
        if ahead is None
        else {
            "code": ahead.next.code,
            "name": ahead.next.name,
            "amount_to_go": ahead.amount_to_go_fen,
            "missing": ahead.missing,
            "combine": program.tiers.qualification.combine,
            "requires_review": ahead.next.requires_review,
        },
        "approved": account.approved_tier,
        "open_review": None if account.review is None else f"{account.member_id}~{account.review}",
    }


def _why(tier: Tier, state: str, standing: Standing, program: Program) -> Why:
    if state == "manual":
        return "set_by_hand"
    if state == "grace":
        return "grace"
    if tier.rank == 0:
        return "lowest"
    if qualified(standing, program).rank < tier.rank:
        return "kept"
    return "approved" if tier.requires_review else "earned"


class EvaluationRequest(Wire):
    """Looking again takes no fields: the body may be left out."""


class Evaluated(TierStanding):
    """The tier after looking again."""

    model_config = shown(
        {
            "member_id": "u-1001",
            "code": "silver",
            "name": "白银会员",
            "since": "2026-03-01T04:00:00Z",
            "valid_until": None,
            "next": {"code": "gold", "amount_to_go": 231500},
        }
    )

    member_id: str


class AllEvaluated(Answer):
    """How many members something was due on."""

    model_config = shown({"members": 12})

    members: int


class SetTierRequest(Wire):
    """A tier a person gives."""

    model_config = shown(
        {
            "tier": "gold",
            "reason": "partner of the shop",
            "until": "2027-01-01T00:00:00+08:00",
            "reference": "t-1",
        }
    )

    tier: TierCode
    reason: Reason
    until: Instant | None = Field(
        None, description="Until then nothing moves it; absent: until it is set again."
    )
    reference: Reference

    def to_command(self, member_id: str) -> SetTier:
        """What is asked of the ledger."""
        return SetTier(
            member_id=member_id,
            reference=self.reference,
            tier=self.tier,
            reason=self.reason,
            until=self.until,
        )


class TierSet(Answer):
    """A tier that a person gave."""

    model_config = shown(
        {
            "member_id": "u-1001",
            "reference": "t-1",
            "from": "silver",
            "to": "gold",
            "until": "2026-12-31T16:00:00Z",
            "reason": "partner of the shop",
            "actor": "key:Kq3nV0sYb8Zd",
            "set_at": "2026-03-05T02:00:00Z",
        }
    )

    member_id: str
    reference: str
    from_tier: str = Field(alias="from")
    to_tier: str = Field(alias="to")
    until: Moment | None
    reason: str
    actor: str
    set_at: Moment


# --- reviews ---------------------------------------------------------------------------------------------


class ApprovalRequest(Wire):
    """Why it is approved; the body may be left out."""

    model_config = shown({"reason": "known to the store for years"})

    reason: Reason | None = None

    def to_command(self, name: ReviewName) -> DecideReview:
        """What is asked of the ledger."""
        return DecideReview(member_id=name.member_id, review=name.sequence, approve=True, reason=self.reason)


class RejectionRequest(Wire):
    """Why it is rejected: the member may ask."""

    model_config = shown({"reason": "bought for resale"})

    reason: Reason

    def to_command(self, name: ReviewName) -> DecideReview:
        """What is asked of the ledger."""
        return DecideReview(member_id=name.member_id, review=name.sequence, approve=False, reason=self.reason)


class Review(Answer):
    """A tier that waits, or waited, for a person."""

    model_config = shown(
        {
            "id": "u-1001~42",
            "member_id": "u-1001",
            "from": "platinum",
            "to": "diamond",
            "opened_at": "2026-03-05T02:00:00Z",
            "status": "open",
            "decided_at": None,
            "actor": None,
            "reason": None,
        }
    )

    id: str
    member_id: str
    from_tier: str = Field(alias="from", description="The tier held when it was opened.")
    to_tier: str = Field(alias="to", description="The tier that was reached.")
    opened_at: Moment
    status: ReviewStatus = Field(
        description="`closed` when the member fell below the tier, reached a higher one, or was erased."
    )
    decided_at: Moment | None
    actor: str | None = Field(description="Who decided.")
    reason: str | None


def review_of(row: ReviewRow) -> dict[str, Any]:
    """The review in `Review`'s shape."""
    return {
        "id": f"{row.member_id}~{row.sequence}",
        "member_id": row.member_id,
        "from": row.from_tier,
        "to": row.to_tier,
        "opened_at": rfc3339(row.opened_at),
        "status": row.status,
        "decided_at": rfc3339(row.decided_at),
        "actor": row.actor,
        "reason": row.reason,
    }


def review_name(review_id: str) -> ReviewName:
    """What a `ReviewId` names."""
    member_id, _, sequence = review_id.partition("~")
    return ReviewName(member_id, int(sequence))
