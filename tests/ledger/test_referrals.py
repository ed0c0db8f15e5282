"""Referrals through the engine: both sides locked, loaded and saved. Source: RULES.md, referral."""

from __future__ import annotations

import pytest

from app.domain.commands import Accrue, Enrol, Erase, Redeem, Reverse, SignIn
from app.domain.errors import MemberErased, ReferrerFixed, ReferrerIsSelf
from app.domain.referral_binding import ReferralRing
from app.domain.referral_commands import MakeReferralCode
from app.ledger.outcome import Outcome
from tests.ledger.till import Till


async def bring(till: Till, *invitees: str, by: str) -> None:
    for invitee in invitees:
        await till.ask(Enrol(member_id=invitee, person={"referred_by": by}))


async def code_of(till: Till, member: str) -> str:
    await till.ask(MakeReferralCode(member_id=member))
    [[code]] = await till.rows("SELECT code FROM referrer WHERE member_id = $1", member)
    return code


async def invited_by(till: Till, member: str) -> str | None:
    [[inviter]] = await till.rows("SELECT invited_by FROM account WHERE member_id = $1", member)
    return inviter


async def figures(till: Till, member: str) -> tuple[int, int, int, int]:
    """Bound, paid, paid this month, points."""
    [row] = await till.rows(
        "SELECT bound, paid, month_paid, earned FROM referrer WHERE member_id = $1", member
    )
    return row


def order(member: str, order_id: str = "o", amount: int = 6_000) -> Accrue:
    return Accrue(member_id=member, order_id=order_id, amount=amount)


def back(member: str, order_id: str = "o", amount: int = 6_000) -> Reverse:
    return Reverse(member_id=member, order_id=order_id, reference="r", amount=amount)


async def test_an_order_of_which_too_little_is_kept(till: Till, member: str) -> None:
    invitee = f"{member}-n"
    await till.enrol(member)
    await bring(till, invitee, by=member)
    await till.ask(order(invitee))
    for amount, available in ((1_000, 200), (1, 0)):
        command = Reverse(member_id=invitee, order_id="o", reference=f"r{amount}", amount=amount)
        await till.ask(command)
        assert (await till.balance(member))[0] == available
    assert (await till.balance(invitee))[0] == 49
    await till.ask(back(invitee, amount=4_999))
    assert await till.kinds(invitee) == [
        "accrue",
        "referral",
        "reverse",
        "reverse",
        "referral_undo",
        "reverse",
    ]


async def test_an_invitation_from_its_beginning_to_its_end(till: Till, member: str) -> None:
    invitee = f"{member}-n"
    await till.enrol(member)
    await bring(till, invitee, by=member)
    assert await invited_by(till, invitee) == member
    assert await figures(till, member) == (1, 0, 0, 0)
    answer = (await till.ask(order(invitee))).body
    assert (answer["points"], answer["balance"]["available"]) == (60, 60)
    assert await till.balance(invitee) == (160, 0, 0, 0)
    assert await till.balance(member) == (200, 0, 0, 0)
    assert await till.kinds(invitee) == ["accrue", "referral"]
    assert await till.kinds(member) == ["referral"]
    assert await invited_by(till, invitee) is None
    assert await figures(till, member) == (1, 1, 1, 200)
    repeated = await till.ask(order(invitee))
    assert (repeated.replayed, repeated.body) == (True, answer)
    await till.ask(Redeem(member_id=member, reference="r", points=150))
    await till.ask(back(invitee))
    assert await till.balance(invitee) == (0, 0, 0, 0)
    assert await till.balance(member) == (0, 0, 0, 150)
    assert await figures(till, member) == (1, 0, 0, 0)
    assert await invited_by(till, invitee) == member
    await till.ask(order(invitee, "o2"))
    assert await till.balance(member) == (50, 0, 0, 0)
    actors = await till.rows(
        "SELECT DISTINCT actor FROM entry WHERE member_id = $1 AND kind LIKE 'ref%'", member
    )
    assert actors == [("system",)]


async def test_a_code_leads_to_its_member(till: Till, member: str) -> None:
    await till.enrol(member)
    code = await code_of(till, member)
    assert len(code) == 8
    assert await code_of(till, member) == code
    await bring(till, f"{member}-n", by=code)
    assert await invited_by(till, f"{member}-n") == member
    await bring(till, f"{member}-n", by=code.lower())  # told again
    assert await till.rows("SELECT referred_by FROM person WHERE member_id = $1", f"{member}-n") == [
        (member,)
    ]
    with pytest.raises(ReferrerIsSelf):
        await bring(till, member, by=code)
    # A member's id goes first.
    await till.enrol(code)
    await bring(till, f"{member}-p", by=code)
    assert await invited_by(till, f"{member}-p") == code
    await till.ask(Erase(member_id=member))
    with pytest.raises(MemberErased):
        await till.ask(MakeReferralCode(member_id=member))


async def test_who_is_not_here_binds_nothing(till: Till, member: str) -> None:
    await bring(till, member, by="nobody-here")
    assert await invited_by(till, member) is None
    with pytest.raises(ReferrerFixed):
        await bring(till, member, by="somebody-else")


async def test_both_may_join_in_one_batch(till: Till, member: str) -> None:
    commands = [
        Enrol(member_id=member),
        Enrol(member_id=f"{member}-n", person={"referred_by": member}),
        order(f"{member}-n"),
        Enrol(member_id=f"{member}-p", person={"referred_by": f"{member}-n"}),
        order(f"{member}-p", "o-p"),
        back(f"{member}-p", "o-p"),
        SignIn(member_id=member),
    ]
    results = await till.ask_all(commands)
    assert all(isinstance(result, Outcome) for result in results)
    assert await till.balance(member) == (210, 0, 0, 0)
    assert await till.balance(f"{member}-n") == (160, 0, 0, 0)
    assert await figures(till, f"{member}-n") == (1, 0, 0, 0)


async def test_no_ring_is_closed(till: Till, member: str) -> None:
    chain = [f"{member}-{number}" for number in range(6)]
    await till.enrol(*chain)
    for number in (4, 2, 0, 3, 1):  # each brought by the one after it, in an order of no meaning
        await bring(till, chain[number], by=chain[number + 1])
    for below in chain[:-1]:
        with pytest.raises(ReferralRing):
            await bring(till, chain[-1], by=below)
    assert await invited_by(till, chain[-1]) is None


async def test_no_ring_is_closed_within_one_batch(till: Till, member: str) -> None:
    chain = [f"{member}-{number}" for number in range(4)]
    await till.enrol(*chain)
    results = await till.ask_all(
        [
            Enrol(member_id=one, person={"referred_by": by})
            for one, by in zip(chain, [*chain[1:], chain[0]], strict=True)
        ]
    )
    assert [type(result) for result in results] == [Outcome, Outcome, Outcome, ReferralRing]
