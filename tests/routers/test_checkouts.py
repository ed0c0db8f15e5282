"""Checkouts over HTTP: hold, read, extend, complete, cancel, refund."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.schemas import checkouts as shapes
from tests.routers.asking import answered, balance, mistaken, new_id, refused
from tests.routers.shop import cart, claimed, template
from tests.tokens import Issuer

Client = httpx.AsyncClient


def example(shape: type[Any], number: int = 0) -> dict[str, Any]:
    """An example that the API's document shows of a shape."""
    return shape.model_config["json_schema_extra"]["examples"][number]


def hold(member_id: str, *amounts: int, **more: Any) -> dict[str, Any]:
    return {"checkout_id": new_id("o"), "member_id": member_id, **cart(*amounts), **more}


async def held(admin: Client, member_id: str, *amounts: int, **more: Any) -> str:
    """The path of a checkout just held."""
    body = hold(member_id, *amounts, **more)
    await answered(admin, "POST", "/v1/checkouts", body, status=201)
    return f"/v1/checkouts/{body['checkout_id']}"


async def completed(admin: Client, member_id: str, *amounts: int, **more: Any) -> str:
    """The path of a checkout just completed."""
    path = await held(admin, member_id, *amounts, **more)
    await answered(admin, "POST", f"{path}/complete", status=200)
    return path


async def test_the_documents_examples_are_real(admin: Client, member: str, member_id: str) -> None:
    names = {
        "u-1001": member_id,
        "o-2026-0042": new_id("o"),
        "SPRING30": new_id("P"),
        "spring-30": new_id("t"),
        "7KQ2M9XTBH4WRC3V": "7KQ2M9XTBH4WRC3V",
    }

    def here(shape: type[Any], number: int = 0) -> Any:
        text = json.dumps(example(shape, number))
        for shown, own in names.items():
            text = text.replace(shown, own)
        return timeless(json.loads(text))

    def timeless(body: Any) -> Any:
        return json.loads(re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "T", json.dumps(body)))

    await answered(
        admin, "POST", f"{member}/adjustments", {"reference": "a", "points": 415, "reason": "x"}, status=201
    )
    await template(
        admin,
        template=names["spring-30"],
        public_code=names["SPRING30"],
        kind="amount_off",
        steps=[{"threshold": 30_000, "amount_off": 3_000}],
    )
    quote = await answered(admin, "POST", "/v1/quotes", here(shapes.QuoteRequest), status=200)
    assert quote == here(shapes.Quote)
    got = await answered(admin, "POST", "/v1/checkouts", here(shapes.HoldRequest), status=201)
    assert timeless(got) == here(shapes.HeldCheckout)
    path = f"/v1/checkouts/{names['o-2026-0042']}"
    got = await answered(admin, "GET", path, status=200)
    [names["7KQ2M9XTBH4WRC3V"]] = got["keeps"]["coupons"]
    got = await answered(admin, "POST", f"{path}/complete", here(shapes.CompleteRequest), status=200)
    assert timeless(got) == here(shapes.CompletedCheckout)
    refund = here(shapes.CheckoutRefundRequest)
    got = await answered(admin, "POST", f"{path}/refund", refund, status=200)
    assert timeless(got) == here(shapes.RefundedCheckout)
    assert timeless(await answered(admin, "GET", path, status=200)) == here(shapes.CheckoutState)

    names["o-2026-0042"] = new_id("o")
    await answered(
        admin, "POST", f"{member}/adjustments", {"reference": "b", "points": 72, "reason": "x"}, status=201
    )
    body = here(shapes.HoldRequest)
    got = await answered(admin, "POST", "/v1/checkouts", body, status=201)
    path = f"/v1/checkouts/{names['o-2026-0042']}"
    [names["7KQ2M9XTBH4WRC3V"]] = (await answered(admin, "GET", path, status=200))["keeps"]["coupons"]
    got = await answered(admin, "POST", f"{path}/cancel", status=200)
    assert timeless(got) == here(shapes.CancelledCheckout)


