"""What an accrual leaves on disk, and whether accounts are updated in place."""

import asyncio
import random
from typing import Final, NamedTuple

import asyncpg

from app.database import Database
from app.domain.commands import Accrue
from app.domain.posting import Caller
from app.ledger.connection import Connection
from app.ledger.engine import Engine
from app.ledger.outcome import Outcome
from app.ledger.request import Request

BATCH: Final = 128


class Storage(NamedTuple):
    """Growth of all tables and indexes per accrual; the share of account updates that touched no index."""

    bytes_each: float
    heap_only_percent: float


def run(url: str, *, members: int, accruals: int, actor: str) -> Storage:
    """Carry out accruals of members at random through the engine on a database nobody else uses."""
    return asyncio.run(_run(url, members, accruals, actor))


async def _run(url: str, members: int, accruals: int, actor: str) -> Storage:
    connection: Connection = await asyncpg.connect(url)
    before = await _size_bytes(connection)
    updates_before = await _updates(connection)
    database = Database(url)
    engine = Engine(database.connect)
    await engine.start()
    for start in range(0, accruals, BATCH):
        requests = [_accrual(start + place, members, actor) for place in range(BATCH)]
        results = await engine.submit_all(requests)
        assert all(isinstance(result, Outcome) for result in results), results
    await engine.stop()
    await database.dispose()
    # Sessions tell their counts when they end.
    await asyncio.sleep(1.5)
    done = -(-accruals // BATCH) * BATCH
    grown = await _size_bytes(connection) - before
    updated, heap_only = (
        after - earlier for after, earlier in zip(await _updates(connection), updates_before, strict=True)
    )
    await connection.close()
    return Storage(grown / done, 100 * heap_only / max(updated, 1))


def _accrual(number: int, members: int, actor: str) -> Request:
    member_id = f"u-{random.randint(1, members)}"
    command = Accrue(
        member_id=member_id, order_id=f"O{10_000_000 + number}", amount=random.randint(1000, 30000)
    )
    return Request(command, Caller(actor, "0123456789abcdef"))


async def _size_bytes(connection: Connection) -> int:
    return await connection.fetchval(
        "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class "
        "WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    )


async def _updates(connection: Connection) -> tuple[int, int]:
    row = await connection.fetchrow(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'account'"
    )
    assert row is not None
    return row["n_tup_upd"], row["n_tup_hot_upd"]
