"""Entries of the ledger on the wire, as JSON and as lines of a CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.domain import quotes
from app.domain.account import SUMS_OF_CAMPAIGNS
from app.domain.earning import told_parts
from app.domain.instants import rfc3339, told_expiry
from app.domain.priced_cart import quote_of
from app.queries.entries import EntryRow
from app.schemas.common import Answer
from app.schemas.parts import Part, shown

EntryKind = Literal[
    "accrue",
    "settle",
    "reverse",
    "redeem",
    "reserve",
    "commit",
    "cancel",
    "lapse",
    "refund",
    "sign_in",
    "activity",
    "reverse_activity",
    "mission",
    "mission_undo",
    "campaign",
    "campaign_undo",
    "adjust",
    "transfer",
    "receive",
    "import",
    "expire",
    "freeze",
    "unfreeze",
    "erase",
    "evaluate",
    "set_tier",
    "tier_warning",
    "tier_period",
    "approve_review",
    "reject_review",
    "claim_coupon",
    "issue_coupon",
    "tier_coupons",
    "lock_coupon",
    "unlock_coupon",
    "lapse_coupon",
    "redeem_coupon",
    "roll_back_coupon",
    "void_coupon",
    "expire_coupons",
    "hold",
    "extend",
    "complete",
    "release",
    "lapse_checkout",
    "refund_checkout",
    "grant_benefit",
    "revoke_benefit",
    "referral",
    "referral_share",
    "referral_undo",
]

_ENTRY: dict[str, Any] = {
    "sequence": 1,
    "kind": "accrue",
    "points": 300,
    "pending": 0,
    "reserved": 0,
    "debt": 0,
    "growth": 300,
    "cash": 0,
    "balance": {"points": 300, "pending": 0, "reserved": 0, "debt": 0, "growth": 300, "cash": 0},
    "reference": None,
    "order_id": "o-2026-0001",
    "program_version": 1,
    "actor": "key:Kq3nV0sYb8Zd",
    "request_id": "8PvCq2n4T0aWd3Lk",
    "occurred_at": "2026-03-05T02:00:00Z",
    "recorded_at": "2026-03-05T02:00:00.120417Z",
    "breakdown": [{"rule": "purchase", "label": "1 point per yuan", "points": 300, "version": 1}],
    "detail": {"expires_at": "2027-03-05T16:00:00Z", "tier": "bronze"},
}

# Which part of the natural key is the caller's own id of the operation; the other kinds have none.
_REFERENCE_AT = {
    **dict.fromkeys(
        ("redeem", "reserve", "commit", "cancel", "lapse", "adjust", "transfer", "import", "set_tier"), 1
    ),
    **dict.fromkeys(("activity", "reverse_activity"), 1),
    **dict.fromkeys(("issue_coupon", "grant_benefit", "revoke_benefit"), 1),
    **dict.fromkeys(("reverse", "refund", "receive", "refund_checkout"), 2),
    **dict.fromkeys(("lock_coupon", "unlock_coupon", "redeem_coupon", "roll_back_coupon", "void_coupon"), 2),
}
_PAIRS = {"hold": ("named", "code"), "expire_coupons": ("code", "template")}
"""What the pairs are that an entry keeps of its coupons."""
# What holds or frees a checkout has its id in the key; once completed it is an order, and the entry says so.
_CHECKOUT_IN_KEY = frozenset(("hold", "release", "lapse_checkout"))


class Wallets(Answer):
    """What the entry left. `points` are the available ones; `cash` is in the minor unit."""

    points: int
    pending: int
    reserved: int
    debt: int
    growth: int
    cash: int


class Entry(Answer):
    """One command's effect on one member. It is never changed; what is wrong is corrected by another one."""

    model_config = shown(_ENTRY)

    sequence: int = Field(description="Counted per member, without gaps.")
    kind: EntryKind = Field(
        description="What happened. `expire`, `expire_coupons`, `lapse`, `lapse_coupon` and `lapse_checkout` (a hold "
        "that ran out), `tier_warning`, `tier_period`, `tier_coupons`, `mission`, `mission_undo`, `campaign`, "
        "`campaign_undo`, `referral`, `referral_share` and `referral_undo` happen by themselves, and so may `settle`."
    )
    points: int = Field(description="The signed change of the available points.")
    pending: int = Field(description="The signed change; so of all that follow.")
    reserved: int
    debt: int
    growth: int
    cash: int
    balance: Wallets
    reference: str | None = Field(description="The caller's own id of the operation, if it has one.")
    order_id: str | None = Field(description="The order, or the checkout that may become one.")
    program_version: int = Field(description="The version of the rules behind it.")
    actor: str = Field(
        description="Who did it: `key:<id>`, `member:<id>`, `bootstrap`, `cli`, or `system` for what "
        "happened by itself."
    )
    request_id: str
    occurred_at: datetime = Field(description="When it happened, which may lie before it was told.")
    recorded_at: datetime = Field(description="When it was written down.")
    breakdown: list[Part] = Field(description="Which rules gave how much, for what was earned.")
    detail: dict[str, Any] = Field(
        description="What else the entry tells, by kind: `lots` that points came from or went to, `moves` of "
        "each lot's remaining and reserved points, `reason`, `amount` refunded, `shortfall`, `tier_change`, "
        "`campaigns` and what each gave or lost, ..."
    )


