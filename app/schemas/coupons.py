"""Coupons in members' hands, on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.domain.coupon_commands import (
    ClaimCoupon,
    LockCoupon,
    RedeemCoupon,
    RollBackCoupon,
    UnlockCoupon,
    VoidCoupon,
)
from app.domain.coupon_reasons import told_reason
from app.domain.coupon_templates import Kind
from app.domain.quotes import Quote
from app.schemas.common import AmountFen, Answer, MemberId, Reason, Reference, Wire
from app.schemas.coupon_templates import CouponCodeText, TemplateCode
from app.schemas.parts import Moment, shown
from app.schemas.quotes import CartRequest, GiftShown, ReasonShown
from app.schemas.redemptions import HoldSeconds

CouponStatus = Literal["issued", "locked", "redeemed", "expired", "voided"]
Source = Literal["claim", "exchange", "issue", "code", "tier", "birthday", "campaign", "mission"]

_COUPON: dict[str, Any] = {
    "code": "7KQ2M9XTBH4WRC3V",
    "template": "spring-30",
    "member_id": "u-1001",
    "status": "issued",
    "source": "claim",
    "valid_from": "2026-03-05T02:00:00Z",
    "valid_until": "2026-04-04T16:00:00Z",
    "reference": None,
    "discount": None,
    "lock_expires_at": None,
    "points": None,
    "reason": None,
}
_MEMBER_COUPON: dict[str, Any] = {
    "code": "7KQ2M9XTBH4WRC3V",
    "template": "spring-30",
    "name": "春季满减券",
    "kind": "amount_off",
    "status": "locked",
    "source": "claim",
    "issued_at": "2026-03-05T02:00:00Z",
    "valid_from": "2026-03-05T02:00:00Z",
    "valid_until": "2026-04-04T16:00:00Z",
    "reference": None,
    "checkout_id": "o-2026-0042",
    "discount": 3000,
    "lock_expires_at": None,
    "public_code": None,
}
_ONE_OF: list[dict[str, Any]] = [
    {"required": ["template"], "properties": {"template": {"type": "string"}, "code": {"type": "null"}}},
    {"required": ["code"], "properties": {"code": {"type": "string"}, "template": {"type": "null"}}},
]

Holder = Annotated[
    MemberId | None,
    Field(
        description="Whose coupon it is. Needed for a public code, and for a unique one that is nobody's yet, which "
        "becomes this member's; else whoever holds it."
    ),
]


class ClaimRequest(Wire):
    """What the member takes a coupon by: a template's name, or a code."""

    model_config = shown({"template": "spring-30"}, {"code": "SPRING30"}, oneOf=_ONE_OF)

    template: TemplateCode | None = Field(
        None, description="Costs points if the template says so.", examples=["spring-30"]
    )
    code: CouponCodeText | None = Field(
        None, description="A public code, or a unique one that is nobody's yet."
    )

    @model_validator(mode="after")
    def _names_one(self) -> ClaimRequest:
        if (self.template is None) == (self.code is None):
            raise PydanticCustomError("template_or_code", "Should name either `template` or `code`")
        return self

    def to_command(self, member_id: str) -> ClaimCoupon:
        """What is asked of the ledger."""
        return ClaimCoupon(member_id=member_id, template=self.template, code=self.code)


class LockRequest(Wire):
    """What a coupon is kept for."""

    model_config = shown({"reference": "cart-17", "hold_seconds": 900, "discount": 3000})

    reference: Reference
    member_id: Holder = None
    hold_seconds: HoldSeconds | None = Field(
        None, description="How long; the program's time if absent (30 minutes by default)."
    )
    discount: AmountFen = Field(
        0,
        description="What it is going to take off, in the minor unit: counted in its template's budget.",
        examples=[3000],
    )

    def to_command(self, code: str) -> LockCoupon:
        """What is asked of the ledger."""
        return LockCoupon(
            member_id=self.member_id or "",
            code=code,
            reference=self.reference,
            hold_seconds=self.hold_seconds,
            discount=self.discount,
        )


class UnlockRequest(Wire):
    """Which lock ends."""

    model_config = shown({"reference": "cart-17"})

    reference: Reference
    member_id: Holder = None

    def to_command(self, code: str) -> UnlockCoupon:
        """What is asked of the ledger."""
        return UnlockCoupon(member_id=self.member_id or "", code=code, reference=self.reference)


class RedeemRequest(Wire):
    """What a coupon is used for."""

    model_config = shown({"reference": "cart-17", "discount": 3000})

    reference: Reference
    member_id: Holder = None
    discount: AmountFen | None = Field(
        default=None,
        description="What it took off, in the minor unit; as it was locked, if absent.",
        examples=[3000],
    )

    def to_command(self, code: str) -> RedeemCoupon:
        """What is asked of the ledger."""
        return RedeemCoupon(
            member_id=self.member_id or "", code=code, reference=self.reference, discount=self.discount
        )


class RollBackRequest(Wire):
    """Why a coupon comes back: a reference of its own, not that of its use."""

    model_config = shown({"reference": "return-17"})

    reference: Reference
    member_id: Holder = None

    def to_command(self, code: str) -> RollBackCoupon:
        """What is asked of the ledger."""
        return RollBackCoupon(member_id=self.member_id or "", code=code, reference=self.reference)


class VoidRequest(Wire):
    """Why a coupon is withdrawn."""

    model_config = shown({"reference": "void-17", "reason": "issued by mistake"})

    reference: Reference
    reason: Reason = Field(examples=["issued by mistake"])
    member_id: Holder = None

    def to_command(self, code: str) -> VoidCoupon:
        """What is asked of the ledger."""
        return VoidCoupon(
            member_id=self.member_id or "", code=code, reference=self.reference, reason=self.reason
        )


