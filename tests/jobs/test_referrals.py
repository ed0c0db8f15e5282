"""The share of what invitees spend is paid once its time is over, whoever runs the job and however often."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from app.actions import referrals as action
from app.actions.referrals import pay_referral_shares
from app.domain.commands import Accrue, Enrol, Freeze, Reverse, Unfreeze
from app.jobs import referrals as job
from app.ledger.engine import Engine, LedgerUnavailable
from tests.domain.programs import document
from tests.jobs.conftest import Sandbox

JANUARY, IN_TIME, OVER = "2031-01-01T00:00:00+08:00", "2031-03-31T23:59:00+08:00", "2031-04-01T00:00:01+08:00"
SHARE = {"percent": "1", "days": 90}


@pytest.fixture
async def shop(sandbox: Sandbox, fresh_database_url: str) -> Sandbox:
    """A program with a share, and a member `m`."""
    made = document()
    made["referral"]["share"] = SHARE
    owner = await asyncpg.connect(fresh_database_url)
    await owner.execute("UPDATE program_version SET document = $1", json.dumps(made))
    await owner.close()
    await sandbox.engine.stop()
    sandbox.engine = Engine(sandbox.database.connect, is_sandbox=True)
    await sandbox.engine.start()
    await sandbox.at(JANUARY)
    await sandbox.do(Enrol(member_id="m"))
    return sandbox


async def bring(shop: Sandbox, *invitees: str, amount: int = 100_000) -> None:
    await shop.do(*(Enrol(member_id=invitee, person={"referred_by": "m"}) for invitee in invitees))
    await shop.do(
        *(Accrue(member_id=invitee, order_id=f"o-{invitee}", amount=amount) for invitee in invitees)
    )


async def pay(shop: Sandbox) -> int:
    return await pay_referral_shares(shop.database, is_sandbox=True)


async def test_it_is_paid_when_its_time_is_over(shop: Sandbox) -> None:
    await bring(shop, "a", "b")
    await shop.at(IN_TIME)
    await shop.do(Reverse(member_id="b", order_id="o-b", reference="r", amount=50_000))
    assert await pay(shop) == 0
    await shop.at(OVER)
    assert await pay(shop) == 2
    assert await shop.entries("referral_share") == [("m", 10), ("m", 5)]
    assert await pay(shop) == 0
    assert await shop.agrees()


async def test_many_at_once_and_many_runs_at_once(shop: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action, "BATCH", 3)
    await bring(shop, *(f"n{number}" for number in range(10)))
    await shop.at(OVER)
    assert await asyncio.gather(*(pay(shop) for _ in range(3)))
    assert await shop.entries("referral_share") == [("m", 10)] * 10
    assert await shop.agrees()


async def test_a_frozen_inviter_gets_it_later(shop: Sandbox) -> None:
    await bring(shop, "a")
    await shop.do(Freeze(member_id="m"))
    await shop.at(OVER)
    await pay(shop)
    assert await shop.entries("referral_share") == []
    await shop.do(Unfreeze(member_id="m"))
    await job.run(shop.database, is_sandbox=True, is_stopping=lambda: False)
    assert await shop.entries("referral_share") == [("m", 10)]


async def test_it_stops_when_told(shop: Sandbox) -> None:
    await bring(shop, "a")
    await shop.at(OVER)
    assert await pay_referral_shares(shop.database, is_sandbox=True, is_stopping=lambda: True) == 0


async def test_the_database_goes_away(shop: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await bring(shop, "a")
    await shop.at(OVER)

    async def lost(*_: object) -> list[LedgerUnavailable]:
        return [LedgerUnavailable()]

    monkeypatch.setattr(Engine, "submit_all", lost)
    with pytest.raises(LedgerUnavailable):
        await pay(shop)
