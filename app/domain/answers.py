"""What a command is answered: rendered from its entry, so that the same command sent again gets the same body.

Every function returns a JSON-able dict in API.md's shapes; points are integers, money in the minor unit.
"""

from collections.abc import Callable, Mapping
from typing import Any

from app.domain import quotes
from app.domain.account import Entry
from app.domain.earning import told_parts
from app.domain.instants import rfc3339, told_expiry
from app.domain.priced_cart import quote_of

Detail = Mapping[str, Any]


def answer(entry: Entry, detail: Detail) -> dict[str, Any]:
    """The body for an entry that a member's command wrote; `detail` is the entry's, parsed."""
    return _ANSWERS[entry.kind](entry, detail)


def balance_of(entry: Entry) -> dict[str, int]:
    """The balances as the entry left them."""
    return {
        "available": entry.points_after,
        "pending": entry.pending_after,
        "reserved": entry.reserved_after,
        "debt": entry.debt_after,
    }


def has_answer(kind: str) -> bool:
    """Whether this kind of entry is an answer by itself; the others are answered with what they changed."""
    return kind in _ANSWERS


def key_parts(entry: Entry) -> list[str]:
    """The natural key without its kind: `["R-1"]`, `["O-1", "R-1"]`, ..."""
    return entry.key.split("/")[1:]


def _accrual(entry: Entry, detail: Detail) -> dict[str, Any]:
    breakdown = _breakdown(entry, detail)
    return {
        "order_id": entry.order_id,
        "status": "pending" if detail.get("pending") else "settled",
        "points": sum(part["points"] for part in breakdown),
        "breakdown": breakdown,
        "expires_at": told_expiry(detail),
        "debt_paid": detail.get("debt_paid", 0),
        "balance": balance_of(entry),
        "tier": _tier(detail),
    }


def _reversal(entry: Entry, detail: Detail) -> dict[str, Any]:
    order_id, reference = key_parts(entry)
    return {
        "order_id": order_id,
        "reference": reference,
        "amount": detail["amount"],
        "points": detail["points"],
        "recovered": detail["recovered"],
        "shortfall": detail["shortfall"],
        "balance": balance_of(entry),
        "tier": _tier(detail),
    }


def _redemption(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "reference": key_parts(entry)[0],
        "status": "reserved" if entry.kind == "reserve" else "redeemed",
        "points": detail["points"],
        "value": detail["value"],
        "lots": _lots(detail),
        "hold_expires_at": detail.get("hold_expires_at"),
        "balance": balance_of(entry),
    }


def _commit(entry: Entry, detail: Detail) -> dict[str, Any]:
    redemption = _redemption(entry, detail)
    del redemption["balance"]
    return {
        **redemption,
        "freed": detail["freed"],
        **_came_back(detail),
        "balance": balance_of(entry),
    }


def _cancel(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "reference": key_parts(entry)[0],
        "status": "cancelled",
        "points": detail["points"],
        "lots": _lots(detail),
        **_came_back(detail),
        "balance": balance_of(entry),
    }


def _refund(entry: Entry, detail: Detail) -> dict[str, Any]:
    redemption, reference = key_parts(entry)
    return {
        "redemption": redemption,
        "reference": reference,
        "points": detail["points"],
        "rest": detail["rest"],
        "lots": _lots(detail),
        **_came_back(detail),
        "balance": balance_of(entry),
    }


def _sign_in(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "date": key_parts(entry)[0],
        "points": detail["points"],
        "streak": detail["streak"],
        "breakdown": _breakdown(entry, detail),
        "balance": balance_of(entry),
    }


def _adjustment(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "reference": key_parts(entry)[0],
        "status": "applied",
        "points": detail["points"],
        "reason": detail["reason"],
        "debt_paid": detail.get("debt_paid", 0),
        "balance": balance_of(entry),
    }


def _opening(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "reference": key_parts(entry)[0],
        "points": detail["points"],
        "spend": detail["spend"],
        "balance": balance_of(entry),
    }


def _transfer(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "reference": key_parts(entry)[0],
        "to": detail["to"],
        "points": detail["points"],
        "lots": _lots(detail),
        "balance": balance_of(entry),
    }


def _activity(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "reference": key_parts(entry)[0],
        "kind": detail["kind"],
        "level": detail.get("level"),
        "status": "recorded",
        "points": detail["points"],
        "growth": detail.get("growth", 0),
        "chances": detail.get("chances", 0),
        "coupons": [coupon["code"] for coupon in detail.get("coupons", ())],
        "breakdown": _breakdown(entry, detail),
        "debt_paid": detail.get("debt_paid", 0),
        "balance": balance_of(entry),
        "tier": _tier(detail),
    }


def _reversed_activity(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "reference": key_parts(entry)[0],
        "kind": detail["kind"],
        "level": detail.get("level"),
        "status": "reversed",
        "points": detail["points"],
        "recovered": detail["recovered"],
        "shortfall": detail["shortfall"],
        "growth": detail.get("growth", 0),
        "chances": -detail.get("chances", 0),
        "balance": balance_of(entry),
        "tier": _tier(detail),
    }


