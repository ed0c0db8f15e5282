"""Coupon templates over HTTP: made, changed, listed, and their codes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.actions.keys import create_key_locally
from app.database import Database
from tests.routers.asking import answered, mistaken, new_id, refused

PATH = "/v1/coupon-templates"
PLAIN = {"name": "满减券", "kind": "amount_off", "amount_off": 3000, "threshold": 30000}


def new_template(**fields: Any) -> dict[str, Any]:
    return {"template": new_id("t"), **PLAIN, **fields}


async def made(client: httpx.AsyncClient, **fields: Any) -> str:
    """The path of a template just made."""
    body = new_template(**fields)
    await answered(client, "POST", PATH, body, status=201)
    return f"{PATH}/{body['template']}"


async def give_out(database: Database, path: str, *, issued: int = 0, discounted: int = 0) -> None:
    connection = await database.connect()
    await connection.execute(
        "UPDATE coupon_counter SET issued = $2, discounted = $3 WHERE template = $1",
        path.removeprefix(f"{PATH}/"),
        issued,
        discounted,
    )
    await connection.close()


# --- making ----------------------------------------------------------------------------------------------


async def test_a_template_is_answered_with_every_field(admin: httpx.AsyncClient) -> None:
    body = new_template(
        eligible={"categories": ["tea"], "member": 'member.tier == "gold"'},
        valid={"from": "2026-03-01T00:00:00+08:00", "until": "2026-04-01T00:00:00+08:00"},
        stock=100,
        budget=0,
    )
    answer = await answered(admin, "POST", PATH, body, status=201)
    times = {name: answer.pop(name) for name in ("created_at", "updated_at")}
    assert times["created_at"] == times["updated_at"]
    nothing = dict.fromkeys(
        ("steps", "percent_off", "max_discount", "price", "bundle", "gift", "per_member", "per_day", "group")
    )
    assert answer == {
        **body,
        **nothing,
        "eligible": {
            "skus": None,
            "categories": ["tea"],
            "brands": None,
            "channels": None,
            "tiers": None,
            "first_order": None,
            "member": 'member.tier == "gold"',
            "min_quantity": None,
        },
        "valid": {"from": "2026-02-28T16:00:00Z", "until": "2026-03-31T16:00:00Z", "days": None},
        "stacks_with": "other_kinds",
        "return_on": "full_refund",
        "points_price": None,
        "automatic": False,
        "public_code": None,
        "state": "active",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "percent_off", "percent_off": 10, "max_discount": 5000},
        {"kind": "free_shipping"},
        {"kind": "gift", "gift": {"sku": "cup-7", "quantity": 1}},
        {"kind": "exchange", "eligible": {"skus": ["tea-100"]}},
        # Automatic ones are for goods that no cart of another test has.
        {
            "kind": "line_price",
            "bundle": {"quantity": 3, "price": 9900},
            "automatic": True,
            "eligible": {"skus": ["of-this-test"]},
        },
        {"kind": "amount_off", "steps": [{"threshold": 30000, "amount_off": 3000}]},
        {"kind": "free_shipping", "valid": {"days": 30}, "points_price": 500, "state": "paused"},
    ],
)
async def test_every_kind(admin: httpx.AsyncClient, fields: dict[str, Any]) -> None:
    body = {"template": new_id("t"), "name": "券", **fields}
    answer = await answered(admin, "POST", PATH, body, status=201)
    for name, value in fields.items():
        shown = answer[name]
        if name in ("eligible", "valid"):
            shown = {key: part for key, part in shown.items() if part is not None}
        assert shown == value
    figures = await answered(admin, "GET", f"{PATH}/{body['template']}", status=200)
    assert {name: figures[name] for name in answer} == answer


async def test_the_same_again_is_answered_and_other_content_refused(admin: httpx.AsyncClient) -> None:
    body = new_template(stock=5)
    first = await answered(admin, "POST", PATH, body, status=201)
    again = await answered(admin, "POST", PATH, {**body, "budget": None}, status=200, replayed=True)
    assert again == first
    await refused(admin, "POST", PATH, {**body, "stock": 6}, code="template_exists")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"amount_off": "3000"}, "/amount_off"),
        ({"amount_off": 0}, "/amount_off"),
        ({"steps": []}, "/steps"),
        ({"eligible": {"skus": []}}, "/eligible/skus"),
        ({"eligible": {"first": True}}, "/eligible/first"),
        ({"valid": {"from": "2026-03-01"}}, "/valid/from"),
        ({"stacks_with": "some"}, "/stacks_with"),
        ({"public_code": "-x"}, "/public_code"),
        ({"stok": 1}, "/stok"),
        ({"template": "a b"}, "/template"),
        ({"automatic": 1}, "/automatic"),
    ],
)
async def test_a_wrong_shape(admin: httpx.AsyncClient, fields: dict[str, Any], pointer: str) -> None:
    await mistaken(admin, "POST", PATH, new_template(**fields), pointer=pointer)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"percent_off": 10}, "/percent_off"),
        ({"automatic": True, "stock": 5}, "/stock"),
        ({"kind": "exchange", "amount_off": None, "threshold": None}, "/eligible"),
        ({"valid": {"days": 3, "until": "2026-03-01T00:00:00Z"}}, "/valid/days"),
        ({"amount_off": 40000}, "/amount_off"),
    ],
)
async def test_what_does_not_go_together(
    admin: httpx.AsyncClient, fields: dict[str, Any], pointer: str
) -> None:
    problem = await refused(admin, "POST", PATH, new_template(**fields), code="template_invalid")
    assert problem["status"] == 422
    [mistake] = problem["errors"]
    assert (mistake["in"], mistake["pointer"], mistake["code"]) == ("body", pointer, "template_invalid")


async def test_a_wrong_condition_is_told_with_its_place(admin: httpx.AsyncClient) -> None:
    body = new_template(eligible={"member": 'member.teir == "gold"'})
    problem = await refused(admin, "POST", PATH, body, code="expression_invalid")
    assert (problem["status"], problem["line"], problem["column"]) == (422, 1, 7)
    assert problem["errors"][0]["pointer"] == "/eligible/member"
    await refused(admin, "GET", f"{PATH}/{body['template']}", code="template_not_found")
    path = await made(admin)
    change = {"eligible": {"member": "member.spend"}}
    await refused(admin, "PATCH", path, change, code="expression_invalid")


async def test_a_public_code_leads_to_one_template(admin: httpx.AsyncClient) -> None:
    code = secrets.token_hex(6).upper()
    path = await made(admin, public_code=code)
    other = new_template(public_code=code)
    problem = await refused(admin, "POST", PATH, other, code="code_taken")
    assert (problem["count"], problem["codes"]) == (1, [code])
    await refused(admin, "GET", f"{PATH}/{other['template']}", code="template_not_found")
    lines = (await admin.get(f"{path}/codes")).text.splitlines()
    assert lines[0] == "code,status,member_id,created_at"
    assert [line.rpartition(",")[0] for line in lines[1:]] == [f"{code},public,"]


# --- changing --------------------------------------------------------------------------------------------


async def test_only_the_fields_given_change_and_null_clears(admin: httpx.AsyncClient) -> None:
    path = await made(admin, stock=100, budget=5000, eligible={"skus": ["a"], "brands": ["b"]})
    before = await answered(admin, "GET", path, status=200)
    change = {"stock": 200, "budget": None, "eligible": {"brands": ["c"], "skus": None}}
    after = await answered(admin, "PATCH", path, change, status=200)
    eligible = {**before["eligible"], "skus": None, "brands": ["c"]}
    assert after.pop("updated_at") > before["updated_at"]
    expected = {**before, "stock": 200, "budget": None, "eligible": eligible}
    assert after == {name: expected[name] for name in after}
    assert (await answered(admin, "GET", path, status=200))["stock_left"] == 200


async def test_a_change_that_changes_nothing(admin: httpx.AsyncClient, database: Database) -> None:
    path = await made(admin, stock=100)
    before = await answered(admin, "GET", path, status=200)
    assert (await answered(admin, "PATCH", path, {}, status=200))["updated_at"] == before["updated_at"]
    same = await answered(admin, "PATCH", path, {"stock": 100, "name": PLAIN["name"]}, status=200)
    assert same["updated_at"] == before["updated_at"]


@pytest.mark.parametrize("field", ["template", "kind", "automatic", "public_code", "created_at"])
async def test_what_stays_as_it_is(admin: httpx.AsyncClient, field: str) -> None:
    path = await made(admin)
    mistake = await mistaken(admin, "PATCH", path, {field: None}, pointer=f"/{field}")
    assert mistake["code"] == "extra_forbidden"


async def test_a_change_must_leave_a_template(admin: httpx.AsyncClient) -> None:
    path = await made(admin)
    for change in ({"amount_off": None}, {"name": None}, {"percent_off": 5}, {"threshold": 100}):
        await refused(admin, "PATCH", path, change, code="template_invalid")
    await refused(admin, "PATCH", f"{PATH}/{new_id('t')}", {}, code="template_not_found")


async def test_ended_is_for_good(admin: httpx.AsyncClient) -> None:
    path = await made(admin)
    for state in ("paused", "active", "ended"):
        assert (await answered(admin, "PATCH", path, {"state": state}, status=200))["state"] == state
    for state in ("active", "paused", None):
        await refused(admin, "PATCH", path, {"state": state}, code="template_ended")
    renamed = await answered(admin, "PATCH", path, {"name": "旧券"}, status=200)
    assert (renamed["name"], renamed["state"]) == ("旧券", "ended")


async def test_limits_stay_above_what_was_given_out(admin: httpx.AsyncClient, database: Database) -> None:
    path = await made(admin, stock=100, budget=100_000)
    await give_out(database, path, issued=40, discounted=7000)
    problem = await refused(admin, "PATCH", path, {"stock": 39}, code="stock_below_issued")
    assert (problem["status"], problem["issued"]) == (409, 40)
    problem = await refused(admin, "PATCH", path, {"budget": 6999}, code="budget_below_discounted")
    assert (problem["status"], problem["discounted"]) == (409, 7000)
    await answered(admin, "PATCH", path, {"stock": 40, "budget": 7000}, status=200)
    figures = await answered(admin, "GET", path, status=200)
    names = ("issued", "discounted", "stock_left", "budget_left")
    assert [figures[name] for name in names] == [40, 7000, 0, 0]
    await answered(admin, "PATCH", path, {"stock": None, "budget": None}, status=200)
    figures = await answered(admin, "GET", path, status=200)
    assert [figures[name] for name in names] == [40, 7000, None, None]


# --- listing ---------------------------------------------------------------------------------------------


async def test_lists_by_state_kind_and_automatic(admin: httpx.AsyncClient) -> None:
    prefix = new_id("list")
    await made(admin, template=f"{prefix}-a")
    await made(admin, template=f"{prefix}-b", state="paused")
    shipping = {"kind": "free_shipping", "amount_off": None}
    await made(admin, template=f"{prefix}-c", automatic=True, eligible={"skus": ["of-this-test"]}, **shipping)
    await made(admin, template=f"{prefix}-d", state="ended", **shipping)

    async def listed(query: str) -> str:
        found, cursor = "", ""
        while True:
            page = await answered(admin, "GET", f"{PATH}?limit=3{query}{cursor}", status=200)
            assert len(page["data"]) <= 3
            found += "".join(
                each["template"][-1] for each in page["data"] if each["template"].startswith(prefix)
            )
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    assert await listed("") == "abcd"
    assert await listed("&state=active") == "ac"
    assert await listed("&kind=free_shipping") == "cd"
    assert await listed("&automatic=true") == "c"
    assert await listed("&automatic=false&state=ended") == "d"
    await mistaken(admin, "GET", f"{PATH}?state=gone", None, pointer="?state")


# --- races and doors -------------------------------------------------------------------------------------


async def test_one_of_many_makes_a_template(admin: httpx.AsyncClient) -> None:
    body = new_template()
    answers = await asyncio.gather(*(admin.post(PATH, json=body) for _ in range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    assert len({answer.text for answer in answers}) == 1


async def test_one_of_many_templates_gets_a_public_code(admin: httpx.AsyncClient) -> None:
    code = secrets.token_hex(6)
    answers = await asyncio.gather(
        *(admin.post(PATH, json=new_template(public_code=code)) for _ in range(16))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 15


async def test_revisions_come_one_after_another(admin: httpx.AsyncClient, database: Database) -> None:
    """Whoever sees a revision sees all below it: they are given in the order of the commits."""
    paths = [await made(admin) for _ in range(4)]
    connection = await database.connect()
    watching = True
    seen: list[set[int]] = []

    async def watch() -> None:
        while watching:
            seen.append(
                {row["revision"] for row in await connection.fetch("SELECT revision FROM coupon_template")}
            )

    watcher = asyncio.create_task(watch())
    answers = await asyncio.gather(
        *(admin.patch(paths[n % 4], json={"stock": 1000 + n}) for n in range(32)),
        *(admin.post(PATH, json=new_template()) for _ in range(16)),
    )
    watching = False
    await watcher
    await connection.close()
    assert {answer.status_code for answer in answers} == {200, 201}
    known: set[int] = set()
    for revisions in seen:
        # Nothing new may turn up below what was the newest before.
        assert all(revision > max(known) for revision in revisions - known) if known else True
        known |= revisions


AsCaller = Callable[[str | None], httpx.AsyncClient]


@pytest.mark.parametrize(
    ("scope", "reads", "writes"),
    [("coupons:read", True, False), ("coupons:write", False, True), ("points:write", False, False)],
)
async def test_scopes(
    as_caller: AsCaller, database: Database, admin: httpx.AsyncClient, scope: str, reads: bool, writes: bool
) -> None:
    path = await made(admin)
    key = await create_key_locally(database, name="one", scopes=[scope])
    client = as_caller(key.key)
    for method, where, allowed in (
        ("GET", PATH, reads),
        ("GET", path, reads),
        ("GET", f"{path}/codes", reads),
        ("PATCH", path, writes),
    ):
        answer = await client.request(method, where, json={} if method == "PATCH" else None)
        assert answer.status_code == (200 if allowed else 403), (method, where, answer.text)