class LedgerEntry(Entry):
    """An entry, with whose it is."""

    model_config = shown({"member_id": "u-1001", **_ENTRY})

    member_id: str


def entry_of(row: EntryRow) -> dict[str, Any]:
    """The entry in `LedgerEntry`'s shape."""
    return {
        **row._asdict(),
        "balance": {
            "points": row.points_after,
            "pending": row.pending_after,
            "reserved": row.reserved_after,
            "debt": row.debt_after,
            "growth": row.growth_after,
            "cash": row.cash_after,
        },
        "reference": _reference(row),
        "order_id": _order_id(row),
        "breakdown": told_parts(
            row.detail.get("breakdown", ()), version=row.detail.get("version", row.program_version)
        ),
        "detail": _detail(row),
    }


def _reference(row: EntryRow) -> str | None:
    place = _REFERENCE_AT.get(row.kind)
    return None if place is None else row.key.split("/")[place]


def _order_id(row: EntryRow) -> str | None:
    if row.kind in _CHECKOUT_IN_KEY:
        return row.key.split("/")[1]
    return row.detail["checkout_id"] if row.kind == "extend" else row.order_id


def _detail(row: EntryRow) -> dict[str, Any]:
    """The details with their tuples spelled out."""
    detail: dict[str, Any] = {name: value for name, value in row.detail.items() if name != "breakdown"}
    if "expires" in detail or "expires_at" in detail:
        detail["expires_at"] = told_expiry(detail)
        detail.pop("expires", None)
    if "lots" in detail:
        detail["lots"] = [
            dict(zip(("lot", "points", "expires_at"), lot, strict=False)) for lot in detail["lots"]
        ]
    if "moves" in detail:
        detail["moves"] = [
            {"lot": lot, "remaining": remaining, "reserved": reserved}
            for lot, remaining, reserved in detail["moves"]
        ]
    if row.kind == "hold":
        detail["quote"] = quotes.answer(quote_of(detail["quote"]), version=row.program_version)
    pair = _PAIRS.get(row.kind)
    if pair is not None:
        detail["coupons"] = [dict(zip(pair, coupon, strict=True)) for coupon in detail["coupons"]]
    if row.kind == "refund":
        detail["redemption"] = row.key.split("/")[1]
    if row.kind == "sign_in":
        detail["date"] = row.key.split("/")[1]
    if row.kind in ("mission", "mission_undo"):
        detail |= dict(zip(("mission", "period"), row.key.split("/")[1:3], strict=True))
    if "missions" in detail:
        detail["missions"] = [
            dict(zip(("mission", "period", "counted"), counted, strict=True))
            for counted in detail["missions"]
        ]
    if "campaigns" in detail:
        detail["campaigns"] = {
            code: {name: figure for name, figure in zip(SUMS_OF_CAMPAIGNS, figures, strict=False) if figure}
            for code, figures in detail["campaigns"].items()
        }
    return detail


# --- CSV -------------------------------------------------------------------------------------------------

CSV_COLUMNS = (
    "member_id",
    "sequence",
    "kind",
    "points",
    "pending",
    "reserved",
    "debt",
    "growth",
    "cash",
    "points_after",
    "pending_after",
    "reserved_after",
    "debt_after",
    "growth_after",
    "cash_after",
    "reference",
    "order_id",
    "program_version",
    "actor",
    "request_id",
    "occurred_at",
    "recorded_at",
    "reason",
)
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_header() -> str:
    """The first line."""
    return _lines([CSV_COLUMNS])


def csv_lines(rows: Iterable[EntryRow]) -> str:
    """A line for each entry."""
    return _lines(_cells(row) for row in rows)


def _cells(row: EntryRow) -> list[str]:
    values: Mapping[str, Any] = {
        **row._asdict(),
        "reference": _reference(row),
        "order_id": _order_id(row),
        "occurred_at": rfc3339(row.occurred_at),
        "recorded_at": rfc3339(row.recorded_at),
        "reason": row.detail.get("reason"),
    }
    return [_cell(values[name]) for name in CSV_COLUMNS]


def _cell(value: object) -> str:
    """A value as text; one that a spreadsheet would take for a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_STARTS_A_FORMULA):
        return f"'{value}"
    return str(value)


def _lines(rows: Iterable[Iterable[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
