"""Requests that join a batch which waits for their member. Source: DESIGN.md, How a command flows."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from typing import Any

import asyncpg
import pytest

from app.database import Database
from app.domain.carts import Cart, Wish
from app.domain.checkout_commands import CancelCheckout, HoldCheckout
from app.domain.command import Command
from app.domain.commands import Accrue, Enrol, Redeem, SignIn, Transfer
from app.domain.coupon_commands import ClaimCoupon, VoidCoupon
from app.domain.errors import InsufficientPoints
from app.ledger import engine as engine_module
from app.ledger.claims import Claim
from app.ledger.engine import Engine
from app.ledger.outcome import Outcome
from app.ledger.plan import names_members_alone
from app.ledger.request import Request
from tests.ledger.till import Till, request

Asking = Callable[[], Awaitable[None]]


class Locking:
    """A driver's connection. Each time the accounts of a batch are locked the next of `then` is called before the
    answer comes; the first commits are lost as `cuts` says, before or after the server has carried them out.
    """

    def __init__(self, connection: Any, then: list[Asking], cuts: list[str]) -> None:
        self._connection = connection
        self._then = then
        self._cuts = cuts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, statement: str, *values: Any) -> Any:
        rows = await self._connection.fetch(statement, *values)
        if self._then and "locked AS MATERIALIZED" in statement:
            await self._then.pop(0)()
            await asyncio.sleep(0)  # what was asked is in the queue then
        return rows

    async def execute(self, statement: str, *values: Any) -> Any:
        cut = self._cuts.pop(0) if self._cuts and statement.startswith("COMMIT") else None
        if cut != "before":
            done = await self._connection.execute(statement, *values)
            if cut is None:
                return done
        self._connection.terminate()
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


class Shop:
    """An engine of its own, and what is asked of it while a batch waits for the answer with its locks."""

    def __init__(self, engine: Engine, then: list[Asking], cuts: list[str]) -> None:
        self.engine = engine
        self.then = then
        self.cuts = cuts
        self.late: list[asyncio.Task[Outcome]] = []

    async def enqueue(self, *late: Request) -> None:
        self.late += [asyncio.create_task(self.engine.submit(each)) for each in late]

    async def ask(self, first: Command, *late: Request) -> list[Any]:
        """What the first one and the late ones are answered, refusals too."""
        self.late.clear()
        self.then.insert(0, lambda: self.enqueue(*late))
        answered = await asyncio.gather(self.engine.submit(request(first)), return_exceptions=True)
        return [*answered, *await asyncio.gather(*self.late, return_exceptions=True)]


@pytest.fixture
async def shop(database: Database) -> AsyncGenerator[Shop]:
    then: list[Asking] = []
    cuts: list[str] = []

    async def connect() -> Any:
        return Locking(await database.connect(), then, cuts)

    engine = Engine(connect)
    await engine.start()
    yield Shop(engine, then, cuts)
    await engine.stop()


def order(member: str, order_id: str) -> Accrue:
    return Accrue(member_id=member, order_id=order_id, amount=100)


async def batches(till: Till, member: str) -> list[list[str]]:
    """The keys of the member's entries, those of one batch together."""
    rows = await till.rows(
        "SELECT array_agg(key ORDER BY sequence) FROM entry WHERE member_id = $1 AND key <> 'order/opening' "
        "GROUP BY recorded_at ORDER BY recorded_at",
        member,
    )
    return [keys for (keys,) in rows]


async def test_who_asks_the_same_of_the_same_member_joins(till: Till, shop: Shop, member: str) -> None:
    await till.enrol(member, points=100)
    redeem = [
        Redeem(member_id=member, reference=name, points=60 - 20 * number) for number, name in enumerate("rst")
    ]
    answered = await shop.ask(redeem[0], *map(request, redeem[1:]), request(redeem[0]))
    assert [each.created if isinstance(each, Outcome) else type(each) for each in answered] == [
        True,
        True,
        InsufficientPoints,
        False,
    ]
    assert answered[3].body == answered[0].body
    assert await batches(till, member) == [["redeem/r", "redeem/s"]]


