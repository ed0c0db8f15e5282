"""API keys over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import select

from app.actions.keys import ensure_admin_key
from app.database import Database
from app.models.api_keys import ApiKey

AsCaller = Callable[[str | None], httpx.AsyncClient]


async def make(client: httpx.AsyncClient, *scopes: str, key: str, name: str = "checkout") -> httpx.Response:
    return await client.post(
        "/v1/keys", json={"name": name, "scopes": list(scopes)}, headers={"Idempotency-Key": key}
    )


class TestCreating:
    async def test_the_key_works_and_only_its_hash_is_stored(
        self, admin: httpx.AsyncClient, as_caller: AsCaller, database: Database
    ) -> None:
        answer = await make(admin, "keys:write", "points:write", key="create-1")
        assert answer.status_code == 201
        made = answer.json()
        assert made["scopes"] == ["keys:write", "points:write"]
        assert (made["created_by"], made["revoked_at"]) == ("bootstrap", None)
        assert made["created_at"].endswith("Z")
        assert (await as_caller(made["key"]).get("/v1/keys")).status_code == 200
        async with database.engine.connect() as connection:
            row = (await connection.execute(select(ApiKey).where(ApiKey.key_id == made["id"]))).one()
        secret = made["key"].rpartition("_")[2]
        assert all(
            secret not in str(value) and secret.encode() not in bytes(str(value), "utf-8") for value in row
        )
        assert all(secret.encode() not in value for value in row if isinstance(value, bytes))

    async def test_the_same_request_gives_the_same_key_again(self, admin: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(*(make(admin, "points:read", key="create-2") for _ in range(8)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7

    async def test_another_request_under_the_same_key_is_refused(self, admin: httpx.AsyncClient) -> None:
        await make(admin, "points:read", key="create-3")
        answer = await make(admin, "points:read", key="create-3", name="another")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")

    async def test_it_needs_an_idempotency_key(self, admin: httpx.AsyncClient) -> None:
        answer = await admin.post("/v1/keys", json={"name": "x", "scopes": ["admin"]})
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")

    async def test_nobody_gives_what_they_do_not_hold(
        self, admin: httpx.AsyncClient, as_caller: AsCaller
    ) -> None:
        keeper = as_caller((await make(admin, "keys:write", key="create-4")).json()["key"])
        assert (await make(keeper, "keys:write", key="create-5")).status_code == 201
        for scope in ("admin", "points:write"):
            answer = await make(keeper, scope, key=f"create-6-{scope}")
            assert (answer.status_code, answer.json()["required_scope"]) == (403, scope)

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"name": "", "scopes": ["admin"]}, "/name"),
            ({"name": "a\nb", "scopes": ["admin"]}, "/name"),
            ({"name": "x", "scopes": []}, "/scopes"),
            ({"name": "x", "scopes": ["everything"]}, "/scopes/0"),
            ({"name": "x", "scopes": "admin"}, "/scopes"),
        ],
    )
    async def test_a_wrong_request_is_refused(
        self, admin: httpx.AsyncClient, body: dict[str, object], pointer: str
    ) -> None:
        answer = await admin.post("/v1/keys", json=body, headers={"Idempotency-Key": "create-7"})
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


class TestListing:
    async def test_pages_are_newest_first_and_miss_none(self, admin: httpx.AsyncClient) -> None:
        made = [(await make(admin, "points:read", key=f"list-{n}")).json()["id"] for n in range(5)]
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = await admin.get("/v1/keys", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
            page = answer.json()
            assert len(page["data"]) <= 2
            seen += [key["id"] for key in page["data"]]
            cursor = page["next_cursor"]
        assert len(seen) == len(set(seen))
        assert [key_id for key_id in seen if key_id in made] == made[::-1]
        assert "key" not in page["data"][0]

    @pytest.mark.parametrize("cursor", ["x", "e30", "W10", "WzEsMl0", "WyIyMDI2LTAxLTAxIiwieCJd", "A" * 1024])
    async def test_a_made_up_cursor_is_refused(self, admin: httpx.AsyncClient, cursor: str) -> None:
        answer = await admin.get("/v1/keys", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid")

    @pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=%00", "cursor=", "limt=5"])
    async def test_a_wrong_query_is_refused(self, admin: httpx.AsyncClient, query: str) -> None:
        answer = await admin.get(f"/v1/keys?{query}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"


class TestRevoking:
    async def test_a_revoked_key_is_refused_once_that_is_answered(
        self, admin: httpx.AsyncClient, as_caller: AsCaller
    ) -> None:
        made = (await make(admin, "keys:write", key="revoke-1")).json()
        holder = as_caller(made["key"])
        assert (await holder.get("/v1/keys")).status_code == 200

        async def use_it() -> None:
            while (await holder.get("/v1/keys")).status_code == 200:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)

        using = asyncio.create_task(use_it())
        answer = await admin.post(f"/v1/keys/{made['id']}/revoke")
        assert answer.status_code == 200
        assert (answer.json()["revoked_by"], "key" in answer.json()) == ("bootstrap", False)
        refusal = await holder.get("/v1/keys")
        assert (refusal.status_code, refusal.json()["code"]) == (401, "key_revoked")
        await using
        again = await admin.post(f"/v1/keys/{made['id']}/revoke")
        assert again.json() == answer.json()
        assert again.headers["idempotent-replayed"] == "true"

    async def test_an_unknown_key_is_told(self, admin: httpx.AsyncClient) -> None:
        answer = await admin.post("/v1/keys/Kq3nV0sYb8Zd/revoke")
        assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")

    async def test_a_lesser_key_can_not_revoke_a_greater_one(
        self, admin: httpx.AsyncClient, as_caller: AsCaller
    ) -> None:
        greater = (await make(admin, "admin", key="revoke-2")).json()
        lesser = as_caller((await make(admin, "keys:write", key="revoke-3")).json()["key"])
        answer = await lesser.post(f"/v1/keys/{greater['id']}/revoke")
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_of_two_first_starts_one_makes_the_administrator(fresh_database_url: str) -> None:
    database = Database(fresh_database_url)
    try:
        keys = await asyncio.gather(*(ensure_admin_key(database) for _ in range(4)))
        assert sum(key is not None for key in keys) == 1
        assert await ensure_admin_key(database) is None
    finally:
        await database.dispose()
