"""`loyalty verify` finds every sort of damage to coupons and checkouts, and nothing where there is none."""

# ruff: noqa: ISC004 - statements in pieces.

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.domain import commands as ask
from app.queries.verify import Report, verify
from tests.queries.checkouts import live_on, offer
from tests.queries.ledgers import Shop, open_shop

WHERE = "WHERE member_id = 'm'"
OPEN = f"{WHERE} AND checkout_id = 'm-open'"
PART = f"{WHERE} AND checkout_id = 'm-part'"

# name → (what is done to the rows of the member `m`, what must be told of it)
DAMAGE: dict[str, tuple[str, str]] = {
    "coupon-gone": (f"DELETE FROM coupon {WHERE} AND status = 'voided'", "row"),
    "coupon-made-up": (
        "INSERT INTO coupon SELECT bucket, member_id, 'made-up', template, status, sequence, source, issued_at, "
        f"valid_from FROM coupon {WHERE} AND template = 'ten'; "
        f"UPDATE account SET coupons = coupons + 1 {WHERE}",
        "entry that issued it",
    ),
    "coupon-sequence": (
        f"UPDATE coupon SET sequence = sequence + 1 {WHERE} AND template = 'dear'",
        "entry that issued it",
    ),
    "coupon-template": (f"UPDATE coupon SET template = 'ten' {WHERE} AND template = 'dear'", "template"),
    "coupon-status": (f"UPDATE coupon SET status = 'voided' {WHERE} AND status = 'expired'", "status"),
    "coupon-used-again": (
        f"UPDATE coupon SET status = 'issued', reference = NULL, discount = NULL {WHERE} "
        "AND status = 'redeemed' AND template = 'hello'",
        "status",
    ),
    "coupon-reference": (f"UPDATE coupon SET reference = 'x' {WHERE} AND status = 'locked'", "reference"),
    "coupon-discount": (
        f"UPDATE coupon SET discount = discount + 1 {WHERE} AND status = 'locked'",
        "discount",
    ),
    "coupons": (f"UPDATE account SET coupons = coupons + 1 {WHERE}", "account.coupons"),
    "coupons-fewer": (f"UPDATE account SET coupons = 0 {WHERE}", "account.coupons"),
    "coupon-due-at": (
        f"UPDATE coupon SET valid_until = valid_from + interval '1 s' {WHERE} AND template = 'ten'",
        "account.coupon_due_at (at the latest)",
    ),
    "code-gone": (f"DELETE FROM coupon_code {WHERE} AND template = 'dear'", "coupon without its code"),
    "code-of-another": (
        f"UPDATE coupon_code SET template = 'ten' {WHERE} AND template = 'dear'",
        "code without its coupon",
    ),
    "code-made-up": (
        "INSERT INTO coupon_code VALUES (0, 'made-up', 'ten', 'coupon', 'm', NULL, now())",
        "code without its coupon made-up",
    ),
    "checkout-gone": (f"DELETE FROM checkout {OPEN}", "row"),
    "checkout-status": (f"UPDATE checkout SET status = 'refunded' {PART}", "status"),
    "checkout-points": (f"UPDATE checkout SET points = points + 1 {PART}", "points"),
    "checkout-points-refunded": (
        f"UPDATE checkout SET points_refunded = points_refunded + 1 {PART}",
        "points_refunded",
    ),
    "checkout-cash": (f"UPDATE checkout SET cash = cash + 1 {OPEN}", "cash"),
    "checkout-cash-refunded": (
        f"UPDATE checkout SET cash = cash + 1, cash_refunded = cash_refunded + 1 {PART}",
        "cash_refunded",
    ),
    "checkout-coupons": (f"UPDATE checkout SET coupons = '{{}}' {OPEN}", "coupons"),
    "checkout-hold": (
        f"UPDATE checkout SET hold_expires_at = hold_expires_at + interval '1 s' {OPEN}",
        "hold_expires_at",
    ),
    "checkout-hold-due": (
        f"UPDATE account SET hold_due_at = NULL {WHERE}",
        "account.hold_due_at (at the latest)",
    ),
    "checkout-parts": (f"UPDATE checkout SET parts[1] = parts[1] + 1 {OPEN}", "parts"),
    "checkout-parts-of-lots": (
        f"UPDATE checkout SET parts[1] = parts[1] + 1 {OPEN}",
        "reserved, by redemptions and checkouts",
    ),
    "checkout-parts-spent": (
        f"UPDATE checkout SET parts[1] = parts[1] + 1 {PART}",
        "redeemed, by redemptions and checkouts",
    ),
    "checkout-held-points": (
        f"UPDATE checkout SET points = points + 1 {OPEN}",
        "account.reserved, by open holds",
    ),
    "checkout-refund": (
        f"UPDATE lot SET refunded = refunded + 1 {WHERE} AND order_id = 'm-part'",
        "refunded, by entries",
    ),
    "checkout-ended-twice": (
        "INSERT INTO entry SELECT bucket, member_id, 999, 'release', 'release/m-part', lot, order_id, "
        "0, 0, 0, 0, 0, 0, points_after, pending_after, reserved_after, debt_after, growth_after, "
        "cash_after, occurred_at, recorded_at, program_version, actor, request_id, content, "
        '\'{"points":1,"coupons":[],"moves":[]}\' '
        f"FROM entry {WHERE} AND key = 'order/m-part'",
        "ends",
    ),
    "key-gone": (f"DELETE FROM checkout_key {OPEN}", "checkout without its key"),
    "key-made-up": (
        "INSERT INTO checkout_key VALUES (0, 'm-made-up', 'm')",
        "key without its checkout m-made-up",
    ),
    "exchange-gone": (f"DELETE FROM redemption {WHERE} AND reference LIKE 'coupon/%'", "row"),
}


