"""A loopback proxy before the service that loses requests and answers, and tells that it is busy, as asked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

from tests.pace import HANG_SECONDS

Fate = Literal["lose request", "lose answer", "busy"]


class Network:
    """What happens to the requests, by their number from 1 on; `meanwhile` is done before a loss is felt."""

    def __init__(self) -> None:
        self.fates: dict[int, Fate] = {}
        self.meanwhile: Callable[[], None] = lambda: None
        self.address = ""
        self.requests = 0

    def next_fate(self) -> Fate | None:
        """That of the request that just came; callers ask one after another."""
        self.requests += 1
        return self.fates.get(self.requests)


@contextlib.contextmanager
def network(service: str) -> Generator[Network]:
    """A network that leads to the service, until the block ends."""
    made = Network()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Be quiet."""

        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            fate = made.next_fate()
            if fate == "busy":
                self.send_response(503)
                self.send_header("Retry-After", "0")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if fate == "lose request":
                self._cut()
                return
            headers = {"Authorization": self.headers["Authorization"], "Content-Type": "application/json"}
            answer = httpx.request(
                self.command, f"{service}{self.path}", content=body, headers=headers, timeout=HANG_SECONDS
            )
            if fate == "lose answer":
                self._cut()
                return
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def _cut(self) -> None:
            made.meanwhile()
            self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: object) -> None:
            """Who was killed closed the connection: no news."""

    with Server(("127.0.0.1", 0), Handler) as server:
        made.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
