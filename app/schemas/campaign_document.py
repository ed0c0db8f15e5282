"""What a campaign says, on the wire.

The fields are named and described here; what they hold is read by the domain (`domain/campaign_document.py`), which
finds every mistake with its place, whether the document comes alone, with a simulation or out of the database.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SkipValidation

from app.domain.campaigns import Trigger
from app.domain.identifiers import ID_PATTERN
from app.expressions import MAX_LENGTH
from app.festivals import NAMES
from app.schemas.common import Instant, Wire, text
from app.schemas.parts import shown

_MOST = 10**9

CampaignCode = Annotated[
    str,
    Field(pattern=ID_PATTERN, description="The campaign's name, the shop's own.", examples=["member-day"]),
]
Name = Annotated[str, text(max_length=100)]
Names = Annotated[list[Name], Field(min_length=1, max_length=1_000, description="Each once.")]
_MOST_CHANCES = 1_000
SomePoints = Annotated[int, Field(ge=1, le=_MOST, examples=[500])]
Limit = Annotated[int, Field(ge=1, le=10**12, examples=[1_000_000])]
Expression = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]

MEMBER_DAY: dict[str, Any] = {
    "name": "会员日双倍积分",
    "trigger": "order",
    "window": {"from": "2026-03-01T00:00:00+08:00", "rrule": "FREQ=MONTHLY;BYDAY=1SA"},
    "audience": 'member.tier in ["gold", "platinum"]',
    "condition": "order.amount >= 10000",
    "effects": [{"kind": "multiply_points", "factor": "2"}],
    "budget": {"points": 1_000_000, "per_member": 5_000},
    "priority": 10,
    "holdout_percent": 10,
}
WELCOME: dict[str, Any] = {
    "name": "新人礼",
    "trigger": "enrolment",
    "effects": [{"kind": "add_points", "points": 100}, {"kind": "add_chances", "chances": 1}],
}


class LinesPart(Wire):
    """Which lines of an order it is for: named by any of the three."""

    skus: Names | None = Field(None, examples=[["tea-100"]])
    categories: Names | None = Field(None, examples=[["tea"]])
    brands: Names | None = Field(None, examples=[["Jingdezhen"]])


class MultiplyPoints(Wire):
    """The points of an order, a sign-in, an activity or an invitation become so many times as many."""

    kind: Literal["multiply_points"]
    factor: str = Field(
        pattern=r"^\d{1,3}(\.\d{1,6})?$",
        description="A decimal number above 1 and at most 100. Several multiply; the points of an order are rounded "
        "down once, at the end.",
        examples=["2"],
    )
    lines: LinesPart | None = Field(None, description="Of an order; absent: all of its lines.")


class AddPoints(Wire):
    """Points besides: of an order those of the part that is not refunded are kept."""

    kind: Literal["add_points"]
    points: SomePoints


class AddGrowth(Wire):
    """Growth value besides."""

    kind: Literal["add_growth"]
    growth: SomePoints


class AddChances(Wire):
    """Chances in the lottery."""

    kind: Literal["add_chances"]
    chances: Annotated[int, Field(ge=1, le=_MOST_CHANCES, examples=[1])]


class IssueCoupon(Wire):
    """Coupons of a template."""

    kind: Literal["issue_coupon"]
    template: str = Field(pattern=ID_PATTERN, description="A coupon template's name.", examples=["spring-30"])
    count: Annotated[int, Field(ge=1, le=20)] | None = Field(None, description="Absent: one.", examples=[1])


class Discount(Wire):
    """Percent off, when a cart is priced."""

    kind: Literal["discount"]
    percent_off: int = Field(ge=1, le=100, description="10 takes a tenth off (9折).", examples=[10])
    max_discount: Annotated[int, Field(ge=1, le=10**12)] | None = Field(
        None, description="At most this comes off, in the minor unit.", examples=[5000]
    )
    lines: LinesPart | None = Field(None, description="Absent: all lines.")


class CampaignGift(Wire):
    """What comes with the order for nothing."""

    kind: Literal["gift"]
    sku: Name = Field(examples=["cup-7"])
    quantity: int = Field(ge=1, le=20, examples=[1])


class FreeShipping(Wire):
    """Shipping for nothing."""

    kind: Literal["free_shipping"]


EffectPart = Annotated[
    MultiplyPoints
    | AddPoints
    | AddGrowth
    | AddChances
    | IssueCoupon
    | Discount
    | CampaignGift
    | FreeShipping,
    Field(discriminator="kind"),
]


class WindowPart(Wire):
    """When it gives; what is absent is not asked."""

    from_at: Instant | None = Field(None, alias="from")
    until: Instant | None = None
    rrule: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None,
        description="Of that time only the days that this rule (RFC 5545) names: whole days of the program's zone, "
        "counted from the day of `from`, or else the day the campaign was made.",
        examples=["FREQ=MONTHLY;BYDAY=1SA"],
    )


class BudgetPart(Wire):
    """The most points it gives; the last grant is what is left. What came back after refunds is not given anew."""

    points: Limit | None = Field(None, description="In all.")
    per_member: Limit | None = Field(None, description="To one member.", examples=[5_000])
    per_day: Limit | None = Field(None, description="To all members together on one day.", examples=[50_000])


class CampaignTerms(Wire):
    """What a campaign says."""

    model_config = shown(MEMBER_DAY, WELCOME)

    name: SkipValidation[Name] = Field(description="Shown to members.", examples=["会员日双倍积分"])
    trigger: SkipValidation[Trigger] = Field(
        description="What it follows. `order`, `sign_in`, `activity` and `referral` earn points already, which it "
        "raises; the others it pays by itself, once for each occasion: `enrolment`, each tier reached by rising "
        "(`tier_change`; what it paid is taken back when a refund takes the tier), each year's month of the "
        "`birthday`, each day that its window names (`schedule`) or on which a holiday begins (`holiday`), each time a "
        "member falls dormant (`dormancy`), once when the points available reach a `balance`, and to those who took "
        "part in another campaign when that ends (`campaign_end`).",
        examples=["order"],
    )
    effects: SkipValidation[Annotated[list[EffectPart], Field(min_length=1, max_length=10)]] = Field(
        description="`multiply_points` goes with `order`, `sign_in`, `activity` and `referral`; `discount`, `gift` and "
        "`free_shipping` with `order` alone, and act when the cart is priced."
    )
    window: SkipValidation[WindowPart | None] = Field(None, description="Absent: for good.")
    tiers: SkipValidation[Names | None] = Field(
        None, description="Only for members of these tiers. Absent: all.", examples=[["gold", "platinum"]]
    )
    audience: SkipValidation[Expression | None] = Field(
        None,
        description="Only for members for whom this condition in CEL holds: over `member` (tier, region, gender, "
        "spend, orders, joined_at, birthday_month, attributes), `now` and `local` (date, year, month, day, "
        "weekday from 1 for Monday, hour, all in the program's zone).",
        examples=['member.tier in ["gold", "platinum"]'],
    )
    condition: SkipValidation[Expression | None] = Field(
        None,
        description="Only if this condition in CEL holds: over all that the audience may ask and what triggers it: "
        "`order` (amount in the minor unit, channel, first, skus, categories, brands, and items with line_id, sku, "
        "category, brand, quantity and amount), or `event` (kind and level of an activity, streak of a sign_in, "
        "from and to of a tier_change, invitations of a referral). Lists take exists(), all(), exists_one(). One that "
        "can't be evaluated gives nothing, and is counted in `failures`.",
        examples=['order.items.exists(item, item.category == "tea")'],
    )
    budget: SkipValidation[BudgetPart | None] = Field(None, description="Absent: without limit.")
    priority: SkipValidation[Annotated[int, Field(ge=-1_000, le=1_000)] | None] = Field(
        None, description="Higher ones apply first, of equals by name. Absent: 0.", examples=[10]
    )
    stacks: SkipValidation[bool | None] = Field(
        None,
        description="Whether it goes together with others. One that doesn't applies only as the first, and then alone; "
        "with schedule, holiday, dormancy, balance and campaign_end each pays at its own time anyway. Absent: it does.",
        examples=[True],
    )
    holdout_percent: SkipValidation[Annotated[int, Field(ge=0, le=99)] | None] = Field(
        None,
        description="So many of a hundred members get nothing, always the same ones: the report compares them.",
        examples=[10],
    )
    dormant_days: SkipValidation[Annotated[int, Field(ge=1, le=3_660)] | None] = Field(
        None,
        description="With `dormancy`: days without a purchase, sign-in, redemption, activity, transfer, or coupon "
        "claimed or used. Absent: 90.",
        examples=[90],
    )
    balance: SkipValidation[Annotated[int, Field(ge=1, le=10**12)] | None] = Field(
        None,
        description="With `balance`, required: how many points. Looked for every hour.",
        examples=[10_000],
    )
    holidays: SkipValidation[Annotated[list[Name], Field(min_length=1, max_length=50)] | None] = Field(
        None,
        description=f"With `holiday`, required: public holidays of China ({', '.join(NAMES)}), each on its first day.",
        examples=[["春节", "中秋节"]],
    )
    of_campaign: SkipValidation[Annotated[str, Field(pattern=ID_PATTERN)] | None] = Field(
        None,
        description="With `campaign_end`, required: the campaign whose end it is, by a person or with its window.",
        examples=["spring-sale"],
    )
    at: SkipValidation[Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None] = Field(
        None,
        description="With `schedule` and `holiday`: from which time on until the day is over; who joins after that "
        "waits for the next one. A schedule without `rrule` fires once, on the day its window begins or it is "
        "started. Absent: 00:00.",
        examples=["09:30"],
    )

    def to_document(self) -> dict[str, Any]:
        """The document, as `read_campaign` reads it: unchecked."""
        return {name: getattr(self, name) for name in self.model_fields_set}
