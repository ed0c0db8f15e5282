"""Request ids, logs and metrics."""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from app.telemetry import RequestContext, Scope, current_request_id, metrics_page
from tests.pace import until


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


def told(route: str) -> dict[str, float]:
    """What the metrics tell of a route, by sample."""
    samples = REGISTRY.collect()
    return {
        sample.name.removeprefix("loyalty_http_request_seconds_") + sample.labels.get("le", ""): sample.value
        for metric in samples
        if metric.name == "loyalty_http_request_seconds"
        for sample in metric.samples
        if sample.labels["route"] == route and not sample.name.endswith("_created")
    }


async def test_metrics_tell_each_request_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 0.001, 10.0, 10.0011, 20.0, 40.0))
    monkeypatch.setattr("app.telemetry.time.perf_counter", lambda: next(clock))
    for _ in range(3):
        await ask(Echo("/told"))
    for _ in range(2):
        metrics_page()
        assert told("/told") == {
            **{
                f"bucket{le}": 2.0
                for le in ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5")
            },
            "bucket0.001": 1.0,
            "bucket0.0025": 2.0,
            "bucket10.0": 2.0,
            "bucket+Inf": 3.0,
            "count": 3.0,
            "sum": pytest.approx(20.0021),
        }


async def test_metrics_are_told_by_themselves_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics_page()
    monkeypatch.setattr("app.telemetry.TELL_SECONDS", 0.01)
    for count in (1, 2):
        await ask(Echo("/soon"))
        await until(lambda count=count: told("/soon").get("count", 0) == count)


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