class TestHolding:
    async def test_what_it_uses_is_held(self, admin: Client, rich: str, member_id: str) -> None:
        made = await template(admin)
        code = await claimed(admin, rich, made)
        body = hold(member_id, 20_000, shipping=800, points=500, cash=300, coupons=[code])
        got = await answered(admin, "POST", "/v1/checkouts", body, status=201)
        assert (got["checkout_id"], got["status"]) == (body["checkout_id"], "held")
        assert got["balance"] == balance(500, reserved=500)
        # 20,000 - 2 % of silver - 30 yuan; points are worth 500
        assert got["lines"] == [
            {
                "line_id": "1",
                "amount": 20_000,
                "discounts": [
                    {"source": "tier:silver", "amount": 400},
                    {"source": f"coupon:{code}", "amount": 3_000},
                ],
                "payable": 16_600,
            }
        ]
        assert (got["points"]["used"], got["cash"]["used"]) == (500, 300)
        assert got["payable"] == 16_600 - 500 - 300 + 800
        assert got["earns"]["points"] == 158
        status = await answered(admin, "GET", rich, status=200)
        assert (status["points"]["reserved"], status["cash"], status["coupons"]["usable"]) == (500, 700, 0)

    async def test_again_it_is_answered_as_it_was(self, admin: Client, rich: str, member_id: str) -> None:
        body = hold(member_id, 20_000, points=500, settle="later", hold_seconds=60)
        first = await answered(admin, "POST", "/v1/checkouts", body, status=201)
        again = await answered(admin, "POST", "/v1/checkouts", body, status=200, replayed=True)
        assert first == again
        other = new_id()
        await answered(admin, "PUT", f"/v1/members/{other}", {}, status=201)
        for change in ({"points": 400}, {"shipping": 1}, {"settle": "now"}, {"member_id": other}):
            await refused(admin, "POST", "/v1/checkouts", body | change, code="checkout_already_exists")
        await answered(admin, "POST", f"/v1/checkouts/{body['checkout_id']}/cancel", status=200)
        assert first == await answered(admin, "POST", "/v1/checkouts", body, status=200, replayed=True)
        key = new_id()
        body = hold(member_id, 20_000)
        first = await answered(admin, "POST", "/v1/checkouts", body, status=201, key=key)
        again = await answered(admin, "POST", "/v1/checkouts", body, status=201, key=key, replayed=True)
        assert first == again
        body |= {"checkout_id": new_id("o")}
        await refused(admin, "POST", "/v1/checkouts", body, code="idempotency_key_reused", key=key)
        del rich

    async def test_best_and_most(self, admin: Client, rich: str, member_id: str) -> None:
        small = await claimed(admin, rich, await template(admin, amount_off=1_000))
        large = await claimed(admin, rich, await template(admin, amount_off=2_000))
        body = hold(member_id, 20_000, points="max", cash="max", coupons="best")
        got = await answered(admin, "POST", "/v1/checkouts", body, status=201)
        assert [each["code"] for each in got["coupons"]] == [large]
        assert (got["points"]["used"], got["cash"]["used"], got["best_is_exact"]) == (1_000, 1_000, True)
        [row] = (await answered(admin, "GET", f"{rich}/coupons?status=issued", status=200))["data"]
        assert row["code"] == small

    async def test_what_was_quoted_is_what_is_held(self, admin: Client, rich: str, member_id: str) -> None:
        body = {"member_id": member_id, **cart(20_000), "shipping": 800, "points": "max"}
        quote = await answered(admin, "POST", "/v1/quotes", body, status=200)
        quoted = {
            "payable": quote["payable"],
            "discount": quote["discount"],
            "shipping": quote["shipping"]["payable"],
            "points": quote["points"]["used"],
            "cash": quote["cash"]["used"],
            "earns": quote["earns"]["points"],
        }
        body |= {"checkout_id": new_id("o"), "quoted": quoted}
        changed = body | {"quoted": quoted | {"payable": 1, "earns": 2}}
        problem = await refused(admin, "POST", "/v1/checkouts", changed, code="quote_changed")
        assert problem["status"] == 409
        assert problem["difference"] == {
            "payable": {"quoted": 1, "now": quoted["payable"]},
            "earns": {"quoted": 2, "now": quoted["earns"]},
        }
        got = await answered(admin, "POST", "/v1/checkouts", body, status=201)
        assert {name: got[name] for name in quote if name != "fitting"} == {
            name: quote[name] for name in quote if name != "fitting"
        }
        del rich

    async def test_points_and_cash_have_limits(self, admin: Client, rich: str, member_id: str) -> None:
        for points in (1_100, 150, 99):
            problem = await refused(
                admin,
                "POST",
                "/v1/checkouts",
                hold(member_id, 20_000, points=points),
                code="points_over_limit",
            )
            assert (problem["max"], problem["min"], problem["step"]) == (1_000, 100, 100)
        problem = await refused(
            admin, "POST", "/v1/checkouts", hold(member_id, 20_000, cash=1_001), code="cash_over_limit"
        )
        assert (problem["status"], problem["max"]) == (409, 1_000)
        await held(admin, member_id, 20_000, points=1_000, cash=1_000)
        body = hold(member_id, 20_000, points=100)
        problem = await refused(admin, "POST", "/v1/checkouts", body, code="points_over_limit")
        assert problem["max"] == 0
        del rich

    async def test_coupons_that_do_not_fit_are_told(self, admin: Client, rich: str, member_id: str) -> None:
        far = await claimed(admin, rich, await template(admin, threshold=50_000))
        one, two = [await claimed(admin, rich, await template(admin)) for _ in range(2)]
        other = new_id()
        await answered(admin, "PUT", f"/v1/members/{other}", {}, status=201)
        foreign = await claimed(admin, f"/v1/members/{other}", await template(admin))
        elsewhere = await claimed(
            admin, rich, await template(admin, eligible={"channels": ["app"], "skus": ["x"]})
        )
        codes = [one, far, two, foreign, elsewhere, "NOSUCHCODE"]
        body = hold(member_id, 20_000, channel="shop", coupons=codes)
        problem = await refused(admin, "POST", "/v1/checkouts", body, code="coupon_not_applicable")
        told = {each["code"]: each["reasons"] for each in problem["coupons"]}
        assert {code: [why["code"] for why in reasons] for code, reasons in told.items()} == {
            far: ["threshold_not_reached"],
            two: ["not_stackable"],
            foreign: ["coupon_not_yours"],
            elsewhere: ["channel_not_eligible", "product_not_eligible"],
            "NOSUCHCODE": ["coupon_not_found"],
        }
        assert told[far][0]["missing"] == 50_000 - 19_600
        assert told[two][0]["with"] == [one]
        await refused(admin, "GET", f"/v1/checkouts/{body['checkout_id']}", code="checkout_not_found")
        assert (await answered(admin, "GET", rich, status=200))["coupons"] == {"usable": 4}

    async def test_a_coupon_is_held_once(self, admin: Client, rich: str, member_id: str) -> None:
        code = await claimed(admin, rich, await template(admin))
        await held(admin, member_id, 20_000, coupons=[code])
        body = hold(member_id, 20_000, coupons=[code])
        problem = await refused(admin, "POST", "/v1/checkouts", body, code="coupon_not_applicable")
        assert problem["coupons"][0]["reasons"][0]["code"] == "coupon_locked"

    async def test_a_public_code_is_claimed_by_its_use(self, admin: Client, member_id: str) -> None:
        public = new_id("P")
        await template(admin, public_code=public, stock=1)
        path = await held(admin, member_id, 20_000, coupons=[public])
        got = await answered(admin, "GET", path, status=200)
        assert [each["code"] for each in got["coupons"]] == [public]
        [code] = got["keeps"]["coupons"]
        assert (await answered(admin, "GET", f"/v1/coupons/{code}", status=200))["public_code"] == public
        body = hold(member_id, 20_000, coupons=[public])
        problem = await refused(admin, "POST", "/v1/checkouts", body, code="coupon_not_applicable")
        assert problem["coupons"][0]["reasons"][0]["code"] == "coupon_exhausted"

    async def test_a_gift_and_free_shipping(self, admin: Client, member: str, member_id: str) -> None:
        gift = await claimed(
            admin, member, await template(admin, kind="gift", gift={"sku": "cup", "quantity": 2})
        )
        free = await template(admin, kind="free_shipping", automatic=True, eligible={"skus": ["sku-gift"]})
        body = hold(member_id, 20_000, shipping=700, coupons=[gift])
        body["items"][0]["sku"] = "sku-gift"
        got = await answered(admin, "POST", "/v1/checkouts", body, status=201)
        assert got["coupons"][0]["gift"] == {"sku": "cup", "quantity": 2}
        assert got["promotions"] == [{"template": free, "discount": 700}]
        assert got["shipping"] == {"amount": 700, "payable": 0, "free_by": f"promotion:{free}"}
        assert got["payable"] == 20_000

    async def test_who_may_hold(
        self, admin: Client, member: str, member_id: str, as_caller: Callable[..., Client], issuer: Issuer
    ) -> None:
        await refused(admin, "POST", "/v1/checkouts", hold(new_id(), 100), code="member_not_found")
        own = as_caller(issuer.token(member_id))
        await refused(own, "POST", "/v1/checkouts", hold(member_id, 100), code="not_for_members")
        path = await held(admin, member_id, 10_000)
        await answered(admin, "POST", f"{member}/freeze", status=200)
        await refused(admin, "POST", "/v1/checkouts", hold(member_id, 100), code="member_frozen")
        await answered(admin, "POST", f"{path}/complete", status=200)
        await answered(admin, "POST", f"{path}/refund", {"reference": "r", "amount": 1}, status=200)
        await answered(admin, "DELETE", member, status=200)
        await refused(admin, "POST", "/v1/checkouts", hold(member_id, 100), code="member_erased")

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"checkout_id": "a/b"}, "/checkout_id"),
            ({"checkout_id": None}, "/checkout_id"),
            ({"member_id": None}, "/member_id"),
            ({"items": []}, "/items"),
            ({"items": cart(*[1] * 501)["items"]}, "/items"),
            ({"items": cart(100)["items"] * 2}, "/items"),
            ({"items": cart(*[10**12] * 2)["items"]}, "/items"),
            ({"items": cart(-1)["items"]}, "/items/0/amount"),
            ({"items": cart(10**12 + 1)["items"]}, "/items/0/amount"),
            ({"items": [cart(1)["items"][0] | {"quantity": 0}]}, "/items/0/quantity"),
            ({"items": [cart(1)["items"][0] | {"price": 5}]}, "/items/0/price"),
            ({"shipping": -1}, "/shipping"),
            ({"shipping": 10**12 + 1}, "/shipping"),
            ({"points": -1}, "/points"),
            ({"points": "most"}, "/points"),
            ({"points": 1.0}, "/points"),
            ({"points": True}, "/points"),
            ({"cash": "100"}, "/cash"),
            ({"coupons": "BEST"}, "/coupons"),
            ({"coupons": ["A", "A"]}, "/coupons"),
            ({"coupons": ["春"]}, "/coupons"),
            ({"coupons": [f"C{number}" for number in range(51)]}, "/coupons"),
            ({"coupons": None}, "/coupons"),
            ({"settle": "soon"}, "/settle"),
            ({"hold_seconds": 0}, "/hold_seconds"),
            ({"hold_seconds": 604_801}, "/hold_seconds"),
            ({"quoted": {"payable": -1}}, "/quoted/payable"),
            ({"quoted": {"total": 1}}, "/quoted/total"),
            ({"note": "x"}, "/note"),
        ],
        ids=lambda value: str(value)[:40],
    )
    async def test_what_is_wrong_is_told(
        self, admin: Client, member_id: str, change: dict[str, Any], pointer: str
    ) -> None:
        body = hold(member_id, 100) | change
        if change in ({"checkout_id": None}, {"member_id": None}):
            body = {name: value for name, value in body.items() if value is not None}
        response = await admin.post("/v1/checkouts", json=body)
        problem = response.json()
        assert response.status_code == 422, problem
        assert [mistake["pointer"] for mistake in problem["errors"]] == [pointer], problem
        await refused(admin, "GET", f"/v1/checkouts/{hold('x')['checkout_id']}", code="checkout_not_found")


