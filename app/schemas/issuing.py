"""Giving out coupons to many, on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.actions.issuing import Wanted
from app.queries.issuing import IssueRow
from app.schemas.common import Answer, MemberId, Reason, Wire
from app.schemas.coupon_templates import CouponCodeText
from app.schemas.parts import shown

MAX_MEMBERS = 1_000_000
MAX_CODES = 100_000

IssueId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="The issue's id.",
        examples=["9f2c4e0b7d1a43c68e5f0a1b2c3d4e5f"],
    ),
]
_ISSUE = "9f2c4e0b7d1a43c68e5f0a1b2c3d4e5f"

_HowMany = Annotated[int, Field(ge=1, le=MAX_CODES)]
_Imported = Annotated[list[CouponCodeText], Field(min_length=1, max_length=MAX_CODES)]
_STRICT = ConfigDict(strict=True)
_HOW_MANY: TypeAdapter[_HowMany] = TypeAdapter(_HowMany, config=_STRICT)
_IMPORTED: TypeAdapter[_Imported] = TypeAdapter(_Imported, config=_STRICT)


def _by_shape(value: object, _handler: ValidatorFunctionWrapHandler) -> object:
    """Each mistake at its own place, as of a number or as of a list, not as of both."""
    return (_IMPORTED if isinstance(value, list) else _HOW_MANY).validate_python(value)


class IssueRequest(Wire):
    """Who gets a coupon each, or which codes are made."""

    model_config = shown(
        {"members": ["u-1001", "u-1002"], "reason": "thanks for the survey"},
        {"codes": 5000, "reason": "leaflet"},
        {"codes": ["PARTNER-0001", "PARTNER-0002"]},
        oneOf=[
            {
                "required": ["members"],
                "properties": {"members": {"type": "array"}, "codes": {"type": "null"}},
            },
            {
                "required": ["codes"],
                "properties": {"codes": {"type": ["integer", "array"]}, "members": {"type": "null"}},
            },
        ],
    )

    members: list[MemberId] | None = Field(
        None,
        min_length=1,
        max_length=MAX_MEMBERS,
        description="A coupon for each; who is named twice gets one.",
        examples=[["u-1001", "u-1002"]],
    )
    codes: Annotated[_HowMany | _Imported, WrapValidator(_by_shape)] | None = Field(
        None,
        description="How many codes to make, for whoever brings one first; or codes of others, each once, all of which "
        "are taken or none.",
        examples=[5000],
    )
    reason: Reason | None = Field(None, description="Kept with the issue and in each member's history.")

    @model_validator(mode="after")
    def _names_one(self) -> IssueRequest:
        if (self.members is None) == (self.codes is None):
            raise PydanticCustomError("members_or_codes", "Should name either `members` or `codes`")
        if isinstance(self.codes, list) and len(set(self.codes)) < len(self.codes):
            raise PydanticCustomError("codes_repeated", "Should name each of the codes once")
        return self

    def to_wanted(self, template: str) -> Wanted:
        """What is asked for."""
        return Wanted(
            template=template,
            members=self.members or (),
            codes=self.codes if isinstance(self.codes, int) else 0,
            imported=self.codes if isinstance(self.codes, list) else (),
            reason=self.reason,
        )


class Refused(Answer):
    """A member who got no coupon, and the code of the refusal."""

    member_id: str = Field(examples=["u-1002"])
    code: str = Field(examples=["coupon_limit_reached"])


class VoidCodesRequest(Wire):
    """Codes that are to be no good any more."""

    model_config = shown({"codes": ["7K2MQ4XVN9PTBH3C"], "reason": "the leaflet was printed twice"})

    codes: list[CouponCodeText] = Field(
        min_length=1,
        max_length=MAX_CODES,
        examples=[["7K2MQ4XVN9PTBH3C"]],
        description="Each of the template's.",
    )
    reason: Reason = Field(examples=["the leaflet was printed twice"])


class VoidedCodes(Answer):
    """What became of the codes."""

    model_config = shown({"template": "spring-30", "voided": 1, "kept": 0})

    template: str = Field(examples=["spring-30"])
    voided: int = Field(description="How many of the codes are void now.", examples=[1])
    kept: int = Field(
        description="How many are not: somebody brought them before, or they are not of this template. A coupon that "
        "somebody has is voided by `POST /v1/coupons/{code}/void`.",
        examples=[0],
    )


class Issue(Answer):
    """How far it has come."""

    model_config = shown(
        {
            "issue": _ISSUE,
            "template": "spring-30",
            "status": "done",
            "members": 2,
            "codes": 0,
            "done": 2,
            "issued": 1,
            "refused": [{"member_id": "u-1002", "code": "coupon_limit_reached"}],
        },
        {
            "issue": _ISSUE,
            "template": "spring-30",
            "status": "running",
            "members": 250000,
            "codes": 0,
            "done": 0,
            "issued": 0,
            "refused": [],
        },
    )

    issue: str = Field(description="Its id: the `issue` of its codes, and where its progress is read.")
    template: str
    status: Literal["running", "done"]
    members: int = Field(description="How many different members were named.")
    codes: int = Field(description="How many codes were asked for.")
    done: int = Field(description="How many members, or codes, are done.")
    issued: int = Field(description="How many coupons were given, or codes made.")
    refused: list[Refused] = Field(description="Who got none, and why: the first 1,000.")


def issue_answer(row: IssueRow) -> dict[str, Any]:
    """The issue in `Issue`'s shape."""
    return {
        "issue": row.issue,
        "template": row.template,
        "status": "done" if row.is_done else "running",
        "members": row.members,
        "codes": row.codes,
        "done": row.done,
        "issued": row.issued,
        "refused": row.refused,
    }
