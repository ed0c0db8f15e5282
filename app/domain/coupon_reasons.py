"""Why a coupon can't be used: each reason a stable code and a sentence that says what would help."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "coupon_not_found": "There is no such coupon. Check the code.",
        "coupon_not_yours": "The coupon belongs to another member.",
        "coupon_expired": "The coupon has expired.",
        "coupon_not_started": "The coupon can't be used yet.",
        "coupon_locked": "The coupon is held by another checkout. Complete or cancel that one first.",
        "coupon_redeemed": "The coupon was used before.",
        "coupon_voided": "The coupon was withdrawn.",
        "coupon_paused": "The coupon can't be used for the time being.",
        "coupon_exhausted": "All coupons of this kind are given out.",
        "coupon_budget_spent": "The money set aside for coupons of this kind is spent.",
        "coupon_limit_reached": "The member has had as many coupons of this kind as one may have.",
        "threshold_not_reached": "Goods for {missing} more, in the minor unit, are needed to use the coupon.",
        "product_not_eligible": "Nothing in the cart is among the goods the coupon is for.",
        "quantity_not_reached": "{missing} more pieces of the goods the coupon is for are needed.",
        "channel_not_eligible": "The coupon can't be used in this channel.",
        "tier_not_eligible": "The coupon is for members of other tiers.",
        "first_order_only": "The coupon is for a member's first order.",
        "member_not_eligible": "The coupon is for other members.",
        "not_stackable": "The coupon can't be used together with others of this cart. Choose one of them.",
        "coupon_no_effect": "The coupon would save nothing on this cart.",
        "not_best": "The coupon fits, but the best combination does without it.",
    }
)

REASON_CODES: tuple[str, ...] = tuple(_SENTENCES)
"""Every code there is, for the API's document."""


class Reason(NamedTuple):
    """`extra` holds figures a program may want, such as `missing`."""

    code: str
    detail: str
    extra: Mapping[str, Any] = {}


def reason(code: str, extra: Mapping[str, Any] | None = None) -> Reason:
    """The reason with this code, the figures of `extra` in its sentence. KeyError for an unknown code."""
    return Reason(code, _SENTENCES[code].format_map(extra or {}), extra or {})


def told_reason(why: Reason) -> dict[str, Any]:
    """A reason as the API shows it: its figures beside its code and sentence."""
    return {"code": why.code, "detail": why.detail, **why.extra}