class TestExtending:
    async def test_a_hold_lasts_longer(self, admin: Client, member_id: str) -> None:
        body = hold(member_id, 100, hold_seconds=60)
        first = await answered(admin, "POST", "/v1/checkouts", body, status=201)
        path = f"/v1/checkouts/{body['checkout_id']}"
        longer = await answered(admin, "POST", f"{path}/extend", {"hold_seconds": 3_600}, status=200)
        assert longer["hold_expires_at"] > first["hold_expires_at"]
        assert {**longer, "hold_expires_at": first["hold_expires_at"]} == first
        shorter = await answered(admin, "POST", f"{path}/extend", {"hold_seconds": 1}, status=200)
        assert shorter == longer
        got = await answered(admin, "GET", path, status=200)
        assert got["hold_expires_at"] == longer["hold_expires_at"]
        key = new_id()
        for replayed in (False, True):
            await answered(
                admin, "POST", f"{path}/extend", {"hold_seconds": 9}, status=200, key=key, replayed=replayed
            )
        await mistaken(admin, "POST", f"{path}/extend", {}, pointer="/hold_seconds")

    async def test_only_a_hold_is_extended(self, admin: Client, member_id: str) -> None:
        body = {"hold_seconds": 60}
        await refused(admin, "POST", f"/v1/checkouts/{new_id()}/extend", body, code="checkout_not_found")
        path = await completed(admin, member_id, 100)
        problem = await refused(admin, "POST", f"{path}/extend", body, code="checkout_not_held")
        assert (problem["status"], problem["checkout_status"]) == (409, "completed")
        path = await held(admin, member_id, 100)
        await answered(admin, "POST", f"{path}/cancel", status=200)
        await refused(admin, "POST", f"{path}/extend", body, code="checkout_cancelled")


