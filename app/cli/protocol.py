"""HTTP as `loyalty serve` reads it: uvicorn's, with an end to what it reads before anybody is known.

uvicorn bounds neither the head of a request nor the trailers of a body, and puts a header that comes in pieces
together in a time that grows with its square: a hundred megabytes of it kept everybody waiting for ten seconds.
"""

from __future__ import annotations

import json
import re

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT_BYTES = 64 * 1024

_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_PROBLEM = json.dumps(
    {
        "type": "urn:loyalty:problem:head_too_large",
        "title": "The head of the request is too large",
        "status": 431,
        "detail": f"At most {HEAD_LIMIT_BYTES} bytes of address and headers are read. Send shorter ones.",
        "code": "head_too_large",
        "request_id": "",
    }
).encode()
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/problem+json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_PROBLEM), _PROBLEM)
)


class Protocol(HttpToolsProtocol):
    """One connection."""

    _unread_bytes = 0  # that came since the last head, or the last piece of a body, was complete

    def data_received(self, data: bytes) -> None:
        if (b"pgrade:" in data or b"PGRADE:" in data) and self._awaits_head():
            data = _without_upgrade(data)
        self._unread_bytes += len(data)
        super().data_received(data)
        if self._unread_bytes > HEAD_LIMIT_BYTES and not self.transport.is_closing():
            if self._awaits_head() and not self._owes_answer():
                self.transport.write(_REFUSAL)
            self.transport.close()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._unread_bytes = 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._unread_bytes = 0

    def _awaits_head(self) -> bool:
        return not getattr(self.cycle, "more_body", False)  # before the first request there is no cycle

    def _owes_answer(self) -> bool:
        return not getattr(self.cycle, "response_complete", True)


def _without_upgrade(data: bytes) -> bytes:
    """The data without the offer to go on in another protocol, which may be passed over (RFC 9110, 7.8).

    The parser would take it for accepted and drop the body; Java's own client makes it with its first request.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nx-upgrade:", head) + end + rest
