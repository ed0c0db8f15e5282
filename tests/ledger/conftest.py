"""An engine on this worker's database, and members of its own for each test."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator

import pytest

from app.database import Database
from app.ledger.engine import Engine
from tests.ledger.till import Till


@pytest.fixture
async def till(database: Database) -> AsyncGenerator[Till]:
    """A till with a running engine."""
    engine = Engine(database.connect)
    await engine.start()
    yield Till(database, engine)
    await engine.stop()


@pytest.fixture
def member() -> str:
    """The id of a member nobody else uses."""
    return f"m-{secrets.token_hex(6)}"
