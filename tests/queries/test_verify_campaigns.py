"""`loyalty verify` finds every sort of damage to what campaigns gave and to their budgets, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from app.domain import commands as ask
from app.domain.account import CampaignSum
from app.queries.verify import verify
from tests.ledger.fair import DOUBLE, change_state, put_live
from tests.ledger.shelf import offer
from tests.ledger.till import Till
from tests.queries.ledgers import Shop, open_shop

GROWTH = {"kind": "add_growth", "growth": 7}
CHANCES = {"kind": "add_chances", "chances": 3}
COUPON = {"kind": "issue_coupon", "template": "t"}
ROW = "WHERE member_id = 'm' AND campaign = 'c'"
BUDGET = "WHERE budget = 'c' AND share_of <> 0"
DAY = "WHERE budget LIKE 'd/%' AND share_of <> 0"

# what is done → what must be told of it
DAMAGE: dict[str, str] = {
    "DELETE FROM campaign_sum WHERE campaign = 'c'": "campaign c, figures",
    "UPDATE campaign_sum SET campaign = 'x' WHERE campaign = 'c'": "campaign x, times",
    **{
        f"UPDATE campaign_sum SET {name} = {name} + 1 WHERE campaign = 'c'": f"campaign c, {name}"
        for name in CampaignSum._fields[3:]
    },
    f"UPDATE campaign_points SET points = points - 1 {ROW}": "campaign c, points",
    f"UPDATE campaign_points SET campaign = 'x' {ROW}": "campaign x, points",
    "UPDATE account SET campaigns = '' WHERE member_id = 'm'": "taken part in",
    "UPDATE account SET campaigns = set_bit(campaigns, 0, 1) WHERE member_id = 'm'": "taken part in",
    "UPDATE account SET chances = chances + 1 WHERE member_id = 'm'": "account.chances",
    "UPDATE entry SET detail = replace(detail::text, '\"c\",1,100,', '\"c\",1,99,')::json "
    "WHERE member_id = 'm' AND key = 'order/o'": "campaign c, points, by breakdowns",
    f"UPDATE campaign_budget SET share = share - 1 {BUDGET}": "budget c, shares",
    f"UPDATE campaign_budget SET share = share + 1 {BUDGET}": "budget c, shares",
    "DELETE FROM campaign_budget WHERE budget = 'c'": "budget c, shares",
    f"UPDATE campaign_budget SET granted = granted - 1 {BUDGET}": "budget c, granted",
    f"UPDATE campaign_budget SET granted = granted + 1 {BUDGET}": "budget c, granted",
    f"UPDATE campaign_budget SET granted = granted - 1 {DAY}": ", granted",
    f"UPDATE campaign_budget SET granted = granted + 1 {DAY}": ", granted",
    "UPDATE campaign_budget SET granted = share WHERE budget = 'later'": "budget later, granted",
}
TABLES = ("campaign_points", "campaign_sum", "campaign_budget", "account", "entry")


@pytest.fixture
async def shop(fresh_database_url: str) -> AsyncGenerator[Shop]:
    """A member to whom campaigns gave all they can, some of it taken back, within budgets that have more to give."""
    async with open_shop(fresh_database_url) as shop:
        till = Till(shop.database, shop.engine)
        await offer(shop.database, "t")
        await till.enrol("m", "n")
        await put_live(
            till, "c", DOUBLE, GROWTH, CHANCES, COUPON, budget={"points": 1_000, "per_member": 900}
        )
        await put_live(till, "d", DOUBLE, trigger="sign_in", budget={"per_day": 100, "points": 500})
        await put_live(till, "later", {"kind": "add_points", "points": 5})
        for member in ("m", "n"):
            await till.ask(ask.Accrue(member_id=member, order_id="o", amount=10_000))
            await till.ask(ask.Accrue(member_id=member, order_id="p", amount=10_000, settle=False))
            await till.ask(ask.SignIn(member_id=member))
        await put_live(till, "later", {"kind": "add_points", "points": 5}, budget={"points": 100})
        await till.ask(ask.Settle(member_id="m", order_id="p"))
        await till.ask(ask.Reverse(member_id="m", order_id="p", reference="b", amount=5_000))
        await till.ask(ask.Accrue(member_id="m", order_id="q", amount=10_000))
        await till.ask(ask.Reverse(member_id="m", order_id="q", reference="b", amount=10_000))
        await change_state(till, "d", "ended")
        yield shop


async def test_an_honest_ledger_agrees(shop: Shop) -> None:
    assert (await verify(shop.database.connect)).differences == []
    row = await shop.owner.fetchrow(f"SELECT points FROM campaign_points {ROW}")
    assert row is not None
    assert tuple(row) == (300,)
    sums = ", ".join(f"sum({name})::int" for name in CampaignSum._fields[3:])
    row = await shop.owner.fetchrow(f"SELECT {sums} FROM campaign_sum WHERE campaign = 'c'")
    assert row is not None
    assert tuple(row) == (2, 5, 50_000, 500, 35, 9, 3, 0, 150)
    shares = await shop.owner.fetch(
        "SELECT sum(granted)::int FROM campaign_budget GROUP BY budget ORDER BY budget"
    )
    assert [share for (share,) in shares] == [500, 20, 20, 5]  # c, d, its day, and later's since it has one


async def test_parts_as_they_were_told_before(shop: Shop) -> None:
    """Entries stay as they were written."""
    changed = await shop.owner.execute(
        """
        UPDATE entry SET detail = replace(detail::text, '["c",1,100,"c"]', '["campaign:c","c",100,1]')::json
         WHERE detail::text LIKE '%["c",1,100,"c"]%'
        """
    )
    assert changed == "UPDATE 6"
    assert (await verify(shop.database.connect)).differences == []


async def test_it_finds_what_was_planted(shop: Shop) -> None:
    rows = {
        table: [tuple(row) for row in await shop.owner.fetch(f"SELECT * FROM {table}")] for table in TABLES
    }
    for damage, what in DAMAGE.items():
        assert await shop.owner.execute(damage) not in ("UPDATE 0", "DELETE 0"), damage
        told = [difference.what for difference in (await verify(shop.database.connect)).differences]
        assert any(what in each for each in told), (damage, told)
        for table in TABLES:
            await shop.owner.execute("SET session_replication_role = replica")
            await shop.owner.execute(f"DELETE FROM {table}")
            await shop.owner.execute(f"INSERT INTO {table} SELECT * FROM unnest($1::{table}[])", rows[table])
            await shop.owner.execute("SET session_replication_role = origin")
    assert (await verify(shop.database.connect)).agrees
