"""A member's entries, lots and balances as they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.domain import commands as ask
from app.domain.posting import Caller
from app.ledger.request import Request
from app.routers.document import document
from tests.routers.asking import answered, mistaken, refused
from tests.tokens import Issuer

Client = httpx.AsyncClient
MEMBER = "/v1/members/u-1"

FIELDS = {
    "sequence", "kind", "points", "pending", "reserved", "debt", "growth", "cash", "balance", "reference",
    "order_id", "program_version", "actor", "request_id", "occurred_at", "recorded_at", "breakdown", "detail",
}  # fmt: skip


async def entries(client: Client, member: str, query: str = "") -> list[dict[str, Any]]:
    page = await answered(client, "GET", f"{member}/entries{query}", status=200)
    return page["data"]


@pytest.fixture
async def autumn(sandboxed: Client) -> Client:
    """A client of a sandbox in October of 2026, a few days after the orders of these tests."""
    await answered(sandboxed, "PUT", "/v1/sandbox/clock", {"now": "2026-10-05T02:00:00Z"}, status=200)
    await answered(sandboxed, "PUT", MEMBER, {}, status=201)
    return sandboxed


async def test_an_entry_has_what_the_contract_says(autumn: Client) -> None:
    admin, member = autumn, MEMBER
    placed = "2026-03-05T10:00:00+08:00"
    order = {"order_id": "o1", "amount": 30_000, "occurred_at": placed}
    await answered(admin, "POST", f"{member}/accruals", order, status=201)
    (entry,) = await entries(admin, member)
    assert set(entry) == FIELDS
    assert entry["recorded_at"].endswith("Z")
    assert entry | {"request_id": "", "recorded_at": "", "detail": {}} == {
        "sequence": 1,
        "kind": "accrue",
        "points": 300,
        "pending": 0,
        "reserved": 0,
        "debt": 0,
        "growth": 300,
        "cash": 0,
        "balance": {"points": 300, "pending": 0, "reserved": 0, "debt": 0, "growth": 300, "cash": 0},
        "reference": None,
        "order_id": "o1",
        "program_version": 1,
        "actor": "bootstrap",
        "request_id": "",
        "occurred_at": "2026-03-05T02:00:00Z",
        "recorded_at": "",
        "breakdown": [{"rule": "purchase", "label": "1 point per yuan", "points": 300, "version": 1}],
        "detail": {},
    }
    assert entry["detail"]["tier_change"]["to"] == "silver"


async def test_references_and_details_by_kind(admin: Client, rich: str, service: FastAPI) -> None:
    other = "u-friend-of-tests"
    await admin.put(f"/v1/members/{other}", json={})
    member_id = rich.rpartition("/")[2]
    for command in (
        ask.Redeem(member_id=member_id, reference="r1", points=100, order_id="o2"),
        ask.Redeem(member_id=member_id, reference="r2", points=90, reserve=True),
        ask.Commit(member_id=member_id, reference="r2", points=40),
        ask.Redeem(member_id=member_id, reference="r3", points=9, reserve=True),
        ask.Cancel(member_id=member_id, reference="r3"),
        ask.Refund(member_id=member_id, redemption="r1", reference="f1", points=30),
        ask.Reverse(member_id=member_id, order_id="o-rich", reference="v1", amount=500),
        ask.Adjust(member_id=member_id, reference="a1", points=-7, reason="typo"),
        ask.Transfer(member_id=member_id, reference=f"t-{member_id}", to=other, points=5),
        ask.SignIn(member_id=member_id),
        ask.Freeze(member_id=member_id, reason="odd"),
    ):
        await service.state.ledger.submit(Request(command, Caller("key:x", "r")))
    told = {entry["kind"]: entry for entry in await entries(admin, rich)}
    references = {kind: (entry["reference"], entry["order_id"]) for kind, entry in told.items()}
    assert references == {
        "accrue": (None, "o-rich"),
        "redeem": ("r1", "o2"),
        "reserve": ("r2", None),
        "commit": ("r2", None),
        "cancel": ("r3", None),
        "refund": ("f1", "o2"),
        "reverse": ("v1", "o-rich"),
        "adjust": ("a1", None),
        "transfer": (f"t-{member_id}", None),
        "sign_in": (None, None),
        "freeze": (None, None),
    }
    assert told["redeem"]["detail"]["lots"][0] | {"expires_at": ""} == {
        "lot": 1,
        "points": 100,
        "expires_at": "",
    }
    assert told["commit"]["detail"]["moves"] == [{"lot": 1, "remaining": 50, "reserved": -90}]
    assert told["refund"]["detail"]["redemption"] == "r1"
    assert told["adjust"]["detail"]["reason"] == "typo"
    assert told["freeze"]["detail"] == {"reason": "odd"}
    assert "date" in told["sign_in"]["detail"]
    assert [part["rule"] for part in told["sign_in"]["breakdown"]] == ["sign_in"]
    (received,) = [
        entry
        for entry in await entries(admin, f"/v1/members/{other}")
        if entry["detail"]["from"] == member_id
    ]
    assert (received["kind"], received["reference"], received["points"]) == ("receive", f"t-{member_id}", 5)


@pytest.mark.parametrize("once", ['"2027-10-01T16:00:00Z"', "1822406400"], ids=["in words", "in seconds"])
async def test_an_expiry_as_entries_told_it_before(
    autumn: Client, fresh_database_url: str, once: str
) -> None:
    """Entries stay as they were written: the list and the answer to a repeat read them alike."""
    admin, member = autumn, MEMBER
    order = {"order_id": "o", "amount": 10_000, "occurred_at": "2026-10-01T02:00:00Z"}
    first = await answered(admin, "POST", f"{member}/accruals", order, status=201)
    assert first["expires_at"] == "2027-10-01T16:00:00Z"
    owner: asyncpg.Connection[Any] = await asyncpg.connect(fresh_database_url)
    changed = await owner.execute(
        "UPDATE entry SET detail = (detail::jsonb - 'expires' "
        f"|| jsonb_build_object('expires_at', '{once}'::jsonb))::json "
        "WHERE member_id = $1 AND kind = 'accrue'",
        member.removeprefix("/v1/members/"),
    )
    await owner.close()
    assert changed == "UPDATE 1"
    again = await answered(admin, "POST", f"{member}/accruals", order, status=200, replayed=True)
    assert again == first
    [entry] = (await answered(admin, "GET", f"{member}/entries?kind=accrue", status=200))["data"]
    assert entry["detail"]["expires_at"] == "2027-10-01T16:00:00Z"
    assert "expires" not in entry["detail"]


async def test_newest_first_in_pages_and_filtered(admin: Client, rich: str) -> None:
    for number in range(5):
        body = {"reference": f"r{number}", "points": 10}
        await answered(admin, "POST", f"{rich}/redemptions", body, status=201)
    first = await answered(admin, "GET", f"{rich}/entries?limit=4", status=200)
    assert [entry["sequence"] for entry in first["data"]] == [6, 5, 4, 3]
    second = await answered(admin, "GET", f"{rich}/entries?limit=4&cursor={first['next_cursor']}", status=200)
    assert [entry["sequence"] for entry in second["data"]] == [2, 1]
    assert second["next_cursor"] is None
    assert [entry["sequence"] for entry in await entries(admin, rich, "?kind=accrue")] == [1]
    assert len(await entries(admin, rich, "?kind=accrue&kind=redeem")) == 6
    middle = first["data"][1]["recorded_at"]
    assert [entry["sequence"] for entry in await entries(admin, rich, f"?from={middle}")] == [6, 5]
    assert [entry["sequence"] for entry in await entries(admin, rich, f"?to={middle}")] == [4, 3, 2, 1]
    assert await entries(admin, rich, "?to=2001-01-01T00:00:00+08:00") == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "?limit"),
        ("limit=201", "?limit"),
        ("from=yesterday", "?from"),
        ("kind=theft", "?kind"),
        ("colour=red", "?colour"),
    ],
)
async def test_mistakes_in_the_query(admin: Client, member: str, query: str, pointer: str) -> None:
    problem = await refused(admin, "GET", f"{member}/entries?{query}", code="validation_failed")
    assert problem["errors"][0]["pointer"].startswith(pointer)


@pytest.mark.parametrize("path", ["entries", "lots"])
async def test_foreign_cursors(admin: Client, member: str, path: str) -> None:
    await refused(admin, "GET", f"{member}/{path}?cursor=WyJ4Il0", code="cursor_invalid")


@pytest.mark.parametrize("path", ["entries", "lots", "balance"])
async def test_who_may_read(
    admin: Client,
    nobody: Client,
    as_caller: Callable[[str | None], Client],
    issuer: Issuer,
    member_id: str,
    path: str,
) -> None:
    await refused(admin, "GET", f"/v1/members/nobody-at-all/{path}", code="member_not_found")
    await refused(nobody, "GET", f"/v1/members/{member_id}/{path}", code="credential_missing")
    own = as_caller(issuer.token(member_id))
    await answered(own, "GET", f"/v1/members/{member_id}/{path}", status=200)
    await refused(own, "GET", f"/v1/members/u-1/{path}", code="not_your_member")
    made = await answered(
        admin, "POST", "/v1/keys", {"name": "x", "scopes": ["members:read"]}, status=201, key=f"k-{member_id}"
    )
    await refused(as_caller(made["key"]), "GET", f"/v1/members/{member_id}/{path}", code="scope_missing")


async def test_lots_next_to_expire_first(autumn: Client) -> None:
    admin, member = autumn, MEMBER
    for order_id, amount, placed, settle in (
        ("late", 20_000, "2026-10-03T02:00:00Z", "now"),
        ("early", 10_000, "2026-10-01T02:00:00Z", "now"),
        ("waits", 5_000, "2026-10-02T02:00:00Z", "later"),
        ("spent", 3_000, "2026-09-01T02:00:00Z", "now"),
    ):
        body = {"order_id": order_id, "amount": amount, "occurred_at": placed, "settle": settle}
        await answered(admin, "POST", f"{member}/accruals", body, status=201)
    await answered(admin, "POST", f"{member}/redemptions", {"reference": "r", "points": 30}, status=201)
    hold = {"reference": "h", "points": 100, "mode": "reserve"}
    await answered(admin, "POST", f"{member}/redemptions", hold, status=201)
    page = await answered(admin, "GET", f"{member}/lots?limit=2", status=200)
    rest = await answered(admin, "GET", f"{member}/lots?limit=2&cursor={page['next_cursor']}", status=200)
    early, waits, late = *page["data"], *rest["data"]
    assert rest["next_cursor"] is None
    assert early == {
        "lot": 2,
        "source": "order",
        "order_id": "early",
        "status": "reserved",
        "granted": 100,
        "remaining": 0,
        "reserved": 100,
        "pending": 0,
        "accrued_at": "2026-10-01T02:00:00Z",
        "expires_at": "2027-10-01T16:00:00Z",
    }
    assert (waits["status"], waits["pending"], waits["remaining"]) == ("pending", 50, 0)
    assert (late["order_id"], late["status"], late["remaining"]) == ("late", "available", 200)


async def test_balance_then_and_now(admin: Client, member: str) -> None:
    assert (await answered(admin, "GET", f"{member}/balance", status=200))["available"] == 0
    await answered(admin, "POST", f"{member}/accruals", {"order_id": "o1", "amount": 30_000}, status=201)
    (entry,) = await entries(admin, member)
    await answered(admin, "POST", f"{member}/redemptions", {"reference": "r", "points": 100}, status=201)
    now = await answered(admin, "GET", f"{member}/balance", status=200)
    assert now | {"as_of": "", "member_id": ""} == {
        "member_id": "",
        "as_of": "",
        "available": 200,
        "pending": 0,
        "reserved": 0,
        "debt": 0,
        "growth": 300,
        "cash": 0,
    }
    then = await answered(admin, "GET", f"{member}/balance?as_of={entry['recorded_at']}", status=200)
    assert (then["as_of"], then["available"]) == (entry["recorded_at"], 300)
    long_ago = await answered(admin, "GET", f"{member}/balance?as_of=2001-01-01T00:00:00+08:00", status=200)
    assert (long_ago["as_of"], long_ago["available"]) == ("2000-12-31T16:00:00Z", 0)
    await refused(admin, "GET", f"{member}/balance?as_of=2199-01-01T00:00:00Z", code="as_of_in_future")
    await mistaken(admin, "GET", f"{member}/balance?as_of=2026-01-01", None, pointer="?as_of")


async def test_every_refusal_is_documented(service: FastAPI) -> None:
    paths = document(service)["paths"]
    for path, codes in {
        "entries": {"member_not_found", "cursor_invalid", "not_your_member", "overloaded"},
        "lots": {"member_not_found", "cursor_invalid"},
        "balance": {"member_not_found", "as_of_in_future"},
    }.items():
        operation = paths[f"/v1/members/{{member_id}}/{path}"]["get"]
        assert all(code in str(operation["responses"]) for code in codes), path
