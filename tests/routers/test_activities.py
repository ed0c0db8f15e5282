"""What members do besides buying, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from tests.routers.asking import answered, balance, mistaken, new_id, refused
from tests.tokens import Issuer

REVIEW = {"reference": "a-1", "kind": "review", "level": "pictures"}
TOLD = {
    "reference": "a-1",
    "kind": "review",
    "level": "pictures",
    "points": 40,
    "growth": 20,
    "chances": 0,
    "breakdown": [{"rule": "activity:review", "label": "带图评价", "points": 40, "version": 1}],
}


async def test_an_activity_is_recorded_read_and_taken_back(admin: httpx.AsyncClient, member: str) -> None:
    path = f"{member}/activities"
    got = await answered(admin, "POST", path, REVIEW, status=201)
    tier = {"code": "bronze", "changed": False}
    assert got == {
        **TOLD,
        "status": "recorded",
        "coupons": [],
        "debt_paid": 0,
        "balance": balance(40),
        "tier": tier,
    }
    await answered(admin, "POST", f"{member}/sign-ins", status=201)
    assert await answered(admin, "POST", path, REVIEW, status=200, replayed=True) == got
    assert (await answered(admin, "GET", member, status=200))["growth"] == 25
    state = await answered(admin, "GET", f"{path}/a-1", status=200)
    assert state == {
        **TOLD,
        "status": "recorded",
        "day": state["day"],
        "recorded_at": state["recorded_at"],
        "reversed_at": None,
    }
    back = await answered(admin, "POST", f"{path}/a-1/reverse", status=200)
    assert back == {
        "reference": "a-1",
        "kind": "review",
        "level": "pictures",
        "status": "reversed",
        "points": 40,
        "recovered": 40,
        "shortfall": 0,
        "growth": 20,
        "chances": 0,
        "balance": balance(10),
        "tier": tier,
    }
    assert await answered(admin, "POST", f"{path}/a-1/reverse", {}, status=200, replayed=True) == back
    again = await answered(admin, "GET", f"{path}/a-1", status=200)
    assert again == {**state, "status": "reversed", "reversed_at": again["reversed_at"]}
    assert again["reversed_at"] > again["recorded_at"]
    entries = (await answered(admin, "GET", f"{member}/entries", status=200))["data"]
    assert [(entry["kind"], entry["reference"], entry["points"], entry["growth"]) for entry in entries] == [
        ("reverse_activity", "a-1", -40, -20),
        ("sign_in", None, 10, 5),
        ("activity", "a-1", 40, 20),
    ]
    assert entries[0]["detail"]["moves"] == [{"lot": 1, "remaining": -40, "reserved": 0}]


async def test_what_is_refused(admin: httpx.AsyncClient, member: str) -> None:
    path = f"{member}/activities"
    await answered(admin, "POST", path, REVIEW, status=201)
    await refused(admin, "POST", path, {**REVIEW, "level": "text"}, code="reference_already_used")
    unknown = await refused(
        admin, "POST", path, {"reference": "b", "kind": "dance"}, code="activity_kind_unknown"
    )
    assert [(mistake["in"], mistake["pointer"]) for mistake in unknown["errors"]] == [("body", "/kind")]
    unknown = await refused(admin, "POST", path, {**REVIEW, "reference": "b", "level": "film"},
                            code="activity_level_unknown")  # fmt: skip
    assert [mistake["pointer"] for mistake in unknown["errors"]] == ["/level"]
    await mistaken(admin, "POST", path, {**REVIEW, "points": 5}, pointer="/points")
    await refused(admin, "GET", f"{path}/b", code="activity_not_found")
    await refused(admin, "POST", f"{path}/b/reverse", code="activity_not_found")
    stranger = f"/v1/members/{new_id()}/activities"
    await refused(admin, "POST", stranger, REVIEW, code="member_not_found")
    await refused(admin, "POST", f"{stranger}/a/reverse", code="member_not_found")
    await refused(admin, "GET", f"{stranger}/a", code="member_not_found")
    await refused(admin, "GET", stranger, code="member_not_found")
    await answered(admin, "POST", f"{member}/freeze", status=200)
    await refused(admin, "POST", path, {"reference": "c", "kind": "vote"}, code="member_frozen")
    await answered(admin, "POST", f"{path}/a-1/reverse", status=200)


async def test_a_limit_is_told_and_nothing_is_written(admin: httpx.AsyncClient, member: str) -> None:
    path = f"{member}/activities"
    await answered(admin, "POST", path, {"reference": "s-1", "kind": "survey"}, status=201)
    body = {"reference": "s-2", "kind": "survey"}
    told = await refused(admin, "POST", path, body, code="activity_limit_reached")
    assert (told["status"], told["limit"]) == (409, 1)
    assert told["counts_again_at"].endswith("T16:00:00Z")
    await refused(admin, "GET", f"{path}/s-2", code="activity_not_found")
    await answered(admin, "POST", path, {"reference": "p-1", "kind": "profile"}, status=201)
    told = await refused(
        admin, "POST", path, {"reference": "p-2", "kind": "profile"}, code="activity_limit_reached"
    )
    assert told["counts_again_at"] is None


async def test_the_list(admin: httpx.AsyncClient, member: str) -> None:
    path = f"{member}/activities"
    for number in range(3):
        await answered(admin, "POST", path, {"reference": f"v-{number}", "kind": "vote"}, status=201)
    await answered(admin, "POST", path, REVIEW, status=201)
    await answered(admin, "POST", f"{path}/v-1/reverse", status=200)

    async def listed(query: str = "") -> tuple[list[str], str | None]:
        page = await answered(admin, "GET", f"{path}{query}", status=200)
        return [each["reference"] for each in page["data"]], page["next_cursor"]

    assert await listed() == (["a-1", "v-2", "v-1", "v-0"], None)
    first, cursor = await listed("?limit=3")
    assert (first, await listed(f"?limit=3&cursor={cursor}")) == (["a-1", "v-2", "v-1"], (["v-0"], None))
    assert await listed("?kind=vote&status=recorded") == (["v-2", "v-0"], None)
    assert await listed("?status=reversed") == (["v-1"], None)
    await refused(admin, "GET", f"{path}?cursor=x", code="cursor_invalid")


async def test_members_read_their_own_and_record_nothing(
    admin: httpx.AsyncClient,
    member: str,
    issuer: Issuer,
    as_caller: Callable[[str | None], httpx.AsyncClient],
) -> None:
    path = f"{member}/activities"
    await answered(admin, "POST", path, REVIEW, status=201)
    mine = as_caller(issuer.token(member.rsplit("/", 1)[1]))
    assert len((await answered(mine, "GET", path, status=200))["data"]) == 1
    await answered(mine, "GET", f"{path}/a-1", status=200)
    await refused(mine, "POST", path, REVIEW, code="not_for_members")
    await refused(mine, "POST", f"{path}/a-1/reverse", code="not_for_members")


async def test_in_a_batch(admin: httpx.AsyncClient, member: str) -> None:
    one = {"member_id": member.rsplit("/", 1)[1], "reference": "a-1"}
    operations = [
        {"op": "activity", **one, "kind": "survey"},
        {"op": "activity", **one, "kind": "survey"},
        {"op": "activity", **one, "reference": "a-2", "kind": "survey"},
        {"op": "reverse_activity", **one},
        {"op": "reverse_activity", **one, "reference": "a-2"},
        {"op": "activity", **one, "reference": "a-3", "kind": "dance"},
    ]
    body = await answered(admin, "POST", "/v1/batches", {"operations": operations}, status=200)
    results = body["results"]
    assert [(result["status"], result["replayed"]) for result in results] == [
        (201, False),
        (200, True),
        (409, False),
        (200, False),
        (404, False),
        (422, False),
    ]
    assert results[3]["body"]["balance"] == balance()
    assert results[5]["body"]["errors"][0]["pointer"] == "/kind"
