"""When a version of the program comes into force, every member is looked at once, and nobody is lowered."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from app.actions import adoption
from app.actions.adoption import adopt
from app.actions.program import create_version, publish_version
from app.domain.commands import Accrue, Enrol, Erase, Freeze, SetTier
from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.posting import Caller
from app.jobs import adoption as job
from app.ledger.load import SANDBOX_CLOCK
from tests.jobs.conftest import PII, Sandbox

START = "2030-03-05T10:00:00+08:00"
MEMBERS = [f"u-{number:03}" for number in range(120)]


def changed(change: Any) -> dict[str, Any]:
    document = json.loads(json.dumps(DEFAULT_PROGRAM_DOCUMENT))
    change(document["tiers"]["ladder"])
    return document


async def publish(sandbox: Sandbox, document: dict[str, Any], *, at: str | None = None) -> int:
    drafted = await create_version(
        sandbox.database, document=document, note=None, actor="key:test", clock=SANDBOX_CLOCK
    )
    await publish_version(
        sandbox.database,
        version=drafted.version,
        effective_at=None if at is None else datetime.fromisoformat(at),
        caller=Caller("key:test", "r-1"),
        clock=SANDBOX_CLOCK,
    )
    return drafted.version


async def shopping(sandbox: Sandbox, amount: int = 20_000) -> None:
    """Members who bought for 200 yuan each: bronze, until silver asks less."""
    await sandbox.at(START)
    await sandbox.do(*(Enrol(member_id=member) for member in MEMBERS))
    await sandbox.do(*(Accrue(member_id=member, order_id="o-1", amount=amount) for member in MEMBERS))


async def tiers(sandbox: Sandbox) -> dict[str, int]:
    found = await sandbox.rows("SELECT tier, count(*) FROM account GROUP BY tier")
    return dict(found)


async def adopted(sandbox: Sandbox) -> dict[int, bool]:
    found = await sandbox.rows("SELECT version, adopted_at IS NOT NULL FROM program_version")
    return dict(found)


def easier(ladder: list[dict[str, Any]]) -> None:
    ladder[1]["thresholds"]["spend"] = 20_000


def harder(ladder: list[dict[str, Any]]) -> None:
    ladder[1]["thresholds"]["spend"] = 40_000


async def test_who_reaches_a_tier_by_the_new_thresholds_has_it(sandbox: Sandbox) -> None:
    await shopping(sandbox)
    await publish(sandbox, changed(easier), at="2030-03-06T00:00:00+08:00")
    assert await adopt(sandbox.database, pii=PII, is_sandbox=True) == 0  # not in force yet
    await sandbox.at("2030-03-06T00:00:00+08:00")
    await job.run(sandbox.database, pii=PII, is_sandbox=True, is_stopping=lambda: False)
    assert await tiers(sandbox) == {"silver": len(MEMBERS)}
    assert await adopted(sandbox) == {1: True, 2: True}
    kinds = await sandbox.rows(
        "SELECT DISTINCT kind, actor, program_version FROM entry WHERE kind = 'evaluate'"
    )
    assert kinds == [("evaluate", "system", 2)]
    assert await adopt(sandbox.database, pii=PII, is_sandbox=True) == 0
    assert await sandbox.agrees()


async def test_nobody_is_lowered(sandbox: Sandbox) -> None:
    await shopping(sandbox, amount=30_000)
    assert await tiers(sandbox) == {"silver": len(MEMBERS)}
    await publish(sandbox, changed(harder))
    assert await adopt(sandbox.database, pii=PII, is_sandbox=True) == len(MEMBERS)
    assert await tiers(sandbox) == {"silver": len(MEMBERS)}
    assert await sandbox.entries("evaluate") == []
    assert await sandbox.agrees()


async def test_it_goes_on_where_it_was(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await shopping(sandbox)
    await publish(sandbox, changed(easier))
    rounds = 0

    def after_one() -> bool:
        nonlocal rounds
        rounds += 1
        return rounds > 1

    assert await adopt(sandbox.database, pii=PII, is_sandbox=True, is_stopping=after_one) == adoption.BATCH
    assert await adopted(sandbox) == {1: True, 2: False}
    assert await tiers(sandbox) == {"silver": adoption.BATCH, "bronze": len(MEMBERS) - adoption.BATCH}
    rest = len(MEMBERS) - adoption.BATCH
    assert await adopt(sandbox.database, pii=PII, is_sandbox=True) == rest
    assert await tiers(sandbox) == {"silver": len(MEMBERS)}


async def test_monthly_coupons_that_it_brings(sandbox: Sandbox) -> None:
    await shopping(sandbox)

    def generous(ladder: list[dict[str, Any]]) -> None:
        coupon = {"template": "birthday", "on": "month"}
        ladder[0]["benefits"].append({"code": "monthly", "label": "月券", "coupon": coupon})

    await publish(sandbox, changed(generous))
    await adopt(sandbox.database, pii=PII, is_sandbox=True)
    assert await sandbox.at("2030-04-01T00:00:00+08:00") == len(MEMBERS)
    issued = await sandbox.rows("SELECT count(*), count(DISTINCT member_id) FROM coupon")
    assert issued == [(len(MEMBERS), len(MEMBERS))]
    assert await sandbox.agrees()


async def test_warnings_that_it_brings(sandbox: Sandbox) -> None:
    """Members whose tier's period began before are warned, too."""

    def ending(warn_days: int) -> dict[str, Any]:
        document = changed(lambda _ladder: None)
        document["tiers"] |= {"validity_months": 12, "warn_days": warn_days}
        return document

    await sandbox.at(START)
    await publish(sandbox, ending(0))
    await shopping(sandbox, amount=30_000)
    await sandbox.at("2031-02-20T10:00:00+08:00")
    await publish(sandbox, ending(30))
    await adopt(sandbox.database, pii=PII, is_sandbox=True)
    await sandbox.at("2031-02-20T10:01:00+08:00")
    assert await sandbox.entries("tier_warning") == [(member, 0) for member in MEMBERS]
    assert await sandbox.agrees()


async def test_erased_frozen_and_pinned_members(sandbox: Sandbox) -> None:
    await shopping(sandbox)
    await sandbox.do(
        Erase(member_id=MEMBERS[0]),
        Freeze(member_id=MEMBERS[1]),
        SetTier(member_id=MEMBERS[2], reference="r", tier="gold", reason="a friend"),
    )
    await publish(sandbox, changed(easier))
    assert await adopt(sandbox.database, pii=PII, is_sandbox=True) == len(MEMBERS) - 1
    assert (await adopted(sandbox))[2]
    assert (await tiers(sandbox))["gold"] == 1
    assert await sandbox.agrees()


async def test_a_version_that_another_replaced_meanwhile(sandbox: Sandbox) -> None:
    """Members are looked at under the version in force, and under no other."""
    await shopping(sandbox)
    await publish(sandbox, changed(harder))
    await publish(sandbox, changed(easier))
    await adopt(sandbox.database, pii=PII, is_sandbox=True)
    assert await adopted(sandbox) == {1: True, 2: False, 3: True}
    assert await tiers(sandbox) == {"silver": len(MEMBERS)}
