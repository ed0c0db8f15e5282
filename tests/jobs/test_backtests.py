"""Backtests as a job: in a process of their own, cancelled, broken off, and begun again."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.actions import backtest_runs, backtests
from app.actions.backtest_runs import AskedBacktest, carry_out
from app.actions.backtests import (
    BacktestNotFound,
    ask_for_backtest,
    delete_backtest,
    finish,
    give_up,
    note_progress,
    take_up,
    waiting_backtest,
)
from app.actions.drafts import DraftCampaign, DraftProgram
from app.domain.backtest_figures import Period
from app.domain.commands import Accrue, DecideReview, Enrol, Import, Reverse
from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.jobs import backtests as job
from tests.jobs.conftest import PII, Sandbox
from tests.stored_campaigns import DOUBLE, store_campaign

START = datetime(2026, 3, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
PERIOD = Period(START, START + 30 * DAY)
DOUBLED = DraftCampaign("double", DOUBLE)


async def ask(sandbox: Sandbox, *campaigns: DraftCampaign, **asked: Any) -> UUID:
    document = AskedBacktest(asked.pop("period", PERIOD), campaigns, **asked).to_document()
    backtest = uuid4()
    await ask_for_backtest(sandbox.database, backtest=backtest, asked=document, actor="key:test")
    return backtest


async def state_of(sandbox: Sandbox, backtest: UUID) -> tuple[str, float, str | None]:
    [row] = await sandbox.rows("SELECT state, progress, error FROM backtest WHERE id = $1", backtest)
    return row


async def result_of(sandbox: Sandbox, backtest: UUID) -> dict[str, Any]:
    from app.queries.backtests import read_backtest

    async with sandbox.database.engine.connect() as connection:
        row = await read_backtest(connection, backtest)
    assert row is not None
    assert row.result is not None
    return row.result


async def carried_out(sandbox: Sandbox, *campaigns: DraftCampaign, **asked: Any) -> dict[str, Any]:
    backtest = await ask(sandbox, *campaigns, **asked)
    assert await carry_out(sandbox.database, backtest, pii=PII)
    return await result_of(sandbox, backtest)


@pytest.fixture
async def orders(sandbox: Sandbox) -> None:
    """A member with an order of 10 yuan on each of ten days."""
    await sandbox.at(START.isoformat())
    await sandbox.do(Enrol(member_id="m"))
    await sandbox.at((START + 40 * DAY).isoformat())
    for number in range(10):
        at = START + number * DAY
        await sandbox.do(Accrue(member_id="m", order_id=f"o-{number}", amount=1_000, occurred_at=at))


# --- the process -----------------------------------------------------------------------------------------


def running() -> bool:
    return False


async def run(sandbox: Sandbox, **options: Any) -> None:
    await job.run(sandbox.database, is_sandbox=True, is_stopping=options.pop("is_stopping", running))


@pytest.mark.usefixtures("orders")
async def test_all_that_wait_are_carried_out(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_PII_KEYS", f"k1:{'A' * 43}=")
    first, second = await ask(sandbox, DOUBLED), await ask(sandbox)
    await run(sandbox)
    for backtest in (first, second):
        assert await state_of(sandbox, backtest) == ("done", 1.0, None)
    assert (await result_of(sandbox, first))["points"] == {"baseline": 100, "draft": 200, "difference": 100}
    assert (await result_of(sandbox, second))["points"]["difference"] == 0
    assert await waiting_backtest(sandbox.database) is None


async def test_one_that_ends_early_has_failed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    backtest = await ask(sandbox)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    await run(sandbox)
    state, _, error = await state_of(sandbox, backtest)
    assert (state, error) == ("failed", "The backtest ended before it was done.")


async def test_one_that_is_stopped_is_begun_again_later(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    backtest = await ask(sandbox)
    assert await take_up(sandbox.database, backtest) is not None
    process = await asyncio.create_subprocess_exec("/bin/sleep", "60")

    async def sleeping(*_: object, **__: object) -> asyncio.subprocess.Process:
        return process

    monkeypatch.setattr(job.asyncio, "create_subprocess_exec", sleeping)
    stops = iter((False, False, True))
    await job._run_one(sandbox.database, backtest, lambda: next(stops, True))
    assert process.returncode is not None
    assert await state_of(sandbox, backtest) == ("queued", 0.0, None)


async def test_nothing_is_begun_while_stopping(sandbox: Sandbox) -> None:
    backtest = await ask(sandbox)
    await run(sandbox, is_stopping=lambda: True)
    assert (await state_of(sandbox, backtest))[0] == "queued"


# --- who has it ------------------------------------------------------------------------------------------


async def test_one_runner_has_it_until_no_sign_of_life(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    backtest = await ask(sandbox, DOUBLED)
    taken = await take_up(sandbox.database, backtest)
    assert taken is not None
    assert AskedBacktest.from_document(taken) == AskedBacktest(PERIOD, (DOUBLED,))
    assert await take_up(sandbox.database, backtest) is None
    assert not await carry_out(sandbox.database, backtest, pii=PII)
    assert await waiting_backtest(sandbox.database) is None
    assert await note_progress(sandbox.database, backtest, 0.5)
    assert await state_of(sandbox, backtest) == ("running", 0.5, None)
    monkeypatch.setattr(backtests, "LOST_AFTER", timedelta())
    assert await waiting_backtest(sandbox.database) == backtest
    assert await take_up(sandbox.database, backtest) is not None
    assert await state_of(sandbox, backtest) == ("running", 0.0, None)


async def test_what_is_done_stays_so(sandbox: Sandbox) -> None:
    backtest = await ask(sandbox)
    await take_up(sandbox.database, backtest)
    await finish(sandbox.database, backtest, result={"found": 1}, chart="<svg/>")
    await give_up(sandbox.database, backtest, error="too late")
    await finish(sandbox.database, backtest, result={"found": 2}, chart="<svg/>")
    assert await state_of(sandbox, backtest) == ("done", 1.0, None)
    assert await result_of(sandbox, backtest) == {"found": 1}
    assert not await note_progress(sandbox.database, backtest, 0.1)


@pytest.mark.usefixtures("orders")
async def test_one_that_is_deleted_ends(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    backtest = await ask(sandbox)
    monkeypatch.setattr(backtest_runs, "PROGRESS_SECONDS", 0.0)
    count_orders, is_noticed = backtest_runs.count_orders, asyncio.Event()

    async def deleted(*arguments: Any, **options: Any) -> int:
        await delete_backtest(sandbox.database, backtest=backtest)
        await is_noticed.wait()
        return await count_orders(*arguments, **options)

    async def noted(*arguments: Any) -> bool:
        is_wanted = await note_progress(*arguments)
        if not is_wanted:
            is_noticed.set()
        return is_wanted

    monkeypatch.setattr(backtest_runs, "count_orders", deleted)
    monkeypatch.setattr(backtest_runs, "note_progress", noted)
    assert not await carry_out(sandbox.database, backtest, pii=PII)
    with pytest.raises(BacktestNotFound):
        await delete_backtest(sandbox.database, backtest=backtest)


async def test_what_breaks_it_is_kept(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    backtest = await ask(sandbox)

    def breaks(_result: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(backtest_runs, "draw_backtest", breaks)
    with pytest.raises(ZeroDivisionError):
        await carry_out(sandbox.database, backtest, pii=PII)
    state, _, error = await state_of(sandbox, backtest)
    assert (state, error) == ("failed", "The backtest broke; the logs of the service tell why.")


# --- what it finds ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("orders")
async def test_the_campaigns_that_were_live_are_the_baseline(sandbox: Sandbox) -> None:
    since, stopped_at = START + 2 * DAY, START + 5 * DAY
    await store_campaign(sandbox.database, "ended", since=since, state="ended", stopped_at=stopped_at)
    await store_campaign(sandbox.database, "paused", since=since, state="paused", stopped_at=stopped_at)
    await store_campaign(sandbox.database, "draft", since=None)
    found = await carried_out(sandbox)
    # On three of ten days everything is doubled twice.
    assert found["points"]["baseline"] == 7 * 10 + 3 * 40
    assert [each["campaign"] for each in found["campaigns"]["baseline"]] == ["ended", "paused"]
    assert (await carried_out(sandbox, DraftCampaign("ended", DOUBLE)))["points"] == {
        "baseline": 190,
        "draft": 7 * 20 + 3 * 40,
        "difference": 70,
    }


@pytest.mark.usefixtures("orders")
async def test_each_version_counts_while_it_was_live(sandbox: Sandbox) -> None:
    await store_campaign(sandbox.database, "changed", since=START - DAY)
    await sandbox.rows(
        "INSERT INTO campaign_version (campaign, version, document, created_at, actor) "
        "SELECT campaign, 2, jsonb_set(document, '{effects,0,factor}', '\"3\"'), $1, actor FROM campaign_version "
        "WHERE campaign = 'changed'",
        START + 5 * DAY,
    )
    await store_campaign(sandbox.database, "unreadable", since=START, effects=[{"kind": "of_the_future"}])
    assert (await carried_out(sandbox))["points"]["baseline"] == 5 * 20 + 5 * 30


@pytest.mark.usefixtures("orders")
async def test_a_recurrence_is_of_the_programs_days(sandbox: Sandbox) -> None:
    saturdays = DraftCampaign("saturdays", {**DOUBLE, "window": {"rrule": "FREQ=WEEKLY;BYDAY=SA"}})
    found = await carried_out(sandbox, saturdays)
    # Of the ten days from Sunday the first of March on, the seventh is one.
    assert found["points"]["difference"] == 10
    assert found["series"]["data"][6] == {
        "date": "2026-03-07",
        "orders": 1,
        "amount": 1_000,
        "baseline": 10,
        "draft": 20,
    }


@pytest.mark.usefixtures("orders")
async def test_what_to_know_before_believing_it(sandbox: Sandbox) -> None:
    drafts = [
        DraftCampaign("ahead", {**DOUBLE, "window": {"from": "2030-01-01T00:00:00Z"}}),
        DraftCampaign("till", {**DOUBLE, "effects": [{"kind": "free_shipping"}]}),
        DraftCampaign(
            "greeting",
            {**DOUBLE, "trigger": "enrolment", "effects": [{"kind": "add_points", "points": 5}]},
        ),
        DOUBLED,
    ]
    found = await carried_out(sandbox, *drafts)
    assert [(each["code"], each["campaign"]) for each in found["warnings"]] == [
        ("never_open", "ahead"),
        ("acts_at_till", "till"),
        ("not_for_orders", "greeting"),
    ]
    nothing = await carried_out(sandbox, DOUBLED, period=Period(START - 20 * DAY, START - 10 * DAY))
    assert [each["code"] for each in nothing["warnings"]] == ["nothing_recorded"]
    assert nothing["orders"] == 0


@pytest.mark.usefixtures("orders")
async def test_a_program_is_tried_from_the_first_order_on(sandbox: Sandbox) -> None:
    tiers = DEFAULT_PROGRAM_DOCUMENT["tiers"]
    low = [
        {**tier, "thresholds": {"spend": 5_000}} if tier["code"] == "silver" else tier
        for tier in tiers["ladder"]
    ]
    document = {**DEFAULT_PROGRAM_DOCUMENT, "tiers": {**tiers, "ladder": low}}
    document["earning"] = {**DEFAULT_PROGRAM_DOCUMENT["earning"], "rate": "1.5"}
    found = await carried_out(
        sandbox, program=DraftProgram(document), period=Period(START + 5 * DAY, START + 30 * DAY)
    )
    assert found["points"] == {"baseline": 50, "draft": 75, "difference": 25}
    assert found["tiers"]["moves"] == [{"from": "bronze", "to": "silver", "members": 1}]


async def test_members_stand_where_they_stood(sandbox: Sandbox) -> None:
    await sandbox.at(START.isoformat())
    await sandbox.do(Import(member_id="brought", reference="1", spend=299_000, points=70, growth=5))
    await sandbox.do(Enrol(member_id="approved"), Enrol(member_id="refunded"))
    await sandbox.do(
        Accrue(member_id="approved", order_id="o-1", amount=3_000_000),
        Accrue(member_id="brought", order_id="o-1", amount=1_000),
        Accrue(member_id="refunded", order_id="o-1", amount=50_000),
        Accrue(member_id="refunded", order_id="o-2", amount=9_000),
    )
    [(review,)] = await sandbox.rows("SELECT review FROM account WHERE member_id = 'approved'")
    await sandbox.do(
        DecideReview(member_id="approved", review=review, approve=True),
        Reverse(member_id="refunded", order_id="o-1", reference="r", amount=50_000),
        Reverse(member_id="refunded", order_id="o-2", reference="r", amount=4_500),
    )
    await sandbox.at((START + DAY).isoformat())
    await sandbox.do(
        Accrue(member_id="approved", order_id="o-2", amount=10_000),
        Accrue(member_id="brought", order_id="o-2", amount=10_000),
        Accrue(member_id="refunded", order_id="o-3", amount=10_000),
    )
    found = await carried_out(sandbox, period=Period(START + DAY / 2, START + 2 * DAY))
    # Diamond at twice, gold at 1.2, and bronze.
    assert found["points"]["baseline"] == 200 + 120 + 100
    assert [(told["tier"], told["baseline"]) for told in found["tiers"]["data"]] == [
        ("bronze", 1),
        ("gold", 1),
        ("diamond", 1),
    ]
