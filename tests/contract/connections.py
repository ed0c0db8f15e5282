"""Connections as they shouldn't be: half requests, lies about lengths, floods. Who else calls is served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from socket import SO_LINGER, SOL_SOCKET

from tests.contract.wire import Answer, Wire
from tests.pace import HANG_SECONDS

READY = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
QUIET_SECONDS = 0.5

Open = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
Case = Callable[[Open, str], Awaitable[None]]


def _post(credential: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [
        "POST /v1/batches HTTP/1.1", "Host: x", f"Authorization: Bearer {credential}",
        "Content-Type: application/json", *headers, "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + body


async def _said(open_: Open, *pieces: bytes, is_answered: bool = False) -> bytes:
    """What comes within a moment after the pieces were sent, or after an answer began where there must be one; the
    connection is hung up then.
    """
    reader, writer = await open_()
    heard = b""
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        with contextlib.suppress(TimeoutError):
            patience = HANG_SECONDS if is_answered else QUIET_SECONDS
            while data := await asyncio.wait_for(reader.read(65536), patience):
                heard += data
                patience = QUIET_SECONDS
    writer.close()
    return heard


async def half_a_line(open_: Open, _credential: str) -> None:
    """The beginning of a request, and then nothing."""
    assert await _said(open_, b"GET /read") == b""


async def half_a_head(open_: Open, credential: str) -> None:
    """A head without its end."""
    assert await _said(open_, _post(credential)[:-2]) == b""


async def half_a_body(open_: Open, credential: str) -> None:
    """A body shorter than its length: whoever hangs up has asked nothing."""
    assert await _said(open_, _post(credential, "Content-Length: 100", body=b'{"operations":[]')) == b""


async def a_body_too_long(open_: Open, credential: str) -> None:
    """A body longer than its length: the rest is no request, and is told so."""
    body = b'{}{"operations":[]}\r\n\r\n'
    heard = await _said(open_, _post(credential, "Content-Length: 2", body=body), is_answered=True)
    assert heard.startswith((b"HTTP/1.1 422", b"HTTP/1.1 400")), heard
    assert b"HTTP/1.1 2" not in heard


async def two_lengths(open_: Open, credential: str) -> None:
    """Two lengths, or a length and chunks: what one reader takes for a body is a request to another."""
    hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for headers in (
        ("Content-Length: 4", f"Content-Length: {len(hidden)}"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding : chunked",),
    ):
        heard = await _said(open_, _post(credential, *headers, body=b"0\r\n\r\n" + hidden))
        assert b"HTTP/1.1 2" not in heard, headers


async def many_in_one(open_: Open, _credential: str) -> None:
    """A hundred requests in one piece are answered in order."""
    reader, writer = await open_()
    writer.write(READY * 100)
    answered = 0
    while answered < 100:
        data = await asyncio.wait_for(reader.read(65536), HANG_SECONDS)
        assert data
        answered += data.count(b"HTTP/1.1 200")
    writer.close()


async def byte_by_byte(open_: Open, _credential: str) -> None:
    """A request in pieces of one byte."""
    pieces = (READY[at : at + 1] for at in range(len(READY)))
    assert (await _said(open_, *pieces, is_answered=True)).startswith(b"HTTP/1.1 200")


async def an_answer_nobody_reads(open_: Open, _credential: str) -> None:
    """A thousand requests whose answers are never read, then a reset."""
    _, writer = await open_()
    writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000)
    with contextlib.suppress(TimeoutError, ConnectionError):
        await asyncio.wait_for(writer.drain(), 1)
    _reset(writer)


async def resets(open_: Open, credential: str) -> None:
    """Resets in the middle of everything."""
    whole = _post(credential, "Content-Length: 17", body=b'{"operations":[]}')
    for cut in range(1, len(whole) + 1, 7):
        _, writer = await open_()
        with contextlib.suppress(ConnectionError):
            writer.write(whole[:cut])
            await writer.drain()
        _reset(writer)


async def an_endless_head(open_: Open, _credential: str) -> None:
    """Headers that never end, sixty-four megabytes of them."""
    heard = await _said(open_, b"GET / HTTP/1.1\r\n", *[b"X: " + b"a" * 65_000 + b"\r\n"] * 20)
    assert heard == b"" or heard.startswith(b"HTTP/1.1 431")


async def endless_chunks(open_: Open, credential: str) -> None:
    """Chunks beyond what is read."""
    start = _post(credential, "Transfer-Encoding: chunked")
    heard = await _said(open_, start, *[b"10000\r\n" + b" " * 65_536 + b"\r\n"] * 200)
    assert heard.startswith((b"HTTP/1.1 413", b"HTTP/1.1 400")) or heard == b""


async def five_hundred_that_wait(open_: Open, credential: str) -> None:
    """Connections that sent half a head and stay: the service answers others meanwhile."""
    opened = [await open_() for _ in range(500)]
    for _, writer in opened:
        writer.write(_post(credential)[:-2])
    reader, writer = await open_()
    writer.write(READY)
    assert (await asyncio.wait_for(reader.read(65536), HANG_SECONDS)).startswith(b"HTTP/1.1 200")
    for _, each in [*opened, (reader, writer)]:
        each.close()


async def another_protocol(open_: Open, _credential: str) -> None:
    """TLS, HTTP/2, SSH, and bytes of no meaning."""
    for start in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        b"SSH-2.0-x\r\n",
        bytes(range(256)) * 20,
    ):
        heard = await _said(open_, start)
        assert heard == b"" or b"application/problem+json" in heard, start[:20]


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


CASES: list[Case] = [
    half_a_line, half_a_head, half_a_body, a_body_too_long, two_lengths, many_in_one, byte_by_byte,
    an_answer_nobody_reads, resets, an_endless_head, endless_chunks, five_hundred_that_wait, another_protocol,
]  # fmt: skip


def opening(port: int) -> Open:
    """Opens connections to 127.0.0.1."""
    return lambda: asyncio.open_connection("127.0.0.1", port)


async def try_connections(port: int, credential: str) -> list[str]:
    """Do to the service at `port` all of `CASES`; what went wrong, if anything did."""
    faults: list[str] = []
    for case in CASES:
        try:
            await case(opening(port), credential)
        except (AssertionError, TimeoutError, OSError) as error:
            faults.append(f"{case.__name__}: {type(error).__name__} {error}")
        async with Wire(port) as wire:
            answer: Answer = await wire.ask(READY)
        if answer.status != 200:
            faults.append(f"{case.__name__}: afterwards the service answers {answer.status}")
    return faults
