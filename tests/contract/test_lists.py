"""Every list against cursors that no page ever ended with, so that no new list can be forgotten."""

from __future__ import annotations

import base64
import json
from itertools import product

import httpx
import pytest

from app.schemas.campaign_document import WELCOME
from tests.contract.operations import MEMBER, Operation, operations

LISTS = [
    each
    for each in operations()
    if "cursor" in [parameter["name"] for parameter in each.said.get("parameters", [])]
]
WHOLE_NUMBERS = [-(2**63), -1, 0, 2**15, 2**31, 2**63 - 1, 2**63, 10**50]
MOMENTS = ["2026-03-05T00:00:00+00:00", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"]


def cursor(*position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).rstrip(b"=").decode()


ALTERED = [
    *(cursor(number) for number in WHOLE_NUMBERS),
    *(cursor(number, "u-1") for number in WHOLE_NUMBERS),
    *(cursor(moment, number) for moment, number in product(MOMENTS, WHOLE_NUMBERS)),
    *(cursor(moment, number, "u-1", 1) for moment, number in product(MOMENTS, WHOLE_NUMBERS)),
    *(cursor(moment, 1, "u-1", number) for moment, number in product(MOMENTS, WHOLE_NUMBERS)),
    *(cursor(moment, text) for moment, text in product(MOMENTS, ["", "x", "\0", "\ud800"])),
    cursor("2026-03-05", 1, "u-1", 1),
    cursor("9999-12-31T23:59:59-23:59", 1, "u-1", 1),
    cursor(1.5),
    cursor(True),
    cursor(None),
    cursor([]),
]


@pytest.mark.parametrize("operation", [pytest.param(each, id=each.name) for each in LISTS])
async def test_an_altered_cursor_is_a_place_or_refused(
    operation: Operation, admin: httpx.AsyncClient
) -> None:
    await admin.put(f"/v1/members/{MEMBER}", json={})
    await admin.put("/v1/campaigns/x-1", json=WELCOME)
    for altered in ALTERED:
        answer = await admin.get(operation.path, params={"cursor": altered})
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid"), altered


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(each, id=each.name)
        for each in operations()
        if any(parameter["in"] == "query" for parameter in each.said.get("parameters", []))
    ],
)
async def test_a_typo_in_a_query_is_told(operation: Operation, admin: httpx.AsyncClient) -> None:
    await admin.put(f"/v1/members/{MEMBER}", json={})
    answer = await admin.get(operation.path, params={"as_off": "2026-03-05T00:00:00Z"})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == "?as_off"
