"""Issues of coupons to more members than are served at once: parts, progress, crashes, two workers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import pytest

from app.actions import issuing as action
from app.actions.coupon_templates import StockBelowIssued, change_template, create_template
from app.actions.issuing import Wanted, issue_all, issue_to_members
from app.domain.commands import Enrol
from app.ledger.engine import Engine, LedgerUnavailable
from app.ledger.load import SANDBOX_CLOCK
from app.queries.issuing import IssueRow, read_issue
from tests.jobs.conftest import Sandbox

ISSUE = "0123456789abcdef" * 2
TERMS = {"name": "券", "kind": "amount_off", "amount_off": 3000}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action, "PART", 50)
    monkeypatch.setattr(action, "AT_ONCE", 20)


async def template(sandbox: Sandbox, **terms: Any) -> None:
    document = {**TERMS, **terms}
    await create_template(sandbox.database, template="t", document=document, clock=SANDBOX_CLOCK)


async def members(sandbox: Sandbox, count: int) -> list[str]:
    names = [f"m-{number:03}" for number in range(count)]
    await sandbox.do(*(Enrol(member_id=name) for name in names))
    return names


async def ask(sandbox: Sandbox, names: Sequence[str], *, issue: str = ISSUE) -> IssueRow:
    return await issue_to_members(
        sandbox.database,
        sandbox.engine,
        Wanted(template="t", members=names, reason="thanks"),
        issue=issue,
        actor="key:test",
        clock=SANDBOX_CLOCK,
    )


async def progress(sandbox: Sandbox) -> IssueRow:
    async with sandbox.database.engine.connect() as connection:
        row = await read_issue(connection, ISSUE)
    assert row is not None
    return row


async def holders(sandbox: Sandbox) -> list[str]:
    rows = await sandbox.rows("SELECT member_id FROM coupon WHERE template = 't' ORDER BY 1")
    return [member_id for (member_id,) in rows]


async def run(sandbox: Sandbox, **options: Any) -> int:
    return await issue_all(sandbox.database, is_sandbox=True, **options)


async def test_a_long_list_is_a_job(sandbox: Sandbox) -> None:
    await template(sandbox)
    names = await members(sandbox, 130)
    row = await ask(sandbox, [*names, "nobody-1", *names, "nobody-2"])
    assert row == IssueRow(ISSUE, "t", members=132, codes=0, done=0, issued=0, refused=[])
    assert await holders(sandbox) == []
    assert await run(sandbox) == 3
    done = await progress(sandbox)
    assert done.is_done
    assert (done.done, done.issued) == (132, 130)
    assert done.refused == [
        {"member_id": name, "code": "member_not_found"} for name in ("nobody-1", "nobody-2")
    ]
    assert await holders(sandbox) == names
    entries = await sandbox.rows(
        "SELECT DISTINCT kind, key, actor, detail ->> 'reason' FROM entry WHERE kind = 'issue_coupon'"
    )
    assert entries == [("issue_coupon", f"issue/{ISSUE}", "key:test", "thanks")]
    assert await run(sandbox) == 0
    assert await sandbox.agrees()


async def test_a_short_list_is_served_at_once(sandbox: Sandbox) -> None:
    await template(sandbox, per_member=1)
    names = await members(sandbox, 40)
    first = await ask(sandbox, names)
    assert (first.is_done, first.issued, first.refused) == (True, 40, [])
    assert await ask(sandbox, names) == first
    assert await holders(sandbox) == names


async def test_the_stock_ends_it(sandbox: Sandbox) -> None:
    await template(sandbox, stock=70)
    names = await members(sandbox, 120)
    await ask(sandbox, names)
    await run(sandbox)
    done = await progress(sandbox)
    assert (done.done, done.issued, len(done.refused)) == (120, 70, 50)
    assert {refused["code"] for refused in done.refused} == {"coupon_exhausted"}
    assert await sandbox.rows("SELECT issued FROM coupon_counter WHERE template = 't'") == [(70,)]


async def test_a_template_paused_meanwhile_refuses_the_rest(sandbox: Sandbox) -> None:
    await template(sandbox)
    names = await members(sandbox, 120)
    await ask(sandbox, names)
    asked = iter([False, True])
    assert await run(sandbox, is_stopping=lambda: next(asked)) == 1
    assert (await progress(sandbox)).done == 50
    await change_template(sandbox.database, template="t", changes={"state": "paused"}, clock=SANDBOX_CLOCK)
    assert await run(sandbox) == 2
    done = await progress(sandbox)
    assert (done.done, done.issued) == (120, 50)
    assert {refused["code"] for refused in done.refused} == {"template_not_open"}


async def test_it_goes_on_after_a_crash(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some commands of a part were committed and the part was not: all of it is carried out again."""
    await template(sandbox)
    names = await members(sandbox, 120)
    await ask(sandbox, names)
    submit_all, calls = Engine.submit_all, 0

    async def breaks(engine: Engine, requests: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % 5 == 0:
            await submit_all(engine, requests)
            raise LedgerUnavailable
        return await submit_all(engine, requests)

    monkeypatch.setattr(Engine, "submit_all", breaks)
    crashes = 0
    while not (await progress(sandbox)).is_done:
        try:
            await run(sandbox)
        except LedgerUnavailable:
            crashes += 1
    assert crashes >= 1
    assert (await progress(sandbox)).issued == 120
    assert await holders(sandbox) == names
    assert await sandbox.agrees()


async def test_a_part_whose_end_was_lost_is_found_done(sandbox: Sandbox) -> None:
    await template(sandbox, per_member=1)
    names = await members(sandbox, 120)
    await ask(sandbox, names)
    await run(sandbox)
    before = await progress(sandbox)
    await sandbox.rows("UPDATE coupon_issue_part SET done_at = NULL, issued = 0")
    assert await run(sandbox) == 3
    assert await progress(sandbox) == before
    assert await holders(sandbox) == names


async def test_workers_share_the_parts(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await template(sandbox)
    names = await members(sandbox, 400)
    await ask(sandbox, names)
    refused, taken, all_have_one = action._refused, 0, asyncio.Event()

    async def once_each_has_one(*arguments: Any) -> Any:
        nonlocal taken
        taken += 1
        if taken == 3:
            all_have_one.set()
        await all_have_one.wait()
        return await refused(*arguments)

    monkeypatch.setattr(action, "_refused", once_each_has_one)
    parts = await asyncio.gather(*(run(sandbox) for _ in range(3)))
    assert sum(parts) == 8
    assert min(parts) >= 1
    assert (await progress(sandbox)).issued == 400
    assert await holders(sandbox) == names


async def test_the_stock_is_never_set_below_what_is_given(sandbox: Sandbox) -> None:
    await template(sandbox, stock=400)
    names = await members(sandbox, 400)
    await ask(sandbox, names)

    async def lower() -> None:
        for stock in range(300, 0, -10):
            await asyncio.sleep(0.01)
            with contextlib.suppress(StockBelowIssued):
                await change_template(
                    sandbox.database, template="t", changes={"stock": stock}, clock=SANDBOX_CLOCK
                )

    await asyncio.gather(run(sandbox), run(sandbox), lower())
    [(stock, issued)] = await sandbox.rows(
        "SELECT (document ->> 'stock')::integer, issued FROM coupon_template JOIN coupon_counter USING (template) "
        "WHERE template = 't'"
    )
    assert issued <= stock
    assert issued == len(await holders(sandbox)) == (await progress(sandbox)).issued


async def test_a_stock_that_was_given_out_can_be_raised(sandbox: Sandbox) -> None:
    await template(sandbox, stock=20)
    names = await members(sandbox, 40)
    assert (await ask(sandbox, names)).issued == 20
    await change_template(sandbox.database, template="t", changes={"stock": 30}, clock=SANDBOX_CLOCK)
    again = await ask(sandbox, names, issue=ISSUE[::-1])
    assert (again.issued, len(again.refused)) == (10, 30)
    assert len(await holders(sandbox)) == 30
