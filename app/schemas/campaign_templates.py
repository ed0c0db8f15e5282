"""Standard campaigns on the wire: what there is, and what one is made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, SkipValidation

from app.domain.campaign_templates import COMMON, Standard
from app.domain.campaigns import Trigger
from app.domain.identifiers import ID_PATTERN
from app.schemas.campaign_document import (
    BudgetPart,
    CampaignCode,
    Expression,
    Name,
    Names,
    SomePoints,
)
from app.schemas.common import Answer, Instant, Wire
from app.schemas.parts import shown

StandardName = Annotated[
    str,
    Field(pattern=ID_PATTERN, description="The template's name.", examples=["member-day"]),
]


class StandardRequest(Wire):
    """What a standard campaign is made of: which parameters go with which is told by the list of templates."""

    model_config = shown(
        {"campaign": "member-day-2026", "factor": "3", "budget": {"points": 1_000_000}},
        {"campaign": "tea-month", "categories": ["tea"], "until": "2026-04-01T00:00:00+08:00"},
    )

    campaign: CampaignCode = Field(
        description="The name of the campaign to be made.", examples=["member-day-2026"]
    )
    factor: SkipValidation[str | None] = Field(
        None,
        description="A decimal number above 1 and at most 100.",
        examples=["2"],
        pattern=r"^\d{1,3}(\.\d{1,6})?$",
    )
    points: SkipValidation[SomePoints | None] = Field(None, description="Points to be given.")
    coupon: SkipValidation[Annotated[str, Field(pattern=ID_PATTERN)] | None] = Field(
        None, description="The template of a coupon to be given.", examples=["spring-30"]
    )
    skus: SkipValidation[Names | None] = Field(None, description="For these goods.", examples=[["tea-100"]])
    categories: SkipValidation[Names | None] = Field(None, description="For these goods.", examples=[["tea"]])
    brands: SkipValidation[Names | None] = Field(
        None, description="For these goods.", examples=[["Jingdezhen"]]
    )
    rrule: SkipValidation[Annotated[str, Field(min_length=1, max_length=200)] | None] = Field(
        None, description="The days it recurs on (RFC 5545).", examples=["FREQ=MONTHLY;BYDAY=1SA"]
    )
    dormant_days: SkipValidation[Annotated[int, Field(ge=1, le=3_660)] | None] = Field(
        None, description="Days without a purchase or a sign-in.", examples=[90]
    )
    holidays: SkipValidation[Annotated[list[Name], Field(min_length=1, max_length=50)] | None] = Field(
        None, description="Public holidays of China.", examples=[["春节"]]
    )
    at: SkipValidation[Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None] = Field(
        None, description="At which time of the day.", examples=["09:00"]
    )
    from_at: SkipValidation[Instant | None] = Field(None, alias="from")
    until: SkipValidation[Instant | None] = None
    name: SkipValidation[Name | None] = Field(
        None, description="Shown to members. Absent: the template's.", examples=["会员日三倍积分"]
    )
    tiers: SkipValidation[Names | None] = Field(None, description="Absent: all.", examples=[["gold"]])
    audience: SkipValidation[Expression | None] = Field(
        None, description="A condition in CEL over the member.", examples=['member.region == "Shanghai"']
    )
    budget: SkipValidation[BudgetPart | None] = Field(None, description="Absent: without limit.")
    priority: SkipValidation[Annotated[int, Field(ge=-1_000, le=1_000)] | None] = Field(None, examples=[10])
    stacks: SkipValidation[bool | None] = Field(None, examples=[True])
    holdout_percent: SkipValidation[Annotated[int, Field(ge=0, le=99)] | None] = Field(None, examples=[10])

    def to_parameters(self) -> dict[str, Any]:
        """The parameters given, by their names on the wire: unchecked."""
        fields = type(self).model_fields
        return {
            fields[name].alias or name: getattr(self, name)
            for name in self.model_fields_set
            if name != "campaign"
        }


class StandardParameter(Answer):
    """A parameter of a template."""

    name: str = Field(examples=["factor"])
    required: bool = Field(description="Of those that `one_of` names, one will do.", examples=[False])
    default: Any = Field(description="What it is if it isn't given; null: nothing.", examples=["2"])


class StandardCampaign(Answer):
    """A standard campaign, to be made by one call."""

    model_config = shown(
        {
            "template": "birthday-gift",
            "name": "生日礼",
            "description": "A coupon or points, once a year, in the month of the member's birthday.",
            "trigger": "birthday",
            "parameters": [
                {"name": "coupon", "required": False, "default": None},
                {"name": "points", "required": False, "default": None},
                *({"name": name, "required": False, "default": None} for name in COMMON),
            ],
            "one_of": ["coupon", "points"],
        }
    )

    template: str
    name: str = Field(description="What the campaign is called if nothing else is said.")
    description: str
    trigger: Trigger
    parameters: list[StandardParameter]
    one_of: list[str] = Field(description="At least one of these parameters must be given.")


def standard_answer(standard: Standard) -> dict[str, Any]:
    """The template in `StandardCampaign`'s shape."""
    defaults = {**standard.parameters, **dict.fromkeys(COMMON), "name": standard.name}
    return {
        "template": standard.template,
        "name": standard.name,
        "description": standard.description,
        "trigger": standard.trigger,
        "parameters": [
            {"name": name, "required": name in standard.required, "default": default}
            for name, default in defaults.items()
        ],
        "one_of": list(standard.one_of),
    }
