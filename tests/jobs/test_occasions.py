"""Campaigns that fire without an event pay everybody once, whoever walks, however often, and wherever it was ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from app.actions import occasions as action
from app.actions.occasions import pay_occasions
from app.actions.sandbox import live_through
from app.domain.commands import Accrue, Adjust, Enrol, Freeze, Import, Redeem, Reverse, SignIn
from app.jobs import occasions as job
from app.ledger.campaign_rack import CampaignRack
from app.ledger.engine import Engine, LedgerUnavailable
from tests.jobs.conftest import PII, Sandbox
from tests.jobs.test_birthdays import born
from tests.stored_campaigns import store_campaign

NOON = "2031-03-05T12:00:00+08:00"
NAMES = [f"m-{number:03}" for number in range(120)]
SATURDAYS = {"from": "2031-01-01T00:00:00+08:00", "rrule": "FREQ=MONTHLY;BYDAY=1SA"}
FIFTY = [{"kind": "add_points", "points": 50}]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action, "BATCH", 7)
    monkeypatch.setattr(action, "SLICE", 30)


async def live(sandbox: Sandbox, trigger: str, code: str = "c", **fields: Any) -> None:
    given: dict[str, Any] = {"trigger": trigger, "effects": FIFTY, **fields}
    await store_campaign(sandbox.database, code, **given)


async def pay(sandbox: Sandbox, **options: Any) -> int:
    return await pay_occasions(sandbox.database, pii=PII, is_sandbox=True, **options)


async def join(sandbox: Sandbox, *names: str) -> None:
    await sandbox.do(*(Enrol(member_id=name) for name in names))


async def keys(sandbox: Sandbox) -> list[tuple[str, str]]:
    """(member, occasion) of all that was paid."""
    rows = await sandbox.rows("SELECT member_id, key FROM entry WHERE kind = 'campaign' ORDER BY 1, sequence")
    return [(member, key.removeprefix("campaign/c/")) for member, key in rows]


async def paid_members(sandbox: Sandbox) -> Sequence[str]:
    return [member for member, _ in await keys(sandbox)]


async def runs(sandbox: Sandbox) -> list[tuple[str, int, bool]]:
    """(run, payments, finished) of every walk."""
    rows = await sandbox.rows("SELECT occasion, paid, finished_at IS NOT NULL FROM campaign_run ORDER BY 1")
    return [(row[0], row[1], row[2]) for row in rows]


# --- schedules ---------------------------------------------------------------------------------------------


async def test_nothing_is_due(sandbox: Sandbox) -> None:
    await sandbox.at(NOON)
    assert await pay(sandbox) == 0
    await live(sandbox, "order")
    await live(sandbox, "schedule", "draft", state="paused")
    assert await pay(sandbox) == 0
    assert await runs(sandbox) == []


async def test_one_that_can_not_be_read_stands_in_nobodys_way(sandbox: Sandbox) -> None:
    await jump(sandbox, "2031-03-01T12:00:00+08:00")
    await join(sandbox, "a")
    await live(sandbox, "schedule", "newer", effects=[{"kind": "fly_to_the_moon"}])
    await live(sandbox, "schedule", window=SATURDAYS)
    assert await pay(sandbox) == 1
    await jump(sandbox, "2031-04-05T12:00:00+08:00")
    assert len(await keys(sandbox)) == 2


async def test_one_started_while_it_looks_waits_a_minute(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await jump(sandbox, "2031-03-01T12:00:00+08:00")
    await join(sandbox, "a")
    await live(sandbox, "balance", "other", balance=1)
    await live(sandbox, "schedule", window={"from": "2031-03-01T00:00:00Z"}, state="paused")
    refresh = CampaignRack.refresh

    async def meanwhile(rack: CampaignRack, connection: Any) -> None:
        await change_state(sandbox, "c", "live")
        await refresh(rack, connection)

    with monkeypatch.context() as patch:
        patch.setattr(CampaignRack, "refresh", meanwhile)
        assert await pay(sandbox) == 0
    assert await pay(sandbox) == 1


async def test_a_schedule_pays_everybody_on_each_of_its_days(sandbox: Sandbox) -> None:
    await sandbox.at("2031-02-28T12:00:00+08:00")
    await join(sandbox, *NAMES)
    await live(
        sandbox,
        "schedule",
        window=SATURDAYS,
        at="10:00",
    )
    for instant, payments in [
        ("2031-02-28T23:59:59+08:00", 0),
        ("2031-03-01T09:59:59+08:00", 0),
        ("2031-03-01T10:00:00+08:00", 120),
        ("2031-03-01T10:01:00+08:00", 0),
        ("2031-03-02T10:00:00+08:00", 0),
        ("2031-04-05T23:59:00+08:00", 120),
        ("2031-04-06T00:00:00+08:00", 0),
    ]:
        await sandbox.at(instant)
        assert await pay(sandbox) == payments, instant
    assert await keys(sandbox) == [
        (name, occasion) for name in NAMES for occasion in ("at/2031-03-01", "at/2031-04-05")
    ]
    assert await runs(sandbox) == [("at/2031-03-01", 120, True), ("at/2031-04-05", 120, True)]
    assert await sandbox.rows("SELECT DISTINCT actor, points FROM entry WHERE kind = 'campaign'") == [
        ("system", 50)
    ]
    assert await sandbox.rows("SELECT sum(times), sum(points) FROM campaign_sum") == [(240, 12_000)]
    assert await sandbox.agrees()


async def test_without_a_recurrence_it_pays_once(sandbox: Sandbox) -> None:
    await sandbox.at("2031-03-05T08:00:00+08:00")
    await join(sandbox, "a", "b")
    await live(sandbox, "schedule", window={"from": "2031-03-05T02:00:00Z"}, at="09:00")
    assert await pay(sandbox) == 0  # before its window
    await sandbox.at("2031-03-05T10:00:00+08:00")
    assert await pay(sandbox) == 2
    await join(sandbox, "late")
    await sandbox.at("2031-03-06T09:00:00+08:00")
    assert await pay(sandbox) == 0
    assert await runs(sandbox) == [("at/2031-03-05", 2, True)]


async def test_who_is_not_meant_gets_nothing(sandbox: Sandbox) -> None:
    await sandbox.at("2031-03-01T12:00:00+08:00")
    await join(sandbox, *NAMES)
    await sandbox.do(*(Accrue(member_id=name, order_id="o", amount=30_000) for name in NAMES[:40]))
    await sandbox.do(*(Freeze(member_id=name) for name in NAMES[:3]))
    await sandbox.do(*(Accrue(member_id=name, order_id="o2", amount=100) for name in NAMES[20:60]))
    await live(
        sandbox,
        "schedule",
        tiers=["silver"],
        audience="member.orders == 1",
        holdout_percent=30,
        window={"from": "2031-03-01T00:00:00Z"},
    )
    payments = await pay(sandbox)
    members = await paid_members(sandbox)
    assert len(members) == payments
    assert set(members) < set(NAMES[3:20])
    assert 5 <= payments <= 16
    assert await runs(sandbox) == [("at/2031-03-01", payments, True)]


async def test_conditions_may_ask_of_the_person_and_budgets_hold(sandbox: Sandbox) -> None:
    await sandbox.at("2031-03-01T12:00:00+08:00")
    await born(
        sandbox, **{name: "1990-03-01" if number % 2 else "1990-04-01" for number, name in enumerate(NAMES)}
    )
    await live(
        sandbox,
        "schedule",
        audience="member.birthday_month == local.month",
        window={"from": "2031-03-01T00:00:00Z"},
        budget={"points": 1_020},
    )
    assert await pay(sandbox) == 21
    assert await sandbox.rows("SELECT sum(points), count(*) FROM entry WHERE kind = 'campaign'") == [
        (1_020, 21)
    ]
    assert set(await paid_members(sandbox)) < set(NAMES[1::2])


async def test_holidays(sandbox: Sandbox) -> None:
    await sandbox.at("2031-01-01T12:00:00+08:00")
    await join(sandbox, "a", "b")
    await live(sandbox, "holiday", holidays=["春节", "国庆节"], at="08:30")
    for instant, payments in [
        ("2031-01-22T12:00:00+08:00", 0),
        ("2031-01-23T08:29:00+08:00", 0),
        ("2031-01-23T08:30:00+08:00", 2),
        ("2031-01-24T12:00:00+08:00", 0),
        ("2031-05-01T12:00:00+08:00", 0),
        ("2031-10-01T12:00:00+08:00", 2),
    ]:
        await sandbox.at(instant)
        assert await pay(sandbox) == payments, instant
    assert await keys(sandbox) == [
        (name, f"holiday/{day}") for name in "ab" for day in ("2031-01-23", "2031-10-01")
    ]


# --- what is looked for ------------------------------------------------------------------------------------


async def test_birthdays_once_a_year(sandbox: Sandbox) -> None:
    await sandbox.at("2031-03-31T23:30:00+08:00")
    await born(sandbox, a="1990-04-30", b="1990-05-01", c="1990-03-31", d=None, e="2000-02-29")
    await live(sandbox, "birthday")
    assert await pay(sandbox) == 1
    await sandbox.at("2031-04-01T00:00:00+08:00")
    assert await pay(sandbox) == 1
    await born(sandbox, f="1991-04-05")
    assert await pay(sandbox) == 0  # looked for every hour
    await sandbox.at("2031-04-01T01:00:00+08:00")
    assert await pay(sandbox) == 1
    await sandbox.at("2032-04-01T01:00:00+08:00")
    assert await pay(sandbox) == 2
    assert await keys(sandbox) == [
        ("a", "birthday/2031"),
        ("a", "birthday/2032"),
        ("c", "birthday/2031"),
        ("f", "birthday/2031"),
        ("f", "birthday/2032"),
    ]
    assert await runs(sandbox) == [("birthday/2031", 3, True), ("birthday/2032", 2, True)]


async def test_of_birthdays_one_that_stacks_with_none_keeps_the_others_out(sandbox: Sandbox) -> None:
    """Though its own payment spent what it may give the member, and each is paid by a walk of its own."""
    await sandbox.at("2031-04-01T00:00:00+08:00")
    await born(sandbox, a="1990-04-30", b="1990-04-02")
    await live(sandbox, "birthday", code="alone", stacks=False, priority=1, budget={"per_member": 50})
    await live(sandbox, "birthday", code="other")
    assert await pay(sandbox) == 2
    paid = await sandbox.rows("SELECT member_id, key FROM entry WHERE kind = 'campaign' ORDER BY 1")
    assert [tuple(row) for row in paid] == [(name, "campaign/alone/birthday/2031") for name in "ab"]


async def test_a_balance_that_is_reached(sandbox: Sandbox) -> None:
    await sandbox.at(NOON)
    await join(sandbox, "a", "b", "c")
    await sandbox.do(
        Accrue(member_id="a", order_id="o", amount=10_000), Accrue(member_id="b", order_id="o", amount=9_999)
    )
    await live(sandbox, "balance", balance=100)
    assert await pay(sandbox) == 1
    await sandbox.do(
        Redeem(member_id="a", reference="r", points=150),
        Adjust(member_id="b", reference="x", points=1, reason="r"),
    )
    await sandbox.at("2031-03-05T13:00:00+08:00")
    assert await pay(sandbox) == 1
    await sandbox.do(Accrue(member_id="a", order_id="o2", amount=20_000))
    await sandbox.at("2031-03-05T14:00:00+08:00")
    assert await pay(sandbox) == 0  # had it
    assert await keys(sandbox) == [("a", "balance"), ("b", "balance")]


async def test_who_fell_dormant(sandbox: Sandbox) -> None:
    await sandbox.at("2031-01-01T12:00:00+08:00")
    await join(sandbox, "bought", "signed", "never", "backdated", "both")
    await sandbox.do(Accrue(member_id="bought", order_id="o", amount=100_000, settle=False))
    await sandbox.at("2031-01-05T12:00:00+08:00")
    await sandbox.do(SignIn(member_id="signed"))
    await sandbox.do(Accrue(member_id="both", order_id="now", amount=100))
    long_ago = "2030-12-01T00:00:00+08:00"
    for name in ("backdated", "both"):
        await sandbox.do(Accrue(member_id=name, order_id="old", amount=100, occurred_at=at(long_ago)))
    await live(sandbox, "dormancy", dormant_days=30)
    for instant, payments in [
        ("2031-01-30T23:00:00+08:00", 0),
        ("2031-01-31T00:00:00+08:00", 3),  # bought has settled by itself meanwhile: nobody was there
        ("2031-01-31T12:00:00+08:00", 0),
        ("2031-02-03T23:59:00+08:00", 0),
        ("2031-02-04T00:01:00+08:00", 2),
        ("2031-04-01T00:00:00+08:00", 0),
    ]:
        await sandbox.at(instant)
        assert await pay(sandbox) == payments, instant
    await sandbox.do(SignIn(member_id="never"))
    await sandbox.do(Import(member_id="brought", reference="i", points=5, joined_at=at(long_ago)))
    await sandbox.at("2031-05-01T00:00:00+08:00")
    assert await pay(sandbox) == 2
    assert await keys(sandbox) == [
        ("backdated", "dormant/2031-01-01"),
        ("both", "dormant/2031-01-05"),
        ("bought", "dormant/2031-01-01"),
        ("brought", "dormant/2031-04-01"),
        ("never", "dormant/2031-01-01"),
        ("never", "dormant/2031-04-01"),
        ("signed", "dormant/2031-01-05"),
    ]
    assert await runs(sandbox) == [("dormant", 7, True)]


@pytest.mark.parametrize("how", ["ended", "window"])
async def test_after_a_campaign_its_participants_are_paid(sandbox: Sandbox, how: str) -> None:
    await sandbox.at(NOON)
    await join(sandbox, *NAMES)
    until = {"until": "2031-03-06T00:00:00Z"} if how == "window" else {}
    await store_campaign(sandbox.database, "double", window=until)
    await live(sandbox, "campaign_end", of_campaign="double")
    buyers = NAMES[10:80]
    await sandbox.do(*(Accrue(member_id=name, order_id="o", amount=10_000) for name in NAMES[8:80]))
    await sandbox.do(
        *(Reverse(member_id=name, order_id="o", reference="r", amount=10_000) for name in NAMES[8:10]),
        Reverse(member_id=NAMES[10], order_id="o", reference="r", amount=9_000),
    )
    assert await pay(sandbox) == 0
    if how == "ended":
        await change_state(sandbox, "double", "ended")
    else:
        await sandbox.at("2031-03-06T12:00:00+08:00")
    assert await pay(sandbox) == 70
    assert await pay(sandbox) == 0
    assert await keys(sandbox) == [(name, "end") for name in buyers]
    await sandbox.at("2031-03-08T12:00:00+08:00")
    assert await pay(sandbox) == 0


# --- restarts and races ------------------------------------------------------------------------------------


async def start_of_a_day(sandbox: Sandbox, **fields: Any) -> None:
    await sandbox.at("2031-03-01T00:00:00+08:00")
    await join(sandbox, *NAMES)
    window = {"from": "2031-01-01T00:00:00Z", "rrule": "FREQ=MONTHLY;BYMONTHDAY=1"}
    await live(sandbox, "schedule", window=window, **fields)


async def test_it_goes_on_where_it_was(sandbox: Sandbox) -> None:
    await start_of_a_day(sandbox)
    paid = 0
    for asked in (1, 3, 6, 10):
        answers = iter([False] * asked)
        paid += await pay(sandbox, is_stopping=lambda answers=answers: next(answers, True))
        assert 0 < paid < 120
        assert await runs(sandbox) == [("at/2031-03-01", paid, False)]
        [(after,)] = await sandbox.rows("SELECT after_member FROM campaign_run")
        assert len(after) == 5
    await job.run(sandbox.database, pii=PII, is_sandbox=True, is_stopping=lambda: False)
    assert await runs(sandbox) == [("at/2031-03-01", 120, True)]
    assert await paid_members(sandbox) == NAMES


async def test_killed_after_a_batch_it_pays_nobody_twice(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the ledger committed, and the walk could not write down any more."""
    await start_of_a_day(sandbox)
    submit_all, calls = Engine.submit_all, 0

    async def breaks(engine: Engine, requests: Any) -> Any:
        nonlocal calls
        calls += 1
        results = await submit_all(engine, requests)
        if calls % 3 == 0:
            raise LedgerUnavailable
        return results

    monkeypatch.setattr(Engine, "submit_all", breaks)
    deaths = 0
    while not (await runs(sandbox) or [("", 0, False)])[0][2]:
        try:
            await pay(sandbox)
        except LedgerUnavailable:
            deaths += 1
    assert deaths >= 3
    assert await paid_members(sandbox) == NAMES
    assert await sandbox.agrees()


