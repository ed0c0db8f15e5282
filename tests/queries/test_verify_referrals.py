"""`loyalty verify` finds every sort of damage to referrals, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain import commands as ask
from app.domain.referral_commands import MakeReferralCode, PayReferralShare
from app.queries.verify import Report, verify
from tests.queries.ledgers import Shop, open_shop, replace_program

SHARE = {
    "inviter_points": 200,
    "invitee_points": 100,
    "min_order_fen": 5_000,
    "per_month": 20,
    "share": {"percent": "1", "days": 1},
}
OWN = "WHERE member_id = 'm'"
PAID = f"{OWN} AND invitee = 'm-paid'"
ON_PAID = "WHERE member_id = 'm-paid'"

# name → (what is done to the rows of the member `m` and those it brought, of whom and what must be told of it)
DAMAGE: dict[str, tuple[str, str, str]] = {
    "referral-gone": (f"DELETE FROM referral {ON_PAID}", "m-paid", "referral, row"),
    "referral-waiting-gone": ("DELETE FROM referral WHERE member_id = 'm-bound'", "m-bound", "referral, row"),
    "referral-order": (f"UPDATE referral SET order_id = 'x' {ON_PAID}", "m-paid", "referral, order_id"),
    "referral-lot": (f"UPDATE referral SET lot = 7 {ON_PAID}", "m-paid", "referral, lot"),
    "referral-paid-at": (f"UPDATE referral SET paid_at = bound_at {ON_PAID}", "m-paid", "referral, paid_at"),
    "referral-undone": (
        "UPDATE referral SET order_id = 'x', paid_at = bound_at WHERE member_id = 'm-undone'",
        "m-undone",
        "referral, order_id",
    ),
    "referral-inviter": (
        f"UPDATE referral SET inviter = 'stranger' {ON_PAID}",
        "m-paid",
        "referral without its invitation",
    ),
    "referral-bound-at": (
        f"UPDATE referral SET bound_at = bound_at - interval '1 s' {ON_PAID}",
        "m-paid",
        "referral without its invitation",
    ),
    "invited-by": (
        f"UPDATE account SET invited_by = 'm' {ON_PAID}",
        "m-paid",
        "referral, account.invited_by",
    ),
    "invited-by-gone": (
        "UPDATE account SET invited_by = NULL WHERE member_id = 'm-undone'",
        "m-undone",
        "referral, account.invited_by",
    ),
    "invited-by-nobody": (f"UPDATE account SET invited_by = 'x' {OWN}", "m", "referral, row"),
    "invitation-gone": (f"DELETE FROM invitation {PAID}", "m", "invitation of m-paid, row"),
    "invitation-status": (
        f"UPDATE invitation SET status = 'limited', points = 0 {PAID}",
        "m",
        "invitation of m-paid, status",
    ),
    "invitation-paid": (
        f"UPDATE invitation SET status = 'paid', paid_at = bound_at {OWN} AND invitee = 'm-bound'",
        "m",
        "invitation of m-bound, status",
    ),
    "invitation-lot": (f"UPDATE invitation SET lot = 9 {PAID}", "m", "invitation of m-paid, lot"),
    "invitation-points": (
        f"UPDATE invitation SET points = points + 1 {PAID}",
        "m",
        "invitation of m-paid, points",
    ),
    "invitation-paid-at": (
        f"UPDATE invitation SET paid_at = bound_at {PAID}",
        "m",
        "invitation of m-paid, paid_at",
    ),
    "invitation-share": (
        f"UPDATE invitation SET share_points = 0 {PAID}",
        "m",
        "invitation of m-paid, share_points",
    ),
    "invitation-share-at": (
        f"UPDATE invitation SET share_at = bound_at {PAID}",
        "m",
        "invitation of m-paid, share_at",
    ),
    "invitation-of-nobody": (
        f"UPDATE invitation SET invitee = 'stranger' {OWN} AND invitee = 'm-bound'",
        "m",
        "invitation without its referral",
    ),
    "referrer-gone": (f"DELETE FROM referrer {OWN}", "m", "invitations, row"),
    "referrer-bound": (f"UPDATE referrer SET bound = bound + 1 {OWN}", "m", "invitations, bound"),
    "referrer-paid": (f"UPDATE referrer SET paid = paid + 1 {OWN}", "m", "invitations, paid"),
    "referrer-month": (
        f"UPDATE referrer SET month = month - interval '1 month' {OWN}",
        "m",
        "invitations, month",
    ),
    "referrer-month-paid": (f"UPDATE referrer SET month_paid = 0 {OWN}", "m", "invitations, month_paid"),
    "referrer-earned": (f"UPDATE referrer SET earned = earned + 1 {OWN}", "m", "invitations, earned"),
    "code-gone": (f"DELETE FROM referral_code {OWN}", "m", "referral code that does not lead to its member"),
    "code-of-another": (
        f"UPDATE referral_code SET member_id = 'stranger' {OWN}",
        "m",
        "referral code that does not lead to its member",
    ),
    "code-made-up": (
        "INSERT INTO referral_code VALUES (0, 'MADEUP22', 'm')",
        "m",
        "referral code that is not its member's: MADEUP22",
    ),
    "reward-of-another": (
        f"UPDATE lot SET granted = granted + 1, remaining = remaining + 1 {OWN} AND lot = 1",
        "m",
        "lot 1, granted",
    ),
}


@pytest.fixture(scope="module")
def ledger_url(new_database: Callable[[], str]) -> str:
    return new_database()


async def live(shop: Shop, name: str) -> None:
    """A member who brought others: one paid, one undone, one limited, one that has bought nothing."""
    await shop.ask(ask.Enrol(member_id=name))
    await shop.ask(MakeReferralCode(member_id=name))
    for invitee in ("paid", "undone", "limited", "bound"):
        await shop.ask(ask.Enrol(member_id=f"{name}-{invitee}", person={"referred_by": name}))
    for invitee in ("paid", "undone"):
        await _order(shop, f"{name}-{invitee}")
    await shop.ask(
        ask.Reverse(member_id=f"{name}-undone", order_id=f"o-{name}-undone", reference="r", amount=20_000)
    )
    await shop.ask(ask.Freeze(member_id=name))
    await _order(shop, f"{name}-limited")
    await shop.ask(ask.Unfreeze(member_id=name))


async def _order(shop: Shop, member: str) -> None:
    await shop.ask(ask.Accrue(member_id=member, order_id=f"o-{member}", amount=20_000))


@pytest.fixture(scope="module")
async def damaged(ledger_url: str) -> Report:
    """What is told of a ledger in which each sort of damage was done to a member of its own."""
    await replace_program(ledger_url, {"referral": SHARE})
    async with open_shop(ledger_url) as shop:
        for name in ("untouched", *DAMAGE):
            await live(shop, name)
        await shop.wait(days=1)
        for name in ("untouched", *DAMAGE):
            for invitee in ("paid", "undone", "limited", "bound"):
                await shop.ask(PayReferralShare(member_id=name, invitee=f"{name}-{invitee}"))
        assert (await verify(shop.database.connect)).differences == []
        for name, (damage, _, _) in DAMAGE.items():
            await shop.owner.execute(damage.replace("'m'", f"'{name}'").replace("'m-", f"'{name}-"))
        return await verify(shop.database.connect)


@pytest.mark.parametrize("name", DAMAGE)
async def test_finds_what_was_planted(damaged: Report, name: str) -> None:
    _, whose, what = DAMAGE[name]
    of = whose.replace("m", name, 1)
    told = [difference.what for difference in damaged.differences if difference.member_id == of]
    wanted = what.replace("of m-", f"of {name}-")
    assert any(wanted in each for each in told), told


async def test_tells_nothing_of_others(damaged: Report) -> None:
    assert not [each for each in damaged.differences if each.member_id.startswith("untouched")]
