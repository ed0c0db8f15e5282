"""Spending over HTTP: redeem, reserve, commit, cancel, refund, read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.routers.asking import answered, balance, mistaken, new_id, refused

REDEEM: dict[str, Any] = {"reference": "r-1", "points": 100}
RESERVE: dict[str, Any] = {"reference": "r-1", "points": 100, "mode": "reserve"}


class TestRedeeming:
    async def test_points_are_spent(self, admin: httpx.AsyncClient, rich: str) -> None:
        got = await answered(admin, "POST", f"{rich}/redemptions", REDEEM | {"order_id": "o-2"}, status=201)
        expires_at = got["lots"][0]["expires_at"]
        assert expires_at.endswith("T16:00:00Z")
        assert got == {
            "reference": "r-1",
            "status": "redeemed",
            "points": 100,
            "value": 100,
            "lots": [{"lot": 1, "points": 100, "expires_at": expires_at}],
            "hold_expires_at": None,
            "balance": balance(900),
        }

    async def test_points_are_held(self, admin: httpx.AsyncClient, rich: str) -> None:
        got = await answered(admin, "POST", f"{rich}/redemptions", RESERVE | {"hold_seconds": 60}, status=201)
        assert (got["status"], got["balance"]) == ("reserved", balance(900, reserved=100))
        left = datetime.fromisoformat(got["hold_expires_at"]) - datetime.now(UTC)
        assert timedelta(seconds=30) < left <= timedelta(seconds=60)

    async def test_a_hold_lasts_half_an_hour_unless_told(self, admin: httpx.AsyncClient, rich: str) -> None:
        got = await answered(admin, "POST", f"{rich}/redemptions", RESERVE, status=201)
        left = datetime.fromisoformat(got["hold_expires_at"]) - datetime.now(UTC)
        assert timedelta(minutes=29) < left <= timedelta(minutes=30)

    async def test_again_it_is_answered_as_it_was(self, admin: httpx.AsyncClient, rich: str) -> None:
        first = await answered(admin, "POST", f"{rich}/redemptions", RESERVE, status=201)
        await answered(admin, "POST", f"{rich}/redemptions/r-1/commit", status=200)
        again = await answered(admin, "POST", f"{rich}/redemptions", RESERVE, status=200, replayed=True)
        assert again == first

    async def test_with_other_content_it_is_refused(self, admin: httpx.AsyncClient, rich: str) -> None:
        await answered(admin, "POST", f"{rich}/redemptions", RESERVE, status=201)
        for other in (REDEEM, RESERVE | {"points": 99}, RESERVE | {"order_id": "o"}):
            await refused(admin, "POST", f"{rich}/redemptions", other, code="reference_already_used")

    async def test_too_few_points(self, admin: httpx.AsyncClient, rich: str) -> None:
        problem = await refused(
            admin, "POST", f"{rich}/redemptions", REDEEM | {"points": 1001}, code="insufficient_points"
        )
        assert (problem["status"], problem["available"]) == (409, 1000)
        await answered(admin, "POST", f"{rich}/redemptions", REDEEM | {"points": 1000}, status=201)

    async def test_who_may_not_spend(self, admin: httpx.AsyncClient, rich: str) -> None:
        await refused(admin, "POST", f"/v1/members/{new_id()}/redemptions", REDEEM, code="member_not_found")
        await answered(admin, "POST", f"{rich}/freeze", status=200)
        await refused(admin, "POST", f"{rich}/redemptions", REDEEM, code="member_frozen")
        await answered(admin, "DELETE", rich, status=200)
        await refused(admin, "POST", f"{rich}/redemptions", REDEEM, code="member_erased")

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"reference": None}, "/reference"),
            ({"reference": "a b"}, "/reference"),
            ({"points": None}, "/points"),
            ({"points": 0}, "/points"),
            ({"points": -5}, "/points"),
            ({"points": "100"}, "/points"),
            ({"points": 1.0}, "/points"),
            ({"points": True}, "/points"),
            ({"points": 10**12 + 1}, "/points"),
            ({"mode": "spend"}, "/mode"),
            ({"order_id": ""}, "/order_id"),
            ({"hold_seconds": 60}, ""),
            ({"mode": "reserve", "hold_seconds": 0}, "/hold_seconds"),
            ({"mode": "reserve", "hold_seconds": 604_801}, "/hold_seconds"),
            ({"mode": "reserve", "hold_seconds": 1.5}, "/hold_seconds"),
            ({"note": "x"}, "/note"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_told(
        self, admin: httpx.AsyncClient, member: str, change: dict[str, Any], pointer: str
    ) -> None:
        body = {name: value for name, value in (REDEEM | change).items() if value is not None}
        await mistaken(admin, "POST", f"{member}/redemptions", body, pointer=pointer)


class TestCommitting:
    async def test_all_or_part_of_a_hold_is_spent(self, admin: httpx.AsyncClient, rich: str) -> None:
        await answered(admin, "POST", f"{rich}/redemptions", RESERVE, status=201)
        got = await answered(admin, "POST", f"{rich}/redemptions/r-1/commit", {"points": 30}, status=200)
        expires_at = got["lots"][0]["expires_at"]
        assert got == {
            "reference": "r-1",
            "status": "redeemed",
            "points": 30,
            "value": 30,
            "lots": [{"lot": 1, "points": 30, "expires_at": expires_at}],
            "hold_expires_at": None,
            "freed": 70,
            "expired": 0,
            "debt_paid": 0,
            "balance": balance(970),
        }
        await answered(
            admin, "POST", f"{rich}/redemptions/r-1/commit", {"points": 30}, status=200, replayed=True
        )
        await refused(
            admin, "POST", f"{rich}/redemptions/r-1/commit", {"points": 31}, code="reference_already_used"
        )

        await answered(admin, "POST", f"{rich}/redemptions", RESERVE | {"reference": "r-2"}, status=201)
        got = await answered(admin, "POST", f"{rich}/redemptions/r-2/commit", status=200)
        assert (got["points"], got["freed"], got["balance"]) == (100, 0, balance(870))

    async def test_what_can_not_be_committed(self, admin: httpx.AsyncClient, rich: str) -> None:
        path = f"{rich}/redemptions"
        await refused(admin, "POST", f"{path}/r-9/commit", code="redemption_not_found")
        await answered(admin, "POST", path, RESERVE, status=201)
        problem = await refused(
            admin, "POST", f"{path}/r-1/commit", {"points": 101}, code="commit_exceeds_reservation"
        )
        assert (problem["status"], problem["reserved"]) == (409, 100)
        await answered(admin, "POST", f"{path}/r-1/cancel", status=200)
        problem = await refused(admin, "POST", f"{path}/r-1/commit", code="reservation_closed")
        assert problem["redemption_status"] == "cancelled"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [({"points": 0}, "/points"), ({"points": "1"}, "/points"), ({"all": True}, "/all")],
        ids=str,
    )
    async def test_what_is_wrong_is_told(
        self, admin: httpx.AsyncClient, member: str, body: Any, pointer: str
    ) -> None:
        await mistaken(admin, "POST", f"{member}/redemptions/r-1/commit", body, pointer=pointer)


class TestCancelling:
    async def test_the_points_are_free_again(self, admin: httpx.AsyncClient, rich: str) -> None:
        path = f"{rich}/redemptions"
        await answered(admin, "POST", path, RESERVE, status=201)
        got = await answered(admin, "POST", f"{path}/r-1/cancel", status=200)
        expires_at = got["lots"][0]["expires_at"]
        assert got == {
            "reference": "r-1",
            "status": "cancelled",
            "points": 100,
            "lots": [{"lot": 1, "points": 100, "expires_at": expires_at}],
            "expired": 0,
            "debt_paid": 0,
            "balance": balance(1000),
        }
        assert (await answered(admin, "POST", f"{path}/r-1/cancel", {}, status=200, replayed=True)) == got

    async def test_what_can_not_be_cancelled(self, admin: httpx.AsyncClient, rich: str) -> None:
        path = f"{rich}/redemptions"
        await refused(admin, "POST", f"{path}/r-9/cancel", code="redemption_not_found")
        await answered(admin, "POST", path, REDEEM, status=201)
        await refused(admin, "POST", f"{path}/r-1/cancel", code="reservation_closed")
        await mistaken(admin, "POST", f"{path}/r-1/cancel", {"points": 5}, pointer="/points")


class TestRefunding:
    async def test_points_come_back_in_parts(self, admin: httpx.AsyncClient, rich: str) -> None:
        path = f"{rich}/redemptions"
        await answered(admin, "POST", path, REDEEM, status=201)
        part = {"reference": "f-1", "points": 30}
        got = await answered(admin, "POST", f"{path}/r-1/refund", part, status=200)
        expires_at = got["lots"][0]["expires_at"]
        assert got == {
            "redemption": "r-1",
            "reference": "f-1",
            "points": 30,
            "rest": 70,
            "lots": [{"lot": 1, "points": 30, "expires_at": expires_at}],
            "expired": 0,
            "debt_paid": 0,
            "balance": balance(930),
        }
        assert (await answered(admin, "POST", f"{path}/r-1/refund", part, status=200, replayed=True)) == got
        rest = await answered(admin, "POST", f"{path}/r-1/refund", {"reference": "f-2"}, status=200)
        assert (rest["points"], rest["rest"], rest["balance"]) == (70, 0, balance(1000))

    async def test_what_can_not_be_refunded(self, admin: httpx.AsyncClient, rich: str) -> None:
        path = f"{rich}/redemptions"
        refund = {"reference": "f-1", "points": 60}
        await refused(admin, "POST", f"{path}/r-9/refund", refund, code="redemption_not_found")
        await answered(admin, "POST", path, RESERVE, status=201)
        await refused(admin, "POST", f"{path}/r-1/refund", refund, code="reservation_open")
        await answered(admin, "POST", f"{path}/r-1/commit", status=200)
        await answered(admin, "POST", f"{path}/r-1/refund", refund, status=200)
        await refused(
            admin, "POST", f"{path}/r-1/refund", refund | {"points": 1}, code="reference_already_used"
        )
        problem = await refused(
            admin,
            "POST",
            f"{path}/r-1/refund",
            refund | {"reference": "f-2"},
            code="refund_exceeds_redemption",
        )
        assert (problem["status"], problem["rest"]) == (409, 40)
        await answered(admin, "POST", path, RESERVE | {"reference": "r-2"}, status=201)
        await answered(admin, "POST", f"{path}/r-2/cancel", status=200)
        await refused(admin, "POST", f"{path}/r-2/refund", refund, code="reservation_closed")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/reference"),
            ({"reference": "f", "points": 0}, "/points"),
            ({"reference": "f", "amount": 1}, "/amount"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_told(
        self, admin: httpx.AsyncClient, member: str, body: Any, pointer: str
    ) -> None:
        await mistaken(admin, "POST", f"{member}/redemptions/r-1/refund", body, pointer=pointer)


class TestReading:
    async def test_a_redemption_as_it_stands(self, admin: httpx.AsyncClient, rich: str) -> None:
        path = f"{rich}/redemptions/r-1"
        made = await answered(admin, "POST", f"{rich}/redemptions", RESERVE | {"order_id": "o-2"}, status=201)
        state = {
            "reference": "r-1",
            "status": "reserved",
            "points": 100,
            "value": 100,
            "committed": 0,
            "refunded": 0,
            "order_id": "o-2",
            "lots": made["lots"],
            "hold_expires_at": made["hold_expires_at"],
        }
        assert await answered(admin, "GET", path, status=200) == state
        await answered(admin, "POST", f"{path}/commit", {"points": 80}, status=200)
        await answered(admin, "POST", f"{path}/refund", {"reference": "f", "points": 50}, status=200)
        state |= {
            "status": "redeemed",
            "value": 80,
            "committed": 80,
            "refunded": 50,
            "lots": [made["lots"][0] | {"points": 30}],
            "hold_expires_at": None,
        }
        assert await answered(admin, "GET", path, status=200) == state

    async def test_what_is_unknown(self, admin: httpx.AsyncClient, member: str) -> None:
        await refused(admin, "GET", f"{member}/redemptions/r-9", code="redemption_not_found")
        await refused(admin, "GET", f"/v1/members/{new_id()}/redemptions/r-9", code="member_not_found")
