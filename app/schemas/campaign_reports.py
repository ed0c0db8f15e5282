"""What a campaign changed, on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from app.domain.instants import rfc3339
from app.domain.lift import CONFIDENCE, Difference, Group, lift
from app.queries.campaign_reports import Report
from app.schemas.common import Answer
from app.schemas.parts import Moment, shown

_DIGITS = 6

_TREATED: dict[str, Any] = {
    "members": 9012,
    "buyers": 2103,
    "repeat_buyers": 614,
    "orders": 3077,
    "amount": 97431902,
    "amount_per_member": 10811,
    "orders_per_member": 0.341434,
    "buyer_rate": 0.233356,
    "repurchase_rate": 0.068131,
}
_CONTROL: dict[str, Any] = {
    "members": 988,
    "buyers": 187,
    "repeat_buyers": 41,
    "orders": 241,
    "amount": 7930110,
    "amount_per_member": 8026,
    "orders_per_member": 0.243927,
    "buyer_rate": 0.189271,
    "repurchase_rate": 0.041498,
}


class ReportedGroup(Answer):
    """One group, and what its members bought in the campaign's time."""

    members: int = Field(description="Members of the audience as it is now.", examples=[9012])
    buyers: int = Field(description="Those with an order.", examples=[2103])
    repeat_buyers: int = Field(description="Those with two orders or more.", examples=[614])
    orders: int = Field(examples=[3077])
    amount: int = Field(
        description="What is left of them after refunds, in the minor unit.", examples=[97431902]
    )
    amount_per_member: int | None = Field(description="Rounded to the minor unit.", examples=[10811])
    orders_per_member: float | None = Field(examples=[0.341434])
    buyer_rate: float | None = Field(description="Buyers of all members, 0 to 1.", examples=[0.233356])
    repurchase_rate: float | None = Field(
        description="Repeat buyers of all members, 0 to 1: of all, so that who first buys because of the campaign does "
        "not lower it.",
        examples=[0.068131],
    )


class AmountLift(Answer):
    """How much more a treated member spent, in the minor unit."""

    difference: int = Field(examples=[2785])
    low: int = Field(description="The true difference lies from here ...", examples=[1190])
    high: int = Field(description="... to here, with the confidence told.", examples=[4380])


class RateLift(Answer):
    """How much larger a share of the treated is, as a difference of two shares."""

    difference: float = Field(examples=[0.044085])
    low: float = Field(examples=[0.017511])
    high: float = Field(examples=[0.068843])


class Lift(Answer):
    """Treated less control; each null where a group is too small to tell."""

    confidence: float = Field(examples=[CONFIDENCE])
    amount_per_member: AmountLift | None = Field(description="By Welch's interval.")
    buyer_rate: RateLift | None = Field(description="By Newcombe's hybrid score interval.")
    repurchase_rate: RateLift | None = Field(description="By Newcombe's hybrid score interval.")


class CampaignReport(Answer):
    """A campaign's audience from its start until its end, or so far: those it treated against those it held out."""

    model_config = shown(
        {
            "campaign": "member-day",
            "version": 2,
            "from": "2026-03-01T00:00:00Z",
            "until": "2026-04-01T00:00:00Z",
            "holdout_percent": 10,
            "treated": _TREATED,
            "control": _CONTROL,
            "lift": {
                "confidence": 0.95,
                "amount_per_member": {"difference": 2785, "low": 1190, "high": 4380},
                "buyer_rate": {"difference": 0.044085, "low": 0.017511, "high": 0.068843},
                "repurchase_rate": {"difference": 0.026633, "low": 0.011801, "high": 0.038702},
            },
            "unanswered": 0,
        }
    )

    campaign: str
    version: int
    from_: Moment = Field(alias="from")
    until: Moment
    holdout_percent: int = Field(description="The share of the audience that is held out; 0: nobody.")
    treated: ReportedGroup
    control: ReportedGroup = Field(description="The members held out, who got nothing.")
    lift: Lift
    unanswered: int = Field(
        description="Members for whom the audience's condition could not be evaluated: they are in neither group."
    )


def report_answer(report: Report) -> dict[str, Any]:
    """The report in `CampaignReport`'s shape."""
    treated, control, unanswered = report.groups
    found = lift(treated, control)
    return {
        "campaign": report.campaign.campaign,
        "version": report.campaign.version,
        "from": rfc3339(report.since),
        "until": rfc3339(report.until),
        "holdout_percent": report.campaign.holdout_percent,
        "treated": _group(treated),
        "control": _group(control),
        "lift": {
            "confidence": CONFIDENCE,
            "amount_per_member": _difference(found.amount_per_member_fen, digits=None),
            "buyer_rate": _difference(found.buyer_rate, digits=_DIGITS),
            "repurchase_rate": _difference(found.repurchase_rate, digits=_DIGITS),
        },
        "unanswered": unanswered,
    }


def _group(group: Group) -> dict[str, Any]:
    def share(figure: int, digits: int | None = _DIGITS) -> float | None:
        return round(figure / group.members, digits) if group.members else None

    return {
        "members": group.members,
        "buyers": group.buyers,
        "repeat_buyers": group.repeat_buyers,
        "orders": group.orders,
        "amount": group.amount_fen,
        "amount_per_member": share(group.amount_fen, None),
        "orders_per_member": share(group.orders),
        "buyer_rate": share(group.buyers),
        "repurchase_rate": share(group.repeat_buyers),
    }


def _difference(found: Difference | None, *, digits: int | None) -> dict[str, float] | None:
    if found is None:
        return None
    return {name: round(value, digits) for name, value in found._asdict().items()}
