"""What the tests of the routes ask, and how they check the answer."""

from __future__ import annotations

import secrets
from typing import Any

import httpx

REPLAYED = "Idempotent-Replayed"


def new_id(prefix: str = "u") -> str:
    """An id nobody used before."""
    return f"{prefix}-{secrets.token_hex(6)}"


async def answered(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: Any = None,
    *,
    status: int,
    key: str | None = None,
    replayed: bool = False,
) -> Any:
    """The JSON of a request that must be answered with `status`, again or for the first time."""
    headers = {} if key is None else {"Idempotency-Key": key}
    response = await client.request(method, path, json=body, headers=headers)
    assert response.status_code == status, response.text
    assert (response.headers.get(REPLAYED) == "true") == replayed, response.headers
    if status < 400:
        assert response.headers["content-type"] == "application/json"
    return response.json()


async def refused(
    client: httpx.AsyncClient, method: str, path: str, body: Any = None, *, code: str, key: str | None = None
) -> dict[str, Any]:
    """The problem of a request that must be refused with `code`."""
    headers = {} if key is None else {"Idempotency-Key": key}
    response = await client.request(method, path, json=body, headers=headers)
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json", response.text
    assert problem["code"] == code, problem
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:loyalty:problem:{code}"
    assert problem["request_id"] == response.headers["x-request-id"]
    return problem


async def mistaken(
    client: httpx.AsyncClient, method: str, path: str, body: Any, *, pointer: str
) -> dict[str, Any]:
    """The one mistake at `pointer` of a request that must be told so."""
    problem = await refused(client, method, path, body, code="validation_failed")
    assert problem["status"] == 422
    assert [mistake["pointer"] for mistake in problem["errors"]] == [pointer], problem["errors"]
    return problem["errors"][0]


def balance(available: int = 0, *, pending: int = 0, reserved: int = 0, debt: int = 0) -> dict[str, int]:
    """A balance as it is answered."""
    return {"available": available, "pending": pending, "reserved": reserved, "debt": debt}
