"""The tables of referrals hold their rows of `domain/account.py`, and refuse wrong ones even from a wrong program."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import pytest

from app.database import Database
from app.domain.account import Invitation, Referral, ReferralCode, Referrer
from app.domain.commands import Accrue, Enrol
from app.domain.referral_commands import MakeReferralCode
from tests.ledger.till import Till

ROWS = {
    "referral": Referral,
    "invitation": Invitation,
    "referrer": Referrer,
    "referral_code": ReferralCode,
}


@pytest.fixture
async def owner(database_url: str) -> AsyncGenerator[asyncpg.Connection[Any]]:
    """A connection that may do anything, so that only constraints refuse."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def rows_of(till: Till, member: str) -> None:
    """A row of the member's in every table: they were brought, and brought somebody, and both was paid."""
    above, below = f"{member}-above", f"{member}-below"
    await till.enrol(above)
    for invitee, by in ((member, above), (below, member)):
        await till.ask(Enrol(member_id=invitee, person={"referred_by": by}))
        await till.ask(Accrue(member_id=invitee, order_id="o", amount=6_000))
    await till.ask(MakeReferralCode(member_id=member))


@pytest.mark.parametrize("table", ROWS)
async def test_rows_are_the_tables_column_for_column(
    owner: asyncpg.Connection[Any], till: Till, member: str, table: str
) -> None:
    columns = await owner.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum",
        table,
    )
    assert tuple(column["attname"] for column in columns) == ROWS[table]._fields
    await rows_of(till, member)
    [row] = await till.rows(f"SELECT * FROM {table} WHERE member_id = $1", member)
    assert ROWS[table]._make(row).member_id == member


WRONG: list[tuple[str, str, str]] = [
    *((table, "bucket = 64", "bucket") for table in ROWS),
    ("referral", "inviter = member_id", "by_another"),
    ("referral", "order_id = NULL", "paid_by_order"),
    ("referral", "paid_at = NULL", "paid_by_order"),
    ("referral", "paid_at = NULL, order_id = NULL", "paid_by_order"),
    ("invitation", "status = 'odd', points = 0", "status"),
    ("invitation", "paid_at = NULL", "paid"),
    ("invitation", "status = 'bound', points = 0", "paid"),
    ("invitation", "points = -1", "points"),
    ("invitation", "share_points = -1", "points"),
    ("invitation", "status = 'limited'", "points"),
    ("referrer", "paid = 2", "counted"),
    ("referrer", "month_paid = 2", "counted"),
    ("referrer", "month_paid = -1", "counted"),
    ("referrer", "earned = -1", "earned"),
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
    till: Till, owner: asyncpg.Connection[Any], member: str, table: str, change: str, name: str
) -> None:
    await rows_of(till, member)
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await owner.execute(f"UPDATE {table} SET {change} WHERE member_id = $1", member)
    assert refused.value.constraint_name == f"ck_{table}_{name}"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM referral",
        "DELETE FROM invitation",
        "DELETE FROM referrer",
        "DELETE FROM referral_code",
        "UPDATE referral_code SET member_id = 'x'",
    ],
)
async def test_the_application_may_not(database: Database, statement: str) -> None:
    connection = await database.connect()
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()