class TestCompleting:
    async def test_it_becomes_an_order(self, admin: Client, rich: str, member_id: str) -> None:
        code = await claimed(admin, rich, await template(admin))
        path = await held(admin, member_id, 300_000, points=500, cash=200, coupons=[code])
        got = await answered(admin, "POST", f"{path}/complete", status=200)
        # 3,000 yuan - 2 % - 30 yuan - 500 points - 2 yuan
        assert (got["status"], got["payable"], got["paid"]) == ("completed", 290_300, 290_300)
        assert (got["missing"], got["hold_expires_at"]) == ([], None)
        accrual = got["accrual"]
        assert (accrual["points"], accrual["status"]) == (2_903, "settled")
        assert accrual["order_id"] == path.rsplit("/", 1)[1]
        assert accrual["tier"] == {"code": "gold", "changed": True}
        assert got["balance"] == accrual["balance"] == balance(500 + 2_903)
        assert await answered(admin, "POST", f"{path}/complete", {}, status=200, replayed=True) == got
        other = {"paid": 1}
        await refused(admin, "POST", f"{path}/complete", other, code="checkout_completed")
        order = await answered(admin, "GET", f"{rich}/accruals/{accrual['order_id']}", status=200)
        assert (order["status"], order["points"]) == ("settled", 2_903)
        reverse = {"reference": "r", "amount": 1}
        path = f"{rich}/accruals/{accrual['order_id']}/reverse"
        await refused(admin, "POST", path, reverse, code="order_of_checkout")

    async def test_what_was_really_paid_earns(self, admin: Client, member_id: str) -> None:
        path = await held(admin, member_id, 20_000, shipping=1_000)
        problem = await refused(
            admin, "POST", f"{path}/complete", {"paid": 21_001}, code="paid_exceeds_checkout"
        )
        assert (problem["status"], problem["payable"]) == (422, 21_000)
        assert problem["errors"][0]["pointer"] == "/paid"
        got = await answered(admin, "POST", f"{path}/complete", {"paid": 16_000}, status=200)
        assert (got["paid"], got["accrual"]["points"]) == (16_000, 150)
        assert (await answered(admin, "GET", path, status=200))["paid"] == 16_000

    async def test_points_may_wait_until_it_settles(self, admin: Client, member: str, member_id: str) -> None:
        path = await held(admin, member_id, 20_000, settle="later")
        got = await answered(admin, "POST", f"{path}/complete", status=200)
        assert (got["accrual"]["status"], got["balance"]) == ("pending", balance(pending=200))
        order = f"{member}/accruals/{got['checkout_id']}"
        settled = await answered(admin, "POST", f"{order}/settle", status=200)
        assert settled["balance"] == balance(200)

    async def test_after_the_hold_lapsed(self, admin: Client, rich: str, member_id: str) -> None:
        code = await claimed(admin, rich, await template(admin))
        path = await held(admin, member_id, 20_000, points=600, cash=100, coupons=[code], hold_seconds=1)
        free = await held(admin, member_id, 20_000, hold_seconds=1)
        await asyncio.sleep(1.1)
        got = await answered(admin, "GET", path, status=200)
        assert got["status"] == "lapsed"
        assert got["keeps"] == {"points": 0, "cash": 0, "coupons": []}
        assert (await answered(admin, "GET", rich, status=200))["points"]["available"] == 1_000
        got = await answered(admin, "POST", f"{free}/complete", status=200)
        assert (got["status"], got["missing"]) == ("completed", [])
        available = got["balance"]["available"]
        body = {"reference": "r", "points": available - 400}
        await answered(admin, "POST", f"{rich}/redemptions", body, status=201)
        await answered(admin, "POST", f"/v1/coupons/{code}/redeem", {"reference": "r"}, status=200)
        problem = await refused(admin, "POST", f"{path}/complete", code="hold_lapsed")
        missing = [
            {"what": "points", "needed": 600, "available": 400},
            {"what": "coupon", "code": code, "reason": "coupon_redeemed"},
        ]
        assert (problem["status"], problem["missing"]) == (409, missing)
        got = await answered(admin, "POST", f"{path}/complete", {"earn_only": True}, status=200)
        assert got["missing"] == missing
        got = await answered(admin, "GET", path, status=200)
        assert (got["status"], got["missing"]) == ("completed", missing)
        assert got["keeps"] == {"points": 400, "cash": 100, "coupons": []}

    async def test_an_order_of_its_id_that_was_accrued_otherwise(
        self, admin: Client, member: str, member_id: str
    ) -> None:
        path = await held(admin, member_id, 20_000)
        body = {"order_id": path.rsplit("/", 1)[1], "amount": 20_000}
        await answered(admin, "POST", f"{member}/accruals", body, status=201)
        await refused(admin, "POST", f"{path}/complete", code="order_already_accrued")
        assert (await answered(admin, "GET", path, status=200))["status"] == "held"
        await answered(admin, "POST", f"{path}/cancel", status=200)
        path = await completed(admin, member_id, 20_000)
        body = {"order_id": path.rsplit("/", 1)[1], "amount": 20_000}
        await refused(admin, "POST", f"{member}/accruals", body, code="order_already_accrued")

    async def test_what_can_not_be_completed(self, admin: Client, member: str, member_id: str) -> None:
        await refused(admin, "POST", f"/v1/checkouts/{new_id()}/complete", code="checkout_not_found")
        path = await held(admin, member_id, 100)
        for body, pointer in (({"paid": -1}, "/paid"), ({"earn_only": 1}, "/earn_only"), ({"x": 1}, "/x")):
            await mistaken(admin, "POST", f"{path}/complete", body, pointer=pointer)
        await answered(admin, "POST", f"{path}/cancel", status=200)
        await refused(admin, "POST", f"{path}/complete", code="checkout_cancelled")
        del member


