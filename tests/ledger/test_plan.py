"""What is shared is one batch's at a time: the stock of a template, and a code that is nobody's yet."""

from __future__ import annotations

import asyncio

import pytest

from app.database import Database
from app.domain.account import Code
from app.ledger.connection import Connection
from app.ledger.plan import Found, lock
from tests.ledger.shelf import make_codes, offer
from tests.ledger.till import Till
from tests.ledger.waiting import transaction, until_somebody_waits_for


async def read_code(connection: Connection, code: str) -> Code:
    row = await connection.fetchrow("SELECT * FROM coupon_code WHERE code = $1", code)
    assert row is not None
    return Code._make(row)


@pytest.mark.parametrize("shared", ["stock", "code"])
async def test_who_comes_second_waits_and_sees_what_is_left(
    database: Database, till: Till, member: str, shared: str
) -> None:
    template, code = await offer(database, f"t-{member}", stock=5), f"U{member.upper()}"
    await make_codes(database, template, code)
    async with transaction(database) as first, transaction(database) as second:
        # Both have found the code before either locks it.
        codes = {code: await read_code(second, code)} if shared == "code" else {}
        templates = {template} if shared == "stock" else set[str]()

        async def take(connection: Connection) -> tuple[int | None, str | None]:
            found = Found([], {}, dict(codes))
            locked, counters = await lock(connection, found, rack=till.engine.rack, counters=templates)
            return (
                next((counter.issued for counter in counters), None),
                next((each.member_id for each in locked), None),
            )

        await take(first)
        waiting = asyncio.create_task(take(second))
        await until_somebody_waits_for(first)
        await first.execute("UPDATE coupon_counter SET issued = 4 WHERE template = $1", template)
        await first.execute("UPDATE coupon_code SET member_id = 'm' WHERE code = $1", code)
        await first.execute("COMMIT; BEGIN")
        assert await waiting == ((4, None) if shared == "stock" else (None, "m"))
