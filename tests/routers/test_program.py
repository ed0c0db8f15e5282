"""The program over HTTP: the rules for everybody, and versions from draft to force."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import jsonschema_rs
import pytest

from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from tests.routers.asking import answered, mistaken, new_id, refused
from tests.routers.conftest import running, sandbox
from tests.routers.test_sandbox import CLOCK

PROGRAM = "/v1/program"
VERSIONS = "/v1/program/versions"
START = "2030-03-05T10:00:00+08:00"
LATER = "2030-04-01T00:00:00+08:00"


@pytest.fixture
async def shop(fresh_database_url: str) -> AsyncGenerator[httpx.AsyncClient]:
    """A sandbox of its own: what is published stays published."""
    async with running(sandbox(fresh_database_url)) as client:
        await answered(client, "PUT", CLOCK, {"now": START}, status=200)
        yield client


def document(**sections: Any) -> dict[str, Any]:
    """The default program, some members of its sections replaced."""
    made = json.loads(json.dumps(DEFAULT_PROGRAM_DOCUMENT))
    for name, section in sections.items():
        made[name] = {**made[name], **section} if isinstance(section, dict) else section
    return made


async def drafted(shop: httpx.AsyncClient, **sections: Any) -> int:
    made = await answered(
        shop, "POST", VERSIONS, {"document": document(**sections)}, status=201, key=new_id("k")
    )
    assert made["status"] == "draft"
    return made["version"]


async def published(shop: httpx.AsyncClient, version: int, at: str | None = None) -> dict[str, Any]:
    body = {} if at is None else {"effective_at": at}
    return await answered(shop, "POST", f"{VERSIONS}/{version}/publish", body, status=200)


async def accrued(shop: httpx.AsyncClient, order_id: str, amount: int = 10_000) -> int:
    await shop.put("/v1/members/u-1", json={})
    body = {"order_id": order_id, "amount": amount}
    return (await answered(shop, "POST", "/v1/members/u-1/accruals", body, status=201))["points"]


# --- the rules ---------------------------------------------------------------------------------------------


async def test_anybody_reads_the_rules(nobody: httpx.AsyncClient) -> None:
    rules = await answered(nobody, "GET", PROGRAM, status=200)
    assert rules["version"] == 1
    assert rules["program"]["earning"]["rate"] == "1"
    assert rules["text"]["zh"][0] == {"title": "消费积分", "lines": rules["text"]["zh"][0]["lines"]}
    assert "每消费 1 元得 1 积分。" in rules["text"]["zh"][0]["lines"]
    assert "Every 1 yuan spent earns 1 point." in rules["text"]["en"][0]["lines"]


async def test_the_rules_are_told_once(shop: httpx.AsyncClient) -> None:
    first = await shop.get(PROGRAM)
    tag = {"If-None-Match": first.headers["ETag"]}
    assert (await shop.get(PROGRAM, headers=tag)).status_code == 304
    await published(shop, await drafted(shop, sign_in={"points": 11}), LATER)
    announced = await shop.get(PROGRAM, headers=tag)
    assert announced.status_code == 200
    tag = {"If-None-Match": announced.headers["ETag"]}
    assert (await shop.get(PROGRAM, headers=tag)).status_code == 304
    await answered(shop, "PUT", CLOCK, {"now": LATER}, status=200)
    assert (await shop.get(PROGRAM, headers=tag)).status_code == 200


async def test_what_is_announced_is_told_before_it_is_in_force(shop: httpx.AsyncClient) -> None:
    second = await drafted(shop, earning={"rate": "2"})
    third = await drafted(shop, earning={"rate": "3"})
    await published(shop, third, "2030-05-01T00:00:00+08:00")
    await published(shop, second, LATER)
    rules = await answered(shop, "GET", PROGRAM, status=200)
    assert rules["version"] == 1
    assert [(each["version"], each["effective_at"]) for each in rules["announced"]] == [
        (second, "2030-03-31T16:00:00Z"),
        (third, "2030-04-30T16:00:00Z"),
    ]
    first, last = rules["announced"]
    assert first["changes"]["zh"] == ["每个计分单位的积分：1 → 2"]
    assert last["changes"]["en"] == ["Points for each unit spent: 2 → 3"]
    assert last["program"]["earning"]["rate"] == "3"
    await answered(shop, "PUT", CLOCK, {"now": LATER}, status=200)
    rules = await answered(shop, "GET", PROGRAM, status=200)
    assert (rules["version"], len(rules["announced"])) == (second, 1)
    assert "每消费 1 元得 2 积分。" in rules["text"]["zh"][0]["lines"]


async def test_the_schema_is_public(nobody: httpx.AsyncClient) -> None:
    schema = await answered(nobody, "GET", f"{PROGRAM}/schema", status=200)
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid(document())
    assert not validator.is_valid(document(earning={"rate": 1}))


# --- drafts ------------------------------------------------------------------------------------------------


async def test_a_draft(shop: httpx.AsyncClient) -> None:
    body = {"document": document(sign_in={"points": 12}), "note": "more for signing in"}
    made = await answered(shop, "POST", VERSIONS, body, status=201, key="k-1")
    assert made["version"] == 2
    assert (made["status"], made["effective_at"], made["note"]) == ("draft", None, "more for signing in")
    assert made["created_by"] == "bootstrap"
    assert await answered(shop, "POST", VERSIONS, body, status=201, key="k-1", replayed=True) == made
    read = await answered(shop, "GET", f"{VERSIONS}/2", status=200)
    assert read == {**made, "document": body["document"]}
    assert await accrued(shop, "o-1") == 100  # nothing changed


async def test_a_repeat_is_answered_as_it_was(shop: httpx.AsyncClient) -> None:
    body = {"document": document()}
    made = await answered(shop, "POST", VERSIONS, body, status=201, key="k-1")
    await published(shop, made["version"])
    assert await answered(shop, "POST", VERSIONS, body, status=201, key="k-1", replayed=True) == made


async def test_one_key_makes_one_draft(shop: httpx.AsyncClient) -> None:
    body = {"document": document()}
    answers = await asyncio.gather(
        *(shop.post(VERSIONS, json=body, headers={"Idempotency-Key": "k"}) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["version"] for answer in answers} == {2}
    listed = await answered(shop, "GET", VERSIONS, status=200)
    assert [each["version"] for each in listed["data"]] == [2, 1]
    await refused(
        shop, "POST", VERSIONS, {"document": document(), "note": "x"}, code="idempotency_key_reused", key="k"
    )
    await refused(shop, "POST", VERSIONS, body, code="idempotency_key_missing")


async def test_every_mistake_is_told_with_its_place(shop: httpx.AsyncClient) -> None:
    made = document(sign_in={"points": -1}, currency="yuan")
    made["tiers"]["ladder"][2]["thresholds"]["spend"] = 30_000
    made["tiers"]["ladder"][3]["code"] = "gold"
    made["earning"]["categories"]["<script>"] = "x"
    problem = await refused(shop, "POST", VERSIONS, {"document": made}, code="program_invalid", key="k-1")
    assert problem["status"] == 422
    assert {mistake["pointer"] for mistake in problem["errors"]} == {
        "/document/currency",
        "/document/sign_in/points",
        "/document/tiers/ladder/2/thresholds/spend",
        "/document/tiers/ladder/3/code",
        "/document/earning/categories/...",
    }
    assert {mistake["in"] for mistake in problem["errors"]} == {"body"}
    assert "script" not in json.dumps(problem)
    listed = await answered(shop, "GET", VERSIONS, status=200)
    assert [each["version"] for each in listed["data"]] == [1]
    # A refusal is not remembered: the key may be used for the document as it was corrected.
    await answered(shop, "POST", VERSIONS, {"document": document()}, status=201, key="k-1")


@pytest.mark.parametrize("made", [None, [], "program", 1])
async def test_a_document_that_is_no_object(shop: httpx.AsyncClient, made: Any) -> None:
    response = await shop.post(VERSIONS, json={"document": made}, headers={"Idempotency-Key": "k"})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/document")


@pytest.mark.parametrize("text", ['{"document": {"currency": NaN}}', '{"document": {"\\ud800": "\\u0000"}}'])
async def test_what_no_database_could_keep(shop: httpx.AsyncClient, text: str) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    response = await shop.post(VERSIONS, content=text, headers=headers)
    assert response.status_code == 422


async def test_versions_are_listed(shop: httpx.AsyncClient) -> None:
    for _ in range(3):
        await drafted(shop)
    first = await answered(shop, "GET", f"{VERSIONS}?limit=3", status=200)
    assert [each["version"] for each in first["data"]] == [4, 3, 2]
    rest = await answered(shop, "GET", f"{VERSIONS}?cursor={first['next_cursor']}", status=200)
    assert [(each["version"], each["status"]) for each in rest["data"]] == [(1, "in_force")]
    assert rest["next_cursor"] is None
    await refused(shop, "GET", f"{VERSIONS}/99", code="program_version_not_found")
    await mistaken(shop, "GET", f"{VERSIONS}/0", None, pointer="{version}")


# --- looking at them ---------------------------------------------------------------------------------------


async def test_what_members_would_lose_is_pointed_out(shop: httpx.AsyncClient) -> None:
    worse = document(earning={"rate": "0.5"}, validity={"policy": "anniversary", "years": 1})
    worse["tiers"]["ladder"][1]["thresholds"]["spend"] = 40_000
    worse["tiers"]["ladder"][1]["benefits"][0]["coupon"]["template"] = "nowhere"
    made = await answered(shop, "POST", VERSIONS, {"document": worse}, status=201, key="k")
    findings = await answered(shop, "POST", f"{VERSIONS}/{made['version']}/validate", status=200)
    assert (findings["valid"], findings["mistakes"]) == (True, [])
    assert {(each["code"], each["pointer"]) for each in findings["warnings"]} >= {
        ("rate_lowered", "/document/earning/rate"),
        ("threshold_raised", "/document/tiers/ladder/1/thresholds"),
        ("template_unknown", "/document/tiers/ladder/1/benefits/0/coupon/template"),
    }
    same = await answered(shop, "POST", f"{VERSIONS}/1/validate", status=200)
    assert same == {"valid": True, "mistakes": [], "warnings": []}


async def test_a_tier_that_members_may_be_in_must_stay(shop: httpx.AsyncClient) -> None:
    made = document()
    del made["tiers"]["ladder"][2]
    version = (await answered(shop, "POST", VERSIONS, {"document": made}, status=201, key="k"))["version"]
    findings = await answered(shop, "POST", f"{VERSIONS}/{version}/validate", status=200)
    assert not findings["valid"]
    assert findings["mistakes"][0]["pointer"] == "/document/tiers/ladder"
    problem = await refused(
        shop, "POST", f"{VERSIONS}/{version}/publish", {}, code="program_version_unpublishable"
    )
    assert problem["mistakes"] == findings["mistakes"]
    assert (await answered(shop, "GET", f"{VERSIONS}/{version}", status=200))["status"] == "draft"


async def test_a_difference_in_data_and_in_words(shop: httpx.AsyncClient) -> None:
    made = document()
    made["tiers"]["ladder"][1]["thresholds"]["spend"] = 50_000
    second = (await answered(shop, "POST", VERSIONS, {"document": made}, status=201, key="k"))["version"]
    compared = await answered(shop, "GET", f"{VERSIONS}/{second}/diff", status=200)
    assert compared == {
        "version": second,
        "against": 1,
        "changes": [
            {
                "pointer": "/tiers/ladder/1/thresholds/spend",
                "before": 30_000,
                "after": 50_000,
                "zh": "白银会员的消费额门槛：300 元 → 500 元",
                "en": "Spend needed of Silver: 300 yuan → 500 yuan",
            }
        ],
    }
    path = f"{VERSIONS}/{second}/diff"
    assert await answered(shop, "POST", path, status=200) == compared
    assert await answered(shop, "POST", path, {"against": 1}, status=200) == compared
    assert (await answered(shop, "GET", f"{path}?against={second}", status=200))["changes"] == []
    back = await answered(shop, "GET", f"{VERSIONS}/1/diff?against={second}", status=200)
    assert (back["changes"][0]["before"], back["changes"][0]["after"]) == (50_000, 30_000)
    await refused(shop, "GET", f"{path}?against=99", code="program_version_not_found")
    await refused(shop, "GET", f"{VERSIONS}/99/diff", code="program_version_not_found")


# --- publishing --------------------------------------------------------------------------------------------


async def test_at_once(shop: httpx.AsyncClient) -> None:
    version = await drafted(shop, earning={"rate": "2"})
    assert await accrued(shop, "o-1") == 100
    told = await published(shop, version)
    assert (told["status"], told["published_by"]) == ("in_force", "bootstrap")
    assert told["effective_at"] == told["published_at"]
    assert await accrued(shop, "o-2") == 200
    again = await answered(shop, "POST", f"{VERSIONS}/{version}/publish", status=200, replayed=True)
    assert again == told
    listed = await answered(shop, "GET", VERSIONS, status=200)
    assert [each["status"] for each in listed["data"]] == ["in_force", "past"]
    entries = await answered(shop, "GET", "/v1/members/u-1/entries", status=200)
    assert [entry["program_version"] for entry in entries["data"] if entry["kind"] == "accrue"] == [2, 1]


async def test_at_a_moment_to_come(shop: httpx.AsyncClient) -> None:
    version = await drafted(shop, earning={"rate": "2"})
    told = await published(shop, version, LATER)
    assert (told["status"], told["effective_at"]) == ("announced", "2030-03-31T16:00:00Z")
    assert await accrued(shop, "o-1") == 100
    await answered(shop, "PUT", CLOCK, {"now": "2030-03-31T23:59:00+08:00"}, status=200)
    assert await accrued(shop, "o-2") == 100
    await answered(shop, "PUT", CLOCK, {"now": LATER}, status=200)
    assert await accrued(shop, "o-3") == 200
    # Refunds use the version that granted.
    for order_id, points in (("o-1", 100), ("o-3", 200)):
        taken = await answered(
            shop,
            "POST",
            f"/v1/members/u-1/accruals/{order_id}/reverse",
            {"reference": "r", "amount": 10_000},
            status=200,
        )
        assert taken["points"] == points
    # As it was answered then, although it is in force now.
    body = {"effective_at": LATER}
    assert (
        await answered(shop, "POST", f"{VERSIONS}/{version}/publish", body, status=200, replayed=True) == told
    )


async def test_a_date_that_was_announced_stays(shop: httpx.AsyncClient) -> None:
    version = await drafted(shop)
    await published(shop, version, LATER)
    for body in ({}, {"effective_at": "2030-05-01T00:00:00Z"}):
        problem = await refused(
            shop, "POST", f"{VERSIONS}/{version}/publish", body, code="program_version_published"
        )
        assert problem["effective_at"] == "2030-03-31T16:00:00Z"


async def test_another_for_the_same_moment_goes_before_it(shop: httpx.AsyncClient) -> None:
    wrong, right = await drafted(shop, earning={"rate": "20"}), await drafted(shop, earning={"rate": "2"})
    await published(shop, wrong, LATER)
    await published(shop, right, LATER)
    rules = await answered(shop, "GET", PROGRAM, status=200)
    assert [each["version"] for each in rules["announced"]] == [right]
    await answered(shop, "PUT", CLOCK, {"now": LATER}, status=200)
    assert await accrued(shop, "o-1") == 200
    listed = await answered(shop, "GET", VERSIONS, status=200)
    assert [each["status"] for each in listed["data"]] == ["in_force", "past", "past"]


async def test_not_in_the_past(shop: httpx.AsyncClient) -> None:
    version = await drafted(shop)
    problem = await refused(
        shop,
        "POST",
        f"{VERSIONS}/{version}/publish",
        {"effective_at": "2030-03-05T09:59:00+08:00"},
        code="effective_at_in_past",
    )
    assert problem["errors"][0]["pointer"] == "/effective_at"
    assert problem["now"].startswith("2030-03-05T02:0")
    assert (await answered(shop, "GET", f"{VERSIONS}/{version}", status=200))["status"] == "draft"
    await refused(shop, "POST", f"{VERSIONS}/99/publish", {}, code="program_version_not_found")


async def test_publishing_is_told(shop: httpx.AsyncClient, fresh_database_url: str) -> None:
    made = await answered(
        shop, "POST", VERSIONS, {"document": document(), "note": "the same"}, status=201, key="k"
    )
    response = await shop.post(f"{VERSIONS}/{made['version']}/publish", json={"effective_at": LATER})
    await shop.post(f"{VERSIONS}/{made['version']}/publish", json={"effective_at": LATER})
    owner: asyncpg.Connection[Any] = await asyncpg.connect(fresh_database_url)
    (event,) = await owner.fetch("SELECT * FROM shop_event")
    await owner.close()
    assert (event["kind"], event["subject"], event["actor"]) == ("program_published", "2", "bootstrap")
    assert event["request_id"] == response.headers["x-request-id"]
    assert event["event_id"].version == 7
    assert json.loads(event["detail"]) == {
        "version": 2,
        "effective_at": "2030-03-31T16:00:00Z",
        "note": "the same",
    }
    assert abs(event["occurred_at"] - datetime.fromisoformat(START)) < timedelta(minutes=1)


async def test_one_of_many_publishes(shop: httpx.AsyncClient) -> None:
    version = await drafted(shop)
    paths = [f"{VERSIONS}/{version}/publish"] * 8
    answers = await asyncio.gather(*(shop.post(path, json={"effective_at": LATER}) for path in paths))
    assert {answer.status_code for answer in answers} == {200}
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    bodies = [answer.json() for answer in answers]
    assert all(body == bodies[0] for body in bodies)


async def test_a_key_needs_its_scope(shop: httpx.AsyncClient) -> None:
    body = {"name": "reader", "scopes": ["program:read"]}
    key = (await answered(shop, "POST", "/v1/keys", body, status=201, key="k"))["key"]
    reader = {"Authorization": f"Bearer {key}"}
    assert (await shop.get(VERSIONS, headers=reader)).status_code == 200
    response = await shop.post(f"{VERSIONS}/1/publish", json={}, headers=reader)
    assert (response.status_code, response.json()["required_scope"]) == (403, "program:write")
