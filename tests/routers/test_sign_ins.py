"""Sign-ins over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx

from tests.routers.asking import answered, balance, mistaken, new_id, refused
from tests.tokens import Issuer


async def test_a_day_is_worth_points_once(admin: httpx.AsyncClient, member: str) -> None:
    got = await answered(admin, "POST", f"{member}/sign-ins", status=201)
    today = (datetime.now(UTC) + timedelta(hours=8)).date()
    day = got.pop("date")
    assert abs((datetime.fromisoformat(day).date() - today).days) <= 1  # midnight may pass meanwhile
    assert got == {
        "points": 10,
        "streak": 1,
        "breakdown": [{"rule": "sign_in", "label": "daily sign-in", "points": 10, "version": 1}],
        "balance": balance(10),
    }
    await answered(admin, "POST", f"{member}/accruals", {"order_id": "o", "amount": 100}, status=201)
    again = await answered(admin, "POST", f"{member}/sign-ins", {}, status=200, replayed=True)
    assert again == got | {"date": day}


async def test_who_may_not_sign_in(admin: httpx.AsyncClient, member: str) -> None:
    await refused(admin, "POST", f"/v1/members/{new_id()}/sign-ins", code="member_not_found")
    await answered(admin, "POST", f"{member}/freeze", status=200)
    await refused(admin, "POST", f"{member}/sign-ins", code="member_frozen")
    await answered(admin, "DELETE", member, status=200)
    await refused(admin, "POST", f"{member}/sign-ins", code="member_erased")


async def test_it_takes_no_fields(admin: httpx.AsyncClient, member: str) -> None:
    await mistaken(admin, "POST", f"{member}/sign-ins", {"date": "2026-03-05"}, pointer="/date")


async def test_a_member_signs_in_with_a_token(
    as_caller: Callable[[str | None], httpx.AsyncClient], issuer: Issuer, member_id: str, member: str
) -> None:
    own = as_caller(issuer.token(member_id))
    await answered(own, "POST", f"{member}/sign-ins", status=201)
    await refused(own, "POST", f"/v1/members/{new_id()}/sign-ins", code="not_your_member")
