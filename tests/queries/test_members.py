"""Statuses are exact at every moment, whether or not what fell due was written down."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.actions.coupon_templates import create_template
from app.domain import commands as ask
from app.domain.carts import Cart, CartLine, Wish
from app.domain.checkout_commands import HoldCheckout
from app.domain.coupon_commands import IssueCoupon, LockCoupon
from app.domain.instants import rfc3339
from app.ledger.load import SANDBOX_CLOCK
from app.queries.members import MemberReader
from tests.domain.programs import document
from tests.queries.ledgers import Shop, open_shop


@pytest.fixture
async def shop(fresh_database_url: str) -> AsyncGenerator[Shop]:
    async with open_shop(fresh_database_url) as shop:
        yield shop


@contextlib.asynccontextmanager
async def reading(shop: Shop) -> AsyncGenerator[MemberReader]:
    """A reader at work."""
    reader = MemberReader(
        shop.database.connect, rules=shop.engine.rulebook, templates=shop.engine.rack, clock=SANDBOX_CLOCK
    )
    reader.start()
    try:
        yield reader
    finally:
        await reader.stop()


async def publish(shop: Shop, **changes: Any) -> None:
    """Put the default program with these changes in force."""
    await shop.owner.execute(
        "INSERT INTO program_version (version, document, effective_at, created_at, publication) "
        "SELECT max(version) + 1, $1, clock_timestamp() - interval '1 s', clock_timestamp(), max(version) + 1 "
        "FROM program_version",
        json.dumps(document(**changes), ensure_ascii=False),
    )


WINDOWED: dict[str, Any] = {
    "tiers": {
        "qualification": {
            "metrics": ["spend"],
            "combine": "any",
            "window": {"kind": "rolling_months", "months": 3},
        },
        "validity_months": 6,
        "grace_days": 30,
    }
}


@pytest.mark.parametrize("days", [0, 1, 5, 16, 40, 100, 190, 230, 366, 400])
@pytest.mark.parametrize("program", [{}, WINDOWED], ids=["lifetime", "windowed"])
async def test_what_fell_due_shows_as_if_it_were_written(
    shop: Shop, program: dict[str, Any], days: int
) -> None:
    if program:
        await publish(shop, **program)
    await shop.ask(ask.Enrol(member_id="u"))
    await shop.ask(ask.Accrue(member_id="u", order_id="a", amount=400_000))
    await shop.ask(ask.Accrue(member_id="u", order_id="b", amount=30_000, settle=False))
    await shop.ask(ask.Redeem(member_id="u", reference="r", points=500, reserve=True, hold_seconds=1800))
    await shop.ask(ask.Redeem(member_id="u", reference="s", points=700, reserve=True, hold_seconds=604_800))
    await shop.ask(ask.SignIn(member_id="u"))
    await shop.wait(days=days)
    async with reading(shop) as reader:
        entries = await shop.owner.fetchval("SELECT count(*) FROM entry")
        shown = await reader.status("u")
        is_due = await reader.is_due("u")
        assert await shop.owner.fetchval("SELECT count(*) FROM entry") == entries
        written = await shop.ask(ask.Mature(member_id="u"))
        assert shown == written.body
        assert is_due == (await shop.owner.fetchval("SELECT count(*) FROM entry") > entries)
        assert not await reader.is_due("u")
        assert await reader.status("u") == shown


async def test_expired_points_never_show(shop: Shop) -> None:
    await shop.ask(ask.Enrol(member_id="u"))
    await shop.ask(ask.Accrue(member_id="u", order_id="a", amount=30_000))
    await shop.wait(days=367)
    async with reading(shop) as reader:
        shown = await reader.status("u")
    assert shown is not None
    assert (shown["points"]["available"], shown["points"]["expired"]) == (0, 300)
    assert shown["points"]["next_expiration"] is None


async def test_a_new_version_of_the_program_is_met(shop: Shop) -> None:
    await shop.ask(ask.Enrol(member_id="u"))
    async with reading(shop) as reader:
        before = await reader.status("u")
        ladder = document()["tiers"]["ladder"]
        ladder[0]["name"] = "新会员"
        await publish(shop, tiers={"ladder": ladder})
        after = await reader.status("u")
    assert before is not None
    assert after is not None
    assert (before["tier"]["name"], after["tier"]["name"]) == ("青铜会员", "新会员")


async def test_many_are_read_at_once(shop: Shop) -> None:
    members = [f"u-{number}" for number in range(600)]
    for member_id in members[:300]:
        await shop.ask(ask.Enrol(member_id=member_id))
    async with reading(shop) as reader:
        statuses = await reader.statuses([*members, *members[:5]])
    assert [status and status["member_id"] for status in statuses] == (
        members[:300] + [None] * 300 + members[:5]
    )


async def test_a_lost_connection_is_made_anew(shop: Shop) -> None:
    await shop.ask(ask.Enrol(member_id="u"))
    async with reading(shop) as reader:
        for _ in range(2):
            assert await reader.status("u")
            await shop.owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert await reader.status("u")


async def test_whoever_asks_is_told_that_the_database_is_gone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.queries.gathering.RECONNECT_SECONDS", 0.2)

    async def connect() -> Any:
        raise ConnectionRefusedError

    reader = MemberReader(
        connect, rules=shop.engine.rulebook, templates=shop.engine.rack, clock=SANDBOX_CLOCK
    )
    reader.start()
    asked = [asyncio.ensure_future(reader.status(f"u-{number}")) for number in range(3)]
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(answer, ConnectionRefusedError)
    await reader.stop()


async def test_a_read_that_breaks_tells_its_askers_and_goes_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.ask(ask.Enrol(member_id="u"))
    async with reading(shop) as reader:
        await shop.owner.execute("REVOKE SELECT ON account FROM loyalty_app")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.status("u")
        await shop.owner.execute("GRANT SELECT ON account TO loyalty_app")
        assert await reader.status("u")


async def test_a_client_that_went_away_troubles_nobody(shop: Shop) -> None:
    await shop.ask(ask.Enrol(member_id="u"))
    async with reading(shop) as reader:
        gone = asyncio.ensure_future(reader.status("u"))
        stays = asyncio.ensure_future(reader.status("u"))
        await asyncio.sleep(0)
        gone.cancel()
        assert await stays
        with pytest.raises(asyncio.CancelledError):
            await gone


async def test_what_was_asked_is_answered_before_it_stops(shop: Shop) -> None:
    await shop.ask(ask.Enrol(member_id="u"))
    async with reading(shop) as reader:
        asked = asyncio.ensure_future(reader.status("u"))
        await asyncio.sleep(0)
    assert (await asked) is not None


TEMPLATE = {"name": "x", "kind": "amount_off", "amount_off": 1_000}


async def make_template(shop: Shop, template: str, **terms: Any) -> None:
    await create_template(shop.database, template=template, document=TEMPLATE | terms, clock=SANDBOX_CLOCK)


def cart(amount_fen: int) -> Cart:
    return Cart((CartLine("1", "tea", None, None, 1, amount_fen),))


@pytest.mark.parametrize("minutes", [0, 2, 40, 60 * 24 * 3, 60 * 24 * 40, 60 * 24 * 90])
async def test_coupons_and_checkouts_show_as_if_it_were_written(shop: Shop, minutes: int) -> None:
    now = await shop.now()
    await make_template(shop, "month", valid={"days": 30}, budget=100_000)
    await make_template(shop, "later", valid={"from": rfc3339(now + timedelta(days=2))})
    await shop.ask(ask.Enrol(member_id="u"))
    await shop.ask(ask.Accrue(member_id="u", order_id="a", amount=400_000))
    codes = [
        (await shop.ask(IssueCoupon(member_id="u", template=template, reference=str(number)))).body["code"]
        for number, template in enumerate(("month", "month", "month", "later"))
    ]
    await shop.ask(LockCoupon(member_id="u", code=codes[0], reference="l", hold_seconds=60, discount=7))
    for number, code in enumerate(codes[1:3]):
        await shop.ask(
            HoldCheckout(
                member_id="u", checkout_id=f"c-{number}", cart=cart(30_000), wish=Wish(500, 0, (code,))
            )
        )
    await shop.wait(minutes=minutes)
    async with reading(shop) as reader:
        before = await reader.read("u")
        shown = await reader.status("u")
        written = await shop.ask(ask.Mature(member_id="u"))
        assert shown == written.body
        assert not await reader.is_due("u")
        after = await reader.read("u")
    assert before is not None
    assert after is not None
    assert before.was_due == (minutes > 0)
    assert after.status() == shown
    discounted = await shop.owner.fetchval("SELECT discounted FROM coupon_counter WHERE template = 'month'")
    assert discounted == {0: 2_007, 2: 2_000}.get(minutes, 0)


async def test_the_tag_tells_that_a_coupon_has_begun(shop: Shop) -> None:
    now = await shop.now()
    await make_template(shop, "later", valid={"from": rfc3339(now + timedelta(seconds=60))})
    await shop.ask(ask.Enrol(member_id="u"))
    await shop.ask(IssueCoupon(member_id="u", template="later", reference="1"))
    async with reading(shop) as reader:
        before = await reader.read("u")
        await shop.wait(seconds=61)
        after = await reader.read("u")
    assert before is not None
    assert after is not None
    assert [each.status()["coupons"]["usable"] for each in (before, after)] == [0, 1]
    assert before.tag() != after.tag()
