"""Checkouts on the wire: a cart that is held, completed, cancelled, refunded."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.domain.answers import answer
from app.domain.checkout_commands import (
    CancelCheckout,
    CompleteCheckout,
    ExtendCheckout,
    HoldCheckout,
    RefundCheckout,
)
from app.domain.identifiers import ID_PATTERN
from app.domain.instants import rfc3339
from app.queries.checkouts import CheckoutRow
from app.schemas.accruals import AMOUNT_OR_ITEMS, MAX_ITEMS, Accrual, ReturnedItemRequest
from app.schemas.common import MAX_AMOUNT, Answer, Reference, Wire
from app.schemas.parts import Balance, Moment, TierAfter, shown
from app.schemas.quotes import QUOTE_EXAMPLE, Quote, QuoteRequest
from app.schemas.redemptions import HoldSeconds

_MOST = 2 * MAX_AMOUNT
"""Goods and shipping together."""

_ID = {"checkout_id": "o-2026-0042", "member_id": "u-1001"}
_HELD_UNTIL = "2026-03-05T02:30:00Z"
_HOLD_REQUEST: dict[str, Any] = {
    "checkout_id": "o-2026-0042",
    "member_id": "u-1001",
    "items": [
        {"line_id": "1", "sku": "tea-100", "category": "tea", "quantity": 2, "amount": 24000},
        {"line_id": "2", "sku": "cup-7", "brand": "Jingdezhen", "quantity": 1, "amount": 8000},
    ],
    "shipping": 1000,
    "points": 400,
    "coupons": ["SPRING30"],
    "channel": "app",
    "hold_seconds": 1800,
    "quoted": {"payable": 29600},
}
_HELD_QUOTE: dict[str, Any] = {**QUOTE_EXAMPLE, "fitting": []}
_BALANCE = {"available": 15, "pending": 0, "reserved": 400, "debt": 0}

CheckoutId = Annotated[
    str,
    Field(
        pattern=ID_PATTERN,
        description="The shop's own id of the checkout, unique among all members: once completed, the order's.",
        examples=["o-2026-0042"],
    ),
]
SomeMoney = Annotated[int, Field(ge=0, le=_MOST)]


class QuotedFigures(Wire):
    """What the customer was shown; each figure that is given must be so still."""

    payable: SomeMoney | None = Field(None, examples=[29600])
    discount: SomeMoney | None = Field(None, description="What comes off the goods.", examples=[3000])
    shipping: SomeMoney | None = Field(None, description="What is to be paid for shipping.", examples=[1000])
    points: SomeMoney | None = Field(None, description="How many points are used.", examples=[400])
    cash: SomeMoney | None = Field(None, description="How much of the cash wallet is used.", examples=[0])
    earns: SomeMoney | None = Field(None, description="How many points are earned.", examples=[286])

    def figures(self) -> tuple[tuple[str, int], ...]:
        """Those that are given, by name."""
        given = ((name, getattr(self, name)) for name in type(self).model_fields)
        return tuple((name, figure) for name, figure in given if figure is not None)


class HoldRequest(QuoteRequest):
    """A cart to be held, as it was quoted."""

    model_config = shown(_HOLD_REQUEST)

    checkout_id: CheckoutId
    hold_seconds: HoldSeconds | None = Field(
        None, description="How long it is held; the program's time if absent (30 minutes by default)."
    )
    settle: Literal["now", "later"] = Field(
        "now",
        description="`later` keeps the points it will earn pending until the order is settled, under its "
        "`checkout_id`.",
    )
    quoted: QuotedFigures | None = Field(
        None, description="What was quoted: if it is otherwise now, nothing is held."
    )

    def to_command(self) -> HoldCheckout:
        """What is asked of the ledger."""
        return HoldCheckout(
            member_id=self.member_id,
            checkout_id=self.checkout_id,
            cart=self.to_cart(),
            wish=self.to_wish(),
            hold_seconds=self.hold_seconds,
            settle=self.settle == "now",
            quoted=() if self.quoted is None else self.quoted.figures(),
        )


class CheckoutNamed(Answer):
    """Which checkout, and whose."""

    checkout_id: str = Field(examples=["o-2026-0042"])
    member_id: str = Field(examples=["u-1001"])


class HeldCheckout(Quote, CheckoutNamed):
    """A cart that is held: points reserved, cash taken out of the wallet, coupons locked."""

    model_config = shown(
        {**_ID, "status": "held", "hold_expires_at": _HELD_UNTIL, **_HELD_QUOTE, "balance": _BALANCE}
    )

    status: Literal["held"]
    hold_expires_at: Moment = Field(description="When the hold frees itself.")
    balance: Balance


class ExtendRequest(Wire):
    """How long a hold lasts from now on."""

    model_config = shown({"hold_seconds": 3600})

    hold_seconds: HoldSeconds = Field(description="At least so long from now; a hold is never shortened.")

    def to_command(self, checkout_id: str) -> ExtendCheckout:
        """What is asked of the ledger."""
        return ExtendCheckout(member_id="", checkout_id=checkout_id, hold_seconds=self.hold_seconds)


class CompleteRequest(Wire):
    """How the checkout was paid; the body may be left out."""

    model_config = shown({"paid": 29600}, {"earn_only": True})

    paid: SomeMoney | None = Field(
        default=None,
        description="What was really paid in money, shipping included, in the minor unit; all that was payable, "
        "if absent. The order earns on it.",
        examples=[29600],
    )
    earn_only: bool = Field(
        default=False,
        description="After the hold lapsed: complete without those points, cash and coupons that are not free any "
        "more, so that money taken is not left without its points.",
    )

    def to_command(self, checkout_id: str) -> CompleteCheckout:
        """What is asked of the ledger."""
        return CompleteCheckout(
            member_id="", checkout_id=checkout_id, paid=self.paid, earn_only=self.earn_only
        )


class Missing(Answer):
    """What a checkout was completed without, since its hold had lapsed."""

    model_config = shown({"what": "points", "needed": 400, "available": 150})

    what: Literal["points", "cash", "coupon"]
    needed: int = Field(default=0, description="Of points or cash.", examples=[400])
    available: int = Field(default=0, description="How much of it was free, and was used.", examples=[150])
    code: str = Field(default="", description="Of a coupon.", examples=["SPRING30"])
    reason: str = Field(default="", description="Why it can't be used.", examples=["coupon_expired"])


_ACCRUAL: dict[str, Any] = {
    "order_id": "o-2026-0042",
    "status": "settled",
    "points": 286,
    "breakdown": QUOTE_EXAMPLE["earns"]["breakdown"],
    "expires_at": "2027-03-05T16:00:00Z",
    "debt_paid": 0,
    "balance": {"available": 301, "pending": 0, "reserved": 0, "debt": 0},
    "tier": {"code": "bronze", "changed": False},
}
_GIVEN_BACK: dict[str, Any] = {"amount": 10725, "points": 150, "cash": 0, "coupons": []}
_COMPLETED: dict[str, Any] = {"paid": 29600, "missing": [], "accrual": _ACCRUAL}


class CompletedCheckout(Quote, CheckoutNamed):
    """A checkout that was paid: what it held is spent, and it earned as an order."""

    model_config = shown(
        {
            **_ID,
            "status": "completed",
            "hold_expires_at": None,
            **_HELD_QUOTE,
            "balance": _ACCRUAL["balance"],
            **_COMPLETED,
        }
    )

    status: Literal["completed"]
    hold_expires_at: None = Field(description="Nothing is held any more.")
    balance: Balance
    paid: int = Field(
        description="What was paid in money, shipping included, in the minor unit.", examples=[29600]
    )
    missing: list[Missing] = Field(
        description="What it was completed without, asked for with `earn_only`; none as a rule."
    )
    accrual: Accrual


class CancelRequest(Wire):
    """Cancelling takes no fields: the body may be left out."""

    def to_command(self, checkout_id: str) -> CancelCheckout:
        """What is asked of the ledger."""
        return CancelCheckout(member_id="", checkout_id=checkout_id)


class Freed(Answer):
    """What was held and is free again."""

    points: int = Field(examples=[400])
    cash: int = Field(description="In the minor unit.", examples=[0])
    coupons: list[str] = Field(description="Their codes.", examples=[["7KQ2M9XTBH4WRC3V"]])


class CancelledCheckout(CheckoutNamed):
    """A checkout that was cancelled."""

    model_config = shown(
        {
            **_ID,
            "status": "cancelled",
            "freed": {"points": 400, "cash": 0, "coupons": ["7KQ2M9XTBH4WRC3V"]},
            "expired": 0,
            "debt_paid": 0,
            "balance": {"available": 415, "pending": 0, "reserved": 0, "debt": 0},
        }
    )

    status: Literal["cancelled"]
    freed: Freed
    expired: int = Field(description="How many of the points had expired meanwhile.", examples=[0])
    debt_paid: int = Field(description="How many of the points paid a debt.", examples=[0])
    balance: Balance


class CheckoutRefundRequest(Wire):
    """A refund, by amount or by items, in terms of what the lines cost after discounts."""

    model_config = shown(
        {"reference": "refund-1", "items": [{"line_id": "1", "quantity": 1}]},
        {"reference": "refund-2", "amount": 5000},
        oneOf=AMOUNT_OR_ITEMS,
    )

    reference: Reference
    amount: Annotated[int, Field(ge=1, le=_MOST)] | None = Field(
        None,
        description="How much of the lines' payable is undone, in the minor unit: points, cash and money come back "
        "by their shares of it. What goes beyond the goods refunds shipping.",
        examples=[5000],
    )
    items: list[ReturnedItemRequest] | None = Field(None, min_length=1, max_length=MAX_ITEMS)

    @model_validator(mode="after")
    def _names_one(self) -> CheckoutRefundRequest:
        if (self.amount is None) == (self.items is None):
            raise PydanticCustomError("amount_or_items", "Should name either `amount` or `items`")
        return self

    def to_command(self, checkout_id: str) -> RefundCheckout:
        """What is asked of the ledger."""
        return RefundCheckout(
            member_id="",
            checkout_id=checkout_id,
            reference=self.reference,
            amount=self.amount,
            items=tuple((item.line_id, item.quantity, item.amount) for item in self.items or ()),
        )


class GivenBack(Answer):
    """What is given back to the customer."""

    amount: int = Field(description="Money to pay back, in the minor unit.", examples=[10725])
    points: int = Field(examples=[150])
    cash: int = Field(description="To the cash wallet, in the minor unit.", examples=[0])
    coupons: list[str] = Field(
        description="Those that can be used again: once all is refunded, where their template says so.",
        examples=[[]],
    )


class TakenBack(Answer):
    """What the refunded part had earned."""

    points: int = Field(examples=[108])
    recovered: int = Field(description="How many of them were taken back.", examples=[108])
    shortfall: int = Field(description="How many were spent already and became debt.", examples=[0])


class RefundedCheckout(CheckoutNamed):
    """What a refund gave back and took back."""

    model_config = shown(
        {
            **_ID,
            "reference": "refund-1",
            "refunded": _GIVEN_BACK,
            "taken_back": {"points": 108, "recovered": 108, "shortfall": 0},
            "status": "partially_refunded",
            "expired": 0,
            "debt_paid": 0,
            "balance": {"available": 343, "pending": 0, "reserved": 0, "debt": 0},
            "tier": {"code": "bronze", "changed": False},
        }
    )

    reference: str = Field(examples=["refund-1"])
    refunded: GivenBack
    taken_back: TakenBack
    status: Literal["partially_refunded", "refunded"]
    expired: int = Field(description="How many of the points had expired meanwhile.", examples=[0])
    debt_paid: int = Field(description="How many of the points paid a debt.", examples=[0])
    balance: Balance
    tier: TierAfter


class RefundShown(Answer):
    """One refund of a checkout."""

    reference: str = Field(examples=["refund-1"])
    refunded: GivenBack
    refunded_at: Moment


class Kept(Answer):
    """What a checkout holds, or spent less what was refunded."""

    points: int = Field(examples=[400])
    cash: int = Field(description="In the minor unit.", examples=[0])
    coupons: list[str] = Field(description="The codes of the coupons it locked or used.", examples=[[]])


class CheckoutState(Quote, CheckoutNamed):
    """A checkout as it stands now: the figures it was held at, and what became of it."""

    model_config = shown(
        {
            **_ID,
            "status": "partially_refunded",
            "held_at": "2026-03-05T02:00:00Z",
            "hold_expires_at": None,
            **_HELD_QUOTE,
            "keeps": {"points": 250, "cash": 0, "coupons": ["7KQ2M9XTBH4WRC3V"]},
            **_COMPLETED,
            "completed_at": "2026-03-05T02:10:00Z",
            "refunded": _GIVEN_BACK,
            "refunds": [
                {
                    "reference": "refund-1",
                    "refunded": _GIVEN_BACK,
                    "refunded_at": "2026-03-06T02:00:00Z",
                }
            ],
        }
    )

    status: Literal["held", "completed", "partially_refunded", "refunded", "cancelled", "lapsed"]
    held_at: Moment
    hold_expires_at: Moment | None = Field(
        description="When the hold frees, or freed, itself; null once it is completed."
    )
    keeps: Kept
    completed_at: Moment | None
    paid: int | None = Field(description="What was paid in money, in the minor unit; null until completed.")
    missing: list[Missing] = Field(description="What it was completed without.")
    accrual: Accrual | None = Field(description="What it earned when it was completed; null until then.")
    refunded: GivenBack = Field(description="All refunds together.")
    refunds: list[RefundShown] = Field(description="In the order they were made.")


def checkout_state(row: CheckoutRow) -> CheckoutState:
    """The checkout as it is kept and told by its entries."""
    checkout, (hold, held) = row.checkout, row.hold
    body = answer(hold, held)
    del body["balance"]
    completed: dict[str, Any] = {"paid": None, "missing": [], "accrual": None}
    if row.order is not None:
        order, detail = row.order
        told = answer(order, {**held, **detail})
        completed = {name: told[name] for name in completed}
    refunds = [(entry, answer(entry, detail)) for entry, detail in row.refunds]
    given = [refund["refunded"] for _, refund in refunds]
    returned = [code for each in given for code in each["coupons"]]
    is_over = checkout.status in ("cancelled", "lapsed")
    return CheckoutState.model_validate(
        {
            **body,
            "status": checkout.status,
            "held_at": rfc3339(hold.recorded_at),
            "hold_expires_at": None if checkout.status == "cancelled" else rfc3339(checkout.hold_expires_at),
            "keeps": {
                "points": 0 if is_over else checkout.points - checkout.points_refunded,
                "cash": 0 if is_over else checkout.cash - checkout.cash_refunded,
                "coupons": [] if is_over else [code for code in checkout.coupons if code not in returned],
            },
            **completed,
            "completed_at": None if row.order is None else rfc3339(row.order[0].recorded_at),
            "refunded": {
                **{name: sum(each[name] for each in given) for name in ("amount", "points", "cash")},
                "coupons": returned,
            },
            "refunds": [
                {
                    "reference": refund["reference"],
                    "refunded": refund["refunded"],
                    "refunded_at": rfc3339(entry.recorded_at),
                }
                for entry, refund in refunds
            ],
        }
    )
