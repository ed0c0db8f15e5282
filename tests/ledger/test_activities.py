"""Activities and missions through the engine: one batch or many, the same rows; and what their tables refuse."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.database import Database
from app.domain.account import Activity, MissionProgress
from app.domain.activities import ActivityLimitReached
from app.domain.activity_commands import RecordActivity, ReverseActivity
from app.domain.command import Command
from app.domain.commands import Accrue, Enrol, Redeem, Reverse, SignIn
from app.domain.errors import LoyaltyError
from app.ledger.outcome import Outcome
from tests.ledger.till import Till, tills
from tests.queries.ledgers import replace_program
from tests.stored_campaigns import store_campaign

MISSIONS: list[dict[str, Any]] = [
    {
        "mission": "orders",
        "name": "o",
        "counts": "orders",
        "at_least": 2,
        "period": "month",
        "reward": {"points": 1_000, "coupon": "birthday"},
        "badge": "b",
    },
    {
        "mission": "reviews",
        "name": "r",
        "counts": "activities",
        "kind": "review",
        "at_least": 9,
        "period": "ever",
        "reward": {"growth": 1},
    },
]
ROWS = {"activity": Activity, "mission_progress": MissionProgress}


@pytest.fixture
async def till(fresh_database_url: str) -> AsyncGenerator[Till]:
    """A till of a program with missions; afterwards the whole ledger is what its entries make it."""
    await replace_program(fresh_database_url, {"missions": MISSIONS})
    async with tills(fresh_database_url, count=1) as [till]:
        yield till
        await till.assert_agrees()


@pytest.fixture
async def owner(database_url: str) -> AsyncGenerator[asyncpg.Connection[Any]]:
    """A connection that may do anything, so that only constraints refuse."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def activity(reference: str, kind: str = "review") -> RecordActivity:
    return RecordActivity(member_id="m", reference=reference, activity=kind)


def order(order_id: str, *, days_ago: int = 0) -> Accrue:
    placed = datetime.now(UTC) - timedelta(days=days_ago) if days_ago else None
    return Accrue(member_id="m", order_id=order_id, amount=1_000, occurred_at=placed)


def told(results: list[Outcome | LoyaltyError | Any]) -> list[object]:
    """What became of each: `new`, `again`, or how it was refused."""
    return [
        ("again" if result.replayed else "new") if isinstance(result, Outcome) else type(result)
        for result in results
    ]


LIFE: list[Command] = [
    Enrol(member_id="m"),
    activity("a"),
    order("o1"),
    activity("a"),
    *(activity(f"b{number}") for number in range(5)),
    ReverseActivity(member_id="m", reference="b0"),
    ReverseActivity(member_id="m", reference="b0"),
    SignIn(member_id="m"),
    order("o2"),
    Redeem(member_id="m", reference="r", points=600),
    ReverseActivity(member_id="m", reference="a"),
    Reverse(member_id="m", order_id="o2", reference="r", amount=1_000),
    activity("p", "profile"),
    activity("q", "profile"),
    order("o3"),
]
TOLD: list[object] = [
    "new",
    "new",
    "new",
    "again",
    *("new" for _ in range(4)),
    ActivityLimitReached,
    "new",
    "again",
    *("new" for _ in range(6)),
    ActivityLimitReached,
    "new",
]


@pytest.mark.parametrize("at_once", [1, 3, len(LIFE)])
async def test_in_one_batch_or_in_many(till: Till, at_once: int) -> None:
    results: list[Any] = []
    for first in range(0, len(LIFE), at_once):
        results += await till.ask_all(LIFE[first : first + at_once])
    assert told(results) == TOLD
    assert await till.rows("SELECT reference, kind, status FROM activity ORDER BY sequence") == [
        ("a", "review", "reversed"),
        ("b0", "review", "reversed"),
        ("b1", "review", "recorded"),
        ("b2", "review", "recorded"),
        ("b3", "review", "recorded"),
        ("p", "profile", "recorded"),
    ]
    assert await till.rows("SELECT mission, progress, badge FROM mission_progress ORDER BY mission") == [
        ("orders", 2, "b"),
        ("reviews", 3, None),
    ]
    numbered = "SELECT kind, split_part(key, '/', 4) FROM entry WHERE kind LIKE 'mission%' ORDER BY sequence"
    assert await till.rows(numbered) == [("mission", ""), ("mission_undo", "1"), ("mission", "2")]
    assert await till.rows("SELECT source, status FROM coupon ORDER BY sequence") == [
        ("mission", "voided"),
        ("mission", "issued"),
    ]
    # 3 reviews, the orders that were kept, the sign-in, the profile, the mission; less what was spent.
    assert await till.balance("m") == (60 + 20 + 10 + 50 + 1_000 - 600, 0, 0, 0)


