"""`loyalty verify` and the ledger's rows where a refund takes a tier and what campaigns gave for it: in a program whose
tiers count growth value, which these gifts are of themselves.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.domain import commands as ask
from app.queries.verify import verify
from tests.ledger.fair import put_live
from tests.ledger.shelf import offer
from tests.ledger.till import Till
from tests.queries.ledgers import Shop, open_shop, replace_program


def tier(code: str, at: int) -> dict[str, Any]:
    return {
        "code": code,
        "name": code,
        "thresholds": {"growth": at} if at else {},
        "rate": "1",
        "requires_review": False,
        "benefits": [],
    }


TIERS = {
    "tiers.ladder": [tier("low", 0), tier("mid", 100), tier("top", 200)],
    "tiers.qualification": {
        "metrics": ["growth"],
        "combine": "any",
        "window": {"kind": "rolling_months", "months": 6},
    },
}
GIFT = [
    {"kind": "add_growth", "growth": 100},
    {"kind": "add_points", "points": 7},
    {"kind": "add_chances", "chances": 2},
    {"kind": "issue_coupon", "template": "t"},
]
UNDONE = "WHERE kind = 'campaign_undo' AND key LIKE '%/top/1'"
# what is done → what must be told of it
DAMAGE: dict[str, str] = {
    f"UPDATE entry SET detail = replace(detail::text, '\"points\":7', '\"points\":6')::json {UNDONE}": (
        "entry campaign/rise/tier/top, points taken back"
    ),
    f"UPDATE entry SET detail = replace(detail::text, 'tier/top', 'tier/x')::json {UNDONE}": (
        "entry campaign/rise/tier/x, points taken back"
    ),
    "UPDATE lot SET terms = '{\"growth\":100}' WHERE source = 'campaign' AND terms->>'taken_back' = 'true'": (
        "entry campaign/rise/tier/mid, lot taken back"
    ),
    "UPDATE coupon SET status = 'issued' WHERE status = 'voided'": ", status",
    "UPDATE account SET chances = 1": "account.chances",
}
TABLES = ("account", "coupon", "entry", "lot")


def order(order_id: str, yuan: int) -> ask.Accrue:
    return ask.Accrue(member_id="m", order_id=order_id, amount=100 * yuan)


def back(order_id: str, yuan: int) -> ask.Reverse:
    return ask.Reverse(member_id="m", order_id=order_id, reference="r", amount=100 * yuan)


@pytest.fixture
async def shop(fresh_database_url: str) -> AsyncGenerator[Shop]:
    """A member who came to two tiers with gifts, gave back what brought them, and came to one of them again."""
    await replace_program(fresh_database_url, TIERS)
    async with open_shop(fresh_database_url) as shop:
        till = Till(shop.database, shop.engine)
        await offer(shop.database, "t")
        await till.enrol("m")
        await put_live(till, "rise", *GIFT, trigger="tier_change")
        await shop.ask(order("a", 60))
        await shop.ask(order("b", 50))
        await shop.ask(back("a", 60))
        await shop.ask(order("c", 50))
        await shop.ask(back("c", 50))
        yield shop


async def test_it_goes_and_comes_and_goes(shop: Shop) -> None:
    assert (await verify(shop.database.connect)).differences == []
    rows = await shop.owner.fetch("SELECT key FROM entry WHERE kind LIKE 'campaign%' ORDER BY sequence")
    # Two tiers by 110 of growth: the second by the gift for the first.
    assert [row["key"].partition("/rise/tier/")[::2] for row in rows] == [
        ("campaign", "mid"),
        ("campaign", "top"),
        ("campaign_undo", "mid/1"),
        ("campaign_undo", "top/1"),
        ("campaign", "mid/2"),
        ("campaign", "top/2"),
        ("campaign_undo", "mid/2"),
        ("campaign_undo", "top/2"),
    ]
    account = await shop.owner.fetchrow("SELECT tier, available, growth, chances, coupons FROM account")
    assert account is not None
    assert tuple(account) == ("low", 50, 50, 0, 0)
    statuses = await shop.owner.fetch("SELECT status FROM coupon")
    assert [row["status"] for row in statuses] == ["voided"] * 4


async def test_it_finds_what_was_planted(shop: Shop) -> None:
    rows = {
        table: [tuple(row) for row in await shop.owner.fetch(f"SELECT * FROM {table}")] for table in TABLES
    }
    for damage, what in DAMAGE.items():
        await shop.owner.execute(damage)
        told = [difference.what for difference in (await verify(shop.database.connect)).differences]
        assert any(what in each for each in told), (damage, told)
        for table in TABLES:
            await shop.owner.execute(f"DELETE FROM {table}")
            await shop.owner.execute(f"INSERT INTO {table} SELECT * FROM unnest($1::{table}[])", rows[table])
