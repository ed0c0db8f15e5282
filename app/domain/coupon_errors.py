"""What several rules of coupons and their templates may refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Self

from app.domain.coupon_reasons import Reason, reason, told_reason
from app.domain.errors import ErrorKind, LoyaltyError

_CODES_TOLD = 10


# --- templates -------------------------------------------------------------------------------------------


class TemplateNotFound(LoyaltyError):
    code = "template_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown coupon template"

    def __init__(self) -> None:
        super().__init__("There is no such coupon template. GET /v1/coupon-templates lists them.")


class TemplateNotOpen(LoyaltyError):
    """`state`: `paused`, `ended`, or `over` when its window has ended."""

    code = "template_not_open"
    kind = ErrorKind.CONFLICT
    title = "The coupon template is not open"

    def __init__(self, *, state: str) -> None:
        super().__init__(
            f"The template is {state}: no coupons are given out. "
            + ("Set its state to active first." if state == "paused" else "Use another template."),
            extra={"state": state},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(state="paused")


class TemplateAutomatic(LoyaltyError):
    code = "template_automatic"
    kind = ErrorKind.CONFLICT
    title = "The template needs no coupons"

    def __init__(self) -> None:
        super().__init__(
            "An automatic template applies to every cart that fits, without a coupon. Make a template that is not "
            "automatic to give out coupons."
        )


class TemplateNotClaimable(LoyaltyError):
    code = "template_not_claimable"
    kind = ErrorKind.CONFLICT
    title = "The template's coupons can't be claimed"

    def __init__(self) -> None:
        super().__init__(
            "Coupons of this template come with a tier, on its occasions alone. Issue the member one, or claim a "
            "coupon of another template."
        )


# --- giving out ------------------------------------------------------------------------------------------


class CouponExhausted(LoyaltyError):
    """`left`: how many could still be given out."""

    code = "coupon_exhausted"
    kind = ErrorKind.CONFLICT
    title = "No coupons are left"

    def __init__(self, *, left: int = 0) -> None:
        super().__init__(
            f"Of the template's stock {left} are left to be given out. Ask for at most that, or raise the stock.",
            extra={"left": left},
        )


class CouponLimitReached(LoyaltyError):
    """`limit`: `per_member` or `per_day`, whichever of the template's was reached."""

    code = "coupon_limit_reached"
    kind = ErrorKind.CONFLICT
    title = "The member has had as many as one may have"

    def __init__(self, *, limit: str) -> None:
        super().__init__(
            "The member has had as many coupons of this template as one may have"
            + (" on one day. Another can be had tomorrow." if limit == "per_day" else "."),
            extra={"limit": limit},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(limit="per_member")


class CodeTaken(LoyaltyError):
    """`count`: how many of the codes sent are taken; `codes`: the first of them."""

    code = "code_taken"
    kind = ErrorKind.CONFLICT
    title = "A coupon code is taken"

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__(
            f"{len(codes)} of the codes lead to a coupon already, so nothing was made. Send other codes.",
            extra={"count": len(codes), "codes": list(codes[:_CODES_TOLD])},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(["SPRING30"])


# --- using -----------------------------------------------------------------------------------------------


class CouponNotFound(LoyaltyError):
    code = "coupon_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown coupon"

    def __init__(self) -> None:
        super().__init__("There is no such coupon. Check the code.")


class CouponNotYours(LoyaltyError):
    code = "coupon_not_yours"
    kind = ErrorKind.CONFLICT
    title = "The coupon belongs to another member"

    def __init__(self) -> None:
        super().__init__("The coupon belongs to another member, who alone can use it. Name another coupon.")


class CouponVoided(LoyaltyError):
    code = "coupon_voided"
    kind = ErrorKind.CONFLICT
    title = "The coupon was withdrawn"

    def __init__(self) -> None:
        super().__init__("The coupon was withdrawn and can't be used. Name another coupon.")


class CouponRedeemed(LoyaltyError):
    code = "coupon_redeemed"
    kind = ErrorKind.CONFLICT
    title = "The coupon was used before"

    def __init__(self) -> None:
        super().__init__("The coupon was used before. Roll that back first, or name another coupon.")


class CouponLocked(LoyaltyError):
    code = "coupon_locked"
    kind = ErrorKind.CONFLICT
    title = "The coupon is locked"

    def __init__(self) -> None:
        super().__init__(
            "The coupon is held under another reference or by a checkout. Unlock, complete or cancel that first."
        )


class CouponExpired(LoyaltyError):
    code = "coupon_expired"
    kind = ErrorKind.CONFLICT
    title = "The coupon has expired"

    def __init__(self) -> None:
        super().__init__("The coupon has expired and can't be used. Name another coupon.")


class CouponNotStarted(LoyaltyError):
    code = "coupon_not_started"
    kind = ErrorKind.CONFLICT
    title = "The coupon can't be used yet"

    def __init__(self) -> None:
        super().__init__("The coupon can't be used yet. GET the coupon for when it begins.")


class CouponPaused(LoyaltyError):
    code = "coupon_paused"
    kind = ErrorKind.CONFLICT
    title = "The coupon is paused"

    def __init__(self) -> None:
        super().__init__("The coupon can't be used while its template is paused. Try again later.")


class CouponBudgetSpent(LoyaltyError):
    code = "coupon_budget_spent"
    kind = ErrorKind.CONFLICT
    title = "The template's budget is spent"

    def __init__(self) -> None:
        super().__init__(
            "The coupon would take off more than is left of its template's budget. Raise the budget, or do without."
        )


class CouponOfCheckout(LoyaltyError):
    code = "coupon_of_checkout"
    kind = ErrorKind.CONFLICT
    title = "The coupon is part of a checkout"

    def __init__(self) -> None:
        super().__init__(
            "A checkout holds or used the coupon. Complete, cancel or refund the checkout; the coupon follows it."
        )


class CouponNotLocked(LoyaltyError):
    """`status`: how the coupon stands instead."""

    code = "coupon_not_locked"
    kind = ErrorKind.CONFLICT
    title = "The coupon is not locked"

    def __init__(self, *, status: str) -> None:
        super().__init__(f"The coupon is {status}: there is no lock to end.", extra={"coupon_status": status})

    @classmethod
    def example(cls) -> Self:
        return cls(status="issued")


class CouponNotRedeemed(LoyaltyError):
    """`status`: how the coupon stands instead."""

    code = "coupon_not_redeemed"
    kind = ErrorKind.CONFLICT
    title = "The coupon is not redeemed"

    def __init__(self, *, status: str) -> None:
        super().__init__(
            f"The coupon is {status}: there is nothing to roll back.", extra={"coupon_status": status}
        )

    @classmethod
    def example(cls) -> Self:
        return cls(status="issued")


class CouponNeedsMember(LoyaltyError):
    code = "coupon_needs_member"
    kind = ErrorKind.UNPROCESSABLE
    title = "The coupon is nobody's yet"

    def __init__(self) -> None:
        super().__init__("This code is nobody's yet. Send `member_id` too: the coupon becomes that member's.")


class CouponNotApplicable(LoyaltyError):
    """`coupons`: each coupon that can't be used on this cart, with its reasons."""

    code = "coupon_not_applicable"
    kind = ErrorKind.CONFLICT
    title = "A coupon does not fit this cart"

    def __init__(self, coupons: Sequence[tuple[str, Sequence[Reason]]]) -> None:
        sentences = dict.fromkeys(why.detail for _, reasons in coupons for why in reasons)
        super().__init__(
            f"Nothing is held. {' '.join(sentences)} Leave such coupons out, or change the cart.",
            extra={
                "coupons": [
                    {"code": code, "reasons": [told_reason(why) for why in reasons]}
                    for code, reasons in coupons
                ]
            },
        )

    @classmethod
    def example(cls) -> Self:
        return cls([("SPRING30", [reason("threshold_not_reached", {"missing": 2_000})])])


StateRefusal = CouponVoided | CouponRedeemed | CouponLocked | CouponExpired | CouponNotStarted | CouponPaused
STATE_REFUSALS: Mapping[str, type[StateRefusal]] = MappingProxyType(
    {
        error.code: error
        for error in (
            CouponVoided,
            CouponRedeemed,
            CouponLocked,
            CouponExpired,
            CouponNotStarted,
            CouponPaused,
        )
    }
)
"""The refusal that tells each reason of a coupon's own state, by the reason's code."""
