"""The locks of a batch: that they are taken, in which order, and the moment at which the batch happens."""

from __future__ import annotations

import asyncio

import pytest

from app.database import Database
from app.domain.account import bucket_of
from app.domain.commands import Adjust
from app.ledger.load import REAL_CLOCK
from app.ledger.locks import lock_accounts
from tests.ledger.till import Till
from tests.ledger.waiting import transaction, until_somebody_waits_for

_LOCK_ONE = "SELECT 1 FROM account WHERE bucket = $1 AND member_id = $2 FOR UPDATE NOWAIT"


async def test_a_member_is_one_batchs_at_a_time(till: Till, database: Database, member: str) -> None:
    """Else two of them decide on the same balance, and only the entries' key tells the second that it was wrong."""
    await till.enrol(member)
    async with transaction(database) as first, transaction(database) as second:
        await lock_accounts(first, [member], clock=REAL_CLOCK)
        waiting = asyncio.create_task(lock_accounts(second, [member], clock=REAL_CLOCK))
        await until_somebody_waits_for(first)
        assert not waiting.done()
        await first.execute("UPDATE account SET streak = 7 WHERE member_id = $1", member)
        await first.execute("COMMIT; BEGIN")
        assert (await waiting).accounts[member].streak == 7


@pytest.mark.parametrize("is_reversed", [False, True])
async def test_members_are_locked_in_one_order(
    till: Till, database: Database, member: str, *, is_reversed: bool
) -> None:
    """However they are asked for: who waits for the first holds none of the others, so nobody waits in a circle."""
    members = sorted((f"{member}-{number}" for number in range(8)), key=lambda name: (bucket_of(name), name))
    await till.enrol(*members)
    asked = members[::-1] if is_reversed else members
    async with transaction(database) as blocker, transaction(database) as batch:
        await blocker.execute(_LOCK_ONE, bucket_of(members[0]), members[0])
        waiting = asyncio.create_task(lock_accounts(batch, asked, clock=REAL_CLOCK))
        await until_somebody_waits_for(blocker)
        for name in members[1:]:
            await blocker.execute(_LOCK_ONE, bucket_of(name), name)
        await blocker.execute("ROLLBACK; BEGIN")
        assert (await waiting).accounts.keys() == set(members)


async def test_a_batch_happens_after_its_locks(till: Till, database: Database, member: str) -> None:
    """What was published or expired while it waited for a member holds for it: the clock is read after the lock."""
    await till.enrol(member)
    async with transaction(database) as blocker:
        await blocker.execute(_LOCK_ONE, bucket_of(member), member)
        command = Adjust(member_id=member, reference="a", points=1, reason="a gift")
        asked = asyncio.create_task(till.ask(command))
        await until_somebody_waits_for(blocker)
        released_at = await blocker.fetchval("SELECT clock_timestamp()")
    await asked
    [(recorded_at,)] = await till.rows(
        "SELECT recorded_at FROM entry WHERE member_id = $1 AND kind = 'adjust'", member
    )
    assert recorded_at >= released_at


async def test_the_engines_statements_are_planned_once(till: Till) -> None:
    """However many rows are asked for, and however small the table is today."""
    connection = await till.engine._open()
    try:
        statement = (
            "SELECT count(*) FROM account WHERE bucket = ANY($1::smallint[]) AND member_id = ANY($2::text[])"
        )
        for count in range(1, 8):
            await connection.fetch(statement, [1] * count, ["nobody"] * count)
        planned = await connection.fetchrow(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1", statement
        )
        assert planned is not None
        assert tuple(planned) == (7, 0)
    finally:
        await connection.close()
