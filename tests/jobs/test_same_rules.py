"""Live, simulated and run again: the same orders come to the same points, order by order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.actions import backtest_runs
from app.actions.backtest_runs import AskedBacktest, carry_out
from app.actions.backtests import ask_for_backtest
from app.actions.simulations import AskedSimulation, simulate
from app.domain.backtest import Placed
from app.domain.backtest_figures import Comparison, Period
from app.domain.commands import Accrue, Enrol
from app.domain.earning import Line
from app.domain.posting import Caller
from app.ledger.load import SANDBOX_CLOCK
from tests.jobs.conftest import PII, Sandbox
from tests.stored_campaigns import store_campaign

START = datetime(2026, 3, 1, 2, tzinfo=UTC)
CALLER = Caller("key:test", "request")
TEA, CUP = ("tea-100", "tea", None), ("cup-7", None, "Jingdezhen")


def line(number: int, goods: tuple[str, str | None, str | None], amount: int) -> Line:
    return Line(str(number), *goods, 1, amount)


ORDERS: list[tuple[str, float, int, dict[str, Any]]] = [
    ("a", 0, 12_345, {}),
    ("b", 0.5, 20_000, {"items": (line(1, TEA, 15_000), line(2, CUP, 5_000))}),
    ("a", 1, 18_000, {"channel": "app"}),  # silver from here on
    ("c", 2, 9_999, {"channel": "app"}),
    ("b", 3, 333_333, {"channel": "app"}),  # gold after it
    ("c", 9, 40_001, {}),
    ("b", 10, 77_777, {"items": (line(1, TEA, 77_777),)}),
    ("a", 11, 500, {"channel": "app"}),
    ("a", 12, 99, {}),
    ("c", 20, 300_000, {"channel": "app"}),
    ("b", 21, 123_456, {"channel": "app"}),
]


async def campaigns(sandbox: Sandbox) -> None:
    await store_campaign(
        sandbox.database,
        "app-double",
        priority=5,
        condition='order.channel == "app"',
        budget={"points": 4_000, "per_member": 3_500},
    )
    await store_campaign(
        sandbox.database,
        "tea",
        effects=[{"kind": "multiply_points", "factor": "1.5", "lines": {"categories": ["tea"]}}],
    )
    await store_campaign(
        sandbox.database,
        "week-two",
        effects=[{"kind": "add_points", "points": 7}],
        window={"from": "2026-03-08T00:00:00+08:00", "until": "2026-03-15T00:00:00+08:00"},
        budget={"per_day": 10},
    )
    await store_campaign(
        sandbox.database, "risen", trigger="tier_change", effects=[{"kind": "add_points", "points": 111}]
    )
    await store_campaign(sandbox.database, "north", audience='member.region == "north"')


async def run_again(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, int], Any]:
    """The points of each order in the baseline of a backtest, and its result."""
    found: dict[str, int] = {}
    place = Comparison.place

    def noting(comparison: Comparison, order: Placed) -> Any:
        granted = place(comparison, order)
        found[order.order_id] = granted[0].points
        return granted

    monkeypatch.setattr(backtest_runs.Comparison, "place", noting)
    backtest = uuid4()
    asked = AskedBacktest(Period(START, START + timedelta(days=60)))
    await ask_for_backtest(sandbox.database, backtest=backtest, asked=asked.to_document(), actor="key:test")
    assert await carry_out(sandbox.database, backtest, pii=PII)
    [(result,)] = await sandbox.rows("SELECT result::text FROM backtest WHERE id = $1", backtest)
    return found, result


async def test_live_simulated_and_run_again_agree(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await sandbox.at(START.isoformat())
    await sandbox.do(
        *(
            Enrol(member_id=name, person={"region": region})
            for name, region in (("a", "north"), ("b", "south"))
        ),
        Enrol(member_id="c"),
    )
    await campaigns(sandbox)
    live: dict[str, int] = {}
    simulated: dict[str, int] = {}
    earned: dict[str, int] = {}
    for number, (member, days, amount, fields) in enumerate(ORDERS):
        await sandbox.at((START + timedelta(days=days, minutes=1)).isoformat())
        order_id = f"o-{number}"
        order = Accrue(member_id=member, order_id=order_id, amount=amount, **fields)
        would = await simulate(
            sandbox.database,
            sandbox.engine,
            AskedSimulation(order, None, None),
            pii=PII,
            clock=SANDBOX_CLOCK,
            caller=CALLER,
        )
        simulated[order_id] = would["points"]
        await sandbox.do(order)
        [(now_earned,)] = await sandbox.rows("SELECT earned FROM account WHERE member_id = $1", member)
        live[order_id] = now_earned - earned.get(member, 0)
        earned[member] = now_earned
    again, _ = await run_again(sandbox, monkeypatch)
    assert simulated == live
    assert again == live
    # The campaigns mattered: base points alone would be these.
    assert sum(live.values()) > sum(amount // 100 for _, _, amount, _ in ORDERS) + 4_000
    assert await sandbox.agrees()
