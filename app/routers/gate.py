"""What is refused before a route sees it: bodies too large, of another type, or from nobody known.

A plain ASGI middleware. Requests without a body, and whoever they come from, pass it untouched; their
routes ask for the caller themselves. It also answers errors of ours, so that no request goes without an
answer.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.routers.dependencies import authenticated
from app.routers.errors import (
    STATUS,
    BodyTooLarge,
    UnsupportedMediaType,
    response_to,
)

BODY_LIMIT_BYTES = 1024 * 1024
BULK_BODY_LIMIT_BYTES = 8 * 1024 * 1024
BULK_PATHS = frozenset({"/v1/batches", "/v1/imports"})


class Gate:
    """Answers 413, 415 and 401 for requests with a body before reading any of it, and 500 for what broke."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, await _checked(scope, receive), sending)
        except Exception as error:
            if started:
                raise  # half an answer is out: all that is left is to break the connection
            await response_to(error)(scope, receive, send)


async def _checked(scope: Scope, receive: Receive) -> Receive:
    """What to read the body through. Raises the refusals."""
    length: int | None = None
    content_type = b""
    is_chunked = False
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = int(value) if value.isdigit() else None
        elif name == b"content-type":
            content_type = value
        elif name == b"transfer-encoding":
            is_chunked = True
    if not length and not is_chunked:
        return receive
    limit_bytes = BULK_BODY_LIMIT_BYTES if scope["path"] in BULK_PATHS else BODY_LIMIT_BYTES
    if length is not None and length > limit_bytes:
        raise BodyTooLarge(limit_bytes=limit_bytes)
    await authenticated(scope)
    if not _is_json(content_type):
        raise UnsupportedMediaType
    # The server holds a body to the length it declares; one sent in chunks is counted as it comes.
    return _counted(receive, limit_bytes=limit_bytes) if is_chunked else receive


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
