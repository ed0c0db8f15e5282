"""All processes switch to a version of the program at its moment: no order is granted by neither or by both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.actions import program
from app.actions.program import PUBLISHED, LedgerBusy, create_version, publish_version
from app.domain.commands import Accrue, Reverse
from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.posting import Caller
from app.ledger.load import REAL_CLOCK
from app.ledger.outcome import Outcome
from tests.ledger.till import Till, tills
from tests.ledger.waiting import Gate
from tests.pace import until

MEMBERS = [f"m-{number:02}" for number in range(40)]
AMOUNT = 100
POINTS = 1  # at a rate of 1, in the tiers that so little money reaches
TO_ANNOUNCE = timedelta(seconds=4)  # within which a version is published, however slow the machine is


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gives up for a moment in which the machine stands still."""
    monkeypatch.setattr(program, "PATIENCE_SECONDS", 60)


async def draft(till: Till, *, rate: int) -> int:
    """A version by which orders earn so many points a yuan."""
    document = json.loads(json.dumps(DEFAULT_PROGRAM_DOCUMENT))
    document["earning"]["rate"] = str(rate)
    made = await create_version(
        till.database, document=document, note=None, actor="key:test", clock=REAL_CLOCK
    )
    return made.version


async def publish(till: Till, version: int, effective_at: datetime | None = None) -> datetime:
    """Publish it; from when it is in force."""
    caller = Caller("key:test", f"publish-{version}")
    published = await publish_version(
        till.database, version=version, effective_at=effective_at, caller=caller, clock=REAL_CLOCK
    )
    assert published.row.effective_at is not None
    return published.row.effective_at


Bought = list[tuple[str, str, int]]


async def buy(till: Till, name: str, bought: Bought, ended: asyncio.Event) -> None:
    """Orders of all members, ever more, as long as the test goes on: member, order, points answered."""
    number = 0
    while not ended.is_set():
        number += 1
        orders = [
            Accrue(member_id=member, order_id=f"{name}-{number}", amount=AMOUNT)
            for member in MEMBERS[number % 4 :: 4]
        ]
        for order, result in zip(orders, await till.ask_all(orders), strict=True):
            assert isinstance(result, Outcome), result
            bought.append((order.member_id, order.order_id, result.body["points"]))


async def until_more_is_bought(bought: Bought, *, rate: int, orders: int = 150) -> None:
    """Until so many more orders were answered, some of them at that rate."""
    before = len(bought)
    await until(
        lambda: (
            len(bought) >= before + orders and any(points == rate * POINTS for *_, points in bought[before:])
        )
    )


def rates(beginnings: Sequence[tuple[datetime, int]], recorded_at: datetime) -> int:
    return [rate for begins_at, rate in beginnings if begins_at <= recorded_at][-1]


async def test_orders_are_granted_by_the_version_of_their_moment(fresh_database_url: str) -> None:
    async with tills(fresh_database_url, count=3) as (one, two, office):
        await one.enrol(*MEMBERS)
        bought: Bought = []
        ended = asyncio.Event()
        buying = [
            asyncio.create_task(buy(till, f"{name}{lane}", bought, ended))
            for name, till in (("a", one), ("b", two))
            for lane in range(3)
        ]
        second, third, fourth = [await draft(office, rate=rate) for rate in (2, 3, 4)]
        await until_more_is_bought(bought, rate=1)
        beginnings = [
            (datetime.min.replace(tzinfo=UTC), 1),
            (await publish(office, second), 2),  # in the middle of it
        ]
        await until_more_is_bought(bought, rate=2)
        announced_for = datetime.now(UTC) + TO_ANNOUNCE
        beginnings.append((await publish(office, third, announced_for), 3))
        await until_more_is_bought(bought, rate=3)
        beginnings.append((await publish(office, fourth), 4))
        await until_more_is_bought(bought, rate=4)
        ended.set()
        await asyncio.gather(*buying)
        answered = {(member, f"order/{order}"): points for member, order, points in bought}
        rows = await office.rows(
            "SELECT member_id, key, points, program_version, recorded_at FROM entry WHERE kind = 'accrue'"
        )
        assert len(rows) == len(answered) > 500
        versions = {1: 1, second: 2, third: 3, fourth: 4}
        for member, key, points, version, recorded_at in rows:
            rate = rates(beginnings, recorded_at)
            assert (versions[version], points) == (rate, POINTS * rate)
            assert answered[member, key] == points
        assert {version for *_, version, _ in rows} == set(versions)
        # Told once each, whatever happened meanwhile.
        events = await office.rows(
            "SELECT subject FROM shop_event WHERE kind = $1 ORDER BY occurred_at", PUBLISHED
        )
        assert [subject for (subject,) in events] == [str(version) for version in (second, third, fourth)]
        await _refund_some(one, answered)
        await one.assert_agrees()


async def _refund_some(till: Till, answered: dict[tuple[str, str], int]) -> None:
    """Each order gives back what it earned, under whichever version that was."""
    some = list(answered.items())[::25]
    refunds = [
        Reverse(member_id=member, order_id=key.removeprefix("order/"), reference="r", amount=AMOUNT)
        for (member, key), _ in some
    ]
    for (_, points), result in zip(some, await till.ask_all(refunds), strict=True):
        assert isinstance(result, Outcome), result
        assert result.body["points"] == points


async def test_publishing_waits_for_a_batch_that_began_before(fresh_database_url: str) -> None:
    """The batch read which versions there are; it must have read the clock, too, before the version's moment."""
    async with tills(fresh_database_url) as (one, office):
        await one.enrol("m-1")
        version = await draft(office, rate=2)
        async with Gate(office.database, "m-1") as gate:
            order = asyncio.create_task(one.ask(Accrue(member_id="m-1", order_id="o-1", amount=AMOUNT)))
            await gate.until_somebody_waits()  # the batch, having read that there is one version
            publishing = asyncio.create_task(publish(office, version))
            await gate.until_somebody_waits(count=2)
            assert not order.done()
            assert not publishing.done()
        assert (await order).body["points"] == POINTS
        effective_at = await publishing
        ((recorded_at,),) = await office.rows("SELECT recorded_at FROM entry WHERE key = 'order/o-1'")
        assert recorded_at < effective_at
        after = await one.ask(Accrue(member_id="m-1", order_id="o-2", amount=AMOUNT))
        assert after.body["points"] == 2 * POINTS


async def test_publishing_does_not_hold_purchases_up_for_long(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something that never ends keeps the accounts: the version is not published, and the shop goes on."""
    async with tills(fresh_database_url) as (one, office):
        await one.enrol("m-1", "m-2")
        version = await draft(office, rate=2)
        async with Gate(office.database, "m-1"):
            with monkeypatch.context() as patched:
                patched.setattr(program, "PATIENCE_SECONDS", 0.2)
                with pytest.raises(LedgerBusy):
                    await publish(office, version)
            bought = await one.ask(Accrue(member_id="m-2", order_id="o-1", amount=AMOUNT))
        assert bought.body["points"] == POINTS
        assert await office.rows("SELECT count(*) FROM shop_event") == [(0,)]
        await publish(office, version)


@pytest.mark.parametrize("lanes", [8])
async def test_drafts_made_at_once_are_numbered_one_by_one(fresh_database_url: str, lanes: int) -> None:
    async with tills(fresh_database_url, count=1) as (office,):
        made: list[Any] = await asyncio.gather(*(draft(office, rate=1) for _ in range(lanes)))
        assert sorted(made) == list(range(2, lanes + 2))
