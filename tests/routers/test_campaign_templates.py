"""Standard campaigns over HTTP: each is made by one call, and gives what it says."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from app.domain.campaign_templates import COMMON, STANDARDS
from tests.routers.asking import answered, mistaken, new_id, refused

PATH = "/v1/campaign-templates"
SOON = (datetime.now(UTC) + timedelta(days=2)).isoformat()
BEGUN = (datetime.now(UTC) - timedelta(days=2)).isoformat()
NEEDED: dict[str, dict[str, Any]] = {
    "birthday-gift": {"points": 88},
    "category-multiplier": {"categories": ["tea"]},
    "new-member-gift": {"points": 100},
    "win-back": {"points": 50},
    "holiday-greeting": {"points": 66},
    "flash-multiplier": {"from": BEGUN, "until": SOON},
    "new-product-week": {"from": BEGUN, "skus": ["tea-100"]},
}


@pytest.fixture
def mark() -> str:
    """An attribute that the members of one test have: others are left alone."""
    return f"m{secrets.token_hex(4)}"


@pytest.fixture
async def start(admin: httpx.AsyncClient, mark: str) -> AsyncGenerator[Any]:
    """Make a standard campaign for members with the mark and start it; it ends with the test."""
    started: list[str] = []

    async def make(template: str, **parameters: Any) -> str:
        campaign = new_id("c")
        asked = {
            "campaign": campaign,
            "audience": f"has(member.attributes.{mark})",
            **NEEDED.get(template, {}),
            **parameters,
        }
        await answered(admin, "POST", f"{PATH}/{template}/campaigns", asked, status=201)
        await answered(admin, "POST", f"/v1/campaigns/{campaign}/start", status=200)
        started.append(campaign)
        return campaign

    yield make
    for campaign in started:
        await answered(admin, "POST", f"/v1/campaigns/{campaign}/end", status=200)


def today() -> date:
    """The program's."""
    return datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).date()


async def joined(admin: httpx.AsyncClient, mark: str, **fields: Any) -> str:
    member = f"/v1/members/{new_id()}"
    await answered(admin, "PUT", member, {"attributes": {mark: True}, **fields}, status=201)
    return member


async def earned(admin: httpx.AsyncClient, member: str) -> int:
    """The points of an order of 100 yuan, 60 of them for tea."""
    items = [
        {"line_id": "1", "sku": "tea-100", "category": "tea", "quantity": 1, "amount": 6_000},
        {"line_id": "2", "sku": "cup-7", "quantity": 1, "amount": 4_000},
    ]
    order = {"order_id": new_id("o"), "amount": 10_000, "items": items}
    return (await answered(admin, "POST", f"{member}/accruals", order, status=201))["points"]


async def test_the_list_has_all_of_them(admin: httpx.AsyncClient) -> None:
    listed = await answered(admin, "GET", PATH, status=200)
    assert [standard["template"] for standard in listed["data"]] == sorted(STANDARDS)
    first = await answered(admin, "GET", f"{PATH}?limit=4", status=200)
    rest = await answered(admin, "GET", f"{PATH}?cursor={first['next_cursor']}", status=200)
    assert first["data"] + rest["data"] == listed["data"]
    assert (rest["next_cursor"], listed["next_cursor"]) == (None, None)
    flash = next(each for each in listed["data"] if each["template"] == "flash-multiplier")
    assert [each["name"] for each in flash["parameters"] if each["required"]] == ["from", "until"]
    assert {each["name"] for each in flash["parameters"]} > set(COMMON)


@pytest.mark.parametrize("template", STANDARDS)
async def test_each_is_made_by_one_call(admin: httpx.AsyncClient, template: str) -> None:
    asked = {"campaign": new_id("c"), **NEEDED.get(template, {})}
    made = await answered(admin, "POST", f"{PATH}/{template}/campaigns", asked, status=201)
    assert (made["campaign"], made["state"]) == (asked["campaign"], "draft")
    assert (made["name"], made["trigger"]) == (STANDARDS[template].name, STANDARDS[template].trigger)
    again = await answered(admin, "POST", f"{PATH}/{template}/campaigns", asked, status=200, replayed=True)
    assert again == made
    other = {**asked, "name": "另一个"}
    await refused(admin, "POST", f"{PATH}/{template}/campaigns", other, code="campaign_exists")


