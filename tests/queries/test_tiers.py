"""What a member's tier comes from, as it is read."""

from __future__ import annotations

from app.database import Database
from app.domain.commands import Accrue, Enrol
from app.domain.earning import Line
from app.domain.orders import order_of
from app.domain.posting import Caller
from app.ledger.engine import Engine
from app.ledger.request import Request
from app.queries.tiers import read_standing


async def test_lots_come_with_their_lines(database: Database) -> None:
    engine = Engine(database.connect)
    await engine.start()
    lines = (Line("1", "s", None, None, 1, 500),)
    order = Accrue(member_id="with-lines", order_id="o", amount=500, items=lines)
    for command in (Enrol(member_id="with-lines"), order):
        await engine.submit(Request(command, Caller("test", "request")))
    await engine.stop()
    async with database.engine.connect() as connection:
        row = await read_standing(connection, member_id="with-lines", all_lots=True)
    assert row is not None
    [lot] = row.lots
    assert order_of(lot).rest == 500
