"""More than can be served: what is refused is refused at once and has no effect, and what was taken on is answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection
from typing import Any, Literal

import asyncpg
import httpx
import pytest
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.cli.admission import Admission
from app.cli.protocol import HEAD_LIMIT_BYTES, Protocol
from app.config import Settings
from app.main import create_app
from app.telemetry import Application
from tests.pace import HANG_SECONDS, until
from tests.routers.asking import new_id

PassTime = Callable[[float], None]

KEY = "bootstrap-key-of-the-tests-0123456789"
AT_ONCE = 2
LONG_SECONDS = 3_600


class Few(Admission):
    """Takes on AT_ONCE, whatever was answered."""

    requests: Collection[object] = ()
    """Those under way."""

    def is_full(self, *, open_requests: int, answered: int, now: float) -> bool:  # noqa: ARG002
        return open_requests - self.uploading >= AT_ONCE


@contextlib.asynccontextmanager
async def serving(
    app: Any, *, lifespan: Literal["on", "off"] = "off", quiet_seconds: int = LONG_SECONDS
) -> AsyncGenerator[tuple[int, Few]]:
    """A server in this process that takes on few, its port and its admission."""

    class Narrow(Protocol):
        admission = Few()

    server = Server(
        Config(
            app,
            port=0,
            http=Narrow,
            ws="none",
            lifespan=lifespan,
            log_config=None,
            timeout_keep_alive=quiet_seconds,
        )
    )
    Narrow.admission.requests = server.server_state.tasks
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], Narrow.admission
    finally:
        server.should_exit = True
        await running


class Held:
    """An application that answers how long the body was, once it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.begun = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        length, more = 0, True
        while more:
            message = await receive()
            length += len(message.get("body", b""))
            more = message.get("more_body", False)
        self.begun += 1
        if not scope["path"].startswith("/healthz"):
            await self.may.wait()
        content = b"%d" % length
        headers = [(b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


class Connection:
    """A client that sends what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            await asyncio.sleep(0.02)

    async def send_while_it_reads_others(self, data: bytes, *, seconds: float) -> None:
        """Send while the server, in the same process, is busy with what others sent in the same turn."""
        loop = asyncio.get_running_loop()
        reading, writing = socket.socketpair()
        done = asyncio.Event()

        def read() -> None:
            loop.remove_reader(reading)
            os.write(self._writer.get_extra_info("socket").fileno(), data)
            time.sleep(seconds)
            done.set()

        with reading, writing:
            loop.add_reader(reading, read)
            writing.send(b"1")
            await done.wait()

    async def answer(self, *, has_body: bool = True) -> tuple[int, dict[str, str], bytes]:
        head = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), HANG_SECONDS)).decode()
        status, *lines = head.strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        body = await self._reader.readexactly(int(headers["content-length"])) if has_body else b""
        return int(status.split()[1]), headers, body

    async def is_closed(self) -> bool:
        return await asyncio.wait_for(self._reader.read(), HANG_SECONDS) == b""


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncGenerator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def overloaded(*, quiet_seconds: int = LONG_SECONDS) -> AsyncGenerator[tuple[int, Held, Few]]:
    """A server with as much to do as it takes on; all of it is answered when the block ends."""
    held = Held()
    async with (
        serving(held, quiet_seconds=quiet_seconds) as (port, admission),
        contextlib.AsyncExitStack() as opened,
    ):
        busy = [await opened.enter_async_context(connected(port)) for _ in range(AT_ONCE)]
        for one in busy:
            await one.send(post(b"12345"))
        await until(lambda: held.begun == AT_ONCE)
        yield port, held, admission
        held.may.set()
        for one in busy:
            assert (await one.answer())[0] == 200


def post(body: bytes, *headers: str, path: str = "/v1/x") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def test_a_refusal_tells_what_to_do() -> None:
    async with overloaded() as (port, held, _), connected(port) as third:
        await third.send(post(b"12345"))
        status, headers, body = await third.answer()
        assert (status, headers["retry-after"], headers["content-type"]) == (
            503,
            "1",
            "application/problem+json",
        )
        problem = json.loads(body)
        assert (problem["code"], problem["status"], problem["type"]) == (
            "overloaded",
            503,
            "urn:loyalty:problem:overloaded",
        )
        assert held.begun == AT_ONCE, "nothing was done"


async def test_a_refused_connection_stays_and_is_served_later() -> None:
    async with overloaded() as (port, held, admission), connected(port) as third:
        for _ in range(3):
            await third.send(post(b"12345"))
            assert (await third.answer())[0] == 503
        held.may.set()
        await until(lambda: not admission.requests)
        await third.send(post(b"1234567"))
        status, _, body = await third.answer()
        assert (status, body) == (200, b"7")


REFUSED = {
    "in one piece": [post(b"12345")],
    "head, then body": [post(b"12345")[:-5], b"12345"],
    "in crumbs": [post(b"12345")[at : at + 9] for at in range(0, len(post(b"12345")), 9)],
    "without a body": [b"GET /v1/members/u-1 HTTP/1.1\r\nHost: x\r\n\r\n"],
    "chunked": [
        b"POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        b"0\r\n\r\n",
    ],
    "long": [post(b"x" * HEAD_LIMIT_BYTES * 3)],
    "that offers to upgrade": [
        post(b"12345", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA")
    ],
}


@pytest.mark.parametrize("pieces", REFUSED.values(), ids=REFUSED)
async def test_a_refused_request_is_read_to_its_end(pieces: list[bytes]) -> None:
    async with overloaded() as (port, held, admission), connected(port) as third:
        await third.send(*pieces)
        assert (await third.answer())[0] == 503
        assert admission.untold == 1
        held.may.set()
        await until(lambda: not admission.requests)
        await third.send(*pieces)
        assert (await third.answer())[0] == 200, "the next request begins where it ended"


async def test_requests_sent_without_waiting_are_refused_each() -> None:
    async with overloaded() as (port, _, admission), connected(port) as third:
        await third.send(post(b"12345") + post(b"1") + post(b"123")[:-1], b"3")
        assert [(await third.answer())[0] for _ in range(3)] == [503] * 3
        assert admission.untold == 3


async def test_a_refusal_of_head_has_no_body() -> None:
    async with overloaded() as (port, _, _), connected(port) as third:
        await third.send(b"HEAD /v1/x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await third.answer(has_body=False))[0] == 503
        await third.send(post(b"12345"))
        assert (await third.answer())[0] == 503


@pytest.mark.parametrize("head", ["HTTP/1.1\r\nConnection: close", "HTTP/1.0"])
async def test_who_wants_no_more_is_let_go(head: str) -> None:
    async with overloaded() as (port, _, _), connected(port) as third:
        await third.send(f"GET / {head}\r\nHost: x\r\n\r\n".encode())
        status, headers, _ = await third.answer()
        assert (status, headers["connection"]) == (503, "close")
        assert await third.is_closed()


async def test_what_is_no_request_is_told_so() -> None:
    async with overloaded() as (port, _, _), connected(port) as third:
        await third.send(b"BREW / COFFEE\r\n\r\n")
        assert (await third.answer())[0] == 400
        assert await third.is_closed()


async def test_a_refused_head_without_end_is_not_read_on() -> None:
    async with overloaded() as (port, _, admission), connected(port) as third:
        with contextlib.suppress(ConnectionError):
            await third.send(b"GET / HTTP/1.1\r\nHost: x\r\n", *[b"a: b\r\n" * 4000] * 4)
            assert await third.is_closed()
        assert admission.untold == 0


async def test_what_is_answered_keeps_nobody_out() -> None:
    """The next request may be read before the loop has told of the end of the one before."""
    may_end = asyncio.Event()

    async def lingering(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})
        await may_end.wait()

    async with serving(lingering) as (port, admission), contextlib.AsyncExitStack() as opened:
        opened.callback(may_end.set)
        for _ in range(2 * AT_ONCE):
            one = await opened.enter_async_context(connected(port))
            await one.send(post(b""))
            assert (await one.answer())[0] == 200
        assert admission.ending == 2 * AT_ONCE
        may_end.set()
        await until(lambda: admission.ending == 0)


async def test_health_is_told_whatever_the_load() -> None:
    async with overloaded() as (port, _, admission), connected(port) as third:
        await third.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await third.answer())[0] == 200
        assert admission.untold == 0


async def test_slow_uploads_keep_nobody_out() -> None:
    held = Held()
    held.may.set()
    async with serving(held) as (port, admission), contextlib.AsyncExitStack() as opened:
        slow = [await opened.enter_async_context(connected(port)) for _ in range(AT_ONCE + 1)]
        for one in slow:
            await one.send(post(b"12345")[:-1])
        await until(lambda: admission.uploading == AT_ONCE + 1)
        quick = await opened.enter_async_context(connected(port))
        await quick.send(post(b"12345"))
        assert (await quick.answer())[0] == 200
        await slow[0].send(b"5")
        assert (await slow[0].answer())[0] == 200
        await opened.aclose()
        await until(lambda: admission.uploading == 0)  # whoever went away uploads no more


@pytest.fixture
async def pass_time(monkeypatch: pytest.MonkeyPatch) -> PassTime:
    """Let the loop's clock go on by so many seconds at once."""
    loop = asyncio.get_running_loop()
    told, ahead = loop.time, 0.0

    def pass_time(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    monkeypatch.setattr(loop, "time", lambda: told() + ahead)
    return pass_time


async def test_a_slow_answer_is_waited_for_and_a_silent_connection_is_closed(pass_time: PassTime) -> None:
    held = Held()
    held.may.set()
    async with serving(held) as (port, _), connected(port) as one:
        await one.send(post(b"12345"))
        assert (await one.answer())[0] == 200
        held.may.clear()
        await one.send(post(b"1234567"))
        await until(lambda: held.begun == 2)
        pass_time(1.5 * LONG_SECONDS)
        await asyncio.sleep(0.05)
        held.may.set()
        assert (await one.answer())[2] == b"7"
        pass_time(1.5 * LONG_SECONDS)
        assert await one.is_closed()


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})])
async def test_what_waits_to_be_read_when_the_time_is_up_is_answered() -> None:
    """The loop looks at its timers after it read what others sent, and before it reads what came meanwhile."""
    held = Held()
    held.may.set()
    async with serving(held, quiet_seconds=3) as (port, _), connected(port) as one:
        await one.send(post(b"12345"))
        assert (await one.answer())[0] == 200
        await one.send_while_it_reads_others(post(b"1234567"), seconds=3.2)
        assert (await one.answer())[2] == b"7"


