"""`loyalty verify` finds every sort of damage, and nothing where there is none."""

# ruff: noqa: ISC004 - statements in pieces.

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.domain import commands as ask
from app.queries import verify_checks as checks
from app.queries.verify import Report, verify
from tests.queries.ledgers import Shop, live, open_shop

WHERE = "WHERE member_id = 'm'"
LOT = f"{WHERE} AND order_id = 'o1'"

# name → (what is done to the rows of the member `m`, what must be told of it)
DAMAGE: dict[str, tuple[str, str]] = {
    "account-gone": (
        f"DELETE FROM tier_review {WHERE}; DELETE FROM redemption {WHERE}; DELETE FROM account {WHERE}",
        "account",
    ),
    "entry-gone": (f"DELETE FROM entry {WHERE} AND sequence = 5", "entry 6, sequence"),
    "newest-entry-gone": (
        f"DELETE FROM entry {WHERE} AND sequence = (SELECT max(sequence) FROM entry {WHERE})",
        "account.sequence",
    ),
    "entry-points": (f"UPDATE entry SET points = points + 1 {WHERE} AND sequence = 3", "balance of points"),
    "entry-after": (f"UPDATE entry SET growth_after = 1 {WHERE} AND sequence = 3", "balance of growth"),
    "entry-time": (
        f"UPDATE entry SET recorded_at = recorded_at + interval '1 day' {WHERE} AND sequence = 3",
        "entry 4, recorded_at",
    ),
    "last-at": (f"UPDATE account SET last_at = last_at + interval '1 s' {WHERE}", "account.last_at"),
    "available": (f"UPDATE account SET available = available + 1 {WHERE}", "account.available, by entries"),
    "available-lots": (f"UPDATE account SET available = available + 1 {WHERE}", "account.available, by lots"),
    "pending": (f"UPDATE account SET pending = pending + 1 {WHERE}", "account.pending, by lots"),
    "reserved": (f"UPDATE account SET reserved = reserved + 1 {WHERE}", "account.reserved, by open holds"),
    "growth": (f"UPDATE account SET growth = growth + 1 {WHERE}", "account.growth, by entries"),
    "cash": (f"UPDATE account SET cash = cash + 1 {WHERE}", "account.cash, by entries"),
    "earned": (f"UPDATE account SET earned = earned + 1 {WHERE}", "account.earned"),
    "redeemed": (f"UPDATE account SET redeemed = redeemed + 1 {WHERE}", "account.redeemed, by lots"),
    "expired": (f"UPDATE account SET expired = expired + 1 {WHERE}", "account.expired, by lots"),
    "spend": (f"UPDATE account SET spend = spend + 1 {WHERE}", "account.spend"),
    "orders": (f"UPDATE account SET orders = orders + 1 {WHERE}", "account.orders"),
    "chances": (f"UPDATE account SET chances = chances + 1 {WHERE}", "account.chances"),
    "status": (f"UPDATE account SET status = 'frozen' {WHERE}", "account.status"),
    "tier": (f"UPDATE account SET tier = 'diamond' {WHERE}", "account.tier"),
    "streak": (f"UPDATE account SET streak = 9 {WHERE}", "account.streak"),
    "last-sign-in": (f"UPDATE account SET last_sign_in = last_sign_in - 1 {WHERE}", "account.last_sign_in"),
    "lot-count": (f"UPDATE account SET lot_count = lot_count + 1 {WHERE}", "account.lot_count"),
    "lot-floor": (f"UPDATE account SET lot_floor = lot_count + 1 {WHERE}", "account.lot_floor"),
    "due-at": (f"UPDATE account SET due_at = NULL {WHERE}", "account.due_at (at the latest)"),
    "due-at-late": (f"UPDATE account SET due_at = 'infinity' {WHERE}", "account.due_at (at the latest)"),
    "hold-due-at": (f"UPDATE account SET hold_due_at = NULL {WHERE}", "account.hold_due_at (at the latest)"),
    "next-expires-at": (
        f"UPDATE account SET next_expires_at = next_expires_at + interval '1 s' {WHERE}",
        "account.next_expires_at",
    ),
    "next-expires-points": (
        f"UPDATE account SET next_expires_points = 1 {WHERE}",
        "account.next_expires_points",
    ),
    "review-lost": (f"UPDATE account SET review = NULL {WHERE}", "account.review"),
    "two-reviews": (
        "INSERT INTO tier_review SELECT bucket, member_id, 1, from_tier, to_tier, status, opened_at "
        f"FROM tier_review {WHERE}",
        "open reviews",
    ),
    "review-gone": (f"DELETE FROM tier_review {WHERE}", "account.review"),
    "review-decided-by-nobody": (
        f"UPDATE tier_review SET status = 'approved' {WHERE}; UPDATE account SET review = NULL {WHERE}",
        "status",
    ),
    "lot-gone": (f"DELETE FROM lot {LOT}", "row"),
    "lot-remaining": (
        f"UPDATE lot SET remaining = remaining - 1, moved = moved + 1 {LOT}",
        "remaining, by entries",
    ),
    "lot-moved": (f"UPDATE lot SET moved = moved + 1, granted = granted + 1 {LOT}", "points moved, by lots"),
    "lot-granted": (
        f"UPDATE lot SET clawed_back = clawed_back + 1, granted = granted + 1 {LOT}",
        "granted",
    ),
    "lot-reserved": (
        f"UPDATE lot SET remaining = remaining - 1, reserved = reserved + 1 {LOT}",
        "reserved, by redemptions",
    ),
    "lot-redeemed": (
        f"UPDATE lot SET remaining = remaining - 1, redeemed = redeemed + 1 {LOT}",
        "redeemed, by redemptions",
    ),
    "lot-refunded": (f"UPDATE lot SET refunded = refunded + 1 {LOT}", "refunded, by entries"),
    "lot-amount": (f"UPDATE lot SET amount = amount + 1 {LOT}", "account.spend"),
    "lot-of-another-entry": (f"UPDATE lot SET sequence = sequence + 1 {LOT}", "entry that granted it"),
    "lot-too-many": (
        "INSERT INTO lot SELECT bucket, member_id, 99, 1, 'sign_in', false, 0, 0, 0, 0, 0, 0, 0, accrued_at, "
        f"expires_at, NULL, 1 FROM lot {LOT}",
        "lot_count, by the newest lot",
    ),
    "redemption-gone": (f"DELETE FROM redemption {WHERE} AND reference = 'r1'", "row"),
    "redemption-points": (
        f"UPDATE redemption SET points = points + 1 {WHERE} AND reference = 'r1'",
        "points",
    ),
    "redemption-committed": (
        f"UPDATE redemption SET committed = committed - 1 {WHERE} AND reference = 'r1'",
        "committed",
    ),
    "redemption-refunded": (
        f"UPDATE redemption SET refunded = refunded + 1 {WHERE} AND reference = 'r1'",
        "refunded",
    ),
    "redemption-status": (
        f"UPDATE redemption SET status = 'expired' {WHERE} AND reference = 'r3'",
        "status",
    ),
    "redemption-parts": (
        f"UPDATE redemption SET parts[1] = parts[1] + 1 {WHERE} AND reference = 'r1'",
        "parts",
    ),
    "hold-ended-twice": (
        "INSERT INTO entry SELECT bucket, member_id, 99, 'cancel', 'cancel/r2', lot, order_id, "
        "0, 0, 0, 0, 0, 0, points_after, pending_after, reserved_after, debt_after, growth_after, "
        "cash_after, occurred_at, recorded_at, program_version, actor, request_id, content, "
        '\'{"points":1,"moves":[]}\' '
        f"FROM entry {WHERE} AND key = 'commit/r2'",
        "ends",
    ),
    "receipt-gone": (
        "DELETE FROM entry WHERE member_id = 'm-friend' AND kind = 'receive'",
        "transfer without its",
    ),
}


