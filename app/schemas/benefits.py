"""What holds for a member on the wire: benefits of the tier, and those that persons gave."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.domain.account import Account, BenefitGrant
from app.domain.benefit_commands import GrantBenefit, RevokeBenefit
from app.domain.benefits import Held, held
from app.domain.program import Program
from app.schemas.common import Answer, Attributes, Instant, Reason, Reference, Wire, text
from app.schemas.parts import Moment, shown

BenefitCode = Annotated[
    str,
    text(max_length=64),
    Field(description="What it is, for the systems that act on it.", examples=["free_shipping"]),
]
Label = Annotated[str, text(max_length=100), Field(description="In words.", examples=["包邮"])]

_GRANT: dict[str, Any] = {
    "reference": "b-2026-0001",
    "benefit": "free_shipping",
    "label": "包邮",
    "until": "2026-04-01T00:00:00+08:00",
    "terms": {"free_shipping": True},
    "reason": "late delivery of order o-9",
}
_GRANTED: dict[str, Any] = {
    "member_id": "u-1001",
    "reference": "b-2026-0001",
    "benefit": "free_shipping",
    "label": "包邮",
    "terms": {"free_shipping": True},
    "since": "2026-03-05T02:00:00Z",
    "until": "2026-03-31T16:00:00Z",
    "revoked_at": None,
    "reason": "late delivery of order o-9",
    "actor": "key:Kq3nV0sYb8Zd",
}


# --- given and taken back ----------------------------------------------------------------------------------


class BenefitRequest(Wire):
    """A benefit for a time, or for good."""

    model_config = shown(_GRANT)

    reference: Reference
    benefit: BenefitCode
    label: Label
    until: Instant | None = Field(None, description="When it ends by itself; absent: never.")
    terms: Attributes = Field(
        default_factory=dict,
        description="Figures for the systems that act on it. Two are acted on here: `discount_percent` (0 to 100) "
        "and `free_shipping` (true or false) count in prices as the tier's do, the largest discount of all.",
        examples=[{"free_shipping": True}],
    )
    reason: Reason = Field(
        description="Why, for the record: the ledger keeps it for good, so no personal data here.",
        examples=["late delivery of order o-9"],
    )

    def to_command(self, member_id: str) -> GrantBenefit:
        """What is asked of the ledger."""
        return GrantBenefit(
            member_id=member_id,
            reference=self.reference,
            benefit=self.benefit,
            label=self.label,
            terms=tuple(sorted(self.terms.items())),
            until=self.until,
            reason=self.reason,
        )


class RevocationRequest(Wire):
    """Why the benefit is taken back."""

    model_config = shown({"reason": "given by mistake"})

    reason: Reason = Field(examples=["given by mistake"])

    def to_command(self, member_id: str, reference: str) -> RevokeBenefit:
        """What is asked of the ledger."""
        return RevokeBenefit(member_id=member_id, reference=reference, reason=self.reason)


class GrantedBenefit(Answer):
    """A benefit that a person gave, or took back: then `reason` and `actor` are of that."""

    model_config = shown(_GRANTED)

    member_id: str
    reference: str
    benefit: str
    label: str
    terms: dict[str, str | int | bool | None]
    since: Moment
    until: Moment | None = Field(description="When it ends by itself; null: never.")
    revoked_at: Moment | None = Field(description="When a person took it back; null: nobody did.")
    reason: str
    actor: str


# --- what holds --------------------------------------------------------------------------------------------


class BenefitSource(Answer):
    """Whose it is: the tier's, or a person's who gave it."""

    kind: Literal["tier", "grant"]
    tier: str | None = Field(description="The tier that grants it.", examples=["gold"])
    reference: str | None = Field(description="The reference it was given under.", examples=["b-2026-0001"])
    reason: str | None = Field(description="Why it was given.", examples=["late delivery of order o-9"])


class HeldBenefit(Answer):
    """Something that holds for the member now."""

    code: str = Field(examples=["free_shipping"])
    label: str = Field(examples=["包邮"])
    source: BenefitSource
    since: datetime
    until: datetime | None = Field(description="When it ends as things stand; null: no end is set.")
    terms: dict[str, Any] = Field(
        description="Its figures: `rate` multiplies what purchases earn; `discount_percent` and `free_shipping` count "
        "in prices; `coupon` names the template, how many (`count`, 1 if absent), and whether they come on `entry`, "
        "each `month` or in the month of the `birthday`. All else is for other systems.",
        examples=[{"free_shipping": True}],
    )
    next_coupon_at: datetime | None = Field(
        description="When its next coupons come, of those that come each month; else null."
    )


class MemberBenefits(Answer):
    """All that holds for a member now, why, and until when."""

    model_config = shown(
        {
            "member_id": "u-1001",
            "tier": "gold",
            "benefits": [
                {
                    "code": "rate",
                    "label": "积分 ×1.2",
                    "source": {"kind": "tier", "tier": "gold", "reference": None, "reason": None},
                    "since": "2026-03-01T04:00:00Z",
                    "until": None,
                    "terms": {"rate": "1.2"},
                    "next_coupon_at": None,
                },
                {
                    "code": "birthday_coupon",
                    "label": "生日优惠券",
                    "source": {"kind": "tier", "tier": "gold", "reference": None, "reason": None},
                    "since": "2026-03-01T04:00:00Z",
                    "until": None,
                    "terms": {"coupon": {"template": "birthday", "on": "birthday"}},
                    "next_coupon_at": None,
                },
                {
                    "code": "free_shipping",
                    "label": "包邮",
                    "source": {
                        "kind": "grant",
                        "tier": None,
                        "reference": "b-2026-0001",
                        "reason": "late delivery of order o-9",
                    },
                    "since": "2026-03-05T02:00:00Z",
                    "until": "2026-03-31T16:00:00Z",
                    "terms": {"free_shipping": True},
                    "next_coupon_at": None,
                },
            ],
        }
    )

    member_id: str
    tier: str = Field(description="The code of the member's tier.", examples=["gold"])
    benefits: list[HeldBenefit]


def benefits_of(
    account: Account, grants: Iterable[BenefitGrant], *, now: datetime, program: Program
) -> dict[str, Any]:
    """What holds in `MemberBenefits`' shape."""
    return {
        "member_id": account.member_id,
        "tier": account.tier,
        "benefits": [
            {
                "code": each.code,
                "label": each.label,
                "source": _source(each, account.tier),
                "since": each.since,
                "until": each.until,
                "terms": each.terms,
                "next_coupon_at": each.next_coupon_at,
            }
            for each in held(account, grants, now=now, program=program)
        ],
    }


def _source(each: Held, tier: str) -> dict[str, Any]:
    grant = each.grant
    if grant is None:
        return {"kind": "tier", "tier": tier, "reference": None, "reason": None}
    return {
        "kind": "grant",
        "tier": None,
        "reference": grant.reference,
        "reason": grant.reason,
    }
