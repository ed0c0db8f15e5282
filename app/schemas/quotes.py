"""Carts and what they cost, on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from app.domain.carts import MAX_LINES, Cart, CartLine, Wish
from app.domain.coupon_reasons import REASON_CODES
from app.schemas.accruals import LineId, Quantity
from app.schemas.common import MAX_AMOUNT, MAX_POINTS, AmountFen, Answer, MemberId, Wire, text
from app.schemas.coupon_templates import CouponCodeText
from app.schemas.parts import Part, shown

MAX_COUPONS = 50

_ITEMS: list[dict[str, Any]] = [
    {"line_id": "1", "sku": "tea-100", "category": "tea", "quantity": 2, "amount": 24000},
    {"line_id": "2", "sku": "cup-7", "brand": "Jingdezhen", "quantity": 1, "amount": 8000},
]
_QUOTE_REQUEST: dict[str, Any] = {
    "member_id": "u-1001",
    "items": _ITEMS,
    "shipping": 1000,
    "points": "max",
    "coupons": ["SPRING30"],
    "channel": "app",
}
QUOTE_EXAMPLE: dict[str, Any] = {
    "lines": [
        {
            "line_id": "1",
            "amount": 24000,
            "discounts": [{"source": "coupon:SPRING30", "amount": 2250}],
            "payable": 21750,
        },
        {
            "line_id": "2",
            "amount": 8000,
            "discounts": [{"source": "coupon:SPRING30", "amount": 750}],
            "payable": 7250,
        },
    ],
    "subtotal": 32000,
    "discount": 3000,
    "coupons": [{"code": "SPRING30", "template": "spring-30", "discount": 3000}],
    "promotions": [],
    "rejected": [],
    "fitting": [{"code": "SPRING30", "template": "spring-30", "discount": 3000}],
    "points": {"used": 400, "value": 400, "max": 400},
    "cash": {"used": 0, "max": 0},
    "shipping": {"amount": 1000, "payable": 1000},
    "payable": 29600,
    "earns": {
        "points": 286,
        "breakdown": [{"rule": "purchase", "label": "1 point per yuan", "points": 286, "version": 1}],
    },
    "tier_after": "bronze",
    "best_is_exact": None,
}


def _told_once(message: str) -> WrapValidator:
    """One mistake at the field's own place, instead of one for each kind of value that it isn't."""

    def check(value: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(value)
        except ValidationError as error:
            raise PydanticCustomError("wish", message) from error  # pyright: ignore[reportArgumentType] - a literal

    return WrapValidator(check)


def _each_once(codes: list[str]) -> list[str]:
    if len(set(codes)) < len(codes):
        raise ValueError
    return codes


PointsWish = Annotated[
    Annotated[int, Field(ge=0, le=MAX_POINTS)] | Literal["max"],
    _told_once('Should be an integer from 0 to 10^12, or "max"'),
    Field(
        description='How many points pay; "max": as many as may be used on this cart.', examples=[400, "max"]
    ),
]
CashWish = Annotated[
    Annotated[int, Field(ge=0, le=MAX_AMOUNT)] | Literal["max"],
    _told_once('Should be an integer from 0 to 10^12, or "max"'),
    Field(
        description='How much of the cash wallet pays, in the minor unit; "max": all that can.',
        examples=[1000, "max"],
    ),
]
CouponsWish = Annotated[
    Annotated[
        list[CouponCodeText],
        Field(max_length=MAX_COUPONS, json_schema_extra={"uniqueItems": True}),
        WrapValidator(lambda value, handler: _each_once(handler(value))),
    ]
    | Literal["best"],
    _told_once(f'Should be "best", or a list of at most {MAX_COUPONS} coupon codes, each once'),
    Field(
        description='Codes of the coupons to use; "best": those that save most. A public or unique code that is '
        "nobody's yet is claimed by using it.",
        examples=[["SPRING30"], "best"],
    ),
]


class CartItem(Wire):
    """One line of a cart."""

    line_id: LineId
    sku: Annotated[str, text(max_length=100)] = Field(examples=["tea-100"])
    category: Annotated[str, text(max_length=100)] | None = Field(None, examples=["tea"])
    brand: Annotated[str, text(max_length=100)] | None = Field(None, examples=["Jingdezhen"])
    quantity: Quantity
    amount: AmountFen = Field(
        description="The list price of all its pieces, before any discount, in the minor unit.",
        examples=[24000],
    )


class CartRequest(Wire):
    """What is to be bought."""

    model_config = shown({"items": _ITEMS, "shipping": 1000, "channel": "app"})

    items: list[CartItem] = Field(
        min_length=1, max_length=MAX_LINES, description="Each with a `line_id` of its own."
    )
    shipping: AmountFen = Field(
        0, description="What shipping costs before any discount, in the minor unit.", examples=[1000]
    )
    channel: Annotated[str, text(max_length=64)] | None = Field(
        None, description="Where it is bought: some coupons fit some channels only.", examples=["app"]
    )

    def to_cart(self) -> Cart:
        """The cart as the rules take it."""
        return Cart(
            tuple(
                CartLine(item.line_id, item.sku, item.category, item.brand, item.quantity, item.amount)
                for item in self.items
            ),
            self.shipping,
            self.channel,
        )


class QuoteRequest(CartRequest):
    """A cart, and how the member would pay for it."""

    model_config = shown(
        _QUOTE_REQUEST,
        {"member_id": "u-1001", "items": _ITEMS, "shipping": 1000, "points": 0, "coupons": "best"},
    )

    member_id: MemberId
    points: PointsWish = 0
    cash: CashWish = 0
    coupons: CouponsWish = Field(default_factory=list[str])

    def to_wish(self) -> Wish:
        """How the member would pay, as the rules take it."""
        coupons = self.coupons if isinstance(self.coupons, str) else tuple(self.coupons)
        return Wish(self.points, self.cash, coupons)


class LineDiscount(Answer):
    """What one source takes off a line."""

    source: str = Field(
        description="`promotion:<template>`, `campaign:<code>`, `tier:<code>` or `coupon:<code>`.",
        examples=["coupon:SPRING30"],
    )
    amount: int = Field(description="In the minor unit.", examples=[2250])


class QuotedLine(Answer):
    """One line as priced."""

    line_id: str = Field(examples=["1"])
    amount: int = Field(description="As it was sent.", examples=[24000])
    discounts: list[LineDiscount] = Field(description="In the order they apply.")
    payable: int = Field(description="The amount less its discounts.", examples=[21750])


class GiftShown(Answer):
    """What comes with the order for nothing."""

    sku: str = Field(examples=["cup-7"])
    quantity: int = Field(examples=[1])


class PromotionUsed(Answer):
    """What a template gives without a coupon."""

    template: str = Field(description="Its name, or `campaign:<code>` for a campaign.", examples=["tea-week"])
    discount: int = Field(description="Off goods and shipping together, in the minor unit.", examples=[3000])
    gift: GiftShown = Field(default=None, description="Only where there is one.")  # pyright: ignore[reportAssignmentType] - left out


class CouponNamed(Answer):
    """Which coupon, as it was named."""

    code: str = Field(examples=["SPRING30"])


class CouponUsed(PromotionUsed, CouponNamed):
    """What a coupon gives."""

    model_config = shown({"code": "SPRING30", "template": "spring-30", "discount": 3000})


class ReasonShown(Answer):
    """Why a coupon does not apply."""

    model_config = shown(
        {
            "code": "threshold_not_reached",
            "detail": "Goods for 2000 more, in the minor unit, are needed to use the coupon.",
            "missing": 2000,
        },
        extra="allow",
    )

    code: str = Field(
        description="Stable, for programs. One of: "
        + ", ".join(f"`{code}`" for code in REASON_CODES)
        + "; or, for "
        "a code that is claimed by using it, what claiming it would refuse.",
        examples=["threshold_not_reached"],
    )
    detail: str = Field(description="For people.")
    missing: int = Field(
        default=0,
        description="How much is missing: goods in the minor unit with `threshold_not_reached`, pieces with "
        "`quantity_not_reached`. Only there.",
        examples=[2000],
    )
    stacks_not_with: list[str] = Field(
        default_factory=list[str],
        alias="with",
        description="The coupons and promotions it can't be used with. Only with `not_stackable`.",
        examples=[["WELCOME"]],
    )


class CouponRejected(Answer):
    """A coupon that does not apply, with every reason."""

    code: str = Field(examples=["SPRING80"])
    reasons: list[ReasonShown]


class PointsQuoted(Answer):
    """Points that pay."""

    used: int = Field(examples=[400])
    value: int = Field(description="What they are worth, in the minor unit.", examples=[400])
    max: int = Field(description="The most that may be used on this cart now.", examples=[400])


class CashQuoted(Answer):
    """Of the cash wallet, in the minor unit."""

    used: int = Field(examples=[0])
    max: int = Field(description="The most that may be used on this cart beside the points.", examples=[0])


class ShippingQuoted(Answer):
    """Shipping, in the minor unit."""

    amount: int = Field(description="As it was sent.", examples=[1000])
    payable: int = Field(examples=[1000])
    free_by: str = Field(
        default="", description="What makes it free; left out if nothing does.", examples=["tier:gold"]
    )


class Earnings(Answer):
    """What the order will earn."""

    points: int = Field(examples=[286])
    breakdown: list[Part]


class Quote(Answer):
    """What a cart costs: sum of the lines' payable + shipping payable - points value - cash = payable."""

    model_config = shown(QUOTE_EXAMPLE)

    lines: list[QuotedLine] = Field(description="As they were sent, each with its share of every discount.")
    subtotal: int = Field(description="The lines' amounts.", examples=[32000])
    discount: int = Field(description="What comes off the goods.", examples=[3000])
    coupons: list[CouponUsed] = Field(description="Those that apply, in the order they do.")
    promotions: list[PromotionUsed] = Field(description="What applies without a coupon.")
    rejected: list[CouponRejected] = Field(
        description="The named coupons that don't apply, and those of the member that don't fit."
    )
    fitting: list[CouponUsed] = Field(
        description="Each coupon that fits this cart, used or not, with what it saves alone."
    )
    points: PointsQuoted
    cash: CashQuoted
    shipping: ShippingQuoted
    payable: int = Field(description="What is left to be paid in money, in the minor unit.", examples=[29600])
    earns: Earnings
    tier_after: str = Field(description="The member's tier once the order is settled.", examples=["silver"])
    best_is_exact: bool | None = Field(
        description="Whether the best combination is proven to be; false beyond 10 coupons that fit, null where "
        "the coupons were named."
    )
