"""The door: who passes, what is read, and that it is decided in that order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Request

from app.routers import door
from app.routers.dependencies import idempotency_key_of
from app.routers.door import BODY_LIMIT_BYTES, BULK_BODY_LIMIT_BYTES, caller_of, require
from app.schemas.common import AmountFen, MemberId, Wire
from tests.tokens import Issuer

AsCaller = Callable[[str | None], httpx.AsyncClient]
router = door.router("points")


class Probe(Wire):
    """A body."""

    amount: AmountFen


@router.post("/v1/members/{member_id}/probe")
@require("points:write", member=True)
async def probe(member_id: MemberId, body: Probe, request: Request) -> dict[str, str | int | None]:
    """Answer who called with what."""
    return {
        "actor": caller_of(request).actor,
        "amount": body.amount,
        "key": idempotency_key_of(request),
    }


@router.post("/v1/bulk-probe")
@require(None, is_bulk=True)
async def bulk_probe(request: Request) -> int:
    """Count what comes."""
    return len(await request.body())


@router.get("/v1/broken")
@door.public
async def broken() -> None:
    """Fail."""
    raise RuntimeError("a secret of ours")


@router.get("/v1/unreachable")
@door.public
async def unreachable() -> None:
    """Fail as without a database."""
    raise ConnectionRefusedError


@router.get("/v1/dropped")
@door.public
async def dropped() -> None:
    """Fail as on a connection that the server ended while it was idle."""
    raise asyncpg.InternalClientError("got result for unknown protocol state 0")


@pytest.fixture
async def service(service: FastAPI) -> FastAPI:
    """The application with a few routes more."""
    service.router.routes[:0] = router.routes
    return service


PROBE = "/v1/members/u-1/probe"


def told(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, problem["code"]


def test_a_route_that_does_not_say_who_may_call_it_can_not_be_made() -> None:
    async def endpoint() -> None:
        """Nothing."""

    with pytest.raises(AssertionError, match="who may call it"):
        door.router("points").get("/v1/nothing")(endpoint)


async def test_a_key_that_may_passes(admin: httpx.AsyncClient) -> None:
    answer = await admin.post(PROBE, json={"amount": 1}, headers={"Idempotency-Key": "k"})
    assert answer.json() == {"actor": "bootstrap", "amount": 1, "key": "k"}


async def test_a_member_passes_for_themselves_alone(as_caller: AsCaller, issuer: Issuer) -> None:
    member = as_caller(issuer.token("u-1"))
    assert (await member.post(PROBE, json={"amount": 1})).json()["actor"] == "member:u-1"
    assert told(await member.post("/v1/members/u-2/probe", json={"amount": 1})) == (403, "not_your_member")
    assert told(await member.post("/v1/bulk-probe", json={})) == (403, "not_for_members")


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "k" * 256])
async def test_a_misshapen_idempotency_key_is_refused(admin: httpx.AsyncClient, key: str) -> None:
    answer = await admin.post(PROBE, json={"amount": 1}, headers={b"Idempotency-Key": key.encode()})
    assert told(answer) == (422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == "Idempotency-Key"


async def test_nobody_unknown_has_a_body_read(nobody: httpx.AsyncClient) -> None:
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"["

    answer = await nobody.post(PROBE, content=body(), headers={"Content-Type": "application/json"})
    assert told(answer) == (401, "credential_missing")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not read


async def test_a_body_over_the_limit_is_refused(admin: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    padding = b" " * (BODY_LIMIT_BYTES - 12)
    assert (await admin.post(PROBE, content=b'{"amount":1}' + padding, headers=headers)).status_code == 200
    too_long = b'{"amount":1} ' + padding
    answer = await admin.post(PROBE, content=too_long, headers=headers)
    assert told(answer) == (413, "body_too_large")
    assert answer.json()["limit"] == BODY_LIMIT_BYTES

    async def chunks() -> AsyncIterator[bytes]:
        yield too_long[:1000]
        yield too_long[1000:]

    answer = await admin.post(PROBE, content=chunks(), headers=headers | {"Transfer-Encoding": "chunked"})
    assert told(answer) == (413, "body_too_large")


async def test_a_body_in_chunks_is_read_as_any(admin: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"amo'
        yield b'unt":1}'

    headers = {"Content-Type": "application/json; charset=utf-8", "Transfer-Encoding": "chunked"}
    assert (await admin.post(PROBE, content=chunks(), headers=headers)).status_code == 200


async def test_bulk_routes_read_more(admin: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    assert (
        await admin.post("/v1/bulk-probe", content=b" " * BULK_BODY_LIMIT_BYTES, headers=headers)
    ).json() == BULK_BODY_LIMIT_BYTES
    answer = await admin.post("/v1/bulk-probe", content=b" " * (BULK_BODY_LIMIT_BYTES + 1), headers=headers)
    assert told(answer) == (413, "body_too_large")


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/x-www-form-urlencoded", "json", "application/jsonp"]
)
async def test_another_media_type_is_refused(admin: httpx.AsyncClient, media_type: str) -> None:
    answer = await admin.post(PROBE, content=b'{"amount":1}', headers={"Content-Type": media_type})
    assert told(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON;charset=utf-8", "application/x+json"]
)
async def test_json_by_any_name_is_taken(admin: httpx.AsyncClient, media_type: str) -> None:
    answer = await admin.post(PROBE, content=b'{"amount":1}', headers={"Content-Type": media_type})
    assert answer.status_code == 200


MALFORMED = {
    "cut": b'{"amount":',
    "text": b"amount=1",
    "not UTF-8": b'{"amount": "\xff\xfe"}',
    "NUL": b'{"amount": 1}\0',
    "huge integer": b'{"amount": ' + b"9" * 5000 + b"}",
    "deep": b'{"amount": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "deep object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_no_json_is_refused(admin: httpx.AsyncClient, body: bytes) -> None:
    answer = await admin.post(PROBE, content=body, headers={"Content-Type": "application/json"})
    assert told(answer) == (400, "malformed_json")


WRONG = {
    "null": (b"null", "", "model_attributes_type"),
    "list": (b"[]", "", "model_attributes_type"),
    "empty": (b"", "", "missing"),
    "missing": (b"{}", "/amount", "missing"),
    "text": (b'{"amount": "100"}', "/amount", "int_type"),
    "fraction": (b'{"amount": 1.0}', "/amount", "int_type"),
    "boolean": (b'{"amount": true}', "/amount", "int_type"),
    "infinite": (b'{"amount": 1e400}', "/amount", "int_type"),
    "not a number": (b'{"amount": NaN}', "/amount", "int_type"),
    "negative": (b'{"amount": -1}', "/amount", "greater_than_equal"),
    "large": (b'{"amount": 1000000000001}', "/amount", "less_than_equal"),
    "very large": (b'{"amount": ' + b"9" * 4000 + b"}", "/amount", "less_than_equal"),
    "surrogate": (b'{"amount": "\\ud800"}', "/amount", "int_type"),
    "typo": (b'{"amount": 1, "ammount": 1}', "/ammount", "extra_forbidden"),
    "pointer": (b'{"amount": 1, "a/b~c": 1}', "/...", "extra_forbidden"),
    "surrogate name": (b'{"amount": 1, "\\ud800": 1}', "", "string_unicode"),
    "long name": (b'{"amount": 1, "' + b"a" * 100_000 + b'": 1}', "/...", "extra_forbidden"),
}


@pytest.mark.parametrize(("body", "pointer", "code"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_told_with_its_place(
    admin: httpx.AsyncClient, body: bytes, pointer: str, code: str
) -> None:
    answer = await admin.post(PROBE, content=body, headers={"Content-Type": "application/json"})
    assert told(answer) == (422, "validation_failed")
    assert [(each["in"], each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("body", pointer, code)
    ]
    assert len(answer.content) < 1000, "nothing that was sent is repeated"


async def test_many_mistakes_are_told_in_part(admin: httpx.AsyncClient) -> None:
    answer = await admin.post(PROBE, json={f"f{n}": n for n in range(20_000)})
    assert told(answer) == (422, "validation_failed")
    assert len(answer.json()["errors"]) == 50


@pytest.mark.parametrize("member_id", ["a b", "%00", "%ED%A0%80", "u-1%0A", "a" * 65, "%E7%8E%8B", "a%2Fb"])
async def test_an_id_of_another_shape_is_refused(admin: httpx.AsyncClient, member_id: str) -> None:
    answer = await admin.post(f"/v1/members/{member_id}/probe", json={"amount": 1})
    if "%2F" in member_id:
        assert told(answer) == (404, "not_found")
        return
    assert told(answer) == (422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == "{member_id}"


async def test_a_path_that_leads_nowhere_is_told(nobody: httpx.AsyncClient) -> None:
    for path in ("/", "/v1", "/v1/keys/", "/v1/nothing"):
        assert told(await nobody.get(path)) == (404, "not_found")


async def test_another_method_is_told_with_those_it_takes(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.put("/v1/keys/Kq3nV0sYb8Zd/revoke")
    assert told(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


async def test_a_fault_of_ours_is_told_without_its_cause(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/v1/broken")
    assert told(answer) == (500, "internal_error")
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", ["/v1/unreachable", "/v1/dropped"])
async def test_a_database_out_of_reach_asks_for_patience(nobody: httpx.AsyncClient, path: str) -> None:
    answer = await nobody.get(path)
    assert told(answer) == (503, "database_unavailable")
    assert answer.headers["retry-after"] == "1"
