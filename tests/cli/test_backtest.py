"""Backtests in a process of their own, over the orders that `loyalty replay` brought: their sums are arithmetic."""

from __future__ import annotations

import asyncio
import csv
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.actions.backtest_runs import AskedBacktest, DraftCampaign
from app.actions.backtests import ask_for_backtest
from app.database import Database
from app.domain.backtest_figures import Period
from tests.cli.conftest import Query, Run
from tests.cli.test_replay import CDNOW, EXAMPLE, flat_rates, orders

__all__ = ["flat_rates"]

DOUBLE = {
    "name": "Double",
    "trigger": "order",
    "window": {},
    "effects": [{"kind": "multiply_points", "factor": "2"}],
}


def ask(url: str, since: str, until: str) -> UUID:
    """A backtest that waits: everything doubled."""

    async def write() -> UUID:
        database = Database(url)
        asked = AskedBacktest(
            Period(datetime.fromisoformat(since), datetime.fromisoformat(until)),
            (DraftCampaign("double", DOUBLE),),
        )
        row = await ask_for_backtest(database, backtest=uuid4(), asked=asked.to_document(), actor="key:test")
        await database.dispose()
        return row.id

    return asyncio.run(write())


def result_of(query: Query, backtest: UUID) -> dict[str, Any]:
    [(state, result, chart)] = query(
        "SELECT state, result::text, chart FROM backtest WHERE id = $1", backtest
    )
    assert state == "done"
    assert chart.startswith("<?xml")
    return json.loads(result)


@pytest.mark.usefixtures("flat_rates")
def test_a_draft_over_the_orders_replayed(loyalty: Run, query: Query, fresh_database_url: str) -> None:
    assert loyalty("replay", EXAMPLE).exit_code == 0
    before = query("SELECT account FROM account ORDER BY 1")
    since = sorted(order["occurred_at"] for order in orders())[20]
    backtest = ask(fresh_database_url, since, "2027-01-01T00:00:00+08:00")
    ended = loyalty("backtest", backtest)
    assert ended.exit_code == 0, ended.output
    later = [order for order in orders() if order["occurred_at"] >= since]
    points = sum(int(order["amount"]) // 100 for order in later)
    result = result_of(query, backtest)
    assert result["orders"] == len(later)
    assert result["points"]["baseline"] == points
    # What is under a point of each order is doubled too.
    assert result["points"]["draft"] == sum(int(order["amount"]) * 2 // 100 for order in later)
    assert result["tiers"]["moves"] == []
    assert query("SELECT account FROM account ORDER BY 1") == before
    assert loyalty("verify").exit_code == 0


def test_one_that_is_not_there_is_no_mistake(loyalty: Run) -> None:
    assert loyalty("backtest", uuid4()).exit_code == 0


@pytest.mark.usefixtures("flat_rates")
@pytest.mark.skipif(
    CDNOW is None, reason="LOYALTY_TEST_CDNOW names no file: its authors set no terms, so none is kept here"
)
def test_real_orders(loyalty: Run, query: Query, fresh_database_url: str) -> None:
    """The CDNOW purchase log of marketing science: 69,659 orders of 23,570 customers, 1997 and 1998."""
    assert loyalty("replay", CDNOW).exit_code == 0
    backtest = ask(fresh_database_url, "1997-01-01T00:00:00+08:00", "1998-07-01T00:00:00+08:00")
    assert loyalty("backtest", backtest).exit_code == 0
    result = result_of(query, backtest)
    with Path(os.environ["LOYALTY_TEST_CDNOW"]).open(newline="") as file:
        doubled = sum(int(order["amount"]) * 2 // 100 for order in csv.DictReader(file))
    assert (result["orders"], result["members"], result["amount"]) == (69_659, 23_570, 250_031_563)
    assert result["points"] == {
        "baseline": 2_453_159,
        "draft": doubled,
        "difference": doubled - 2_453_159,
    }
    ends = {told["tier"]: told["draft"] for told in result["tiers"]["data"]}
    assert ends == {"bronze": 21_823, "silver": 1_728, "gold": 18, "platinum": 1}
