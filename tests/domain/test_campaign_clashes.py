"""What is pointed out of a campaign: others and festivals on its days, and what it can't give."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.domain.campaign_clashes import MOST_OTHERS, Planned, clashes
from app.domain.campaign_document import read_campaign
from app.domain.coupon_templates import Template

NOW = datetime(2026, 3, 5, 2, tzinfo=UTC)
TODAY = date(2026, 3, 5)
WEEK = frozenset(TODAY + timedelta(days=number) for number in range(7))
GIFT: dict[str, Any] = {"effects": [{"kind": "add_points", "points": 5}]}
DOUBLE = {"kind": "multiply_points", "factor": "2"}


def planned(code: str = "c", days: frozenset[date] = WEEK, **fields: Any) -> Planned:
    document = {"name": "x", "trigger": "order", "effects": [DOUBLE], **fields}
    return Planned(read_campaign(code, document, state="live"), days)


def told(
    campaign: Planned,
    *others: Planned,
    festivals: dict[date, frozenset[str]] | None = None,
    templates: dict[str, Template] | None = None,
) -> list[tuple[str, str]]:
    found = clashes(campaign, others, now=NOW, festivals=festivals or {}, templates=templates or {})
    return [(note.code, note.pointer) for note in found]


def detail(campaign: Planned, *others: Planned) -> str:
    (note,) = clashes(campaign, others, now=NOW, festivals={}, templates={})
    return note.detail


def test_nothing_to_point_out() -> None:
    assert told(planned()) == []


# --- others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "other", "words"),
    [
        ([DOUBLE], [DOUBLE], "together they give 4 times the points."),
        (
            [DOUBLE],
            [{"kind": "multiply_points", "factor": "1.25"}],
            "together they give 2.5 times the points.",
        ),
        (
            [DOUBLE],
            [{**DOUBLE, "lines": {"skus": ["a"]}}],
            "together they give 4 times the points where both are for the same goods.",
        ),
        ([DOUBLE], [{"kind": "add_points", "points": 5}], "both give."),
        ([{"kind": "add_growth", "growth": 5}], [DOUBLE], "both give."),
    ],
)
def test_the_same_days(own: list[Any], other: list[Any], words: str) -> None:
    told_of = detail(planned(effects=own), planned("d", effects=other))
    assert told_of == f"The campaign d is for the same days (from 2026-03-05 on): {words}"


def test_the_first_day_they_share_is_told() -> None:
    other = planned("d", frozenset({date(2026, 3, 9), date(2026, 3, 8), date(2026, 3, 1)}))
    assert "from 2026-03-08 on" in detail(planned(), other)


@pytest.mark.parametrize(
    ("fields", "other"),
    [
        ({}, planned("d", frozenset({date(2026, 4, 1)}))),
        ({}, planned("c")),  # itself, as it is now
        ({}, planned("d", trigger="sign_in")),
        ({"tiers": ["gold"]}, planned("d", tiers=["silver"])),
    ],
)
def test_campaigns_that_do_not_meet(fields: dict[str, Any], other: Planned) -> None:
    assert told(planned(**fields), other) == []


@pytest.mark.parametrize(
    ("fields", "other", "code"),
    [
        ({"stacks": False}, {}, "shadows"),  # first by its name
        ({}, {"stacks": False}, "shadows"),
        ({"stacks": False}, {"priority": 1}, "shadowed"),
        ({}, {"priority": 1, "stacks": False}, "shadowed"),
        ({"stacks": False, "priority": 2}, {"priority": 1, "stacks": False}, "shadows"),
        ({"tiers": ["gold"], "stacks": False}, {"tiers": ["gold", "silver"]}, "shadows"),
        ({**GIFT, "trigger": "birthday", "stacks": False}, {**GIFT, "trigger": "birthday"}, "shadows"),
    ],
)
def test_campaigns_that_do_not_stack(fields: dict[str, Any], other: dict[str, Any], code: str) -> None:
    assert told(planned(**fields), planned("d", **other)) == [(code, "/stacks")]


def test_campaigns_that_pay_each_at_their_own_time() -> None:
    alone = planned(**GIFT, trigger="schedule", stacks=False)
    assert told(alone, planned("d", **GIFT, trigger="schedule")) == [("same_days", "/window")]


def test_no_more_are_told_than_are_read() -> None:
    others = [planned(f"d{number}") for number in range(MOST_OTHERS + 5)]
    assert len(told(planned(), *others)) == MOST_OTHERS


def test_those_that_apply_first_are_told_first() -> None:
    others = [planned("f"), planned("d"), planned("e", priority=1)]
    found = clashes(planned(), others, now=NOW, festivals={}, templates={})
    assert [note.detail.split()[2] for note in found] == ["e", "d", "f"]


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ({"tiers": ["gold"]}, {}),
        ({}, {"tiers": ["gold"]}),
        ({"tiers": ["gold"]}, {"tiers": ["silver", "gold"]}),
    ],
)
def test_campaigns_that_one_tier_may_get(own: dict[str, Any], other: dict[str, Any]) -> None:
    assert told(planned(**own), planned("d", **other)) == [("same_days", "/window")]


def test_multipliers_of_one_campaign_multiply_each_other() -> None:
    assert "together they give 8 times" in detail(planned(effects=[DOUBLE, DOUBLE]), planned("d"))
    assert "together they give 20 times" in detail(
        planned(effects=[{**DOUBLE, "factor": "10"}]), planned("d")
    )


# --- days ------------------------------------------------------------------------------------------------


def test_a_window_that_is_over() -> None:
    over = planned(days=frozenset(), window={"until": "2026-03-05T02:00:00Z"})
    assert told(over) == [("window_over", "/window/until")]


def test_a_recurrence_without_a_day_that_is_left() -> None:
    assert told(planned(days=frozenset(), window={"rrule": "FREQ=YEARLY"})) == [("no_day", "/window")]


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        ({"春节"}, []),
        ({"春节", "元旦"}, []),
        ({"元旦"}, [("no_day", "/holidays")]),
        ((), [("no_day", "/holidays")]),
    ],
)
def test_a_holiday_on_its_days(begins: set[str], expected: list[tuple[str, str]]) -> None:
    greeting = planned(
        trigger="holiday", holidays=["春节", "国庆节"], effects=[{"kind": "add_points", "points": 5}]
    )
    festivals = {date(2026, 3, 6): frozenset(begins), date(2026, 10, 1): frozenset({"国庆节"})}
    assert told(greeting, festivals=festivals) == expected


def test_festivals_on_its_days() -> None:
    window = {"from": "2026-03-05T00:00:00+08:00", "until": "2026-03-12T00:00:00+08:00"}
    festivals = {
        date(2026, 3, 7): frozenset({"中秋节", "国庆节"}),
        date(2026, 3, 8): frozenset({"国庆节"}),
        date(2026, 5, 1): frozenset({"劳动节"}),
    }
    (note,) = clashes(planned(window=window), [], now=NOW, festivals=festivals, templates={})
    assert (note.code, note.pointer) == ("festival", "/window")
    assert note.detail == "It falls on public holidays: 中秋节 (2026-03-07)、国庆节 (2026-03-07)."
    assert told(planned(), festivals=festivals) == []  # for good: every festival is on its days
    assert told(planned(window={"rrule": "FREQ=WEEKLY"}), festivals=festivals) == [("festival", "/window")]


def test_a_holidays_campaign_is_meant_for_its_festival() -> None:
    greeting = planned(
        **GIFT, trigger="holiday", holidays=["春节"], window={"until": "2026-03-12T00:00:00+08:00"}
    )
    assert told(greeting, festivals={date(2026, 3, 6): frozenset({"春节"})}) == []


# --- what it gives ---------------------------------------------------------------------------------------


def test_budgets_below_one_grant() -> None:
    effects = [{"kind": "add_points", "points": 30}, {"kind": "add_points", "points": 20}]
    budget = {"points": 49, "per_member": 50, "per_day": 10}
    assert told(planned(effects=effects, budget=budget)) == [
        ("budget_below_grant", "/budget/points"),
        ("budget_below_grant", "/budget/per_day"),
    ]


def test_growth_draws_on_no_budget_of_points() -> None:
    effects = [{"kind": "add_points", "points": 30}, {"kind": "add_growth", "growth": 5}]
    assert told(planned(effects=effects, budget={"points": 30})) == []


def coupon(**fields: Any) -> Template:
    document = {"name": "券", "kind": "free_shipping", **fields}
    return Template.from_document("t", 1, document)


@pytest.mark.parametrize(
    ("template", "until", "expected"),
    [
        (coupon(), None, []),
        (coupon(valid={"days": 30}), None, []),
        (coupon(valid={"until": "2026-04-01T00:00:00Z"}), None, "template_ends_before"),
        (coupon(valid={"until": "2026-04-01T00:00:00Z"}), "2026-04-02T00:00:00Z", "template_ends_before"),
        (coupon(valid={"until": "2026-04-01T00:00:00Z"}), "2026-04-01T00:00:00Z", []),
        (coupon(automatic=True), None, "template_not_given"),
        (coupon(state="ended"), None, "template_not_given"),
        (coupon(state="paused"), None, "template_not_given"),
    ],
)
def test_coupons_as_long_as_it_lasts(
    template: Template, until: str | None, expected: str | list[Any]
) -> None:
    campaign = planned(
        effects=[DOUBLE, {"kind": "issue_coupon", "template": "t"}],
        window={"until": until} if until else None,
    )
    found = told(campaign, templates={"t": template})
    assert found == ([(expected, "/effects/1/template")] if expected else [])


# --- words -----------------------------------------------------------------------------------------------

COUPON: dict[str, Any] = {"effects": [{"kind": "issue_coupon", "template": "t"}]}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"window": {"until": "2026-03-05T02:00:00Z"}}, "Its time is over: it gives nothing."),
        ({"days": frozenset()}, "None of its days is within the year after it begins."),
        (
            {**GIFT, "trigger": "holiday", "holidays": ["春节"]},
            "None of these holidays begins on one of its days within the year.",
        ),
        ({**GIFT, "budget": {"points": 4}}, "It is less than one grant of 5 points."),
    ],
)
def test_what_is_told_of_one_that_gives_nothing(fields: dict[str, Any], words: str) -> None:
    assert detail(planned(**fields)) == words


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (coupon(automatic=True), "The template applies without a coupon: nothing is given out of it."),
        (coupon(state="paused"), "The template is paused: nothing is given out of it."),
        (
            coupon(valid={"until": "2026-04-01T00:00:00Z"}),
            "Its coupons end before the campaign does: then none is given.",
        ),
    ],
)
def test_what_is_told_of_its_coupons(template: Template, words: str) -> None:
    (note,) = clashes(planned(**COUPON), [], now=NOW, festivals={}, templates={"t": template})
    assert note.detail == words


def test_what_is_told_of_two_that_do_not_stack() -> None:
    alone, other = planned(stacks=False), planned("d")
    assert detail(alone, other) == "While it applies, the campaign d does not (from 2026-03-05 on)."
    assert detail(other, alone) == "While the campaign c applies, this one does not (from 2026-03-05 on)."
