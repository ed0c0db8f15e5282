"""Quotes over HTTP: everything a cart page shows, and nothing changes by it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.queries import gathering
from tests.routers.asking import answered, mistaken, new_id, refused
from tests.routers.shop import cart, claimed, template
from tests.tokens import Issuer

Client = httpx.AsyncClient


async def quoted(client: Client, member_id: str, *amounts: int, **more: Any) -> dict[str, Any]:
    return await answered(
        client, "POST", "/v1/quotes", {"member_id": member_id, **cart(*amounts), **more}, status=200
    )


def rejected(quote: dict[str, Any]) -> dict[str, list[str]]:
    return {each["code"]: [why["code"] for why in each["reasons"]] for each in quote["rejected"]}


async def test_all_that_a_cart_page_shows(admin: Client, rich: str, member_id: str) -> None:
    cut = await claimed(admin, rich, await template(admin, threshold=10_000))
    percent = await claimed(
        admin, rich, await template(admin, kind="percent_off", percent_off=10, stacks_with="all")
    )
    week = await template(
        admin, kind="line_price", percent_off=20, automatic=True, eligible={"skus": ["tea-week"]}
    )
    body: dict[str, Any] = {"member_id": member_id, **cart(20_000, 10_000), "shipping": 1_500}
    body["items"][1]["sku"] = "tea-week"
    body |= {"points": "max", "cash": 500, "coupons": [cut, percent], "channel": "app"}
    got = await answered(admin, "POST", "/v1/quotes", body, status=200)
    # 30,000 - 2,000 - 2 % = 27,440; - 3,000 = 24,440; - 10 % = 21,996; 1,000 points; 500 of cash; shipping
    assert got["lines"] == [
        {
            "line_id": "1",
            "amount": 20_000,
            "discounts": [
                {"source": "tier:silver", "amount": 400},
                {"source": f"coupon:{cut}", "amount": 2_143},
                {"source": f"coupon:{percent}", "amount": 1_746},
            ],
            "payable": 15_711,
        },
        {
            "line_id": "2",
            "amount": 10_000,
            "discounts": [
                {"source": f"promotion:{week}", "amount": 2_000},
                {"source": "tier:silver", "amount": 160},
                {"source": f"coupon:{cut}", "amount": 857},
                {"source": f"coupon:{percent}", "amount": 698},
            ],
            "payable": 6_285,
        },
    ]
    assert (got["subtotal"], got["discount"]) == (30_000, 8_004)
    assert [(each["code"], each["discount"]) for each in got["coupons"]] == [(cut, 3_000), (percent, 2_444)]
    assert got["promotions"] == [{"template": week, "discount": 2_000}]
    assert (got["rejected"], got["best_is_exact"]) == ([], None)
    assert [(each["code"], each["discount"]) for each in got["fitting"]] == [(cut, 3_000), (percent, 2_744)]
    assert got["points"] == {"used": 1_000, "value": 1_000, "max": 1_000}
    assert got["cash"] == {"used": 500, "max": 1_000}
    assert got["shipping"] == {"amount": 1_500, "payable": 1_500}
    assert got["payable"] == 21_996 - 1_000 - 500 + 1_500
    assert got["earns"]["points"] == 204
    assert got["tier_after"] == "silver"


async def test_nothing_changes(admin: Client, rich: str, member_id: str) -> None:
    public = new_id("P")
    made = await template(admin, public_code=public, stock=1, budget=3_000)
    before = await answered(admin, "GET", rich, status=200)
    for _ in range(2):
        got = await quoted(admin, member_id, 20_000, points=500, coupons=[public])
        assert [each["code"] for each in got["coupons"]] == [public]
    assert await answered(admin, "GET", rich, status=200) == before
    figures = await answered(admin, "GET", f"/v1/coupon-templates/{made}", status=200)
    assert (figures["issued"], figures["discounted"]) == (0, 0)
    entries = await answered(admin, "GET", f"{rich}/entries", status=200)
    assert [each["kind"] for each in entries["data"]] == ["accrue"]


async def test_what_can_not_be_used_is_told(admin: Client, rich: str, member_id: str) -> None:
    far = await claimed(admin, rich, await template(admin, threshold=50_000))
    named = await claimed(admin, rich, await template(admin))
    idle = await claimed(admin, rich, await template(admin, eligible={"tiers": ["gold"]}))
    used = await claimed(admin, rich, await template(admin))
    await answered(admin, "POST", f"/v1/coupons/{used}/redeem", {"reference": "r"}, status=200)
    locked = await claimed(admin, rich, await template(admin))
    await answered(admin, "POST", f"/v1/coupons/{locked}/lock", {"reference": "r"}, status=200)
    got = await quoted(
        admin, member_id, 20_000, points=5_000, cash=5_000, coupons=[named, used, "NOSUCHCODE"]
    )
    assert rejected(got) == {
        far: ["threshold_not_reached"],
        idle: ["tier_not_eligible"],
        used: ["coupon_redeemed"],
        locked: ["coupon_locked"],
        "NOSUCHCODE": ["coupon_not_found"],
    }
    assert [each["code"] for each in got["coupons"]] == [named]
    assert got["points"] == {"used": 1_000, "value": 1_000, "max": 1_000}
    assert got["cash"] == {"used": 1_000, "max": 1_000}
    reasons = next(each["reasons"] for each in got["rejected"] if each["code"] == far)
    assert reasons[0]["missing"] == 30_400
    assert reasons[0]["detail"].startswith("Goods for 30400 more")


async def test_limits_of_what_is_given_out(admin: Client, rich: str, member_id: str) -> None:
    public = new_id("P")
    made = await template(admin, public_code=public, per_member=1)
    code = await claimed(admin, rich, made)
    await answered(admin, "POST", f"/v1/coupons/{code}/redeem", {"reference": "r"}, status=200)
    got = await quoted(admin, member_id, 20_000, coupons=[public])
    assert rejected(got) == {public: ["coupon_limit_reached"]}
    spent = await claimed(admin, rich, await template(admin, budget=2_999))
    got = await quoted(admin, member_id, 20_000, coupons=[spent])
    assert rejected(got) == {spent: ["coupon_budget_spent"]}
    assert got["coupons"] == []


async def test_the_best_is_chosen(admin: Client, rich: str, member_id: str) -> None:
    small, large = [
        await claimed(admin, rich, await template(admin, amount_off=amount)) for amount in (1_000, 2_000)
    ]
    got = await quoted(admin, member_id, 20_000, coupons="best")
    assert [each["code"] for each in got["coupons"]] == [large]
    assert (rejected(got), got["best_is_exact"]) == ({small: ["not_stackable"]}, True)
    assert {each["code"] for each in got["fitting"]} == {small, large}


async def test_conditions_on_the_person(admin: Client, member: str, member_id: str) -> None:
    month = datetime.now(UTC).month
    born = f"1990-{month:02}-15"
    conditions = {
        'member.region == "Shanghai" && member.gender == "f"': True,
        "member.attributes.vip == true": True,
        f"member.birthday_month == {month}": True,
        'member.tier == "gold"': False,
        "member.orders > 0": False,
    }
    codes = {
        await claimed(
            admin, member, await template(admin, stacks_with="all", eligible={"member": text})
        ): holds
        for text, holds in conditions.items()
    }
    got = await quoted(admin, member_id, 100_000)
    assert rejected(got) == {code: ["member_not_eligible"] for code in codes}
    person = {"region": "Shanghai", "gender": "f", "birthday": born, "attributes": {"vip": True}}
    await answered(admin, "PUT", member, person, status=200)
    got = await quoted(admin, member_id, 100_000, coupons=list(codes))
    assert {each["code"] for each in got["coupons"]} == {code for code, holds in codes.items() if holds}


async def test_what_a_person_granted_counts(admin: Client, member: str, member_id: str) -> None:
    body = {
        "reference": "g",
        "benefit": "vip",
        "label": "贵宾",
        "terms": {"discount_percent": 15, "free_shipping": True},
        "reason": "x",
    }
    await answered(admin, "POST", f"{member}/benefits", body, status=201)
    got = await quoted(admin, member_id, 10_000, shipping=900)
    assert got["lines"][0]["discounts"] == [{"source": "benefit:vip", "amount": 1_500}]
    assert got["shipping"] == {"amount": 900, "payable": 0, "free_by": "benefit:vip"}
    held = {"checkout_id": new_id("o"), "member_id": member_id, **cart(10_000), "shipping": 900}
    got = await answered(admin, "POST", "/v1/checkouts", held, status=201)
    assert got["payable"] == 8_500


async def test_a_hold_that_lapsed_is_free_at_once(sandboxed: Client) -> None:
    admin, member_id = sandboxed, new_id()
    member = f"/v1/members/{member_id}"
    await answered(admin, "PUT", member, {}, status=201)
    await answered(admin, "POST", f"{member}/accruals", {"order_id": "o", "amount": 100_000}, status=201)
    code = await claimed(admin, member, await template(admin, budget=3_000))
    body = {"checkout_id": new_id("o"), "member_id": member_id, **cart(20_000), "points": 1_000}
    body |= {"coupons": [code], "hold_seconds": 600}
    held = await answered(admin, "POST", "/v1/checkouts", body, status=201)
    got = await quoted(admin, member_id, 20_000, points="max", coupons=[code])
    assert (got["points"]["used"], rejected(got)) == (0, {code: ["coupon_locked"]})
    await answered(admin, "PUT", "/v1/sandbox/clock", {"now": held["hold_expires_at"]}, status=200)
    got = await quoted(admin, member_id, 20_000, points="max", coupons=[code])
    assert (got["points"]["used"], rejected(got)) == (1_000, {})


async def test_a_template_made_or_paused_just_now_is_known(
    admin: Client, member: str, member_id: str
) -> None:
    made = await template(admin)
    code = await claimed(admin, member, made)
    assert rejected(await quoted(admin, member_id, 20_000)) == {}
    await answered(admin, "PATCH", f"/v1/coupon-templates/{made}", {"state": "paused"}, status=200)
    assert rejected(await quoted(admin, member_id, 20_000)) == {code: ["coupon_paused"]}


async def test_many_at_once(admin: Client, rich: str, member_id: str) -> None:
    """They are read together, and each has its own answer."""
    codes = [await claimed(admin, rich, await template(admin, amount_off=100 + n)) for n in range(10)]
    asked = [quoted(admin, member_id, 20_000 + n, coupons=[code]) for n, code in enumerate(codes)]
    nobody = refused(admin, "POST", "/v1/quotes", {"member_id": new_id(), **cart(5)}, code="member_not_found")
    *got, _ = await asyncio.gather(*asked, nobody)
    assert [(each["subtotal"], each["coupons"][0]["discount"]) for each in got] == [
        (20_000 + n, 100 + n) for n in range(10)
    ]


async def test_who_may_ask(
    admin: Client, member: str, member_id: str, as_caller: Callable[..., Client], issuer: Issuer
) -> None:
    own = as_caller(issuer.token(member_id))
    assert (await quoted(own, member_id, 100))["payable"] == 100
    other = new_id()
    await answered(admin, "PUT", f"/v1/members/{other}", {}, status=201)
    for someone in (other, new_id()):
        body = {"member_id": someone, **cart(100)}
        await refused(own, "POST", "/v1/quotes", body, code="not_your_member")
    await answered(admin, "POST", f"{member}/freeze", status=200)
    assert (await quoted(own, member_id, 100))["payable"] == 100
    await answered(admin, "DELETE", member, status=200)
    body = {"member_id": member_id, **cart(100)}
    problem = await refused(admin, "POST", "/v1/quotes", body, code="member_erased")
    assert problem["status"] == 409


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"items": []}, "/items"),
        ({"items": cart(*[1] * 501)["items"]}, "/items"),
        ({"items": cart(1)["items"] * 2}, "/items"),
        ({"shipping": -1}, "/shipping"),
        ({"points": "all"}, "/points"),
        ({"coupons": ["A", "A"]}, "/coupons"),
        ({"checkout_id": "o"}, "/checkout_id"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_wrong_is_told(
    admin: Client, member_id: str, change: dict[str, Any], pointer: str
) -> None:
    body = {"member_id": member_id, **cart(100)} | change
    response = await admin.post("/v1/quotes", json=body)
    assert response.status_code == 422
    assert [mistake["pointer"] for mistake in response.json()["errors"]] == [pointer]


async def test_the_longest_cart(admin: Client, rich: str, member_id: str) -> None:
    codes = [
        await claimed(admin, rich, await template(admin, stacks_with="all", amount_off=100 + n))
        for n in range(3)
    ]
    got = await quoted(admin, member_id, *[10**9] * 500, coupons="best", points="max")
    assert {each["code"] for each in got["coupons"]} == set(codes)
    payable = sum(line["payable"] for line in got["lines"])
    assert payable - got["points"]["value"] + got["shipping"]["payable"] == got["payable"]


async def test_a_database_that_is_away_is_told(
    admin: Client, member_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object, **__: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(gathering.GatheringReader, "_reconnected", lost)
    body = {"member_id": member_id, **cart(100)}
    response = await admin.post(
        "/v1/quotes", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    await mistaken(admin, "POST", "/v1/quotes", body | {"x": 1}, pointer="/x")