class Coupon(Answer):
    """A coupon as this operation left it."""

    model_config = shown(_COUPON)

    code: str = Field(description="The coupon's own, by which it is used.", examples=["7KQ2M9XTBH4WRC3V"])
    template: str = Field(examples=["spring-30"])
    member_id: str = Field(examples=["u-1001"])
    status: CouponStatus
    source: Source = Field(description="How the member got it.")
    valid_from: Moment
    valid_until: Moment | None = Field(description="It can't be used from then on; null: for good.")
    reference: str | None = Field(description="What locked or redeemed it.")
    discount: int | None = Field(description="What it takes off there, in the minor unit.")
    lock_expires_at: Moment | None = Field(description="When the lock ends by itself.")
    points: int | None = Field(description="What was paid for it, if it was exchanged for points.")
    reason: str | None = Field(description="Why it was issued or voided, if that was said.")


class CouponShown(Answer):
    """A coupon as it stands now."""

    code: str = Field(description="The coupon's own, by which it is used.", examples=["7KQ2M9XTBH4WRC3V"])
    template: str = Field(examples=["spring-30"])
    name: str = Field(description="The template's.", examples=["春季满减券"])
    kind: Kind


class MemberCoupon(CouponShown):
    """A coupon of a member's."""

    model_config = shown(_MEMBER_COUPON)

    status: CouponStatus
    source: Source = Field(description="How the member got it.")
    issued_at: Moment
    valid_from: Moment
    valid_until: Moment | None = Field(description="It can't be used from then on; null: for good.")
    reference: str | None = Field(description="What locked or redeemed it, if no checkout did.")
    checkout_id: str | None = Field(description="The checkout that locked or redeemed it.")
    discount: int | None = Field(description="What it takes off there, in the minor unit.")
    lock_expires_at: Moment | None = Field(
        description="When the lock ends by itself; a checkout's ends with the checkout."
    )
    public_code: str | None = Field(description="The public code by which the member got it.")


class CouponEvent(Answer):
    """Something that changed a coupon."""

    kind: str = Field(description="The kind of the entry in the member's history.", examples=["hold"])
    status: CouponStatus = Field(description="What the coupon was then.")
    at: Moment
    actor: str = Field(examples=["key:Kq3nV0sYb8Zd"])
    reference: str | None
    checkout_id: str | None
    reason: str | None
    sequence: int = Field(description="The entry's, among the member's.", examples=[7])


class CouponState(CouponShown):
    """Where a code leads, and what became of the coupon."""

    model_config = shown(
        {
            **_MEMBER_COUPON,
            "member_id": "u-1001",
            "history": [
                {
                    "kind": kind,
                    "status": status,
                    "at": at,
                    "actor": "key:Kq3nV0sYb8Zd",
                    "reference": None,
                    "checkout_id": checkout_id,
                    "reason": None,
                    "sequence": sequence,
                }
                for kind, status, at, checkout_id, sequence in (
                    ("claim_coupon", "issued", "2026-03-05T02:00:00Z", None, 6),
                    ("hold", "locked", "2026-03-05T02:05:00Z", "o-2026-0042", 7),
                )
            ],
        }
    )

    status: Literal["available", "public", "issued", "locked", "redeemed", "expired", "voided"] = Field(
        description="`available`: a unique code that nobody brought yet; `public`: a code that everybody may bring."
    )
    member_id: str | None = Field(description="Who has it; null: nobody yet, or nobody alone.")
    source: Source | None
    issued_at: Moment
    valid_from: Moment | None
    valid_until: Moment | None
    reference: str | None
    checkout_id: str | None
    discount: int | None
    lock_expires_at: Moment | None
    public_code: str | None
    history: list[CouponEvent] = Field(
        description="What changed it, in the order it happened: the first 200 events and the last."
    )


class ValidateRequest(Wire):
    """Whose cart a coupon is tried on."""

    model_config = shown(
        {
            "member_id": "u-1001",
            "cart": {
                "items": [
                    {"line_id": "1", "sku": "tea-100", "category": "tea", "quantity": 2, "amount": 28000}
                ],
                "shipping": 1000,
            },
        }
    )

    member_id: MemberId
    cart: CartRequest


class Validation(Answer):
    """Whether a coupon can be used on a cart, and what it would give."""

    model_config = shown(
        {
            "valid": False,
            "discount": 0,
            "gift": None,
            "reasons": [
                {
                    "code": "threshold_not_reached",
                    "detail": "Goods for 2000 more, in the minor unit, are needed to use the coupon.",
                    "missing": 2000,
                }
            ],
        }
    )

    valid: bool
    discount: int = Field(
        description="What it takes off goods and shipping together if it is the only coupon, in the minor unit.",
        examples=[0],
    )
    gift: GiftShown | None = Field(description="What comes with the order for nothing.")
    reasons: list[ReasonShown] = Field(description="Every reason why it can't be used; none if it can.")


def validation_of(code: str, quote: Quote) -> dict[str, Any]:
    """In `Validation`'s shape, from a quote that names this coupon alone."""
    used = next((each for each in quote.used if each.code == code), None)
    reasons = next((reasons for rejected, reasons in quote.rejected if rejected == code), ())
    return {
        "valid": used is not None,
        "discount": 0 if used is None else used.discount_fen,
        "gift": None if used is None or used.gift is None else used.gift._asdict(),
        "reasons": [told_reason(why) for why in reasons],
    }
