"""HTTP as `loyalty serve` reads it: uvicorn's, with an end to what it reads before anybody is known, and to what it
takes on.

uvicorn bounds neither the head of a request nor the trailers of a body, and puts a header that comes in pieces
together in a time that grows with its square: a hundred megabytes of it kept everybody waiting for ten seconds.

Under more load than can be served, most requests are refused, so a refusal must cost next to nothing: it is written
here, some 10 µs after its request was read, where a request that goes on costs over 200.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from httptools import HttpParserError, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.cli.admission import TELL_SECONDS, Admission
from app.ledger.engine import QueueFull
from app.routers.errors import MEDIA_TYPE, RETRY_AFTER_SECONDS, problem

HEAD_LIMIT_BYTES = 64 * 1024
LAST_LOOK_SECONDS = 0.01

_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


def _last_answer(status_line: str, *, code: str, title: str, detail: str) -> bytes:
    """The answer to what no application sees, after which the connection is closed."""
    problem_told = {
        "type": f"urn:loyalty:problem:{code}",
        "title": title,
        "status": int(status_line[:3]),
        "detail": detail,
        "code": code,
        "request_id": "",
    }
    body = json.dumps(problem_told).encode()
    head = (
        f"HTTP/1.1 {status_line}\r\ncontent-type: {MEDIA_TYPE}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


_HEAD_TOO_LARGE = _last_answer(
    "431 Request Header Fields Too Large",
    code="head_too_large",
    title="The head of the request is too large",
    detail=f"At most {HEAD_LIMIT_BYTES} bytes of address and headers are read. Send shorter ones.",
)
_MALFORMED = _last_answer(
    "400 Bad Request",
    code="malformed_request",
    title="This is no HTTP request",
    detail="The request could not be read as HTTP/1.1. Send it with a client that speaks it.",
)

_OVERLOADED = json.dumps(problem(QueueFull())).encode()
_OVERLOADED_HEAD = (
    f"HTTP/1.1 503 Service Unavailable\r\ncontent-type: {MEDIA_TYPE}\r\nretry-after: {RETRY_AFTER_SECONDS}\r\n"
    f"content-length: {len(_OVERLOADED)}\r\n"
).encode()
_STAYS, _CLOSES = _OVERLOADED_HEAD + b"\r\n", _OVERLOADED_HEAD + b"connection: close\r\n\r\n"
# Asked by those who must know how the service is doing when it is doing badly.
_ALWAYS_ANSWERED = (b"GET /healthz ", b"GET /readyz ", b"GET /metrics ")


class Protocol(HttpToolsProtocol):
    """One connection."""

    admission = Admission()
    """That of the process: forked ones have one each."""

    _unread_bytes = 0  # that came since the last head, or the last piece of a body, was complete
    _is_uploading = False
    _refuser: _Refuser | None = None
    _quiet_since = 0.0
    _looked_at = -1.0  # the moment since when it was quiet, the last time it was found quiet for long enough

    def data_received(self, data: bytes) -> None:
        if (b"pgrade:" in data or b"PGRADE:" in data) and self._awaits_head():
            data = _without_upgrade(data)
        if self._is_refusing(data):
            self._refuse(data)
            return
        self._unread_bytes += len(data)
        super().data_received(data)
        self._note_upload()
        if self._unread_bytes > HEAD_LIMIT_BYTES and not self.transport.is_closing():
            if self._awaits_head() and not self._owes_answer():
                self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words
        """Answer what is no request as everything is refused."""
        self.transport.write(_MALFORMED)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._note_upload(is_lost=True)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._unread_bytes = 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._unread_bytes = 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._unread_bytes = 0

    # --- connections nobody uses any more -----------------------------------------------------------------

    def on_response_complete(self) -> None:
        """As uvicorn's, which would set a timer here and stop it at the next request: one that looks again when it
        is up costs nothing meanwhile.
        """
        self.server_state.total_requests += 1
        task = asyncio.current_task()
        if task is not None and task in self.tasks:
            self.admission.ending += 1
            task.add_done_callback(self.admission.ended)
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self._await_next()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it was quiet for long enough, else look again when it will have been."""
        self.timeout_keep_alive_task = None
        if self._owes_answer():
            return  # and set anew when it is given
        now = self.loop.time()
        quiet_until = self._quiet_since + self.timeout_keep_alive
        if self._unread_bytes:  # in the middle of a head
            quiet_until = now + self.timeout_keep_alive
        if quiet_until > now:
            self.timeout_keep_alive_task = self.loop.call_at(quiet_until, self.timeout_keep_alive_handler)
        elif self._looked_at != self._quiet_since:
            # The next request may have come while the loop read what others sent, before it looked at its timers.
            self._looked_at = self._quiet_since
            self.timeout_keep_alive_task = self.loop.call_later(
                LAST_LOOK_SECONDS, self.timeout_keep_alive_handler
            )
        else:
            super().timeout_keep_alive_handler()

    def _await_next(self) -> None:
        self._quiet_since = now = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_at(
                now + self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _unset_keepalive_if_required(self) -> None:
        """Leave the timer be, unless the connection is gone: it looks again when it is up."""
        if self.transport.is_closing():
            super()._unset_keepalive_if_required()

    # --- more than can be served --------------------------------------------------------------------------

    def _is_refusing(self, data: bytes) -> bool:
        """Whether what came is of a request that is refused: one refused before, or a new one beyond the limit."""
        if self._refuser is not None and self._refuser.is_within_request:
            return True
        cycle: Any = self.cycle
        if self._unread_bytes or not (cycle is None or (cycle.response_complete and not cycle.more_body)):
            return False  # in the middle of a request, or of its answer
        return (
            self.admission.is_full(
                open_requests=len(self.tasks) - self.admission.ending,
                answered=self.server_state.total_requests,
                now=self.loop.time(),
            )
            and not data.startswith(_ALWAYS_ANSWERED)
            # Who waits to be told to go on is asked on uvicorn's own way; the queue has a bound of its own.
            and b"100-continue" not in data
        )

    def _refuse(self, data: bytes) -> None:
        """Read what came to the end of each request, and refuse it there."""
        if self.transport.is_closing():
            return
        refuser = self._refuser
        if refuser is None:
            refuser = self._refuser = _Refuser(self.transport)
        try:
            refused = refuser.read(data)
        except HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
            return
        self._await_next()
        if refused and not self.admission.untold:
            self.loop.call_later(TELL_SECONDS, self.admission.tell)
        self.admission.untold += refused

    def _note_upload(self, *, is_lost: bool = False) -> None:
        cycle: Any = self.cycle
        is_uploading = not is_lost and cycle is not None and cycle.more_body and not cycle.response_complete
        if is_uploading != self._is_uploading:
            self._is_uploading = is_uploading
            self.admission.uploading += 1 if is_uploading else -1

    def _awaits_head(self) -> bool:
        return not getattr(self.cycle, "more_body", False)  # before the first request there is no cycle

    def _owes_answer(self) -> bool:
        return not getattr(self.cycle, "response_complete", True)


class _Refuser:
    """Reads the requests of one connection only to find their end, and answers each there with `overloaded`.

    By a parser of its own, which has as few callbacks as will do: where a request ends is not to be guessed.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self.is_within_request = False
        self._transport = transport
        self._parser = HttpRequestParser(self)
        self._refused = 0
        self._unread_bytes = 0

    def read(self, data: bytes) -> int:
        """How many requests ended in `data`, and were refused. Raises HttpParserError."""
        self._refused = 0
        self._unread_bytes += len(data)
        self._parser.feed_data(data)
        if self._unread_bytes > HEAD_LIMIT_BYTES:
            self._transport.close()
        return self._refused

    def on_message_begin(self) -> None:
        self.is_within_request = True

    def on_headers_complete(self) -> None:
        self._unread_bytes = 0

    def on_body(self, _body: bytes) -> None:
        self._unread_bytes = 0

    def on_message_complete(self) -> None:
        self.is_within_request = False
        self._unread_bytes = 0
        self._refused += 1
        stays = self._parser.should_keep_alive()
        body = b"" if self._parser.get_method() == b"HEAD" else _OVERLOADED
        self._transport.write((_STAYS if stays else _CLOSES) + body)
        if not stays:
            self._transport.close()


def _without_upgrade(data: bytes) -> bytes:
    """The data without the offer to go on in another protocol, which may be passed over (RFC 9110, 7.8).

    The parser would take it for accepted and drop the body; Java's own client makes it with its first request.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nx-upgrade:", head) + end + rest
