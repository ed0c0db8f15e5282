"""P1: pgbench and the least writes an accrual needs, as one prepared statement, one operation a transaction.

The rows are as wide as the service's own: the script is made from rows its rules decided on.
"""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from app.domain.account import Account, Entry, Lot
from bench.database import program
from bench.history import history

TRIAL_SECONDS: Final = 3

MEMBER: Final = "'{prefix}-' || :number"
BUCKET: Final = "(crc32(convert_to({key}, 'UTF8')) % 64)::smallint"
# What the row of an accrual takes from the account it changed, or is new each time; all else is as decided.
_ORDER = "'bench-' || :order"
_FROM_ACCOUNT: Final = {
    "bucket": "bucket",
    "member_id": "member_id",
    "sequence": "sequence",
    "lot": "lot_count",
    "order_id": _ORDER,
    "accrued_at": "last_at",
    "expires_at": "last_at + interval '1 year'",
}
_ENTRY: Final = _FROM_ACCOUNT | {
    "key": "'order/bench-' || :order",
    "points_after": "available",
    "pending_after": "pending",
    "reserved_after": "reserved",
    "debt_after": "debt",
    "growth_after": "growth",
    "cash_after": "cash",
    "occurred_at": "last_at",
    "recorded_at": "last_at",
}


class Trial(NamedTuple):
    """What pgbench reached with a number of clients."""

    clients: int
    per_second: float


def write_script(path: Path, *, prefix: str) -> None:
    """The pgbench script for members `prefix-1` to `prefix-:members`."""
    made = history("template", orders=1, now=datetime.now(UTC))
    points = made.lots[0].granted
    member = MEMBER.format(prefix=prefix)
    path.write_text(
        "\\set number random(1, :members)\n"
        "\\set order random(1000000000000, 9999999999999)\n"
        "WITH member AS (UPDATE account SET sequence = sequence + 1, lot_count = lot_count + 1, "
        f"available = available + {points}, earned = earned + {points}, growth = growth + {points}, "
        f"spend = spend + {made.lots[0].amount}, orders = orders + 1, last_at = clock_timestamp() "
        f"WHERE bucket = {BUCKET.format(key=member)} AND member_id = {member} "
        f"RETURNING {', '.join(Account._fields)}), "
        f"granted AS ({insert('lot', Lot._fields, made.lots[0], _FROM_ACCOUNT)}) "
        f"{insert('entry', Entry._fields, made.entries[0], _ENTRY)};\n"
    )


def insert(table: str, columns: tuple[str, ...], row: tuple[object, ...], changed: Mapping[str, str]) -> str:
    """The statement that puts in the row once for each `member`, with other SQL for the columns `changed`."""
    values = [changed.get(name) or _literal(value) for name, value in zip(columns, row, strict=True)]
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM member"


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case bytes():
            return rf"'\x{value.hex()}'::bytea"
        case _:
            return "'" + str(value).replace("'", "''") + "'"


def run(url: str, script: Path, *, members: int, clients: int, seconds: int) -> float:
    """Transactions per second, for so many seconds. Raises SystemExit if one fails."""
    return execute(url, script, clients, "--time", str(seconds), "--define", f"members={members}")


def execute(url: str, script: Path, clients: int, *options: str) -> float:
    """Transactions per second once all clients are connected. Raises SystemExit if one fails."""
    threads = min(clients, os.cpu_count() or 1)
    command = [
        program("pgbench"), "--no-vacuum", "--protocol", "prepared", "--client", str(clients), "--jobs", str(threads),
        "--file", str(script), *options, url,
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"^tps = ([\d.]+)", ran.stdout, re.MULTILINE)
    if ran.returncode != 0 or found is None:
        raise SystemExit(f"pgbench failed: {ran.stdout} {ran.stderr}")
    return float(found.group(1))


def best_clients(counts: tuple[int, ...], per_second: Callable[[int], float]) -> list[Trial]:
    """What each number of clients reaches in a short trial, the best first; one alone needs none."""
    if len(counts) == 1:
        return [Trial(counts[0], 0.0)]
    trials = [Trial(clients, per_second(clients)) for clients in counts]
    return sorted(trials, key=lambda trial: trial.per_second, reverse=True)
