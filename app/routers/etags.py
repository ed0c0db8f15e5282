"""Answers that name what they say, so that whoever knows it already need not be told again (RFC 9110, 13.1.2)."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.routers.door import header_of

NOT_MODIFIED = 304


def tagged(what: str, *, example: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The `ETag` header and the `If-None-Match` parameter of a route, for the API's document; `what` it names."""
    shown = {"schema": {"type": "string"}, "example": example}
    header = {
        "ETag": {
            "description": f"Names this very {what}: as `If-None-Match` it is answered 304 until that changes.",
            **shown,
        }
    }
    parameter = {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": f"The `ETag` of a {what} known already, or several, or `*`.",
        **shown,
    }
    return header, parameter


def not_modified(request: Request, tag: str, headers: dict[str, str]) -> Response | None:
    """The 304 of a caller who names the tag, weakly compared; None for one who doesn't."""
    known = header_of(request, b"if-none-match")
    if known is None:
        return None
    named = known.decode("latin-1")
    if named != tag:  # as nearly all name it who do
        tags = [part.strip().removeprefix("W/") for part in named.split(",")]
        if tag not in tags and tags != ["*"]:
            return None
    return Response(status_code=NOT_MODIFIED, headers=headers)
