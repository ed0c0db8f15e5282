"""What the first release wrote, migrated to the newest schema while others work on it: nothing is lost.

`first_release.sql` is what that release made of nine members, as `python -m bench.upgrade --record` writes it; the
same command does the whole with the release itself, and with many more rows.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from app.database import latest_revision, upgrade
from app.domain import commands as ask
from app.queries.verify import verify
from bench.upgrade import PLAIN, Writers, columns_of, kept_rows
from tests.conftest import database_address
from tests.pace import until
from tests.queries.ledgers import open_shop

FILLED = Path(__file__).with_name("first_release.sql")
LONGEST_WAIT_SECONDS = 30.0
"""Far more than a migration waits for a lock, and all others with it, and than it has one."""

QUEUE_BEHIND = """
WITH waiting AS MATERIALIZED (
    SELECT DISTINCT ON (pid) pid, pg_blocking_pids(pid) AS behind FROM pg_locks WHERE NOT granted)
SELECT count(*) FROM waiting JOIN waiting AS ahead ON ahead.pid = ANY (waiting.behind)
 WHERE pg_backend_pid() = ANY (ahead.behind)
"""
"""How many wait for somebody who waits for this connection."""


@pytest.fixture
async def first_release_url(server_url: str, database_url: str) -> AsyncGenerator[str]:
    """A database as the first release left it."""
    name = f"first_release_{secrets.token_hex(4)}"
    assert database_url  # is made on the same server, which thereby has the role that no dump holds
    server: asyncpg.Connection[Any] = await asyncpg.connect(server_url)
    await server.execute(f"CREATE DATABASE {name}")
    url = database_address(server_url, name)
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    await connection.execute(FILLED.read_text())
    await connection.close()
    yield url
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


async def test_nothing_is_lost_and_it_goes_on(first_release_url: str) -> None:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(first_release_url)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "0003"
    before = await kept_rows(connection)
    assert {table: rows for table, (_, rows, _) in before.items()}["entry"] > 80
    async with Writers(first_release_url, 4) as writers:
        await upgrade(first_release_url)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == latest_revision()
    assert await kept_rows(connection, columns_of(before)) == before
    await connection.close()
    assert writers.errors == []
    assert len(writers.waits) > 10
    assert max(writers.waits) < LONGEST_WAIT_SECONDS

    async with open_shop(first_release_url) as shop:
        verified = await verify(shop.database.connect)
        assert verified.differences == []
        assert verified.members == 9
        # What stood open ends by itself, whenever this runs: a hold lapses, an order settles, points expire.
        for number in range(0, 9, 3):
            member = f"{PLAIN}-{number}"
            await shop.ask(ask.Accrue(member_id=member, order_id="new", amount=20_000))
            await shop.ask(ask.Reverse(member_id=member, order_id="o-1", reference="late", amount=1_000))
        await shop.wait(days=800)
        for number in range(0, 9, 3):
            await shop.ask(ask.Mature(member_id=f"{PLAIN}-{number}"))
        open_holds = "SELECT count(*) FROM redemption WHERE status = 'reserved' AND member_id LIKE 'plain-%'"
        assert await shop.owner.fetchval(open_holds) == 0
        assert (await verify(shop.database.connect)).differences == []


async def test_waits_for_a_reader_without_holding_up_the_writers(
    first_release_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.database.UPGRADE_PAUSE_SECONDS", 0.5)
    monkeypatch.setattr("app.database.UPGRADE_TRIES", 1_000)
    reader: asyncpg.Connection[Any] = await asyncpg.connect(first_release_url)
    reading = reader.transaction()
    await reading.start()
    await reader.fetchval("SELECT count(*) FROM account")
    async with Writers(first_release_url, 2) as writers:
        upgrading = asyncio.create_task(upgrade(first_release_url))
        for _ in range(2):
            await until(lambda: reader.fetchval(QUEUE_BEHIND))  # it waits, and the writers behind it
            written = len(writers.waits)
            await until(lambda written=written: len(writers.waits) > written + 20)  # and gave way to them
        assert not upgrading.done()
        await reading.rollback()
        await reader.close()
        await upgrading
    assert writers.errors == []


async def test_gives_up_in_the_end(first_release_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.database.UPGRADE_TRIES", 1)
    reader: asyncpg.Connection[Any] = await asyncpg.connect(first_release_url)
    async with reader.transaction():
        await reader.fetchval("SELECT count(*) FROM account")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await upgrade(first_release_url)
    await upgrade(first_release_url)
    await reader.close()