class TestCancelling:
    async def test_all_is_free(self, admin: Client, rich: str, member_id: str) -> None:
        code = await claimed(admin, rich, await template(admin))
        path = await held(admin, member_id, 20_000, points=600, cash=100, coupons=[code])
        got = await answered(admin, "POST", f"{path}/cancel", status=200)
        assert got == {
            "checkout_id": path.rsplit("/", 1)[1],
            "member_id": member_id,
            "status": "cancelled",
            "freed": {"points": 600, "cash": 100, "coupons": [code]},
            "expired": 0,
            "debt_paid": 0,
            "balance": balance(1_000),
        }
        assert await answered(admin, "POST", f"{path}/cancel", {}, status=200, replayed=True) == got
        state = await answered(admin, "GET", path, status=200)
        assert (state["status"], state["hold_expires_at"], state["paid"]) == ("cancelled", None, None)
        assert (await answered(admin, "GET", rich, status=200))["coupons"] == {"usable": 1}

    async def test_what_can_not_be_cancelled(self, admin: Client, member_id: str) -> None:
        await refused(admin, "POST", f"/v1/checkouts/{new_id()}/cancel", code="checkout_not_found")
        path = await completed(admin, member_id, 100)
        problem = await refused(admin, "POST", f"{path}/cancel", code="checkout_not_held")
        assert problem["checkout_status"] == "completed"
        await mistaken(admin, "POST", f"{path}/cancel", {"reason": "x"}, pointer="/reason")


