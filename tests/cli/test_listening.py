"""New connections are taken at once, and divided among the workers; nobody waits for a worker that doesn't come."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
import uvloop

from app.cli import listening as module
from app.cli.listening import LEAVE_SECONDS, MOST_A_TURN, Connections, Listener, Shares
from tests.pace import until

MANY = 100


class Silent(asyncio.Protocol):
    """A connection that is counted as uvicorn does."""

    def __init__(self, connections: set[Any]) -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._connections.discard(self)


class Ear:
    """A Listener and what it took."""

    def __init__(self, bound: socket.socket, shares: Shares, worker: int) -> None:
        self.taken = Connections(shares, worker)
        self.bound = bound
        self.listener = Listener(
            bound,
            protocol=lambda: Silent(self.taken),
            connections=self.taken,
            shares=shares,
            worker=worker,
        )


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """The loop that serves, whose readers and transports are its own."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def bound() -> Generator[socket.socket]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(4 * MANY)
        yield bound


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left to another is left for so long that it comes, even if the machine stands still for a moment."""
    monkeypatch.setattr(module, "LEAVE_SECONDS", 0.5)


@contextlib.asynccontextmanager
async def listening(bound: socket.socket, *, workers: int, deaf: int = 0) -> AsyncGenerator[list[Ear]]:
    """So many workers in this process, and so many more that are known and take nothing."""
    shares = Shares(workers=workers + deaf)
    for number in range(workers, workers + deaf):
        shares.note(number, 0)
    ears = [Ear(bound.dup(), shares, number) for number in range(workers)]
    try:
        yield ears
    finally:
        for ear in ears:
            ear.listener.close()
            await ear.listener.wait_closed()
            ear.bound.close()
            for one in ear.taken:
                one.transport.close()
        await asyncio.sleep(0)  # closing takes a turn


@contextlib.contextmanager
def connected(bound: socket.socket, count: int) -> Generator[None]:
    with contextlib.ExitStack() as opened:
        for _ in range(count):
            opened.enter_context(socket.create_connection(bound.getsockname()))
        yield


async def shared(ears: list[Ear], count: int) -> list[int]:
    """How many each has once all are taken."""
    await until(lambda: sum(len(ear.taken) for ear in ears) >= count)
    return [len(ear.taken) for ear in ears]


async def turns_until(ears: list[Ear], count: int) -> int:
    turns = 0
    while sum(len(ear.taken) for ear in ears) < count:
        await asyncio.sleep(0)
        turns += 1
    return turns


async def test_all_that_wait_are_taken_in_a_few_turns(bound: socket.socket) -> None:
    with connected(bound, MANY):
        async with listening(bound, workers=1) as ears:
            assert type(asyncio.get_running_loop()) is uvloop.Loop
            assert await turns_until(ears, MANY) < MANY / 10


@pytest.mark.usefixtures("patient")
async def test_those_who_come_one_by_one_are_divided_evenly(bound: socket.socket) -> None:
    async with listening(bound, workers=2) as ears:
        with contextlib.ExitStack() as opened:
            for number in range(1, 21):
                opened.enter_context(connected(bound, 1))
                await shared(ears, number)
            assert max(await shared(ears, 20)) - min(await shared(ears, 20)) <= 3


@pytest.mark.usefixtures("patient")
async def test_many_at_once_are_divided(bound: socket.socket) -> None:
    with connected(bound, MANY):
        async with listening(bound, workers=2) as ears:
            assert min(await shared(ears, MANY)) >= MANY / 3


@pytest.mark.usefixtures("patient")
async def test_who_lost_its_connections_takes_the_next(bound: socket.socket) -> None:
    async with listening(bound, workers=2) as ears:
        with connected(bound, 40):
            await shared(ears, 40)
            for one in list(ears[0].taken):
                one.transport.close()
            await until(lambda: not ears[0].taken)
            before = len(ears[1].taken)
            with connected(bound, 10):
                assert await shared(ears, before + 10) == [10, before]


@pytest.mark.usefixtures("patient")
async def test_a_few_that_come_after_many_went_are_divided(bound: socket.socket) -> None:
    """Not left to whoever looks first, for what the other had then."""
    async with listening(bound, workers=2) as ears:
        with connected(bound, MANY):
            await shared(ears, MANY)
        await until(lambda: not any(ear.taken for ear in ears))
        with connected(bound, 8):
            assert min(await shared(ears, 8)) >= 3


async def test_nobody_waits_for_one_that_does_not_come(bound: socket.socket) -> None:
    """Stopped, or killed and not replaced yet: what is left to it is taken nevertheless."""
    async with listening(bound, workers=1, deaf=1) as ears:
        with connected(bound, MANY):
            assert await shared(ears, MANY) == [MANY]


async def test_nothing_is_left_to_one_that_ended(
    bound: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAVE_SECONDS", 3600)
    async with listening(bound, workers=2) as (one, other):
        other.listener.close()
        with connected(bound, MANY):
            assert await shared([one], MANY) == [MANY]


async def test_where_no_more_can_be_taken_it_is_tried_again(
    bound: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FULL_SECONDS", 0.2)
    refusals = 0
    accept = socket.socket.accept

    def full(self: socket.socket) -> Any:
        nonlocal refusals
        if refusals < 2:
            refusals += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", full)
    began = asyncio.get_running_loop().time()
    async with listening(bound, workers=1) as ears:
        with connected(bound, 3):
            assert await shared(ears, 3) == [3]
            assert refusals == 2
            assert asyncio.get_running_loop().time() - began >= 0.35, "not tried without end meanwhile"


async def test_one_that_is_gone_is_passed_over(bound: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    accept, gone = socket.socket.accept, [ConnectionAbortedError(errno.ECONNABORTED, "gone")]

    def lost(self: socket.socket) -> Any:
        if gone:
            raise gone.pop()
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", lost)
    async with listening(bound, workers=1) as ears:
        with connected(bound, 2):
            assert await shared(ears, 2) == [2]


async def test_a_socket_that_nobody_hears_any_more_refuses(bound: socket.socket) -> None:
    async with listening(bound, workers=1):
        address = bound.getsockname()
        bound.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


@pytest.mark.parametrize(
    ("own", "others", "room"),
    [
        (0, [], MOST_A_TURN),
        (0, [0], 1),
        (1, [0], 0),
        (1, [2], 2),
        (9, [8], 1),
        (10, [8], 0),
        (4, [9, 4], 1),
        (64, [64], 9),
    ],
)
def test_room_is_what_puts_nobody_far_ahead(own: int, others: list[int], room: int) -> None:
    shares = Shares(workers=1 + len(others))
    for number, connections in enumerate([own, *others]):
        shares.note(number, connections)
    assert min(shares.room(0), MOST_A_TURN) == room


def test_who_stopped_listening_is_left_nothing_when_its_connections_end() -> None:
    shares = Shares(workers=2)
    shares.note(0, 5)
    shares.note_end(1)
    Connections(shares, 1).discard("one that goes")
    assert shares.room(0) >= MOST_A_TURN


def test_what_is_left_is_not_left_for_long() -> None:
    assert LEAVE_SECONDS <= 0.01
