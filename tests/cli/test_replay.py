"""Orders of the past: their sums are plain arithmetic."""

from __future__ import annotations

import csv
import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

from tests.cli.conftest import Query, Run

EXAMPLE = Path(__file__).parents[2] / "examples" / "orders.csv"
CDNOW = os.environ.get("LOYALTY_TEST_CDNOW")


@pytest.fixture
def flat_rates(query: Query) -> None:
    """A version of the program in which every tier earns alike."""
    [(document,)] = query("SELECT document FROM program_version")
    program = json.loads(document)
    for tier in program["tiers"]["ladder"]:
        tier["rate"] = "1"
    query(
        "INSERT INTO program_version (version, document, effective_at, created_at, publication) "
        "VALUES (2, $1, '1980-01-01Z', '2026-01-01Z', 2) RETURNING version",
        json.dumps(program),
    )


def orders() -> list[dict[str, str]]:
    with EXAMPLE.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("flat_rates")
def test_totals_are_plain_arithmetic(loyalty: Run, query: Query) -> None:
    ended = loyalty("replay", EXAMPLE)
    assert ended.exit_code == 0, ended.output
    spend: dict[str, int] = defaultdict(int)
    for order in orders():
        spend[order["member_id"]] += int(order["amount"])
    points = sum(int(order["amount"]) // 100 for order in orders())
    assert query("SELECT sum(earned)::int, sum(orders)::int FROM account") == [(points, 40)]
    assert dict(query("SELECT member_id, spend FROM account")) == dict(spend)
    assert f"{points:,}" in ended.stdout
    assert f"{sum(spend.values()):,}" in ended.stdout
    tiers = query("SELECT member_id FROM account WHERE tier <> 'bronze' ORDER BY 1")
    assert [member for (member,) in tiers] == sorted(member for member, fen in spend.items() if fen >= 30_000)
    assert loyalty("verify").exit_code == 0


@pytest.mark.usefixtures("flat_rates")
@pytest.mark.skipif(
    CDNOW is None, reason="LOYALTY_TEST_CDNOW names no file: its authors set no terms, so none is kept here"
)
def test_real_orders_add_up(loyalty: Run, query: Query) -> None:
    """The CDNOW purchase log of marketing science: 69,659 orders of 23,570 customers, 1997 and 1998."""
    ended = loyalty("replay", CDNOW)
    assert ended.exit_code == 0, ended.output
    assert query("SELECT count(*), sum(orders)::int, sum(earned)::int, sum(spend)::bigint FROM account") == [
        (23_570, 69_659, 2_453_159, 250_031_563)
    ]
    assert query(
        "SELECT count(*) FILTER (WHERE tier <> 'bronze'), "
        "count(*) FILTER (WHERE tier NOT IN ('bronze', 'silver')), "
        "count(*) FILTER (WHERE tier IN ('platinum', 'diamond')) FROM account"
    ) == [(1_747, 19, 1)]
    assert loyalty("verify").exit_code == 0


@pytest.mark.usefixtures("in_2026")
def test_it_happens_as_of_then(loyalty: Run, query: Query) -> None:
    assert loyalty("replay", EXAMPLE).exit_code == 0
    first = min(order["occurred_at"] for order in orders() if order["member_id"] == "c-0004")
    assert query(
        "SELECT joined_at = $1::text::timestamptz FROM account WHERE member_id = 'c-0004'", first
    ) == [(True,)]
    assert query(
        "SELECT count(*) FROM lot WHERE expires_at <= accrued_at + interval '366 days' AND granted > 0"
    ) == query("SELECT count(*) FROM lot WHERE granted > 0")
    # Gold earns 1.2 from the order after the one that won it.
    assert query("SELECT points FROM entry WHERE order_id = 'o-2026-0026'") == [(10_798,)]


def test_run_again_it_changes_nothing(loyalty: Run, query: Query) -> None:
    loyalty("replay", EXAMPLE)
    before = query("SELECT account FROM account ORDER BY 1")
    ended = loyalty("replay", EXAMPLE)
    assert ended.exit_code == 0
    assert "40 of them there already" in ended.stdout
    assert query("SELECT account FROM account ORDER BY 1") == before


def test_bad_lines_are_told_and_the_others_taken(loyalty: Run, query: Query, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(
        "member_id,order_id,occurred_at,amount\n"
        "a,o-1,2026-01-01T12:00:00+08:00,1000\n"
        "a,o-1,2026-01-01T12:00:00+08:00,2000\n"
        "a,o-2,2026-01-01,1000\n"
        "a,o-3,2199-01-01T12:00:00+08:00,1000\n"
        "b,o-4,2026-01-01T12:00:00+08:00,10.50\n"
        "b,,2026-01-01T12:00:00+08:00,1000\n"
        "b,o-5,2026-01-01T12:00:00+08:00,3000\n"
    )
    ended = loyalty("replay", file)
    assert ended.exit_code == 1
    told = sorted(line.split(": ")[0] for line in ended.stderr.splitlines())
    assert told == ["line 3", "line 4", "line 5", "line 6", "line 7"]
    assert "order_already_accrued" in ended.stderr
    assert "occurred_at_in_future" in ended.stderr
    assert query("SELECT member_id, earned FROM account ORDER BY 1") == [("a", 10), ("b", 30)]
    assert (tmp_path / "orders.csv.rejected.csv").exists()
