"""What holds for every POST, from the document, so that no new one is forgotten."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.operations import Operation, operations

every = pytest.mark.parametrize(
    "operation", [pytest.param(each, id=each.name) for each in operations() if each.method == "POST"]
)


@every
async def test_an_unknown_field_is_told(operation: Operation, admin: httpx.AsyncClient) -> None:
    answer = await admin.post(
        operation.path, json={"no_such_field": 1}, headers={"Idempotency-Key": operation.name}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert ("/no_such_field", "extra_forbidden") in [
        (mistake["pointer"], mistake["code"]) for mistake in answer.json()["errors"]
    ]


@every
async def test_a_misshapen_idempotency_key_is_refused(operation: Operation, admin: httpx.AsyncClient) -> None:
    body = operation.said["requestBody"]["content"]["application/json"]
    examples = [each["value"] for each in body.get("examples", {}).values()] or [body["example"]]
    answer = await admin.post(operation.path, json=examples[0], headers={"Idempotency-Key": "two words"})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == "Idempotency-Key"
