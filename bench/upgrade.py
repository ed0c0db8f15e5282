"""`python -m bench.upgrade`: what the first release wrote, migrated to the newest schema while it is worked on.

The first release is checked out of the history and run for real: it fills a database over HTTP, its members are then
multiplied, and it goes on taking orders while the newest release migrates under it and plain transactions work on the
same rows. Afterwards every row of before must be as it was, every order that was acknowledged must be there, the new
release's `loyalty verify` must agree, and it must go on with the old members. Exit code 1 if not.
"""

import argparse
import asyncio
import contextlib
import io
import itertools
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import asyncpg
import httpx

from app.database import APPLICATION_ROLE
from app.embedded import EmbeddedServer
from app.ledger.connection import Connection
from bench.database import program

FIRST_RELEASE: Final = "a7956a7476"
"""The last commit before the fourth revision: nobody can have filled a database with an older program."""

ROOT: Final = Path(__file__).resolve().parent.parent
KEY: Final = "upgrade-upgrade-upgrade-upgrade-upgrade"
PII_KEYS: Final = "k1:" + "A" * 43 + "="
START_SECONDS: Final = 180
# Members who take orders while the schema changes under them; no copies are made of these and of those who gave.
BUSY: Final = "busy"
PLAIN: Final = "plain"

KEPT_ROWS: Final = {
    "account": ("bucket", "member_id"),
    "lot": ("bucket", "member_id", "lot"),
    "entry": ("bucket", "member_id", "sequence"),
    "redemption": ("bucket", "member_id", "reference"),
    "tier_review": ("bucket", "member_id", "sequence"),
    "person": ("bucket", "member_id"),
    "person_lookup": ("bucket", "digest", "kind", "member_id"),
    "api_key": ("key_id",),
}
"""The first release's tables that a migration must leave as they are, by their keys."""


def operations(members: int) -> list[dict[str, Any]]:
    """What a shop asks for so many members: every sort of command that the first release knew."""
    asked: list[dict[str, Any]] = []
    for number in range(members):
        prefix = (PLAIN, "giver", BUSY)[number % 3]
        me = {"member_id": f"{prefix}-{number}"}
        asked += [
            {"op": "enrol", **me, "name": f"Member {number}", "phone": f"+86138{number:08}"},
            {"op": "accrue", **me, "order_id": "o-1", "amount": 30_000 + number, "settle": "now"},
            {"op": "accrue", **me, "order_id": "o-2", "amount": 2_500_000 << number % 2, "settle": "now"},
            {"op": "accrue", **me, "order_id": "o-3", "amount": 9_900, "settle": "later"},
            {"op": "sign_in", **me},
            {"op": "redeem", **me, "reference": "r-1", "points": 20},
            {"op": "redeem", **me, "reference": "r-2", "points": 30, "mode": "reserve"},
            {"op": "redeem", **me, "reference": "r-3", "points": 40, "mode": "reserve"},
            {"op": "redeem", **me, "reference": "r-4", "points": 10, "mode": "reserve"},
            {"op": "commit", **me, "reference": "r-2", "points": 25},
            {"op": "cancel", **me, "reference": "r-3"},
            {"op": "refund", **me, "redemption": "r-1", "reference": "f-1", "points": 5},
            {"op": "reverse", **me, "order_id": "o-2", "reference": "v-1", "amount": 100_000},
            {"op": "adjust", **me, "reference": "a-1", "points": 77, "reason": "an apology"},
        ]
        if prefix == "giver":
            gift = {"to": f"{PLAIN}-{number - 1}", "points": 50}
            asked.append({"op": "transfer", **me, "reference": "t-1", **gift})
    return asked


async def kept_rows(connection: Connection, columns: dict[str, str] | None = None) -> dict[str, Any]:
    """Of each table of the first release its `columns` (now, if none are given), how many rows it has, and a hash of
    them; but for members who are busy.
    """
    found: dict[str, Any] = {}
    for table, key in KEPT_ROWS.items():
        names = (columns or {}).get(table) or await connection.fetchval(
            "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) "
            "FROM information_schema.columns WHERE table_name = $1",
            table,
        )
        condition = f"WHERE member_id NOT LIKE '{BUSY}-%'" if "member_id" in key else ""
        row = await connection.fetchrow(
            f"SELECT count(*) AS rows, md5(string_agg(md5(row::text), '' ORDER BY {', '.join(key)})) AS hash "
            f"FROM (SELECT {', '.join(key)}, ROW({names}) AS row FROM {table} {condition}) AS kept"
        )
        assert row is not None
        found[table] = (names, row["rows"], row["hash"])
    return found


def columns_of(kept: dict[str, Any]) -> dict[str, str]:
    """The columns that `kept_rows` hashed, to be hashed again."""
    return {table: names for table, (names, _, _) in kept.items()}


