"""Orders over HTTP: accrue, settle, reverse, read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.routers.asking import answered, balance, mistaken, new_id, refused

ORDER: dict[str, Any] = {"order_id": "o-1", "amount": 30_000}
ITEMS = [
    {"line_id": "1", "sku": "tea-100", "category": "tea", "quantity": 2, "amount": 20_000},
    {"line_id": "2", "sku": "cup-7", "brand": "Jingdezhen", "quantity": 1, "amount": 10_000},
]


class TestAccruing:
    async def test_an_order_earns_points_and_the_tier_they_reach(
        self, admin: httpx.AsyncClient, member: str
    ) -> None:
        got = await answered(admin, "POST", f"{member}/accruals", ORDER, status=201)
        expires_at = got.pop("expires_at")
        assert got == {
            "order_id": "o-1",
            "status": "settled",
            "points": 300,
            "breakdown": [{"rule": "purchase", "label": "1 point per yuan", "points": 300, "version": 1}],
            "debt_paid": 0,
            "balance": balance(300),
            "tier": {"code": "silver", "changed": True},
        }
        assert expires_at.endswith("T16:00:00Z")

    async def test_points_of_an_order_settled_later_are_pending(
        self, admin: httpx.AsyncClient, member: str
    ) -> None:
        got = await answered(admin, "POST", f"{member}/accruals", ORDER | {"settle": "later"}, status=201)
        assert (got["status"], got["points"]) == ("pending", 300)
        assert got["balance"] == balance(pending=300)
        assert got["tier"] == {"code": "bronze", "changed": False}

    async def test_an_order_that_earns_nothing_expires_never(
        self, admin: httpx.AsyncClient, member: str
    ) -> None:
        got = await answered(admin, "POST", f"{member}/accruals", {"order_id": "o", "amount": 99}, status=201)
        assert (got["points"], got["breakdown"], got["expires_at"]) == (0, [], None)

    async def test_everything_an_order_may_say_is_taken(self, admin: httpx.AsyncClient, member: str) -> None:
        order = ORDER | {
            "occurred_at": "2026-03-05T10:00:00+08:00",
            "channel": "小程序",
            "items": ITEMS,
            "settle": "now",
        }
        await answered(admin, "POST", f"{member}/accruals", order, status=201)
        state = await answered(admin, "GET", f"{member}/accruals/o-1", status=200)
        assert (state["occurred_at"], state["channel"]) == ("2026-03-05T02:00:00Z", "小程序")

    async def test_again_with_the_same_content_it_is_answered_as_it_was(
        self, admin: httpx.AsyncClient, member: str
    ) -> None:
        first = await answered(admin, "POST", f"{member}/accruals", ORDER, status=201)
        await answered(admin, "POST", f"{member}/sign-ins", status=201)
        again = await answered(admin, "POST", f"{member}/accruals", ORDER, status=200, replayed=True)
        assert again == first

    @pytest.mark.parametrize(
        "other",
        [{"amount": 30_001}, {"settle": "later"}, {"channel": "app"}, {"items": ITEMS}],
        ids=lambda other: next(iter(other)),
    )
    async def test_again_with_other_content_it_is_refused(
        self, admin: httpx.AsyncClient, member: str, other: dict[str, Any]
    ) -> None:
        await answered(admin, "POST", f"{member}/accruals", ORDER, status=201)
        problem = await refused(
            admin, "POST", f"{member}/accruals", ORDER | other, code="order_already_accrued"
        )
        assert problem["status"] == 409

    async def test_a_refusal_is_not_remembered(self, admin: httpx.AsyncClient) -> None:
        path = f"/v1/members/{new_id()}"
        problem = await refused(
            admin, "POST", f"{path}/accruals", ORDER, code="member_not_found", key="again"
        )
        assert problem["status"] == 404
        await answered(admin, "PUT", path, {}, status=201)
        await answered(admin, "POST", f"{path}/accruals", ORDER, status=201, key=new_id("k"))

    async def test_a_frozen_member_earns_nothing(self, admin: httpx.AsyncClient, member: str) -> None:
        await answered(admin, "POST", f"{member}/freeze", status=200)
        assert (await refused(admin, "POST", f"{member}/accruals", ORDER, code="member_frozen"))[
            "status"
        ] == 409

    async def test_an_erased_member_earns_nothing(self, admin: httpx.AsyncClient, member: str) -> None:
        await answered(admin, "DELETE", member, status=200)
        await refused(admin, "POST", f"{member}/accruals", ORDER, code="member_erased")

    @pytest.mark.parametrize(
        ("items", "code"),
        [
            ([ITEMS[0]], "items_amount_mismatch"),
            ([ITEMS[0], ITEMS[1] | {"line_id": "1"}], "line_id_repeated"),
        ],
    )
    async def test_items_must_fit_together(
        self, admin: httpx.AsyncClient, member: str, items: list[Any], code: str
    ) -> None:
        problem = await refused(admin, "POST", f"{member}/accruals", ORDER | {"items": items}, code=code)
        assert problem["status"] == 422

    async def test_a_time_over_a_day_ahead_is_refused_and_the_past_is_taken(
        self, admin: httpx.AsyncClient, member: str
    ) -> None:
        now = datetime.now(UTC)
        soon, late = now + timedelta(hours=23), now + timedelta(hours=25)
        problem = await refused(
            admin,
            "POST",
            f"{member}/accruals",
            ORDER | {"occurred_at": late.isoformat()},
            code="occurred_at_in_future",
        )
        assert problem["status"] == 422
        await answered(
            admin, "POST", f"{member}/accruals", ORDER | {"occurred_at": soon.isoformat()}, status=201
        )
        old = {"order_id": "o-old", "amount": 100_000, "occurred_at": "1999-12-31T23:59:59Z"}
        got = await answered(admin, "POST", f"{member}/accruals", old, status=201)
        assert (got["points"], got["balance"]["available"]) == (1000, 300)

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"order_id": None}, "/order_id"),
            ({"order_id": ""}, "/order_id"),
            ({"order_id": "o 1"}, "/order_id"),
            ({"order_id": "o-1\n"}, "/order_id"),
            ({"order_id": "o" * 65}, "/order_id"),
            ({"order_id": "订单"}, "/order_id"),
            ({"order_id": 1}, "/order_id"),
            ({"amount": None}, "/amount"),
            ({"amount": "30000"}, "/amount"),
            ({"amount": 30000.0}, "/amount"),
            ({"amount": True}, "/amount"),
            ({"amount": -1}, "/amount"),
            ({"amount": 10**12 + 1}, "/amount"),
            ({"amount": 10**40}, "/amount"),
            ({"occurred_at": "2026-03-05T10:00:00"}, "/occurred_at"),
            ({"occurred_at": "2026-02-30T10:00:00Z"}, "/occurred_at"),
            ({"occurred_at": "2026-03-05"}, "/occurred_at"),
            ({"occurred_at": 1772676000}, "/occurred_at"),
            ({"occurred_at": "1899-12-31T00:00:00Z"}, "/occurred_at"),
            ({"occurred_at": "9999-01-01T00:00:00Z"}, "/occurred_at"),
            ({"channel": ""}, "/channel"),
            ({"channel": "a\nb"}, "/channel"),
            ({"channel": "a\x00b"}, "/channel"),
            ({"channel": "c" * 65}, "/channel"),
            ({"settle": "never"}, "/settle"),
            ({"settle": True}, "/settle"),
            ({"amout": 1}, "/amout"),
            ({"items": []}, "/items"),
            ({"items": {}}, "/items"),
            ({"items": [ITEMS[0] | {"line_id": str(i)} for i in range(501)]}, "/items"),
            ({"items": [ITEMS[0] | {"quantity": 0}]}, "/items/0/quantity"),
            ({"items": [ITEMS[0] | {"quantity": 1.5}]}, "/items/0/quantity"),
            ({"items": [ITEMS[0], ITEMS[1] | {"amount": -1}]}, "/items/1/amount"),
            ({"items": [ITEMS[0] | {"sku": ""}]}, "/items/0/sku"),
            ({"items": [ITEMS[0] | {"price": 1}]}, "/items/0/price"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_told_and_nothing_is_coerced(
        self, admin: httpx.AsyncClient, member: str, change: dict[str, Any], pointer: str
    ) -> None:
        body = {name: value for name, value in (ORDER | change).items() if value is not None}
        await mistaken(admin, "POST", f"{member}/accruals", body, pointer=pointer)

    @pytest.mark.parametrize("body", [None, [], "x", 1, True])
    async def test_a_body_that_is_no_object_is_told(
        self, admin: httpx.AsyncClient, member: str, body: Any
    ) -> None:
        response = await admin.post(
            f"{member}/accruals", json=body, headers={"Content-Type": "application/json"}
        )
        assert (response.status_code, response.json()["code"]) == (422, "validation_failed")

    async def test_an_id_of_the_wrong_shape_is_told(self, admin: httpx.AsyncClient) -> None:
        await mistaken(admin, "POST", "/v1/members/a%20b/accruals", ORDER, pointer="{member_id}")


class TestIdempotencyKeys:
    async def test_the_first_answer_comes_again_with_its_status(
        self, admin: httpx.AsyncClient, member: str
    ) -> None:
        key = new_id("k")
        first = await answered(admin, "POST", f"{member}/accruals", ORDER, status=201, key=key)
        for _ in range(2):
            again = await answered(
                admin, "POST", f"{member}/accruals", ORDER, status=201, key=key, replayed=True
            )
            assert again == first

    async def test_a_key_of_another_request_is_refused(self, admin: httpx.AsyncClient, member: str) -> None:
        key = new_id("k")
        await answered(admin, "POST", f"{member}/accruals", ORDER, status=201, key=key)
        for other in (ORDER | {"amount": 1}, ORDER | {"order_id": "o-2"}):
            problem = await refused(
                admin, "POST", f"{member}/accruals", other, code="idempotency_key_reused", key=key
            )
            assert problem["status"] == 422

    async def test_a_key_belongs_to_its_route_and_caller(
        self, admin: httpx.AsyncClient, as_caller: Callable[[str | None], httpx.AsyncClient], member: str
    ) -> None:
        key = new_id("k")
        made = await admin.post(
            "/v1/keys",
            json={"name": "checkout", "scopes": ["points:write"]},
            headers={"Idempotency-Key": key},
        )
        checkout = as_caller(made.json()["key"])
        await answered(admin, "POST", f"{member}/accruals", ORDER, status=201, key=key)
        await answered(admin, "POST", f"{member}/sign-ins", status=201, key=key)
        other = {"order_id": "o-2", "amount": 1}
        await answered(checkout, "POST", f"{member}/accruals", other, status=201, key=key)

    async def test_a_refusal_leaves_the_key_free(self, admin: httpx.AsyncClient, member: str) -> None:
        key = new_id("k")
        await answered(admin, "POST", f"{member}/freeze", status=200)
        await refused(admin, "POST", f"{member}/accruals", ORDER, code="member_frozen", key=key)
        await answered(admin, "POST", f"{member}/unfreeze", status=200)
        await answered(admin, "POST", f"{member}/accruals", ORDER, status=201, key=key)

    @pytest.mark.parametrize("key", ["", "a b", "k" * 256, "schlüssel"])
    async def test_a_misshapen_key_is_told(self, admin: httpx.AsyncClient, member: str, key: str) -> None:
        response = await admin.post(
            f"{member}/accruals", json=ORDER, headers={"Idempotency-Key": key.encode("latin-1")}
        )
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == "Idempotency-Key"


class TestSettling:
    async def test_pending_points_become_available(self, admin: httpx.AsyncClient, member: str) -> None:
        await answered(admin, "POST", f"{member}/accruals", ORDER | {"settle": "later"}, status=201)
        got = await answered(admin, "POST", f"{member}/accruals/o-1/settle", status=200)
        assert (got["status"], got["balance"]) == ("settled", balance(300))
        assert got["tier"] == {"code": "silver", "changed": True}
        again = await answered(admin, "POST", f"{member}/accruals/o-1/settle", {}, status=200, replayed=True)
        assert again == got

    async def test_what_can_not_be_settled(self, admin: httpx.AsyncClient, member: str) -> None:
        path = f"{member}/accruals"
        await refused(admin, "POST", f"{path}/o-9/settle", code="order_not_found")
        await answered(admin, "POST", path, ORDER, status=201)
        await refused(admin, "POST", f"{path}/o-1/settle", code="order_not_pending")
        await answered(admin, "POST", path, {"order_id": "o-2", "amount": 500, "settle": "later"}, status=201)
        await answered(admin, "POST", f"{path}/o-2/reverse", {"reference": "r", "amount": 500}, status=200)
        await refused(admin, "POST", f"{path}/o-2/settle", code="order_reversed")

    async def test_it_takes_no_fields(self, admin: httpx.AsyncClient, member: str) -> None:
        await mistaken(admin, "POST", f"{member}/accruals/o-1/settle", {"points": 1}, pointer="/points")


class TestReversing:
    async def test_a_refund_takes_its_points_back(self, admin: httpx.AsyncClient, member: str) -> None:
        await answered(admin, "POST", f"{member}/accruals", ORDER, status=201)
        refund = {"reference": "refund-1", "amount": 12_050}
        got = await answered(admin, "POST", f"{member}/accruals/o-1/reverse", refund, status=200)
        assert got == {
            "order_id": "o-1",
            "reference": "refund-1",
            "amount": 12_050,
            "points": 121,
            "recovered": 121,
            "shortfall": 0,
            "balance": balance(179),
            "tier": {"code": "bronze", "changed": True},
        }
        again = await answered(
            admin, "POST", f"{member}/accruals/o-1/reverse", refund, status=200, replayed=True
        )
        assert again == got

    async def test_what_was_spent_becomes_debt(self, admin: httpx.AsyncClient, member: str) -> None:
        await answered(admin, "POST", f"{member}/accruals", ORDER, status=201)
        await answered(admin, "POST", f"{member}/redemptions", {"reference": "r", "points": 250}, status=201)
        got = await answered(
            admin,
            "POST",
            f"{member}/accruals/o-1/reverse",
            {"reference": "r", "amount": 30_000},
            status=200,
        )
        assert (got["recovered"], got["shortfall"], got["balance"]) == (50, 250, balance(debt=250))

    async def test_by_items(self, admin: httpx.AsyncClient, member: str) -> None:
        await answered(admin, "POST", f"{member}/accruals", ORDER | {"items": ITEMS}, status=201)
        one = {"reference": "a", "items": [{"line_id": "1", "quantity": 1}]}
        got = await answered(admin, "POST", f"{member}/accruals/o-1/reverse", one, status=200)
        assert (got["amount"], got["points"]) == (10_000, 100)
        rest = {"reference": "b", "items": [{"line_id": "1"}, {"line_id": "2", "amount": 5_000}]}
        got = await answered(admin, "POST", f"{member}/accruals/o-1/reverse", rest, status=200)
        assert (got["amount"], got["points"]) == (15_000, 150)
        unknown = {"reference": "c", "items": [{"line_id": "3"}]}
        problem = await refused(
            admin, "POST", f"{member}/accruals/o-1/reverse", unknown, code="item_not_in_order"
        )
        assert problem["status"] == 422

    async def test_refusals(self, admin: httpx.AsyncClient, member: str) -> None:
        path = f"{member}/accruals"
        refund = {"reference": "r", "amount": 20_000}
        await refused(admin, "POST", f"{path}/o-1/reverse", refund, code="order_not_found")
        await answered(admin, "POST", path, ORDER, status=201)
        await answered(admin, "POST", f"{path}/o-1/reverse", refund, status=200)
        await refused(
            admin, "POST", f"{path}/o-1/reverse", refund | {"amount": 1}, code="reference_already_used"
        )
        problem = await refused(
            admin, "POST", f"{path}/o-1/reverse", refund | {"reference": "s"}, code="refund_exceeds_order"
        )
        assert (problem["status"], problem["rest"]) == (409, 10_000)

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"reference": None}, "/reference"),
            ({"reference": "a/b"}, "/reference"),
            ({"amount": 0}, "/amount"),
            ({"amount": "1"}, "/amount"),
            ({"amount": None}, ""),
            ({"items": [{"line_id": "1"}]}, ""),
            ({"amount": None, "items": []}, "/items"),
            ({"amount": None, "items": [{}]}, "/items/0/line_id"),
            ({"amount": None, "items": [{"line_id": "1", "quantity": 0}]}, "/items/0/quantity"),
            ({"amount": None, "items": [{"line_id": "1", "amount": 1.0}]}, "/items/0/amount"),
            ({"reason": "x"}, "/reason"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_told(
        self, admin: httpx.AsyncClient, member: str, change: dict[str, Any], pointer: str
    ) -> None:
        refund = {"reference": "r", "amount": 100}
        body = {name: value for name, value in (refund | change).items() if value is not None}
        await mistaken(admin, "POST", f"{member}/accruals/o-1/reverse", body, pointer=pointer)


class TestReading:
    async def test_an_order_as_it_stands(self, admin: httpx.AsyncClient, member: str) -> None:
        path = f"{member}/accruals/o-1"
        made = await answered(
            admin, "POST", f"{member}/accruals", ORDER | {"settle": "later", "channel": "app"}, status=201
        )
        pending = await answered(admin, "GET", path, status=200)
        settles_at, occurred_at = pending.pop("settles_at"), pending.pop("occurred_at")
        assert pending == {
            "order_id": "o-1",
            "status": "pending",
            "amount": 30_000,
            "refunded": 0,
            "points": 300,
            "granted": 300,
            "breakdown": made["breakdown"],
            "channel": "app",
            "expires_at": made["expires_at"],
        }
        waits = datetime.fromisoformat(settles_at) - datetime.fromisoformat(occurred_at)
        assert waits == timedelta(days=15)
        await answered(admin, "POST", f"{path}/settle", status=200)
        settled = await answered(admin, "GET", path, status=200)
        assert (settled["status"], settled["settles_at"]) == ("settled", None)
        await answered(admin, "POST", f"{path}/reverse", {"reference": "a", "amount": 10_000}, status=200)
        partly = await answered(admin, "GET", path, status=200)
        assert (partly["status"], partly["refunded"], partly["points"]) == ("settled", 10_000, 200)
        await answered(admin, "POST", f"{path}/reverse", {"reference": "b", "amount": 20_000}, status=200)
        nothing = await answered(admin, "GET", path, status=200)
        assert (nothing["status"], nothing["points"], nothing["granted"]) == ("reversed", 0, 300)

    async def test_what_is_unknown(self, admin: httpx.AsyncClient, member: str) -> None:
        await refused(admin, "GET", f"{member}/accruals/o-9", code="order_not_found")
        await refused(admin, "GET", f"/v1/members/{new_id()}/accruals/o-9", code="member_not_found")
