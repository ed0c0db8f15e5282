"""Thirty-two at once, over two engines as if two processes: one effect, and the invariants after it.

Source: TARGETS.md, What it must survive. Which of them wins is open; that exactly one does is not.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import timedelta

import asyncpg
import pytest

from app.domain.command import Command
from app.domain.commands import (
    Accrue,
    Cancel,
    Commit,
    Enrol,
    Import,
    Redeem,
    Refund,
    Reverse,
    SignIn,
    Transfer,
)
from app.domain.errors import (
    IdempotencyKeyReused,
    InsufficientPoints,
    LoyaltyError,
    OrderAlreadyAccrued,
    RefundExceedsOrder,
)
from app.domain.redemptions import (
    RefundExceedsRedemption,
    ReservationClosed,
)
from app.ledger.claims import Claim
from app.ledger.outcome import Outcome
from tests.ledger.till import Till, request, tills

AT_ONCE = 32


@pytest.fixture(scope="module")
def own_url(new_database: Callable[[], str]) -> str:
    """A database of this file's own, so that all of it can be verified."""
    return new_database()


@pytest.fixture
async def pair(own_url: str) -> AsyncGenerator[list[Till]]:
    """Two engines; afterwards the whole ledger is what its entries make it."""
    async with tills(own_url) as opened:
        yield opened
        await opened[0].assert_agrees()


@pytest.fixture
def member() -> str:
    return f"m-{secrets.token_hex(6)}"


async def race(
    pair: Sequence[Till], commands: Sequence[Command], *, claims: Sequence[Claim] | None = None
) -> list[Outcome | LoyaltyError]:
    """All at once, half of them over each engine; anything but an outcome or a refusal fails the test."""

    async def one(number: int) -> Outcome | LoyaltyError:
        claim = claims[number] if claims else None
        await asyncio.sleep(0.001 * (number % 5))
        try:
            return await pair[number % 2].engine.submit(request(commands[number], claim=claim))
        except LoyaltyError as refusal:
            return refusal

    return list(await asyncio.gather(*(one(number) for number in range(len(commands)))))


def told(results: Sequence[Outcome | LoyaltyError]) -> Counter[object]:
    """How many did it, were told it was done, or were refused and how."""
    return Counter(
        ("replayed" if result.replayed else "done") if isinstance(result, Outcome) else type(result)
        for result in results
    )


def only_body(results: Sequence[Outcome | LoyaltyError]) -> object:
    found = [result.body for result in results if isinstance(result, Outcome)]
    assert all(body == found[0] for body in found)
    return found[0]