@dataclass(slots=True)
class Writers:
    """Transactions, one after another on each connection, that lock an account and write its rows as they are."""

    url: str
    count: int
    waits: list[float] = field(default_factory=list[float])
    """Seconds each took."""
    errors: list[str] = field(default_factory=list[str])
    _stopped: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._work(number)) for number in range(self.count)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped = True
        await asyncio.gather(*self._tasks)

    async def _work(self, number: int) -> None:
        connection: Connection = await asyncpg.connect(self.url, server_settings={"role": APPLICATION_ROLE})
        try:
            members = await connection.fetch(
                "SELECT bucket, member_id FROM account ORDER BY member_id LIMIT 500"
            )
            for member in itertools.cycle(members[number :: self.count]):
                if self._stopped:
                    return
                began = time.monotonic()
                try:
                    await self._write(connection, *member)
                except asyncpg.PostgresError as error:
                    self.errors.append(f"{type(error).__name__}: {error}")
                self.waits.append(time.monotonic() - began)
                await asyncio.sleep(0.002)
        finally:
            await connection.close()

    async def _write(self, connection: Connection, bucket: int, member_id: str) -> None:
        async with connection.transaction():
            await connection.execute(
                "SELECT sequence FROM account WHERE bucket = $1 AND member_id = $2 FOR UPDATE",
                bucket,
                member_id,
            )
            for statement in (
                "UPDATE account SET due_at = due_at WHERE bucket = $1 AND member_id = $2",
                "UPDATE lot SET remaining = remaining WHERE bucket = $1 AND member_id = $2",
                "UPDATE redemption SET points = points WHERE bucket = $1 AND member_id = $2",
            ):
                await connection.execute(statement, bucket, member_id)


# --- the releases, as they run -------------------------------------------------------------------------------