async def test_orders_of_earlier_months_in_one_batch(till: Till) -> None:
    results = await till.ask_all(
        [Enrol(member_id="m"), *(order(f"o{number}", days_ago=40 * (number // 2)) for number in range(8))]
    )
    assert told(list(results)) == ["new"] * 9
    results = await till.ask_all([order("late", days_ago=400), order("later", days_ago=440)])
    assert told(list(results)) == ["new"] * 2
    rows = await till.rows("SELECT period, progress FROM mission_progress ORDER BY period")
    assert [progress for _, progress in rows] == [1, 1, 2, 2, 2, 2]
    assert (await till.kinds("m")).count("mission") == 4


async def test_a_member_of_another_process_counts_on(till: Till, fresh_database_url: str) -> None:
    await till.ask_all([Enrol(member_id="m"), order("o1")])
    async with tills(fresh_database_url, count=1) as [other]:
        await other.ask(order("o2"))
    assert await till.kinds("m") == ["accrue", "accrue", "mission"]


async def test_what_campaigns_add_goes_with_what_is_taken_back(till: Till) -> None:
    effects = [
        {"kind": "add_points", "points": 7},
        {"kind": "add_growth", "growth": 3},
        {"kind": "add_chances", "chances": 2},
        {"kind": "issue_coupon", "template": "birthday"},
    ]
    await store_campaign(
        till.database,
        "show-it",
        trigger="activity",
        condition="event.kind == 'review' && event.level == 'pictures'",
        effects=effects,
        budget={"points": 10},
    )
    await till.ask(Enrol(member_id="m"))
    plain = await till.ask(activity("a"))
    assert (plain.body["points"], plain.body["chances"]) == (20, 0)
    shown = await till.ask(RecordActivity(member_id="m", reference="b", activity="review", level="pictures"))
    assert (shown.body["points"], shown.body["growth"], shown.body["chances"]) == (47, 23, 2)
    assert len(shown.body["coupons"]) == 1
    assert [part["rule"] for part in shown.body["breakdown"]] == ["activity:review", "campaign:show-it"]
    last = await till.ask(RecordActivity(member_id="m", reference="c", activity="review", level="pictures"))
    assert last.body["points"] == 43  # what is left of the budget
    back = await till.ask(ReverseActivity(member_id="m", reference="b"))
    assert (back.body["points"], back.body["growth"], back.body["chances"]) == (47, 23, 2)
    figures = "times, points, growth, chances, coupons, taken_back"
    assert await till.rows(f"SELECT {figures} FROM campaign_sum") == [(2, 10, 6, 2, 1, 7)]
    assert await till.rows("SELECT source, status FROM coupon ORDER BY sequence") == [
        ("campaign", "voided"),
        ("campaign", "issued"),
    ]
    assert await till.rows("SELECT available, growth, chances FROM account") == [(63, 43, 2)]


# --- tables ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ROWS)
async def test_rows_are_the_tables_column_for_column(owner: asyncpg.Connection[Any], table: str) -> None:
    columns = await owner.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum",
        table,
    )
    assert tuple(column["attname"] for column in columns) == ROWS[table]._fields


RIGHT = {
    "activity": "(3, 'x', 1, 'a', 'review', NULL, '2026-03-05', 'recorded', NULL, 1)",
    "mission_progress": "(3, 'x', 'ever', 'm', 1, 1, NULL, NULL, NULL)",
}
WRONG: list[tuple[str, str, str]] = [
    ("activity", "bucket = 64", "bucket"),
    ("activity", "status = 'odd'", "status"),
    ("mission_progress", "bucket = -1", "bucket"),
    ("mission_progress", "progress = -1", "progress"),
    ("mission_progress", "badge = 'b'", "badge_is_earned"),
]


async def test_every_check_is_tried(owner: asyncpg.Connection[Any]) -> None:
    checks = await owner.fetch(
        "SELECT conrelid::regclass::text AS on_table, conname FROM pg_constraint "
        "WHERE contype = 'c' AND conrelid::regclass::text = ANY ($1)",
        list(ROWS),
    )
    tried = {(table, f"ck_{table}_{name}") for table, _, name in WRONG}
    assert {(check["on_table"], check["conname"]) for check in checks} == tried


@pytest.mark.parametrize(("table", "change", "name"), WRONG)
async def test_a_wrong_write_is_refused(
    owner: asyncpg.Connection[Any], table: str, change: str, name: str
) -> None:
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute(f"INSERT INTO {table} VALUES {RIGHT[table]}")
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await owner.execute(f"UPDATE {table} SET {change}")
    assert refused.value.constraint_name == f"ck_{table}_{name}"
    await transaction.rollback()


@pytest.mark.parametrize("table", ROWS)
async def test_the_application_may_not_delete(database: Database, table: str) -> None:
    connection = await database.connect()
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"DELETE FROM {table}")
    finally:
        await connection.close()
