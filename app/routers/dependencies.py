"""What a route asks of a request: who calls, which page, under which idempotency key."""

# ruff: noqa: N818 - named like the refusals in domain/errors.py.

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import Scope

from app.domain.errors import ErrorKind, IdempotencyKeyMissing, LoyaltyError
from app.security.authenticator import Authenticator
from app.security.callers import SCOPES, NotForMembers, NotYourMember, Principal

API_KEY_SCHEME = "api_key"
MEMBER_SCHEME = "api_key_or_member_token"
"""Only inside the code: the API's document shows it as two schemes, either of which will do."""

PRINCIPAL = "loyalty.principal"
"""Where in the ASGI scope the caller is kept once known."""


async def authenticated(scope: Scope) -> Principal:
    """The caller of a request, checked once. Raises an error of kind UNAUTHENTICATED."""
    principal: Principal | None = scope.get(PRINCIPAL)
    if principal is None:
        authenticator: Authenticator = scope["app"].state.authenticator
        principal = await authenticator.authenticate(header_of(scope, b"authorization"))
        scope[PRINCIPAL] = principal
    return principal


def header_of(scope: Scope, name: bytes) -> bytes | None:
    """A header's raw value; the first, where there are several. `name` is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return value
    return None


class _Caller(SecurityBase):
    """Lets a request through for a scope, and for members' own tokens where told so."""

    def __init__(self, scope: str, *, member: bool) -> None:
        assert scope in SCOPES, scope
        self.model = HTTPBearer()
        self.scheme_name = MEMBER_SCHEME if member else API_KEY_SCHEME
        self._scope = scope
        self._member = member

    async def __call__(self, request: Request) -> Principal:
        principal = await authenticated(request.scope)
        if principal.member_id is not None:
            if not self._member:
                raise NotForMembers
            if request.path_params.get("member_id") != principal.member_id:
                raise NotYourMember
        elif self._scope not in principal.scopes:
            principal.needs(self._scope)
        return principal


def require(scope: str, *, member: bool = False) -> Any:  # noqa: ANN401 - what FastAPI itself returns
    """Who calls, if they hold `scope`: `caller: Annotated[Principal, require("points:write")]`.

    With `member=True` a member's own token will do too, for the member in the path and no other.
    """
    return Security(_Caller(scope, member=member), scopes=[scope])


# --- idempotency -----------------------------------------------------------------------------------------

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="1 to 255 visible ASCII characters of the caller's own. The same key with the same "
        "request is answered as the first time, with `Idempotent-Replayed: true`; with another request it is "
        "refused.",
        examples=["6f1c7e0a-7d0e-4a44-9a3e-0d4f8a1f2b11"],
    ),
]


async def _required(idempotency_key: IdempotencyKey = None) -> str:
    if idempotency_key is None:
        raise IdempotencyKeyMissing
    return idempotency_key


RequiredIdempotencyKey = Annotated[str, Depends(_required)]
"""For what the service itself names, and nothing else makes safe to repeat."""


# --- pages -----------------------------------------------------------------------------------------------


class PageQuery(BaseModel):
    """How much of a list to answer, and where to go on. Unknown parameters are refused.

    A list with filters has a subclass of its own.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

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


_BIGINT = 2**63


def encode_cursor(*position: int | str | datetime) -> str:
    """Where a page ended, as URL-safe text."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in position]
    packed = json.dumps(plain, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_cursor(cursor: str, *kinds: type[int | str | datetime]) -> tuple[Any, ...]:
    """The position `encode_cursor` was given, one value of each of `kinds`. Raises `CursorInvalid`.

    The values fit a bigint, a text and a timestamptz column, whatever the caller made of the cursor.
    """
    try:
        position: Any = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(position, list):
            raise CursorInvalid
        return tuple(_restored(value, kind) for value, kind in zip(position, kinds, strict=True))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    except (ValueError, OverflowError, RecursionError, binascii.Error) as error:
        raise CursorInvalid from error


def _restored(value: object, kind: type) -> int | str | datetime:
    if kind is datetime and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    if kind is int and type(value) is int and -_BIGINT <= value < _BIGINT:
        return value
    if kind is str and isinstance(value, str) and value.isprintable():
        return value
    raise CursorInvalid
