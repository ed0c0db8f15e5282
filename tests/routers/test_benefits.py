"""What holds for members over HTTP, what persons give them, and the coupons that tiers and birthdays bring."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from tests.domain.programs import document
from tests.routers.asking import answered, mistaken, new_id, refused
from tests.routers.conftest import running, sandbox
from tests.routers.test_sandbox import CLOCK
from tests.tokens import Issuer

GRANT = {
    "reference": "g-1",
    "benefit": "free_shipping",
    "label": "包邮",
    "terms": {"free_shipping": True, "discount_percent": 10},
    "until": "2099-01-01T00:00:00+08:00",
    "reason": "late delivery",
}
BIRTHDAY = {"coupon": {"template": "birthday", "on": "birthday"}}


def cart(member: str, **more: Any) -> dict[str, Any]:
    return {
        "member_id": member.rsplit("/", 1)[1],
        "items": [{"line_id": "1", "sku": "s", "quantity": 1, "amount": 1_000}],
        "shipping": 800,
        **more,
    }


async def held(client: httpx.AsyncClient, member: str) -> list[tuple[str, dict[str, Any]]]:
    body = await answered(client, "GET", f"{member}/benefits", status=200)
    return [(each["code"], each["terms"]) for each in body["benefits"]]


# --- what holds --------------------------------------------------------------------------------------------


async def test_what_the_tier_gives(admin: httpx.AsyncClient, member: str) -> None:
    body = await answered(admin, "GET", f"{member}/benefits", status=200)
    [benefit] = body.pop("benefits")
    assert body == {"member_id": member.rsplit("/", 1)[1], "tier": "bronze"}
    status = await answered(admin, "GET", member, status=200)
    assert benefit == {
        "code": "birthday_coupon",
        "label": "生日优惠券",
        "source": {"kind": "tier", "tier": "bronze", "reference": None, "reason": None},
        "since": status["tier"]["since"],
        "until": None,
        "terms": BIRTHDAY,
        "next_coupon_at": None,
    }


async def test_it_holds_at_once_with_the_tier(admin: httpx.AsyncClient, member: str) -> None:
    await answered(admin, "POST", f"{member}/accruals", {"order_id": "o", "amount": 300_000}, status=201)
    assert await held(admin, member) == [
        ("rate", {"rate": "1.2"}),
        ("birthday_coupon", BIRTHDAY),
        ("discount", {"discount_percent": 2}),
        ("priority_activities", {}),
        ("free_shipping", {"free_shipping": True}),
        ("own_service", {}),
    ]


async def test_members_see_their_own(
    admin: httpx.AsyncClient,
    member: str,
    issuer: Issuer,
    as_caller: Callable[[str | None], httpx.AsyncClient],
) -> None:
    mine = as_caller(issuer.token(member.rsplit("/", 1)[1]))
    assert await held(mine, member) == await held(admin, member)
    await refused(mine, "POST", f"{member}/benefits", GRANT, code="not_for_members")


async def test_of_a_stranger(admin: httpx.AsyncClient) -> None:
    stranger = f"/v1/members/{new_id()}/benefits"
    await refused(admin, "GET", stranger, code="member_not_found")
    await refused(admin, "POST", stranger, GRANT, code="member_not_found")
    await refused(admin, "POST", f"{stranger}/g/revoke", {"reason": "x"}, code="member_not_found")


# --- what persons give -------------------------------------------------------------------------------------


async def test_a_benefit_is_given_holds_and_is_taken_back(admin: httpx.AsyncClient, member: str) -> None:
    path = f"{member}/benefits"
    given = await answered(admin, "POST", path, GRANT, status=201)
    assert given == {
        "member_id": member.rsplit("/", 1)[1],
        **GRANT,
        "until": "2098-12-31T16:00:00Z",
        "since": given["since"],
        "revoked_at": None,
        "actor": given["actor"],
    }
    assert await answered(admin, "POST", path, GRANT, status=200, replayed=True) == given
    await refused(admin, "POST", path, {**GRANT, "label": "x"}, code="reference_already_used")
    terms = dict(reversed(GRANT["terms"].items()))  # type: ignore[attr-defined]
    await answered(admin, "POST", path, {**GRANT, "terms": terms}, status=200, replayed=True)
    body = await answered(admin, "GET", path, status=200)
    assert body["benefits"][-1] == {
        "code": "free_shipping",
        "label": "包邮",
        "source": {"kind": "grant", "tier": None, "reference": "g-1", "reason": "late delivery"},
        "since": given["since"],
        "until": "2098-12-31T16:00:00Z",
        "terms": GRANT["terms"],
        "next_coupon_at": None,
    }
    quote = await answered(admin, "POST", "/v1/quotes", cart(member), status=200)
    assert quote["lines"][0]["discounts"] == [{"source": "benefit:free_shipping", "amount": 100}]
    assert quote["shipping"] == {"amount": 800, "payable": 0, "free_by": "benefit:free_shipping"}
    checkout = await answered(
        admin, "POST", "/v1/checkouts", cart(member, checkout_id=new_id("c")), status=201
    )
    assert checkout["payable"] == quote["payable"] == 900
    revoked = await answered(admin, "POST", f"{path}/g-1/revoke", {"reason": "mistake"}, status=200)
    assert revoked == {**given, "revoked_at": revoked["revoked_at"], "reason": "mistake"}
    assert revoked["revoked_at"] > given["since"]
    assert await held(admin, member) == [("birthday_coupon", BIRTHDAY)]
    again = await answered(
        admin, "POST", f"{path}/g-1/revoke", {"reason": "mistake"}, status=200, replayed=True
    )
    assert again == revoked
    await refused(admin, "POST", f"{path}/g-1/revoke", {"reason": "other"}, code="benefit_ended")
    await refused(admin, "POST", f"{path}/g-2/revoke", {"reason": "x"}, code="benefit_not_found")
    entries = await answered(admin, "GET", f"{member}/entries", status=200)
    assert [(each["kind"], each["reference"]) for each in entries["data"] if "benefit" in each["kind"]] == [
        ("revoke_benefit", "g-1"),
        ("grant_benefit", "g-1"),
    ]


async def test_it_ends_by_itself(sandboxed: httpx.AsyncClient) -> None:
    admin, member = sandboxed, "/v1/members/u-1"
    await answered(admin, "PUT", member, {}, status=201)
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await answered(admin, "POST", f"{member}/benefits", {**GRANT, "until": until}, status=201)
    assert len(await held(admin, member)) == 2
    await answered(admin, "PUT", "/v1/sandbox/clock", {"now": until}, status=200)
    assert len(await held(admin, member)) == 1
    await refused(admin, "POST", f"{member}/benefits/g-1/revoke", {"reason": "x"}, code="benefit_ended")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"terms": {"a": ["b"]}}, "/terms/a"),
        ({"terms": {"x": 1.5}}, "/terms/x"),
        ({"benefit": ""}, "/benefit"),
        ({"label": "x" * 101}, "/label"),
        ({"until": "2026-03-05"}, "/until"),
        ({"reference": "a/b"}, "/reference"),
        ({"seats": 2}, "/seats"),
    ],
)
async def test_a_benefit_of_the_wrong_shape(
    admin: httpx.AsyncClient, member: str, change: dict[str, Any], pointer: str
) -> None:
    await mistaken(admin, "POST", f"{member}/benefits", {**GRANT, **change}, pointer=pointer)


@pytest.mark.parametrize(
    ("change", "code", "pointers"),
    [
        (
            {"terms": {"discount_percent": 101, "free_shipping": 1, "coupon": "t"}},
            "benefit_invalid",
            ["/terms/discount_percent", "/terms/free_shipping", "/terms/coupon"],
        ),
        ({"until": "2020-01-01T00:00:00Z"}, "benefit_ends_in_past", ["/until"]),
    ],
)
async def test_a_benefit_that_makes_no_sense(
    admin: httpx.AsyncClient, member: str, change: dict[str, Any], code: str, pointers: list[str]
) -> None:
    problem = await refused(admin, "POST", f"{member}/benefits", {**GRANT, **change}, code=code)
    assert [mistake["pointer"] for mistake in problem["errors"]] == pointers
    assert len(await held(admin, member)) == 1


async def test_the_forgotten_have_nothing(admin: httpx.AsyncClient, member: str) -> None:
    await answered(admin, "POST", f"{member}/benefits", GRANT, status=201)
    await answered(admin, "DELETE", member, status=200)
    assert await held(admin, member) == []
    await refused(admin, "POST", f"{member}/benefits", {**GRANT, "reference": "g-2"}, code="member_erased")


# --- coupons -----------------------------------------------------------------------------------------------


async def usable(client: httpx.AsyncClient, member: str) -> int:
    return (await answered(client, "GET", member, status=200))["coupons"]["usable"]


def told_in(months: int) -> str:
    """A birthday in the month that is so many after the one in Shanghai now."""
    month = ((datetime.now(UTC) + timedelta(hours=8)).month - 1 + months) % 12 + 1
    return f"1990-{month:02}-01"


async def test_a_birthday_told_within_its_month_brings_its_coupon(
    admin: httpx.AsyncClient, member: str
) -> None:
    await answered(admin, "PATCH", member, {"birthday": told_in(1)}, status=200)
    assert await usable(admin, member) == 0
    other = f"/v1/members/{new_id()}"
    await answered(admin, "PUT", other, {}, status=201)
    await answered(admin, "PATCH", other, {"birthday": told_in(0)}, status=200)
    assert await usable(admin, other) == 1
    await answered(admin, "PUT", other, {"birthday": told_in(0)[:-1] + "2"}, status=200)
    await answered(admin, "PUT", other, {"birthday": told_in(0)[:-1] + "3"}, status=409)
    assert await usable(admin, other) == 1
    joined = f"/v1/members/{new_id()}"
    await answered(admin, "PUT", joined, {"birthday": told_in(0)}, status=201)
    assert await usable(admin, joined) == 1


@pytest.fixture
async def generous(fresh_database_url: str) -> AsyncGenerator[httpx.AsyncClient]:
    """A sandbox whose silver members get two coupons on entry and one each month."""
    made = document()
    made["tiers"]["ladder"][1]["benefits"] = [
        {"code": "welcome", "label": "w", "coupon": {"template": "birthday", "on": "entry", "count": 2}},
        {"code": "monthly", "label": "m", "coupon": {"template": "birthday", "on": "month"}},
    ]
    connection: asyncpg.Connection[Any] = await asyncpg.connect(fresh_database_url)
    with contextlib.suppress(asyncpg.PostgresError):
        await connection.execute("UPDATE program_version SET document = $1", json.dumps(made))
    await connection.close()
    async with running(sandbox(fresh_database_url)) as client:
        yield client


async def test_a_tiers_coupons_are_there_at_once(generous: httpx.AsyncClient) -> None:
    await answered(generous, "PUT", CLOCK, {"now": "2031-03-05T10:00:00+08:00"}, status=200)
    member = "/v1/members/u-1"
    await answered(generous, "PUT", member, {}, status=201)
    await answered(generous, "POST", f"{member}/accruals", {"order_id": "o", "amount": 30_000}, status=201)
    assert await usable(generous, member) == 2
    quote = await answered(generous, "POST", "/v1/quotes", cart(member, coupons="best"), status=200)
    assert quote["coupons"] == []  # below the threshold
    assert await usable(generous, member) == 2
    [_, monthly] = (await answered(generous, "GET", f"{member}/benefits", status=200))["benefits"]
    assert monthly["next_coupon_at"] == "2031-03-31T16:00:00Z"
    entries = await answered(generous, "GET", f"{member}/entries?kind=tier_coupons", status=200)
    [detail] = [entry["detail"] for entry in entries["data"]]
    assert (detail["tier"], detail["on"], len(detail["coupons"]), detail["refused"]) == (
        "silver",
        "entry",
        2,
        [],
    )
    answer = await answered(generous, "PUT", CLOCK, {"now": "2031-06-01T00:00:00+08:00"}, status=200)
    assert answer["matured"] == 1
    entries = await answered(generous, "GET", f"{member}/entries?kind=tier_coupons", status=200)
    assert [entry["occurred_at"] for entry in entries["data"]][:2] == [
        "2031-05-31T16:00:00Z",
        "2031-04-30T16:00:00Z",
    ]
    assert await usable(generous, member) == 2  # those of May and June
