"""What is pointed out before a version of the program is published, and what keeps it from being published."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.program import Program
from app.domain.program_warnings import obstacles, templates_of, warnings

Change = Callable[[dict[str, Any]], object]


def made(*changes: Change) -> Program:
    """The default program, changed; nothing in its document is shared."""
    document = json.loads(json.dumps(DEFAULT_PROGRAM_DOCUMENT))
    for change in changes:
        change(document)
    return Program.from_document(1, document)


def put(*path: str | int, to: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        if to is ...:
            del place[path[-1]]
        else:
            place[path[-1]] = to

    return change


LADDER = ("tiers", "ladder")
LOUNGE = {"code": "lounge", "label": "休息室"}
ONE_PERCENT = {"code": "discount", "label": "折扣", "discount_percent": 1}
TEA = put("earning", "categories", "a/b", to="2")
MISSION = put(
    "missions",
    to=[
        {
            "mission": "m",
            "name": "m",
            "counts": "orders",
            "at_least": 1,
            "period": "ever",
            "reward": {"coupon": "w"},
        },
        {
            "mission": "n",
            "name": "n",
            "counts": "orders",
            "at_least": 1,
            "period": "ever",
            "reward": {"points": 1},
        },
    ],
)
NOTHING: Change = lambda _document: None  # noqa: E731 - one of a table
CUMULATIVE = put("cash", to={"policy": "cumulative", "every_fen": 100, "reward_fen": 1})


def months(count: int) -> Change:
    return put("validity", to={"policy": "months", "months": count})


def policy(name: str, **terms: int) -> Change:
    return put("validity", to={"policy": name, **terms})


def swapped(document: dict[str, Any]) -> None:
    ladder = document["tiers"]["ladder"]
    ladder[1], ladder[2] = ladder[2], ladder[1]
    ladder[1]["thresholds"], ladder[2]["thresholds"] = ladder[2]["thresholds"], ladder[1]["thresholds"]


def lowest_swapped(document: dict[str, Any]) -> None:
    ladder = document["tiers"]["ladder"]
    ladder[0], ladder[1] = ladder[1], ladder[0]
    ladder[0]["thresholds"], ladder[1]["thresholds"] = {}, ladder[0]["thresholds"]


def by_orders(document: dict[str, Any]) -> None:
    document["tiers"]["qualification"]["metrics"] = ["orders"]
    for rank, tier in enumerate(document["tiers"]["ladder"]):
        tier["thresholds"] = {"orders": rank} if rank else {}


def with_new_lowest(document: dict[str, Any]) -> None:
    ladder = document["tiers"]["ladder"]
    ladder[0]["thresholds"] = {"spend": 1}
    ladder.insert(0, {**ladder[0], "code": "guest", "name": "访客", "thresholds": {}})


TABLE: list[tuple[Change, Change, set[tuple[str, str]]]] = [
    (NOTHING, NOTHING, set()),
    (NOTHING, put("earning", "rate", to="2"), set()),
    (NOTHING, put("earning", "rate", to="0.9"), {("rate_lowered", "/earning/rate")}),
    (NOTHING, put("earning", "unit_fen", to=200),
     {("rate_lowered", "/earning/rate"), ("growth_lowered", "/growth/rate")}),
    (TEA, TEA, set()),
    (TEA, NOTHING, {("rate_lowered", "/earning/categories")}),
    (TEA, put("earning", "categories", "a/b", to="1"), {("rate_lowered", "/earning/categories/a~1b")}),
    (put("earning", "categories", "a~b", to="2"), put("earning", "categories", "a~b", to="1"),
     {("rate_lowered", "/earning/categories/a~0b")}),
    (put("earning", "brands", "b", to="2"), put("earning", "brands", "b", to="3"), set()),
    (put("earning", "brands", "b", to="2"), put("earning", "brands", "b", to="1"),
     {("rate_lowered", "/earning/brands/b")}),
    (NOTHING, put("growth", "rate", to="0"), {("growth_lowered", "/growth/rate")}),
    (NOTHING, put("cash", to={"policy": "none"}), {("cash_dropped", "/cash/policy")}),
    (NOTHING, CUMULATIVE, {("cash_changed", "/cash")}),
    (put("cash", to={"policy": "none"}), NOTHING, set()),
    (NOTHING, put("sign_in", "points", to=9), {("sign_in_lowered", "/sign_in/points")}),
    (NOTHING, put("sign_in", "ladder", 0, "points", to=19), {("sign_in_lowered", "/sign_in/ladder")}),
    (NOTHING, put("sign_in", "ladder", 0, "points", to=21), set()),
    (put("sign_in", "ladder", to=[{"day": 7, "points": 1}]), put("sign_in", "ladder", to=[]),
     {("sign_in_lowered", "/sign_in/ladder")}),
    (NOTHING, months(6), {("validity_shortened", "/validity")}),
    (months(6), months(7), set()),
    (NOTHING, policy("anniversary", years=2), set()),
    (NOTHING, policy("calendar_year_end", years=0), {("validity_shortened", "/validity")}),
    (months(6), policy("inactivity", months=6), {("validity_changed", "/validity")}),
    (NOTHING, months(12), {("validity_changed", "/validity")}),
    (months(35), policy("anniversary", years=3), set()),
    (months(36), policy("anniversary", years=3), {("validity_changed", "/validity")}),
    (months(37), policy("anniversary", years=3), {("validity_shortened", "/validity")}),
    (policy("anniversary", years=3), months(36), {("validity_changed", "/validity")}),
    (months(5), policy("calendar_year_end", years=0), set()),  # to the end of December from the first of July
    (months(6), policy("calendar_year_end", years=0), {("validity_shortened", "/validity")}),
    (months(41), policy("calendar_year_end", years=3), set()),
    (months(42), policy("calendar_year_end", years=3), {("validity_shortened", "/validity")}),
    (policy("never"), policy("yearly_tenth"), {("validity_shortened", "/validity")}),
    (NOTHING, policy("never"), set()),
    (put("refunds", "grace_days", to=7), NOTHING, {("grace_shortened", "/refunds/grace_days")}),
    (NOTHING, put("settlement", "days", to=20), {("settlement_later", "/settlement/days")}),
    (NOTHING, put("paying", "worth_fen", to=99), {("worth_lowered", "/paying")}),
    (NOTHING, put("paying", "points", to=99), set()),
    (put("paying", "tiers", to={"gold": {"worth_fen": 120}}), NOTHING, {("worth_lowered", "/paying")}),
    (NOTHING, put("paying", "tiers", to={"gold": {"worth_fen": 99}}), {("worth_lowered", "/paying")}),
    (NOTHING, put("paying", "tiers", to={"gold": {"max_share_percent": 49}}), {("share_lowered", "/paying")}),
    (put("paying", "tiers", to={"gold": {"max_share_percent": 51}}), NOTHING, {("share_lowered", "/paying")}),
    (NOTHING, put("paying", "max_share_percent", to=49), {("share_lowered", "/paying")}),
    (NOTHING, put("paying", "min_points", to=200), {("least_raised", "/paying/min_points")}),
    (NOTHING, put(*LADDER, 1, "thresholds", "spend", to=30_001), {("threshold_raised", "/tiers/ladder/1/thresholds")}),
    (NOTHING, put(*LADDER, 1, "thresholds", "spend", to=29_999), set()),
    (NOTHING, by_orders, {("qualification_changed", "/tiers/qualification")}),
    (NOTHING, put(*LADDER, 2, "rate", to="1.1"), {("tier_rate_lowered", "/tiers/ladder/2/rate")}),
    (NOTHING, put(*LADDER, 3, "requires_review", to=True), {("review_added", "/tiers/ladder/3/requires_review")}),
    (NOTHING, put(*LADDER, 2, "benefits", 3, to=...), {("benefit_dropped", "/tiers/ladder/2/benefits")}),
    (NOTHING, put(*LADDER, 2, "benefits", 1, "discount_percent", to=1),
     {("discount_lowered", "/tiers/ladder/2/benefits")}),
    (put(*LADDER, 2, "benefits", to=[LOUNGE, ONE_PERCENT]), put(*LADDER, 2, "benefits", to=[LOUNGE]),
     {("benefit_dropped", "/tiers/ladder/2/benefits"), ("discount_lowered", "/tiers/ladder/2/benefits")}),
    (put(*LADDER, 2, "benefits", to=[ONE_PERCENT]), put(*LADDER, 2, "benefits", to=[]),
     {("benefit_dropped", "/tiers/ladder/2/benefits"), ("discount_lowered", "/tiers/ladder/2/benefits")}),
    (put(*LADDER, 2, "benefits", to=[]), put(*LADDER, 2, "benefits", to=[]), set()),
    (NOTHING, swapped, {("tier_order_changed", "/tiers/ladder"), ("threshold_raised", "/tiers/ladder/2/thresholds")}),
    (NOTHING, lowest_swapped, {("tier_order_changed", "/tiers/ladder")}),
    (NOTHING, with_new_lowest, {("lowest_tier_changed", "/tiers/ladder/0")}),
    (NOTHING, put("tiers", "qualification", "combine", to="all"), {("qualification_changed", "/tiers/qualification")}),
    (NOTHING, put("tiers", "validity_months", to=12), {("tier_validity_shortened", "/tiers/validity_months")}),
    (put("tiers", "validity_months", to=12), put("tiers", "validity_months", to=11),
     {("tier_validity_shortened", "/tiers/validity_months")}),
    (put("tiers", "validity_months", to=12), put("tiers", "validity_months", to=12), set()),
    (NOTHING, put("tiers", "grace_days", to=3), {("tier_period_unused", "/tiers/validity_months")}),
    (NOTHING, put("activities", 0, to=...), {("activity_dropped", "/activities")}),
    (NOTHING, put("activities", 1, "points", to=4), {("activity_lowered", "/activities/1")}),
    (MISSION, put("missions", to=[]), {("mission_dropped", "/missions")}),
    (NOTHING, MISSION, {("template_unknown", "/missions/0/reward/coupon")}),
    (NOTHING, put("referral", to=...), {("section_dropped", "/referral")}),
    (put("referral", to=...), put("referral", to=...), set()),
    (NOTHING, put("referral", "inviter_points", to=199), {("referral_lowered", "/referral")}),
    (NOTHING, put("referral", "invitee_points", to=99), {("referral_lowered", "/referral")}),
    (NOTHING, put("timezone", to="Asia/Tokyo"), {("timezone_changed", "/timezone")}),
    (NOTHING, put(*LADDER, 0, "benefits", 0, "coupon", "template", to="x"),
     {("template_unknown", "/tiers/ladder/0/benefits/0/coupon/template")}),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), TABLE)
def test_what_is_pointed_out(before: Change, after: Change, expected: set[tuple[str, str]]) -> None:
    found = warnings(made(before), made(after), templates={"birthday"})
    assert {(each.code, each.pointer) for each in found} == expected
    assert all(is_sentence(each.detail) for each in found)


def is_sentence(text: str) -> bool:
    return text[0].isupper() and not text.isupper() and text.endswith(".")


def test_each_tier_that_loses_by_what_points_pay_is_told() -> None:
    less = put("paying", "tiers", to={"gold": {"worth_fen": 99, "max_share_percent": 49}})
    worth, share = (each.detail for each in warnings(made(NOTHING), made(less), templates={"birthday"}))
    assert worth == "Points of the tier gold are worth less than before."
    assert share == "Points pay less of an order in the tier gold than before."


def test_every_version_keeps_every_tier() -> None:
    without_gold = made(put(*LADDER, 2, to=...))
    (mistake,) = obstacles(without_gold, published=[made(NOTHING), made(TEA), without_gold])
    assert mistake.pointer == "/tiers/ladder"
    assert "the tier gold" in mistake.detail
    assert obstacles(made(with_new_lowest), published=[made(NOTHING), made(TEA)]) == ()


def test_every_version_keeps_the_currency() -> None:
    (mistake,) = obstacles(made(put("currency", to="USD")), published=[made(NOTHING), made(TEA)])
    assert mistake == ("/currency", "must stay CNY: the ledger's amounts are in it")


def test_templates_that_a_program_names() -> None:
    assert templates_of(made(MISSION)) == {"birthday", "w"}
