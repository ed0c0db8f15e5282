"""The schema keeps the rules that let one server become many. Source: DESIGN.md, More than one machine."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import pytest

# Small, shared, rarely written: reference tables, the same on every machine.
SHARED = {
    "backtest",
    "campaign",
    "campaign_failure",
    "campaign_run",
    "campaign_version",
    "coupon_issue",
    "coupon_issue_part",
    "coupon_template",
    "program_version",
    "shop_event",
    "clock",
    "api_key",
    "alembic_version",
}
# Led to by another key than the member: distributed by the bucket of that key.
LOOK_UPS = {
    "campaign_budget": "budget",
    "campaign_sum": "campaign",
    "checkout_key": "checkout_id",
    "coupon_code": "code",
    "coupon_counter": "template",
    "idempotency_key": "key",
    "person_lookup": "digest",
    "referral_code": "code",
}
# pgqueuer's own, which is no ledger.
OURS = "relname NOT LIKE 'pgqueuer%'"


@pytest.fixture
async def catalog(database_url: str) -> AsyncGenerator[asyncpg.Connection[Any]]:
    """A migrated database, seen by its owner."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def tables(catalog: asyncpg.Connection[Any]) -> set[str]:
    rows = await catalog.fetch(
        f"SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        f"AND {OURS}"
    )
    return {row["relname"] for row in rows}


async def test_every_table_is_a_members_or_shared_or_a_look_up(catalog: asyncpg.Connection[Any]) -> None:
    """A new table must be placed: whoever adds one to these sets has thought of it."""
    members = await tables(catalog) - SHARED - set(LOOK_UPS)
    assert members >= {"account", "lot", "entry", "redemption", "tier_review", "person"}
    for table in members | set(LOOK_UPS):
        second = LOOK_UPS.get(table, "member_id")
        columns = await catalog.fetch(
            "SELECT attname, atttypid::regtype::text AS type, attnotnull FROM pg_attribute "
            "WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum LIMIT 2",
            table,
        )
        assert [column["attname"] for column in columns] == ["bucket", second], table
        assert (columns[0]["type"], columns[0]["attnotnull"], columns[1]["attnotnull"]) == (
            "smallint",
            True,
            True,
        )


async def test_keys_start_with_the_bucket_and_the_member(catalog: asyncpg.Connection[Any]) -> None:
    keys = await catalog.fetch(
        f"""
        SELECT conname, relname, contype, ARRAY(
                 SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS part (number, position)
                   JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY position) AS columns
          FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
         WHERE contype IN ('p', 'u', 'f') AND pg_class.relnamespace = 'public'::regnamespace AND {OURS}
        """
    )
    for key in keys:
        if key["relname"] not in SHARED:
            start = ["bucket", LOOK_UPS.get(key["relname"], "member_id")]
            assert key["columns"][:2] == start, key["conname"]
    with_primary_key = {key["relname"] for key in keys if key["contype"] == b"p"}
    assert with_primary_key == await tables(catalog)


async def test_unique_indexes_too(catalog: asyncpg.Connection[Any]) -> None:
    indexes = await catalog.fetch(
        f"""
        SELECT indexrelid::regclass::text AS name, relname, ARRAY(
                 SELECT attname::text FROM unnest(indkey) WITH ORDINALITY AS part (number, position)
                   JOIN pg_attribute ON attrelid = indrelid AND attnum = number ORDER BY position) AS columns
          FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
         WHERE indisunique AND relnamespace = 'public'::regnamespace AND {OURS}
        """
    )
    for index in indexes:
        if index["relname"] not in SHARED:
            assert index["columns"][:2] == ["bucket", LOOK_UPS.get(index["relname"], "member_id")], index[
                "name"
            ]


FORBIDDEN = {
    "triggers": f"SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
    f"WHERE NOT tgisinternal AND {OURS}",
    "identity and generated columns": "SELECT attname FROM pg_attribute "
    "JOIN pg_class ON pg_class.oid = attrelid "
    f"WHERE relnamespace = 'public'::regnamespace AND (attidentity <> '' OR attgenerated <> '') AND {OURS}",
    "sequences": "SELECT relname FROM pg_class "
    f"WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace AND {OURS}",
    "exclusion constraints": "SELECT conname FROM pg_constraint WHERE contype = 'x'",
    "deferrable constraints": "SELECT conname FROM pg_constraint WHERE condeferrable",
    "deletions and updates that spread": "SELECT conname FROM pg_constraint "
    "WHERE contype = 'f' AND (confdeltype <> 'a' OR confupdtype <> 'a')",
    "domains": "SELECT typname FROM pg_type WHERE typtype = 'd' AND typnamespace = 'public'::regnamespace",
    "functions": "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
    "AND proname NOT LIKE 'fn_pgqueuer%'",
    "defaults that read the clock": "SELECT adrelid::regclass::text FROM pg_attrdef JOIN pg_class "
    f"ON pg_class.oid = adrelid WHERE pg_get_expr(adbin, adrelid) ~ 'now|timestamp|random|uuid' AND {OURS}",
    "views": "SELECT relname FROM pg_class "
    "WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace",
}


@pytest.mark.parametrize("what", FORBIDDEN)
async def test_there_are_none_of(catalog: asyncpg.Connection[Any], what: str) -> None:
    assert [row[0] for row in await catalog.fetch(FORBIDDEN[what])] == []


async def test_account_updates_can_stay_on_their_page(catalog: asyncpg.Connection[Any]) -> None:
    """No index names a column that a purchase changes, but the lower bound of what falls due."""
    columns = await catalog.fetch(
        "SELECT DISTINCT attname FROM pg_index "
        "JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) "
        "WHERE indrelid = 'account'::regclass"
    )
    assert {column["attname"] for column in columns} <= {"bucket", "member_id", "due_at"}
    options = await catalog.fetchval("SELECT reloptions FROM pg_class WHERE oid = 'account'::regclass")
    assert "fillfactor=50" in options
