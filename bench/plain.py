"""One plain transaction of an accrual's statements, alone on an idle database: nothing around it."""

import random
import secrets
import statistics
import time
from datetime import UTC, datetime
from typing import Final

import asyncpg
import uvloop

from app.database import plan_once
from app.ledger.connection import Connection
from app.ledger.load import REAL_CLOCK, Wanted, load
from app.ledger.locks import lock_accounts
from app.ledger.save import Saving, save
from bench.bulk import accrued
from bench.history import History, history

WARM_UP: Final = 200


def run(url: str, *, members: int, seconds: int) -> float:
    """Median milliseconds from BEGIN until COMMIT is confirmed: lock, look the order up, save."""
    return uvloop.run(_run(url, members, seconds))


async def _run(url: str, members: int, seconds: int) -> float:
    connection: Connection = await asyncpg.connect(url)
    await plan_once(connection)
    template = history("template", orders=1, now=datetime.now(UTC))
    for _ in range(WARM_UP):
        await _transaction(connection, f"u-{random.randint(1, members)}", template)
    taken_ms: list[float] = []
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        taken_ms.append(await _transaction(connection, f"u-{random.randint(1, members)}", template))
    await connection.close()
    return statistics.median(taken_ms)


async def _transaction(connection: Connection, member_id: str, template: History) -> float:
    order_id = f"plain-{secrets.token_hex(4)}"
    began = time.perf_counter()
    await connection.execute("BEGIN")
    locked = await lock_accounts(connection, [member_id], clock=REAL_CLOCK)
    await load(connection, Wanted(keys={(member_id, f"order/{order_id}")}))
    account, lot, entry = accrued(locked.accounts[member_id], template.lots[0], template.entries[0], order_id)
    saving = Saving(entries=[entry], accounts={member_id: account}, lots={(member_id, lot.lot): lot})
    await save(connection, saving, share_of=0)
    await connection.execute("COMMIT")
    return (time.perf_counter() - began) * 1e3
