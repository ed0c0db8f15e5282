"""What the service tells about itself: JSON logs on stderr, a request id in each of them, metrics."""

import asyncio
import logging
import os
import random
import re
import sys
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

METRICS_MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
"""Media type of `metrics_page()`."""

MULTIPROCESS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
TELL_SECONDS: Final = 1.0
METHODS: Final = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))
REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,64}")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

BUCKETS_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

_request_seconds = Histogram(
    "loyalty_http_request_seconds",
    "Time from a request's arrival to the end of its answer.",
    ("method", "route", "status"),
    buckets=BUCKETS_SECONDS,
)

_refused = Counter(
    "loyalty_http_refused",
    "Requests that were refused unread because too many were waiting.",
)


def count_refused(count: int) -> None:
    """Count requests that were refused before anything was done about them; they are in no other figure."""
    _refused.inc(count)


def current_request_id() -> str | None:
    """The id of the request being answered, None outside of one."""
    return _request_id.get()


def configure_logging(level: str) -> None:
    """Write one JSON object a line to stderr, for structlog and the standard library alike, from `level`
    upwards.

    Exceptions are told without the values of local variables, which may hold personal data.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # These tell every step at INFO and below; the service's own lines say what an operator needs.
    for chatty in ("alembic", "asyncio", "httpcore", "httpx", "sqlalchemy", "uvicorn"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def _add_request_id(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    request_id = _request_id.get()
    if request_id is not None:
        event["request_id"] = request_id
    return event


def metrics_page() -> bytes:
    """All metrics in Prometheus' text format, added up over the worker processes where there are several; of the
    others as they were a second ago.
    """
    _tallies.tell()
    folder = os.environ.get(MULTIPROCESS_FOLDER)
    if folder is None:
        return generate_latest(REGISTRY)
    # A gauge counts while its process lives; one that died and was replaced would be counted twice.
    for path in Path(folder).glob("gauge_live*_*.db"):
        if not Path(f"/proc/{path.stem.rpartition('_')[2]}").exists() and Path("/proc/self").exists():
            path.unlink(missing_ok=True)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)


class _Tally:
    """The requests of one method, route and status that the metrics were not told of yet."""

    def __init__(self, key: tuple[str, str, int]) -> None:
        self._told: Any = _request_seconds.labels(*key)
        self._seconds = 0.0
        self._buckets = [0] * (len(BUCKETS_SECONDS) + 1)

    def add(self, seconds: float) -> None:
        self._seconds += seconds
        self._buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1

    def tell(self) -> None:
        """Tell the metrics of them at once, for which the library has no public way."""
        for place, count in enumerate(self._buckets):
            if count:
                self._told._buckets[place].inc(count)  # noqa: SLF001
                self._buckets[place] = 0
        if self._seconds:
            self._told._sum.inc(self._seconds)  # noqa: SLF001
            self._seconds = 0.0


class _Tallies:
    """Of the process. Observing each request by itself took 5 µs of it, where several processes share the metrics."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str, int], _Tally] = {}
        self._is_untold = False

    def add(self, key: tuple[str, str, int], seconds: float) -> None:
        """Count a request; the metrics are told within TELL_SECONDS."""
        tally = self._all.get(key)
        if tally is None:
            tally = self._all[key] = _Tally(key)
        tally.add(seconds)
        if not self._is_untold:
            self._is_untold = True
            asyncio.get_running_loop().call_later(TELL_SECONDS, self.tell)

    def tell(self) -> None:
        """Tell the metrics of all that was counted."""
        self._is_untold = False
        for tally in self._all.values():
            tally.tell()


_tallies: Final = _Tallies()


class RequestContext:
    """ASGI middleware, the outermost: gives each request its id, measures it, and logs it at DEBUG.

    A caller's `X-Request-Id` is taken if it is 1 to 64 of `A-Za-z0-9._:-`, else one of 16 characters is made;
    the answer carries it.
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        # Bound here, where logging has been set up: otherwise it is bound anew for each request.
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger("app.request").bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        # Told apart, not kept secret: from the operating system it would take three times as long.
        request_id = _sent_request_id(scope["headers"]) or f"{random.getrandbits(64):016x}"
        header = (b"x-request-id", request_id.encode())
        status = 500

        # No coroutine of its own: it hands on the server's.
        def send_with_id(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
            return send(message)

        token = _request_id.set(request_id)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - began
            _count(scope, status, seconds)
            self._log.debug(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                seconds=round(seconds, 6),
            )
            _request_id.reset(token)


def _count(scope: Scope, status: int, seconds: float) -> None:
    # The template (`/v1/members/{member_id}`), never the path: an id in a label would make a series a member.
    route: str = getattr(scope.get("route"), "path", "unmatched")
    # A method is the caller's text too.
    method = scope["method"] if scope["method"] in METHODS else "other"
    _tallies.add((method, route, status), seconds)


def _sent_request_id(headers: list[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"x-request-id":
            return value.decode() if REQUEST_ID.fullmatch(value) else None
    return None
