"""Coupon templates and their codes on the wire."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.domain.coupon_templates import Kind, ReturnOn, StacksWith, State
from app.domain.identifiers import ID_PATTERN
from app.domain.instants import rfc3339
from app.expressions import MAX_LENGTH
from app.queries.coupon_templates import CodeRow, Figures, TemplateRow
from app.schemas.common import MAX_AMOUNT, AmountFen, Answer, Instant, Wire, text
from app.schemas.parts import Moment, shown

_MOST = 10**9

TemplateCode = Annotated[
    str,
    Field(pattern=ID_PATTERN, description="The template's name, the shop's own.", examples=["spring-30"]),
]
CouponCodeText = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", description="A coupon code.", examples=["SPRING30"]),
]
Named = Annotated[
    list[Annotated[str, text(max_length=100)]],
    Field(min_length=1, max_length=1_000, description="Each once.", examples=[["tea-100"]]),
]
Percent = Annotated[int, Field(ge=1, le=100, description="10 takes a tenth off (9折).", examples=[10])]
SomeFen = Annotated[int, Field(ge=1, le=MAX_AMOUNT, description="In the minor unit.", examples=[3000])]
Count = Annotated[int, Field(ge=1, le=_MOST, examples=[1])]

_TEMPLATE_REQUEST: dict[str, Any] = {
    "template": "spring-30",
    "name": "春季满减券",
    "kind": "amount_off",
    "steps": [{"threshold": 30000, "amount_off": 3000}, {"threshold": 60000, "amount_off": 8000}],
    "eligible": {"categories": ["tea"], "member": 'member.tier in ["gold", "platinum"]'},
    "stock": 100000,
    "budget": 300000000,
    "per_member": 1,
    "valid": {"days": 30},
}
_AUTOMATIC_REQUEST: dict[str, Any] = {
    "template": "tea-week",
    "name": "茶周三件八折",
    "kind": "line_price",
    "percent_off": 20,
    "eligible": {"categories": ["tea"], "min_quantity": 3},
    "valid": {"from": "2026-03-02T00:00:00+08:00", "until": "2026-03-09T00:00:00+08:00"},
    "automatic": True,
}


class StepPart(Wire):
    """From a threshold on, so much comes off."""

    threshold: SomeFen = Field(examples=[30000])
    amount_off: SomeFen = Field(examples=[3000])


class BundlePart(Wire):
    """Each full set of so many eligible pieces costs `price`."""

    quantity: Count = Field(examples=[3])
    price: AmountFen = Field(description="Of the set, in the minor unit.", examples=[9900])


class GiftPart(Wire):
    """What comes with the order for nothing."""

    sku: Annotated[str, text(max_length=100)] = Field(examples=["cup-7"])
    quantity: Count


class EligiblePart(Wire):
    """Which lines count (named by any of skus, categories and brands; none given: all), and which orders."""

    skus: Named | None = None
    categories: Named | None = Field(None, examples=[["tea"]])
    brands: Named | None = Field(None, examples=[["Jingdezhen"]])
    channels: Named | None = Field(None, examples=[["app"]])
    tiers: Named | None = Field(None, examples=[["gold"]])
    first_order: bool | None = Field(None, description="Only for a member's first order.", examples=[True])
    member: Annotated[str, text(max_length=MAX_LENGTH)] | None = Field(
        None,
        description="A condition in CEL over `member.tier`, `region`, `gender`, `spend` (minor unit), `orders`, "
        "`joined_at`, `birthday_month` (0: not known) and `attributes`. There are the operators of CEL, has(), "
        "size(), startsWith(), endsWith(), contains(), int(), double(), string(), timestamp(), duration() and the "
        "parts of a moment in UTC, such as getFullYear(). A condition that fails does not hold.",
        examples=['member.tier in ["gold", "platinum"]'],
    )
    min_quantity: Count | None = Field(None, description="So many eligible pieces at least.", examples=[3])


class ValidPart(Wire):
    """A window, or how long a coupon holds once it is given out; absent: for good."""

    from_at: Instant | None = Field(None, alias="from")
    until: Instant | None = None
    days: Annotated[int, Field(ge=1, le=3_660)] | None = Field(
        None,
        description="Through so many days after the one it is given out on. Not with from or until.",
        examples=[30],
    )


class TemplateTerms(Wire):
    """What may be said of a template, and changed of it."""

    amount_off: SomeFen | None = Field(
        None,
        description="Comes off once; of each piece under line_price. In the minor unit.",
        examples=[3000],
    )
    threshold: AmountFen | None = Field(
        None, description="What the eligible goods must come to.", examples=[30000]
    )
    steps: list[StepPart] | None = Field(
        None, min_length=1, max_length=20, description="Rising; instead of amount_off and threshold."
    )
    percent_off: Percent | None = None
    max_discount: SomeFen | None = Field(None, description="At most this comes off.", examples=[5000])
    price: AmountFen | None = Field(None, description="Of a piece (line_price).", examples=[6900])
    bundle: BundlePart | None = None
    gift: GiftPart | None = None
    eligible: EligiblePart | None = None
    stock: Annotated[int, Field(ge=0, le=_MOST)] | None = Field(
        None, description="How many may be given out, codes included.", examples=[100000]
    )
    budget: AmountFen | None = Field(
        None, description="What all of its coupons together may take off.", examples=[300000000]
    )
    per_member: Count | None = Field(None, description="How many a member may have.")
    per_day: Count | None = Field(None, description="How many a member may have on one day.")
    valid: ValidPart | None = None
    stacks_with: StacksWith | None = Field(
        None,
        description="Which coupons it goes together with: `none`, those of `other_kinds` (default), `all`. Both must "
        "agree.",
    )
    group: Annotated[str, text(max_length=64)] | None = Field(
        None, description="Two of one group never go together.", examples=["spring"]
    )
    return_on: ReturnOn | None = Field(
        None, description="When the member gets it back: on a `full_refund` (default), or `never`."
    )
    points_price: SomeFen | None = Field(None, description="Points it is exchanged for.", examples=[500])
    state: State | None = Field(
        None,
        description="`active` (default). `paused`: nothing is given out, and coupons can't be used. `ended`: nothing "
        "is given out, coupons can be used until they expire; for good.",
    )


class TemplateRequest(TemplateTerms):
    """A template to be made."""

    model_config = shown(_TEMPLATE_REQUEST, _AUTOMATIC_REQUEST)

    template: TemplateCode
    name: Annotated[str, text(max_length=100)] = Field(
        description="Shown to members.", examples=["春季满减券"]
    )
    kind: Kind
    automatic: bool | None = Field(
        None, description="It applies to every cart that fits, without a coupon; line_price always does."
    )
    public_code: CouponCodeText | None = Field(
        None, description="A code for everybody: whoever brings it gets a coupon of the template."
    )

    def to_document(self) -> dict[str, Any]:
        """The template's document, as `Template.from_document` reads it."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"template"})


