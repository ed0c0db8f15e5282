"""How many entries a second `loyalty verify` looks through, with the lots and accounts that belong to them.

The ledger is one of orders, and lies on disk as a shop writes it: in the order of their time, so that a member's rows
are far apart.
"""

import asyncio
import time
from datetime import UTC, datetime

import asyncpg

from app.database import Database
from app.ledger.connection import Connection
from app.queries.verify import verify
from bench.database import Databases, scratch
from bench.history import MEMBER, Population, copy, history

ORDERS_EACH = 20


def run(databases: Databases, *, entries: int) -> tuple[float, int]:
    """Entries a second, and how many differences there were."""
    with scratch(databases) as url:
        asyncio.run(_fill(url, members=entries // ORDERS_EACH))
        return asyncio.run(_verify(url))


async def _fill(url: str, *, members: int) -> None:
    population = Population("v", members, ORDERS_EACH)
    made = history(MEMBER, orders=ORDERS_EACH, now=datetime.now(UTC).replace(microsecond=0))
    connection: Connection = await asyncpg.connect(url)
    try:
        await copy(connection, "account", [made.account], population)
        for lot in made.lots:
            await copy(connection, "lot", [lot], population)
        for entry in made.entries:
            await copy(connection, "entry", [entry], population)
        await connection.execute("VACUUM (ANALYZE) account, lot, entry")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _verify(url: str) -> tuple[float, int]:
    database = Database(url)
    began = time.perf_counter()
    report = await verify(database.connect)
    seconds = time.perf_counter() - began
    await database.dispose()
    return report.entries / seconds, report.difference_count
