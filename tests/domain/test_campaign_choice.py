"""Which campaigns apply, and how much their budgets let them pay. Source: RULES.md, Campaigns."""

import json
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

import pytest

from app.domain.account import SUMS_OF_CAMPAIGNS, Tally
from app.domain.campaign_choice import MOST_POINTS, applying, budgets_of, counted, judge, limit, stacked
from app.domain.campaigns import Campaign, CampaignBudget, Lines
from app.domain.commands import Adjust
from app.domain.posting import Change, telling
from app.domain.roster import Asking, ConditionFailed, Roster
from tests.domain.book import Book
from tests.domain.fair import PLAIN, Fair, campaign, points


def asking(expression: str) -> bool:
    if expression == "breaks":
        raise ConditionFailed("no such attribute")
    return expression == "yes"


# what the campaign says → what becomes of it for a member of the tier bronze
JUDGED: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({}, ("applied", "")),
    ({"tiers": frozenset({"bronze", "gold"})}, ("applied", "")),
    ({"tiers": frozenset({"gold"}), "audience": "breaks"}, ("not_for_tier", "")),
    ({"audience": "yes"}, ("applied", "")),
    ({"audience": "no", "condition": "breaks"}, ("not_in_audience", "")),
    ({"audience": "yes", "condition": "no"}, ("condition_false", "")),
    ({"audience": "yes", "condition": "yes"}, ("applied", "")),
    ({"audience": "breaks", "condition": "no"}, ("failed", "no such attribute")),
    ({"condition": "breaks", "holdout_percent": 99}, ("failed", "no such attribute")),
    ({"condition": "no", "holdout_percent": 99}, ("condition_false", "")),
    ({"condition": "yes", "holdout_percent": 99}, ("held_out", "")),
]


@pytest.mark.parametrize(("fields", "outcome"), JUDGED)
def test_what_becomes_of_a_campaign(fields: dict[str, Any], outcome: tuple[str, str]) -> None:
    book = Book(PLAIN)
    found = campaign("a", points(1), **fields)
    [judged] = judge([found], book.account(), lambda: asking)
    assert judged == (found, *outcome)


def test_facts_are_gathered_once_and_only_if_asked_for() -> None:
    asked: list[int] = []

    def ask() -> Asking:
        asked.append(1)
        return asking

    account = Book(PLAIN).account()
    judge(
        [campaign("a", points(1)), campaign("b", points(1), tiers=frozenset({"gold"}), condition="yes")],
        account,
        ask,
    )
    assert asked == []
    judge([campaign(code, points(1), audience="yes", condition="no") for code in "abc"], account, ask)
    assert asked == [1]


def test_only_those_that_apply_and_failures_are_noted() -> None:
    found = [campaign("a", points(1), condition="breaks"), campaign("b", points(1), condition="yes"),
             campaign("c", points(1), condition="no")]  # fmt: skip
    roster = Roster({"order": found}, ask=lambda _trigger, _facts: asking)
    account = Book(PLAIN).account()
    assert applying("order", account, roster, dict) == [found[1]]
    assert roster.failures == [("a", "no such attribute")]
    assert applying("sign_in", account, roster, dict) == []


STACKED: list[tuple[str, str]] = [
    ("", ""),
    ("a", "a"),
    ("A", "A"),
    ("ab", "ab"),
    ("Ab", "A"),
    ("aB", "a"),
    ("aBc", "ac"),
    ("AB", "A"),
]


@pytest.mark.parametrize(("those", "together"), STACKED)
def test_those_that_stack_apply_together(those: str, together: str) -> None:
    """Capitals don't stack: they apply as the first alone, and then alone."""
    found = [campaign(code, points(1), stacks=code.islower()) for code in those]
    assert "".join(each.campaign for each in stacked(found)) == together


def test_the_order_they_apply_in() -> None:
    found = [campaign("a", points(1), priority=-1), campaign("c", points(1)), campaign("b", points(1)),
             campaign("d", points(1), priority=2)]  # fmt: skip
    assert [each.campaign for each in sorted(found, key=lambda each: each.order_key)] == ["d", "b", "c", "a"]


