"""`loyalty verify` finds every sort of damage to activities and missions, and nothing where there is none."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from app.domain import commands as ask
from app.domain.activity_commands import RecordActivity, ReverseActivity
from app.queries.verify import verify
from tests.queries.ledgers import Shop, open_shop, replace_program

MISSIONS = [
    {
        "mission": "three",
        "name": "本月三单",
        "counts": "orders",
        "at_least": 3,
        "period": "month",
        "reward": {"points": 50},
        "badge": "regular",
    },
    {
        "mission": "reviews",
        "name": "r",
        "counts": "activities",
        "kind": "review",
        "at_least": 9,
        "period": "ever",
        "reward": {"growth": 5, "chances": 2},
    },
]

KEPT = "WHERE member_id = 'm' AND reference = 'kept'"
GONE = "WHERE member_id = 'm' AND reference = 'gone'"
DONE = "WHERE member_id = 'm' AND mission = 'three'"
UNDONE = "WHERE member_id = 'n' AND mission = 'three'"
OPEN = "WHERE member_id = 'm' AND mission = 'reviews'"

# what is done to the rows of the member `m` → what must be told of it
DAMAGE: dict[str, str] = {
    f"DELETE FROM activity {KEPT}": "activity kept, row",
    f"UPDATE activity SET reference = 'x' {KEPT}": "activity x, entry that recorded it",
    f"UPDATE activity SET sequence = 99 {KEPT}": "activity kept, entry that recorded it",
    f"UPDATE activity SET kind = 'share' {KEPT}": "activity kept, kind",
    f"UPDATE activity SET level = 'text' {KEPT}": "activity kept, level",
    f"UPDATE activity SET day = day + 1 {KEPT}": "activity kept, day",
    f"UPDATE activity SET status = 'reversed' {KEPT}": "activity kept, status",
    f"UPDATE activity SET status = 'recorded' {GONE}": "activity gone, status",
    f"UPDATE activity SET lot = lot + 1 {KEPT}": "activity kept, lot",
    f"UPDATE activity SET program_version = 2 {KEPT}": "activity kept, program_version",
    "UPDATE lot SET terms = NULL WHERE member_id = 'm' AND terms->>'taken_back' = 'true'": "gone, lot taken back",
    'UPDATE entry SET detail = \'{"points":1,"moves":[]}\' '
    "WHERE member_id = 'm' AND kind = 'reverse_activity'": "activity gone, points taken back",
    f"DELETE FROM mission_progress {DONE}": "mission three of 2",
    f"UPDATE mission_progress SET progress = 2 {DONE}": ", progress",
    f"UPDATE mission_progress SET progress = 2 {OPEN}": "mission reviews of ever, progress",
    f"UPDATE mission_progress SET completed_at = now() {OPEN}": "mission reviews of ever, completed_at",
    f"UPDATE mission_progress SET completed_at = NULL, badge = NULL {DONE}": ", completed_at",
    f"UPDATE mission_progress SET badge = 'x' {DONE}": ", badge",
    f"UPDATE mission_progress SET program_version = 2 {DONE}": ", program_version",
    f"UPDATE mission_progress SET mission = 'x' {OPEN}": "mission x of ever, progress",
    f"UPDATE mission_progress SET undone = 1 {DONE}": ", undone",
    f"UPDATE mission_progress SET undone = 0 {UNDONE}": ", undone",
    f"UPDATE mission_progress SET undone = 2 {UNDONE}": ", undone",
    f"UPDATE mission_progress SET completed_at = now() {UNDONE}": ", completed_at",
    "UPDATE lot SET terms = NULL WHERE member_id = 'n' AND source = 'mission'": ", lot taken back",
    """UPDATE lot SET terms = '{"taken_back":true}' WHERE member_id = 'm' AND source = 'mission'""": ", lot taken back",
    """UPDATE entry SET detail = '{"points":1,"moves":[],"undoes":"mission/x/ever"}' WHERE kind = 'mission_undo'""": (
        "entry mission/x/ever, points taken back"
    ),
}


@pytest.fixture
async def shop(fresh_database_url: str) -> AsyncGenerator[Shop]:
    """A member who completed a mission, is on the way with another, and whose activity was taken down."""
    await replace_program(fresh_database_url, {"missions": MISSIONS})
    async with open_shop(fresh_database_url) as shop:
        await shop.ask(ask.Enrol(member_id="m"))
        for order_id in ("a", "b"):
            await shop.ask(ask.Accrue(member_id="m", order_id=order_id, amount=1_000))
        await shop.ask(ask.Reverse(member_id="m", order_id="a", reference="r", amount=1_000))
        for order_id in ("c", "d"):
            await shop.ask(ask.Accrue(member_id="m", order_id=order_id, amount=1_000))
        for reference in ("kept", "gone"):
            await shop.ask(
                RecordActivity(member_id="m", reference=reference, activity="review", level="pictures")
            )
        await shop.ask(RecordActivity(member_id="m", reference="vote", activity="vote"))
        await shop.ask(ask.Redeem(member_id="m", reference="most", points=150))
        await shop.ask(ReverseActivity(member_id="m", reference="gone"))
        await shop.ask(ask.Enrol(member_id="n"))
        for order_id in ("a", "b", "c"):
            await shop.ask(ask.Accrue(member_id="n", order_id=order_id, amount=1_000))
        for order_id in ("a", "b"):
            await shop.ask(ask.Reverse(member_id="n", order_id=order_id, reference="r", amount=1_000))
        yield shop


async def test_an_honest_ledger_agrees(shop: Shop) -> None:
    report = await verify(shop.database.connect)
    assert report.differences == []
    account = await shop.owner.fetchrow("SELECT available, debt FROM account WHERE member_id = 'm'")
    assert account is not None
    assert tuple(account) == (0, 28)


async def test_it_finds_what_was_planted(shop: Shop) -> None:
    tables = ("activity", "mission_progress", "lot", "entry")
    rows = {
        table: [tuple(row) for row in await shop.owner.fetch(f"SELECT * FROM {table}")] for table in tables
    }
    for damage, what in DAMAGE.items():
        await shop.owner.execute(damage)
        told = [difference.what for difference in (await verify(shop.database.connect)).differences]
        assert any(what in each for each in told), (damage, told)
        for table in tables:
            await shop.owner.execute(f"DELETE FROM {table}")
            await shop.owner.execute(f"INSERT INTO {table} SELECT * FROM unnest($1::{table}[])", rows[table])
