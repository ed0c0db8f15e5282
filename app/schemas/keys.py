"""API keys on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.schemas.common import Answer, Wire, text
from app.security.callers import SCOPES


def _known(scope: str) -> str:
    if scope not in SCOPES:
        raise PydanticCustomError("scope", "Should be one of the scopes that the API's document lists")
    return scope


Scope = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(SCOPES)})]

KeyId = Annotated[
    str,
    Field(pattern=r"^[0-9A-Za-z]{12}$", description="The public part of the key.", examples=["Kq3nV0sYb8Zd"]),
]


class KeyRequest(Wire):
    """A key to be made."""

    name: Annotated[str, text(max_length=100)] = Field(
        description="What it is for, so that it is found again to be revoked.", examples=["checkout"]
    )
    scopes: list[Scope] = Field(
        min_length=1,
        max_length=len(SCOPES),
        description="What it may do, at most what the caller's own key may: "
        + " ".join(f"`{scope}`: {meaning}" for scope, meaning in SCOPES.items()),
        examples=[["members:read", "points:write"]],
    )


class RevocationRequest(Wire):
    """Revoking takes no fields: the body may be left out."""


class Key(Answer):
    """A key, without what opens anything."""

    id: str = Field(examples=["Kq3nV0sYb8Zd"])
    name: str = Field(examples=["checkout"])
    scopes: list[str] = Field(examples=[["members:read", "points:write"]])
    created_at: datetime = Field(examples=["2026-03-05T02:00:00Z"])
    created_by: str = Field(
        description="`key:<id>`, `bootstrap`, `cli` or `first-start`.", examples=["bootstrap"]
    )
    revoked_at: datetime | None = Field(examples=[None])
    revoked_by: str | None = Field(examples=[None])


class NewKey(Key):
    """A key as it is made."""

    key: str = Field(
        description="The credential itself. It is shown here and never again.",
        examples=["loy_Kq3nV0sYb8Zd_4TwidOJbKwwrZmtPuBGjuNCwFbGDaAscv0vIRfH9Qlg"],
    )
