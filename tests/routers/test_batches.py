"""Many operations in one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.domain.errors import LoyaltyError
from app.ledger.engine import Engine, LedgerUnavailable, QueueFull
from app.ledger.request import InternalError
from tests.routers.asking import answered, balance, mistaken, new_id, refused

Caller = Callable[[str | None], httpx.AsyncClient]


async def run(client: httpx.AsyncClient, *operations: Any, **options: Any) -> list[dict[str, Any]]:
    """The results of a batch."""
    body = {"operations": list(operations)}
    results = (await answered(client, "POST", "/v1/batches", body, status=200, **options))["results"]
    assert len(results) == len(operations)
    assert all(result.keys() == {"status", "body", "replayed"} for result in results)
    return results


def statuses(results: list[dict[str, Any]]) -> list[int]:
    return [result["status"] for result in results]


async def test_one_members_operations_each_see_those_before(admin: httpx.AsyncClient) -> None:
    one, other = new_id(), new_id()
    results = await run(
        admin,
        {"op": "enrol", "member_id": one, "name": "王"},
        {"op": "enrol", "member_id": other},
        {"op": "accrue", "member_id": one, "order_id": "o-1", "amount": 30_000},
        {"op": "accrue", "member_id": one, "order_id": "o-2", "amount": 10_000, "settle": "later"},
        {"op": "settle", "member_id": one, "order_id": "o-2"},
        {"op": "reverse", "member_id": one, "order_id": "o-1", "reference": "f", "amount": 10_000},
        {"op": "redeem", "member_id": one, "reference": "r-1", "points": 100},
        {"op": "redeem", "member_id": one, "reference": "r-2", "points": 50, "mode": "reserve"},
        {"op": "redeem", "member_id": one, "reference": "r-3", "points": 50, "mode": "reserve"},
        {"op": "commit", "member_id": one, "reference": "r-2", "points": 30},
        {"op": "cancel", "member_id": one, "reference": "r-3"},
        {"op": "refund", "member_id": one, "redemption": "r-1", "reference": "f", "points": 40},
        {"op": "sign_in", "member_id": one},
        {"op": "adjust", "member_id": one, "reference": "a", "points": -5, "reason": "test"},
        {"op": "transfer", "member_id": one, "reference": "t", "to": other, "points": 15},
        {"op": "enrol", "member_id": one},
    )
    assert statuses(results) == [
        201,
        201,
        201,
        201,
        200,
        200,
        201,
        201,
        201,
        200,
        200,
        200,
        201,
        201,
        201,
        200,
    ]
    assert not any(result["replayed"] for result in results)
    assert results[14]["body"]["balance"] == balance(300 + 100 - 100 - 100 - 30 + 40 + 10 - 5 - 15)
    assert results[15]["body"] == await answered(admin, "GET", f"/v1/members/{one}", status=200)
    received = await answered(admin, "GET", f"/v1/members/{other}", status=200)
    assert received["points"]["available"] == 15


async def test_each_is_answered_as_its_own_call(
    admin: httpx.AsyncClient, member_id: str, member: str
) -> None:
    order = {"order_id": "o-1", "amount": 30_000}
    accrue = {"op": "accrue", "member_id": member_id, **order}
    (first,) = await run(admin, accrue)
    assert first["body"] == await answered(
        admin, "POST", f"{member}/accruals", order, status=200, replayed=True
    )
    (again,) = await run(admin, accrue)
    assert again == {"status": 200, "body": first["body"], "replayed": True}
    (clash,) = await run(admin, accrue | {"amount": 1})
    problem = await refused(
        admin, "POST", f"{member}/accruals", order | {"amount": 1}, code="order_already_accrued"
    )
    assert clash["status"] == 409
    assert clash["body"] | {"request_id": ""} == problem | {"request_id": ""}


async def test_a_bad_operation_fails_alone(admin: httpx.AsyncClient, member_id: str) -> None:
    def accrue(order_id: str, amount: Any) -> dict[str, Any]:
        return {"op": "accrue", "member_id": member_id, "order_id": order_id, "amount": amount}

    results = await run(
        admin,
        accrue("o-1", 100),
        accrue("o-2", "100"),
        accrue("o-3", 100) | {"amout": 1},
        {"op": "redeem", "member_id": member_id, "reference": "r", "points": 9},
        {"op": "accrue", "member_id": new_id(), "order_id": "o", "amount": 1},
        {"op": "burn", "member_id": member_id},
        {"member_id": member_id},
        {"op": ["accrue"]},
        {"op": "sign_in"},
        None,
        "accrue",
        accrue("o-1", 100),
        accrue("o-4", 100),
    )
    assert statuses(results) == [201, 422, 422, 409, 404, 422, 422, 422, 422, 422, 422, 200, 201]
    told = [
        result["body"]["errors"][0]["pointer"] if "errors" in result["body"] else result["body"].get("code")
        for result in results
    ]
    assert told[1:-2] == [
        "/amount",
        "/amout",
        "insufficient_points",
        "member_not_found",
        "/op",
        "/op",
        "/op",
        "/member_id",
        "",
        "",
    ]
    assert results[-1]["body"]["balance"] == balance(2)


async def test_each_operation_needs_the_scope_of_its_own_call(
    admin: httpx.AsyncClient, as_caller: Caller, member_id: str
) -> None:
    made = await admin.post(
        "/v1/keys", json={"name": "pos", "scopes": ["points:write"]}, headers={"Idempotency-Key": new_id("k")}
    )
    results = await run(
        as_caller(made.json()["key"]),
        {"op": "sign_in", "member_id": member_id},
        {"op": "adjust", "member_id": member_id, "reference": "a", "points": 1, "reason": "x"},
        {"op": "enrol", "member_id": member_id},
    )
    assert statuses(results) == [201, 403, 403]
    assert [result["body"].get("required_scope") for result in results[1:]] == [
        "points:adjust",
        "members:write",
    ]


async def test_a_thousand_operations_on_one_member(admin: httpx.AsyncClient, member_id: str) -> None:
    results = await run(
        admin,
        *(
            {"op": "accrue", "member_id": member_id, "order_id": f"o-{number}", "amount": 100}
            for number in range(1000)
        ),
    )
    assert [result["body"]["balance"]["available"] for result in results] == list(range(1, 1001))


async def test_hundreds_of_orders_of_many_members(admin: httpx.AsyncClient) -> None:
    """The engine takes them by bucket; each is answered in its place, and one member's keep their order."""
    members = [new_id() for _ in range(20)]
    await run(admin, *({"op": "enrol", "member_id": member_id} for member_id in members))
    orders = [
        {"op": "accrue", "member_id": member_id, "order_id": f"o-{number}", "amount": 100}
        for number in range(30)
        for member_id in members
    ]
    results = await run(admin, *orders[:300], {"op": "accrue"}, *orders[300:])
    assert results.pop(300)["status"] == 422
    assert [(result["body"]["order_id"], result["body"]["balance"]["available"]) for result in results] == [
        (f"o-{number}", number + 1) for number in range(30) for _ in members
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/operations"),
        ({"operations": []}, "/operations"),
        ({"operations": {}}, "/operations"),
        ({"operations": [{"op": "sign_in", "member_id": "u"}] * 1001}, "/operations"),
        ({"operations": [{"op": "sign_in", "member_id": "u"}], "atomic": True}, "/atomic"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_wrong_with_all_of_it_is_told(
    admin: httpx.AsyncClient, body: Any, pointer: str
) -> None:
    await mistaken(admin, "POST", "/v1/batches", body, pointer=pointer)


async def test_up_to_eight_mebibytes_are_read(admin: httpx.AsyncClient) -> None:
    big = {"operations": [{"op": "sign_in", "member_id": "x" * 2_000_000}]}
    assert (await run(admin, *big["operations"]))[0]["status"] == 422
    bigger = {"operations": [{"op": "sign_in", "member_id": "x" * 8_400_000}]}
    problem = await refused(admin, "POST", "/v1/batches", bigger, code="body_too_large")
    assert problem["status"] == 413


class TestIdempotencyKeys:
    async def test_the_whole_answer_comes_again(self, admin: httpx.AsyncClient, member_id: str) -> None:
        key = new_id("k")
        operations = (
            {"op": "accrue", "member_id": member_id, "order_id": "o", "amount": 100},
            {"op": "redeem", "member_id": member_id, "reference": "r", "points": 9},
        )
        first = await run(admin, *operations, key=key)
        assert statuses(first) == [201, 409]
        await run(admin, {"op": "accrue", "member_id": member_id, "order_id": "p", "amount": 5_000})
        assert await run(admin, *operations, key=key, replayed=True) == first
        body = {"operations": [operations[0]]}
        await refused(admin, "POST", "/v1/batches", body, code="idempotency_key_reused", key=key)

    async def test_an_answer_with_a_fault_of_ours_is_not_kept(
        self, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, member_id: str
    ) -> None:
        key = new_id("k")
        sign_in = {"op": "sign_in", "member_id": member_id}
        with monkeypatch.context() as patched:
            patched.setattr(Engine, "submit_all", _answering([InternalError()]))
            (failed,) = await run(admin, sign_in, key=key)
        assert (failed["status"], failed["body"]["code"]) == (500, "internal_error")
        assert statuses(await run(admin, sign_in, key=key)) == [201]


def _answering(results: list[Any]) -> Any:
    async def submit_all(*_: Any) -> list[Any]:
        return results

    return submit_all


class TestOverload:
    @pytest.mark.parametrize("refusal", [QueueFull(), LedgerUnavailable()], ids=lambda error: error.code)
    async def test_all_of_it_is_told_as_one(
        self,
        admin: httpx.AsyncClient,
        monkeypatch: pytest.MonkeyPatch,
        member_id: str,
        refusal: LoyaltyError,
    ) -> None:
        monkeypatch.setattr(Engine, "submit_all", _answering([refusal, refusal]))
        sign_in = {"op": "sign_in", "member_id": member_id}
        response = await admin.post("/v1/batches", json={"operations": [sign_in, sign_in]})
        assert (response.status_code, response.json()["code"]) == (503, refusal.code)
        assert response.headers["retry-after"] == "1"

    async def test_a_part_of_it_is_told_by_itself(
        self, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, member_id: str
    ) -> None:
        real = Engine.submit_all

        async def submit_all(engine: Engine, requests: Any) -> list[Any]:
            return [*await real(engine, requests[:1]), QueueFull()]

        monkeypatch.setattr(Engine, "submit_all", submit_all)
        sign_in = {"op": "sign_in", "member_id": member_id}
        results = await run(admin, sign_in, sign_in)
        assert statuses(results) == [201, 503]
        assert results[1]["body"]["code"] == "overloaded"