async def test_the_same_order(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    results = await race(pair, [Accrue(member_id=member, order_id="o", amount=30_000)] * AT_ONCE)
    assert told(results) == {"done": 1, "replayed": AT_ONCE - 1}
    only_body(results)
    assert await pair[1].balance(member) == (300, 0, 0, 0)


async def test_the_same_order_with_different_amounts(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    results = await race(
        pair, [Accrue(member_id=member, order_id="o", amount=100 * (1 + n % 4)) for n in range(AT_ONCE)]
    )
    assert told(results) == {"done": 1, "replayed": AT_ONCE // 4 - 1, OrderAlreadyAccrued: AT_ONCE * 3 // 4}


async def test_the_last_points(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member, points=100)
    results = await race(
        pair, [Redeem(member_id=member, reference=f"r{n}", points=30) for n in range(AT_ONCE)]
    )
    assert told(results) == {"done": 3, InsufficientPoints: AT_ONCE - 3}
    assert await pair[1].balance(member) == (10, 0, 0, 0)


async def test_the_last_hold(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member, points=100)
    results = await race(
        pair, [Redeem(member_id=member, reference=f"h{n}", points=100, reserve=True) for n in range(AT_ONCE)]
    )
    assert told(results) == {"done": 1, InsufficientPoints: AT_ONCE - 1}
    assert await pair[1].balance(member) == (0, 0, 100, 0)


async def test_signing_in(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    results = await race(pair, [SignIn(member_id=member)] * AT_ONCE)
    assert told(results) == {"done": 1, "replayed": AT_ONCE - 1}
    assert await pair[1].balance(member) == (10, 0, 0, 0)


async def test_commit_against_cancel(pair: list[Till], member: str) -> None:
    """A hold ends once, in one way."""
    await pair[0].enrol(member, points=100)
    await pair[0].ask(Redeem(member_id=member, reference="h", points=60, reserve=True))
    endings: list[Command] = [
        Commit(member_id=member, reference="h")
        if n % 2 == n // 2 % 2
        else Cancel(member_id=member, reference="h")
        for n in range(AT_ONCE)
    ]
    results = await race(pair, endings)
    assert told(results) == {"done": 1, "replayed": AT_ONCE // 2 - 1, ReservationClosed: AT_ONCE // 2}
    available, _, reserved, _ = await pair[1].balance(member)
    assert (available in {40, 100}, reserved) == (True, 0)
    assert len(await pair[0].kinds(member)) == 3


async def test_refund_against_expiry(fresh_database_url: str, member: str) -> None:
    """Points come back before their lot ends and are spendable, or after and are not: never both."""
    before = timedelta(seconds=0.3)
    owner = await asyncpg.connect(fresh_database_url)
    async with tills(fresh_database_url, is_sandbox=True) as pair:

        async def refund(number: int) -> Outcome:
            await asyncio.sleep(2 * before.total_seconds() * number / (AT_ONCE - 1))
            command = Refund(member_id=member, redemption=f"r{number}", reference="b")
            return await pair[number % 2].ask(command)

        await pair[0].enrol(member)
        ends = await owner.fetchval("SELECT clock_timestamp() + ahead FROM clock") + timedelta(days=1)
        await pair[0].ask(Import(member_id=member, reference="i", points=AT_ONCE * 2, expires_at=ends))
        for number in range(AT_ONCE):
            await pair[number % 2].ask(Redeem(member_id=member, reference=f"r{number}", points=1))
        results = [await refund(0)]
        await owner.execute("UPDATE clock SET ahead = $1 - clock_timestamp()", ends - before)
        results += await asyncio.gather(*(refund(number) for number in range(1, AT_ONCE)))
        rows = await pair[0].rows(
            "SELECT recorded_at >= $2, (detail ->> 'expired')::int = 1 FROM entry "
            "WHERE member_id = $1 AND kind = 'refund'",
            member,
            ends,
        )
        assert len(rows) == AT_ONCE
        assert all(is_late == has_expired for is_late, has_expired in rows)
        assert (results[0].body["expired"], results[-1].body["expired"]) == (0, 1)
        points = await pair[0].points(member)
        assert (points["available"], points["redeemed"], points["expired"]) == (0, 0, AT_ONCE * 2)
        await pair[0].assert_agrees()
    await owner.close()


async def test_refunds_of_one_redemption(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member, points=100)
    await pair[0].ask(Redeem(member_id=member, reference="r", points=100))
    results = await race(
        pair, [Refund(member_id=member, redemption="r", reference=f"b{n}", points=7) for n in range(AT_ONCE)]
    )
    assert told(results) == {"done": 14, RefundExceedsRedemption: AT_ONCE - 14}
    assert await pair[1].balance(member) == (98, 0, 0, 0)


async def test_refunds_of_one_order(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member, points=100)
    results = await race(
        pair,
        [
            Reverse(member_id=member, order_id="opening", reference=f"b{n}", amount=750)
            for n in range(AT_ONCE)
        ],
    )
    assert told(results) == {"done": 13, RefundExceedsOrder: AT_ONCE - 13}
    assert await pair[1].balance(member) == (2, 0, 0, 0)


async def test_redemptions_against_refunds_of_the_order(pair: list[Till], member: str) -> None:
    """What was spent first becomes debt, what was taken back first can't be spent; nothing is lost."""
    await pair[0].enrol(member, points=320)
    commands: list[Command] = []
    for number in range(AT_ONCE // 2):
        commands.append(Redeem(member_id=member, reference=f"r{number}", points=20))
        commands.append(Reverse(member_id=member, order_id="opening", reference=f"b{number}", amount=2_000))
    results = await race(pair, commands)
    redeemed = told(results[::2])["done"] * 20
    assert told(results[1::2]) == {"done": AT_ONCE // 2}
    assert await pair[1].balance(member) == (0, 0, 0, redeemed)


async def test_enrolling_the_same_member(pair: list[Till], member: str) -> None:
    results = await race(pair, [Enrol(member_id=member)] * AT_ONCE)
    assert sum(result.created for result in results if isinstance(result, Outcome)) == 1
    only_body(results)


async def test_members_enrolled_in_any_order(pair: list[Till], member: str) -> None:
    """New rows wait for each other in one order too."""
    names = [f"{member}-{number}" for number in range(20)]

    async def all_of(till: Till, order: list[str]) -> None:
        await till.ask_all([Enrol(member_id=name) for name in order])

    await asyncio.gather(all_of(pair[0], names), all_of(pair[1], names[::-1]))
    assert await pair[0].balance(names[7]) == (0, 0, 0, 0)


async def test_transfers_both_ways(pair: list[Till], member: str) -> None:
    """No circle of waiting: every batch locks in one order."""
    other = f"n{member}"
    await pair[0].enrol(member, other, points=100)
    results = await race(
        pair,
        [
            Transfer(member_id=member, reference=f"t{n}", to=other, points=10)
            if n % 2 == n // 2 % 2
            else Transfer(member_id=other, reference=f"t{n}", to=member, points=10)
            for n in range(AT_ONCE)
        ],
    )
    assert set(told(results)) <= {"done", InsufficientPoints}
    one, two = await pair[0].balance(member), await pair[1].balance(other)
    assert one[0] + two[0] == 200


async def test_transfers_in_a_ring(pair: list[Till], member: str) -> None:
    names = [f"{member}-{number}" for number in range(8)]
    await pair[0].enrol(*names, points=100)
    results = await race(
        pair,
        [
            Transfer(member_id=names[n % 8], reference=f"t{n}", to=names[(n * 3 + 1) % 8], points=1)
            for n in range(AT_ONCE * 2)
        ],
    )
    total = 0
    for name in names:
        total += (await pair[0].balance(name))[0]
    assert total == 800
    assert told(results)["done"] > 0


async def test_the_same_idempotency_key(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    key = Claim(secrets.token_bytes(16), b"c" * 16)
    commands = [Accrue(member_id=member, order_id="o", amount=100)] * AT_ONCE
    results = await race(pair, commands, claims=[key] * AT_ONCE)
    assert told(results) == {"done": 1, "replayed": AT_ONCE - 1}
    only_body(results)


async def test_the_same_idempotency_key_on_other_requests(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    key = secrets.token_bytes(16)
    claims = [Claim(key, bytes([number % 2]) * 16) for number in range(AT_ONCE)]
    commands = [Accrue(member_id=member, order_id=f"o{n % 2}", amount=100) for n in range(AT_ONCE)]
    results = await race(pair, commands, claims=claims)
    assert told(results) == {"done": 1, "replayed": AT_ONCE // 2 - 1, IdempotencyKeyReused: AT_ONCE // 2}
    assert await pair[0].balance(member) == (1, 0, 0, 0)


async def test_the_same_idempotency_key_while_it_is_refused(pair: list[Till], member: str) -> None:
    """A refused request lets go of its key; the one that waited for it is decided by itself."""
    await pair[0].enrol(member, points=10)
    key = Claim(secrets.token_bytes(16), b"c" * 16)
    commands = [Redeem(member_id=member, reference="r", points=11)] * AT_ONCE
    results = await race(pair, commands, claims=[key] * AT_ONCE)
    assert told(results) == {InsufficientPoints: AT_ONCE}


async def test_every_request_three_times_at_once(pair: list[Till], member: str) -> None:
    names = [f"{member}-{number}" for number in range(4)]
    await pair[0].enrol(*names, points=50)
    different: list[Command] = []
    for name in names:
        different += [
            Accrue(member_id=name, order_id="o", amount=10_000, settle=False),
            Redeem(member_id=name, reference="r", points=10),
            Redeem(member_id=name, reference="h", points=10, reserve=True),
            SignIn(member_id=name),
            Reverse(member_id=name, order_id="opening", reference="b", amount=500),
        ]
    results = await race(pair, different * 3)
    for number in range(len(different)):
        three = results[number :: len(different)]
        assert told(three) == {"done": 1, "replayed": 2}
        only_body(three)