class TemplateChange(TemplateTerms):
    """The fields to be changed: each is replaced as a whole, and null clears it."""

    model_config = shown({"stock": 200000, "state": "active"}, {"valid": {"days": 60}, "budget": None})

    name: Annotated[str, text(max_length=100)] | None = Field(None, examples=["春季满减券"])

    def to_changes(self) -> dict[str, Any]:
        """The fields given, None where one is cleared."""
        given = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return {name: _without_nulls(value) for name, value in given.items()}


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, dict):
        return value
    return {name: part for name, part in value.items() if part is not None}  # pyright: ignore[reportUnknownVariableType]


# --- answers ---------------------------------------------------------------------------------------------


class EligibleShown(Answer):
    """Which lines count, and which orders; null: not asked."""

    skus: list[str] | None
    categories: list[str] | None
    brands: list[str] | None
    channels: list[str] | None
    tiers: list[str] | None
    first_order: bool | None
    member: str | None
    min_quantity: int | None


class ValidShown(Answer):
    """When its coupons can be used."""

    from_at: Moment | None = Field(alias="from")
    until: Moment | None
    days: int | None = Field(examples=[30])


_TEMPLATE: dict[str, Any] = {
    "template": "spring-30",
    "name": "春季满减券",
    "kind": "amount_off",
    "amount_off": None,
    "threshold": None,
    "steps": _TEMPLATE_REQUEST["steps"],
    "percent_off": None,
    "max_discount": None,
    "price": None,
    "bundle": None,
    "gift": None,
    "eligible": {
        "skus": None,
        "categories": ["tea"],
        "brands": None,
        "channels": None,
        "tiers": None,
        "first_order": None,
        "member": 'member.tier in ["gold", "platinum"]',
        "min_quantity": None,
    },
    "stock": 100000,
    "budget": 300000000,
    "per_member": 1,
    "per_day": None,
    "valid": {"from": None, "until": None, "days": 30},
    "stacks_with": "other_kinds",
    "group": None,
    "return_on": "full_refund",
    "points_price": None,
    "automatic": False,
    "public_code": None,
    "state": "active",
    "created_at": "2026-03-05T02:00:00Z",
    "updated_at": "2026-03-05T02:00:00Z",
}


