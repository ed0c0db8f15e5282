"""Orders that earn points, on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.domain.account import Lot
from app.domain.commands import Accrue, Reverse, Settle
from app.domain.earning import Line, told_parts
from app.domain.instants import rfc3339
from app.domain.orders import order_of
from app.domain.program import Program
from app.schemas.common import MAX_AMOUNT, AmountFen, Answer, Instant, OrderId, Reference, Wire, text
from app.schemas.parts import Balance, Moment, Part, TierAfter, shown

MAX_ITEMS = 500
MAX_QUANTITY = 10**9

LineId = Annotated[
    str, text(max_length=64), Field(description="Names the item within its order.", examples=["1"])
]
Quantity = Annotated[int, Field(ge=1, le=MAX_QUANTITY, examples=[2])]

_ACCRUAL_REQUEST: dict[str, Any] = {
    "order_id": "o-2026-0001",
    "amount": 30000,
    "channel": "app",
    "items": [
        {"line_id": "1", "sku": "tea-100", "category": "tea", "quantity": 2, "amount": 20000},
        {"line_id": "2", "sku": "cup-7", "brand": "Jingdezhen", "quantity": 1, "amount": 10000},
    ],
}
_ACCRUAL: dict[str, Any] = {
    "order_id": "o-2026-0001",
    "status": "settled",
    "points": 300,
    "breakdown": [{"rule": "purchase", "label": "1 point per yuan", "points": 300, "version": 1}],
    "expires_at": "2027-03-05T16:00:00Z",
    "debt_paid": 0,
    "balance": {"available": 300, "pending": 0, "reserved": 0, "debt": 0},
    "tier": {"code": "silver", "changed": True},
}


AMOUNT_OR_ITEMS: list[dict[str, Any]] = [
    {"required": ["amount"], "properties": {"amount": {"type": "integer"}, "items": {"type": "null"}}},
    {"required": ["items"], "properties": {"items": {"type": "array"}, "amount": {"type": "null"}}},
]
"""What the schema of a refund says of the two: one is named and the other is not."""


class ItemRequest(Wire):
    """One line of an order."""

    line_id: LineId
    sku: Annotated[str, text(max_length=100)] = Field(examples=["tea-100"])
    category: Annotated[str, text(max_length=100)] | None = Field(None, examples=["tea"])
    brand: Annotated[str, text(max_length=100)] | None = Field(None, examples=["Jingdezhen"])
    quantity: Quantity
    amount: AmountFen = Field(description="Paid for all of the line, in the minor unit.")


class AccrualRequest(Wire):
    """An order that earns points."""

    model_config = shown(_ACCRUAL_REQUEST)

    order_id: OrderId
    amount: AmountFen = Field(
        description="What was paid for goods, after discounts and points, without shipping, in the minor "
        "unit of the program's currency: 30000 is 300 yuan."
    )
    occurred_at: Instant | None = Field(
        None,
        description="When the order was placed; now, if absent. May lie in the past, before the member "
        "joined too, but at most a day ahead. Validity counts from here.",
        examples=["2026-03-05T10:00:00+08:00"],
    )
    channel: Annotated[str, text(max_length=64)] | None = Field(None, examples=["app"])
    items: list[ItemRequest] | None = Field(
        None,
        min_length=1,
        max_length=MAX_ITEMS,
        description="The order's lines, each with a `line_id` of its own; their amounts add up to `amount`.",
    )
    settle: Literal["now", "later"] = Field(
        "now",
        description="`later` keeps the points pending until the order is settled (goods received, return "
        "period over), at the latest when the program says.",
    )

    def to_command(self, member_id: str) -> Accrue:
        """What is asked of the ledger."""
        return Accrue(
            member_id=member_id,
            order_id=self.order_id,
            amount=self.amount,
            occurred_at=self.occurred_at,
            channel=self.channel,
            items=tuple(
                Line(item.line_id, item.sku, item.category, item.brand, item.quantity, item.amount)
                for item in self.items
            )
            if self.items
            else (),
            settle=self.settle == "now",
        )


class Accrual(Answer):
    """What an order earned."""

    model_config = shown(_ACCRUAL)

    order_id: str = Field(examples=["o-2026-0001"])
    status: Literal["settled", "pending"]
    points: int = Field(description="The sum of the breakdown.", examples=[300])
    breakdown: list[Part] = Field(description="Which rule gave how much.")
    expires_at: Moment | None = Field(description="When the points expire; null: never, or none were given.")
    debt_paid: int = Field(description="How many of the points paid a debt.", examples=[0])
    balance: Balance
    tier: TierAfter


class AccrualState(Answer):
    """An order as it stands now."""

    model_config = shown(
        {
            "order_id": "o-2026-0001",
            "status": "settled",
            "amount": 30000,
            "refunded": 12000,
            "points": 180,
            "granted": 300,
            "breakdown": _ACCRUAL["breakdown"],
            "channel": "app",
            "occurred_at": "2026-03-05T02:00:00Z",
            "expires_at": "2027-03-05T16:00:00Z",
            "settles_at": None,
        }
    )

    order_id: str = Field(examples=["o-2026-0001"])
    status: Literal["settled", "pending", "reversed"] = Field(
        description="`reversed` once all of the amount was refunded."
    )
    amount: int = Field(description="As it was accrued, in the minor unit.", examples=[30000])
    refunded: int = Field(description="How much of the amount was refunded since.", examples=[12000])
    points: int = Field(description="What is left of the order is worth these points.", examples=[180])
    granted: int = Field(description="The points the order was granted at first.", examples=[300])
    breakdown: list[Part] = Field(description="Which rule gave how much of `granted`.")
    channel: str | None = Field(examples=["app"])
    occurred_at: Moment
    expires_at: Moment | None = Field(description="When the points expire; null: never, or none were given.")
    settles_at: Moment | None = Field(description="When a pending order settles by itself.")


class Settlement(Wire):
    """Settling takes no fields: the body may be left out."""

    def to_command(self, member_id: str, order_id: str) -> Settle:
        """What is asked of the ledger."""
        return Settle(member_id=member_id, order_id=order_id)


class ReturnedItemRequest(Wire):
    """What came back of one line: so many pieces, so much of its amount; without either all that is left."""

    line_id: LineId
    quantity: Quantity | None = Field(None, examples=[1])
    amount: AmountFen | None = Field(None, examples=[10000])


class ReversalRequest(Wire):
    """A refund, by amount or by items."""

    model_config = shown(
        {"reference": "refund-1", "amount": 12000},
        {"reference": "refund-2", "items": [{"line_id": "1", "quantity": 1}]},
        oneOf=AMOUNT_OR_ITEMS,
    )

    reference: Reference
    amount: Annotated[int, Field(ge=1, le=MAX_AMOUNT)] | None = Field(
        None, description="How much was refunded, in the minor unit.", examples=[12000]
    )
    items: list[ReturnedItemRequest] | None = Field(None, min_length=1, max_length=MAX_ITEMS)

    @model_validator(mode="after")
    def _names_one(self) -> ReversalRequest:
        if (self.amount is None) == (self.items is None):
            raise PydanticCustomError("amount_or_items", "Should name either `amount` or `items`")
        return self

    def to_command(self, member_id: str, order_id: str) -> Reverse:
        """What is asked of the ledger."""
        return Reverse(
            member_id=member_id,
            order_id=order_id,
            reference=self.reference,
            amount=self.amount,
            items=tuple((item.line_id, item.quantity, item.amount) for item in self.items or ()),
        )


class Reversal(Answer):
    """What a refund took back."""

    model_config = shown(
        {
            "order_id": "o-2026-0001",
            "reference": "refund-1",
            "amount": 12000,
            "points": 120,
            "recovered": 120,
            "shortfall": 0,
            "balance": {"available": 180, "pending": 0, "reserved": 0, "debt": 0},
            "tier": {"code": "bronze", "changed": True},
        }
    )

    order_id: str = Field(examples=["o-2026-0001"])
    reference: str = Field(examples=["refund-1"])
    amount: int = Field(description="How much was refunded, in the minor unit.", examples=[12000])
    points: int = Field(description="The points the refunded part had earned.", examples=[120])
    recovered: int = Field(description="How many of them were taken back.", examples=[120])
    shortfall: int = Field(description="How many were spent already and became debt.", examples=[0])
    balance: Balance
    tier: TierAfter


def accrual_state(
    lot: Lot, *, occurred_at: datetime, detail: Mapping[str, Any], programs: Mapping[int, Program]
) -> AccrualState:
    """The order kept in `lot`; `detail` is that of the entry that accrued it."""
    order = order_of(lot)
    is_reversed = order.amount > 0 and order.rest == 0
    kept = order.earned(tier=lot.tier or "", program=programs[lot.program_version])
    return AccrualState(
        order_id=lot.order_id or "",
        status="reversed" if is_reversed else "pending" if lot.pending else "settled",
        amount=order.amount,
        refunded=order.refunded,
        points=kept.points,
        granted=lot.granted,
        breakdown=[Part(**part) for part in told_parts(detail["breakdown"], version=lot.program_version)],
        channel=order.channel,
        occurred_at=rfc3339(occurred_at),
        expires_at=rfc3339(lot.expires_at),
        settles_at=rfc3339(lot.settle_at),
    )
