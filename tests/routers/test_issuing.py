"""Giving out coupons over HTTP: to members, and as codes."""

from __future__ import annotations

import asyncio
import csv
import secrets
from typing import Any

import httpx
import pytest

from app.actions.issuing import issue_all
from app.database import Database
from app.domain.coupon_commands import ClaimCoupon
from app.domain.posting import Caller
from app.ledger.coupon_codes import new_codes
from app.ledger.engine import Engine
from app.ledger.request import Request
from app.security.codes import ALPHABET, LENGTH
from tests.routers.asking import answered, mistaken, new_id, refused
from tests.routers.test_coupon_templates import PATH, made


def new_key() -> str:
    return secrets.token_hex(8)


async def issued(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    return await answered(client, "POST", f"{path}/issue", body, status=201, key=new_key())


async def exported(client: httpx.AsyncClient, path: str, query: str = "") -> list[dict[str, str]]:
    answer = await client.get(f"{path}/codes{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(answer.text.splitlines()))


async def count_issued(client: httpx.AsyncClient, path: str) -> int:
    return (await answered(client, "GET", path, status=200))["issued"]


# --- codes -----------------------------------------------------------------------------------------------


def test_codes_are_unguessable_and_easily_read() -> None:
    codes = new_codes(20_000)
    assert len(set(codes)) == 20_000
    letters = "".join(codes)
    assert set(letters) == set(ALPHABET) == set("23456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert {len(code) for code in codes} == {LENGTH}
    # Each letter as often as any: 10,667 times, give or take five standard deviations.
    assert all(abs(letters.count(letter) - 10_667) < 510 for letter in ALPHABET)


async def test_codes_are_made_and_take_stock(admin: httpx.AsyncClient) -> None:
    path = await made(admin, stock=2_500)
    answer = await issued(admin, path, codes=2_000, reason="leaflet")
    assert {**answer, "issue": ""} == {
        "issue": "",
        "template": path.removeprefix(f"{PATH}/"),
        "status": "done",
        "members": 0,
        "codes": 2_000,
        "done": 2_000,
        "issued": 2_000,
        "refused": [],
    }
    assert await answered(admin, "GET", f"{path}/issues/{answer['issue']}", status=200) == answer
    assert await count_issued(admin, path) == 2_000
    more = await issued(admin, path, codes=3)
    rows = await exported(admin, path)
    assert len({row["code"] for row in rows}) == len(rows) == 2_003
    assert {(row["status"], row["member_id"]) for row in rows} == {("available", "")}
    assert [row["code"] for row in rows] == sorted(row["code"] for row in rows)
    assert len(await exported(admin, path, f"?issue={more['issue']}")) == 3
    assert await exported(admin, path, f"?issue={'0' * 32}") == []
    problem = await refused(admin, "POST", f"{path}/issue", {"codes": 498}, code="coupon_exhausted", key="x1")
    assert (problem["status"], problem["left"]) == (409, 497)
    await issued(admin, path, codes=497)
    assert await count_issued(admin, path) == 2_500


async def test_codes_of_others_are_imported_all_or_none(admin: httpx.AsyncClient) -> None:
    path, other = await made(admin), await made(admin)
    prefix = secrets.token_hex(4)
    codes = [f"{prefix}-{number:02}" for number in range(40)]
    await issued(admin, other, codes=codes[10:30])
    body = {"codes": codes}
    problem = await refused(admin, "POST", f"{path}/issue", body, code="code_taken", key=new_key())
    assert (problem["status"], problem["count"], problem["codes"]) == (409, 20, codes[10:20])
    assert await exported(admin, path) == []
    assert await count_issued(admin, path) == 0
    await issued(admin, path, codes=codes[:10])
    assert [row["code"] for row in await exported(admin, path)] == codes[:10]
    assert await count_issued(admin, path) == 10


async def test_a_refusal_does_not_keep_the_key(admin: httpx.AsyncClient) -> None:
    path, key = await made(admin, stock=5), new_key()
    await refused(admin, "POST", f"{path}/issue", {"codes": 6}, code="coupon_exhausted", key=key)
    await answered(admin, "PATCH", path, {"stock": 6}, status=200)
    await answered(admin, "POST", f"{path}/issue", {"codes": 6}, status=201, key=key)


async def test_the_same_request_is_answered_again(admin: httpx.AsyncClient) -> None:
    path, other, key = await made(admin), await made(admin), new_key()
    first = await answered(admin, "POST", f"{path}/issue", {"codes": 5}, status=201, key=key)
    again = await answered(admin, "POST", f"{path}/issue", {"codes": 5}, status=201, key=key, replayed=True)
    assert again == first
    assert len(await exported(admin, path)) == 5
    for where, body in ((path, {"codes": 6}), (other, {"codes": 5}), (path, {"codes": 5, "reason": "x"})):
        await refused(admin, "POST", f"{where}/issue", body, code="idempotency_key_reused", key=key)


async def test_what_was_made_is_found_after_a_crash(admin: httpx.AsyncClient, database: Database) -> None:
    """The codes were committed and the answer was not: the same request finds them."""
    path, key = await made(admin), new_key()
    first = await answered(admin, "POST", f"{path}/issue", {"codes": 5}, status=201, key=key)
    connection = await database.connect()
    await connection.execute("UPDATE idempotency_key SET status = NULL, body = NULL")
    await connection.close()
    assert await answered(admin, "POST", f"{path}/issue", {"codes": 5}, status=201, key=key) == first
    assert len(await exported(admin, path)) == 5


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"members": ["u-1"], "codes": 1}, ""),
        ({"codes": 0}, "/codes"),
        ({"codes": "5"}, "/codes"),
        ({"codes": []}, "/codes"),
        ({"codes": ["A", "B", "c d"]}, "/codes/2"),
        ({"codes": ["A", "B", "A"]}, ""),
        ({"members": []}, "/members"),
        ({"members": ["u 1"]}, "/members/0"),
        ({"codes": 5, "reason": "\n"}, "/reason"),
    ],
)
async def test_a_wrong_request(admin: httpx.AsyncClient, body: dict[str, Any], pointer: str) -> None:
    path = await made(admin)
    answer = await admin.post(f"{path}/issue", json=body, headers={"Idempotency-Key": new_key()})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_key_is_required(admin: httpx.AsyncClient) -> None:
    path = await made(admin)
    await refused(admin, "POST", f"{path}/issue", {"codes": 5}, code="idempotency_key_missing")


