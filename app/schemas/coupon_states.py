"""Coupons as they stand, out of their rows and the entries that changed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from app.domain.account import Coupon
from app.domain.coupons import CHECKOUT
from app.domain.instants import rfc3339
from app.queries.coupons import CodeRow, CouponRow, HistoryRow
from app.schemas.coupons import CouponState

_REFERENCE_AT = {
    "issue_coupon": 1,
    **dict.fromkeys(
        (
            "lock_coupon",
            "unlock_coupon",
            "redeem_coupon",
            "roll_back_coupon",
            "void_coupon",
            "refund_checkout",
        ),
        2,
    ),
}
_OF_CHECKOUTS = frozenset(("hold", "complete", "release", "lapse_checkout", "refund_checkout"))


_GIVING = frozenset(
    ("tier_coupons", "accrue", "settle", "complete", "sign_in", "activity", "referral", "mission", "campaign")
)
"""The entries whose `coupons` were given with what else they gave."""

_TAKING_BACK = frozenset(
    ("reverse", "refund_checkout", "reverse_activity", "referral_undo", "mission_undo", "campaign_undo")
)
"""The entries whose `voided` coupons went with what else they took back."""


def member_coupon(row: CouponRow) -> dict[str, Any]:
    """In `MemberCoupon`'s shape."""
    coupon = row.coupon
    reference, checkout_id = _reference_of(coupon)
    return {
        "code": coupon.code,
        "template": coupon.template,
        "name": row.name,
        "kind": row.kind,
        "status": coupon.status,
        "source": coupon.source,
        "issued_at": rfc3339(coupon.issued_at),
        "valid_from": rfc3339(coupon.valid_from),
        "valid_until": rfc3339(coupon.valid_until),
        "reference": reference,
        "checkout_id": checkout_id,
        "discount": coupon.discount,
        "lock_expires_at": rfc3339(coupon.lock_expires_at),
        "public_code": coupon.public_code,
    }


def coupon_state(row: CouponRow, history: Sequence[HistoryRow]) -> dict[str, Any]:
    """In `CouponState`'s shape: a coupon that a member has."""
    events: list[dict[str, Any]] = []
    checkouts: set[str | None] = set()
    for each in history:
        status = _status_after(each, row.coupon, checkouts)
        if status is None:
            continue
        parts = each.key.split("/")
        checkout_id = parts[1] if each.kind in _OF_CHECKOUTS else None
        checkouts.add(checkout_id)
        place = _REFERENCE_AT.get(each.kind)
        events.append(
            {
                "kind": each.kind,
                "status": status,
                "at": rfc3339(each.occurred_at),
                "actor": each.actor,
                "reference": each.detail.get("reference") if place is None else parts[place],
                "checkout_id": checkout_id,
                "reason": each.detail.get("reason"),
                "sequence": each.sequence,
            }
        )
    return {**member_coupon(row), "member_id": row.coupon.member_id, "history": events}


def code_state(row: CodeRow) -> dict[str, Any]:
    """In `CouponState`'s shape: a code that is nobody's."""
    nothing = dict.fromkeys(CouponState.model_fields)
    return {
        **nothing,
        "code": row.code.code,
        "template": row.code.template,
        "name": row.name,
        "kind": row.kind,
        "status": {"public": "public", "void": "voided"}.get(row.code.kind, "available"),
        "issued_at": rfc3339(row.code.created_at),
        "history": [],
    }


def _status_after(row: HistoryRow, coupon: Coupon, checkouts: AbstractSet[str | None]) -> str | None:
    """What the entry made of the coupon; None if it only names it. `checkouts` are those that held it before."""
    code, detail = coupon.code, row.detail
    is_over = coupon.valid_until is not None and coupon.valid_until <= row.occurred_at
    found: str | None = None
    match row.kind:
        case "hold":
            found = "locked" if code in (own for _, own in detail["coupons"]) else None
        case kind if kind in _GIVING and _is_given(code, detail):
            found = "issued"
        case "complete":
            missing = [each.get("code") for each in detail.get("missing", ())]
            found = "redeemed" if row.order_id in checkouts and code not in missing else None
        case "release" | "lapse_checkout":
            found = ("expired" if is_over else "issued") if code in detail["coupons"] else None
        case kind if kind in _TAKING_BACK and code in detail.get("voided", ()):
            found = "voided"
        case "refund_checkout":
            found = "issued" if code in detail["refunded"]["coupons"] else None
        case "expire_coupons":
            found = "expired" if code in (own for own, _ in detail["coupons"]) else None
        case _:
            found = detail["status"] if detail.get("code") == code else None
    return found


def _is_given(code: str, detail: Mapping[str, Any]) -> bool:
    """Whether the coupon is among those that an entry gave."""
    return code in (each["code"] for each in detail.get("coupons", ()))


def _reference_of(coupon: Coupon) -> tuple[str | None, str | None]:
    """What locked or redeemed it: the caller's reference, or the checkout."""
    if coupon.reference is not None and coupon.reference.startswith(CHECKOUT):
        return None, coupon.reference.removeprefix(CHECKOUT)
    return coupon.reference, None