async def test_it_happens_after_the_last_was_asked(till: Till, shop: Shop, member: str) -> None:
    """Though the clock had been read with the locks already."""
    await till.enrol(member)
    asked_at: list[datetime] = []

    async def ask() -> None:
        asked_at.extend(at for (at,) in await till.rows("SELECT clock_timestamp()"))
        await shop.enqueue(request(order(member, "late")))

    shop.then.append(ask)
    await shop.engine.submit(request(order(member, "first")))
    await asyncio.gather(*shop.late)
    rows = await till.rows("SELECT recorded_at FROM entry WHERE member_id = $1", member)
    assert len(rows) == 2
    assert len(set(rows)) == 1
    assert rows[0][0] > asked_at[0]


async def test_who_must_be_locked_or_found_first_does_not_join(till: Till, shop: Shop, member: str) -> None:
    other = f"n-{member}"
    await till.enrol(member, other, points=10)
    claim = Claim(secrets.token_bytes(16), b"\0" * 16)
    answered = await shop.ask(
        order(member, "first"),
        request(order(member, "claimed"), claim=claim),
        request(order(member, "behind")),
    )
    assert all(each.created for each in answered)
    assert await batches(till, member) == [["order/first"], ["order/claimed", "order/behind"]]


async def test_only_what_others_ask_of_those_who_are_locked_joins(
    till: Till, shop: Shop, member: str
) -> None:
    one, two, three = (f"{member}-{number}" for number in range(3))
    await till.enrol(one, two, three, points=10)
    answered = await shop.ask(
        Transfer(member_id=one, reference="t", to=two, points=1),
        request(Transfer(member_id=two, reference="back", to=one, points=2)),
        request(Transfer(member_id=one, reference="away", to=three, points=1)),
    )
    assert [type(each) for each in answered] == [Outcome] * 3
    answered = await shop.ask(order(one, "o"), request(SignIn(member_id=one)))
    assert all(each.created for each in answered)
    kinds = [[key.partition("/")[0] for key in keys] for keys in await batches(till, one)]
    assert kinds == [["transfer", "receive"], ["transfer"], ["order"], ["sign_in"]]


async def test_no_more_join_than_a_batch_holds(
    till: Till, shop: Shop, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "MAX_BATCH", 3)
    await till.enrol(member)
    await shop.ask(order(member, "0"), *(request(order(member, str(number))) for number in range(1, 5)))
    assert await batches(till, member) == [["order/0", "order/1", "order/2"], ["order/3", "order/4"]]


@pytest.mark.parametrize("cuts", [["before"], ["after"], ["before", "after"]])
async def test_who_joined_a_batch_whose_commit_was_lost(
    till: Till, shop: Shop, member: str, cuts: list[str]
) -> None:
    """Each has its own result, and none joins a batch that may have been committed."""
    await till.enrol(member, points=100)
    shop.cuts += cuts
    shop.then.append(lambda: shop.enqueue(request(Redeem(member_id=member, reference="c", points=40))))
    first, refused, *rest = await shop.ask(
        Redeem(member_id=member, reference="a", points=60),
        request(Redeem(member_id=member, reference="b", points=50)),
    )
    rest += await asyncio.gather(*shop.late[1 + len(rest) :])
    assert shop.cuts == []
    assert first.created
    assert isinstance(refused, InsufficientPoints)
    assert [each.created for each in rest] == [True] * len(rest)
    assert await batches(till, member) == [["redeem/a"], *[["redeem/c"] for _ in rest]]
    assert len(rest) == (cuts != ["after"])  # then the first try was found, and locked nothing again


@pytest.mark.parametrize(
    ("command", "alone"),
    [
        (order("m", "o"), True),
        (Transfer(member_id="m", reference="r", to="n", points=1), True),
        (Enrol(member_id="m", person={"referred_by": "CODE"}), False),
        (ClaimCoupon(member_id="m", template="t"), False),
        (ClaimCoupon(member_id="m", code="c"), False),
        (VoidCoupon(member_id="m", code="c", reference="r", reason="x"), False),
        (CancelCheckout(member_id="m", checkout_id="c"), False),
        (HoldCheckout(member_id="m", checkout_id="c", cart=Cart(()), wish=Wish()), False),
    ],
)
def test_which_commands_name_members_alone(command: Command, *, alone: bool) -> None:
    assert names_members_alone(command) is alone
