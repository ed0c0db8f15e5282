"""Campaigns over HTTP: made, changed, started, paused, ended, and what they gave."""

from __future__ import annotations

import json
import secrets
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.routers.asking import answered, mistaken, new_id, refused

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


async def test_everything_a_campaign_says_is_answered(admin: httpx.AsyncClient) -> None:
    template = new_id("t")
    coupon = {"template": template, "name": "券", "kind": "free_shipping"}
    await answered(admin, "POST", "/v1/coupon-templates", coupon, status=201)
    document: dict[str, Any] = {
        "name": "会员日",
        "trigger": "order",
        "window": {"from": "2036-03-01T00:00:00+08:00", "rrule": "FREQ=MONTHLY;BYDAY=1SA"},
        "tiers": ["gold", "silver"],
        "audience": "member.spend >= 100 && local.weekday == 6",
        "condition": 'order.items.exists(item, item.category == "tea")',
        "effects": [
            {"kind": "multiply_points", "factor": "1.50", "lines": {"categories": ["tea"]}},
            {"kind": "add_points", "points": 5},
            {"kind": "add_growth", "growth": 6},
            {"kind": "add_chances", "chances": 1},
            {"kind": "issue_coupon", "template": template, "count": 2},
            {"kind": "discount", "percent_off": 10, "max_discount": 500},
            {"kind": "gift", "sku": "cup-7", "quantity": 1},
            {"kind": "free_shipping"},
        ],
        "budget": {"points": 1000, "per_member": 100, "per_day": 500},
        "priority": 7,
        "stacks": False,
        "holdout_percent": 10,
    }
    path = path_of()
    made = await answered(admin, "PUT", path, document, status=201)
    lines = {"skus": None, "categories": ["tea"], "brands": None}
    expected = {
        **document,
        "window": {"from": "2036-02-29T16:00:00Z", "until": None, "rrule": "FREQ=MONTHLY;BYDAY=1SA"},
        "effects": [
            {"kind": "multiply_points", "factor": "1.5", "lines": lines},
            *document["effects"][1:],
        ],
        **dict.fromkeys(("dormant_days", "balance", "holidays", "of_campaign", "at")),
    }
    assert {name: made[name] for name in expected} == {**expected, "tiers": ["gold", "silver"]}
    assert made["next_opens_at"] == "2036-02-29T16:00:00Z"  # a Saturday, the first of March in Shanghai
    shown = await answered(admin, "GET", path, status=200)
    assert {name: shown[name] for name in made} == made
    assert (shown["figures"]["budget_left"], shown["figures"]["budget_left_today"]) == (1000, 500)
    again = await answered(admin, "PUT", path, document, status=200, replayed=True)
    assert again == made


async def test_a_change_is_another_version(admin: httpx.AsyncClient) -> None:
    path = path_of()
    await answered(admin, "PUT", path, DOUBLE, status=201)
    changed = await answered(admin, "PUT", path, {**DOUBLE, "name": "翻倍", "stacks": None}, status=200)
    assert (changed["version"], changed["state"], changed["name"]) == (2, "draft", "翻倍")
    versions = await answered(admin, "GET", f"{path}/versions", status=200)
    assert [version["version"] for version in versions["data"]] == [2, 1]
    assert versions["data"][0]["document"] == {**DOUBLE, "name": "翻倍"}
    assert versions["data"][1]["document"] == DOUBLE
    assert versions["data"][1]["created_by"] == "bootstrap"
    first = await answered(admin, "GET", f"{path}/versions?limit=1", status=200)
    rest = await answered(admin, "GET", f"{path}/versions?cursor={first['next_cursor']}", status=200)
    assert [version["version"] for version in rest["data"]] == [1]
    await refused(admin, "GET", f"{path_of()}/versions", code="campaign_not_found")


