"""The accountant's view: entries of all members as pages and as CSV, and the liability."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from app.schemas.entries import CSV_COLUMNS
from tests.queries.ledgers import live, open_shop
from tests.routers.asking import answered, refused
from tests.routers.test_sandbox import running, sandbox
from tests.tokens import Issuer

Client = httpx.AsyncClient


@pytest.fixture(scope="module")
def ledger_url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(scope="module")
async def books(ledger_url: str) -> AsyncGenerator[Client]:
    """The accountant of a shop in which everything happened, a year and more ago for some of it."""
    async with open_shop(ledger_url) as shop:
        await live(shop, "m1")
        await shop.wait(days=100)
        await live(shop, "-m2")
        await shop.wait(days=300)
        await live(shop, "m3")
    async with running(sandbox(ledger_url)) as client:
        yield client


async def all_entries(client: Client, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await answered(client, "GET", f"/v1/entries?limit=17{query}{cursor}", status=200)
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_pages_lead_through_all_in_order_of_recording(books: Client) -> None:
    found = await all_entries(books)
    assert len({(entry["member_id"], entry["sequence"]) for entry in found}) == len(found) > 60
    assert [entry["recorded_at"] for entry in found] == sorted(entry["recorded_at"] for entry in found)
    assert {entry["member_id"] for entry in found} > {"m1", "-m2", "m3", "m1-friend"}


async def test_a_range(books: Client) -> None:
    found = await all_entries(books)
    middle = found[40]["recorded_at"]
    earlier, later = await all_entries(books, f"&to={middle}"), await all_entries(books, f"&from={middle}")
    assert earlier + later == found
    assert later[0]["recorded_at"] == middle
    assert await all_entries(books, "&to=2001-01-01T00:00:00Z") == []
    assert await all_entries(books, "&from=2199-01-01T00:00:00Z") == []


async def test_csv_is_all_of_it(books: Client) -> None:
    response = await books.get("/v1/entries", headers={"Accept": "text/csv"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(response.text)))
    found = await all_entries(books)
    assert len(lines) == len(found)
    for line, entry in zip(lines, found, strict=True):
        assert tuple(line) == CSV_COLUMNS
        assert line["member_id"].removeprefix("'") == entry["member_id"]
        assert int(line["points"]) == entry["points"]
        assert int(line["points_after"]) == entry["balance"]["points"]
        assert (line["reference"] or None) == entry["reference"]
        assert line["recorded_at"] == entry["recorded_at"]
    assert {line["reason"] for line in lines} >= {"sorry", "a friend"}


async def test_csv_holds_no_formula(books: Client) -> None:
    response = await books.get("/v1/entries", headers={"Accept": "text/csv"})
    texts = ("member_id", "reference", "order_id", "actor", "request_id", "reason")
    lines = list(csv.DictReader(io.StringIO(response.text)))
    assert any(line["member_id"] == "'-m2" for line in lines)
    assert not any(line[name].startswith(("=", "+", "-", "@")) for line in lines for name in texts)


async def test_csv_of_nothing_is_its_header(books: Client) -> None:
    response = await books.get("/v1/entries?to=2001-01-01T00:00:00Z", headers={"Accept": "text/csv"})
    assert response.text == ",".join(CSV_COLUMNS) + "\r\n"


@pytest.mark.parametrize(
    ("accept", "is_csv"),
    [
        ("text/csv", True),
        ("text/csv, */*;q=0.1", True),
        ("application/json;q=0.5, text/csv", True),
        ("application/json, text/csv;q=0.5", False),
        ("*/*", False),
        ("text/csv;q=0", False),
        ("text/csv;q=x", False),
        ("", False),
    ],
)
async def test_which_form(books: Client, accept: str, is_csv: bool) -> None:
    response = await books.get("/v1/entries", headers={"Accept": accept})
    assert response.headers["content-type"].startswith("text/csv") == is_csv


async def test_liability_equals_the_balances(books: Client) -> None:
    owed = await answered(books, "GET", "/v1/liability", status=200)
    balances = [
        await answered(books, "GET", f"/v1/members/{name}{suffix}/balance", status=200)
        for name in ("m1", "-m2", "m3")
        for suffix in ("", "-friend")
    ]
    for wallet in ("available", "pending", "reserved"):
        points = sum(balance[wallet] for balance in balances)
        assert owed[wallet] == {"points": points, "value": points}
        assert sum(month[wallet] for month in owed["months"]) == points
    assert owed["cash"] == sum(balance["cash"] for balance in balances) > 0
    assert owed["debt"]["points"] == 0
    assert owed["total"]["points"] == sum(month["total"]["points"] for month in owed["months"]) > 0
    assert (owed["currency"], owed["program_version"]) == ("CNY", 1)


async def test_liability_by_the_month_of_the_last_usable_day(books: Client) -> None:
    newest = (await all_entries(books, "&from=2026-01-01T00:00:00Z"))[-1]["recorded_at"]
    day = datetime.fromisoformat(newest).astimezone(UTC) + timedelta(hours=8)
    owed = await answered(books, "GET", "/v1/liability", status=200)
    assert owed["months"][-1]["month"] == f"{day.year + 1}-{day.month:02}"


async def test_liability_is_exact_beyond_a_bigint(fresh_database_url: str) -> None:
    async with running(sandbox(fresh_database_url)) as client:
        for member_id in ("m1", "m2", "m3"):
            await answered(client, "PUT", f"/v1/members/{member_id}", {}, status=201)
            given = {"reference": "a", "points": 1, "reason": "test"}
            await answered(client, "POST", f"/v1/members/{member_id}/adjustments", given, status=201)
        connection = await asyncpg.connect(fresh_database_url)
        await connection.execute(f"UPDATE lot SET granted = {2**62}, remaining = {2**62}")
        await connection.close()
        owed = await answered(client, "GET", "/v1/liability", status=200)
        assert owed["available"]["points"] == owed["total"]["value"] == 3 * 2**62


async def test_liability_of_the_past(books: Client) -> None:
    found = await all_entries(books)
    friends = [entry for entry in found if entry["member_id"] == "m1"]
    early = await answered(books, "GET", f"/v1/liability?as_of={friends[1]['recorded_at']}", status=200)
    assert early["available"]["points"] == friends[1]["balance"]["points"]
    nothing = await answered(books, "GET", "/v1/liability?as_of=1901-01-01T00:00:00Z", status=200)
    assert (nothing["months"], nothing["total"]["points"], nothing["cash"]) == ([], 0, 0)


async def test_refusals(books: Client) -> None:
    await refused(books, "GET", "/v1/liability?as_of=2199-01-01T00:00:00Z", code="as_of_in_future")
    await refused(books, "GET", "/v1/entries?cursor=WzFd", code="cursor_invalid")
    await refused(books, "GET", "/v1/entries?kind=accrue", code="validation_failed")


@pytest.mark.parametrize("path", ["/v1/entries", "/v1/liability"])
async def test_who_may_look(
    nobody: Client, as_caller: Callable[[str | None], Client], issuer: Issuer, path: str
) -> None:
    await refused(nobody, "GET", path, code="credential_missing")
    await refused(as_caller(issuer.token("u-1")), "GET", path, code="not_for_members")