def _set_tier(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "member_id": entry.member_id,
        "reference": key_parts(entry)[0],
        "from": detail["from"],
        "to": detail["to"],
        "until": detail.get("until"),
        "reason": detail["reason"],
        "actor": entry.actor,
        "set_at": rfc3339(entry.recorded_at),
    }


def _review(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "id": f"{entry.member_id}~{detail['review']}",
        "member_id": entry.member_id,
        "from": detail["from"],
        "to": detail["to"],
        "opened_at": detail["opened_at"],
        "status": "approved" if entry.kind == "approve_review" else "rejected",
        "decided_at": rfc3339(entry.recorded_at),
        "actor": entry.actor,
        "reason": detail["reason"],
    }


def _breakdown(entry: Entry, detail: Detail) -> list[dict[str, Any]]:
    """What was granted under an earlier version of the program names that one."""
    return told_parts(detail["breakdown"], version=detail.get("version", entry.program_version))


def _tier(detail: Detail) -> dict[str, Any]:
    change: Mapping[str, Any] = detail.get("tier_change", {})
    return {"code": change.get("to", detail["tier"]), "changed": "to" in change}


def _lots(detail: Detail) -> list[dict[str, Any]]:
    return [
        {"lot": lot, "points": points, "expires_at": expires_at} for lot, points, expires_at in detail["lots"]
    ]


def _came_back(detail: Detail) -> dict[str, int]:
    return {"expired": detail["expired"], "debt_paid": detail["debt_paid"]}


def _coupon(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "code": detail["code"],
        "template": detail["template"],
        "member_id": entry.member_id,
        "status": detail["status"],
        "source": detail["source"],
        "valid_from": detail["valid_from"],
        "valid_until": detail.get("valid_until"),
        "reference": detail.get("reference"),
        "discount": detail.get("discount"),
        "lock_expires_at": detail.get("lock_expires_at"),
        "points": detail.get("points"),
        "reason": detail.get("reason"),
    }


def _hold(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "checkout_id": key_parts(entry)[0],
        "member_id": entry.member_id,
        **quotes.answer(quote_of(detail["quote"]), version=entry.program_version),
        "status": "held",
        "hold_expires_at": detail["hold_expires_at"],
        "balance": balance_of(entry),
    }


def _extension(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {**_hold(entry, detail), "checkout_id": detail["checkout_id"]}


def _completion(entry: Entry, detail: Detail) -> dict[str, Any]:
    """`detail` holds that of the hold besides."""
    return {
        **_hold(entry, detail),
        "status": "completed",
        "hold_expires_at": None,
        "paid": detail["paid"],
        "missing": detail.get("missing", []),
        "accrual": _accrual(entry, detail),
    }


def _release(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "checkout_id": key_parts(entry)[0],
        "member_id": entry.member_id,
        "status": "cancelled",
        "freed": {
            "points": detail["points"],
            "cash": detail["cash"],
            "coupons": detail["coupons"],
        },
        **_came_back(detail),
        "balance": balance_of(entry),
    }


def _checkout_refund(entry: Entry, detail: Detail) -> dict[str, Any]:
    checkout_id, reference = key_parts(entry)
    return {
        "checkout_id": checkout_id,
        "member_id": entry.member_id,
        "reference": reference,
        "refunded": detail["refunded"],
        "taken_back": {
            "points": detail["points"],
            "recovered": detail["recovered"],
            "shortfall": detail["shortfall"],
        },
        "status": detail["status"],
        **_came_back(detail),
        "balance": balance_of(entry),
        "tier": _tier(detail),
    }


def _benefit(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "member_id": entry.member_id,
        "reference": key_parts(entry)[0],
        "benefit": detail["benefit"],
        "label": detail["label"],
        "terms": detail["terms"],
        "since": detail["since"],
        "until": detail["until"],
        "revoked_at": detail["revoked_at"],
        "reason": detail["reason"],
        "actor": entry.actor,
    }


def _occasion(entry: Entry, detail: Detail) -> dict[str, Any]:
    return {
        "campaign": detail["campaign"],
        "occasion": detail["occasion"],
        "points": detail["points"],
        "balance": balance_of(entry),
    }


_ANSWERS: dict[str, Callable[[Entry, Detail], dict[str, Any]]] = {
    "accrue": _accrual,
    "settle": _accrual,
    "reverse": _reversal,
    "redeem": _redemption,
    "reserve": _redemption,
    "commit": _commit,
    "cancel": _cancel,
    "refund": _refund,
    "sign_in": _sign_in,
    "adjust": _adjustment,
    "import": _opening,
    "transfer": _transfer,
    "activity": _activity,
    "reverse_activity": _reversed_activity,
    "campaign": _occasion,
    "set_tier": _set_tier,
    "approve_review": _review,
    "reject_review": _review,
    "claim_coupon": _coupon,
    "issue_coupon": _coupon,
    "lock_coupon": _coupon,
    "unlock_coupon": _coupon,
    "redeem_coupon": _coupon,
    "roll_back_coupon": _coupon,
    "void_coupon": _coupon,
    "grant_benefit": _benefit,
    "revoke_benefit": _benefit,
    "hold": _hold,
    "extend": _extension,
    "complete": _completion,
    "release": _release,
    "refund_checkout": _checkout_refund,
}
