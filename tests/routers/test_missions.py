"""Missions over HTTP: the examples of the README, lived through in a sandbox."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from tests.domain.programs import document
from tests.routers.asking import answered, new_id, refused
from tests.routers.conftest import running, sandbox
from tests.routers.test_sandbox import CLOCK
from tests.tokens import Issuer

MISSIONS: list[dict[str, Any]] = [
    {
        "mission": "first-steps",
        "name": "新手任务",
        "name_en": "First steps",
        "counts": "activities",
        "kind": "profile",
        "at_least": 1,
        "period": {"days_after_joining": 7},
        "reward": {"points": 30},
        "badge": "newcomer",
    },
    {
        "mission": "three-orders",
        "name": "本月三单",
        "counts": "orders",
        "at_least": 3,
        "period": "month",
        "reward": {"points": 50, "growth": 10, "chances": 1, "coupon": "birthday"},
    },
]


@pytest.fixture
async def busy(fresh_database_url: str) -> AsyncGenerator[httpx.AsyncClient]:
    """A sandbox with missions, on the evening of 5 March in Shanghai."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(fresh_database_url)
    made = json.dumps({**document(), "missions": MISSIONS})
    await connection.execute("UPDATE program_version SET document = $1", made)
    await connection.close()
    async with running(sandbox(fresh_database_url)) as client:
        await answered(client, "PUT", CLOCK, {"now": "2031-03-05T20:00:00+08:00"}, status=200)
        await answered(client, "PUT", "/v1/members/u-1", {}, status=201)
        yield client


async def missions(client: httpx.AsyncClient) -> dict[str, Any]:
    return await answered(client, "GET", "/v1/members/u-1/missions", status=200)


async def order(client: httpx.AsyncClient, order_id: str) -> None:
    await answered(
        client, "POST", "/v1/members/u-1/accruals", {"order_id": order_id, "amount": 1_000}, status=201
    )


async def test_progress_reward_and_badge(busy: httpx.AsyncClient) -> None:
    nothing = {"points": None, "growth": None, "chances": None, "coupon": None}
    newcomer, monthly = (await missions(busy))["data"]
    assert newcomer == {
        "mission": "first-steps",
        "name": "新手任务",
        "name_en": "First steps",
        "counts": "activities",
        "kind": "profile",
        "period": "joining",
        "ends_at": "2031-03-12T16:00:00Z",
        "progress": 0,
        "at_least": 1,
        "completed_at": None,
        "reward": {**nothing, "points": 30},
        "badge": "newcomer",
    }
    assert (monthly["period"], monthly["ends_at"]) == ("2031-03", "2031-03-31T16:00:00Z")
    activity = {"reference": "p", "kind": "profile"}
    told = await answered(busy, "POST", "/v1/members/u-1/activities", activity, status=201)
    assert told["balance"]["available"] == 50  # its own answer is its own
    after = await missions(busy)
    assert (after["data"][0]["progress"], after["data"][0]["completed_at"] is not None) == (1, True)
    [badge] = after["badges"]
    assert badge == {
        "badge": "newcomer",
        "mission": "first-steps",
        "period": "joining",
        "earned_at": after["data"][0]["completed_at"],
    }
    status = await answered(busy, "GET", "/v1/members/u-1", status=200)
    assert status["points"]["available"] == 80
    entries = (await answered(busy, "GET", "/v1/members/u-1/entries", status=200))["data"]
    paid, cause = entries
    assert (paid["kind"], paid["points"], paid["actor"]) == ("mission", 30, "system")
    assert paid["breakdown"] == [
        {"rule": "mission:first-steps", "label": "新手任务", "points": 30, "version": 1}
    ]
    assert (paid["detail"]["mission"], paid["detail"]["badge"]) == ("first-steps", "newcomer")
    assert cause["detail"]["missions"] == [{"mission": "first-steps", "period": "joining", "counted": 1}]


