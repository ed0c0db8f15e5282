"""Conditions in CEL: what they see, what is refused when they are saved, and that none holds a process up."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import structlog

from app.expressions import MAX_LENGTH, ExpressionInvalid, Facts, check, matches
from tests.pace import takes_at_most

FACTS = Facts(
    tier="gold",
    region="上海",
    gender="female",
    spend_fen=120_000,
    orders=3,
    joined_at=datetime(2026, 1, 5, 2, tzinfo=UTC),
    birthday_month=5,
    attributes={
        "newsletter": True,
        "visits": 7,
        "store": "Shanghai",
        "nothing": None,
        "large": 2**53,
        "long": "a" * 500,
    },
)
STRANGER = Facts(tier="ordinary", spend_fen=0, orders=0, joined_at=datetime(2026, 1, 5, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("true", True),
        ('member.tier == "gold" && member.spend >= 120000', True),
        ('member.tier in ["silver", "gold"]', True),
        ('member.tier == "silver" || member.orders > 5', False),
        ('member.region == "上海"', True),
        ('member.gender == "female" ? member.orders == 3 : false', True),
        ("member.birthday_month == 5", True),
        ('member.joined_at < timestamp("2026-02-01T00:00:00+08:00")', True),
        ("member.joined_at.getFullYear() == 2026 && member.joined_at.getMonth() == 0", True),
        ('(member.joined_at + duration("8h")).getHours() == 10', True),
        ("member.attributes.newsletter == true", True),
        ('member.attributes["visits"] % 2 == 1', True),
        ("has(member.attributes.visits) && member.attributes.visits > 5", True),
        ("has(member.attributes.missing) && member.attributes.missing > 5", False),
        ('"store" in member.attributes', True),
        ("member.attributes.nothing == null", True),
        ("member.attributes.large == 9007199254740992", True),
        ('member.attributes.store.startsWith("Shang") && member.attributes.store.size() == 8', True),
        ("double(member.spend) * 1.5 > 179999.0", True),
        ('string(member.orders) == "3" // a remark', True),
    ],
)
def test_what_a_condition_sees(expression: str, holds: bool) -> None:
    check(expression)
    assert matches(expression, FACTS) is holds


@pytest.mark.parametrize(
    "expression",
    ['member.region == ""', 'member.gender == ""', "member.birthday_month == 0", "member.attributes == {}"],
)
def test_what_is_not_known_is_empty(expression: str) -> None:
    assert matches(expression, STRANGER)
    assert not matches(expression, FACTS)


@pytest.mark.parametrize(
    "expression",
    [
        "member.attributes.missing == 1",
        "member.attributes.store > 5",
        "member.spend / (member.orders - 3) > 1",
        "member.spend * 9223372036854775807 > 1",
        'timestamp("yesterday") < member.joined_at',
        'int("x") == 1',
    ],
)
def test_a_condition_that_fails_does_not_hold_and_is_told_once(expression: str) -> None:
    check(expression)
    with structlog.testing.capture_logs() as told:
        assert not matches(expression, FACTS)
        assert not matches(expression, FACTS)
    assert [(event["event"], event["log_level"]) for event in told] == [("condition_failed", "warning")]


def test_a_failing_part_that_does_not_matter() -> None:
    """CEL's own rule: with || one side that holds is enough, whichever it is."""
    assert matches("member.spend / (member.orders - 3) > 1 || true", FACTS)


@pytest.mark.parametrize(
    ("expression", "line", "column", "words"),
    [
        ('member.teir == "gold"', 1, 7, "nothing is known by this name"),
        ('tier == "gold"', 1, 1, "nothing is known by this name"),
        ("member.tier == 5", 1, 13, "applied to (string, int)"),
        ('member.tier == "gold" &&\n member.spend ==', 2, 17, "can't be read"),
        ("", 1, 1, "can't be read"),
        ("银 == 1", 1, 1, "can't be read"),
        ("member.spend", 1, 1, "true or false"),
        ("member.attributes.newsletter", 1, 1, "true or false"),
        ('"\ud800" == "a"', 1, 1, "surrogate"),
        ("true" + " " * MAX_LENGTH, 1, MAX_LENGTH + 1, "2000 characters"),
        ("(" * 40 + "true" + ")" * 40, 1, 1, "nested too deeply"),
        ("1" + "+1" * 900 + " > 1", 1, 1, "nested too deeply"),
        ("member.attributes" + ".a" * 900 + " == 1", 1, 1, "nested too deeply"),
    ],
)
def test_what_is_refused_when_it_is_saved(expression: str, line: int, column: int, words: str) -> None:
    with pytest.raises(ExpressionInvalid, match=re.escape(words)) as refusal:
        check(expression)
    assert (refusal.value.extra["line"], refusal.value.extra["column"]) == (line, column)
    assert refusal.value.extra["message"] in refusal.value.detail


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    for expression in ("secret_name == 1", 'member.tier == "secret" secret', 'member.tier.secret("x")'):
        with pytest.raises(ExpressionInvalid) as refusal:
            check(expression)
        assert "secret" not in refusal.value.detail


MOMENTS = ("FullYear", "Month", "Date", "DayOfMonth", "DayOfWeek", "DayOfYear", "Hours", "Minutes")


@pytest.mark.parametrize(
    "expression",
    [
        # Lists made by loops, and names for what was computed.
        "[1].map(x, x + 1) == [2]",
        "[1].filter(x, x == 1) == [1]",
        "cel.bind(x, 1, x == 1)",
        # Patterns: one of 50 characters takes 35 ms, and a member's attribute might be one.
        'member.tier.matches("(a|b|c){1000}")',
        'matches(member.tier, "a")',
        # A zone is a file that is read, whatever file that is.
        *(f'member.joined_at.get{name}("/dev/stdin") == 1' for name in (*MOMENTS, "Seconds", "Milliseconds")),
    ],
)
def test_what_could_take_long_is_not_known(expression: str) -> None:
    with pytest.raises(ExpressionInvalid, match="nothing is known by this name"):
        check(expression)


@pytest.mark.parametrize("name", MOMENTS)
def test_moments_are_utc(name: str) -> None:
    check(f"member.joined_at.get{name}() == 1")


@pytest.mark.parametrize(
    "expression",
    [
        "!" * 1_990 + "true",
        "-" * 1_990 + "1 < 2",
        " || ".join(f'member.tier=="{number}"' for number in range(90)),
        "[" + ",".join("1" * 3 for _ in range(490)) + "] == []",
        "{" + ",".join(f"{number}:1" for number in range(300)) + "} == {}",
        "[" * 25 + "]" * 25 + " == []",
        "+".join(["member.attributes.long"] * 25) + ' == "a"',
        "(" * 2_000,
        "?" * 2_000,
        '"' + "\\" * 1_900,
        "member." * 280 + "tier",
        "1 ? " * 400,
        "a(" * 900,
        "\x00" * 2_000,
    ],
    ids=lambda expression: expression[:12].replace("\x00", "0"),
)
def test_the_worst_that_can_be_written_takes_milliseconds(expression: str) -> None:
    with takes_at_most(0.25):
        try:
            check(expression)
        except ExpressionInvalid:
            pass
        else:
            matches(expression, FACTS)


def test_an_expression_that_was_saved_when_more_was_known_does_not_hold() -> None:
    with structlog.testing.capture_logs() as told:
        assert not matches("member.no_longer_known == 1", FACTS)
    assert [event["event"] for event in told] == ["condition_invalid"]