def test_the_control_group_is_a_stable_share() -> None:
    """The same as SQL counts it, another one for each campaign, and none without a share."""
    found = campaign("c", points(1), holdout_percent=20)
    held = {f"m{number}" for number in range(5_000) if found.holds_out(f"m{number}")}
    assert 0.18 < len(held) / 5_000 < 0.22
    assert all(int(md5(f"c/{member}".encode()).hexdigest()[:8], 16) % 100 < 20 for member in held)  # noqa: S324
    other = campaign("d", points(1), holdout_percent=20)
    assert 0.02 < len([member for member in held if other.holds_out(member)]) / 5_000 < 0.06
    assert not any(campaign("c", points(1)).holds_out(member) for member in held)
    more = campaign("c", points(1), holdout_percent=40)
    assert all(more.holds_out(member) for member in held)


# --- budgets ----------------------------------------------------------------------------------------------


Allowed = tuple[dict[str, int], set[str], dict[str, int]]  # points, spent, draws


def limited(
    given: int, left: dict[str, int], paid: int, **limits: int
) -> tuple[dict[str, int], set[str], dict[str, int]]:
    book = Fair()
    member, context = book.members["m"], book.context()
    found = campaign("a", points(1), budget=CampaignBudget(**limits))
    member.given["a"] = given
    context = context._replace(campaigns=Roster({}, left=left, all_shares=left))
    points_of, spent, draws = limit([found], {"a": paid}, member, context)
    return points_of, set(spent), draws


TODAY = "a/2026-03-05"
LIMITED: list[tuple[int, dict[str, int], int, dict[str, int], Allowed]] = [
    (0, {}, 70, {}, ({"a": 70}, set(), {})),
    (0, {"a": 100}, 70, {"points": 100}, ({"a": 70}, set(), {"a": 70})),
    (0, {"a": 50}, 70, {"points": 100}, ({"a": 50}, set(), {"a": 50})),
    (0, {"a": 0}, 70, {"points": 100}, ({}, {"a"}, {})),
    (0, {"a": 0}, 0, {"points": 100}, ({"a": 0}, set(), {})),  # what gives no points is in no budget
    (60, {}, 70, {"per_member": 100}, ({"a": 40}, set(), {})),
    (100, {}, 70, {"per_member": 100}, ({}, {"a"}, {})),
    (170, {}, 70, {"per_member": 100}, ({}, {"a"}, {})),  # lowered meanwhile
    (170, {}, 0, {"per_member": 100}, ({"a": 0}, set(), {})),
    (0, {TODAY: 30}, 70, {"per_day": 100}, ({"a": 30}, set(), {TODAY: 30})),
    (0, {"a": 50, TODAY: 30}, 70, {"points": 100, "per_day": 100}, ({"a": 30}, set(), {"a": 30, TODAY: 30})),
    (0, {"a": 20, TODAY: 30}, 70, {"points": 100, "per_day": 100}, ({"a": 20}, set(), {"a": 20, TODAY: 20})),
    (0, {"a": 50, TODAY: 0}, 70, {"points": 100, "per_day": 100}, ({}, {"a"}, {})),
    (90, {"a": 50}, 70, {"points": 100, "per_member": 100}, ({"a": 10}, set(), {"a": 10})),
    (100, {}, 70, {"points": 100, "per_member": 100}, ({}, {"a"}, {})),  # the budget in all isn't asked for
]  # fmt: skip


@pytest.mark.parametrize(("given", "left", "paid", "limits", "allowed"), LIMITED)
def test_what_budgets_let_it_pay(
    given: int, left: dict[str, int], paid: int, limits: dict[str, int], allowed: Allowed
) -> None:
    assert limited(given, left, paid, **limits) == allowed


def test_more_points_than_a_ledger_can_hold() -> None:
    book = Fair()
    found = [campaign(code, points(1)) for code in "ab"]
    paid = {"a": MOST_POINTS, "b": MOST_POINTS + 1}
    assert limit(found, paid, book.members["m"], book.context()) == ({"a": MOST_POINTS}, {"b"}, {})
    assert book.failures == [("b", f"it would give more than {MOST_POINTS} points at once.")]


def test_each_campaign_has_budgets_of_its_own() -> None:
    book = Fair()
    found = [campaign(code, points(1), budget=CampaignBudget(points=9)) for code in "ab"]
    context = book.context()._replace(campaigns=Roster({}, left={"a": 5, "b": 7}, all_shares="ab"))
    assert limit(found, {"a": 9, "b": 9}, book.members["m"], context) == (
        {"a": 5, "b": 7},
        set(),
        {"a": 5, "b": 7},
    )


