"""Referrals at once, over two engines as if two processes: limits hold, and no ring is closed from two sides."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import pytest

from app.domain.command import Command
from app.domain.commands import Accrue, Enrol, Reverse
from app.domain.errors import LoyaltyError
from app.domain.referral_binding import ReferralRing
from app.domain.referral_commands import MakeReferralCode
from app.ledger import batch
from app.ledger.locks import Locked
from app.ledger.outcome import Outcome
from tests.ledger.fair import end_all, given, put_live
from tests.ledger.till import Till, request, tills

AT_ONCE = 64
PER_MONTH = 20


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


async def race(pair: Sequence[Till], commands: Sequence[Command]) -> list[Outcome | LoyaltyError]:
    """All at once, half of them over each engine; anything but an outcome or a refusal fails the test."""

    async def one(number: int) -> Outcome | LoyaltyError:
        await asyncio.sleep(0.001 * (number % 5))
        try:
            return await pair[number % 2].engine.submit(request(commands[number]))
        except LoyaltyError as refusal:
            return refusal

    return list(await asyncio.gather(*(one(number) for number in range(len(commands)))))


async def test_first_orders_of_many_invitees(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    invitees = [f"{member}-{number}" for number in range(AT_ONCE)]
    await race(pair, [Enrol(member_id=each, person={"referred_by": member}) for each in invitees])
    [(bound,)] = await pair[0].rows("SELECT bound FROM referrer WHERE member_id = $1", member)
    assert bound == AT_ONCE
    results = await race(
        pair, [Accrue(member_id=each, order_id=f"o-{each}", amount=5_000) for each in invitees]
    )
    assert all(isinstance(result, Outcome) for result in results)
    assert await pair[0].balance(member) == (200 * PER_MONTH, 0, 0, 0)
    statuses = await pair[0].rows("SELECT status FROM invitation WHERE member_id = $1", member)
    assert Counter(status for (status,) in statuses) == {"paid": PER_MONTH, "limited": AT_ONCE - PER_MONTH}
    for invitee in invitees:
        assert await pair[0].balance(invitee) == (150, 0, 0, 0)


async def test_a_member_who_joins_while_the_referrer_is_waited_for(
    pair: list[Till], member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pair[0].enrol(member)
    invitee = f"{member}-new"
    joining = Enrol(member_id=invitee, person={"referred_by": member})
    lock_accounts = batch.lock_accounts
    waited: list[str] = []

    async def lock_late(*asked: Any, **options: Any) -> Locked:
        """Lock as a statement does that had to wait: it sees no account that was made meanwhile."""
        if waited:
            return await lock_accounts(*asked, **options)
        waited.append(member)
        await pair[1].ask(joining)
        locked = await lock_accounts(*asked, **options)
        del locked.accounts[invitee]
        return locked

    monkeypatch.setattr(batch, "lock_accounts", lock_late)
    again = await pair[0].ask(joining)
    assert not again.created
    assert await pair[0].rows("SELECT inviter FROM referral WHERE member_id = $1", invitee) == [(member,)]


async def test_the_last_points_of_a_campaign(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    invitees = [f"{member}-{number}" for number in range(PER_MONTH)]
    await race(pair, [Enrol(member_id=each, person={"referred_by": member}) for each in invitees])
    effect = {"kind": "add_points", "points": 50}
    campaign = await put_live(pair[0], f"c-{member}", effect, trigger="referral", budget={"points": 130})
    await race(pair, [Accrue(member_id=each, order_id=f"o-{each}", amount=5_000) for each in invitees])
    await end_all(pair[0])
    assert await pair[0].balance(member) == (200 * PER_MONTH + 130, 0, 0, 0)
    assert (await given(pair[0], campaign, member))["points"] == 130
    backs = [Reverse(member_id=each, order_id=f"o-{each}", reference="r", amount=5_000) for each in invitees]
    await race(pair, backs)
    assert await pair[0].balance(member) == (0, 0, 0, 0)


async def test_one_invitees_orders_and_refunds(pair: list[Till], member: str) -> None:
    invitee = f"{member}-n"
    await pair[0].enrol(member)
    await pair[0].ask(Enrol(member_id=invitee, person={"referred_by": member}))
    await race(
        pair, [Accrue(member_id=invitee, order_id=f"o{number}", amount=6_000) for number in range(AT_ONCE)]
    )
    assert await pair[0].balance(member) == (200, 0, 0, 0)
    await race(
        pair,
        [
            Reverse(member_id=invitee, order_id=f"o{number}", reference="r", amount=6_000)
            for number in range(AT_ONCE)
        ],
    )
    assert await pair[0].balance(member) == await pair[0].balance(invitee) == (0, 0, 0, 0)


@pytest.mark.parametrize("size", [2, 3, 4, 7])
async def test_no_ring_is_closed_from_several_sides(pair: list[Till], member: str, size: int) -> None:
    rings = [[f"{member}-{ring}-{place}" for place in range(size)] for ring in range(AT_ONCE // size)]
    await pair[0].enrol(*(each for ring in rings for each in ring))
    commands = [
        Enrol(member_id=one, person={"referred_by": by})
        for ring in rings
        for one, by in zip(ring, [*ring[1:], ring[0]], strict=True)
    ]
    results = await race(pair, commands)
    for start in range(0, len(commands), size):
        refused = [result for result in results[start : start + size] if not isinstance(result, Outcome)]
        assert [type(refusal) for refusal in refused] == [ReferralRing]


async def test_a_member_gets_one_code(pair: list[Till], member: str) -> None:
    await pair[0].enrol(member)
    await race(pair, [MakeReferralCode(member_id=member)] * AT_ONCE)
    codes = await pair[0].rows("SELECT code FROM referral_code WHERE member_id = $1", member)
    assert codes == await pair[0].rows("SELECT code FROM referrer WHERE member_id = $1", member)
    assert len(codes) == 1
