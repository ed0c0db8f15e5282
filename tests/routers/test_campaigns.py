"""Campaigns over HTTP: made, changed, started, paused, ended, and what they gave."""

from __future__ import annotations

import secrets
from typing import Any

import httpx

from tests.routers.asking import answered, new_id, refused

PATH = "/v1/campaigns"
DOUBLE: dict[str, Any] = {
    "name": "双倍积分",
    "trigger": "order",
    "effects": [{"kind": "multiply_points", "factor": "2"}],
}


def path_of(campaign: str | None = None) -> str:
    return f"{PATH}/{campaign or new_id('c')}"


def only_for(members: str, **fields: Any) -> dict[str, Any]:
    """A campaign for the members who have this attribute: other tests' members are left alone."""
    return {**DOUBLE, "audience": f"has(member.attributes.{members})", **fields}


async def test_a_campaign_is_made_started_paused_and_ended(admin: httpx.AsyncClient) -> None:
    path, mark = path_of(), f"m{secrets.token_hex(4)}"
    made = await answered(admin, "PUT", path, only_for(mark), status=201)
    assert (made["state"], made["version"], made["is_open"]) == ("draft", 1, False)
    assert made["started_at"] is None
    started = await answered(admin, "POST", f"{path}/start", status=200)
    assert (started["state"], started["is_open"]) == ("live", True)
    await answered(admin, "POST", f"{path}/start", status=200, replayed=True)

    member = f"/v1/members/{new_id()}"
    await answered(admin, "PUT", member, {"attributes": {mark: True}}, status=201)
    order = {"order_id": "o-1", "amount": 10_000}
    grant = await answered(admin, "POST", f"{member}/accruals", order, status=201)
    assert grant["points"] == 200
    shown = await answered(admin, "GET", path, status=200)
    assert shown["figures"] == {
        "participants": 1,
        "times": 1,
        "amount": 10_000,
        "points": 100,
        "growth": 0,
        "chances": 0,
        "coupons": 0,
        "discount": 0,
        "taken_back": 0,
        "budget_left": None,
        "budget_left_today": None,
    }
    assert shown["failures"] == {"count": 0, "last_at": None, "last_error": None}

    paused = await answered(admin, "POST", f"{path}/pause", status=200)
    assert (paused["state"], paused["is_open"]) == ("paused", False)
    grant = await answered(admin, "POST", f"{member}/accruals", {**order, "order_id": "o-2"}, status=201)
    assert grant["points"] == 100
    ended = await answered(admin, "POST", f"{path}/end", status=200)
    assert ended["state"] == "ended"
    assert ended["ended_at"] is not None
    await answered(admin, "POST", f"{path}/end", status=200, replayed=True)
    await refused(admin, "POST", f"{path}/start", code="campaign_ended")
    await refused(admin, "PUT", path, DOUBLE, code="campaign_ended")
