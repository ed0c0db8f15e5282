"""Coupons over HTTP: claim, list, read, validate, lock, unlock, redeem, roll back, void."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.routers.asking import answered, mistaken, new_id, refused
from tests.routers.shop import cart, claimed, template
from tests.tokens import Issuer

Client = httpx.AsyncClient


async def verb(admin: Client, code: str, name: str, body: dict[str, Any], *, replayed: bool = False) -> Any:
    return await answered(admin, "POST", f"/v1/coupons/{code}/{name}", body, status=200, replayed=replayed)


async def not_done(admin: Client, code: str, name: str, body: dict[str, Any], *, why: str) -> Any:
    return await refused(admin, "POST", f"/v1/coupons/{code}/{name}", body, code=why)


class TestClaiming:
    async def test_a_coupon_is_claimed(self, admin: Client, member: str, member_id: str) -> None:
        made = await template(admin, valid={"days": 30})
        got = await answered(admin, "POST", f"{member}/coupons", {"template": made}, status=201, key=new_id())
        assert got == {
            "code": got["code"],
            "template": made,
            "member_id": member_id,
            "status": "issued",
            "source": "claim",
            "valid_from": got["valid_from"],
            "valid_until": got["valid_until"],
            "reference": None,
            "discount": None,
            "lock_expires_at": None,
            "points": None,
            "reason": None,
        }
        assert got["valid_until"].endswith("T16:00:00Z")
        status = await answered(admin, "GET", member, status=200)
        assert status["coupons"] == {"usable": 1}

    async def test_the_key_makes_it_once(self, admin: Client, member: str) -> None:
        body, key = {"template": await template(admin)}, new_id()
        await refused(admin, "POST", f"{member}/coupons", body, code="idempotency_key_missing")
        first = await answered(admin, "POST", f"{member}/coupons", body, status=201, key=key)
        again = await answered(admin, "POST", f"{member}/coupons", body, status=201, key=key, replayed=True)
        other = await answered(admin, "POST", f"{member}/coupons", body, status=201, key=new_id())
        assert again == first != other
        body = {"template": await template(admin)}
        problem = await refused(
            admin, "POST", f"{member}/coupons", body, code="idempotency_key_reused", key=key
        )
        assert problem["status"] == 422

    async def test_points_pay_for_it(self, admin: Client, rich: str) -> None:
        made = await template(admin, points_price=400)
        got = await answered(admin, "POST", f"{rich}/coupons", {"template": made}, status=201, key=new_id())
        assert (got["source"], got["points"]) == ("exchange", 400)
        assert (await answered(admin, "GET", rich, status=200))["points"]["available"] == 600
        await claimed(admin, rich, made)
        problem = await refused(
            admin, "POST", f"{rich}/coupons", {"template": made}, code="insufficient_points", key=new_id()
        )
        assert problem["available"] == 200

    async def test_a_code_is_claimed(self, admin: Client, member: str) -> None:
        public = new_id("P")
        made = await template(admin, public_code=public, per_member=1)
        path = f"{member}/coupons"
        got = await answered(admin, "POST", path, {"code": public}, status=201, key=new_id())
        assert (got["template"], got["source"]) == (made, "code")
        assert got["code"] != public
        problem = await refused(
            admin, "POST", path, {"code": public}, code="coupon_limit_reached", key=new_id()
        )
        assert problem["limit"] == "per_member"
        await refused(admin, "POST", path, {"code": "NOSUCHCODE"}, code="coupon_not_found", key=new_id())
        await refused(admin, "POST", path, {"code": got["code"]}, code="coupon_not_yours", key=new_id())

    async def test_stock_and_state_forbid(self, admin: Client, member: str) -> None:
        made = await template(admin, stock=1)
        await claimed(admin, member, made)
        path = f"{member}/coupons"
        for body, code in (
            ({"template": made}, "coupon_exhausted"),
            ({"template": "no-such"}, "template_not_found"),
            (
                {"template": await template(admin, automatic=True, eligible={"skus": ["x"]})},
                "template_automatic",
            ),
        ):
            await refused(admin, "POST", path, body, code=code, key=new_id())
        made = await template(admin)
        await answered(admin, "PATCH", f"/v1/coupon-templates/{made}", {"state": "paused"}, status=200)
        problem = await refused(
            admin, "POST", path, {"template": made}, code="template_not_open", key=new_id()
        )
        assert problem["state"] == "paused"

    async def test_who_may_claim(
        self, admin: Client, member: str, member_id: str, as_caller: Callable[..., Client], issuer: Issuer
    ) -> None:
        made = await template(admin)
        own = as_caller(issuer.token(member_id))
        await claimed(own, member, made)
        await refused(
            own, "POST", f"{member}-other/coupons", {"template": made}, code="not_your_member", key=new_id()
        )
        path = f"/v1/members/{new_id()}/coupons"
        await refused(admin, "POST", path, {"template": made}, code="member_not_found", key=new_id())
        await answered(admin, "POST", f"{member}/freeze", status=200)
        await refused(
            own, "POST", f"{member}/coupons", {"template": made}, code="member_frozen", key=new_id()
        )
        await answered(admin, "DELETE", member, status=200)
        await refused(
            admin, "POST", f"{member}/coupons", {"template": made}, code="member_erased", key=new_id()
        )

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, ""),
            ({"template": "t", "code": "C"}, ""),
            ({"template": "a b"}, "/template"),
            ({"code": "春"}, "/code"),
            ({"template": "t", "count": 2}, "/count"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_told(
        self, admin: Client, member: str, body: dict[str, Any], pointer: str
    ) -> None:
        await mistaken(admin, "POST", f"{member}/coupons", body, pointer=pointer)


class TestListing:
    async def test_newest_first_page_by_page(
        self, admin: Client, member: str, member_id: str, as_caller: Callable[..., Client], issuer: Issuer
    ) -> None:
        made = await template(admin, kind="percent_off", amount_off=None, percent_off=10)
        codes = [await claimed(admin, member, made) for _ in range(5)]
        await verb(admin, codes[1], "lock", {"reference": "r", "discount": 7})
        own = as_caller(issuer.token(member_id))
        found: list[dict[str, Any]] = []
        path = f"{member}/coupons?limit=2"
        cursor: str | None = ""
        while cursor is not None:
            page = await answered(own, "GET", path + (cursor and f"&cursor={cursor}"), status=200)
            found += page["data"]
            cursor = page["next_cursor"]
        assert [each["code"] for each in found] == codes[::-1]
        assert found[0] == {
            "code": codes[4],
            "template": made,
            "name": "满减",
            "kind": "percent_off",
            "status": "issued",
            "source": "claim",
            "issued_at": found[0]["issued_at"],
            "valid_from": found[0]["issued_at"],
            "valid_until": None,
            "reference": None,
            "checkout_id": None,
            "discount": None,
            "lock_expires_at": None,
            "public_code": None,
        }
        assert (found[3]["status"], found[3]["reference"], found[3]["discount"]) == ("locked", "r", 7)
        locked = await answered(own, "GET", f"{member}/coupons?status=locked", status=200)
        assert [each["code"] for each in locked["data"]] == [codes[1]]

    async def test_a_lock_that_ended_does_not_show(self, admin: Client, member: str) -> None:
        code = await claimed(admin, member, await template(admin))
        await verb(admin, code, "lock", {"reference": "r", "hold_seconds": 1})
        await asyncio.sleep(1.1)
        [row] = (await answered(admin, "GET", f"{member}/coupons?status=issued", status=200))["data"]
        assert (row["code"], row["reference"]) == (code, None)

    async def test_of_nobody(self, admin: Client, member: str) -> None:
        assert await answered(admin, "GET", f"{member}/coupons", status=200) == {
            "data": [],
            "next_cursor": None,
        }
        await refused(admin, "GET", f"/v1/members/{new_id()}/coupons", code="member_not_found")
        await refused(admin, "GET", f"{member}/coupons?status=gone", code="validation_failed")


class TestReading:
    async def test_whose_it_is_and_what_became_of_it(
        self, admin: Client, member: str, member_id: str
    ) -> None:
        made = await template(admin)
        code = await claimed(admin, member, made)
        await verb(admin, code, "lock", {"reference": "l-1"})
        await verb(admin, code, "unlock", {"reference": "l-1"})
        await verb(admin, code, "redeem", {"reference": "r-1", "discount": 3_000})
        await verb(admin, code, "rollback", {"reference": "b-1"})
        body = {"member_id": member_id, **cart(10_000), "coupons": [code]}
        checkouts = [new_id("o") for _ in range(2)]
        await answered(admin, "POST", "/v1/checkouts", body | {"checkout_id": checkouts[0]}, status=201)
        await answered(admin, "POST", f"/v1/checkouts/{checkouts[0]}/cancel", status=200)
        await answered(admin, "POST", "/v1/checkouts", body | {"checkout_id": checkouts[1]}, status=201)
        got = await answered(admin, "GET", f"/v1/coupons/{code}", status=200)
        assert (got["status"], got["reference"], got["checkout_id"]) == ("locked", None, checkouts[1])
        await answered(admin, "POST", f"/v1/checkouts/{checkouts[1]}/complete", status=200)
        refund = {"reference": "back", "amount": 7_000}
        await answered(admin, "POST", f"/v1/checkouts/{checkouts[1]}/refund", refund, status=200)
        await verb(admin, code, "void", {"reference": "v-1", "reason": "a mistake"})
        got = await answered(admin, "GET", f"/v1/coupons/{code}", status=200)
        assert (got["member_id"], got["template"], got["status"]) == (member_id, made, "voided")
        assert [
            (each["kind"], each["status"], each["reference"], each["checkout_id"], each["reason"])
            for each in got["history"]
        ] == [
            ("claim_coupon", "issued", None, None, None),
            ("lock_coupon", "locked", "l-1", None, None),
            ("unlock_coupon", "issued", "l-1", None, None),
            ("redeem_coupon", "redeemed", "r-1", None, None),
            ("roll_back_coupon", "issued", "b-1", None, None),
            ("hold", "locked", None, checkouts[0], None),
            ("release", "issued", None, checkouts[0], None),
            ("hold", "locked", None, checkouts[1], None),
            ("complete", "redeemed", None, checkouts[1], None),
            ("refund_checkout", "issued", "back", checkouts[1], None),
            ("void_coupon", "voided", "v-1", None, "a mistake"),
        ]
        entries = await answered(admin, "GET", f"{member}/entries", status=200)
        by_sequence = {each["sequence"]: each for each in entries["data"]}
        for each in got["history"]:
            entry = by_sequence[each["sequence"]]
            assert (entry["kind"], entry["occurred_at"], entry["actor"], entry["reference"]) == (
                each["kind"],
                each["at"],
                each["actor"],
                each["reference"],
            )
            assert each["checkout_id"] in (None, entry["order_id"])

    async def test_codes_that_are_nobodys(self, admin: Client) -> None:
        public = new_id("P")
        made = await template(admin, public_code=public)
        got = await answered(admin, "GET", f"/v1/coupons/{public}", status=200)
        assert (got["template"], got["status"], got["member_id"]) == (made, "public", None)
        assert got["history"] == []
        unique = new_id("U")
        path = f"/v1/coupon-templates/{made}/issue"
        await answered(admin, "POST", path, {"codes": [unique]}, status=201, key=new_id())
        got = await answered(admin, "GET", f"/v1/coupons/{unique}", status=200)
        assert (got["template"], got["status"], got["valid_until"]) == (made, "available", None)
        await refused(admin, "GET", "/v1/coupons/NOSUCHCODE", code="coupon_not_found")


class TestValidating:
    async def test_what_it_would_give(self, admin: Client, member: str, member_id: str) -> None:
        made = await template(admin, threshold=10_000)
        code = await claimed(admin, member, made)
        body = {"member_id": member_id, "cart": cart(8_000)}
        got = await verb(admin, code, "validate", body)
        assert (got["valid"], got["discount"], got["gift"]) == (False, 0, None)
        [reason] = got["reasons"]
        assert reason == {
            "code": "threshold_not_reached",
            "detail": reason["detail"],
            "missing": 2_000,
        }
        body = {"member_id": member_id, "cart": cart(8_000, 2_000, shipping=500, channel="app")}
        assert await verb(admin, code, "validate", body) == {
            "valid": True,
            "discount": 3_000,
            "gift": None,
            "reasons": [],
        }

    async def test_of_a_code_that_is_nobodys_nothing_is_given_out(
        self, admin: Client, member: str, member_id: str
    ) -> None:
        public = new_id("P")
        gift = {"sku": "cup-7", "quantity": 2}
        await template(admin, kind="gift", gift=gift, public_code=public, stock=1)
        body = {"member_id": member_id, "cart": cart(8_000)}
        for _ in range(2):
            got = await verb(admin, public, "validate", body)
            assert (got["valid"], got["discount"], got["gift"]) == (True, 0, gift)
        assert (await answered(admin, "GET", f"{member}/coupons", status=200))["data"] == []
        await answered(admin, "POST", f"{member}/coupons", {"code": public}, status=201, key=new_id())
        other = new_id()
        await answered(admin, "PUT", f"/v1/members/{other}", {}, status=201)
        got = await verb(admin, public, "validate", body | {"member_id": other})
        assert [each["code"] for each in got["reasons"]] == ["coupon_exhausted"]

    async def test_why_it_can_not_be_used(self, admin: Client, member: str, member_id: str) -> None:
        made = await template(admin)
        other = new_id()
        await answered(admin, "PUT", f"/v1/members/{other}", {}, status=201)
        body = {"member_id": member_id, "cart": cart(8_000)}
        code = await claimed(admin, f"/v1/members/{other}", made)
        assert [each["code"] for each in (await verb(admin, code, "validate", body))["reasons"]] == [
            "coupon_not_yours"
        ]
        code = await claimed(admin, member, made)
        await verb(admin, code, "redeem", {"reference": "r"})
        assert [each["code"] for each in (await verb(admin, code, "validate", body))["reasons"]] == [
            "coupon_redeemed"
        ]
        await not_done(admin, "NOSUCHCODE", "validate", body, why="coupon_not_found")
        await not_done(admin, code, "validate", body | {"member_id": new_id()}, why="member_not_found")
        await answered(admin, "DELETE", member, status=200)
        await not_done(admin, code, "validate", body, why="member_erased")

    async def test_what_is_wrong_is_told(self, admin: Client, member_id: str) -> None:
        items = cart(8_000)["items"]
        for wrong, pointer in (
            ({"items": items * 2}, "/cart/items"),
            ({"items": []}, "/cart/items"),
            ({"items": items, "points": 1}, "/cart/points"),
        ):
            body = {"member_id": member_id, "cart": wrong}
            await mistaken(admin, "POST", "/v1/coupons/X/validate", body, pointer=pointer)


class TestUsing:
    async def test_lock_and_redeem(self, admin: Client, member: str) -> None:
        made = await template(admin)
        code = await claimed(admin, member, made)
        lock = {"reference": "r", "hold_seconds": 60, "discount": 2_500}
        got = await verb(admin, code, "lock", lock)
        assert (got["status"], got["reference"], got["discount"]) == ("locked", "r", 2_500)
        assert got["lock_expires_at"] is not None
        assert await verb(admin, code, "lock", lock, replayed=True) == got
        await not_done(admin, code, "lock", lock | {"discount": 1}, why="reference_already_used")
        await not_done(admin, code, "lock", {"reference": "s"}, why="coupon_locked")
        await not_done(admin, code, "unlock", {"reference": "s"}, why="coupon_locked")
        await not_done(admin, code, "redeem", {"reference": "s"}, why="coupon_locked")
        await not_done(admin, code, "void", {"reference": "s", "reason": "x"}, why="coupon_locked")
        problem = await not_done(admin, code, "rollback", {"reference": "s"}, why="coupon_not_redeemed")
        assert problem["coupon_status"] == "locked"
        got = await verb(admin, code, "redeem", {"reference": "r"})
        assert (got["status"], got["discount"], got["lock_expires_at"]) == ("redeemed", 2_500, None)
        assert await verb(admin, code, "redeem", {"reference": "r"}, replayed=True) == got
        problem = await not_done(admin, code, "unlock", {"reference": "r"}, why="coupon_not_locked")
        assert problem["coupon_status"] == "redeemed"
        await not_done(admin, code, "lock", {"reference": "t"}, why="coupon_redeemed")
        figures = await answered(admin, "GET", f"/v1/coupon-templates/{made}", status=200)
        assert (figures["issued"], figures["redeemed"]) == (1, 1)
        got = await verb(admin, code, "rollback", {"reference": "back"})
        assert (got["status"], got["reference"], got["discount"]) == ("issued", None, None)
        assert await verb(admin, code, "rollback", {"reference": "back"}, replayed=True) == got

    async def test_a_code_becomes_somebodys_by_its_use(self, admin: Client, member_id: str) -> None:
        made, unique = await template(admin), new_id("U")
        path = f"/v1/coupon-templates/{made}/issue"
        await answered(admin, "POST", path, {"codes": [unique]}, status=201, key=new_id())
        problem = await not_done(admin, unique, "redeem", {"reference": "r"}, why="coupon_needs_member")
        assert [each["pointer"] for each in problem["errors"]] == ["/member_id"]
        body = {"reference": "r", "member_id": member_id}
        await not_done(admin, unique, "redeem", body | {"member_id": new_id()}, why="member_not_found")
        got = await verb(admin, unique, "redeem", body)
        assert (got["code"], got["member_id"], got["status"]) == (unique, member_id, "redeemed")
        assert await verb(admin, unique, "redeem", {"reference": "r"}, replayed=True) == got
        other = new_id()
        await answered(admin, "PUT", f"/v1/members/{other}", {}, status=201)
        await not_done(
            admin, unique, "redeem", {"reference": "r2", "member_id": other}, why="coupon_not_yours"
        )
        await not_done(admin, "NOSUCHCODE", "redeem", body, why="coupon_not_found")

    async def test_a_budget_is_kept(self, admin: Client, member: str) -> None:
        made = await template(admin, budget=5_000)
        codes = [await claimed(admin, member, made) for _ in range(2)]
        await verb(admin, codes[0], "redeem", {"reference": "r", "discount": 3_000})
        body = {"reference": "r", "discount": 2_001}
        await not_done(admin, codes[1], "redeem", body, why="coupon_budget_spent")
        await verb(admin, codes[1], "lock", body | {"discount": 2_000})
        await verb(admin, codes[0], "rollback", {"reference": "b"})
        figures = await answered(admin, "GET", f"/v1/coupon-templates/{made}", status=200)
        assert (figures["discounted"], figures["budget_left"]) == (2_000, 3_000)

    async def test_what_can_not_be_used(self, admin: Client, member: str, member_id: str) -> None:
        later = await claimed(
            admin, member, await template(admin, valid={"from": "2099-01-01T00:00:00+08:00"})
        )
        await not_done(admin, later, "lock", {"reference": "r"}, why="coupon_not_started")
        made = await template(admin)
        code = await claimed(admin, member, made)
        await answered(admin, "PATCH", f"/v1/coupon-templates/{made}", {"state": "paused"}, status=200)
        await not_done(admin, code, "redeem", {"reference": "r"}, why="coupon_paused")
        await answered(admin, "PATCH", f"/v1/coupon-templates/{made}", {"state": "active"}, status=200)
        body = {"checkout_id": new_id("o"), "member_id": member_id, **cart(9_000), "coupons": [code]}
        await answered(admin, "POST", "/v1/checkouts", body, status=201)
        for name in ("unlock", "redeem", "rollback"):
            await not_done(admin, code, name, {"reference": "r"}, why="coupon_of_checkout")
        await answered(admin, "POST", f"/v1/checkouts/{body['checkout_id']}/cancel", status=200)
        got = await verb(admin, code, "void", {"reference": "r", "reason": "by mistake"})
        assert (got["status"], got["reason"]) == ("voided", "by mistake")
        await not_done(admin, code, "lock", {"reference": "r"}, why="coupon_voided")

    async def test_of_a_frozen_member(self, admin: Client, member: str) -> None:
        made = await template(admin)
        codes = [await claimed(admin, member, made) for _ in range(2)]
        await verb(admin, codes[0], "lock", {"reference": "r"})
        await answered(admin, "POST", f"{member}/freeze", status=200)
        await not_done(admin, codes[1], "lock", {"reference": "r"}, why="member_frozen")
        await not_done(admin, codes[1], "redeem", {"reference": "r"}, why="member_frozen")
        await verb(admin, codes[0], "redeem", {"reference": "r"})
        await verb(admin, codes[0], "rollback", {"reference": "r"})
        await verb(admin, codes[0], "void", {"reference": "r", "reason": "x"})

    @pytest.mark.parametrize(
        ("name", "body", "pointer"),
        [
            ("lock", {}, "/reference"),
            ("lock", {"reference": "a/b"}, "/reference"),
            ("lock", {"reference": "r", "discount": -1}, "/discount"),
            ("lock", {"reference": "r", "hold_seconds": 604_801}, "/hold_seconds"),
            ("lock", {"reference": "r", "member_id": "a b"}, "/member_id"),
            ("unlock", {"reference": "r", "discount": 1}, "/discount"),
            ("redeem", {"reference": "r", "discount": 1.0}, "/discount"),
            ("rollback", {}, "/reference"),
            ("void", {"reference": "r"}, "/reason"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_told(
        self, admin: Client, name: str, body: dict[str, Any], pointer: str
    ) -> None:
        await mistaken(admin, "POST", f"/v1/coupons/X/{name}", body, pointer=pointer)