class StepShown(Answer):
    """From a threshold on, so much comes off."""

    threshold: int = Field(examples=[30000])
    amount_off: int = Field(examples=[3000])


class BundleShown(Answer):
    """Each full set of so many eligible pieces costs `price`."""

    quantity: int = Field(examples=[3])
    price: int = Field(examples=[9900])


class GiftShown(Answer):
    """What comes with the order for nothing."""

    sku: str = Field(examples=["cup-7"])
    quantity: int = Field(examples=[1])


class CouponTemplate(Answer):
    """A template. What it doesn't say is null. Money is in the minor unit."""

    model_config = shown(_TEMPLATE)

    template: str
    name: str
    kind: Kind
    amount_off: int | None
    threshold: int | None
    steps: list[StepShown] | None
    percent_off: int | None
    max_discount: int | None
    price: int | None
    bundle: BundleShown | None
    gift: GiftShown | None
    eligible: EligibleShown | None
    stock: int | None
    budget: int | None
    per_member: int | None
    per_day: int | None
    valid: ValidShown | None = Field(description="Null: for good.")
    stacks_with: StacksWith
    group: str | None
    return_on: ReturnOn
    points_price: int | None
    automatic: bool
    public_code: str | None
    state: State
    created_at: datetime
    updated_at: datetime


class CouponTemplateFigures(CouponTemplate):
    """A template, with what was given out of it and what became of that."""

    model_config = shown(
        {
            **_TEMPLATE,
            "issued": 400,
            "locked": 2,
            "redeemed": 120,
            "expired": 30,
            "voided": 1,
            "discounted": 1200000,
            "stock_left": 99600,
            "budget_left": 298800000,
        }
    )

    issued: int = Field(description="Coupons given out, and codes made for whoever brings them.")
    locked: int = Field(description="Of the coupons in members' hands, those held for an order.")
    redeemed: int
    expired: int
    voided: int
    discounted: int = Field(
        description="What locked and redeemed coupons take off, in the minor unit: counted while there is a budget."
    )
    stock_left: int | None = Field(description="Null: without limit.")
    budget_left: int | None = Field(description="Null: without limit.")


def template_of(row: TemplateRow) -> dict[str, Any]:
    """The template in `CouponTemplate`'s shape."""
    document = row.document
    return {
        **{name: document.get(name) for name in CouponTemplate.model_fields},
        "eligible": _all_named(document.get("eligible"), EligiblePart),
        "valid": _all_named(document.get("valid"), ValidPart),
        "automatic": document.get("automatic", False),
        "template": row.template,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _all_named(part: Mapping[str, Any] | None, shape: type[Wire]) -> dict[str, Any] | None:
    if part is None:
        return None
    return {
        name: part.get(name) for name in (field.alias or key for key, field in shape.model_fields.items())
    }


def template_with_figures(row: TemplateRow, figures: Figures) -> dict[str, Any]:
    """The template in `CouponTemplateFigures`' shape."""
    stock, budget = row.document.get("stock"), row.document.get("budget")
    return {
        **template_of(row),
        **figures._asdict(),
        "stock_left": None if stock is None else max(stock - figures.issued, 0),
        "budget_left": None if budget is None else max(budget - figures.discounted, 0),
    }


# --- codes -----------------------------------------------------------------------------------------------

CODES_CSV_COLUMNS = CodeRow._fields


def codes_csv_header() -> str:
    """The first line."""
    return _lines([CODES_CSV_COLUMNS])


def codes_csv_lines(rows: Iterable[CodeRow]) -> str:
    """A line for each code."""
    return _lines((row.code, row.status, _cell(row.member_id), rfc3339(row.created_at)) for row in rows)


def _cell(member_id: str | None) -> str:
    # A spreadsheet would take the hyphen for the beginning of a formula.
    return f"'{member_id}" if member_id is not None and member_id.startswith("-") else member_id or ""


def _lines(rows: Iterable[Iterable[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