@contextlib.contextmanager
def checked_out(commit: str) -> Generator[Path]:
    """A folder with the program of that commit."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    with tempfile.TemporaryDirectory(prefix="loyalty-release-") as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        yield Path(folder)


def _environment(folder: Path, url: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LOYALTY_")}
    return {
        **ours,
        "PYTHONPATH": str(folder),
        "LOYALTY_DATABASE_URL": url,
        "LOYALTY_BOOTSTRAP_KEY": KEY,
        "LOYALTY_PII_KEYS": PII_KEYS,
        "LOYALTY_WORKERS": "1",
        "LOYALTY_LOG_LEVEL": "CRITICAL",
    }


@contextlib.contextmanager
def serving(folder: Path, url: str) -> Generator[str]:
    """The address of the release in `folder`, serving the database at `url`."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve"],
        cwd=folder,
        env={**_environment(folder, url), "LOYALTY_PORT": str(port)},
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The release in {folder} does not serve.")
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def run(folder: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the release in `folder`, to its end."""
    command = [sys.executable, "-m", "app.cli", *arguments]
    return subprocess.run(
        command, cwd=folder, env=_environment(folder, url), text=True, capture_output=True, check=False
    )


def client(address: str) -> httpx.Client:
    """Speaks to a release with its admin key."""
    return httpx.Client(base_url=f"{address}/v1", headers={"Authorization": f"Bearer {KEY}"}, timeout=30)


def fill(address: str, members: int) -> int:
    """Ask for all of `operations`; how many were refused, which some may be (a transfer over a limit)."""
    refused = 0
    asked = operations(members)
    with client(address) as shop:
        for first in range(0, len(asked), 700):
            answer = shop.post("/batches", json={"operations": asked[first : first + 700]}).raise_for_status()
            refused += sum(result["status"] >= 400 for result in answer.json()["results"])
    return refused


@dataclass(slots=True)
class Orders:
    """Orders of some members, one after another, from a thread: which were acknowledged; what others came to."""

    address: str
    members: Sequence[str]
    acknowledged: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    failures: dict[str, int] = field(default_factory=dict[str, int])
    longest_seconds: float = 0.0
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        assert self._thread is not None
        self._thread.join()

    def _work(self) -> None:
        with client(self.address) as shop:
            for number, member_id in enumerate(itertools.cycle(self.members)):
                if self._stopped.is_set():
                    return
                order = {"order_id": f"while-{number}", "amount": 10_000, "settle": "now"}
                began = time.monotonic()
                try:
                    told = str(shop.post(f"/members/{member_id}/accruals", json=order).status_code)
                except httpx.TransportError as error:
                    told = type(error).__name__
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
                if told == "201":
                    self.acknowledged.append((member_id, f"order/while-{number}"))
                else:
                    self.failures[told] = self.failures.get(told, 0) + 1


# --- the command ---------------------------------------------------------------------------------------------

_COPY = """
INSERT INTO {table} ({columns})
SELECT (crc32(convert_to(member_id || '-' || copy, 'UTF8')) % 64)::smallint, member_id || '-' || copy, {rest}
  FROM {table}, generate_series(1, {copies}) AS copy WHERE member_id LIKE 'plain-%' AND member_id NOT LIKE '%-%-%'
"""


async def multiply(url: str, copies: int) -> None:
    """Add so many copies of each plain member who was given nothing, with all rows of theirs."""
    connection: Connection = await asyncpg.connect(url)
    try:
        for table in ("account", "lot", "entry", "redemption", "tier_review"):
            names = await connection.fetch(
                "SELECT column_name FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position",
                table,
            )
            rest = ", ".join(name for (name,) in names[2:])
            columns = f"bucket, member_id, {rest}"
            await connection.execute(_COPY.format(table=table, columns=columns, rest=rest, copies=copies))
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


def record(url: str, path: Path) -> None:
    """Write the database as SQL that any client can run: for the test of the upgrade."""
    dumped = subprocess.run(
        [program("pg_dump"), "--no-owner", "--inserts", "--rows-per-insert=200", url],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    # Without the lines for psql alone, and what older servers don't know.
    unwanted = ("\\", "--", "SET transaction_timeout")
    lines = [line for line in dumped.splitlines() if line and not line.startswith(unwanted)]
    path.write_text("\n".join(lines) + "\n")


async def _migrate(folder: Path, url: str) -> tuple[float, Writers, dict[str, Any], dict[str, Any]]:
    connection: Connection = await asyncpg.connect(url)
    try:
        before = await kept_rows(connection)
        async with Writers(url, 8) as writers:
            await asyncio.sleep(2)
            began = time.monotonic()
            migrated = await asyncio.to_thread(run, folder, url, "migrate")
            seconds = time.monotonic() - began
            await asyncio.sleep(2)
        if migrated.returncode:
            raise SystemExit(f"loyalty migrate: {migrated.stdout}{migrated.stderr}")
        return seconds, writers, before, await kept_rows(connection, columns_of(before))
    finally:
        await connection.close()


async def _lost(url: str, acknowledged: Sequence[tuple[str, str]]) -> list[str]:
    connection: Connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT member_id, key FROM entry WHERE key LIKE 'order/while-%'")
        return sorted(
            f"{member} {key}" for member, key in {*acknowledged} - {(row[0], row[1]) for row in rows}
        )
    finally:
        await connection.close()


def _go_on(address: str, members: int) -> list[str]:
    """Orders of the new release by members of the old one; what went wrong."""
    wrong: list[str] = []
    with client(address) as shop:
        for number in range(0, members, 3):
            order = {"order_id": "afterwards", "amount": 10_000, "settle": "now"}
            answer = shop.post(f"/members/{PLAIN}-{number}/accruals", json=order)
            if answer.status_code != 201:
                wrong.append(f"{PLAIN}-{number}: {answer.status_code} {answer.text}")
    return wrong


def upgrade_first_release(url: str, *, members: int, copies: int, dump: Path | None) -> list[str]:
    """Fill, multiply, migrate under load and look: what went wrong."""
    with checked_out(FIRST_RELEASE) as first, serving(first, url) as address:
        _tell(f"Filling {members:,} members with the first release ...")
        refused = fill(address, members)
        _tell(f"{refused} operations were refused. Copying ...")
        if dump is not None:
            record(url, dump)
        asyncio.run(multiply(url, copies))
        busy = [f"{BUSY}-{number}" for number in range(2, members, 3)]
        with Orders(address, busy) as orders:
            seconds, writers, before, after = asyncio.run(_migrate(ROOT, url))
    wrong = [
        f"{table}: {before[table]} became {after[table]}" for table in before if before[table] != after[table]
    ]
    wrong += [f"lost: {order}" for order in asyncio.run(_lost(url, orders.acknowledged))]
    wrong += writers.errors
    with serving(ROOT, url) as address:
        wrong += _go_on(address, members)
    verified = run(ROOT, url, "verify")
    if verified.returncode:
        wrong.append(verified.stdout + verified.stderr)
    rows = {table: f"{count:,}" for table, (_, count, _) in before.items()}
    print(f"rows of before: {rows}")
    print(f"`loyalty migrate` took {seconds:.1f} s, its start included")
    print(
        f"plain transactions meanwhile: {len(writers.waits):,}, the longest {max(writers.waits) * 1_000:.0f} ms, "
        f"{len(writers.errors)} failed"
    )
    print(
        f"orders at the first release: {len(orders.acknowledged):,} acknowledged, the longest "
        f"{orders.longest_seconds * 1_000:.0f} ms, others: {orders.failures or 'none'}"
    )
    print(f"loyalty verify: {verified.stdout.splitlines()[-1] if verified.stdout else verified.stderr}")
    return wrong


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


async def _execute(url: str, statement: str) -> None:
    connection: Connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def main() -> None:
    """Exit code 1 if anything was lost or refused."""
    parser = argparse.ArgumentParser(prog="python -m bench.upgrade", description=__doc__)
    parser.add_argument(
        "--members", type=int, default=300, help="who live by the first release (%(default)s)"
    )
    parser.add_argument("--copies", type=int, default=1_000, help="of every third of them (%(default)s)")
    parser.add_argument(
        "--record", type=Path, help="write what the first release made of them as SQL, uncopied"
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="loyalty-upgrade-"))
    try:
        with EmbeddedServer(folder) as server:
            name = f"upgrade_{secrets.token_hex(4)}"
            asyncio.run(_execute(server.url, f"CREATE DATABASE {name}"))
            url = urlsplit(server.url)._replace(path=f"/{name}").geturl()
            wrong = upgrade_first_release(
                url, members=options.members, copies=options.copies, dump=options.record
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
