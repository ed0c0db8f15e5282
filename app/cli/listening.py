"""How worker processes take new connections from one listening socket.

The event loop's own server (libuv's, since 1.45) takes one new connection a turn. A process that is busy for 20 ms a
turn so takes fifty a second, while the others wait unheard. Here a worker takes all that wait, as far as they are its
own to take: whoever has more connections than another worker leaves them to that one for a moment, and takes what is
still there afterwards. So a worker that is busy, stopped or just dying keeps nobody waiting for longer.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from multiprocessing.sharedctypes import RawArray
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from collections.abc import Callable, MutableSequence

# Connections the kernel keeps for whoever takes them; it has a limit of its own besides (net.core.somaxconn).
BACKLOG: Final = 4096
# So that those who are connected are heard in between: some 4 ms for as many new ones.
MOST_A_TURN: Final = 128
# How long a worker that is ahead leaves new connections to the others. An idle one takes them within 0.1 ms.
LEAVE_SECONDS: Final = 0.005
# A worker may be ahead of the one with the fewest by one, and by one for so many that that one has: fewer pauses, and
# nobody notices the difference.
SLACK: Final = 8
# Without file descriptors nobody can be let in until somebody leaves.
FULL_SECONDS: Final = 1.0
_NOT_LISTENING: Final = 2**31 - 1
_UNACKED: Final = slice(24, 28)  # tcpi_unacked in struct tcp_info
_FULL: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

log = structlog.get_logger(__name__)


class Shares:
    """How many connections each worker has, in memory that they share. Without a lock: each writes its own, and a
    figure that is a moment old does no harm.
    """

    def __init__(self, *, workers: int) -> None:
        self.workers = workers
        self._counts = cast("MutableSequence[int]", RawArray("i", [_NOT_LISTENING] * workers))

    def note(self, worker: int, connections: int) -> None:
        """What `worker` has."""
        self._counts[worker] = connections

    def follow(self, worker: int, connections: int) -> None:
        """As `note`, while it listens."""
        if self._counts[worker] != _NOT_LISTENING:
            self._counts[worker] = connections

    def note_end(self, worker: int) -> None:
        """Nothing is left to `worker` any more."""
        self._counts[worker] = _NOT_LISTENING

    def room(self, worker: int) -> int:
        """How many more `worker` may take until it is ahead of another; not above 0 if it is."""
        others = (count for index, count in enumerate(self._counts) if index != worker)
        least = min(others, default=_NOT_LISTENING)
        return least + 1 + least // SLACK - self._counts[worker]


class Connections(set[Any]):
    """A worker's open connections, as uvicorn keeps them; the others are told of each that comes or goes, since who
    takes new ones goes by it.
    """

    def __init__(self, shares: Shares, worker: int) -> None:
        super().__init__()
        self._shares = shares
        self._worker = worker

    def add(self, element: Any, /) -> None:  # noqa: ANN401 - a protocol
        super().add(element)
        self._shares.follow(self._worker, len(self))

    def discard(self, element: Any, /) -> None:  # noqa: ANN401 - a protocol
        super().discard(element)
        self._shares.follow(self._worker, len(self))


class Listener:
    """One worker's ear on the socket, from its making until `close`; what uvicorn calls a server.

    `connections` are the protocols of those that are open, kept by uvicorn.
    """

    def __init__(
        self,
        listening: socket.socket,
        *,
        protocol: Callable[[], asyncio.Protocol],
        connections: set[Any],
        shares: Shares,
        worker: int,
    ) -> None:
        self._listening = listening
        self._protocol = protocol
        self._connections = connections
        self._shares = shares
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        # Taken, but perhaps not among the connections yet.
        self._coming: dict[asyncio.Protocol, asyncio.Task[None]] = {}
        self._pause: asyncio.TimerHandle | None = None
        self._of_others = 1  # how many to take after the next pause
        listening.setblocking(False)
        shares.note(worker, 0)
        self._loop.add_reader(listening, self._divide)

    def close(self) -> None:
        """Take no more; the others may."""
        self._shares.note_end(self._worker)
        self._loop.remove_reader(self._listening)
        if self._pause is not None:
            self._pause.cancel()

    async def wait_closed(self) -> None:
        """Wait for those that were taken but are not among the connections yet."""
        await asyncio.gather(*self._coming.values())

    def _divide(self) -> None:
        """Some wait: take this worker's part."""
        not_counted = sum(protocol not in self._connections for protocol in self._coming)
        self._shares.note(self._worker, len(self._connections) + not_counted)
        room = self._shares.room(self._worker)
        if room > 0:
            self._of_others = 1
            # Where many wait, all workers are busy: this one's share of them then, or it would take many turns.
            self._take(min(max(room, self._waiting() // self._shares.workers), MOST_A_TURN))
        else:
            self._listen_again_in(LEAVE_SECONDS)

    def _waiting(self) -> int:
        """How many wait, as Linux tells it of a listening socket where it tells of others what is not acknowledged; 0
        where nobody tells.
        """
        if sys.platform != "linux":
            return 0
        told = self._listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED.stop)
        return int.from_bytes(told[_UNACKED], sys.byteorder)

    def _listen_again_in(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._pause = self._loop.call_later(seconds, self._listen_again)

    def _listen_again(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listening, self._divide)
        # Whoever they were left to had the time. A few at first: it may only be busy for a moment.
        self._take(self._of_others)
        self._of_others = min(2 * self._of_others, MOST_A_TURN)

    def _take(self, most: int) -> None:
        for _ in range(most):
            try:
                taken, _address = self._listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _FULL:
                    log.error("no more connections can be taken", reason=error.strerror)
                    self._listen_again_in(FULL_SECONDS)
                    return
                continue  # the one that waited is gone
            taken.setblocking(False)
            protocol = self._protocol()
            self._coming[protocol] = self._loop.create_task(self._connect(protocol, taken))

    async def _connect(self, protocol: asyncio.Protocol, taken: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, taken)
        except OSError:  # gone meanwhile
            taken.close()
        finally:
            del self._coming[protocol]


class Worker(Server):
    """uvicorn's server, which is told of new connections by a Listener; `on_start` is called once it listens."""

    def __init__(self, config: Config, *, shares: Shares, number: int, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._shares = shares
        self._number = number
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen on the one socket, which others may share."""
        assert sockets is not None
        self.server_state.connections = Connections(self._shares, self._number)
        await super().startup([])
        config = self.config
        listener = Listener(
            *sockets,
            protocol=lambda: cast("type[HttpToolsProtocol]", config.http_protocol_class)(
                config, self.server_state, self.lifespan.state
            ),
            connections=self.server_state.connections,
            shares=self._shares,
            worker=self._number,
        )
        self.servers.append(cast("asyncio.Server", listener))
        self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, then end as uvicorn does: those that are just coming would not be told to go otherwise."""
        for server in self.servers:
            server.close()
            await server.wait_closed()
        await super().shutdown(sockets)