async def test_the_list(admin: httpx.AsyncClient) -> None:
    codes = sorted(new_id("l") for _ in range(3))
    for code in codes:
        await answered(admin, "PUT", path_of(code), {**DOUBLE, "trigger": "sign_in"}, status=201)
    await answered(admin, "POST", f"{path_of(codes[1])}/end", status=200)
    found: list[str] = []
    cursor = ""
    while True:
        page = await answered(admin, "GET", f"{PATH}?state=draft&trigger=sign_in&limit=1{cursor}", status=200)
        found += [campaign["campaign"] for campaign in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [code for code in found if code in codes] == [codes[0], codes[2]]
    await refused(admin, "GET", path_of(), code="campaign_not_found")


async def test_verbs_on_what_is_not_there_or_not_started(admin: httpx.AsyncClient) -> None:
    path = path_of()
    for verb in ("start", "pause", "end"):
        await refused(admin, "POST", f"{path}/{verb}", code="campaign_not_found")
    await answered(admin, "PUT", path, DOUBLE, status=201)
    await refused(admin, "POST", f"{path}/pause", code="campaign_not_started")


# --- mistakes --------------------------------------------------------------------------------------------

MISTAKES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"trigger": "orders"}, [("/trigger", "campaign_invalid")]),
    ({"effects": []}, [("/effects", "campaign_invalid")]),
    ({"effects": [{"kind": "multiply_points", "factor": "1"}]}, [("/effects/0/factor", "campaign_invalid")]),
    ({"effects": [{"kind": "multiply_points", "factor": 2}]}, [("/effects/0/factor", "campaign_invalid")]),
    ({"trigger": "enrolment"}, [("/effects/0/kind", "campaign_invalid")]),
    ({"budget": {"points": 0}}, [("/budget/points", "campaign_invalid")]),
    ({"budget": {}}, [("/budget/points", "campaign_invalid")]),
    (
        {"window": {"from": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}},
        [("/window/until", "campaign_invalid")],
    ),
    ({"window": {"until": "9999-12-31T23:59:59Z"}}, [("/window/until", "campaign_invalid")]),
    ({"window": {"rrule": "FREQ=HOURLY"}}, [("/window/rrule", "recurrence_invalid")]),
    ({"window": {"rrule": "FREQ=DAILY"}}, [("/window/rrule", "recurrence_always")]),
    ({"window": {"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}}, [("/window/rrule", "recurrence_never")]),
    (
        {
            "window": {
                "from": "2026-03-02T00:00:00+08:00",
                "until": "2026-03-07T00:00:00+08:00",
                "rrule": "FREQ=MONTHLY;BYDAY=1SA",
            }
        },
        [("/window/rrule", "recurrence_never")],
    ),
    ({"audience": "order.amount > 5"}, [("/audience", "expression_invalid")]),
    ({"condition": "order.amount"}, [("/condition", "expression_invalid")]),
    ({"condition": "(" * 40 + "true" + ")" * 40}, [("/condition", "expression_invalid")]),
    ({"tiers": ["tin"]}, [("/tiers", "tier_unknown")]),
    (
        {"effects": [{"kind": "issue_coupon", "template": "none-such"}]},
        [("/effects/0/template", "template_unknown")],
    ),
    (
        {"trigger": "holiday", "holidays": ["圣诞节"], "effects": [{"kind": "add_points", "points": 1}]},
        [("/holidays", "holiday_unknown")],
    ),
    (
        {"trigger": "campaign_end", "of_campaign": "none", "effects": [{"kind": "add_points", "points": 1}]},
        [("/of_campaign", "campaign_unknown")],
    ),
    (
        {"tiers": ["tin"], "audience": "1", "window": {"rrule": "x"}},
        [
            ("/audience", "expression_invalid"),
            ("/window/rrule", "recurrence_invalid"),
            ("/tiers", "tier_unknown"),
        ],
    ),
]


@pytest.mark.parametrize(("fields", "places"), MISTAKES)
async def test_every_mistake_has_its_place(
    admin: httpx.AsyncClient, fields: dict[str, Any], places: list[tuple[str, str]]
) -> None:
    path, document = path_of(), {**DOUBLE, **fields}
    problem = await refused(admin, "PUT", path, document, code="campaign_invalid")
    assert [(mistake["pointer"], mistake["code"]) for mistake in problem["errors"]] == places
    found = await answered(admin, "POST", f"{path}/validate", document, status=200)
    assert not found["valid"]
    assert [(mistake["pointer"], mistake["code"]) for mistake in found["mistakes"]] == places
    await refused(admin, "GET", path, code="campaign_not_found")


async def test_a_condition_is_wrong_at_its_column(admin: httpx.AsyncClient) -> None:
    document = {**DOUBLE, "condition": "order.amount >= 5 && order.channel == 3"}
    problem = await refused(admin, "PUT", path_of(), document, code="campaign_invalid")
    (mistake,) = problem["errors"]
    assert (mistake["line"], mistake["column"]) == (1, 36)


@pytest.mark.parametrize(
    ("fields", "pointer"), [({"budgett": {"points": 5}}, "/budgett"), ({"campaign": "x"}, "/campaign")]
)
async def test_fields_that_no_campaign_has(
    admin: httpx.AsyncClient, fields: dict[str, Any], pointer: str
) -> None:
    await mistaken(admin, "PUT", path_of(), {**DOUBLE, **fields}, pointer=pointer)


async def test_nothing_changes_by_a_mistake(admin: httpx.AsyncClient) -> None:
    path = path_of()
    made = await answered(admin, "PUT", path, DOUBLE, status=201)
    await refused(admin, "PUT", path, {**DOUBLE, "tiers": ["tin"]}, code="campaign_invalid")
    shown = await answered(admin, "GET", path, status=200)
    assert {name: shown[name] for name in made} == made


# --- warnings --------------------------------------------------------------------------------------------


async def test_clashes_are_pointed_out(admin: httpx.AsyncClient) -> None:
    days = {"from": "2036-09-28T00:00:00+08:00", "until": "2036-10-09T00:00:00+08:00"}
    other, path = new_id("a"), path_of(new_id("b"))
    template = {
        "template": new_id("t"),
        "name": "券",
        "kind": "free_shipping",
        "valid": {"until": days["from"]},
    }
    await answered(admin, "POST", "/v1/coupon-templates", template, status=201)
    await answered(
        admin, "PUT", path_of(other), {**DOUBLE, "window": days, "trigger": "referral"}, status=201
    )
    document = {
        **DOUBLE,
        "trigger": "referral",
        "window": days,
        "effects": [
            {"kind": "multiply_points", "factor": "3"},
            {"kind": "add_points", "points": 50},
            {"kind": "issue_coupon", "template": template["template"]},
        ],
        "budget": {"per_member": 49},
    }
    found = await answered(admin, "POST", f"{path}/validate", document, status=200)
    assert (found["valid"], found["mistakes"]) == (True, [])
    warnings = {warning["code"]: warning for warning in found["warnings"]}
    assert list(warnings) == ["festival", "budget_below_grant", "template_ends_before", "same_days"]
    assert "国庆节 (2036-10-01)" in warnings["festival"]["detail"]
    assert warnings["same_days"]["detail"] == (
        f"The campaign {other} is for the same days (from 2036-09-28 on): together they give 6 times the points."
    )
    made = await answered(admin, "PUT", path, document, status=201)
    assert made["warnings"] == found["warnings"]
    shown = await answered(admin, "GET", path_of(other), status=200)
    assert [warning["code"] for warning in shown["warnings"]] == ["festival", "same_days"]


# --- budgets ---------------------------------------------------------------------------------------------


async def test_a_budget_is_never_less_than_was_granted(admin: httpx.AsyncClient) -> None:
    path, mark = path_of(), f"m{secrets.token_hex(4)}"
    first = only_for(mark, budget={"points": 150, "per_day": 120})
    await answered(admin, "PUT", path, first, status=201)
    await answered(admin, "POST", f"{path}/start", status=200)
    member = f"/v1/members/{new_id()}"
    await answered(admin, "PUT", member, {"attributes": {mark: True}}, status=201)

    async def earned(order_id: str) -> int:
        order = {"order_id": order_id, "amount": 10_000}
        return (await answered(admin, "POST", f"{member}/accruals", order, status=201))["points"]

    async def left() -> tuple[int | None, int | None]:
        figures = (await answered(admin, "GET", path, status=200))["figures"]
        return figures["budget_left"], figures["budget_left_today"]

    assert await earned("o-1") == 200
    assert await left() == (50, 20)
    problem = await refused(
        admin, "PUT", path, only_for(mark, budget={"points": 99}), code="budget_below_granted"
    )
    assert problem["granted"] == 100
    problem = await refused(
        admin, "PUT", path, only_for(mark, budget={"points": 150, "per_day": 99}), code="budget_below_granted"
    )
    assert problem["granted"] == 100
    assert await left() == (50, 20)
    await answered(admin, "PUT", path, only_for(mark, budget={"points": 110, "per_day": 300}), status=200)
    assert await left() == (10, 200)
    assert await earned("o-2") == 110
    assert await left() == (0, 190)
    assert await earned("o-3") == 100
    # Without a budget in all, what it gives is counted once it has one again.
    await answered(admin, "PUT", path, only_for(mark), status=200)
    assert await left() == (None, None)
    assert await earned("o-4") == 200
    problem = await refused(
        admin, "PUT", path, only_for(mark, budget={"points": 209}), code="budget_below_granted"
    )
    assert problem["granted"] == 210
    await answered(admin, "PUT", path, only_for(mark, budget={"points": 215}), status=200)
    assert await left() == (5, None)
    assert await earned("o-5") == 105
    await answered(admin, "POST", f"{path}/end", status=200)


# --- events ----------------------------------------------------------------------------------------------


async def test_changes_are_told_as_events(admin: httpx.AsyncClient, service: FastAPI) -> None:
    campaign = new_id("c")
    path = path_of(campaign)
    await answered(admin, "PUT", path, DOUBLE, status=201)
    await answered(admin, "PUT", path, DOUBLE, status=200, replayed=True)
    for verb in ("start", "start", "pause", "start", "end"):
        await admin.post(f"{path}/{verb}")
        if verb == "pause":
            await answered(admin, "PUT", path, {**DOUBLE, "priority": 1}, status=200)
    connection = await service.state.database.connect()
    told = await connection.fetch(
        "SELECT kind, detail, actor FROM shop_event WHERE subject = $1 ORDER BY recorded_at", campaign
    )
    await connection.close()
    assert [(row["kind"], json.loads(row["detail"])) for row in told] == [
        ("campaign_created", {"version": 1, "state": "draft"}),
        ("campaign_started", {"version": 1, "state": "live"}),
        ("campaign_paused", {"version": 1, "state": "paused"}),
        ("campaign_changed", {"version": 2, "state": "paused"}),
        ("campaign_started", {"version": 2, "state": "live"}),
        ("campaign_ended", {"version": 2, "state": "ended"}),
    ]
    assert {row["actor"] for row in told} == {"bootstrap"}
