"""The door of every route: who may call it, and what it is willing to read.

A route says who may call it above its function; one that says nothing can't be made:

    @router.post("/v1/members/{member_id}/sign-ins", status_code=201, operation_id="sign_in")
    @require("points:write", member=True)
    async def sign_in(member_id: MemberId, request: Request, response: Response) -> SignIn:
        caller = caller_of(request)

The door is passed before anything of the body is read, so nobody unknown makes the service parse megabytes.
It is no FastAPI dependency because those, solved anew for each request, cost more than all that is done
here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from app.domain.errors import LoyaltyError
from app.routers.errors import STATUS, BodyTooLarge, UnsupportedMediaType, response_to
from app.security.authenticator import Authenticator
from app.security.callers import SCOPES, NotForMembers, NotYourMember, Principal

BODY_LIMIT_BYTES = 1024 * 1024
BULK_BODY_LIMIT_BYTES = 8 * 1024 * 1024

API_KEY_SCHEME = "api_key"
MEMBER_TOKEN_SCHEME = "member_token"  # noqa: S105 - a name, no secret

_PRINCIPAL = "loyalty.principal"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route and how much it reads; `scope` None is any API key, for routes that look
    closer."""

    scope: str | None
    member: bool
    is_public: bool
    body_limit_bytes: int
    names_member_in_body: bool = False

    def security(self) -> list[dict[str, list[str]]]:
        """As the API's document says it: any one of these will do."""
        if self.is_public:
            return []
        schemes = [{API_KEY_SCHEME: [self.scope] if self.scope is not None else []}]
        if self.member:
            schemes.append({MEMBER_TOKEN_SCHEME: []})
        return schemes


_accesses: dict[Callable[..., Any], Access] = {}


def require(
    scope: str | None,
    *,
    member: bool = False,
    names_member_in_body: bool = False,
    is_bulk: bool = False,
    limit_bytes: int = BODY_LIMIT_BYTES,
) -> Callable[[Endpoint], Endpoint]:
    """Let a route be called with an API key that holds `scope` (None: any key, and the route checks further).

    With `member` a member's own token will do too, for the `{member_id}` in the path and no other; a route that
    `names_member_in_body` holds it against the token itself, by `check_own`. The body may be `limit_bytes` long, with
    `is_bulk` `BULK_BODY_LIMIT_BYTES`.
    """
    assert scope is None or scope in SCOPES, scope
    limit_bytes = BULK_BODY_LIMIT_BYTES if is_bulk else limit_bytes
    return _declare(
        Access(
            scope=scope,
            member=member,
            is_public=False,
            body_limit_bytes=limit_bytes,
            names_member_in_body=names_member_in_body,
        )
    )


def public(endpoint: Endpoint) -> Endpoint:
    """Let a route be called by anybody."""
    return _declare(Access(scope=None, member=True, is_public=True, body_limit_bytes=BODY_LIMIT_BYTES))(
        endpoint
    )


def _declare(access: Access) -> Callable[[Endpoint], Endpoint]:
    def declare(endpoint: Endpoint) -> Endpoint:
        _accesses[endpoint] = access
        return endpoint

    return declare


def router(tag: str) -> APIRouter:
    """A router for the routes of one feature, each behind its door; paths are written out in full."""
    return APIRouter(tags=[tag], route_class=Route)


def caller_of(request: Request) -> Principal:
    """Who passed the door of a route that isn't public."""
    return request.scope[_PRINCIPAL]


def check_own(request: Request, member_id: str) -> None:
    """Raises NotYourMember if a member's token asks for another member."""
    if caller_of(request).member_id not in (None, member_id):
        raise NotYourMember


def header_of(request: Request, name: bytes) -> bytes | None:
    """A header's raw value; the first, where there are several. `name` is in lower case."""
    for key, value in request.scope["headers"]:
        if key == name:
            return value
    return None


class Route(APIRoute):
    """A route behind its door."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401
        access = _accesses.get(endpoint)
        assert access is not None, (
            f"{endpoint.__qualname__} doesn't say who may call it: @require(...) or @public"
        )
        self.access = access
        options["openapi_extra"] = {**(options.get("openapi_extra") or {}), "security": access.security()}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        access = self.access

        async def guarded(request: Request) -> Response:
            try:
                admitted, _ = await admit(request, access)
                return await handler(admitted)
            except (LoyaltyError, HTTPException, RequestValidationError):
                raise
            except Exception as error:  # noqa: BLE001 - no request goes without an answer
                return response_to(error)

        return guarded


async def admit(request: Request, access: Access) -> tuple[Request, bytes]:
    """The request to go on with, another one if the length of its body is not told, and its content type. Raises
    whatever keeps it out.
    """
    authorization: bytes | None = None
    length_bytes = 0
    content_type = b""
    is_chunked = False
    for name, value in request.scope["headers"]:
        if name == b"authorization":
            authorization = authorization or value
        elif name == b"content-length":
            length_bytes = int(value)  # the server has refused what is no number
        elif name == b"content-type":
            content_type = value
        elif name == b"transfer-encoding":
            is_chunked = True
    if length_bytes > access.body_limit_bytes:
        raise BodyTooLarge(limit_bytes=access.body_limit_bytes)
    if not access.is_public:
        await _let_in(request, access, authorization)
    if not length_bytes and not is_chunked:
        return request, content_type
    if not _is_json(content_type):
        raise UnsupportedMediaType
    if is_chunked:
        # The server holds a body to the length it declares; one without is counted as it comes.
        request = Request(request.scope, _counted(request.receive, limit_bytes=access.body_limit_bytes))
    return request, content_type


async def _let_in(request: Request, access: Access, authorization: bytes | None) -> None:
    authenticator: Authenticator = request.app.state.authenticator
    principal = await authenticator.authenticate(authorization)
    if principal.member_id is not None:
        if not access.member:
            raise NotForMembers
        if not access.names_member_in_body and request.path_params.get("member_id") != principal.member_id:
            raise NotYourMember
    elif access.scope is not None:
        principal.needs(access.scope)
    request.scope[_PRINCIPAL] = principal


def _is_json(content_type: bytes) -> bool:
    media_type = content_type.partition(b";")[0].strip().lower()
    return media_type == b"application/json" or (
        media_type.startswith(b"application/") and media_type.endswith(b"+json")
    )


def _counted(receive: Receive, *, limit_bytes: int) -> Receive:
    read_bytes = 0

    async def receiving() -> Message:
        nonlocal read_bytes
        message = await receive()
        read_bytes += len(message.get("body", b""))
        if read_bytes > limit_bytes:
            # Of this kind because the framework, while it reads a body, takes any other for bad JSON.
            raise HTTPException(STATUS[BodyTooLarge.kind])
        return message

    return receiving
