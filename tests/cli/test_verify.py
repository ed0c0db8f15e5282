"""The ledger against itself, from the command line."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Query, Run

EXAMPLE = Path(__file__).parents[2] / "examples" / "orders.csv"


def test_it_agrees_or_names_what_differs(loyalty: Run, query: Query) -> None:
    loyalty("replay", EXAMPLE)
    agreed = loyalty("verify")
    assert agreed.exit_code == 0, agreed.output
    assert "8 members, 40 entries, 40 lots" in agreed.stdout
    assert "all agree" in agreed.stdout
    assert loyalty("verify", "--jobs", 5).stdout.partition(" In ")[0] == agreed.stdout.partition(" In ")[0]
    query("UPDATE account SET spend = spend + 1 WHERE member_id = 'c-0003' RETURNING 1")
    differs = loyalty("verify")
    assert differs.exit_code == 1
    [line] = differs.stdout.splitlines()
    assert line.startswith("c-0003\t")
    assert "spend" in line
    assert "1 differences" in differs.stderr
