"""Coupons through the engine: what a process remembers of them, commits that are lost, counters found missing."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from app.actions.coupon_templates import change_template, create_template
from app.database import Database
from app.domain.carts import Cart, CartLine, Wish
from app.domain.checkout_commands import CompleteCheckout, HoldCheckout
from app.domain.coupon_commands import ClaimCoupon
from app.domain.coupon_errors import CouponExhausted
from app.domain.errors import IdempotencyKeyReused
from app.ledger.claims import Claim
from app.ledger.engine import Engine
from app.ledger.load import REAL_CLOCK
from app.ledger.plan import Found, lock
from tests.ledger.till import Till, request

TERMS: dict[str, Any] = {"name": "3 off", "kind": "amount_off", "amount_off": 300}


@pytest.fixture
def template(member: str) -> str:
    """The code of a template nobody else has."""
    return f"t-{member}"


class Meddled:
    """A driver's connection on which something else happens once, after a COMMIT and before its answer is seen."""

    def __init__(self, connection: Any, meddle: list[Callable[[], Any]]) -> None:
        self._connection = connection
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, statement: str, *values: Any) -> Any:
        answered = await self._connection.execute(statement, *values)
        if statement.startswith("COMMIT") and self._meddle:
            await self._meddle.pop()()
        return answered


async def test_stock_raised_before_its_end_is_noted_is_there(
    database: Database, till: Till, member: str, template: str
) -> None:
    """The template changes, and a read tells the rack so, while the answer to a COMMIT is on its way."""
    await create_template(database, template=template, document=TERMS | {"stock": 1}, clock=REAL_CLOCK)
    await till.enrol(member)
    meddle: list[Callable[[], Any]] = []

    async def connect() -> Any:
        return Meddled(await database.connect(), meddle)

    engine = Engine(connect)
    await engine.start()

    async def raise_stock() -> None:
        await change_template(database, template=template, changes={"stock": 2}, clock=REAL_CLOCK)
        connection = await database.connect()
        await engine.rack.refresh(connection)
        await connection.close()

    claim = ClaimCoupon(member_id=member, template=template)
    try:
        await engine.submit(request(claim))
        meddle.append(raise_stock)
        with pytest.raises(CouponExhausted):
            await engine.submit(request(claim))
        assert (await engine.submit(request(claim))).created
        with pytest.raises(CouponExhausted):
            await engine.submit(request(claim))
        assert engine.rack.is_exhausted(template)
    finally:
        await engine.stop()


async def test_once_the_stock_is_gone_a_claim_that_was_answered_is_answered_again(
    database: Database, till: Till, member: str, template: str
) -> None:
    await create_template(database, template=template, document=TERMS | {"stock": 1}, clock=REAL_CLOCK)
    late = f"{member}-late"
    await till.enrol(member, late)
    key = Claim(secrets.token_bytes(16), b"c" * 16)
    asked = ClaimCoupon(member_id=member, template=template)
    first = await till.ask(asked, claim=key)
    with pytest.raises(CouponExhausted):
        await till.ask(ClaimCoupon(member_id=late, template=template))
    assert till.engine.rack.is_exhausted(template)

    again = await till.ask(asked, claim=key)
    assert (again.replayed, again.body) == (True, first.body)
    with pytest.raises(IdempotencyKeyReused):
        await till.ask(asked, claim=key._replace(content=b"d" * 16))
    with pytest.raises(CouponExhausted):
        await till.ask(asked, claim=Claim(secrets.token_bytes(16), b"c" * 16))


async def test_a_claim_whose_commit_was_lost_is_made_once(
    database: Database, till: Till, member: str, template: str
) -> None:
    await create_template(database, template=template, document=TERMS | {"stock": 1}, clock=REAL_CLOCK)
    await till.enrol(member)

    async def lose() -> None:
        connections[-1].terminate()
        raise ConnectionResetError

    meddle: list[Callable[[], Any]] = []
    connections: list[Any] = []

    async def connect() -> Any:
        connections.append(await database.connect())
        return Meddled(connections[-1], meddle)

    engine = Engine(connect)
    await engine.start()
    meddle.append(lose)
    key = Claim(f"{member:16.16}".encode(), b"0" * 16)
    first = await engine.submit(request(ClaimCoupon(member_id=member, template=template), claim=key))
    again = await engine.submit(request(ClaimCoupon(member_id=member, template=template), claim=key))
    await engine.stop()
    assert len(connections) == 2
    assert (first.created, again.created, again.replayed) == (True, True, True)
    assert first.body == again.body
    assert await till.rows("SELECT issued FROM coupon_counter WHERE template = $1", template) == [(1,)]


async def test_a_counter_found_missing_is_locked_and_all_is_decided_again(
    database: Database, till: Till, member: str, template: str
) -> None:
    """The best combination turns out to use a coupon with a budget; its neighbours in the batch are as they were."""
    await create_template(database, template=template, document=TERMS | {"budget": 600}, clock=REAL_CLOCK)
    members = [f"{member}-{number}" for number in range(3)]
    await till.enrol(*members)
    for name in members:
        await till.ask(ClaimCoupon(member_id=name, template=template))
    held = await till.ask_all(
        [
            HoldCheckout(
                member_id=name,
                checkout_id=f"k-{name}",
                cart=Cart((CartLine("1", "sku", None, None, 1, 1_000),)),
                wish=Wish(coupons="best"),
            )
            for name in members
        ]
    )
    assert [outcome.body["discount"] for outcome in held if not isinstance(outcome, Exception)] == [
        300,
        300,
        0,
    ]
    assert await till.rows("SELECT discounted FROM coupon_counter WHERE template = $1", template) == [(600,)]
    for name in members:
        await till.ask(CompleteCheckout(member_id="", checkout_id=f"k-{name}"))
    assert await till.rows("SELECT status FROM coupon WHERE template = $1 ORDER BY member_id", template) == [
        ("redeemed",),
        ("redeemed",),
        ("issued",),
    ]
    for name in members:
        await till.assert_agrees(name)


async def test_the_table_of_templates_is_locked_before_a_counter(
    database: Database, till: Till, template: str
) -> None:
    """As who gives a template a budget does: in the other order each would wait for the other."""
    await create_template(database, template=template, document=TERMS, clock=REAL_CLOCK)
    connection = await database.connect()
    try:
        async with connection.transaction():
            found = Found([], {}, {})
            _, counters = await lock(connection, found, rack=till.engine.rack, counters={template})
            assert [counter.template for counter in counters] == [template]
            modes = await connection.fetchval(
                "SELECT array_agg(mode) FROM pg_locks "
                "WHERE pid = pg_backend_pid() AND relation = 'coupon_template'::regclass"
            )
            assert modes == ["AccessShareLock"]
    finally:
        await connection.close()
