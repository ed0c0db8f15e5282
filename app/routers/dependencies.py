"""What a route asks of a request besides who calls: which page, which moment, under which idempotency key."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.domain.account import BUCKETS
from app.domain.errors import ErrorKind, IdempotencyKeyMissing, LoyaltyError
from app.ledger.load import REAL_CLOCK, SANDBOX_CLOCK
from app.routers.door import header_of
from app.routers.errors import ValidationFailed
from app.schemas.common import Instant

# --- idempotency -----------------------------------------------------------------------------------------

_is_idempotency_key = re.compile(rb"[\x21-\x7e]{1,255}").fullmatch


def idempotency_key_of(request: Request) -> str | None:
    """The `Idempotency-Key` of the request, None without. Raises `ValidationFailed` for a misshapen one.

    Every POST takes one, so the API's document shows the header without any route having to name it.
    """
    key = header_of(request, b"idempotency-key")
    if key is None:
        return None
    if _is_idempotency_key(key) is None:
        raise ValidationFailed(
            [
                {
                    "in": "header",
                    "pointer": "Idempotency-Key",
                    "code": "string_pattern_mismatch",
                    "detail": "Should be 1 to 255 visible ASCII characters.",
                }
            ]
        )
    return key.decode()


def required_idempotency_key_of(request: Request) -> str:
    """As `idempotency_key_of`, for what nothing else makes safe to repeat. Raises `IdempotencyKeyMissing`."""
    key = idempotency_key_of(request)
    if key is None:
        raise IdempotencyKeyMissing
    return key


# --- queries ---------------------------------------------------------------------------------------------


class StrictQuery(BaseModel):
    """The parameters of a query: unknown ones are refused, so that a typo never answers another question."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


# --- moments ---------------------------------------------------------------------------------------------


def _with_plus(moment: object) -> object:
    # A plus that wasn't escaped in the query arrives as a blank.
    return moment.replace(" ", "+") if isinstance(moment, str) and "T" in moment.upper() else moment


QueryInstant = Annotated[Instant, BeforeValidator(_with_plus)]
"""A moment in a query: arrives as a string, its offset's plus escaped or not; is a UTC datetime."""


def clock_of(request: Request) -> str:
    """The SQL of the program's clock, by which this service lives."""
    return SANDBOX_CLOCK if request.app.state.is_sandbox else REAL_CLOCK


# --- pages -----------------------------------------------------------------------------------------------


class PageQuery(StrictQuery):
    """How much of a list to answer, and where to go on. A list with filters has a subclass of its own."""

    limit: int = Field(50, ge=1, le=200, description="How many to answer at most.")
    cursor: str | None = Field(
        None,
        min_length=1,
        max_length=1024,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="`next_cursor` of the page before.",
    )


Page = Annotated[PageQuery, Query()]


class CursorInvalid(LoyaltyError):
    code = "cursor_invalid"
    kind = ErrorKind.UNPROCESSABLE
    title = "The cursor is not one of this list"

    def __init__(self) -> None:
        super().__init__(
            "Send `next_cursor` of the page before as it was answered, or none for the first page."
        )


BUCKET, INTEGER, BIGINT = range(BUCKETS), range(2**31), range(2**63)
"""The whole numbers of a cursor, by the column they are compared with: none is ever below 0."""


def encode_cursor(*position: int | str | datetime) -> str:
    """Where a page ended, as URL-safe text."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in position]
    packed = json.dumps(plain, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_cursor(cursor: str, *kinds: range | type[str | datetime]) -> tuple[Any, ...]:
    """The position `encode_cursor` was given, one value of each of `kinds`. Raises `CursorInvalid`.

    The values fit the columns they are compared with, whatever the caller made of the cursor.
    """
    try:
        position: Any = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(position, list):
            raise CursorInvalid
        return tuple(_restored(value, kind) for value, kind in zip(position, kinds, strict=True))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    except (ValueError, OverflowError, RecursionError, binascii.Error) as error:
        raise CursorInvalid from error


def _restored(value: object, kind: range | type) -> int | str | datetime:
    if kind is datetime and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    if isinstance(kind, range) and type(value) is int and value in kind:
        return value
    if kind is str and isinstance(value, str) and value.isprintable():
        return value
    raise CursorInvalid