async def test_a_connection_that_is_refused_and_falls_silent_is_closed() -> None:
    async with overloaded(quiet_seconds=1) as (port, _, _), connected(port) as third:
        await third.send(post(b"12345"))
        assert (await third.answer())[0] == 503
        assert await third.is_closed()


async def test_a_connection_that_is_refused_again_and_again_is_in_use(
    monkeypatch: pytest.MonkeyPatch, pass_time: PassTime
) -> None:
    closed: list[float] = []
    monkeypatch.setattr(
        HttpToolsProtocol, "timeout_keep_alive_handler", lambda self: closed.append(self.loop.time())
    )
    held = Held()
    held.may.set()
    async with serving(held) as (port, admission), connected(port) as one:
        await one.send(post(b"12345"))
        assert (await one.answer())[0] == 200
        admission.uploading = -AT_ONCE  # full from now on
        pass_time(0.7 * LONG_SECONDS)
        await one.send(post(b"12345"))
        refused_at = asyncio.get_running_loop().time()
        assert (await one.answer())[0] == 503
        pass_time(0.7 * LONG_SECONDS)
        await asyncio.sleep(0.05)  # the timer that was set by the first answer is up
        assert not closed
        pass_time(0.7 * LONG_SECONDS)
        await until(lambda: closed)
        assert closed[0] >= refused_at + LONG_SECONDS - 1


