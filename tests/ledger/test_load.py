"""The locks of a batch, and the moment at which it happens."""

from __future__ import annotations

import asyncio

import asyncpg

from app.domain.commands import Adjust
from tests.ledger.till import Till


async def test_a_batch_happens_after_its_locks(till: Till, database_url: str, member: str) -> None:
    """What was published or expired while it waited for a member holds for it: the clock is read after the lock."""
    await till.enrol(member)
    blocker = await asyncpg.connect(database_url)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("SELECT 1 FROM account WHERE member_id = $1 FOR UPDATE", member)
    asked = asyncio.create_task(till.ask(Adjust(member_id=member, reference="a", points=1, reason="a gift")))
    while not await blocker.fetchval(  # noqa: ASYNC110 - the server tells nobody
        "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    ):
        await asyncio.sleep(0.01)
    released_at = await blocker.fetchval("SELECT clock_timestamp()")
    await transaction.rollback()
    await blocker.close()
    await asked
    [(recorded_at,)] = await till.rows(
        "SELECT recorded_at FROM entry WHERE member_id = $1 AND kind = 'adjust'", member
    )
    assert recorded_at >= released_at