async def test_templates_that_give_nothing_out(admin: httpx.AsyncClient, member_id: str) -> None:
    paused = await made(admin, state="paused")
    over = await made(admin, valid={"until": "2020-01-01T00:00:00Z"})
    automatic = await made(admin, automatic=True, eligible={"skus": ["of-this-test"]})
    for body in ({"codes": 5}, {"members": [member_id]}):
        for path, code in (
            (paused, "template_not_open"),
            (over, "template_not_open"),
            (automatic, "template_automatic"),
            (f"{PATH}/{new_id('t')}", "template_not_found"),
        ):
            await refused(admin, "POST", f"{path}/issue", body, code=code, key=new_key())


async def test_an_issue_belongs_to_its_template(admin: httpx.AsyncClient) -> None:
    path, other = await made(admin), await made(admin)
    issue = (await issued(admin, path, codes=1))["issue"]
    await refused(admin, "GET", f"{other}/issues/{issue}", code="issue_not_found")
    await refused(admin, "GET", f"{path}/issues/{'0' * 32}", code="issue_not_found")
    await mistaken(admin, "GET", f"{path}/issues/x", None, pointer="{issue}")


# --- races -----------------------------------------------------------------------------------------------


async def test_codes_never_exceed_the_stock(admin: httpx.AsyncClient) -> None:
    path = await made(admin, stock=100)
    answers = await asyncio.gather(
        *(
            admin.post(f"{path}/issue", json={"codes": 30}, headers={"Idempotency-Key": new_key()})
            for _ in range(8)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
    assert len(await exported(admin, path)) == 90 == await count_issued(admin, path)


async def test_the_stock_is_never_set_below_what_is_made(admin: httpx.AsyncClient) -> None:
    for _ in range(6):
        path = await made(admin, stock=100)
        making, setting = await asyncio.gather(
            admin.post(f"{path}/issue", json={"codes": 60}, headers={"Idempotency-Key": new_key()}),
            admin.patch(path, json={"stock": 50}),
        )
        figures = await answered(admin, "GET", path, status=200)
        assert sorted((making.status_code, setting.status_code)) in ([200, 409], [201, 409])
        assert figures["issued"] <= figures["stock"]


async def test_the_same_request_at_once_makes_codes_once(admin: httpx.AsyncClient) -> None:
    path, key = await made(admin), new_key()
    answers = await asyncio.gather(
        *(admin.post(f"{path}/issue", json={"codes": 20}, headers={"Idempotency-Key": key}) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(await exported(admin, path)) == 20 == await count_issued(admin, path)


async def test_overlapping_imports_at_once(admin: httpx.AsyncClient) -> None:
    paths = [await made(admin) for _ in range(4)]
    prefix = secrets.token_hex(4)
    codes = [f"{prefix}{number:03}" for number in range(300)]
    lists = [codes, codes[::-1], codes[100:200], codes[::3]]
    answers = await asyncio.gather(
        *(
            admin.post(f"{path}/issue", json={"codes": some}, headers={"Idempotency-Key": new_key()})
            for path, some in zip(paths, lists, strict=True)
        )
    )
    for path, some, answer in zip(paths, lists, answers, strict=True):
        assert answer.status_code in (201, 409), answer.text
        expected = len(some) if answer.status_code == 201 else 0
        assert len(await exported(admin, path)) == expected == await count_issued(admin, path)
    assert 201 in {answer.status_code for answer in answers}


# --- members ---------------------------------------------------------------------------------------------


async def test_members_get_theirs_at_once(admin: httpx.AsyncClient, member_id: str) -> None:
    path, key = await made(admin, per_member=1), new_key()
    body = {"members": [member_id, "nobody", member_id], "reason": "thanks"}
    first = await answered(admin, "POST", f"{path}/issue", body, status=201, key=key)
    assert {**first, "issue": ""} == {
        "issue": "",
        "template": path.removeprefix(f"{PATH}/"),
        "status": "done",
        "members": 2,
        "codes": 0,
        "done": 2,
        "issued": 1,
        "refused": [{"member_id": "nobody", "code": "member_not_found"}],
    }
    again = await answered(admin, "POST", f"{path}/issue", body, status=201, key=key, replayed=True)
    assert again == first
    assert await answered(admin, "GET", f"{path}/issues/{first['issue']}", status=200) == first
    other = await issued(admin, path, members=[member_id])
    assert other["refused"] == [{"member_id": member_id, "code": "coupon_limit_reached"}]
    assert await count_issued(admin, path) == 1
    # A coupon in a member's hands is no code for whoever brings it.
    assert await exported(admin, path) == []


async def test_what_was_begun_is_finished_after_a_crash(
    admin: httpx.AsyncClient, member_id: str, database: Database
) -> None:
    path, key = await made(admin), new_key()
    first = await answered(admin, "POST", f"{path}/issue", {"members": [member_id]}, status=201, key=key)
    connection = await database.connect()
    await connection.execute("UPDATE idempotency_key SET status = NULL, body = NULL")
    await connection.execute(
        "UPDATE coupon_issue_part SET done_at = NULL, issued = 0 WHERE issue = $1", first["issue"]
    )
    await connection.close()
    where = f"{path}/issues/{first['issue']}"
    assert (await answered(admin, "GET", where, status=200))["status"] == "running"
    again = await answered(admin, "POST", f"{path}/issue", {"members": [member_id]}, status=201, key=key)
    assert again == first
    assert await count_issued(admin, path) == 1


async def test_more_than_a_thousand_are_a_job(admin: httpx.AsyncClient, database: Database) -> None:
    path, key = await made(admin), new_key()
    body = {"members": [new_id("nobody") for _ in range(2_500)]}
    first = await answered(admin, "POST", f"{path}/issue", body, status=201, key=key)
    assert (first["status"], first["members"], first["done"]) == ("running", 2_500, 0)
    while await issue_all(database, is_sandbox=False):
        pass
    done = await answered(admin, "GET", f"{path}/issues/{first['issue']}", status=200)
    assert (done["status"], done["done"], done["issued"]) == ("done", 2_500, 0)
    assert [refused["member_id"] for refused in done["refused"]] == body["members"][:1_000]
    # As it was answered then.
    again = await answered(admin, "POST", f"{path}/issue", body, status=201, key=key, replayed=True)
    assert again == first


async def test_a_long_body_is_read_here_alone(admin: httpx.AsyncClient, database: Database) -> None:
    path = await made(admin)
    body = {"members": [f"u-{number:018}" for number in range(420_000)]}
    first = await answered(admin, "POST", f"{path}/issue", body, status=201, key=new_key())
    assert first["members"] == 420_000
    connection = await database.connect()
    # Nobody of them is there; the tests after this one needn't try.
    await connection.execute(
        "UPDATE coupon_issue_part SET done_at = clock_timestamp() WHERE issue = $1", first["issue"]
    )
    await connection.close()
    longer = {"members": body["members"] * 2}
    await refused(admin, "POST", f"{path}/issue", longer, code="body_too_large", key=new_key())
    await refused(admin, "POST", PATH, {"template": "x" * 2**20}, code="body_too_large")


async def test_a_code_tells_who_brought_it(
    admin: httpx.AsyncClient, member_id: str, database: Database
) -> None:
    path = await made(admin)
    codes = [secrets.token_hex(6) for _ in range(2)]
    await issued(admin, path, codes=codes)
    engine = Engine(database.connect)
    await engine.start()
    await engine.submit(Request(ClaimCoupon(member_id=member_id, code=codes[1]), Caller("key:test", "r-1")))
    await engine.stop()
    rows = {row["code"]: (row["status"], row["member_id"]) for row in await exported(admin, path)}
    assert rows == {codes[0]: ("available", ""), codes[1]: ("issued", member_id)}


async def test_codes_of_nobody_are_withdrawn(admin: httpx.AsyncClient) -> None:
    path, other = await made(admin), await made(admin)
    await issued(admin, path, codes=3)
    first, second, third = [row["code"] for row in await exported(admin, path)]
    member = new_id()
    await answered(admin, "PUT", f"/v1/members/{member}", {}, status=201)
    claim = f"/v1/members/{member}/coupons"
    await answered(admin, "POST", claim, {"code": third}, status=201, key=new_key())
    body = {"codes": [first, second, second, third, "NEVER-MADE"], "reason": "got about"}
    for _ in range(2):
        answer = await answered(admin, "POST", f"{path}/codes/void", body, status=200)
        assert answer == {"template": path.rpartition("/")[2], "voided": 2, "kept": 2}
    assert sorted(row["status"] for row in await exported(admin, path)) == ["issued", "voided", "voided"]
    await refused(admin, "POST", claim, {"code": first}, code="coupon_voided", key=new_key())
    untouched = await answered(
        admin, "POST", f"{other}/codes/void", {"codes": [first], "reason": "x"}, status=200
    )
    assert untouched["voided"] == 0
    missing = "/v1/coupon-templates/never-made/codes/void"
    await refused(admin, "POST", missing, body, code="template_not_found")
