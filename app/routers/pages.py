"""The pages of the documentation, which load nothing from anywhere else."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import Route

from app.telemetry import Application, Message, Receive, Scope, Send

PATHS = frozenset(("/docs", "/redoc"))
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline'; worker-src 'self' blob:; frame-ancestors 'none'"
)


def keep_to_themselves(app: FastAPI) -> None:
    """Let no browser that shows a page of the documentation ask another server for anything.

    ReDoc's script names a picture at its makers', who would learn of every reader.
    """
    for route in app.routes:
        if isinstance(route, Route) and route.path in PATHS:
            route.app = _with_policy(route.app)


def _with_policy(page: Application) -> Application:
    header = (b"content-security-policy", POLICY.encode())

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], header]
            await send(message)

        await page(scope, receive, send_with_policy)

    return answer
