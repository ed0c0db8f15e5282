"""The tables hold the rows of `domain/account.py`, and refuse wrong ones even from a wrong program."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from app.database import Database
from app.domain.account import (
    Account,
    BenefitGrant,
    Budget,
    CampaignPoints,
    CampaignSum,
    Checkout,
    Code,
    Counter,
    Coupon,
    Entry,
    Lot,
    Redemption,
    Review,
)
from app.domain.benefit_commands import GrantBenefit
from app.domain.campaign_commands import PayCampaign
from app.domain.commands import Accrue, DecideReview, Redeem
from app.domain.coupon_commands import LockCoupon
from tests.ledger.fair import change_state, put_live
from tests.ledger.shelf import claim, offer
from tests.ledger.test_checkouts import hold
from tests.ledger.till import Till

ROWS = {
    "account": Account,
    "lot": Lot,
    "entry": Entry,
    "redemption": Redemption,
    "tier_review": Review,
    "coupon": Coupon,
    "coupon_code": Code,
    "coupon_counter": Counter,
    "checkout": Checkout,
    "benefit_grant": BenefitGrant,
    "campaign_points": CampaignPoints,
    "campaign_sum": CampaignSum,
    "campaign_budget": Budget,
}
NOW = datetime(2026, 3, 5, tzinfo=UTC)


@pytest.fixture
async def owner(database_url: str) -> AsyncGenerator[asyncpg.Connection[Any]]:
    """A connection that may do anything, so that only constraints refuse."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.mark.parametrize("table", ROWS)
async def test_rows_are_the_tables_column_for_column(owner: asyncpg.Connection[Any], table: str) -> None:
    columns = await owner.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum",
        table,
    )
    assert tuple(column["attname"] for column in columns) == ROWS[table]._fields


async def rows_of(till: Till, member: str) -> None:
    """A row of the member's in every table of the ledger; coupon template and campaign are named as the member is."""
    await till.enrol(member, points=35_000)
    await till.ask(Redeem(member_id=member, reference="h", points=10, reserve=True))
    code = await claim(till, member, await offer(till.database, member, budget=9))
    await till.ask(LockCoupon(member_id=member, code=code, reference="l", discount=7))
    await till.ask(hold(member, 90_000, points=100, cash=50))
    await till.ask(
        GrantBenefit(member_id=member, reference="g", benefit="own_service", label="x", reason="y")
    )
    gift = {"kind": "add_points", "points": 5}
    await put_live(till, member, gift, trigger="schedule", budget={"points": 7, "per_member": 9})
    await till.ask(
        PayCampaign(member_id=member, campaign=member, trigger="schedule", occasion="at/2026-12-05")
    )
    await change_state(till, member, "ended")


OF_THE_SHOP = {"coupon_counter": "template", "campaign_budget": "budget", "campaign_sum": "campaign"}


def whose(table: str) -> str:
    return f"{OF_THE_SHOP.get(table, 'member_id')} = $1"


async def test_every_table_has_its_row(till: Till, member: str) -> None:
    await rows_of(till, member)
    await till.ask(DecideReview(member_id=member, review=1, approve=False, reason="no"))
    for table, kind in ROWS.items():
        rows = await till.rows(f"SELECT * FROM {table} WHERE {whose(table)}", member)
        assert rows
        for row in map(kind._make, rows):
            assert getattr(row, "member_id", None) == (None if table in OF_THE_SHOP else member)


# --- CHECKs ----------------------------------------------------------------------------------------------

WRONG: list[tuple[str, str, str]] = [
    ("account", "bucket = 64", "bucket"),
    ("account", "bucket = -1", "bucket"),
    ("account", "status = 'gone'", "status"),
    ("account", "tier_state = 'odd'", "tier_state"),
    *(
        ("account", f"{column} = -1", "not_negative")
        for column in ("available", "pending", "reserved", "redeemed", "expired", "spend", "orders")
    ),
    ("account", "debt = -1, available = 0", "not_negative"),
    ("account", "debt = 1", "debt_before_available"),
    *(
        ("lot", f"{column} = {column} + 1", "adds_up")
        for column in ("granted", "remaining", "reserved", "redeemed", "expired", "clawed_back", "moved")
    ),
    ("lot", "remaining = -1, granted = granted - remaining - 1", "not_negative"),
    ("lot", "reserved = -1, granted = granted - reserved - 1", "not_negative"),
    ("lot", "redeemed = -1, granted = granted - redeemed - 1", "not_negative"),
    ("lot", "expired = -1, granted = granted - expired - 1", "not_negative"),
    ("lot", "clawed_back = -1, granted = granted - clawed_back - 1", "not_negative"),
    ("lot", "moved = -1, granted = granted - moved - 1", "not_negative"),
    ("lot", "refunded = amount + 1", "refunded_within_amount"),
    ("lot", "refunded = -1", "refunded_within_amount"),
    ("lot", "order_id = NULL", "order_whole"),
    ("lot", "amount = NULL", "order_whole"),
    ("lot", "refunded = NULL", "order_whole"),
    ("lot", "tier = NULL", "order_whole"),
    ("lot", "settle_at = accrued_at", "settles_while_pending"),
    ("entry", "sequence = 0", "sequence"),
    *(("entry", f"{column}_after = -1", "not_negative") for column in ("points", "pending", "reserved")),
    ("entry", "debt_after = -1, points_after = 0", "not_negative"),
    ("entry", "points_after = 1, debt_after = 1", "debt_before_points"),
    ("redemption", "status = 'odd'", "status"),
    ("redemption", "points = 0", "committed_within_points"),
    ("redemption", "committed = points + 1", "committed_within_points"),
    ("redemption", "committed = -1", "committed_within_points"),
    ("redemption", "refunded = committed + 1", "refunded_within_committed"),
    ("redemption", "refunded = -1", "refunded_within_committed"),
    ("redemption", "parts = parts || 1::bigint", "parts_of_lots"),
    ("redemption", "hold_expires_at = NULL", "hold_ends"),
    ("tier_review", "status = 'odd'", "status"),
    ("benefit_grant", "until = since", "until_after_since"),
    ("coupon", "status = 'odd', reference = NULL, discount = NULL, lock_expires_at = NULL", "status"),
    ("coupon", "reference = NULL", "used_by_reference"),
    ("coupon", "discount = NULL", "used_by_reference"),
    ("coupon", "status = 'issued', lock_expires_at = NULL", "used_by_reference"),
    ("coupon", "discount = -1", "discount"),
    ("coupon", "status = 'redeemed'", "lock"),
    ("coupon_code", "bucket = 64", "bucket"),
    ("coupon_code", "kind = 'odd'", "kind"),
    ("coupon_code", "member_id = NULL", "coupon_held"),
    ("coupon_code", "kind = 'public'", "nobodys"),
    ("coupon_code", "kind = 'void'", "nobodys"),
    ("campaign_points", "bucket = 64", "bucket"),
    ("campaign_sum", "bucket = 64", "bucket"),
    ("campaign_budget", "bucket = 64", "bucket"),
    ("campaign_budget", "granted = -1", "not_overdrawn"),
    ("campaign_budget", "granted = share + 1", "not_overdrawn"),
    ("coupon_counter", "bucket = 64", "bucket"),
    ("coupon_counter", "issued = -1", "not_negative"),
    ("coupon_counter", "discounted = -1", "not_negative"),
    ("checkout", "status = 'odd'", "status"),
    ("checkout", "hold_expires_at = NULL", "hold_ends"),
    ("checkout", "parts = parts || 1::bigint", "parts_of_lots"),
    ("checkout", "points_refunded = points + 1", "refunded_within_points"),
    ("checkout", "points_refunded = -1", "refunded_within_points"),
    ("checkout", "cash_refunded = cash + 1", "refunded_within_cash"),
    ("checkout", "cash_refunded = -1", "refunded_within_cash"),
]


