"""Referrals on the wire: a member's code, and what came of those they brought."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field

from app.domain.account import Invitation as InvitationRow
from app.domain.instants import rfc3339
from app.domain.program import Program
from app.domain.referral_terms import ReferralTerms
from app.queries.referrals import ReferralRow
from app.schemas.common import Answer
from app.schemas.parts import Moment, shown

InvitationStatus = Literal["bound", "paid", "limited"]


class Invitations(Answer):
    """How many a member brought."""

    bound: int = Field(description="All of them.", examples=[3])
    paid: int = Field(description="Of those, whose first order was rewarded and stands.", examples=[2])
    this_month: int = Field(description="Paid in this month of the program's zone.", examples=[1])
    left_this_month: int = Field(description="How many more may be paid in it.", examples=[19])


class LadderStep(Answer):
    """What an invitation is worth to the inviter, from the n-th paid one on."""

    from_: int = Field(alias="from", examples=[1])
    inviter_points: int = Field(examples=[200])


class Share(Answer):
    """The share of what an invitee spends at first, in points for each whole unit of money."""

    percent: str = Field(examples=["1"])
    days: int = Field(description="Counted from the day they were brought.", examples=[90])


class ReferralOffer(Answer):
    """What bringing somebody is worth by the rules in force."""

    invitee_points: int = Field(description="To the one who is brought.", examples=[100])
    min_order: int = Field(
        description="Their first order of at least this much, in the minor unit, pays both once it settles.",
        examples=[5000],
    )
    per_month: int = Field(description="Invitations paid to one inviter in a month.", examples=[20])
    share: Share | None


class MemberReferral(Answer):
    """A member's code, who brought them, and what came of those they brought."""

    model_config = shown(
        {
            "member_id": "u-1001",
            "code": "7KQ3MX9D",
            "invited_by": "u-1000",
            "invitations": {"bound": 3, "paid": 2, "this_month": 1, "left_this_month": 19},
            "earned": 400,
            "ladder": [{"from": 1, "inviter_points": 200}, {"from": 11, "inviter_points": 300}],
            "offer": {"invitee_points": 100, "min_order": 5000, "per_month": 20, "share": None},
        }
    )

    member_id: str = Field(examples=["u-1001"])
    code: str | None = Field(
        description="What others name in `referred_by` when they join. Null of one who was erased without any.",
        examples=["7KQ3MX9D"],
    )
    invited_by: str | None = Field(description="Who brought this member.", examples=["u-1000"])
    invitations: Invitations
    earned: int = Field(description="Points for all of it, less what was undone.", examples=[400])
    ladder: list[LadderStep] = Field(description="Empty where the program pays for nothing of the kind.")
    offer: ReferralOffer | None = Field(description="Null where the program pays for nothing of the kind.")


class Invitation(Answer):
    """One member who was brought: nothing tells who it is."""

    model_config = shown(
        {
            "status": "paid",
            "bound_at": "2026-03-05T02:00:00Z",
            "paid_at": "2026-03-09T08:30:00Z",
            "points": 200,
            "share_at": None,
            "share_points": 0,
        }
    )

    status: InvitationStatus = Field(
        description="`bound` waits for the first order; `limited` was rewarded to the invitee alone, as so many were "
        "paid in that month, or the inviter could not earn."
    )
    bound_at: Moment = Field(description="When they were brought.")
    paid_at: Moment | None
    points: int = Field(description="For the first order.", examples=[200])
    share_at: Moment | None = Field(description="When the share of what they spend is paid.")
    share_points: int = Field(description="That share, once it is paid.", examples=[0])


def referral_of(member_id: str, row: ReferralRow, *, today: date, program: Program) -> dict[str, Any]:
    """The answer in `MemberReferral`'s shape; `today` is the program's day."""
    terms, referrer = program.referral, row.referrer
    this_month = 0
    if referrer is not None and referrer.month == today.replace(day=1):
        this_month = referrer.month_paid
    return {
        "member_id": member_id,
        "code": None if referrer is None else referrer.code,
        "invited_by": row.inviter,
        "invitations": {
            "bound": 0 if referrer is None else referrer.bound,
            "paid": 0 if referrer is None else referrer.paid,
            "this_month": this_month,
            "left_this_month": 0 if terms is None else max(terms.per_month - this_month, 0),
        },
        "earned": 0 if referrer is None else referrer.earned,
        "ladder": [] if terms is None else _ladder(terms),
        "offer": None if terms is None else _offer(terms),
    }


def _ladder(terms: ReferralTerms) -> list[dict[str, int]]:
    return [
        {"from": 1, "inviter_points": terms.inviter_points},
        *({"from": step.at, "inviter_points": step.inviter_points} for step in terms.ladder),
    ]


def _offer(terms: ReferralTerms) -> dict[str, Any]:
    share = terms.share
    return {
        "invitee_points": terms.invitee_points,
        "min_order": terms.min_order_fen,
        "per_month": terms.per_month,
        "share": None if share is None else {"percent": str(share.percent), "days": share.days},
    }


def invitation_of(row: InvitationRow) -> dict[str, Any]:
    """The answer in `Invitation`'s shape."""
    return {
        "status": row.status,
        "bound_at": rfc3339(row.bound_at),
        "paid_at": rfc3339(row.paid_at),
        "points": row.points,
        "share_at": rfc3339(row.share_at),
        "share_points": row.share_points,
    }
