"""One HTTP/1.1 connection, plain enough to know at which byte it was cut."""

import asyncio
import contextlib
import json
from typing import Any, Final, NamedTuple

MOST_BYTES: Final = 16 * 1024 * 1024


class Answered(NamedTuple):
    """An answer that came back whole. `is_replayed`: it says that it was given before."""

    status: int
    body: Any
    is_replayed: bool


class Cut(Exception):
    """No whole answer came back: whether the request took effect is not known."""


class Wire:
    """A connection to `port` on 127.0.0.1, opened when first needed and again after it was cut."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: object, *, headers: dict[str, str], seconds: float
    ) -> Answered:
        """Send one request and read its answer. Raises Cut when that takes longer than `seconds`, too."""
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(method, path, body, headers)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            self.close()
            raise Cut(repr(error)) from None

    async def _ask(self, method: str, path: str, body: object, headers: dict[str, str]) -> Answered:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=MOST_BYTES)
        reader, writer = self._streams
        text = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self._port}",
            f"Authorization: Bearer {self._key}",
            f"Content-Length: {len(text)}",
            *(["Content-Type: application/json"] if text else []),
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        told = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        content = await reader.readexactly(int(told.get("content-length", "0")))
        if told.get("connection", "").lower() == "close":
            self.close()
        return Answered(
            int(head[0].split(" ")[1]),
            json.loads(content) if content else None,
            told.get("idempotent-replayed") == "true",
        )

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._streams[1].transport.abort()
            self._streams = None