def test_a_spent_budget_stands_in_nobody_elses_way() -> None:
    book = Fair()
    found = [campaign(code, points(1), budget=CampaignBudget(points=9)) for code in "abc"]
    context = book.context()._replace(campaigns=Roster({}, left={"a": 0, "b": 7, "c": 2}, all_shares="abc"))
    assert limit(found, {"a": 9, "b": 9, "c": 1}, book.members["m"], context) == (
        {"b": 7, "c": 1},
        {"a"},
        {"b": 7, "c": 1},
    )


def test_the_budgets_of_all_members() -> None:
    def of(**limits: int) -> list[str]:
        return budgets_of(campaign("a", points(1), budget=CampaignBudget(**limits)), "2026-03-05")

    assert of() == of(per_member=1) == []
    assert of(points=1, per_member=1, per_day=1) == ["a", TODAY]


# --- counting ---------------------------------------------------------------------------------------------


def test_an_entry_tells_what_campaigns_gave() -> None:
    book = Book(PLAIN)
    change = book.decide(Adjust(member_id="m", reference="r", points=1, reason="x"))
    tallies = (
        Tally("a", times=1, amount=5, points=7),
        Tally("b", times=1, growth=2),
        Tally("a", chances=3),
    )
    assert counted(book.members["m"], change, book.context()) is change
    after = counted(book.members["m"], change._replace(tallies=tallies), book.context())
    assert change.entry is not None
    assert after.entry is not None
    campaigns = {"a": [1, 5, 7, 0, 3], "b": [1, 0, 0, 2]}
    assert SUMS_OF_CAMPAIGNS[:5] == ("times", "amount", "points", "growth", "chances")
    assert json.loads(after.entry.detail) == {
        **json.loads(change.entry.detail if change.entry else ""),
        "campaigns": campaigns,
    }
    assert {name: list(sums) for name, sums in after.detail["campaigns"].items()} == campaigns


def test_an_entry_tells_it_once() -> None:
    book = Book(PLAIN)
    change = book.decide(Adjust(member_id="m", reference="r", points=1, reason="x"))
    tallies = (Tally("a", times=1, points=7),)
    told = telling(change, campaigns={"a": [1, 0, 7]})._replace(tallies=tallies)
    assert counted(book.members["m"], told, book.context()).entry is told.entry


def test_what_each_gave_the_member_is_added_up() -> None:
    book = Book(PLAIN)
    member = book.members["m"]
    member.given["a"] = 10
    change = book.decide(Adjust(member_id="m", reference="r", points=1, reason="x"))
    tallies = (
        Tally("a", times=1, points=7),
        Tally("b", times=1, points=2),
        Tally("a", points=5),
        Tally("c", times=1),
    )

    def given(limited: frozenset[str] | None) -> dict[str, int]:
        member.limited = limited
        return {
            row.campaign: row.points
            for row in counted(member, change._replace(tallies=tallies), book.context()).given
        }

    assert given(None) == {"a": 22, "b": 2}
    assert given(frozenset("bc")) == {"b": 2}


def test_an_entry_that_tells_nothing_else() -> None:
    change = Book(PLAIN).decide(Adjust(member_id="m", reference="r", points=1, reason="x"))
    assert change.entry is not None
    bare = Change(account=change.account, entry=change.entry._replace(detail="{}"))
    after = telling(bare, one=1)
    assert after.entry is not None
    assert (after.entry.detail, after.detail) == ('{"one":1}', {"one": 1})


def test_lines() -> None:
    assert Lines().has("a", None, None)
    named = Lines(skus=frozenset("a"), categories=frozenset("b"), brands=frozenset("c"))
    assert named.has("a", None, None)
    assert named.has("x", "b", None)
    assert named.has("x", None, "c")
    assert not named.has("b", "c", "a")
    assert not Lines(categories=frozenset("b")).has("b", None, None)


def test_a_campaign_by_its_words_alone() -> None:
    found = Campaign(campaign="a", name="A", trigger="order", effects=(points(1),))
    assert (found.stacks, found.state, found.order_key) == (True, "live", (0, "a"))
    assert found.created_at <= datetime(2020, 1, 1, tzinfo=UTC)
