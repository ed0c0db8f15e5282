"""Commands run in this process, on a database of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from app.cli import application, ledger

PII_KEYS = "k1:" + "A" * 43 + "="

Run = Callable[..., Result]
Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def loyalty(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command of `loyalty` to its end."""
    monkeypatch.setenv("LOYALTY_DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("LOYALTY_PII_KEYS", PII_KEYS)
    # It would keep the runner's stderr, which is closed when the command ends.
    monkeypatch.setattr(ledger, "configure_logging", lambda _level: None)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(application, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def query(fresh_database_url: str) -> Query:
    """Ask the database, as its owner."""

    async def ask(statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(fresh_database_url)
        try:
            return [tuple(row) for row in await connection.fetch(statement, *arguments)]
        finally:
            await connection.close()

    return lambda statement, *arguments: asyncio.run(ask(statement, *arguments))


@pytest.fixture
def in_2026(loyalty: Run, query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be the autumn of 2026: of the points that the examples tell, none have expired yet."""
    monkeypatch.setenv("LOYALTY_SANDBOX", "1")
    now = datetime(2026, 10, 5, 2, tzinfo=UTC)
    assert query("UPDATE clock SET ahead = $1 - clock_timestamp() RETURNING 1", now) == [(1,)]