async def test_three_orders_a_month(busy: httpx.AsyncClient) -> None:
    await order(busy, "o-1")
    await order(busy, "o-2")
    back = {"reference": "r", "amount": 1_000}
    await answered(busy, "POST", "/v1/members/u-1/accruals/o-1/reverse", back, status=200)
    assert (await missions(busy))["data"][1]["progress"] == 1
    await order(busy, "o-3")
    body = {"order_id": "o-4", "amount": 1_000, "settle": "later"}
    await answered(busy, "POST", "/v1/members/u-1/accruals", body, status=201)
    assert (await missions(busy))["data"][1]["progress"] == 2
    await answered(busy, "PUT", CLOCK, {"now": "2031-04-02T20:00:00+08:00"}, status=200)
    # Settled by itself on 20 March, for the month in which it was placed.
    [monthly] = (await missions(busy))["data"]  # a newcomer's days are over
    assert (monthly["period"], monthly["progress"]) == ("2031-04", 0)
    entries = (await answered(busy, "GET", "/v1/members/u-1/entries?kind=mission", status=200))["data"]
    [paid] = entries
    assert (paid["points"], paid["growth"]) == (50, 10)
    assert (paid["detail"]["chances"], paid["detail"]["period"]) == (1, "2031-03")
    assert [coupon["source"] for coupon in paid["detail"]["coupons"]] == ["mission"]
    coupons = await answered(busy, "GET", "/v1/members/u-1/coupons", status=200)
    [coupon] = coupons["data"]
    assert coupon["source"] == "mission"
    state = await answered(busy, "GET", f"/v1/coupons/{coupon['code']}", status=200)
    assert [(event["kind"], event["status"]) for event in state["history"]] == [("mission", "issued")]


async def test_what_is_sent_back_undoes_it(busy: httpx.AsyncClient) -> None:
    for number in range(3):
        await order(busy, f"o-{number}")
    status = await answered(busy, "GET", "/v1/members/u-1", status=200)
    assert status["points"]["available"] == 80
    back = {"reference": "r", "amount": 1_000}
    answer = await answered(busy, "POST", "/v1/members/u-1/accruals/o-1/reverse", back, status=200)
    assert answer["points"] == 10  # its own answer is its own
    [_, monthly] = (await missions(busy))["data"]
    assert (monthly["progress"], monthly["completed_at"]) == (2, None)
    status = await answered(busy, "GET", "/v1/members/u-1", status=200)
    assert status["points"]["available"] == 20
    [undone] = (await answered(busy, "GET", "/v1/members/u-1/entries?kind=mission_undo", status=200))["data"]
    assert (undone["points"], undone["growth"], undone["actor"]) == (-50, -10, "system")
    assert undone["breakdown"] == []
    told = undone["detail"]
    assert (told["mission"], told["period"], told["undoes"]) == (
        "three-orders",
        "2031-03",
        "mission/three-orders/2031-03",
    )
    assert told["moves"] == [{"lot": 4, "remaining": -50, "reserved": 0}]
    [code] = told["voided"]
    state = await answered(busy, "GET", f"/v1/coupons/{code}", status=200)
    assert [(event["kind"], event["status"]) for event in state["history"]] == [
        ("mission", "issued"),
        ("mission_undo", "voided"),
    ]
    await order(busy, "o-3")
    [_, monthly] = (await missions(busy))["data"]
    assert (monthly["progress"], monthly["completed_at"] is not None) == (3, True)
    entries = (await answered(busy, "GET", "/v1/members/u-1/entries?kind=mission", status=200))["data"]
    assert [(entry["points"], entry["detail"]["period"]) for entry in entries] == [(50, "2031-03")] * 2


async def test_back_dated_orders_count_for_their_own_month(busy: httpx.AsyncClient) -> None:
    for number in range(3):
        body = {"order_id": f"o-{number}", "amount": 1_000, "occurred_at": "2031-02-10T12:00:00+08:00"}
        await answered(busy, "POST", "/v1/members/u-1/accruals", body, status=201)
    assert (await missions(busy))["data"][1]["progress"] == 0
    entries = (await answered(busy, "GET", "/v1/members/u-1/entries?kind=mission", status=200))["data"]
    assert [entry["detail"]["period"] for entry in entries] == ["2031-02"]


async def test_without_missions_there_are_none(
    admin: httpx.AsyncClient,
    member: str,
    issuer: Issuer,
    as_caller: Callable[[str | None], httpx.AsyncClient],
) -> None:
    nothing = {"data": [], "badges": []}
    assert await answered(admin, "GET", f"{member}/missions", status=200) == nothing
    mine = as_caller(issuer.token(member.rsplit("/", 1)[1]))
    assert await answered(mine, "GET", f"{member}/missions", status=200) == nothing
    await refused(admin, "GET", f"/v1/members/{new_id()}/missions", code="member_not_found")