@pytest.fixture(scope="module")
def ledger_url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(scope="module")
async def damaged(ledger_url: str) -> Report:
    """What is told of a ledger in which each sort of damage was done to a member of its own."""
    async with open_shop(ledger_url) as shop:
        await offer(shop)
        for name in ("untouched", *DAMAGE):
            await live_on(shop, name)
        before = await _verified(shop)
        assert before.differences == []
        assert (before.coupons, before.checkouts) == (9 * before.members, 6 * before.members)
        for name, (damage, _) in DAMAGE.items():
            for statement in damage.replace("'m'", f"'{name}'").replace("'m-", f"'{name}-").split("; "):
                await shop.owner.execute(statement.replace("/m-", f"/{name}-"))
        return await _verified(shop)


async def _verified(shop: Shop) -> Report:
    return await verify(shop.database.connect)


@pytest.mark.parametrize("name", DAMAGE)
async def test_finds_what_was_planted(damaged: Report, name: str) -> None:
    told = [difference.what for difference in damaged.differences if difference.member_id == name]
    wanted = DAMAGE[name][1].replace(" m-", f" {name}-")
    assert any(wanted in what for what in told), told


async def test_tells_nothing_of_others(damaged: Report) -> None:
    of_templates = {each.what for each in damaged.differences if not each.member_id}
    assert of_templates <= {f"template {name}, issued" for name in ("dear", "hello", "ten")} | {
        "template five, discounted"
    }
    assert {each.member_id for each in damaged.differences if each.member_id} == {*DAMAGE}


COUNTED: list[tuple[str, set[tuple[str, str | None, str | None]]]] = [
    (
        "UPDATE coupon_counter SET issued = issued + 1 WHERE template = 'ten'",
        {("template ten, issued", "1", "2")},
    ),
    (
        "UPDATE coupon_counter SET discounted = 7 WHERE template = 'five'",
        {("template five, discounted", "900", "7")},
    ),
    ("UPDATE coupon_counter SET discounted = 7 WHERE template = 'ten'", set()),  # nobody counts it
    ("DELETE FROM coupon_counter WHERE template = 'dear'", {("template dear, issued", "1", None)}),
    (
        "DELETE FROM coupon_counter WHERE template = 'hello'; DELETE FROM coupon_template WHERE template = 'hello'",
        {("template hello, issued", "1", None)},
    ),
    (
        "UPDATE coupon_template SET document = jsonb_set(document, '{stock}', '3') WHERE template = 'five'",
        {("template five, issued, at most", "3", "5")},
    ),
    (
        "UPDATE coupon_template SET document = jsonb_set(document, '{budget}', '3') WHERE template = 'five'",
        {("template five, discounted, at most", "3", "900")},
    ),
    (
        "UPDATE coupon_code SET kind = 'void' WHERE code = 'm-U3'",
        set(),
    ),
    (
        "DELETE FROM coupon_code WHERE code = 'm-U3'",
        {("template five, issued", "4", "5")},
    ),
]


@pytest.mark.parametrize(("damage", "told"), COUNTED)
async def test_counters(
    fresh_database_url: str, damage: str, told: set[tuple[str, str | None, str | None]]
) -> None:
    async with open_shop(fresh_database_url) as shop:
        await offer(shop)
        await live_on(shop, "m")
        for statement in damage.split("; "):
            await shop.owner.execute(statement)
        report = await _verified(shop)
        assert {tuple(each) for each in report.differences} == {("", *each) for each in told}


async def test_agrees_after_everything_has_ended(fresh_database_url: str) -> None:
    """The open checkout lapses, the pending order settles, points and coupons expire."""
    async with open_shop(fresh_database_url) as shop:
        await offer(shop)
        await live_on(shop, "m")
        for days in (3, 5, 15, 400):
            await shop.wait(days=days)
            await shop.ask(ask.Mature(member_id="m"))
            assert (await _verified(shop)).differences == []
        await shop.owner.execute(
            "UPDATE account SET due_at = due_at + $1, coupon_due_at = coupon_due_at + $1", timedelta(days=1)
        )
        assert (await _verified(shop)).agrees
