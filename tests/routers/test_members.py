"""Members over HTTP: enrol, update, read, list, freeze, erase."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.database import Database
from tests.routers.asking import answered, mistaken, new_id, refused
from tests.tokens import Issuer

PERSON: dict[str, Any] = {
    "name": "王小明",
    "phone": "+86 138 0013 8000",
    "email": "Xiaoming@Example.com",
    "birthday": "1990-05-17",
    "gender": "male",
    "region": "CN-31",
    "referred_by": "u-1000",
    "attributes": {"favourite_store": "上海", "newsletter": True, "visits": 3, "note": None},
}
Caller = Callable[[str | None], httpx.AsyncClient]


async def key_with(admin: httpx.AsyncClient, *scopes: str) -> str:
    """A key that holds these scopes and no other."""
    made = await admin.post(
        "/v1/keys", json={"name": "test", "scopes": scopes}, headers={"Idempotency-Key": new_id("k")}
    )
    return made.json()["key"]


class TestEnrolling:
    async def test_a_new_member_stands_at_the_beginning(self, admin: httpx.AsyncClient) -> None:
        member_id = new_id()
        got = await answered(admin, "PUT", f"/v1/members/{member_id}", {}, status=201)
        joined_at = got["joined_at"]
        assert abs(datetime.fromisoformat(joined_at) - datetime.now(UTC)) < timedelta(minutes=1)
        assert got == {
            "member_id": member_id,
            "status": "active",
            "joined_at": joined_at,
            "tier": {
                "code": "bronze",
                "name": "青铜会员",
                "since": joined_at,
                "valid_until": None,
                "next": {"code": "silver", "amount_to_go": 30_000},
            },
            "points": {
                "available": 0,
                "pending": 0,
                "reserved": 0,
                "debt": 0,
                "earned": 0,
                "redeemed": 0,
                "expired": 0,
                "next_expiration": None,
            },
            "growth": 0,
            "cash": 0,
            "spend": {"lifetime": 0, "window": 0},
            "sign_in": {"streak": 0, "signed_in_today": False, "last": None},
            "coupons": {"usable": 0},
        }
        assert await answered(admin, "PUT", f"/v1/members/{member_id}", {}, status=200) == got

    async def test_only_the_fields_given_change_and_null_clears(
        self, admin: httpx.AsyncClient, member_id: str, member: str
    ) -> None:
        await answered(admin, "PUT", member, PERSON, status=200)
        told = await answered(admin, "GET", f"{member}/profile", status=200)
        assert told.pop("updated_at")
        assert told == PERSON | {"member_id": member_id, "consents": {}}
        await answered(admin, "PUT", member, {"name": None, "region": "CN-11"}, status=200)
        await answered(admin, "PATCH", member, {"email": None, "attributes": {"a": 1}}, status=200)
        told = await answered(admin, "GET", f"{member}/profile", status=200)
        told.pop("updated_at")
        assert told == PERSON | {
            "member_id": member_id,
            "consents": {},
            "name": None,
            "email": None,
            "region": "CN-11",
            "attributes": {"a": 1},
        }

    async def test_a_patch_never_enrols(self, admin: httpx.AsyncClient) -> None:
        path = f"/v1/members/{new_id()}"
        await refused(admin, "PATCH", path, {"name": "x"}, code="member_not_found")
        await refused(admin, "GET", path, code="member_not_found")

    async def test_consent_is_recorded_with_its_time_and_text(
        self, admin: httpx.AsyncClient, member: str
    ) -> None:
        yes = {"granted": True, "text_version": "2026-01"}
        await answered(admin, "PUT", member, {"consents": {"marketing": yes, "sms": yes}}, status=200)
        first = (await answered(admin, "GET", f"{member}/profile", status=200))["consents"]
        assert {name: first["marketing"][name] for name in yes} == yes
        assert datetime.fromisoformat(first["marketing"]["recorded_at"])
        no = {"granted": False, "text_version": "2026-01"}
        await answered(admin, "PATCH", member, {"consents": {"marketing": no, "sms": yes}}, status=200)
        then = (await answered(admin, "GET", f"{member}/profile", status=200))["consents"]
        assert then["sms"] == first["sms"]
        assert then["marketing"]["granted"] is False
        assert then["marketing"]["recorded_at"] > first["marketing"]["recorded_at"]

    async def test_who_brought_a_member_is_told_once(
        self, admin: httpx.AsyncClient, member_id: str, member: str
    ) -> None:
        problem = await refused(admin, "PUT", member, {"referred_by": member_id}, code="referrer_is_self")
        assert problem["status"] == 422
        for same in ({"referred_by": None}, {"referred_by": "u-1"}, {"referred_by": "u-1"}, {}):
            await answered(admin, "PUT", member, same, status=200)
        for other in ({"referred_by": "u-2"}, {"referred_by": None}):
            problem = await refused(admin, "PATCH", member, other, code="referrer_fixed")
            assert problem["status"] == 409
        itself = new_id()
        await refused(admin, "PUT", f"/v1/members/{itself}", {"referred_by": itself}, code="referrer_is_self")
        await refused(admin, "GET", f"/v1/members/{itself}", code="member_not_found")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"name": ""}, "/name"),
            ({"name": "x" * 101}, "/name"),
            ({"name": "a\u0000b"}, "/name"),
            ({"name": 1}, "/name"),
            ({"phone": "abc"}, "/phone"),
            ({"phone": "12"}, "/phone"),
            ({"phone": 13800138000}, "/phone"),
            ({"email": "nobody"}, "/email"),
            ({"email": "a b@c"}, "/email"),
            ({"email": f"{'a' * 250}@b.cn"}, "/email"),
            ({"birthday": "1990-5-17"}, "/birthday"),
            ({"birthday": "1990-02-30"}, "/birthday"),
            ({"birthday": "2199-01-01"}, "/birthday"),
            ({"birthday": "1890-01-01"}, "/birthday"),
            ({"gender": ["m"]}, "/gender"),
            ({"referred_by": "a b"}, "/referred_by"),
            ({"consents": None}, "/consents"),
            ({"consents": {"marketing": True}}, "/consents/marketing"),
            (
                {"consents": {"marketing": {"granted": "yes", "text_version": "1"}}},
                "/consents/marketing/granted",
            ),
            ({"consents": {"marketing": {"granted": True}}}, "/consents/marketing/text_version"),
            ({"attributes": []}, "/attributes"),
            ({"attributes": {"a": 1.5}}, "/attributes/a"),
            ({"attributes": {"a": 2**60}}, "/attributes/a"),
            ({"attributes": {"a": "\0"}}, "/attributes/a"),
            ({"attributes": {"a b": 1}}, "/attributes/..."),
            ({"consents": {"9": {"granted": True, "text_version": "1"}}}, "/consents/9"),
            ({"tier": "gold"}, "/tier"),
            ({"member_id": "u-2"}, "/member_id"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_told(
        self, admin: httpx.AsyncClient, member: str, body: Any, pointer: str
    ) -> None:
        await mistaken(admin, "PUT", member, body, pointer=pointer)
        await mistaken(admin, "PATCH", member, body, pointer=pointer)

    @pytest.mark.parametrize("member_id", ["a b", "u/1", "用户", "u" * 65, "x@y.cn", "u%0A"])
    async def test_an_id_of_the_wrong_shape_is_told(self, admin: httpx.AsyncClient, member_id: str) -> None:
        response = await admin.put(f"/v1/members/{member_id}", json={})
        assert response.status_code in {404, 422}

    async def test_what_is_kept_of_a_person_is_not_in_clear(
        self, admin: httpx.AsyncClient, database: Database, member_id: str, member: str
    ) -> None:
        await answered(admin, "PUT", member, PERSON, status=200)
        connection = await database.connect()
        row = await connection.fetchrow("SELECT person.*::text FROM person WHERE member_id = $1", member_id)
        await connection.close()
        assert row is not None
        for secret in ("王小明", "13800138000", "138 0013", "example", "1990-05"):
            assert secret.encode().hex() not in row[0]
            assert secret not in row[0].replace(PERSON["region"], "")


class TestReading:
    async def test_the_status_follows_what_happens(self, admin: httpx.AsyncClient, rich: str) -> None:
        await answered(admin, "POST", f"{rich}/redemptions", {"reference": "a", "points": 300}, status=201)
        await answered(
            admin,
            "POST",
            f"{rich}/redemptions",
            {"reference": "b", "points": 100, "mode": "reserve"},
            status=201,
        )
        await answered(
            admin,
            "POST",
            f"{rich}/accruals",
            {"order_id": "o", "amount": 5_000, "settle": "later"},
            status=201,
        )
        signed_in = await answered(admin, "POST", f"{rich}/sign-ins", status=201)
        got = await answered(admin, "GET", rich, status=200)
        expiration = got["points"].pop("next_expiration")
        assert expiration["points"] == 610  # both lots end with the same day
        assert got["points"] == {
            "available": 610,
            "pending": 50,
            "reserved": 100,
            "debt": 0,
            "earned": 1010,
            "redeemed": 300,
            "expired": 0,
        }
        assert (got["growth"], got["cash"]) == (1005, 1000)
        assert got["spend"] == {"lifetime": 100_000, "window": 100_000}
        assert got["sign_in"] == {"streak": 1, "signed_in_today": True, "last": signed_in["date"]}
        assert got["tier"]["next"] == {"code": "gold", "amount_to_go": 200_000}

    async def test_a_status_known_already_is_not_sent_again(
        self, admin: httpx.AsyncClient, member: str
    ) -> None:
        first = await admin.get(member)
        tag = first.headers["etag"]
        assert tag.startswith('"')
        assert tag.endswith('"')
        for known in (tag, f"W/{tag}", f'"other", {tag}', f'W/"x",{tag} ', "*"):
            again = await admin.get(member, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), known
        for unknown in ('"other"', tag.strip('"'), "", f'"{tag[1:-2]}"'):
            again = await admin.get(member, headers={"If-None-Match": unknown})
            assert (again.status_code, again.content) == (200, first.content), unknown
        await answered(admin, "POST", f"{member}/sign-ins", status=201)
        changed = await admin.get(member, headers={"If-None-Match": tag})
        assert changed.status_code == 200
        assert changed.headers["etag"] != tag

    async def test_many_at_once_are_each_answered(self, admin: httpx.AsyncClient) -> None:
        members = [new_id() for _ in range(40)]
        for member_id in members[:20]:
            await answered(admin, "PUT", f"/v1/members/{member_id}", {}, status=201)
        got = await asyncio.gather(*(admin.get(f"/v1/members/{member_id}") for member_id in members * 2))
        for member_id, response in zip(members * 2, got, strict=True):
            if member_id in members[:20]:
                assert response.json()["member_id"] == member_id
            else:
                assert response.json()["code"] == "member_not_found"

    async def test_a_member_reads_itself_and_no_other(
        self, as_caller: Caller, issuer: Issuer, member_id: str, member: str
    ) -> None:
        own = as_caller(issuer.token(member_id))
        await answered(own, "GET", member, status=200)
        await answered(own, "GET", f"{member}/profile", status=200)
        await refused(own, "GET", f"/v1/members/{new_id()}", code="not_your_member")
        for method, path, body in (
            ("PUT", member, {}),
            ("PATCH", member, {}),
            ("DELETE", member, None),
            ("POST", f"{member}/freeze", None),
            ("POST", f"{member}/accruals", {"order_id": "o", "amount": 1}),
            ("POST", f"{member}/redemptions", {"reference": "r", "points": 1}),
            ("POST", f"{member}/adjustments", {"reference": "r", "points": 1, "reason": "x"}),
            ("POST", f"{member}/transfers", {"reference": "r", "points": 1, "to": "u"}),
            ("POST", "/v1/batches", {"operations": [{"op": "sign_in", "member_id": member_id}]}),
            ("GET", "/v1/members", None),
        ):
            problem = await refused(own, method, path, body, code="not_for_members")
            assert problem["status"] == 403

    async def test_the_person_needs_a_scope_of_its_own(
        self, admin: httpx.AsyncClient, as_caller: Caller, member: str
    ) -> None:
        reader = as_caller(await key_with(admin, "members:read"))
        await answered(reader, "GET", member, status=200)
        problem = await refused(reader, "GET", f"{member}/profile", code="scope_missing")
        assert (problem["status"], problem["required_scope"]) == (403, "members:pii")


class TestListing:
    async def test_pages_lead_through_all_members_once(self, admin: httpx.AsyncClient) -> None:
        joined_from = datetime.now(UTC).isoformat()
        members = {new_id() for _ in range(7)}
        for member_id in members:
            await answered(admin, "PUT", f"/v1/members/{member_id}", {}, status=201)
        found: list[str] = []
        query: dict[str, Any] = {"limit": 3, "joined_from": joined_from}
        for _ in range(9):
            page = (await admin.get("/v1/members", params=query)).json()
            assert len(page["data"]) <= 3
            found += [one["member_id"] for one in page["data"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert members <= set(found)
        assert len(found) == len(set(found))

    async def test_by_phone_and_email_however_they_are_written(
        self, admin: httpx.AsyncClient, member_id: str, member: str
    ) -> None:
        digits = f"{secrets.randbelow(10**8):08}"
        await answered(
            admin, "PUT", member, {"phone": f"139{digits}", "email": f"{member_id}@Shop.cn"}, status=200
        )

        async def found(query: str) -> list[str]:
            response = await admin.get(f"/v1/members?{query}")
            assert response.status_code == 200, response.text
            return [one["member_id"] for one in response.json()["data"]]

        for query in (f"phone=139{digits}", f"phone=%2B86%20139-{digits}", f"phone=+86139{digits}"):
            assert await found(query) == [member_id], query
        assert await found(f"email={member_id.upper()}@shop.CN") == [member_id]
        assert await found(f"phone=139{digits}&email=other@shop.cn") == []
        assert await found(f"phone=139{digits}&status=frozen") == []
        await answered(admin, "PATCH", member, {"phone": f"138{digits}"}, status=200)
        assert await found(f"phone=139{digits}") == []
        await answered(admin, "DELETE", member, status=200)
        assert await found(f"phone=138{digits}") == []

    async def test_by_tier_and_status(self, admin: httpx.AsyncClient, rich: str) -> None:
        member_id = rich.rpartition("/")[2]
        joined = (await answered(admin, "GET", rich, status=200))["joined_at"]
        fits = {"tier": "silver", "status": "active", "joined_from": joined}
        until = (datetime.fromisoformat(joined) + timedelta(microseconds=1)).isoformat()
        page = (await admin.get("/v1/members", params=fits | {"joined_to": until})).json()
        assert page == {"data": [await answered(admin, "GET", rich, status=200)], "next_cursor": None}
        for other in ({"tier": "gold"}, {"status": "erased"}, {"joined_to": joined}):
            page = (await admin.get("/v1/members", params=fits | {"joined_to": until} | other)).json()
            assert member_id not in [one["member_id"] for one in page["data"]]

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ({"limit": 0}, "?limit"),
            ({"limit": 201}, "?limit"),
            ({"status": "gone"}, "?status"),
            ({"phone": "x"}, "?phone"),
            ({"email": "x"}, "?email"),
            ({"joined_from": "yesterday"}, "?joined_from"),
            ({"name": "x"}, "?name"),
            ({"cursor": "a b"}, "?cursor"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_told(
        self, admin: httpx.AsyncClient, query: dict[str, str], pointer: str
    ) -> None:
        response = await admin.get("/v1/members", params=query)
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == pointer

    async def test_a_cursor_of_another_list_is_refused(self, admin: httpx.AsyncClient) -> None:
        await refused(admin, "GET", "/v1/members?cursor=bm9uc2Vuc2U", code="cursor_invalid")

    async def test_finding_a_person_needs_the_scope_to_see_one(
        self, admin: httpx.AsyncClient, as_caller: Caller
    ) -> None:
        reader = as_caller(await key_with(admin, "members:read"))
        assert (await reader.get("/v1/members?limit=1")).status_code == 200
        for query in ("phone=13800138000", "email=a@b.cn"):
            await refused(reader, "GET", f"/v1/members?{query}", code="scope_missing")


class TestFreezing:
    async def test_there_and_back(self, admin: httpx.AsyncClient, member: str) -> None:
        got = await answered(admin, "POST", f"{member}/freeze", {"reason": "stolen"}, status=200)
        assert got["status"] == "frozen"
        assert await answered(admin, "POST", f"{member}/freeze", status=200) == got
        got = await answered(admin, "POST", f"{member}/unfreeze", {}, status=200)
        assert got["status"] == "active"

    async def test_an_idempotency_key_answers_the_first_again(
        self, admin: httpx.AsyncClient, member: str
    ) -> None:
        key = new_id("k")
        frozen = await answered(admin, "POST", f"{member}/freeze", status=200, key=key)
        await answered(admin, "POST", f"{member}/unfreeze", status=200)
        again = await answered(admin, "POST", f"{member}/freeze", status=200, key=key, replayed=True)
        assert again == frozen
        assert (await answered(admin, "GET", member, status=200))["status"] == "active"

    async def test_refusals(self, admin: httpx.AsyncClient, member: str) -> None:
        unknown = f"/v1/members/{new_id()}"
        await mistaken(admin, "POST", f"{member}/freeze", {"why": "x"}, pointer="/why")
        await answered(admin, "DELETE", member, status=200)
        for verb in ("freeze", "unfreeze"):
            await refused(admin, "POST", f"{unknown}/{verb}", code="member_not_found")
            await refused(admin, "POST", f"{member}/{verb}", code="member_erased")


class TestErasing:
    async def test_the_person_goes_and_the_ledger_stands(
        self, admin: httpx.AsyncClient, member_id: str, rich: str
    ) -> None:
        await answered(admin, "PUT", rich, PERSON, status=200)
        before = await answered(admin, "GET", rich, status=200)
        got = await answered(admin, "DELETE", rich, status=200)
        assert got == before | {"status": "erased"}
        assert await answered(admin, "DELETE", rich, status=200) == got
        told = await answered(admin, "GET", f"{rich}/profile", status=200)
        assert told == dict.fromkeys(told) | {
            "member_id": member_id,
            "consents": {},
            "attributes": {},
        }
        assert (await answered(admin, "GET", f"{rich}/accruals/o-rich", status=200))["points"] == 1000
        await refused(admin, "PUT", rich, {}, code="member_erased")
        await refused(admin, "DELETE", f"/v1/members/{new_id()}", code="member_not_found")


async def test_a_method_that_is_not_taken_is_told_those_that_are(
    admin: httpx.AsyncClient, member: str
) -> None:
    response = await admin.post(member, json={})
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "DELETE, GET, PATCH, PUT"
