"""Points given to another member, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.routers.asking import answered, balance, mistaken, new_id, refused


@pytest.fixture
async def other_id(admin: httpx.AsyncClient) -> str:
    """Another member."""
    other_id = new_id()
    await answered(admin, "PUT", f"/v1/members/{other_id}", {}, status=201)
    return other_id


async def test_points_move_and_keep_their_expiry(admin: httpx.AsyncClient, rich: str, other_id: str) -> None:
    gift = {"reference": "g-1", "to": other_id, "points": 100}
    before = await answered(admin, "GET", rich, status=200)
    got = await answered(admin, "POST", f"{rich}/transfers", gift, status=201)
    expires_at = before["points"]["next_expiration"]["at"]
    assert got == {
        "reference": "g-1",
        "to": other_id,
        "points": 100,
        "lots": [{"lot": 1, "points": 100, "expires_at": expires_at}],
        "balance": balance(900),
    }
    receiver = await answered(admin, "GET", f"/v1/members/{other_id}", status=200)
    assert receiver["points"]["next_expiration"] == {"points": 100, "at": expires_at}
    assert await answered(admin, "POST", f"{rich}/transfers", gift, status=200, replayed=True) == got


async def test_refusals(admin: httpx.AsyncClient, rich: str, other_id: str) -> None:
    path = f"{rich}/transfers"
    gift = {"reference": "g-1", "to": other_id, "points": 100}
    await refused(admin, "POST", path, gift | {"to": new_id()}, code="member_not_found")
    await refused(admin, "POST", path, gift | {"to": rich.rpartition("/")[2]}, code="transfer_to_self")
    problem = await refused(admin, "POST", path, gift | {"points": 1001}, code="insufficient_points")
    assert problem["available"] == 1000
    await answered(admin, "POST", path, gift, status=201)
    await refused(admin, "POST", path, gift | {"points": 99}, code="reference_already_used")
    await answered(admin, "POST", f"/v1/members/{other_id}/freeze", status=200)
    await refused(admin, "POST", path, gift | {"reference": "g-2"}, code="member_frozen")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"reference": None}, "/reference"),
        ({"to": None}, "/to"),
        ({"to": "a b"}, "/to"),
        ({"points": 0}, "/points"),
        ({"points": -1}, "/points"),
        ({"from": "u"}, "/from"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_told(
    admin: httpx.AsyncClient, member: str, change: dict[str, Any], pointer: str
) -> None:
    gift = {"reference": "g-1", "to": "u-2", "points": 100}
    body = {name: value for name, value in (gift | change).items() if value is not None}
    await mistaken(admin, "POST", f"{member}/transfers", body, pointer=pointer)
