"""P-bulk: the writes of accruals, 1,000 at a time by `unnest`, straight into PostgreSQL from two processes.

Each process prepares its rows before the clock starts and then only sends them, with the service's own
statement: so it is what the driver and PostgreSQL can do when nothing is decided, checked or answered.
Run as `python -m bench.bulk URL PART PARTS BATCHES`: says "ready", waits for a line, prints the seconds it
took.
"""

import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Final

import asyncpg
import uvloop

from app.domain.account import Account, Entry, Lot
from app.ledger.connection import Connection
from app.ledger.save import Saving, save
from bench.history import history

BATCH: Final = 1_000
PROCESSES: Final = 2
# A guess that makes a run about as long as was asked; what is reported is what it took.
BATCHES_A_SECOND: Final = 16


def run(url: str, *, seconds: int) -> float:
    """Operations per second of all processes together. Raises SystemExit if one fails."""
    batches = seconds * BATCHES_A_SECOND
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", __name__, url, str(part), str(PROCESSES), str(batches)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for part in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit("P-bulk failed to prepare its rows; its complaint is above.")
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit("P-bulk failed; its complaint is above.")
    return sum(batches * BATCH / float(text) for text in told)


async def _work(url: str, part: int, parts: int, batches: int) -> None:
    connection: Connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT * FROM account WHERE member_id LIKE 'u-%' AND bucket % $1::integer = $2::integer", parts, part
    )
    accounts = [Account._make(row) for row in rows]
    savings = _prepared(accounts, batches)
    await connection.execute("SELECT 1")
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    for saving in savings:
        await connection.execute("BEGIN")
        await save(connection, saving, share_of=part)
        await connection.execute("COMMIT")
    print(time.perf_counter() - began)
    await connection.close()


def _prepared(accounts: list[Account], batches: int) -> list[Saving]:
    """Accruals of distinct members each, as the rows they leave behind."""
    made = history("template", orders=1, now=datetime.now(UTC))
    lot, entry = made.lots[0], made.entries[0]
    order = random.randrange(10**12)
    savings: list[Saving] = []
    for _ in range(batches):
        saving = Saving()
        for place in random.sample(range(len(accounts)), min(BATCH, len(accounts))):
            order += 1
            account, new_lot, new_entry = accrued(accounts[place], lot, entry, f"bulk-{order}")
            accounts[place] = account
            saving.accounts[account.member_id] = account
            saving.lots[account.member_id, new_lot.lot] = new_lot
            saving.entries.append(new_entry)
        savings.append(saving)
    return savings


def accrued(account: Account, lot: Lot, entry: Entry, order_id: str) -> tuple[Account, Lot, Entry]:
    """The account after one more such order, with the lot and the entry it leaves behind."""
    now = datetime.now(UTC)
    account = account._replace(
        sequence=account.sequence + 1,
        lot_count=account.lot_count + 1,
        available=account.available + lot.granted,
        earned=account.earned + lot.granted,
        growth=account.growth + lot.granted,
        spend=account.spend + (lot.amount or 0),
        orders=account.orders + 1,
        last_at=now,
    )
    lot = lot._replace(
        bucket=account.bucket,
        member_id=account.member_id,
        lot=account.lot_count,
        sequence=account.sequence,
        order_id=order_id,
        accrued_at=now,
    )
    entry = entry._replace(
        bucket=account.bucket,
        member_id=account.member_id,
        sequence=account.sequence,
        key=f"order/{order_id}",
        lot=account.lot_count,
        order_id=order_id,
        points_after=account.available,
        growth_after=account.growth,
        occurred_at=now,
        recorded_at=now,
    )
    return account, lot, entry


if __name__ == "__main__":
    uvloop.run(_work(sys.argv[1], *map(int, sys.argv[2:5])))
