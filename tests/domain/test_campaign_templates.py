"""Standard campaigns: what each is made of, and where mistakes are among its parameters."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.campaign_document import CampaignInvalid, read_campaign, write_campaign
from app.domain.campaign_templates import (
    COMMON,
    STANDARDS,
    CampaignTemplateNotFound,
    among_parameters,
    document_of,
)

FROM, UNTIL = "2026-03-05T00:00:00+08:00", "2026-03-05T12:00:00+08:00"
DOUBLE = [{"kind": "multiply_points", "factor": "2"}]
COUPON = [{"kind": "issue_coupon", "template": "spring-30"}]

MADE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "birthday-month": (
        {},
        {
            "name": "生日月双倍积分",
            "trigger": "order",
            "condition": "member.birthday_month == local.month",
            "effects": DOUBLE,
        },
    ),
    "birthday-gift": (
        {"coupon": "spring-30"},
        {"name": "生日礼", "trigger": "birthday", "effects": COUPON},
    ),
    "member-day": (
        {},
        {
            "name": "会员日双倍积分",
            "trigger": "order",
            "window": {"rrule": "FREQ=MONTHLY;BYDAY=1SA"},
            "effects": DOUBLE,
        },
    ),
    "category-multiplier": (
        {"categories": ["tea"], "factor": "1.5", "until": UNTIL},
        {
            "name": "品类多倍积分",
            "trigger": "order",
            "window": {"until": "2026-03-05T04:00:00Z"},
            "effects": [{"kind": "multiply_points", "factor": "1.5", "lines": {"categories": ["tea"]}}],
        },
    ),
    "new-member-gift": (
        {"points": 100, "coupon": "spring-30"},
        {
            "name": "新人礼",
            "trigger": "enrolment",
            "effects": [{"kind": "add_points", "points": 100}, *COUPON],
        },
    ),
    "win-back": (
        {"coupon": "spring-30", "dormant_days": 120},
        {"name": "老友回归礼", "trigger": "dormancy", "dormant_days": 120, "effects": COUPON},
    ),
    "holiday-greeting": (
        {"points": 88, "holidays": ["春节"]},
        {
            "name": "节日问候",
            "trigger": "holiday",
            "holidays": ["春节"],
            "at": "09:00",
            "effects": [{"kind": "add_points", "points": 88}],
        },
    ),
    "flash-multiplier": (
        {"from": FROM, "until": UNTIL, "skus": ["tea-100"]},
        {
            "name": "限时多倍积分",
            "trigger": "order",
            "window": {"from": "2026-03-04T16:00:00Z", "until": "2026-03-05T04:00:00Z"},
            "effects": [{"kind": "multiply_points", "factor": "3", "lines": {"skus": ["tea-100"]}}],
        },
    ),
    "new-product-week": (
        {"from": FROM, "skus": ["tea-100"]},
        {
            "name": "新品周",
            "trigger": "order",
            "window": {"from": "2026-03-04T16:00:00Z", "until": "2026-03-11T16:00:00Z"},
            "effects": [{"kind": "multiply_points", "factor": "2", "lines": {"skus": ["tea-100"]}}],
        },
    ),
}


@pytest.mark.parametrize("template", STANDARDS)
def test_each_makes_a_campaign(template: str) -> None:
    given, expected = MADE[template]
    assert write_campaign(read_campaign("c", document_of(template, given))) == expected


def test_anything_common_may_be_said() -> None:
    said: dict[str, Any] = {
        "name": "会员日",
        "tiers": ["gold"],
        "audience": "true",
        "budget": {"points": 5},
        "priority": 3,
        "stacks": False,
        "holdout_percent": 10,
    }
    campaign = write_campaign(
        read_campaign("c", document_of("member-day", {**said, "from": FROM, "until": None}))
    )
    assert said.items() <= campaign.items()
    assert campaign["window"] == {"from": "2026-03-04T16:00:00Z", "rrule": "FREQ=MONTHLY;BYDAY=1SA"}
    assert set(said) | {"from", "until"} == set(COMMON)


def test_a_week_may_be_longer() -> None:
    given = {"from": FROM, "until": "2026-04-01T00:00:00+08:00", "brands": ["x"]}
    assert document_of("new-product-week", given)["window"] == {"from": FROM, "until": given["until"]}


@pytest.mark.parametrize(
    ("template", "given", "pointers"),
    [
        ("birthday-gift", {}, ["/coupon"]),
        ("birthday-gift", {"points": None, "factor": "2"}, ["/coupon", "/factor"]),
        ("flash-multiplier", {"until": UNTIL}, ["/from"]),
        ("category-multiplier", {"holidays": ["春节"]}, ["/skus", "/holidays"]),
        ("new-product-week", {}, ["/from", "/skus"]),
    ],
)
def test_what_does_not_go_with_a_template(template: str, given: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(CampaignInvalid) as caught:
        document_of(template, given)
    assert [mistake.pointer for mistake in caught.value.mistakes] == pointers


def test_what_is_missing_is_told() -> None:
    with pytest.raises(CampaignInvalid) as caught:
        document_of("new-product-week", {"factor": "3", "points": 5})
    assert caught.value.mistakes == [
        ("/from", "is missing"),
        ("/skus", "is missing: give one of skus, categories, brands"),
        ("/points", "does not go with new-product-week"),
    ]


@pytest.mark.parametrize(
    ("template", "given", "pointers"),
    [
        ("new-product-week", {"from": "soon", "skus": ["a"]}, ["/from"]),
        (
            "member-day",
            {"factor": "1", "rrule": 5, "budget": {"points": 0}},
            ["/factor", "/rrule", "/budget/points"],
        ),
        ("birthday-gift", {"coupon": "a b", "points": 0}, ["/points", "/coupon"]),
        ("category-multiplier", {"categories": []}, ["/categories"]),
        ("win-back", {"points": 5, "dormant_days": 0, "until": "x"}, ["/dormant_days", "/until"]),
    ],
)
def test_mistakes_stand_where_the_parameter_does(
    template: str, given: dict[str, Any], pointers: list[str]
) -> None:
    with pytest.raises(CampaignInvalid) as caught:
        read_campaign("c", document_of(template, given))
    placed = caught.value.placed(among_parameters)
    assert [mistake.pointer for mistake in placed.mistakes] == pointers


def test_an_unknown_template() -> None:
    with pytest.raises(CampaignTemplateNotFound):
        document_of("birthday", {})


@pytest.mark.parametrize(
    ("pointer", "parameter"),
    [
        ("/window", "/window"),
        ("/window/rrule", "/rrule"),
        ("/effects/0/lines/skus", "/skus"),
        ("/effects/0", "/"),
        ("/audience", "/audience"),
    ],
)
def test_places_among_parameters(pointer: str, parameter: str) -> None:
    assert among_parameters(pointer) == parameter