class TestRefunding:
    async def test_item_by_item_until_all_is_back(self, admin: Client, rich: str, member_id: str) -> None:
        code = await claimed(admin, rich, await template(admin))
        before = await answered(admin, "GET", rich, status=200)
        path = await completed(
            admin, member_id, 10_000, 6_000, shipping=700, points=600, cash=100, coupons=[code]
        )
        first = {"reference": "r-1", "items": [{"line_id": "1"}]}
        got = await answered(admin, "POST", f"{path}/refund", first, status=200)
        assert (got["status"], got["refunded"]["coupons"]) == ("partially_refunded", [])
        assert await answered(admin, "POST", f"{path}/refund", first, status=200, replayed=True) == got
        changed = first | {"items": [{"line_id": "2"}]}
        await refused(admin, "POST", f"{path}/refund", changed, code="reference_already_used")
        again = first | {"reference": "r-9"}
        problem = await refused(admin, "POST", f"{path}/refund", again, code="refund_exceeds_order")
        assert problem["rest"] == 0
        unknown = {"reference": "r-9", "items": [{"line_id": "3"}]}
        await refused(admin, "POST", f"{path}/refund", unknown, code="item_not_in_order")
        state = await answered(admin, "GET", path, status=200)
        rest = state["lines"][1]["payable"] + 700
        problem = await refused(
            admin,
            "POST",
            f"{path}/refund",
            {"reference": "r-9", "amount": rest + 1},
            code="refund_exceeds_order",
        )
        assert problem["rest"] == rest
        last = {"reference": "r-2", "amount": rest}
        got = await answered(admin, "POST", f"{path}/refund", last, status=200)
        assert (got["status"], got["refunded"]["coupons"]) == ("refunded", [code])
        state = await answered(admin, "GET", path, status=200)
        assert state["status"] == "refunded"
        assert state["keeps"] == {"points": 0, "cash": 0, "coupons": []}
        assert state["refunded"] == {
            "amount": state["paid"],
            "points": 600,
            "cash": 100,
            "coupons": [code],
        }
        assert [each["reference"] for each in state["refunds"]] == ["r-1", "r-2"]
        after = await answered(admin, "GET", rich, status=200)
        for name in ("points", "cash", "growth", "spend", "coupons"):
            assert after[name] == before[name], name

    async def test_references_that_begin_alike_are_kept_apart(self, admin: Client, member_id: str) -> None:
        first = await completed(admin, member_id, 1_000)
        second = await completed(admin, member_id, 1_000, checkout_id=f"{first.rsplit('/', 1)[1]}-1")
        for path, amount in ((first, 100), (second, 200)):
            body = {"reference": "r", "amount": amount}
            await answered(admin, "POST", f"{path}/refund", body, status=200)
        for path, amount in ((first, 100), (second, 200)):
            assert (await answered(admin, "GET", path, status=200))["refunded"]["amount"] == amount

    async def test_what_can_not_be_refunded(self, admin: Client, member_id: str) -> None:
        body = {"reference": "r", "amount": 1}
        await refused(admin, "POST", f"/v1/checkouts/{new_id()}/refund", body, code="checkout_not_found")
        path = await held(admin, member_id, 100)
        problem = await refused(admin, "POST", f"{path}/refund", body, code="checkout_not_completed")
        assert (problem["status"], problem["checkout_status"]) == (409, "held")
        await answered(admin, "POST", f"{path}/cancel", status=200)
        await refused(admin, "POST", f"{path}/refund", body, code="checkout_cancelled")
        for wrong, pointer in (
            ({"reference": "r"}, ""),
            ({"reference": "r", "amount": 1, "items": [{"line_id": "1"}]}, ""),
            ({"reference": "r", "amount": 0}, "/amount"),
            ({"amount": 1}, "/reference"),
            ({"reference": "r", "items": []}, "/items"),
            ({"reference": "r", "items": [{"line_id": "1", "quantity": 0}]}, "/items/0/quantity"),
        ):
            await mistaken(admin, "POST", f"{path}/refund", wrong, pointer=pointer)


