"""What all routes that carry a command have in common: overload and faults."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.domain.errors import LoyaltyError
from app.ledger.engine import Engine, LedgerUnavailable, QueueFull
from app.ledger.request import InternalError
from tests.routers.asking import answered, refused


def _raising(error: Exception) -> Any:
    async def submit(*_: Any) -> Any:
        raise error

    return submit


@pytest.mark.parametrize("error", [QueueFull(), LedgerUnavailable()], ids=lambda error: error.code)
async def test_overload_says_when_to_come_again(
    admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, member: str, error: LoyaltyError
) -> None:
    monkeypatch.setattr(Engine, "submit", _raising(error))
    response = await admin.post(f"{member}/sign-ins")
    assert (response.status_code, response.json()["code"]) == (503, error.code)
    assert response.headers["retry-after"] == "1"


async def test_a_command_that_broke_is_a_fault_of_ours(
    admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, member: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Engine, "submit", _raising(InternalError()))
        problem = await refused(admin, "POST", f"{member}/sign-ins", code="internal_error")
    assert problem["status"] == 500
    await answered(admin, "POST", f"{member}/sign-ins", status=201)


async def test_the_ledger_names_who_asked_and_the_request(admin: httpx.AsyncClient, member: str) -> None:
    response = await admin.post(f"{member}/sign-ins", headers={"X-Request-Id": "till-7.42"})
    assert response.headers["x-request-id"] == "till-7.42"
    entries = await answered(admin, "GET", f"{member}/entries", status=200)
    assert (entries["data"][0]["actor"], entries["data"][0]["request_id"]) == ("bootstrap", "till-7.42")
