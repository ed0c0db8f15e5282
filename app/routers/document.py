"""The API's document: `openapi.json`, complete without any route having to repeat itself.

A route lists the refusals that are its own. What it may answer because of what it is (it needs a caller, it
reads a body, it has parameters) is added here for all, so that no route can forget it.
"""

from __future__ import annotations

from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.domain.errors import ErrorKind, IdempotencyKeyMissing, LoyaltyError
from app.ledger.engine import QueueFull
from app.routers.door import API_KEY_SCHEME, MEMBER_TOKEN_SCHEME
from app.routers.errors import (
    MEDIA_TYPE,
    STATUS,
    BodyTooLarge,
    DatabaseUnavailable,
    MalformedJson,
    UnsupportedMediaType,
    ValidationFailed,
    problem,
)
from app.routers.examples import add_examples, complete_examples
from app.schemas.problem import Problem
from app.security.callers import (
    SCOPES,
    CredentialInvalid,
    CredentialMissing,
    KeyRevoked,
    NotForMembers,
    NotYourMember,
    ScopeMissing,
    TokenExpired,
    TokenKeysUnavailable,
)

REPLAYED_HEADER = "Idempotent-Replayed"

_DESCRIPTION = """
A headless loyalty service: points, tiers and the ledger behind them.

**Money** is an integer in the minor unit of the program's currency (fen for CNY): `30000` is 300 yuan.
**Times** are RFC 3339 with offset, answered in UTC; a *day* is a day in the program's time zone.
**Ids** of members, orders and operations are the caller's own, 1 to 64 of `A-Za-z0-9._:-`.

**Sending again is safe.** Every change names a key of the caller's own (`order_id`, `reference`, a date):
sent again with the same content it is answered 200 with the first body and `Idempotent-Replayed: true`;
with other content it is 409. A refusal wrote nothing and is not remembered.

A POST takes an `Idempotency-Key` too: the same key with the same request is answered as the first time, status and
body; with another request it is 422.

**Errors** are `application/problem+json` with a stable `code` and a `detail` that says what to do; with 422 `errors`
names each place. 503 did nothing, or says that it does not know: send the same again after `Retry-After` seconds.

**Lists** answer `data` and `next_cursor`; pass it as `?cursor=` for the next page, until it is null.

**Bodies** are at most 1 MiB (batches: 8 MiB; lists of members to be given coupons: 16 MiB). Fields that are not known
are refused, and nothing is coerced: `"100"` and `1.0` are no integers. Answers may get further fields: ignore those
you do not know.
"""

_SUCCESSES = {"200": "Done.", "201": "Made.", "204": "Done."}

_REPLAYED = {
    "description": "`true` when this repeats an answer given before; absent otherwise.",
    "schema": {"type": "string", "enum": ["true"]},
}

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "1 to 255 visible ASCII characters of the caller's own. The same key with the same "
    "request is answered as the first time, with `Idempotent-Replayed: true`; with another request it is "
    "refused.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "example": "6f1c7e0a-7d0e-4a44-9a3e-0d4f8a1f2b11",
}

_HEADERS = {
    STATUS[ErrorKind.UNAUTHENTICATED]: {
        "WWW-Authenticate": {"description": "`Bearer`.", "schema": {"type": "string", "enum": ["Bearer"]}}
    },
    STATUS[ErrorKind.OVERLOADED]: {
        "Retry-After": {
            "description": "Seconds to wait.",
            "schema": {"type": "integer", "format": "int64", "minimum": 1},
        }
    },
}
"""What a problem comes with, by its status."""

_ALWAYS_ANSWERED = "operations"
"""The tag of what is asked of a service that is doing badly."""

_TAGS = [
    {"name": "members", "description": "Who takes part, and where they stand."},
    {"name": "points", "description": "Earning and spending, each one entry in the ledger."},
    {"name": "tiers", "description": "The ladder, and how members climb it."},
    {"name": "coupons", "description": "What is given out to take something off an order."},
    {"name": "checkout", "description": "Carts: what they cost, held until they are paid, and refunded."},
    {"name": "ledger", "description": "The accountant's view of all of it."},
    {"name": "program", "description": "The rules: in words, in data, and how they change."},
    {
        "name": "campaigns",
        "description": "What is given for a time, to whom and when; tried before it costs anything.",
    },
    {"name": "keys", "description": "Who may call."},
    {"name": "operations", "description": "Is it alive, is it ready, how is it doing."},
]

