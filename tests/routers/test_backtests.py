"""Backtests over HTTP: asked for, listed, read with their chart, deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from app.actions.backtest_runs import carry_out
from tests.routers.asking import answered, mistaken, new_id, refused

DOUBLE: dict[str, Any] = {
    "name": "双倍积分",
    "trigger": "order",
    "effects": [{"kind": "multiply_points", "factor": "2"}],
}
PATH = "/v1/backtests"
PERIOD = {"from": "2001-01-01T00:00:00+08:00", "until": "2001-02-01T00:00:00+08:00"}


def asked(**fields: Any) -> dict[str, Any]:
    return {**PERIOD, "campaigns": [{"campaign": "c-draft", "document": DOUBLE}], **fields}


async def ask(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    return await answered(client, "POST", PATH, asked(**fields), status=201, key=new_id("k"))


async def carried_out(service: FastAPI, client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    made = await ask(client, **fields)
    assert await carry_out(service.state.database, UUID(made["id"]), pii=service.state.pii)
    return await answered(client, "GET", f"{PATH}/{made['id']}", status=200)


async def test_from_the_question_to_the_picture(
    admin: httpx.AsyncClient, member: str, service: FastAPI
) -> None:
    for day in (5, 6):
        order = {"order_id": f"o-{day}", "amount": 10_050, "occurred_at": f"2001-01-0{day}T10:00:00+08:00"}
        await answered(admin, "POST", f"{member}/accruals", order, status=201)
    made = await ask(admin)
    assert made == {
        "id": made["id"],
        "status": "queued",
        "progress": 0.0,
        "from": "2000-12-31T16:00:00Z",
        "until": "2001-01-31T16:00:00Z",
        "campaigns": [{"campaign": "c-draft", "version": 0}],
        "program": None,
        "error": None,
        "created_at": made["created_at"],
        "created_by": "bootstrap",
        "started_at": None,
        "finished_at": None,
    }
    path = f"{PATH}/{made['id']}"
    assert await answered(admin, "GET", path, status=200) == {**made, "result": None}
    await refused(admin, "GET", f"{path}/chart", code="backtest_not_done")
    assert await carry_out(service.state.database, UUID(made["id"]), pii=service.state.pii)
    done = await answered(admin, "GET", path, status=200)
    assert (done["status"], done["progress"], done["error"]) == ("done", 1.0, None)
    result = done["result"]
    assert result["points"]["draft"] == 2 * 201
    assert result["points"]["baseline"] == 200
    assert result["cost"]["total"]["difference"] == 202
    assert "c-draft" in [each["campaign"] for each in result["campaigns"]["draft"]]
    assert result["series"]["by"] == "day"
    assert [told["date"] for told in result["series"]["data"]] == ["2001-01-05", "2001-01-06"]
    chart = await admin.get(f"{path}/chart")
    assert (chart.status_code, chart.headers["content-type"]) == (200, "image/svg+xml")
    assert "default-src 'none'" in chart.headers["content-security-policy"]
    assert "<svg" in chart.text


async def test_the_same_key_is_the_same_backtest(admin: httpx.AsyncClient) -> None:
    key = new_id("k")
    first = await answered(admin, "POST", PATH, asked(), status=201, key=key)
    again = await answered(admin, "POST", PATH, asked(), status=201, key=key, replayed=True)
    assert again == first
    await refused(admin, "POST", PATH, asked(campaigns=[]), key=key, code="idempotency_key_reused")
    await refused(admin, "POST", PATH, asked(), code="idempotency_key_missing")


async def test_a_refusal_lets_the_key_go(admin: httpx.AsyncClient) -> None:
    key = new_id("k")
    unknown = asked(campaigns=[{"campaign": new_id("c")}])
    await refused(admin, "POST", PATH, unknown, key=key, code="draft_not_found")
    await answered(admin, "POST", PATH, asked(), status=201, key=key)


async def test_the_list_is_read_page_by_page(admin: httpx.AsyncClient) -> None:
    made = [(await ask(admin))["id"] for _ in range(3)]
    first = await answered(admin, "GET", f"{PATH}?limit=2", status=200)
    assert [each["id"] for each in first["data"]] == [made[2], made[1]]
    assert "result" not in first["data"][0]
    rest = await answered(admin, "GET", f"{PATH}?limit=2&cursor={first['next_cursor']}", status=200)
    assert rest["data"][0]["id"] == made[0]


async def test_a_stored_campaign_is_tried_as_it_was_then(admin: httpx.AsyncClient, service: FastAPI) -> None:
    campaign = new_id("c")
    path = f"/v1/campaigns/{campaign}"
    await answered(admin, "PUT", path, {**DOUBLE, "condition": "order.amount > 0"}, status=201)
    made = await ask(admin, campaigns=[{"campaign": campaign}])
    assert made["campaigns"] == [{"campaign": campaign, "version": 1}]
    await answered(admin, "PUT", path, {**DOUBLE, "condition": "order.amount > 9"}, status=200)
    found = await answered(admin, "GET", f"{PATH}/{made['id']}", status=200)
    assert found["campaigns"] == made["campaigns"]


async def test_a_program_is_tried(admin: httpx.AsyncClient, service: FastAPI) -> None:
    done = await carried_out(service, admin, campaigns=[], program={"version": 1})
    assert done["program"] == 1
    assert done["result"]["points"]["difference"] == 0
    assert done["result"]["warnings"] == []


async def test_what_is_deleted_is_gone(admin: httpx.AsyncClient, service: FastAPI) -> None:
    path = f"{PATH}/{(await ask(admin))['id']}"
    response = await admin.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    for method, place in (("GET", path), ("GET", f"{path}/chart"), ("DELETE", path)):
        await refused(admin, method, place, code="backtest_not_found")
    await refused(admin, "GET", f"{PATH}/{uuid4()}", code="backtest_not_found")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"until": PERIOD["from"]}, "/until"),
        ({"from": "yesterday"}, "/from"),
        ({"campaigns": [{"campaign": "c"}] * 21}, "/campaigns"),
        ({"program": {"version": 1, "document": {}}}, "/program"),
    ],
)
async def test_a_body_that_is_wrong(admin: httpx.AsyncClient, fields: dict[str, Any], pointer: str) -> None:
    await mistaken(admin, "POST", PATH, asked(**fields), pointer=pointer)


async def test_a_draft_that_is_wrong_is_told_at_its_place(admin: httpx.AsyncClient) -> None:
    wrong = asked(campaigns=[{"campaign": "c", "document": {**DOUBLE, "budget": {"points": 0}}}])
    problem = await refused(admin, "POST", PATH, wrong, key=new_id("k"), code="campaign_invalid")
    assert [mistake["pointer"] for mistake in problem["errors"]] == ["/campaigns/0/document/budget/points"]
