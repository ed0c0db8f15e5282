"""A connection is cut where it was asked for: before a COMMIT passes, or after it, before its answer does."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from chaos.proxy import Moment, PostgresProxy


def message(kind: bytes, text: bytes) -> bytes:
    return kind + (len(text) + 5).to_bytes(4) + text + b"\0"


START = (8).to_bytes(4) + b"\0\3\0\0"
BEGIN, COMMIT = message(b"Q", b"BEGIN"), message(b"Q", b"COMMIT; BEGIN")
BEGUN, COMMITTED = message(b"C", b"BEGIN"), message(b"C", b"COMMIT")


class Server:
    """Answers what it is asked as PostgreSQL would, and remembers."""

    def __init__(self) -> None:
        self.asked = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(START))
        for request, answer in ((BEGIN, BEGUN), (COMMIT, COMMITTED)):
            try:
                self.asked += await reader.readexactly(len(request))
            except asyncio.IncompleteReadError:
                break
            writer.write(answer)
        writer.close()


@pytest.mark.parametrize(
    ("moment", "asked", "answered"),
    [(None, BEGIN + COMMIT, BEGUN + COMMITTED), ("before", BEGIN, BEGUN), ("after", BEGIN + COMMIT, BEGUN)],
)
async def test_a_commit_is_cut(moment: Moment | None, asked: bytes, answered: bytes) -> None:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    proxy = PostgresProxy(lambda: asyncio.open_connection("127.0.0.1", port))
    await proxy.start()
    if moment is not None:
        proxy.cut(moment, 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(START + BEGIN[:3])
    await writer.drain()
    await asyncio.sleep(0.05)  # the message comes in two pieces
    writer.write(BEGIN[3:])
    got = await reader.readexactly(len(BEGUN))
    writer.write(COMMIT)
    with contextlib.suppress(ConnectionResetError):
        got += await reader.read()
    assert (server.asked, got) == (asked, answered)
    assert proxy.cuts == (moment is not None)
    writer.close()
    await proxy.stop()
    listening.close()
