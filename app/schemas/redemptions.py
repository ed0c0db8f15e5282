"""Points spent, held, freed and given back, on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.domain.account import Redemption as Row
from app.domain.commands import Cancel, Commit, Redeem, Refund
from app.domain.instants import rfc3339
from app.schemas.common import Answer, OrderId, Points, Reference, Wire
from app.schemas.parts import Balance, LotPart, Moment, shown

MAX_HOLD_SECONDS = 604_800

HoldSeconds = Annotated[int, Field(ge=1, le=MAX_HOLD_SECONDS, examples=[1800])]

_LOTS: list[dict[str, Any]] = [{"lot": 1, "points": 100, "expires_at": "2027-03-05T16:00:00Z"}]
_BALANCE = {"available": 200, "pending": 0, "reserved": 0, "debt": 0}


HOLDS_IF_RESERVED: list[dict[str, Any]] = [
    {"properties": {"hold_seconds": {"type": "null"}}},
    {"required": ["mode"], "properties": {"mode": {"const": "reserve"}}},
]
"""What the schema says of `hold_seconds`: it goes with `reserve` only."""


class RedemptionRequest(Wire):
    """Points to be spent, or held."""

    model_config = shown(
        {"reference": "r-2026-0001", "points": 100, "mode": "redeem", "order_id": "o-2026-0002"},
        {"reference": "r-2026-0002", "points": 100, "mode": "reserve", "hold_seconds": 900},
        anyOf=HOLDS_IF_RESERVED,
    )

    reference: Reference
    points: Points
    mode: Literal["redeem", "reserve"] = Field(
        "redeem", description="`redeem` spends at once; `reserve` holds the points until commit or cancel."
    )
    order_id: OrderId | None = Field(None, description="The order that is paid for.")
    hold_seconds: HoldSeconds | None = Field(
        None,
        description="How long a reservation holds; the program's time if absent (30 minutes by default). "
        "Goes with `reserve` only.",
    )

    @model_validator(mode="after")
    def _holds_only_if_reserved(self) -> RedemptionRequest:
        if self.hold_seconds is not None and self.mode != "reserve":
            raise PydanticCustomError("hold_without_reserve", "`hold_seconds` goes with mode `reserve` only")
        return self

    def to_command(self, member_id: str) -> Redeem:
        """What is asked of the ledger."""
        return Redeem(
            member_id=member_id,
            reference=self.reference,
            points=self.points,
            reserve=self.mode == "reserve",
            order_id=self.order_id,
            hold_seconds=self.hold_seconds,
        )


class Redemption(Answer):
    """Points that were spent or held."""

    model_config = shown(
        {
            "reference": "r-2026-0001",
            "status": "redeemed",
            "points": 100,
            "value": 100,
            "lots": _LOTS,
            "hold_expires_at": None,
            "balance": _BALANCE,
        }
    )

    reference: str = Field(examples=["r-2026-0001"])
    status: Literal["redeemed", "reserved"]
    points: int = Field(examples=[100])
    value: int = Field(description="What the points are worth, in the minor unit.", examples=[100])
    lots: list[LotPart] = Field(description="Which lots they came from, next to expire first.")
    hold_expires_at: Moment | None = Field(description="When a reservation frees itself; null if spent.")
    balance: Balance


class RedemptionState(Answer):
    """A redemption as it stands now."""

    model_config = shown(
        {
            "reference": "r-2026-0001",
            "status": "redeemed",
            "points": 100,
            "value": 100,
            "committed": 100,
            "refunded": 0,
            "order_id": "o-2026-0002",
            "lots": _LOTS,
            "hold_expires_at": None,
        }
    )

    reference: str = Field(examples=["r-2026-0001"])
    status: Literal["reserved", "redeemed", "cancelled", "expired"] = Field(
        description="`expired`: the reservation ran out and freed its points."
    )
    points: int = Field(description="As asked for.", examples=[100])
    value: int = Field(
        description="What the points are worth, in the minor unit: those spent, else those asked for.",
        examples=[100],
    )
    committed: int = Field(description="How many of them were spent.", examples=[100])
    refunded: int = Field(description="How many of the spent ones were given back.", examples=[0])
    order_id: str | None = Field(examples=["o-2026-0002"])
    lots: list[LotPart] = Field(description="What is held or spent now, by lot, in spending order.")
    hold_expires_at: Moment | None = Field(
        description="When the reservation frees, or freed, itself; null: it does not, or not any more."
    )


class CommitRequest(Wire):
    """How much of a reservation is spent; the body may be left out."""

    model_config = shown({"points": 80})

    points: Points | None = Field(
        default=None, description="All that is reserved, if absent; the rest is freed.", examples=[80]
    )

    def to_command(self, member_id: str, reference: str) -> Commit:
        """What is asked of the ledger."""
        return Commit(member_id=member_id, reference=reference, points=self.points)


class Committed(Answer):
    """A reservation that was spent."""

    model_config = shown(
        {
            "reference": "r-2026-0002",
            "status": "redeemed",
            "points": 80,
            "value": 80,
            "lots": [{"lot": 1, "points": 80, "expires_at": "2027-03-05T16:00:00Z"}],
            "hold_expires_at": None,
            "freed": 20,
            "expired": 0,
            "debt_paid": 0,
            "balance": {"available": 220, "pending": 0, "reserved": 0, "debt": 0},
        }
    )

    reference: str = Field(examples=["r-2026-0002"])
    status: Literal["redeemed"]
    points: int = Field(description="How many were spent.", examples=[80])
    value: int = Field(description="What they are worth, in the minor unit.", examples=[80])
    lots: list[LotPart]
    hold_expires_at: None = Field(description="Nothing is held any more.")
    freed: int = Field(description="How many were not needed and freed.", examples=[20])
    expired: int = Field(description="How many of the freed ones had expired meanwhile.", examples=[0])
    debt_paid: int = Field(description="How many of the freed ones paid a debt.", examples=[0])
    balance: Balance


class Cancellation(Wire):
    """Cancelling takes no fields: the body may be left out."""

    def to_command(self, member_id: str, reference: str) -> Cancel:
        """What is asked of the ledger."""
        return Cancel(member_id=member_id, reference=reference)


class Cancelled(Answer):
    """A reservation that was freed."""

    model_config = shown(
        {
            "reference": "r-2026-0002",
            "status": "cancelled",
            "points": 100,
            "lots": _LOTS,
            "expired": 0,
            "debt_paid": 0,
            "balance": {"available": 300, "pending": 0, "reserved": 0, "debt": 0},
        }
    )

    reference: str = Field(examples=["r-2026-0002"])
    status: Literal["cancelled"]
    points: int = Field(description="How many were freed.", examples=[100])
    lots: list[LotPart] = Field(description="Which lots they went back to.")
    expired: int = Field(description="How many of them had expired meanwhile.", examples=[0])
    debt_paid: int = Field(description="How many of them paid a debt.", examples=[0])
    balance: Balance


class RefundRequest(Wire):
    """How much of a redemption is given back."""

    model_config = shown({"reference": "refund-1", "points": 30})

    reference: Reference
    points: Points | None = Field(
        None, description="All that was not given back yet, if absent.", examples=[30]
    )

    def to_command(self, member_id: str, redemption: str) -> Refund:
        """What is asked of the ledger."""
        return Refund(
            member_id=member_id, redemption=redemption, reference=self.reference, points=self.points
        )


class Refunded(Answer):
    """Points that were given back to the lots they came from."""

    model_config = shown(
        {
            "redemption": "r-2026-0001",
            "reference": "refund-1",
            "points": 30,
            "rest": 70,
            "lots": [{"lot": 1, "points": 30, "expires_at": "2027-03-05T16:00:00Z"}],
            "expired": 0,
            "debt_paid": 0,
            "balance": {"available": 230, "pending": 0, "reserved": 0, "debt": 0},
        }
    )

    redemption: str = Field(description="The redemption's reference.", examples=["r-2026-0001"])
    reference: str = Field(description="This refund's reference.", examples=["refund-1"])
    points: int = Field(description="How many were given back.", examples=[30])
    rest: int = Field(description="How many of the redemption stay spent.", examples=[70])
    lots: list[LotPart] = Field(description="Which lots they went back to.")
    expired: int = Field(description="How many of them had expired meanwhile.", examples=[0])
    debt_paid: int = Field(description="How many of them paid a debt.", examples=[0])
    balance: Balance


def redemption_state(row: Row, *, expires_at: Mapping[int, datetime | None], value: int) -> RedemptionState:
    """The redemption as it is kept; `expires_at` of each of its lots, `value` in the minor unit."""
    return RedemptionState(
        reference=row.reference,
        status=cast(Any, row.status),
        points=row.points,
        value=value,
        committed=row.committed,
        refunded=row.refunded,
        order_id=row.order_id,
        lots=[
            LotPart(lot=lot, points=points, expires_at=rfc3339(expires_at[lot]))
            for lot, points in zip(row.lots, row.parts, strict=True)
        ],
        hold_expires_at=rfc3339(row.hold_expires_at) if row.status in ("reserved", "expired") else None,
    )
