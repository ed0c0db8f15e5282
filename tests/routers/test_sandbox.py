"""The sandbox's clock: a year in a second, for all workers, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.routers.document import document
from tests.routers.asking import answered, refused
from tests.routers.conftest import running, sandbox

CLOCK = "/v1/sandbox/clock"


@pytest.fixture
async def workers(fresh_database_url: str) -> AsyncGenerator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Two processes of one service, as far as the clock is concerned."""
    async with running(sandbox(fresh_database_url)) as one, running(sandbox(fresh_database_url)) as other:
        yield one, other


Workers = tuple[httpx.AsyncClient, httpx.AsyncClient]


async def test_a_year_passes_in_a_second(workers: Workers) -> None:
    one, other = workers
    set_to = {"now": "2030-01-31T12:00:00+08:00"}
    assert await answered(one, "PUT", CLOCK, set_to, status=200) == {
        "now": "2030-01-31T04:00:00Z",
        "matured": 0,
    }
    await answered(other, "PUT", "/v1/members/u-1", {}, status=201)
    await answered(
        other, "POST", "/v1/members/u-1/accruals", {"order_id": "o-1", "amount": 30_000}, status=201
    )
    status: Any = await answered(one, "GET", "/v1/members/u-1", status=200)
    assert status["joined_at"].startswith("2030-01-31T04:00:")
    assert status["points"]["next_expiration"] == {"points": 300, "at": "2031-01-31T16:00:00Z"}

    assert (await answered(one, "PUT", CLOCK, {"now": "2031-01-31T15:59:00Z"}, status=200))["matured"] == 0
    assert (await answered(other, "GET", "/v1/members/u-1", status=200))["points"]["available"] == 300
    assert (await answered(one, "PUT", CLOCK, {"now": "2031-01-31T16:00:00Z"}, status=200))["matured"] == 1
    points = (await answered(other, "GET", "/v1/members/u-1", status=200))["points"]
    assert (points["available"], points["expired"], points["next_expiration"]) == (0, 300, None)
    await refused(
        other,
        "POST",
        "/v1/members/u-1/redemptions",
        {"reference": "r", "points": 1},
        code="insufficient_points",
    )


async def test_days_pass_for_the_streak(workers: Workers) -> None:
    one, other = workers
    await answered(one, "PUT", CLOCK, {"now": "2030-01-01T12:00:00+08:00"}, status=200)
    await answered(one, "PUT", "/v1/members/u-1", {}, status=201)
    for day in range(1, 8):
        await answered(one, "PUT", CLOCK, {"now": f"2030-01-0{day}T20:00:00+08:00"}, status=200)
        signed_in = await answered(other, "POST", "/v1/members/u-1/sign-ins", {}, status=201)
        assert (signed_in["date"], signed_in["streak"]) == (f"2030-01-0{day}", day)


async def test_it_never_goes_back_behind_the_ledger(workers: Workers) -> None:
    one, _ = workers
    await answered(one, "PUT", CLOCK, {"now": "2040-01-01T00:00:00Z"}, status=200)
    await answered(one, "PUT", CLOCK, {"now": "2030-01-01T00:00:00Z"}, status=200)
    await answered(one, "PUT", "/v1/members/u-1", {}, status=201)
    await answered(one, "POST", "/v1/members/u-1/sign-ins", {}, status=201)
    problem = await refused(one, "PUT", CLOCK, {"now": "2029-12-31T23:59:59Z"}, code="clock_behind_ledger")
    assert problem["newest"].startswith("2030-01-01T00:00:")


async def test_what_campaigns_pay_on_the_way(workers: Workers) -> None:
    one, other = workers
    await answered(one, "PUT", CLOCK, {"now": "2030-12-31T12:00:00+08:00"}, status=200)
    await answered(other, "PUT", "/v1/members/u-1", {"birthday": "1990-03-08"}, status=201)
    gift = {"effects": [{"kind": "add_points", "points": 10}]}
    campaigns: dict[str, dict[str, Any]] = {
        "member-day": {"trigger": "schedule", "window": {"rrule": "FREQ=MONTHLY;BYDAY=1SA"}, "at": "10:00"},
        "spring": {"trigger": "holiday", "holidays": ["春节"]},
        "birthday": {"trigger": "birthday"},
        "win-back": {"trigger": "dormancy", "dormant_days": 60},
        "fifty": {"trigger": "balance", "balance": 50},
    }
    for code, about in campaigns.items():
        await answered(one, "PUT", f"/v1/campaigns/{code}", {"name": code, **gift, **about}, status=201)
        await answered(other, "POST", f"/v1/campaigns/{code}/start", status=200)
    await answered(one, "PUT", CLOCK, {"now": "2031-03-05T12:00:00+08:00"}, status=200)
    entries: Any = await answered(other, "GET", "/v1/members/u-1/entries?kind=campaign", status=200)
    paid = [
        (entry["recorded_at"][:16], entry["breakdown"][0]["rule"], entry["balance"]["points"])
        for entry in reversed(entries["data"])
    ]
    assert paid == [
        ("2031-01-04T02:00", "campaign:member-day", 10),
        ("2031-01-22T16:00", "campaign:spring", 20),
        ("2031-02-01T02:00", "campaign:member-day", 30),
        ("2031-02-28T16:00", "campaign:birthday", 40),
        ("2031-02-28T16:00", "campaign:win-back", 50),
        ("2031-03-01T02:00", "campaign:member-day", 60),
        ("2031-03-01T02:00", "campaign:fifty", 70),
    ]
    first = entries["data"][-1]
    assert (first["kind"], first["detail"]["occasion"]) == ("campaign", "at/2031-01-04")
    assert first["detail"]["campaigns"] == {"member-day": {"times": 1, "points": 10}}
    lots: Any = await answered(other, "GET", "/v1/members/u-1/lots", status=200)
    assert {lot["source"] for lot in lots["data"]} == {"campaign"}
    await answered(other, "POST", "/v1/campaigns/member-day/pause", status=200)
    await answered(one, "PUT", CLOCK, {"now": "2031-06-01T12:00:00+08:00"}, status=200)
    balance: Any = await answered(other, "GET", "/v1/members/u-1/balance", status=200)
    assert balance["available"] == 70


async def test_what_is_refused(workers: Workers) -> None:
    one, _ = workers
    for body in ({}, {"now": "2030-01-01"}, {"now": 0}, {"now": "2030-01-01T00:00:00Z", "then": 1}):
        await refused(one, "PUT", CLOCK, body, code="validation_failed")
    key = await answered(
        one, "POST", "/v1/keys", {"name": "k", "scopes": ["points:write"]}, status=201, key="k"
    )
    headers = {"Authorization": f"Bearer {key['key']}"}
    answer = await one.put(CLOCK, json={"now": "2030-01-01T00:00:00Z"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_it_is_not_routed_by_default(admin: httpx.AsyncClient, service: FastAPI) -> None:
    response = await admin.put(CLOCK, json={"now": "2030-01-01T00:00:00Z"})
    assert response.status_code == 404
    assert CLOCK not in document(service)["paths"]


def test_it_is_documented_where_it_is_routed(database_url: str) -> None:
    operation = document(sandbox(database_url))["paths"][CLOCK]["put"]
    assert operation["operationId"] == "set_sandbox_clock"
    assert {"200", "401", "403", "409", "422"} <= set(operation["responses"])
