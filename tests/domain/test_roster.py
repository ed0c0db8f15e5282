"""What rules are handed of campaigns: those open, and what is left of budgets that others draw from too."""

import pytest

from app.domain.roster import NO_CAMPAIGNS, Roster
from app.domain.shelf import NeedsMore
from tests.domain.fair import campaign, points

A, B = campaign("a", points(1)), campaign("b", points(1))


def test_campaigns_by_trigger() -> None:
    roster = Roster({"order": [A, B]})
    assert roster.open("order") == [A, B]
    assert roster.open("sign_in") == ()
    assert roster.find("order", "b") is B
    assert roster.find("order", "c") is None
    assert roster.find("sign_in", "a") is None


def test_what_a_campaign_adds_is_worked_out_once() -> None:
    roster = Roster({"order": [A, B]})
    assert roster.boosts(A) is roster.boosts(A)
    assert [boost.campaign for each in (A, B) for boost in roster.boosts(each)] == ["a", "b"]


def test_no_campaigns() -> None:
    assert NO_CAMPAIGNS.open("order") == ()
    with pytest.raises(AssertionError):
        NO_CAMPAIGNS.ask("order", {})("true")


def test_what_is_left_of_a_budget() -> None:
    roster = Roster({}, left={"a": 10}, all_shares=["a"])
    assert roster.left("a", 7) == 7
    roster.draw({"a": 7, "of another process": 1})
    assert roster.left("a", 7) == 3
    roster.draw({"a": 3})
    assert roster.left("a", 1) == 0


def test_a_share_that_does_not_reach_asks_for_the_others() -> None:
    roster = Roster({}, left={"a": 10})
    assert roster.left("a", 10) == 10
    with pytest.raises(NeedsMore) as more:
        roster.left("a", 11)
    assert more.value.budgets == {"a"}
    with pytest.raises(NeedsMore):
        roster.left("unknown", 1)
    assert Roster({}, all_shares=["nowhere"]).left("nowhere", 1) == 0


def test_reading_locks_nothing_and_tells_nobody() -> None:
    roster = Roster({"order": [A]}, left={"a": 10}, numbers={"a": 1}).reading()
    assert roster.open("order") == [A]
    assert roster.numbers == {"a": 1}
    assert (roster.left("a", 7), roster.left("a", 70), roster.left("unknown", 70)) == (7, 10, 70)
    roster.failed("a", "it divides by zero.")
    assert roster.failures == []


def test_reading_does_not_draw_from_what_is_locked() -> None:
    roster = Roster({}, left={"a": 10})
    roster.reading().draw({"a": 10})
    assert roster.left("a", 10) == 10


def test_failures_are_noted() -> None:
    roster = Roster({})
    roster.failed("a", "it divides by zero.")
    assert roster.failures == [("a", "it divides by zero.")]