async def test_a_ledger_that_is_away_is_told(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await start_of_a_day(sandbox)

    async def away(_engine: Engine, requests: list[Any]) -> list[Any]:
        return [LedgerUnavailable() for _ in requests]

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "submit_all", away)
        with pytest.raises(LedgerUnavailable):
            await pay(sandbox)
    assert await pay(sandbox) == 120


async def test_workers_at_once_pay_everybody_once(sandbox: Sandbox) -> None:
    await start_of_a_day(sandbox)
    payments = await asyncio.gather(*(pay(sandbox) for _ in range(3)))
    assert sum(payments) == 120
    assert await paid_members(sandbox) == NAMES
    assert await runs(sandbox) == [("at/2031-03-01", 120, True)]


async def test_paused_in_the_middle_it_waits(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await start_of_a_day(sandbox)
    submit_all, calls = Engine.submit_all, 0

    async def pauses(engine: Engine, requests: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            await change_state(sandbox, "c", "paused")
        return await submit_all(engine, requests)

    monkeypatch.setattr(Engine, "submit_all", pauses)
    assert await pay(sandbox) == 21
    assert await pay(sandbox) == 0
    await change_state(sandbox, "c", "live")
    assert await pay(sandbox) == 99
    assert await paid_members(sandbox) == NAMES


async def test_what_was_not_paid_by_the_end_of_the_day_is_not_paid(sandbox: Sandbox) -> None:
    await start_of_a_day(sandbox)
    answers = iter([False, False, False])
    paid = await pay(sandbox, is_stopping=lambda: next(answers, True))
    assert 0 < paid < 120
    await sandbox.at("2031-03-02T00:00:00+08:00")
    assert await pay(sandbox) == 0
    assert await runs(sandbox) == [("at/2031-03-01", paid, False)]


async def test_the_day_ends_while_it_walks(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await start_of_a_day(sandbox)
    submit_all = Engine.submit_all

    async def midnight(engine: Engine, requests: Any) -> Any:
        results = await submit_all(engine, requests)
        await sandbox.ahead("2031-03-02T00:00:01+08:00")
        return results

    monkeypatch.setattr(Engine, "submit_all", midnight)
    assert await pay(sandbox) == 7
    assert len(await keys(sandbox)) == 7


# --- a sandbox's clock -------------------------------------------------------------------------------------


async def jump(sandbox: Sandbox, instant: str) -> None:
    await live_through(sandbox.database, pii=PII, now=at(instant))


async def test_what_campaigns_pay_on_the_way_is_paid_at_its_own_moment(sandbox: Sandbox) -> None:
    await jump(sandbox, "2031-01-01T12:00:00+08:00")
    await born(sandbox, a="1990-03-15", b=None)
    await store_campaign(
        sandbox.database, "days", trigger="schedule", effects=FIFTY, window=SATURDAYS, at="10:00"
    )
    await store_campaign(sandbox.database, "spring", trigger="holiday", effects=FIFTY, holidays=["春节"])
    await store_campaign(sandbox.database, "born", trigger="birthday", effects=FIFTY)
    await store_campaign(sandbox.database, "quiet", trigger="dormancy", dormant_days=60, effects=FIFTY)
    await jump(sandbox, "2031-04-01T00:00:00+08:00")
    rows = await sandbox.rows(
        "SELECT key, to_char(recorded_at AT TIME ZONE 'Asia/Shanghai', 'MM-DD HH24:MI'), points_after FROM entry "
        "WHERE member_id = 'a' AND kind = 'campaign' ORDER BY sequence"
    )
    assert rows == [
        ("campaign/days/at/2031-01-04", "01-04 10:00", 50),
        ("campaign/spring/holiday/2031-01-23", "01-23 00:00", 100),
        ("campaign/days/at/2031-02-01", "02-01 10:00", 150),
        ("campaign/born/birthday/2031", "03-01 00:00", 200),
        ("campaign/days/at/2031-03-01", "03-01 10:00", 250),
        ("campaign/quiet/dormant/2031-01-01", "04-01 00:00", 300),
    ]
    assert len(await sandbox.entries("campaign")) == 6 + 5
    await jump(sandbox, "2031-04-01T00:00:30+08:00")
    assert len(await sandbox.entries("campaign")) == 6 + 5
    assert await sandbox.agrees()


async def test_a_clock_set_back_pays_nothing_on_the_way(sandbox: Sandbox) -> None:
    await jump(sandbox, "2041-01-01T12:00:00+08:00")
    await store_campaign(sandbox.database, "days", trigger="schedule", effects=FIFTY, window=SATURDAYS)
    await jump(sandbox, "2031-01-01T12:00:00+08:00")
    await join(sandbox, "a")
    await jump(sandbox, "2031-01-04T12:00:00+08:00")
    assert await sandbox.entries("campaign") == [("a", 50)]


# --- helpers -----------------------------------------------------------------------------------------------


def at(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


async def change_state(sandbox: Sandbox, campaign: str, state: str) -> None:
    await sandbox.rows(
        "UPDATE campaign SET state = $2, revision = (SELECT max(revision) + 1 FROM campaign) WHERE campaign = $1",
        campaign,
        state,
    )
