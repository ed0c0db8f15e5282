"""Lots on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.queries.lots import LotRow
from app.schemas.common import Answer
from app.schemas.parts import shown

LotStatus = Literal["available", "reserved", "pending"]


class Lot(Answer):
    """Points granted at once, which expire together."""

    model_config = shown(
        {
            "lot": 1,
            "source": "order",
            "order_id": "o-2026-0001",
            "status": "available",
            "granted": 300,
            "remaining": 200,
            "reserved": 100,
            "pending": 0,
            "accrued_at": "2026-03-05T02:00:00Z",
            "expires_at": "2027-03-05T16:00:00Z",
        }
    )

    lot: int = Field(description="Its number, counted per member.")
    source: Literal[
        "order", "sign_in", "activity", "mission", "campaign", "referral", "adjustment", "transfer", "import"
    ]
    order_id: str | None
    status: LotStatus = Field(
        description="`available` while any of it can be spent, `reserved` when holds keep all that is left, "
        "`pending` until its order is settled."
    )
    granted: int = Field(description="How many points it began with.")
    remaining: int = Field(description="Points that can be spent.")
    reserved: int = Field(description="Points kept by holds; these can be committed after `expires_at` too.")
    pending: int = Field(description="Points that wait for the order to be settled.")
    accrued_at: datetime
    expires_at: datetime | None = Field(description="From then on they can't be spent; null: never.")


def lot_of(row: LotRow) -> dict[str, Any]:
    """The lot in `Lot`'s shape."""
    held = "available" if row.remaining else "reserved"
    return {
        **row._asdict(),
        "status": "pending" if row.pending else held,
        "remaining": 0 if row.pending else row.remaining,
        "pending": row.remaining if row.pending else 0,
    }