# --- the whole service -----------------------------------------------------------------------------------


@pytest.fixture
def whole(database_url: str) -> Application:
    return create_app(
        Settings(database_url=database_url, bootstrap_key=KEY, pii_keys=f"k1:{'A' * 43}=")  # pyright: ignore[reportArgumentType]
    )


async def test_what_is_refused_has_no_effect_and_may_be_sent_again(
    whole: Application, database_url: str
) -> None:
    """A batch waits for a lock; what comes meanwhile is taken on as far as it may be, and else refused."""
    member = new_id()
    orders = [{"order_id": f"o-{number}", "amount": 10_000} for number in range(12)]
    owner: asyncpg.Connection[Any] = await asyncpg.connect(database_url)
    async with (
        serving(whole, lifespan="on") as (port, admission),
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=HANG_SECONDS,
        ) as client,
    ):
        assert (await client.put(f"/v1/members/{member}", json={})).status_code == 201

        async def send(order: dict[str, Any]) -> int:
            return (await client.post(f"/v1/members/{member}/accruals", json=order)).status_code

        async with owner.transaction():
            await owner.execute("SELECT 1 FROM account WHERE member_id = $1 FOR UPDATE", member)
            sent = [asyncio.create_task(send(order)) for order in orders]
            while sum(task.done() for task in sent) < len(orders) - AT_ONCE:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert {task.result() for task in sent if task.done()} == {503}
            assert (await client.get("/healthz")).status_code == 200
            assert (await client.get(f"/v1/members/{member}")).status_code == 503, "reads as well"
        assert Counter(await asyncio.gather(*sent)) == {201: AT_ONCE, 503: len(orders) - AT_ONCE}
        written = await owner.fetchval("SELECT count(*) FROM entry WHERE member_id = $1", member)
        assert written == AT_ONCE

        assert Counter([await send(order) for order in orders]) == {
            200: AT_ONCE,
            201: len(orders) - AT_ONCE,
        }
        balance = (await client.get(f"/v1/members/{member}")).json()["points"]["available"]
        assert balance == 100 * len(orders)
        refused = admission.untold
        while admission.untold:  # noqa: ASYNC110 - told once a second
            await asyncio.sleep(0.1)
        page = (await client.get("/metrics")).text
    await owner.close()
    told = next(line for line in page.splitlines() if line.startswith("loyalty_http_refused_total "))
    assert float(told.split()[1]) >= refused
