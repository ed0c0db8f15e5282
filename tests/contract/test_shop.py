"""Every operation goes well once what it needs is there: what the other tests here take for granted."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.contract.operations import Operation, operations
from tests.contract.shop import Shop, new_id
from tests.routers.conftest import BOOTSTRAP_KEY


@pytest.mark.parametrize("operation", [pytest.param(each, id=each.name) for each in operations(sandbox=True)])
async def test_an_operation_is_carried_out(
    operation: Operation, shop: Shop, caller: Callable[[str], httpx.AsyncClient]
) -> None:
    admin = caller(f"Bearer {BOOTSTRAP_KEY}")
    call = await shop.call(operation)
    headers = {"Idempotency-Key": new_id("k")} if operation.needs_key else {}
    answer = await admin.request(call.method, call.path, json=call.body, headers=headers)
    assert answer.is_success, answer.text
    if operation.name == "run_batch":
        assert {result["status"] for result in answer.json()["results"]} <= {200, 201}, answer.text
