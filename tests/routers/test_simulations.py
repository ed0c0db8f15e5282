"""Simulations over HTTP: on members as they are and made up, with drafts, at any moment, and nothing written."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.actions.keys import create_key_locally
from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from tests.routers.asking import answered, mistaken, new_id, refused

DOUBLE: dict[str, Any] = {
    "name": "双倍积分",
    "trigger": "order",
    "effects": [{"kind": "multiply_points", "factor": "2"}],
}
PATH = "/v1/simulations"


def order(amount: int = 30_000, **fields: Any) -> dict[str, Any]:
    return {"type": "order", "amount": amount, **fields}


def draft(**fields: Any) -> list[dict[str, Any]]:
    return [{"campaign": "c-draft", "document": {**DOUBLE, **fields}}]


async def simulate(client: httpx.AsyncClient, event: dict[str, Any], **body: Any) -> Any:
    if "member_id" not in body:
        body.setdefault("member", {})
    return await answered(client, "POST", PATH, {"event": event, **body}, status=200)


async def everything(service: FastAPI) -> list[Any]:
    """Every row that a member leaves behind, but the accounts that other tests make meanwhile."""
    connection = await service.state.database.connect()
    try:
        return [
            await connection.fetchval(f"SELECT count(*) FROM {table}")
            for table in (
                "entry",
                "lot",
                "campaign_points",
                "campaign_sum",
                "campaign_budget",
                "coupon",
                "mission_progress",
            )
        ]
    finally:
        await connection.close()


async def test_an_order_comes_to_what_it_will_be(
    admin: httpx.AsyncClient, rich: str, service: FastAPI
) -> None:
    before = await everything(service)
    member_id = rich.removeprefix("/v1/members/")
    would = await simulate(admin, order(12_345, channel="app"), member_id=member_id)
    assert await everything(service) == before
    accrued = await answered(
        admin, "POST", f"{rich}/accruals", {"order_id": "o", "amount": 12_345, "channel": "app"}, status=201
    )
    for name in ("points", "breakdown", "balance"):
        assert would[name] == accrued[name], name
    assert would["tier"] == {"before": "silver", "after": "silver"}
    assert would["program_version"] == 1


async def test_a_draft_on_somebody_made_up(admin: httpx.AsyncClient) -> None:
    found = await simulate(
        admin,
        order(),
        member={"tier": "gold", "available": 5, "region": "CN-31", "birthday_month": 3},
        at="2026-03-07T10:00:00+08:00",
        campaigns=draft(
            window={"rrule": "FREQ=MONTHLY;BYDAY=1SA"},
            audience='member.region == "CN-31" && member.birthday_month == local.month',
        ),
    )
    assert found["points"] == 720
    assert [part["points"] for part in found["breakdown"]] == [300, 60, 360]
    assert found["breakdown"][2]["rule"] == "campaign:c-draft"
    assert found["balance"]["available"] == 725
    [looked] = [each for each in found["campaigns"] if each["campaign"] == "c-draft"]
    assert (looked["outcome"], looked["version"]) == ("applied", 0)
    assert found["at"] == "2026-03-07T02:00:00Z"


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"tiers": ["diamond"]}, "not_for_tier"),
        ({"audience": "member.spend > 100"}, "not_in_audience"),
        ({"condition": "order.amount > 30000"}, "condition_false"),
        ({"condition": "order.amount / (order.amount - 30000) > 1"}, "failed"),
        ({"window": {"from": "2026-03-08T00:00:00Z"}}, "not_open"),
        ({"window": {"rrule": "FREQ=MONTHLY;BYDAY=2SA"}}, "not_open"),
        ({"trigger": "sign_in"}, "other_trigger"),
        ({"budget": {"points": 40}}, "applied"),
        ({"holdout_percent": 99}, "applied"),  # nobody is in no control group
    ],
)
async def test_each_reason(admin: httpx.AsyncClient, fields: dict[str, Any], outcome: str) -> None:
    found = await simulate(admin, order(), at="2026-03-07T10:00:00+08:00", campaigns=draft(**fields))
    [looked] = [each for each in found["campaigns"] if each["campaign"] == "c-draft"]
    assert looked["outcome"] == outcome
    assert looked["detail"].startswith(("It", "The", "Its"))
    gained = {"budget": 40}.get(next(iter(fields)), 300) if outcome == "applied" else 0
    assert found["points"] == 300 + gained


async def test_other_events(admin: httpx.AsyncClient, member_id: str, member: str) -> None:
    signed_in = await simulate(admin, {"type": "sign_in"}, member_id=member_id)
    assert (signed_in["points"], signed_in["growth"]) == (10, 5)
    review = await simulate(
        admin, {"type": "activity", "kind": "review", "level": "pictures"}, member_id=member_id
    )
    assert (review["points"], review["breakdown"][0]["rule"]) == (40, "activity:review")
    await answered(admin, "POST", f"{member}/sign-ins", status=201)
    body = {"event": {"type": "sign_in"}, "member_id": member_id}
    await refused(admin, "POST", PATH, body, code="simulation_repeats")
    again = {"event": order(order_id="o-1"), "member_id": member_id}
    await answered(admin, "POST", f"{member}/accruals", {"order_id": "o-1", "amount": 1}, status=201)
    await refused(admin, "POST", PATH, again, code="simulation_repeats")


async def test_a_stored_campaign_is_named(admin: httpx.AsyncClient) -> None:
    campaign = new_id("c")
    await answered(
        admin,
        "PUT",
        f"/v1/campaigns/{campaign}",
        {**DOUBLE, "condition": 'order.channel == "nowhere"'},
        status=201,
    )
    found = await simulate(admin, order(channel="nowhere"), campaigns=[{"campaign": campaign}])
    [looked] = [each for each in found["campaigns"] if each["campaign"] == campaign]
    assert (looked["outcome"], looked["version"], found["points"]) == ("applied", 1, 600)
    without = await simulate(admin, order(channel="nowhere"))
    assert campaign not in [each["campaign"] for each in without["campaigns"]]
    body = {"event": order(), "member": {}, "campaigns": [{"campaign": new_id("c")}]}
    problem = await refused(admin, "POST", PATH, body, code="draft_not_found")
    assert problem["errors"][0]["pointer"] == "/campaigns"


async def test_a_program_is_tried(admin: httpx.AsyncClient, rich: str) -> None:
    document = deepcopy(DEFAULT_PROGRAM_DOCUMENT)
    document["earning"]["rate"] = "3"
    document["missions"] = [
        {
            "mission": "first",
            "name": "首单",
            "counts": "orders",
            "at_least": 1,
            "period": "ever",
            "reward": {"points": 66},
        }
    ]
    for who in ({"member": {}}, {"member_id": rich.removeprefix("/v1/members/")}):
        found = await simulate(admin, order(), program={"document": document}, **who)
        assert (found["points"], found["program_version"]) == (966, 0)
        assert found["breakdown"][-1] == {
            "rule": "mission:first",
            "label": "首单",
            "points": 66,
            "version": 0,
        }
    stored = await simulate(admin, order(), program={"version": 1})
    assert (stored["points"], stored["program_version"]) == (300, 1)
    body = {"event": order(), "member": {}, "program": {"version": 2_000_000}}
    await refused(admin, "POST", PATH, body, code="program_version_not_found")


async def test_what_is_wrong_is_told_at_its_place(admin: httpx.AsyncClient) -> None:
    async def places(code: str, **body: Any) -> list[str]:
        problem = await refused(admin, "POST", PATH, {"event": order(), "member": {}, **body}, code=code)
        return [mistake["pointer"] for mistake in problem["errors"]]

    wrong = draft(effects=[{"kind": "multiply_points", "factor": "1"}])
    assert await places("campaign_invalid", campaigns=wrong) == ["/campaigns/0/document/effects/0/factor"]
    wrong = draft(condition="order.amount + 1", audience="order.amount > 1")
    assert await places("campaign_invalid", campaigns=wrong) == [
        "/campaigns/0/document/audience",
        "/campaigns/0/document/condition",
    ]
    wrong = draft(window={"rrule": "FREQ=HOURLY"})
    assert await places("campaign_invalid", campaigns=wrong) == ["/campaigns/0/document/window/rrule"]
    program = deepcopy(DEFAULT_PROGRAM_DOCUMENT)
    program["earning"]["rate"] = "x"
    assert await places("program_invalid", program={"document": program}) == [
        "/program/document/earning/rate"
    ]
    assert await places("draft_repeated", campaigns=draft() * 2) == ["/campaigns"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"event": order()}, ""),
        ({"event": order(), "member": {}, "member_id": "m"}, ""),
        ({"event": {"type": "order", "amount": "1"}, "member": {}}, "/event/amount"),
        ({"event": {"type": "refund"}, "member": {}}, "/event"),
        ({"event": {}, "member": {}}, "/event"),
        ({"event": order(), "member": {"tier": 3}}, "/member/tier"),
        ({"event": order(), "member": {}, "program": {}}, "/program"),
        ({"event": order(), "member": {}, "campaigns": [{"document": DOUBLE}]}, "/campaigns/0/campaign"),
        ({"event": order(), "member": {}, "campaigns": [{"campaign": "c", "x": 1}]}, "/campaigns/0/x"),
    ],
)
async def test_a_body_that_is_wrong(admin: httpx.AsyncClient, body: dict[str, Any], pointer: str) -> None:
    await mistaken(admin, "POST", PATH, body, pointer=pointer)


async def test_the_refusals_of_the_event_itself(
    admin: httpx.AsyncClient, member_id: str, member: str
) -> None:
    body = {"event": order(), "member_id": "nobody-here"}
    await refused(admin, "POST", PATH, body, code="member_not_found")
    body = {"event": order(), "member": {"tier": "tin"}}
    await refused(admin, "POST", PATH, body, code="tier_not_found")
    body = {"event": {"type": "activity", "kind": "sleeping"}, "member": {}}
    problem = await refused(admin, "POST", PATH, body, code="activity_kind_unknown")
    assert problem["errors"][0]["pointer"] == "/event/kind"
    items = [{"line_id": "1", "sku": "a", "quantity": 1, "amount": 5}]
    body = {"event": order(6, items=items), "member": {}}
    problem = await refused(admin, "POST", PATH, body, code="items_amount_mismatch")
    assert problem["errors"][0]["pointer"] == "/event/items"
    await answered(admin, "POST", f"{member}/freeze", {"reason": "x"}, status=200)
    body = {"event": order(), "member_id": member_id}
    await refused(admin, "POST", PATH, body, code="member_frozen")
    early = {**body, "at": "2020-01-01T00:00:00Z"}
    await answered(admin, "POST", f"{member}/unfreeze", {}, status=200)
    problem = await refused(admin, "POST", PATH, early, code="simulation_too_early")
    assert problem["errors"][0]["pointer"] == "/at"
    await answered(admin, "DELETE", member, status=200)
    await refused(admin, "POST", PATH, body, code="member_erased")


async def test_a_member_who_exists_needs_another_scope(
    as_caller: Any, service: FastAPI, member_id: str
) -> None:
    made = await create_key_locally(service.state.database, name="s", scopes=["campaigns:read"])
    client = as_caller(made.key)
    await simulate(client, order())
    body = {"event": order(), "member_id": member_id}
    await refused(client, "POST", PATH, body, code="scope_missing")


async def test_what_falls_due_by_then_has_happened(admin: httpx.AsyncClient, rich: str) -> None:
    in_years = (datetime.now(UTC) + timedelta(days=3 * 366)).isoformat()
    found = await simulate(admin, order(), member_id=rich.removeprefix("/v1/members/"), at=in_years)
    assert found["balance"]["available"] == found["points"] == 300
