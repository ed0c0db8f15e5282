"""Every hour: forget the `Idempotency-Key`s that nobody repeats any more.

They are promised for 24 hours; natural keys, which are for good, stand in the ledger itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from app.database import Database

SCHEDULE = "23 * * * *"
KEPT_FOR = timedelta(hours=25)
BATCH = 1_000

log = structlog.get_logger(__name__)


async def run(database: Database, *, is_stopping: Callable[[], bool]) -> None:
    """Delete the keys older than `KEPT_FOR`, oldest first."""
    before = datetime.now(UTC) - KEPT_FOR
    connection = await database.connect()
    forgotten = 0
    try:
        while not is_stopping():
            rows = await connection.fetch(
                "SELECT bucket, key FROM idempotency_key WHERE created_at < $1 ORDER BY created_at LIMIT $2",
                before,
                BATCH,
            )
            if not rows:
                break
            # Read first, then deleted by key: in one statement it could not be told to a distributed table.
            await connection.execute(
                "DELETE FROM idempotency_key AS kept "
                "USING unnest($1::smallint[], $2::bytea[]) AS old (bucket, key) "
                "WHERE kept.bucket = old.bucket AND kept.key = old.key AND kept.created_at < $3",
                [row["bucket"] for row in rows],
                [row["key"] for row in rows],
                before,
            )
            forgotten += len(rows)
    finally:
        await connection.close()
    if forgotten:
        log.info("idempotency_keys_forgotten", count=forgotten)
