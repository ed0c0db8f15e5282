"""What all wire shapes are made of. Nothing is coerced: `"100"`, `1.0` and `true` are no integers."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from app.domain.identifiers import ID_PATTERN

MAX_AMOUNT = 10**12
MAX_POINTS = 10**12


class Wire(BaseModel):
    """A request body or a part of one: unknown fields are refused and nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Answer(BaseModel):
    """A response body or a part of one. Times are UTC and render as `2026-03-01T16:00:00Z`."""

    model_config = ConfigDict(from_attributes=True, hide_input_in_errors=True)


T = TypeVar("T")


class Listing(Answer, Generic[T]):
    """One page. `next_cursor` leads to the next and is null on the last."""

    data: list[T]
    next_cursor: str | None


MemberId = Annotated[
    str,
    Field(
        pattern=ID_PATTERN,
        description="The shop's own opaque customer id, never an e-mail address or a phone number: "
        "the ledger keeps it for good.",
        examples=["u-1001"],
    ),
]
OrderId = Annotated[
    str, Field(pattern=ID_PATTERN, description="The shop's own id of the order.", examples=["o-2026-0001"])
]
Reference = Annotated[
    str,
    Field(
        pattern=ID_PATTERN,
        description="The caller's own id of this operation, unique per member: sent again with the same "
        "content it is answered as it was, with other content it is refused.",
        examples=["r-2026-0001"],
    ),
]

AmountFen = Annotated[
    int,
    Field(
        ge=0,
        le=MAX_AMOUNT,
        description="Money in the minor unit of the program's currency: 30000 is 300 yuan.",
        examples=[30000],
    ),
]
Points = Annotated[int, Field(ge=1, le=MAX_POINTS, description="Points, at least 1.", examples=[100])]


def text(*, max_length: int, min_length: int = 1) -> Any:  # noqa: ANN401 - what pydantic itself returns
    """The constraints of a text people read: no control characters, so no NUL and no line breaks.

    Use as `Annotated[str, text(max_length=200)]`. Lone surrogates are refused by the type itself.
    """
    return Field(min_length=min_length, max_length=max_length, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")


Reason = Annotated[str, text(max_length=500)]

_is_instant = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
).fullmatch
_is_day = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII).fullmatch
_FIRST_YEAR = 1900
_LAST_YEAR = 2200


def _instant(value: object) -> object:
    if not isinstance(value, str) or _is_instant(value) is None:
        raise PydanticCustomError(
            "instant", "Should be a time as in RFC 3339 with its offset, such as 2026-03-05T10:00:00+08:00"
        )
    try:
        instant = datetime.fromisoformat(value.upper())
        year = instant.year
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        year = 0
        instant = datetime.min.replace(tzinfo=UTC)
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise PydanticCustomError("instant", "Should be a time that exists, between 1900 and 2200")
    return instant


def _day(value: object) -> object:
    if not isinstance(value, str) or _is_day(value) is None:
        raise PydanticCustomError("day", "Should be a date such as 2026-03-05")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = date.min
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise PydanticCustomError("day", "Should be a date that exists, between 1900 and 2200")
    return day


Instant = Annotated[
    datetime,
    BeforeValidator(_instant, json_schema_input_type=str),
    Field(
        description="RFC 3339 with offset, between 1900 and 2200; answered in UTC.",
        examples=["2026-03-05T10:00:00+08:00"],
        json_schema_extra={"type": "string", "format": "date-time"},
    ),
]
"""A moment in a request: arrives as a string, is a UTC datetime."""

Day = Annotated[
    date,
    BeforeValidator(_day, json_schema_input_type=str),
    Field(
        description="A date, between 1900 and 2200.",
        examples=["2026-03-05"],
        json_schema_extra={"type": "string", "format": "date"},
    ),
]
"""A date in a request: arrives as a string, is a date."""


def as_map(schema: dict[str, Any]) -> None:
    """Say of a dict what its names look like and what all its values are, in the words that generators read.

    For `json_schema_extra`. Pydantic's own words would let names of another shape have any value.
    """
    ((pattern, values),) = schema.pop("patternProperties").items()
    schema["propertyNames"] = {"pattern": pattern}
    schema["additionalProperties"] = values


AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]


def _attribute(value: object, check: ValidatorFunctionWrapHandler) -> object:
    try:
        return check(value)
    except ValidationError as error:
        # One mistake at its place, instead of one for each kind of value that it isn't.
        raise PydanticCustomError(
            "attribute",
            "Should be a text of at most 500 characters, none of them a control character, an integer of at most "
            "2^53 either way, true, false or null",
        ) from error


AttributeValue = Annotated[
    Annotated[str, text(max_length=500, min_length=0)]
    | Annotated[int, Field(ge=-(2**53), le=2**53)]
    | bool
    | None,
    WrapValidator(_attribute),
]
Attributes = Annotated[
    dict[AttributeName, AttributeValue],
    Field(
        max_length=50,
        description="What else the shop wants to keep and use in rules: texts, integers, booleans.",
        examples=[{"favourite_store": "Shanghai", "newsletter": True}],
        json_schema_extra=as_map,
    ),
]
