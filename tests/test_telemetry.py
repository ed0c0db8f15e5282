"""Request ids, logs and metrics."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import pytest

from app.telemetry import RequestContext, Scope, current_request_id, metrics_page


class Echo:
    """An application that answers 200 and notes the request id it saw."""

    def __init__(self, route: str | None = None) -> None:
        self.seen: str | None = None
        self._route = route

    async def __call__(self, scope: Scope, _receive: object, send: Any) -> None:
        self.seen = current_request_id()
        if self._route is not None:
            scope["route"] = type("Route", (), {"path": self._route})()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b""})


async def ask(
    app: Echo, *, headers: Iterable[tuple[bytes, bytes]] = (), method: str = "GET"
) -> dict[bytes, bytes]:
    """The headers of the answer to one request."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "method": method, "path": "/v1/members/u-1", "headers": list(headers)}
    await RequestContext(app)(scope, receive, send)
    return dict(sent[0]["headers"])


async def test_an_id_is_made() -> None:
    app = Echo()
    answered = (await ask(app))[b"x-request-id"].decode()
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", answered)
    assert app.seen == answered
    assert current_request_id() is None
    assert (await ask(Echo()))[b"x-request-id"].decode() != answered


@pytest.mark.parametrize("sent", [b"a", b"order-17:retry.2", b"x" * 64])
async def test_a_good_id_is_taken(sent: bytes) -> None:
    assert (await ask(Echo(), headers=[(b"x-request-id", sent)]))[b"x-request-id"] == sent


@pytest.mark.parametrize("sent", [b"", b"a b", b"x" * 65, b"a\n", "é".encode(), b'"}'])
async def test_a_bad_id_is_replaced(sent: bytes) -> None:
    assert len((await ask(Echo(), headers=[(b"x-request-id", sent)]))[b"x-request-id"]) == 16


async def test_metrics_count_by_route_not_by_path() -> None:
    await ask(Echo("/v1/members/{member_id}"))
    await ask(Echo(), method="BREW")
    page = metrics_page().decode()
    assert '{method="GET",route="/v1/members/{member_id}",status="200"}' in page
    assert '{method="other",route="unmatched",status="200"}' in page
    assert "u-1" not in page
    assert "BREW" not in page


LOGGING = """
import logging, structlog
from app.telemetry import configure_logging
configure_logging("INFO")
structlog.get_logger("app").info("said", points=5)
structlog.get_logger("app").debug("unsaid")
logging.getLogger("elsewhere").warning("said %s", "too")
logging.getLogger("httpx").info("unsaid")
try:
    secret = "".join(("138", "0013", "8000"))
    raise ValueError("broken")
except ValueError:
    structlog.get_logger("app").exception("failed")
"""


def test_logs_are_json_lines_on_stderr() -> None:
    ran = subprocess.run([sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [(line["level"], line["event"]) for line in lines] == [
        ("info", "said"),
        ("warning", "said too"),
        ("error", "failed"),
    ]
    assert lines[0]["points"] == 5
    assert "ValueError: broken" in lines[2]["exception"]
    assert "13800138000" not in ran.stderr
    assert ran.stdout == ""


def test_workers_metrics_add_up(tmp_path: Any) -> None:
    observe = "from app.telemetry import _request_seconds as s; s.labels('GET', '/x', '200').observe(1)"
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PATH": ""}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", observe], env=environment, check=True)
    page = subprocess.run(
        [sys.executable, "-c", "from app.telemetry import metrics_page; print(metrics_page().decode())"],
        env=environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert 'loyalty_http_request_seconds_count{method="GET",route="/x",status="200"} 2.0' in page
