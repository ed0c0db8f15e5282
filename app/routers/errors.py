"""The one table from the kind of an error to an HTTP status, and the problems that tell it.

A problem never repeats what the caller sent: places are named, values are not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from app.domain.benefit_grants import BenefitInvalid
from app.domain.campaign_document import CampaignInvalid
from app.domain.coupon_templates import TemplateInvalid
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.program import ProgramInvalid
from app.telemetry import current_request_id

STATUS: dict[ErrorKind, int] = {
    ErrorKind.MALFORMED: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.PRECONDITION_FAILED: 412,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.UNSUPPORTED: 415,
    ErrorKind.UNPROCESSABLE: 422,
    ErrorKind.OVERLOADED: 503,
}
PLACES: dict[str, tuple[str, str]] = {
    "activity_kind_unknown": ("body", "/kind"),
    "activity_level_unknown": ("body", "/level"),
    "as_of_in_future": ("query", "?as_of"),
    "benefit_ends_in_past": ("body", "/until"),
    "cart_out_of_range": ("body", "/items"),
    "coupon_needs_member": ("body", "/member_id"),
    "cursor_invalid": ("query", "?cursor"),
    "draft_not_found": ("body", "/campaigns"),
    "draft_repeated": ("body", "/campaigns"),
    "effective_at_in_past": ("body", "/effective_at"),
    "expression_invalid": ("body", "/eligible/member"),
    "hold_too_long": ("body", "/hold_seconds"),
    "idempotency_key_reused": ("header", "Idempotency-Key"),
    "item_not_in_order": ("body", "/items"),
    "items_amount_mismatch": ("body", "/items"),
    "line_id_repeated": ("body", "/items"),
    "occurred_at_in_future": ("body", "/occurred_at"),
    "paid_exceeds_checkout": ("body", "/paid"),
    "referrer_is_self": ("body", "/referred_by"),
    "simulation_too_early": ("body", "/at"),
    "tier_ends_in_past": ("body", "/until"),
    "transfer_to_self": ("body", "/to"),
}
"""Where a request is wrong that the rules, not its shape, found wrong: by the error's code."""
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1
MOST_MISTAKES_TOLD = 50

_log = structlog.stdlib.get_logger(__name__)
_is_plain_name = re.compile(r"[A-Za-z0-9_.:-]{1,64}").fullmatch


class MalformedJson(LoyaltyError):
    code = "malformed_json"
    kind = ErrorKind.MALFORMED
    title = "The body is not JSON"

    def __init__(self) -> None:
        super().__init__("The body could not be read as JSON. Send one JSON object in UTF-8.")