@pytest.fixture(scope="module")
def ledger_url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(scope="module")
async def damaged(ledger_url: str) -> Report:
    """What is told of a ledger in which each sort of damage was done to a member of its own."""
    async with open_shop(ledger_url) as shop:
        for name in ("untouched", *DAMAGE):
            await live(shop, name)
        assert (await _verified(shop)).differences == []
        for name, (damage, _) in DAMAGE.items():
            for statement in damage.replace("'m'", f"'{name}'").replace("'m-", f"'{name}-").split("; "):
                await shop.owner.execute(statement)
        return await _verified(shop)


@pytest.mark.parametrize("name", DAMAGE)
async def test_finds_what_was_planted(damaged: Report, name: str) -> None:
    told = [difference.what for difference in damaged.differences if difference.member_id == name]
    assert any(DAMAGE[name][1] in what for what in told), told


async def test_tells_nothing_of_others(damaged: Report) -> None:
    touched = {*DAMAGE, "receipt-gone-friend"}
    assert {difference.member_id for difference in damaged.differences} == touched
    assert damaged.difference_count == len(damaged.differences)
    assert not damaged.agrees


async def test_finds_a_receipt_nobody_sent(fresh_database_url: str) -> None:
    async with open_shop(fresh_database_url) as shop:
        await live(shop, "m")
        await shop.owner.execute("UPDATE entry SET key = 'receive/ghost/t1' WHERE kind = 'receive'")
        report = await _verified(shop)
        assert {
            ("m", "transfer without its receive/m/t1"),
            ("m-friend", "receipt without its transfer/t1"),
        } == {(difference.member_id, difference.what) for difference in report.differences}