async def test_every_check_of_the_ledger_is_tried(owner: asyncpg.Connection[Any]) -> None:
    checks = await owner.fetch(
        "SELECT conrelid::regclass::text AS on_table, conname FROM pg_constraint "
        "WHERE contype = 'c' AND conrelid::regclass::text = ANY ($1)",
        list(ROWS),
    )
    tried = {(table, f"ck_{table}_{name}") for table, _, name in WRONG}
    assert {(check["on_table"], check["conname"]) for check in checks} == tried


@pytest.mark.parametrize(("table", "change", "name"), WRONG)
async def test_a_wrong_write_is_refused(
    till: Till, owner: asyncpg.Connection[Any], member: str, table: str, change: str, name: str
) -> None:
    await rows_of(till, member)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await owner.execute(f"UPDATE {table} SET {change} WHERE {whose(table)}", member)
    assert refused.value.constraint_name == f"ck_{table}_{name}"


@pytest.mark.parametrize("table", ["redemption", "tier_review"])
async def test_nothing_belongs_to_nobody(owner: asyncpg.Connection[Any], table: str) -> None:
    values = {
        "redemption": "(3, 'stranger', 'r', 'redeemed', 1, 1, 0, '{1}', '{1}', NULL, NULL, 1)",
        "tier_review": "(3, 'stranger', 1, 'a', 'b', 'open', $1, NULL, NULL, NULL)",
    }[table]
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute(f"INSERT INTO {table} VALUES {values}", *([NOW] if "$1" in values else []))


@pytest.mark.parametrize("column", ["sequence", "key"])
async def test_an_entry_is_unique_by_sequence_and_by_key(
    till: Till, owner: asyncpg.Connection[Any], member: str, column: str
) -> None:
    await till.enrol(member, points=1)
    await till.ask(Accrue(member_id=member, order_id="o2", amount=1))
    value = {"sequence": "1", "key": "'order/opening'"}[column]
    with pytest.raises(asyncpg.UniqueViolationError):
        await owner.execute(
            f"UPDATE entry SET {column} = {value} WHERE member_id = $1 AND sequence = 2", member
        )


# --- rights ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET points = 1",
        "DELETE FROM entry",
        "TRUNCATE entry",
        "INSERT INTO entry SELECT * FROM entry ON CONFLICT (bucket, member_id, key) DO UPDATE SET points = 1",
        "ALTER TABLE entry ADD COLUMN x int",
        "DROP TABLE entry",
        "CREATE RULE r AS ON DELETE TO entry DO INSTEAD NOTHING",
        "DELETE FROM lot",
        "TRUNCATE lot",
        "DELETE FROM account",
        "DELETE FROM redemption",
        "TRUNCATE account CASCADE",
        "DELETE FROM tier_review",
        "DELETE FROM coupon",
        "DELETE FROM coupon_code",
        "DELETE FROM coupon_counter",
        "DELETE FROM coupon_template",
        "DELETE FROM campaign",
        "UPDATE campaign_version SET document = document",
        "DELETE FROM campaign_points",
        "DELETE FROM campaign_sum",
        "DELETE FROM campaign_failure",
        "DELETE FROM checkout",
        "UPDATE checkout_key SET member_id = 'x'",
        "DELETE FROM checkout_key",
        "UPDATE program_version SET document = document",
        "UPDATE shop_event SET detail = detail",
        "DELETE FROM shop_event",
        "DELETE FROM program_version",
        "CREATE TABLE mine (x int)",
    ],
)
async def test_the_application_may_not(database: Database, statement: str) -> None:
    connection = await database.connect()
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()
