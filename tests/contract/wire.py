"""HTTP byte by byte: what no client library would send, and what is answered to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any, NamedTuple, Self

import h11

ANSWER_SECONDS = 20.0
MEDIA_TYPE = "application/problem+json"


class Answer(NamedTuple):
    """What came back; `status` is 0 where the connection was closed, and -1 where nothing came at all."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def code(self) -> str:
        """The code of the problem that it tells, empty if it tells none."""
        with contextlib.suppress(ValueError):
            told = json.loads(self.body)
            if isinstance(told, dict):
                return str(told.get("code", ""))
        return ""

    def fault(self, codes: set[str], *, method: str = "GET") -> str | None:
        """What is wrong with it as an answer to a malformed request, None if nothing is.

        Whatever is refused must be a problem with one of `codes`; a closed connection is left to the caller.
        """
        if self.status == -1:
            return f"no answer within {ANSWER_SECONDS:.0f} s"
        if self.status >= 500:
            return f"{self.status} {self.code}"
        if self.status < 400 or method == "HEAD":
            return None
        if self.headers.get("content-type") != MEDIA_TYPE:
            return f"{self.status} with {self.headers.get('content-type')}: {self.body[:80]!r}"
        return self._misshape(codes)

    def _misshape(self, codes: set[str]) -> str | None:
        told: Any = json.loads(self.body)
        if told["status"] != self.status:
            return f"{self.status} tells {told['status']}"
        if told["code"] not in codes:
            return f"the code {told['code']} is not documented"
        if told["type"] != f"urn:loyalty:problem:{told['code']}":
            return f"{told['code']} has the type {told['type']}"
        return None


class Wire:
    """One connection at a time to 127.0.0.1, opened anew whenever the other side closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            with contextlib.suppress(OSError):
                await self._streams[1].wait_closed()
        self._streams = None

    async def ask(self, raw: bytes, *, method: str = "GET") -> Answer:
        """Send `raw` whole, and read one answer; it is sent again once if a kept connection had been closed."""
        was_kept = self._streams is not None
        answer = await self._ask(raw, method)
        if answer.status == 0 and was_kept:
            await self.close()
            answer = await self._ask(raw, method)
        if answer.status <= 0 or answer.headers.get("connection") == "close":
            await self.close()
        return answer

    async def _ask(self, raw: bytes, method: str) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        began = time.perf_counter()
        sending = asyncio.create_task(self._send(writer, raw))
        try:
            status, headers, body = await asyncio.wait_for(_read_answer(reader, method), ANSWER_SECONDS)
        except TimeoutError:
            status, headers, body = -1, {}, b""
        finally:
            # Who refuses by the head alone need not have read the body.
            is_whole = sending.done()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if not is_whole:
            await self.close()
        return Answer(status, headers, body, time.perf_counter() - began)

    @staticmethod
    async def _send(writer: asyncio.StreamWriter, raw: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(raw)
            await writer.drain()


async def _read_answer(reader: asyncio.StreamReader, method: str) -> tuple[int, dict[str, str], bytes]:
    parser = h11.Connection(h11.CLIENT)
    # It reads answers only to what it believes it sent, and would not send the half of it.
    believed = "HEAD" if method == "HEAD" else "GET"
    parser.send(h11.Request(method=believed, target="/", headers=[("Host", "x")]))
    parser.send(h11.EndOfMessage())
    status, headers, body = 0, {}, b""
    while True:
        event = parser.next_event()
        if event is h11.NEED_DATA:
            try:
                data = await reader.read(65536)
            except ConnectionError:
                data = b""
            if not data and status == 0:
                return 0, {}, b""
            parser.receive_data(data)
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return status, headers, body