async def test_agrees_after_everything_has_ended(fresh_database_url: str) -> None:
    """Holds lapse, orders settle, points expire, debts are paid: and all of it is counted."""
    async with open_shop(fresh_database_url) as shop:
        await live(shop, "m")
        await shop.wait(days=20)
        await shop.ask(ask.Mature(member_id="m"))
        await shop.wait(days=400)
        await shop.ask(ask.Mature(member_id="m"))
        await shop.ask(ask.Reverse(member_id="m", order_id="big", reference="v", amount=4_000_000))
        await shop.ask(ask.Refund(member_id="m", redemption="r1", reference="f2"))
        await shop.ask(ask.Accrue(member_id="m", order_id="late", amount=1_000))
        await shop.ask(ask.Erase(member_id="m"))
        told: list[tuple[int, int]] = []
        report = await verify(shop.database.connect, progress=lambda done, of: told.append((done, of)))
        assert report.differences == []
        assert (report.members, report.redemptions) == (2, 4)
        assert report.entries > 25
        assert report.lots == 9
        assert [done for done, _ in told] == list(range(1, told[-1][1] + 1))


async def _verified(shop: Shop) -> Report:
    return await verify(shop.database.connect)


async def test_tells_when_the_database_goes_away(fresh_database_url: str) -> None:
    async with open_shop(fresh_database_url) as shop:
        await live(shop, "m")
        connections: list[asyncpg.Connection[Any]] = []

        async def connect() -> asyncpg.Connection[Any]:
            connections.append(await shop.database.connect())
            return connections[-1]

        def cut(done: int, of: int) -> None:
            connections[0].terminate()

        with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresConnectionError)):
            await verify(connect, progress=cut)
        assert all(connection.is_closed() for connection in connections)


def test_plain_accruals_are_told_to_those_who_look_for_a_word_in_them() -> None:
    """All of them read `entry` as `together` makes it: a word that is looked for must be one of its marks."""
    looked_for: set[str] = set()
    for path in Path(checks.__file__).parent.glob("verify_*.py"):
        looked_for |= set(re.findall(r"""detail::text LIKE '%("[a-z_]+)""", path.read_text()))
    # Only what took something back tells of coupons that it made void.
    for word in looked_for - {'"voided'}:
        assert any(mark.startswith(word) or word.startswith(mark) for mark in checks.MARKS), word
    assert {'"campaigns', '"chances', '"coupons', '"missions', '"tier_change'} <= looked_for