class BodyTooLarge(LoyaltyError):
    """`limit_bytes`: the most this path reads."""

    code = "body_too_large"
    kind = ErrorKind.TOO_LARGE
    title = "The body is too large"

    def __init__(self, *, limit_bytes: int) -> None:
        super().__init__(
            f"At most {limit_bytes} bytes are read here. Send less in one request.",
            extra={"limit": limit_bytes},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(limit_bytes=1_048_576)


class UnsupportedMediaType(LoyaltyError):
    code = "unsupported_media_type"
    kind = ErrorKind.UNSUPPORTED
    title = "The body is not declared as JSON"

    def __init__(self) -> None:
        super().__init__("Send the body with `Content-Type: application/json`.")


class ValidationFailed(LoyaltyError):
    """The request is readable and not what it should be; `mistakes` name each place."""

    code = "validation_failed"
    kind = ErrorKind.UNPROCESSABLE
    title = "The request is not what it should be"

    def __init__(self, mistakes: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(
            f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''} in the request: see `errors`.",
            extra={"errors": list(mistakes[:MOST_MISTAKES_TOLD])},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(
            [
                {
                    "in": "body",
                    "pointer": "/amount",
                    "code": "int_type",
                    "detail": "Input should be a valid integer",
                }
            ]
        )

    @classmethod
    def of(cls, error: ValidationError) -> Self:
        """From a body checked apart, such as one operation of a batch: places are counted from that body."""
        details = error.errors(include_url=False, include_context=False, include_input=False)
        return cls([_mistake({**detail, "loc": ("body", *detail["loc"])}) for detail in details])


class DatabaseUnavailable(LoyaltyError):
    code = "database_unavailable"
    kind = ErrorKind.OVERLOADED
    title = "The database can't be reached"

    def __init__(self) -> None:
        super().__init__(
            "The service can't reach its database at the moment. Send the same request again shortly: "
            "whatever it may have done is found again, and nothing is done twice."
        )


def problem(error: LoyaltyError) -> dict[str, Any]:
    """The problem that tells `error`, with the id of the request under way."""
    extra = error.extra
    if error.code in PLACES:
        place, pointer = PLACES[error.code]
        mistake = {
            "in": place,
            "pointer": f"{error.within}{pointer}",
            "code": error.code,
            "detail": error.detail,
        }
        extra = {**extra, "errors": [mistake]}
    elif isinstance(error, (BenefitInvalid, CampaignInvalid, ProgramInvalid, TemplateInvalid)):
        mistakes = [
            {
                "in": "body",
                "code": error.code,
                **mistake,
                "pointer": hinted(mistake["pointer"]),
            }
            for mistake in extra["errors"][:MOST_MISTAKES_TOLD]
        ]
        extra = {**extra, "errors": mistakes}
    return _body(
        status=STATUS[error.kind], code=error.code, title=error.title, detail=error.detail, extra=extra
    )


def problem_response(error: LoyaltyError) -> Response:
    """The response that tells `error`."""
    headers: dict[str, str] = {}
    if error.kind is ErrorKind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.kind is ErrorKind.OVERLOADED:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return _response(problem(error), headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem."""
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(LoyaltyError, _on_error)
    for error in (*_NO_DATABASE, DBAPIError, asyncpg.PostgresError):
        app.add_exception_handler(error, _on_error)


def response_to(error: Exception) -> Response:
    """What is answered to any error that isn't the framework's own; logs what isn't the caller's doing."""
    if isinstance(error, LoyaltyError):
        return problem_response(error)
    if _is_unavailability(error):
        _log.warning("database_unavailable", reason=type(error).__name__)
        return problem_response(DatabaseUnavailable())
    _log.error("request_failed", exc_info=error)
    return _response(internal_problem())


def internal_problem() -> dict[str, Any]:
    """The problem that tells of a fault of our own, with the id of the request under way."""
    return _body(
        status=500,
        code="internal_error",
        title="The service failed",
        detail="This is a fault of the service, not of the request. It is in the logs under the "
        "request_id; the same request may be sent again, nothing is done twice.",
    )


async def _on_error(_request: Request, error: Exception) -> Response:
    return response_to(error)


async def _on_invalid_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    details: Sequence[Mapping[str, Any]] = error.errors()
    if any(detail["type"] == "json_invalid" for detail in details):
        return problem_response(MalformedJson())
    return problem_response(ValidationFailed([_mistake(detail) for detail in details]))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == STATUS[ErrorKind.MALFORMED]:
        # The framework's word for a body that json.loads refuses in any other way than by a syntax error.
        return problem_response(MalformedJson())
    headers = error.headers
    if error.status_code == _METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_methods_of(request))}
    code, title, detail = _HTTP_PROBLEMS.get(error.status_code, _ANY_HTTP_PROBLEM)
    return _response(_body(status=error.status_code, code=code, title=title, detail=detail), headers=headers)


_METHOD_NOT_ALLOWED = 405


def _methods_of(request: Request) -> list[str]:
    """The methods of all routes with this path; the framework tells those of the first alone."""
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods)


_NO_DATABASE = (
    OSError,
    PoolTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # told by a connection that the server ended while it was idle
)
_PASSING_SQLSTATES = ("08", "53", "57P")
"""Connection lost, out of connections or of another resource, shutting down or starting up."""


def _is_unavailability(error: Exception) -> bool:
    if isinstance(error, _NO_DATABASE):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    sqlstate = getattr(cause, "sqlstate", None)
    if isinstance(sqlstate, str):
        return sqlstate.startswith(_PASSING_SQLSTATES)
    return isinstance(error, DBAPIError) and error.connection_invalidated


_HTTP_PROBLEMS = {
    404: ("not_found", "Nothing is here", "This path leads nowhere. The paths are listed in /openapi.json."),
    405: (
        "method_not_allowed",
        "Not this method",
        "This path exists and doesn't take this method. The Allow header names those it takes.",
    ),
    413: (
        BodyTooLarge.code,
        BodyTooLarge.title,
        "More was sent than is read in one request. Send less at a time.",
    ),
}
_ANY_HTTP_PROBLEM = ("request_refused", "The request was refused", "The request can't be served as it is.")


def _body(
    *, status: int, code: str, title: str, detail: str, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "type": f"urn:loyalty:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": current_request_id() or "",
        **(extra or {}),
    }


def _response(body: dict[str, Any], *, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status_code=body["status"], media_type=MEDIA_TYPE, headers=headers)


def _mistake(detail: Mapping[str, Any]) -> dict[str, Any]:
    place, *steps = detail["loc"]
    if steps and steps[-1] == "[key]" and detail["type"] != "extra_forbidden":
        # The validator's mark for a name that is wrong itself: no step of the place.
        steps.pop()
    name = "".join(_shown(step) for step in steps)
    if place == "query":
        pointer = f"?{name}"
    elif place == "path":
        pointer = f"{{{name}}}"
    elif place == "header":
        pointer = name
    else:
        place = "body"
        pointer = "".join(f"/{_shown(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
    code = str(detail["type"])
    return {"in": place, "pointer": pointer, "code": code, "detail": _WORDS.get(code) or str(detail["msg"])}


_WORDS = {
    "extra_forbidden": "No such field is known here; check its spelling.",
    "union_tag_not_found": "Should say which of the kinds that the API's document lists it is.",
    "union_tag_invalid": "Should be one of the values that the API's document lists.",
    "string_unicode": "Should be text without lone surrogates.",
    "model_attributes_type": "Should be a JSON object.",
    "model_type": "Should be a JSON object.",
    "dict_type": "Should be a JSON object.",
    "missing": "This is required.",
}
"""Where the validator's own words would repeat the input, or speak of Python."""


def hinted(pointer: str) -> str:
    """A place of a document whose names are the caller's: those that don't look like names are only hinted at."""
    return "/".join(_shown(step) if step else "" for step in pointer.split("/"))


def _shown(step: object) -> str:
    """A step of a place. One the caller named himself is shown if it looks like a name, and else only
    hinted at."""
    text = str(step)
    return text if _is_plain_name(text) else "..."
