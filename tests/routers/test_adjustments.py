"""Corrections over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.routers.asking import answered, balance, mistaken, new_id, refused

GIVE: dict[str, Any] = {"reference": "t-1", "points": 50, "reason": "迟到的订单"}


async def test_points_are_given_and_taken(admin: httpx.AsyncClient, member: str) -> None:
    got = await answered(admin, "POST", f"{member}/adjustments", GIVE, status=201)
    assert got == {
        "reference": "t-1",
        "status": "applied",
        "points": 50,
        "reason": "迟到的订单",
        "debt_paid": 0,
        "balance": balance(50),
    }
    take = {"reference": "t-2", "points": -20, "reason": "given twice"}
    taken = await answered(admin, "POST", f"{member}/adjustments", take, status=201)
    assert (taken["points"], taken["balance"]) == (-20, balance(30))
    assert await answered(admin, "POST", f"{member}/adjustments", GIVE, status=200, replayed=True) == got


async def test_a_correction_pays_debt_first(admin: httpx.AsyncClient, rich: str) -> None:
    await answered(admin, "POST", f"{rich}/redemptions", {"reference": "r", "points": 990}, status=201)
    refund = {"reference": "r", "amount": 100_000}
    await answered(admin, "POST", f"{rich}/accruals/o-rich/reverse", refund, status=200)
    got = await answered(admin, "POST", f"{rich}/adjustments", GIVE, status=201)
    assert (got["debt_paid"], got["balance"]) == (50, balance(debt=940))


async def test_refusals(admin: httpx.AsyncClient, member: str) -> None:
    path = f"{member}/adjustments"
    await refused(admin, "POST", f"/v1/members/{new_id()}/adjustments", GIVE, code="member_not_found")
    problem = await refused(admin, "POST", path, GIVE | {"points": -1}, code="insufficient_points")
    assert problem["available"] == 0
    await answered(admin, "POST", path, GIVE, status=201)
    await refused(admin, "POST", path, GIVE | {"points": 51}, code="reference_already_used")
    await answered(admin, "POST", f"{member}/freeze", status=200)
    await answered(admin, "POST", path, GIVE | {"reference": "t-3"}, status=201)
    await answered(admin, "DELETE", member, status=200)
    await refused(admin, "POST", path, GIVE | {"reference": "t-4"}, code="member_erased")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"reference": None}, "/reference"),
        ({"points": 0}, "/points"),
        ({"points": "5"}, "/points"),
        ({"points": 10**12 + 1}, "/points"),
        ({"points": -(10**12) - 1}, "/points"),
        ({"points": 0.5}, "/points"),
        ({"reason": None}, "/reason"),
        ({"reason": ""}, "/reason"),
        ({"reason": "a\x07b"}, "/reason"),
        ({"reason": "x" * 501}, "/reason"),
        ({"by": "me"}, "/by"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_told(
    admin: httpx.AsyncClient, member: str, change: dict[str, Any], pointer: str
) -> None:
    body = {name: value for name, value in (GIVE | change).items() if value is not None}
    await mistaken(admin, "POST", f"{member}/adjustments", body, pointer=pointer)