async def test_the_members_history_tells_of_it(admin: Client, rich: str, member_id: str) -> None:
    code = await claimed(admin, rich, await template(admin))
    path = await held(admin, member_id, 20_000, points=600, coupons=[code])
    checkout_id = path.rsplit("/", 1)[1]
    await answered(admin, "POST", f"{path}/extend", {"hold_seconds": 7_200}, status=200)
    await answered(admin, "POST", f"{path}/complete", status=200)
    await answered(admin, "POST", f"{path}/refund", {"reference": "r-1", "amount": 5}, status=200)
    other = await held(admin, member_id, 20_000)
    await answered(admin, "POST", f"{other}/cancel", status=200)
    entries = (await answered(admin, "GET", f"{rich}/entries?limit=6", status=200))["data"]
    assert [(each["kind"], each["order_id"], each["reference"]) for each in entries] == [
        ("release", other.rsplit("/", 1)[1], None),
        ("hold", other.rsplit("/", 1)[1], None),
        ("refund_checkout", checkout_id, "r-1"),
        ("complete", checkout_id, None),
        ("extend", checkout_id, None),
        ("hold", checkout_id, None),
    ]
    hold_detail = entries[-1]["detail"]
    assert hold_detail["coupons"] == [{"named": code, "code": code}]
    assert hold_detail["quote"]["payable"] == 20_000 - 400 - 3_000 - 600
    assert hold_detail["lots"][0].keys() == {"lot", "points", "expires_at"}
    [found] = (await answered(admin, "GET", f"{rich}/entries?kind=complete", status=200))["data"]
    assert found["points"] == found["breakdown"][0]["points"]


async def test_what_lapses_gives_the_budget_back(sandboxed: Client) -> None:
    admin, member_id = sandboxed, new_id()
    member = f"/v1/members/{member_id}"
    await answered(admin, "PUT", member, {}, status=201)
    made = await template(admin, budget=100_000)
    codes = [await claimed(admin, member, made) for _ in range(2)]
    paths = [await held(admin, member_id, 20_000, coupons=[code], hold_seconds=600) for code in codes]
    figures = await answered(admin, "GET", f"/v1/coupon-templates/{made}", status=200)
    assert (figures["discounted"], figures["locked"]) == (6_000, 2)
    last = await answered(admin, "GET", paths[1], status=200)
    await answered(admin, "PUT", "/v1/sandbox/clock", {"now": last["hold_expires_at"]}, status=200)
    for path in paths:
        assert (await answered(admin, "GET", path, status=200))["status"] == "lapsed"
    figures = await answered(admin, "GET", f"/v1/coupon-templates/{made}", status=200)
    assert (figures["discounted"], figures["locked"]) == (0, 0)
