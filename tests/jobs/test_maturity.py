"""What falls due is written down once, by whichever job comes first, and by the next if one dies."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from app.actions import maturity
from app.actions.maturity import mature_all
from app.actions.sandbox import ClockBehindLedger
from app.domain.carts import Cart, CartLine, Wish
from app.domain.checkout_commands import HoldCheckout
from app.domain.commands import Accrue, Enrol, Redeem
from app.jobs import maturity as job
from tests.jobs.conftest import Sandbox

MEMBERS = [f"m-{number:02}" for number in range(30)]


async def with_points(sandbox: Sandbox) -> None:
    """Thirty members with 100 points each, all to expire at the same midnight."""
    await sandbox.at("2030-03-01T10:00:00+08:00")
    await sandbox.do(*(Enrol(member_id=member) for member in MEMBERS))
    await sandbox.do(*(Accrue(member_id=member, order_id="o", amount=10_000) for member in MEMBERS))


async def test_a_year_passes(sandbox: Sandbox) -> None:
    await with_points(sandbox)
    await sandbox.do(Redeem(member_id="m-00", reference="r", points=40))
    assert await sandbox.at("2031-03-01T23:59:00+08:00") == 0
    assert await sandbox.entries("expire") == []
    assert await sandbox.at("2031-03-02T00:00:00+08:00") == 30
    assert await sandbox.entries("expire") == [("m-00", -60), *((member, -100) for member in MEMBERS[1:])]
    assert await sandbox.agrees()


async def test_holds_end_and_orders_settle(sandbox: Sandbox) -> None:
    await with_points(sandbox)
    await sandbox.do(
        Redeem(member_id="m-01", reference="r-1", points=30, reserve=True, hold_seconds=60),
        Redeem(member_id="m-01", reference="r-2", points=20, reserve=True, hold_seconds=60),
        Accrue(member_id="m-02", order_id="later", amount=5_000, settle=False),
    )
    assert await sandbox.at("2030-03-01T10:02:00+08:00") == 1
    assert await sandbox.entries("lapse") == [("m-01", 30), ("m-01", 20)]
    assert await sandbox.at("2030-03-20T10:00:00+08:00") == 1
    assert await sandbox.entries("settle") == [("m-02", 50)]
    assert await sandbox.agrees()


async def test_checkouts_lapse(sandbox: Sandbox) -> None:
    await with_points(sandbox)
    lines = (CartLine("1", "tea", None, None, 1, 10_000),)
    await sandbox.do(
        *(
            HoldCheckout(
                member_id="m-01",
                checkout_id=f"c-{seconds}",
                cart=Cart(lines),
                wish=Wish(points, 0, ()),
                hold_seconds=seconds,
            )
            for seconds, points in ((60, 100), (3_600, 0))
        )
    )
    assert await sandbox.at("2030-03-01T10:02:00+08:00") == 1
    assert await sandbox.entries("lapse_checkout") == [("m-01", 100)]
    assert await sandbox.rows("SELECT checkout_id FROM checkout WHERE status = 'held'") == [("c-3600",)]


async def test_two_at_once_write_everything_once(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maturity, "BATCH", 4)
    monkeypatch.setattr(maturity, "FOUND", 10)
    await with_points(sandbox)
    await sandbox.ahead("2031-04-01T10:00:00+08:00")
    await asyncio.gather(*(mature_all(sandbox.database, is_sandbox=True) for _ in range(2)))
    assert len(await sandbox.entries("expire")) == 30
    assert await sandbox.agrees()
    assert await mature_all(sandbox.database, is_sandbox=True) == 0


async def test_one_killed_midway_is_finished_by_the_next(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maturity, "BATCH", 4)
    await with_points(sandbox)
    await sandbox.ahead("2031-04-01T10:00:00+08:00")
    asked = itertools.count(1)

    def killed_once_a_batch_is_done() -> bool:
        if next(asked) == 5:
            running.cancel()
        return False

    running = asyncio.create_task(
        mature_all(sandbox.database, is_sandbox=True, is_stopping=killed_once_a_batch_is_done)
    )
    with pytest.raises(asyncio.CancelledError):
        await running
    done = len(await sandbox.entries("expire"))
    assert 0 < done < 30
    assert await sandbox.agrees()
    assert await mature_all(sandbox.database, is_sandbox=True) == 30 - done
    assert await sandbox.agrees()


async def test_asked_to_stop_it_ends_after_a_batch(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maturity, "BATCH", 4)
    await with_points(sandbox)
    await sandbox.ahead("2031-04-01T10:00:00+08:00")
    answers = iter([*[False] * 4, True, True])
    await job.run(sandbox.database, is_sandbox=True, is_stopping=lambda: next(answers))
    assert len(await sandbox.entries("expire")) == 4


async def test_a_member_who_can_not_mature_stops_nobody_else(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = maturity.members_due

    async def with_a_ghost(connection: object, **arguments: object) -> list[str]:
        return ["ghost", *await found(connection, **arguments)]

    monkeypatch.setattr(maturity, "members_due", with_a_ghost)
    monkeypatch.setattr(maturity, "BATCH", 4)
    monkeypatch.setattr(maturity, "FOUND", 10)
    await with_points(sandbox)
    await sandbox.ahead("2031-04-01T10:00:00+08:00")
    assert await mature_all(sandbox.database, is_sandbox=True) == 30


async def test_the_clock_never_goes_back_behind_the_ledger(sandbox: Sandbox) -> None:
    assert await sandbox.at("2040-01-01T00:00:00Z") == 0
    assert await sandbox.at("2020-01-01T00:00:00Z") == 0  # nothing is in the ledger yet
    await with_points(sandbox)
    with pytest.raises(ClockBehindLedger) as refused:
        await sandbox.at("2030-03-01T09:59:00+08:00")
    assert refused.value.extra["newest"].startswith("2030-03-01T02:0")