@pytest.mark.parametrize(
    ("template", "points"),
    [("category-multiplier", 160), ("flash-multiplier", 300), ("new-product-week", 160)],
)
async def test_more_points_for_goods(
    admin: httpx.AsyncClient, start: Any, mark: str, template: str, points: int
) -> None:
    await start(template)
    assert await earned(admin, await joined(admin, mark)) == points
    assert await earned(admin, await joined(admin, "other")) == 100


async def test_the_month_of_a_birthday(admin: httpx.AsyncClient, start: Any, mark: str) -> None:
    await start("birthday-month")
    this_month = today().replace(day=1)
    other = (this_month - timedelta(days=1)).month
    born = await joined(admin, mark, birthday=f"1990-{this_month.month:02}-01")
    assert await earned(admin, born) == 200
    assert await earned(admin, await joined(admin, mark, birthday=f"1990-{other:02}-01")) == 100
    assert await earned(admin, await joined(admin, mark)) == 100


async def test_a_member_day_today(admin: httpx.AsyncClient, start: Any, mark: str) -> None:
    weekday = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[today().weekday()]
    await start("member-day", rrule=f"FREQ=WEEKLY;BYDAY={weekday}")
    assert await earned(admin, await joined(admin, mark)) == 200


async def test_a_gift_for_joining(admin: httpx.AsyncClient, start: Any, mark: str) -> None:
    template = {"template": new_id("t"), "name": "新人券", "kind": "free_shipping"}
    await answered(admin, "POST", "/v1/coupon-templates", template, status=201)
    campaign = await start("new-member-gift", coupon=template["template"])
    member = await joined(admin, mark)
    shown = await answered(admin, "GET", member, status=200)
    assert shown["points"]["available"] == 100
    coupons = await answered(admin, "GET", f"{member}/coupons", status=200)
    assert [coupon["template"] for coupon in coupons["data"]] == [template["template"]]
    figures = (await answered(admin, "GET", f"/v1/campaigns/{campaign}", status=200))["figures"]
    assert (figures["participants"], figures["points"], figures["coupons"]) == (1, 100, 1)


@pytest.mark.parametrize(
    ("template", "parameters", "places"),
    [
        ("birthday-gift", {"points": None}, [("/coupon", "campaign_invalid")]),
        ("member-day", {"points": 5}, [("/points", "campaign_invalid")]),
        ("member-day", {"factor": "0.5"}, [("/factor", "campaign_invalid")]),
        ("member-day", {"rrule": "FREQ=DAILY"}, [("/rrule", "recurrence_always")]),
        ("new-member-gift", {"coupon": "none-such"}, [("/coupon", "template_unknown")]),
        (
            "member-day",
            {"audience": "1", "tiers": ["tin"]},
            [("/audience", "expression_invalid"), ("/tiers", "tier_unknown")],
        ),
        ("flash-multiplier", {"until": BEGUN}, [("/until", "campaign_invalid")]),
    ],
)
async def test_mistakes_stand_where_the_parameters_do(
    admin: httpx.AsyncClient, template: str, parameters: dict[str, Any], places: list[tuple[str, str]]
) -> None:
    asked = {"campaign": new_id("c"), **NEEDED.get(template, {}), **parameters}
    problem = await refused(admin, "POST", f"{PATH}/{template}/campaigns", asked, code="campaign_invalid")
    assert [(mistake["pointer"], mistake["code"]) for mistake in problem["errors"]] == places
    await refused(admin, "GET", f"/v1/campaigns/{asked['campaign']}", code="campaign_not_found")


async def test_an_unknown_template_and_an_unknown_parameter(admin: httpx.AsyncClient) -> None:
    asked = {"campaign": new_id("c")}
    await refused(admin, "POST", f"{PATH}/christmas/campaigns", asked, code="campaign_template_not_found")
    path = f"{PATH}/member-day/campaigns"
    await mistaken(admin, "POST", path, {**asked, "faktor": "2"}, pointer="/faktor")
    await mistaken(admin, "POST", path, {"campaign": "a b"}, pointer="/campaign")
