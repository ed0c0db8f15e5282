"""Small TCP proxies that cut connections at a chosen moment: between clients and service, and between service and
PostgreSQL before and after a COMMIT.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, Literal

CHUNK_BYTES: Final = 64 * 1024
# Of PostgreSQL's messages after the first: one letter, then a length that counts itself.
HEAD_BYTES: Final = 5

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Moment = Literal["before", "after"]


class _Done(Exception):
    """The connection is to be cut here."""


class Proxy:
    """Passes bytes on between whoever connects to `port` and what `connect` leads to.

    `cut(moment, count)` arms it: the next `count` connections on which that moment comes are cut there.
    """

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self._connect = connect
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._armed: dict[Moment, int] = {"before": 0, "after": 0}
        self.cuts = 0

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        assert self._server is not None
        return self._server.sockets[0].getsockname()[1]

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Take no more connections and cut those there are."""
        assert self._server is not None
        self._server.close()
        for link in list(self._links):
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    def cut(self, moment: Moment, count: int) -> None:
        """Cut the next `count` connections before a request (or a COMMIT) passes, or after, instead of its answer."""
        self._armed[moment] = count

    def disarm(self) -> int:
        """Cut no more; how many cuts were still to come."""
        left = sum(self._armed.values())
        self._armed = {"before": 0, "after": 0}
        return left

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            with contextlib.suppress(OSError):
                far_reader, far_writer = await self._connect()
                try:
                    await self._link(reader, far_writer, far_reader, writer)
                finally:
                    far_writer.transport.abort()
        except asyncio.CancelledError:
            pass  # the proxy is stopping, and this connection with it
        finally:
            self._links.discard(task)
            writer.transport.abort()

    async def _link(
        self,
        reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        watch = self.watch()
        ways = [
            asyncio.create_task(_pass_on(reader, far_writer, watch.sent)),
            asyncio.create_task(_pass_on(far_reader, writer, watch.answered)),
        ]
        try:
            # When one way has ended, so has the other: nobody here half-closes.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    def watch(self) -> "Watch":
        """What looks at the bytes of one connection: here every chunk sent is a request."""
        return Watch(self)

    def take(self, moment: Moment) -> bool:
        """Whether the connection that reached this moment is to be cut; counts it then."""
        if not self._armed[moment]:
            return False
        self._armed[moment] -= 1
        self.cuts += 1
        return True


class Watch:
    """Looks at one connection's bytes, both ways. Raises _Done where it is to be cut."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def sent(self, _data: bytes) -> None:
        """Bytes on the way to the server."""
        if self._proxy.take("before"):
            raise _Done

    def answered(self, _data: bytes) -> None:
        """Bytes on the way back."""
        if self._proxy.take("after"):
            raise _Done


class PostgresProxy(Proxy):
    """Knows a COMMIT from other messages."""

    def watch(self) -> Watch:
        """Of PostgreSQL's protocol."""
        return _PostgresWatch(self)


class _PostgresWatch(Watch):
    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy)
        self._sent = bytearray()
        self._answered = bytearray()
        self._has_started = False

    def sent(self, data: bytes) -> None:
        self._sent += data
        if not self._has_started:  # its first message has no letter
            if len(self._sent) < 4 or len(self._sent) < int.from_bytes(self._sent[:4]):
                return
            del self._sent[: int.from_bytes(self._sent[:4])]
            self._has_started = True
        for kind, text in _messages(self._sent):
            if kind == b"Q" and b"COMMIT" in text and self._proxy.take("before"):
                raise _Done

    def answered(self, data: bytes) -> None:
        self._answered += data
        for kind, text in _messages(self._answered):
            if kind == b"C" and text.startswith(b"COMMIT") and self._proxy.take("after"):
                raise _Done


def _messages(buffer: bytearray) -> list[tuple[bytes, bytes]]:
    """The whole messages at the beginning of `buffer`, taken out of it: letter and text each."""
    found: list[tuple[bytes, bytes]] = []
    start = 0
    while len(buffer) >= start + HEAD_BYTES:
        end = start + 1 + int.from_bytes(buffer[start + 1 : start + HEAD_BYTES])
        if len(buffer) < end:
            break
        found.append((bytes(buffer[start : start + 1]), bytes(buffer[start + HEAD_BYTES : end])))
        start = end
    del buffer[:start]
    return found


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], None]
) -> None:
    with contextlib.suppress(_Done, OSError):
        while data := await reader.read(CHUNK_BYTES):
            look(data)
            writer.write(data)
            await writer.drain()
