"""HTTP as it is read from a socket, before any application sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from uvicorn import Config, Server

from app.cli.protocol import HEAD_LIMIT_BYTES, Protocol
from tests.pace import HANG_SECONDS

Asked = Callable[..., Awaitable[bytes]]


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer how long the body was."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    content = str(length).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]}
    )
    await send({"type": "http.response.body", "body": content})


@pytest.fixture
async def asked() -> AsyncGenerator[Asked]:
    """Send pieces over one connection, and read what comes until the other side is silent or gone."""
    server = Server(Config(echo, port=0, http=Protocol, ws="none", lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    async def ask(*pieces: bytes, until: bytes = b"") -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = b""
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)
            while not until or not answer.endswith(until):
                more = await asyncio.wait_for(reader.read(65536), HANG_SECONDS)
                if not more:
                    break
                answer += more
        except ConnectionError:
            pass
        finally:
            writer.close()
        return answer

    yield ask
    server.should_exit = True
    await serving


def post(*headers: str, body: bytes = b"12345") -> bytes:
    lines = ["POST / HTTP/1.1", "Host: x", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


UPGRADES = {
    "h2c": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
    "websocket": ("connection: upgrade", "upgrade: websocket"),
    "loud": ("CONNECTION: UPGRADE", "UPGRADE: H2C"),
}


@pytest.mark.parametrize("headers", UPGRADES.values(), ids=UPGRADES)
async def test_an_offer_to_upgrade_is_passed_over_and_the_body_read(
    asked: Asked, headers: tuple[str, ...]
) -> None:
    request = post(*headers)
    assert (await asked(request, until=b"\r\n\r\n5")).startswith(b"HTTP/1.1 200")
    assert (await asked(request[:-5], request[-5:], until=b"\r\n\r\n5")).startswith(b"HTTP/1.1 200")
    both = await asked(request, post(body=b"123"), until=b"\r\n\r\n3")
    assert both.count(b"HTTP/1.1 200") == 2


async def test_a_body_that_speaks_of_upgrades_stays_as_it_is(asked: Asked) -> None:
    body = b"\r\nUpgrade: h2c\r\n\r\nUpgrade: me"
    assert (await asked(post(body=body), until=b"%d" % len(body))).startswith(b"HTTP/1.1 200")
    assert (await asked(post(body=body)[: -len(body)], body, until=b"%d" % len(body))).startswith(
        b"HTTP/1.1 200"
    )


async def test_a_long_body_is_read(asked: Asked) -> None:
    body = b"x" * (HEAD_LIMIT_BYTES * 20)
    assert (await asked(post(body=body), post(body=body), until=b"%d" % len(body))).count(
        b"HTTP/1.1 200"
    ) == 2


async def test_many_requests_on_one_connection_are_read(asked: Asked) -> None:
    many = [post("X: " + "a" * 9000) for _ in range(20)]
    answers = b""
    answers = await asked(*many, post(body=b""), until=b"\r\n\r\n0")
    assert answers.count(b"HTTP/1.1 200") == 21


@pytest.mark.parametrize(
    "start",
    [b"GET /", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"GET / HTTP/1.1\r\nHost: x\r\n"],
    ids=["address", "header", "headers"],
)
async def test_a_head_without_end_is_refused(asked: Asked, start: bytes) -> None:
    piece = b"a: b\r\n" * 4000 if start.endswith(b"\n") else b"a" * 24_000
    answer = await asked(start, *[piece] * 4)
    assert answer.startswith(b"HTTP/1.1 431")
    assert answer.endswith(b"}")
    assert b"head_too_large" in answer


async def test_trailers_without_end_close_the_connection(asked: Asked) -> None:
    start = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\nX: "
    assert await asked(start, *[b"a" * 24_000] * 4) == b""


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\na b: c\r\n\r\n",
        post("Content-Length: 1"),
    ],
    ids=["TLS", "another version", "a name that is none", "two lengths"],
)
async def test_what_is_no_request_is_told_so(asked: Asked, request_: bytes) -> None:
    head, _, body = (await asked(request_)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"content-type: application/problem+json" in head
    assert (json.loads(body)["status"], json.loads(body)["code"]) == (400, "malformed_request")