_SECURITY_SCHEMES = {
    API_KEY_SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "loy_<id>_<secret>",
        "description": "An API key. Its scopes say what it may do:\n\n"
        + "\n".join(f"- `{scope}`: {meaning}" for scope, meaning in SCOPES.items()),
    },
    MEMBER_TOKEN_SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A member's own token: a JWT signed with RS256, ES256 or EdDSA, whose `sub` is the "
        "member id and whose `exp` has not passed. It reaches that member alone.",
    },
}

type_of_responses = dict[int | str, dict[str, Any]]


def problems(*errors: type[LoyaltyError]) -> type_of_responses:
    """A route's `responses=`: each error under its status, with an example of it."""
    responses: type_of_responses = {}
    for error in errors:
        _add(responses, error, key=STATUS[error.kind])
    return responses


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`."""
    made = get_openapi(
        title="Loyalty service",
        version=app.version,
        summary="Points, tiers and their ledger over HTTP.",
        description=_DESCRIPTION.strip(),
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
        tags=_TAGS,
        routes=app.routes,
        servers=[{"url": "/", "description": "The service this document came from."}],
    )
    components = made.setdefault("components", {})
    components["securitySchemes"] = _SECURITY_SCHEMES
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem_schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem_schema.pop("$defs"))
    schemas["Problem"] = problem_schema
    complete_examples(schemas)
    _widen(made)
    for path in made["paths"].values():
        for method, operation in path.items():
            _complete(operation, method=method)
            add_examples(operation, schemas)
    return made


def _complete(operation: dict[str, Any], *, method: str) -> None:
    # The first sentence of a route's docstring says it in short, all of it at length.
    text = " ".join(operation["description"].split("\n\n")[0].split())
    operation["summary"] = text.split(". ")[0].removesuffix(".")
    responses = operation["responses"]
    for status in responses.keys() & _SUCCESSES.keys():
        if responses[status]["description"] == "Successful Response":
            responses[status]["description"] = _SUCCESSES[status]
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    if method == "post":
        is_required = IdempotencyKeyMissing.code in str(responses.get("400"))
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY | {"required": is_required})
    errors = _admission(operation["security"])
    if _ALWAYS_ANSWERED not in operation["tags"]:
        errors.append(QueueFull)
    if "requestBody" in operation:
        errors += [MalformedJson, BodyTooLarge, UnsupportedMediaType]
    if "requestBody" in operation or operation.get("parameters"):
        errors.append(ValidationFailed)
    for error in errors:
        _add(responses, error, key=str(STATUS[error.kind]))
    if method in {"post", "put"}:
        for status in responses.keys() & {"200", "201"}:
            responses[status].setdefault("headers", {})[REPLAYED_HEADER] = _REPLAYED
    operation["responses"] = dict(sorted(responses.items()))


def _widen(part: Any) -> None:  # noqa: ANN401 - JSON
    """Say of every integer that it takes 64 bits, or generated clients hold amounts in 32; write its bounds as
    integers, which the framework makes floats.
    """
    if isinstance(part, list):
        for each in cast("list[Any]", part):
            _widen(each)
    if not isinstance(part, dict):
        return
    schema = cast("dict[str, Any]", part)
    if schema.get("type") == "integer":
        schema.setdefault("format", "int64")
        for bound in schema.keys() & {"minimum", "maximum"}:
            schema[bound] = int(schema[bound])
    for each in schema.values():
        _widen(each)


def _admission(security: list[dict[str, list[str]]]) -> list[type[LoyaltyError]]:
    """What the door may answer."""
    if not security:
        return []
    errors: list[type[LoyaltyError]] = [CredentialMissing, CredentialInvalid, KeyRevoked, DatabaseUnavailable]
    if any(security[0].values()):
        errors.append(ScopeMissing)
    if any(MEMBER_TOKEN_SCHEME in scheme for scheme in security):
        return [*errors, TokenExpired, TokenKeysUnavailable, NotYourMember]
    return [*errors, NotForMembers]


def _add(responses: dict[Any, dict[str, Any]], error: type[LoyaltyError], *, key: int | str) -> None:
    response = responses.setdefault(
        key,
        {
            "description": "",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
        },
    )
    shown = problem(error.example()) | {"request_id": "8PvCq2n4T0aWd3Lk"}
    response["content"][MEDIA_TYPE]["examples"][error.code] = {"summary": error.title, "value": shown}
    if int(key) in _HEADERS:
        response["headers"] = _HEADERS[int(key)]
    codes = response["content"][MEDIA_TYPE]["examples"]
    response["description"] = "; ".join(example["summary"] for example in codes.values()) + "."
