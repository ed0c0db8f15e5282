"""Whichever way a request goes, straight or by the framework, its answer is the same."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from app.main import _ROUTERS
from app.routers.straight import Straight, is_plain
from tests.routers.asking import new_id

JSON = "application/json"
ORDER = {"order_id": "o-1", "amount": 30_000, "settle": "now"}

BODIES: dict[str, tuple[bytes, str]] = {
    "good": (json.dumps(ORDER).encode(), JSON),
    "with another type of the family": (json.dumps(ORDER).encode(), "application/merge+json"),
    "with a charset": (json.dumps(ORDER).encode(), "application/json; charset=utf-8"),
    "in UTF-16": (json.dumps(ORDER).encode("utf-16"), JSON),
    "with a mark of the byte order": (b"\xef\xbb\xbf" + json.dumps(ORDER).encode(), JSON),
    "none": (b"", JSON),
    "no JSON": (b'{"order_id": ', JSON),
    "no text": (b"\xff\xfe\xfd", JSON),
    "null": (b"null", JSON),
    "a list": (b"[]", JSON),
    "deep": (b"[" * 100_000, JSON),
    "one field too many": (json.dumps(ORDER | {"surprise": 1}).encode(), JSON),
    "one field short": (b'{"order_id": "o-1"}', JSON),
    "coerced": (json.dumps(ORDER | {"amount": "30000"}).encode(), JSON),
    "not a number": (b'{"order_id": "o-1", "amount": NaN}', JSON),
    "huge": (b'{"order_id": "o-1", "amount": ' + b"9" * 5_000 + b"}", JSON),
    "half a character": (b'{"order_id": "\\ud800", "amount": 1}', JSON),
    "a field twice": (b'{"order_id": "o-1", "amount": 1, "amount": 200}', JSON),
    "refused by the rules": (json.dumps(ORDER | {"occurred_at": "2999-01-01T00:00:00Z"}).encode(), JSON),
    "of another kind": (json.dumps(ORDER).encode(), "text/plain"),
}


@pytest.fixture
def detour(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Undo it to let requests go straight."""

    async def leave_it(*_: object) -> None:
        return None

    monkeypatch.setattr(Straight, "answer", leave_it)
    return monkeypatch


async def told(client: httpx.AsyncClient, method: str, path: str, **sent: Any) -> tuple[Any, ...]:
    """What of an answer must not depend on the way."""
    response = await client.request(method, path, **sent)
    headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    headers.pop("content-length", None)  # of the request's id
    body = response.json() if response.content else None
    if isinstance(body, dict):
        body.pop("request_id", None)
        body.pop("joined_at", None)
        body.pop("expires_at", None)
    return response.status_code, headers, body


@pytest.mark.parametrize(("content", "content_type"), BODIES.values(), ids=BODIES)
async def test_an_order(
    admin: httpx.AsyncClient, detour: pytest.MonkeyPatch, content: bytes, content_type: str
) -> None:
    answers: list[list[Any]] = []
    for _ in range(2):
        member = f"/v1/members/{new_id()}"
        await admin.put(member, json={})
        sent = {"content": content, "headers": {"Content-Type": content_type}}
        answers.append([await told(admin, "POST", f"{member}/accruals", **sent) for _ in range(2)])
        detour.undo()
    assert answers[0] == answers[1]
    assert answers[0][0][0] != 500


async def test_all_sorts_of_routes(admin: httpx.AsyncClient, detour: pytest.MonkeyPatch) -> None:
    """With a body that may be left out, without one, with a status of its own, without an answer, with headers."""
    asked: list[tuple[str, str, Any]] = [
        ("PUT", "", {}),
        ("PUT", "", {"name": "A"}),
        ("POST", "/accruals", ORDER),
        ("POST", "/accruals", ORDER),
        ("POST", "/accruals", ORDER | {"order_id": "o-2", "settle": "later"}),
        ("POST", "/accruals/o-2/settle", None),
        ("POST", "/accruals/o-2/settle", {}),
        ("POST", "/accruals/o-9/settle", None),
        ("POST", "/redemptions", {"reference": "r-1", "points": 100, "mode": "reserve"}),
        ("POST", "/redemptions/r-1/commit", {"points": 50}),
        ("POST", "/redemptions/r-1/commit", {"points": "50"}),
        ("GET", "/redemptions/r-1", None),
        ("GET", "/accruals/o-1", None),
        ("GET", "/accruals/nö", None),
        ("GET", "", None),
        ("GET", "/tier", None),
        ("DELETE", "", None),
        ("GET", "", None),
    ]
    answers: list[list[Any]] = []
    for _ in range(2):
        member_id = new_id()
        told_of: list[Any] = []
        for method, path, body in asked:
            sent = {} if body is None else {"json": body}
            answer = await told(admin, method, f"/v1/members/{member_id}{path}", **sent)
            told_of.append(json.loads(json.dumps(answer).replace(member_id, "u")))
        answers.append(told_of)
        detour.undo()
    for (method, path, _), straight, round_about in zip(asked, *answers, strict=True):
        for each in (straight, round_about):
            _without_times(each)
        assert straight == round_about, f"{method} {path}"


def _without_times(part: Any) -> None:
    """Take moments out of JSON, which differ from call to call, and tags of versions."""
    if isinstance(part, list):
        for each in part:
            _without_times(each)
    elif isinstance(part, dict):
        for name in [name for name in part if name.endswith("_at") or name in {"since", "at", "etag"}]:
            del part[name]
        for each in part.values():
            _without_times(each)


async def test_what_is_plainly_right_goes_straight_and_nothing_else(
    admin: httpx.AsyncClient, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    went_straight: list[bool] = []
    answer = Straight.answer

    async def noted(self: Straight, *asked: Any) -> Any:
        response = await answer(self, *asked)
        went_straight.append(response is not None)
        return response

    monkeypatch.setattr(Straight, "answer", noted)
    for body in (ORDER, ORDER | {"amount": -1}):
        await admin.post(f"{member}/accruals", json=body)
    await admin.get(member)
    await admin.get("/v1/members", params={"limit": 1})
    assert went_straight == [True, False, True]


def test_what_is_asked_at_a_till_is_plain() -> None:
    routes = {
        route.operation_id: route
        for module in _ROUTERS
        for route in module.router.routes
        if isinstance(route, APIRoute)
    }
    plain = {name for name, route in routes.items() if is_plain(route)}
    assert plain >= {
        "accrue_points",
        "redeem_points",
        "commit_redemption",
        "settle_accrual",
        "hold_checkout",
        "complete_checkout",
        "claim_coupon",
        "sign_in",
        "get_member",
        "run_batch",
    }
    assert "list_members" not in plain, "a query is left to the framework"
    assert "get_metrics" not in plain
