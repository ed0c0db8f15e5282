"""What is wrong with a coupon template, where, and what its author is told."""

from typing import Any

import pytest

from app.domain.coupon_templates import TemplateInvalid
from app.domain.document import Mistake
from tests.domain.test_coupon_templates import AMOUNT, LINE, read, without

STEPS = without(AMOUNT, "amount_off", "threshold")


def mistakes(document: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(TemplateInvalid) as refused:
        read(document)
    assert refused.value.extra["errors"] == [
        {"pointer": each.pointer, "detail": each.detail} for each in refused.value.mistakes
    ]
    return dict(refused.value.mistakes)


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ({}, {"/name", "/kind"}),
        (AMOUNT | {"kind": "points"}, {"/kind"}),  # what of its worth is wrong can't be told
        (AMOUNT | {"name": "\x00"}, {"/name"}),
        (AMOUNT | {"treshold": 1}, {"/treshold"}),
        (AMOUNT | {"template": "t"}, {"/template"}),
        (without(AMOUNT, "amount_off"), {"/amount_off"}),
        (AMOUNT | {"amount_off": 0}, {"/amount_off"}),
        (AMOUNT | {"amount_off": True}, {"/amount_off"}),
        (AMOUNT | {"amount_off": 30_001}, {"/amount_off"}),
        (AMOUNT | {"threshold": -1}, {"/threshold"}),
        (AMOUNT | {"threshold": 10**12 + 1}, {"/threshold"}),
        (AMOUNT | {"percent_off": 5, "max_discount": 1}, {"/percent_off", "/max_discount"}),
        (AMOUNT | {"steps": [{"threshold": 2, "amount_off": 1}]}, {"/amount_off", "/threshold"}),
        (STEPS | {"steps": []}, {"/steps"}),
        (STEPS | {"steps": {}}, {"/steps"}),
        (STEPS | {"steps": [{"threshold": 10 * n, "amount_off": n} for n in range(1, 22)]}, {"/steps"}),
        (STEPS | {"steps": [{"threshold": 10, "amount_off": 11}]}, {"/steps/0/amount_off"}),
        (STEPS | {"steps": [{"threshold": 10, "amount_off": 1, "x": 1}]}, {"/steps/0/x"}),
        (
            STEPS | {"steps": [{"threshold": 10, "amount_off": 2}, {"threshold": 10, "amount_off": 2}]},
            {"/steps/1/threshold", "/steps/1/amount_off"},
        ),
        ({"name": "p", "kind": "percent_off"}, {"/percent_off"}),
        ({"name": "p", "kind": "percent_off", "percent_off": 101}, {"/percent_off"}),
        ({"name": "p", "kind": "percent_off", "percent_off": 0}, {"/percent_off"}),
        ({"name": "f", "kind": "free_shipping", "max_discount": 5}, {"/max_discount"}),
        ({"name": "g", "kind": "gift"}, {"/gift"}),
        (
            {"name": "g", "kind": "gift", "gift": {"sku": "", "x": 1}},
            {"/gift/sku", "/gift/quantity", "/gift/x"},
        ),
        ({"name": "x", "kind": "exchange"}, {"/eligible"}),
        ({"name": "x", "kind": "exchange", "eligible": {"tiers": ["gold"]}}, {"/eligible"}),
        (LINE, {"/kind"}),
        (LINE | {"price": 1, "percent_off": 5}, {"/kind"}),
        (LINE | {"price": 1, "threshold": 5}, {"/threshold"}),
        (LINE | {"price": 1, "group": "g"}, {"/group"}),
        (
            LINE | {"bundle": {"quantity": 0, "price": -1, "x": 1}},
            {"/bundle/quantity", "/bundle/price", "/bundle/x"},
        ),
        (without(LINE, "automatic", price=1), {"/automatic"}),
        (LINE | {"price": 1, "automatic": False}, {"/automatic"}),
        (AMOUNT | {"automatic": "yes"}, {"/automatic"}),
        (
            AMOUNT
            | {
                "automatic": True,
                "valid": {"days": 1},
                "stock": 1,
                "budget": 1,
                "per_member": 1,
                "per_day": 1,
            }
            | {"points_price": 1, "public_code": "A"},
            {"/valid/days", "/stock", "/budget", "/per_member", "/per_day", "/points_price", "/public_code"},
        ),
        (AMOUNT | {"stock": -1, "budget": -1}, {"/stock", "/budget"}),
        (
            AMOUNT | {"per_member": 0, "per_day": 0, "points_price": 0},
            {"/per_member", "/per_day", "/points_price"},
        ),
        (AMOUNT | {"public_code": "two words"}, {"/public_code"}),
        (AMOUNT | {"public_code": "A", "points_price": 5}, {"/points_price"}),
        (AMOUNT | {"group": ""}, {"/group"}),
        (
            AMOUNT | {"stacks_with": "some", "return_on": "x", "state": "x"},
            {"/stacks_with", "/return_on", "/state"},
        ),
        (AMOUNT | {"eligible": []}, {"/eligible"}),
        (
            AMOUNT
            | {
                "eligible": {
                    "skus": [],
                    "brands": ["a", "a"],
                    "tiers": [1],
                    "channels": "app",
                    "colour": "red",
                }
            },
            {
                "/eligible/skus",
                "/eligible/brands",
                "/eligible/tiers",
                "/eligible/channels",
                "/eligible/colour",
            },
        ),
        (
            AMOUNT
            | {
                "eligible": {
                    "skus": [str(n) for n in range(1_001)],
                    "categories": [[]],
                    "brands": ["a" * 101],
                }
            },
            {"/eligible/skus", "/eligible/categories", "/eligible/brands"},
        ),
        (
            AMOUNT | {"eligible": {"first_order": 1, "member": "a" * 2_001, "min_quantity": 0}},
            {"/eligible/first_order", "/eligible/member", "/eligible/min_quantity"},
        ),
        (AMOUNT | {"valid": {"days": 1, "until": "2026-03-01T00:00:00Z"}}, {"/valid/days"}),
        (AMOUNT | {"valid": {"days": 0, "to": 1}}, {"/valid/days", "/valid/to"}),
        (AMOUNT | {"valid": {"from": "2026-02-30T00:00:00Z", "until": 5}}, {"/valid/from", "/valid/until"}),
        (
            AMOUNT | {"valid": {"from": "2026-03-01T00:00:00", "until": "0001-01-01T00:00:00+08:00"}},
            {"/valid/from", "/valid/until"},
        ),
        (
            AMOUNT | {"valid": {"from": "2026-03-01T00:00:00Z", "until": "2026-03-01T08:00:00+08:00"}},
            {"/valid/until"},
        ),
    ],
)
def test_every_mistake_is_told_with_its_place(document: dict[str, Any], places: set[str]) -> None:
    assert mistakes(document).keys() == places


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (AMOUNT | {"max_discount": 1}, {"/max_discount": "does not go with amount_off"}),
        (LINE | {"price": 1, "threshold": 5}, {"/threshold": "does not go with line_price"}),
        (
            {"name": "x", "kind": "exchange", "eligible": {"skus": ["cup"]}, "percent_off": 5},
            {"/percent_off": "does not go with exchange"},
        ),
        (AMOUNT | {"amount_off": 30_001}, {"/amount_off": "must be at most the threshold (30000)"}),
        (AMOUNT | {"threshold": 1, "amount_off": 2}, {"/amount_off": "must be at most the threshold (1)"}),
        (
            AMOUNT | {"steps": [{"threshold": 2, "amount_off": 1}]},
            {"/amount_off": "does not go with steps", "/threshold": "does not go with steps"},
        ),
        (
            STEPS | {"steps": [{"threshold": 10, "amount_off": 11}]},
            {"/steps/0/amount_off": "must be at most the threshold (10)"},
        ),
        (
            STEPS | {"steps": [{"threshold": 20, "amount_off": 4}, {"threshold": 19, "amount_off": 3}]},
            {
                "/steps/1/threshold": "must be above the step before it (20)",
                "/steps/1/amount_off": "must be above the step before it (4)",
            },
        ),
        (
            STEPS | {"steps": [{"threshold": 20, "amount_off": 20}, {"threshold": 21, "amount_off": 20}]},
            {"/steps/1/amount_off": "must be above the step before it (20)"},
        ),
        (
            STEPS | {"steps": [{"threshold": 20, "amount_off": 4, "to": 30}]},
            {"/steps/0/to": "is not known here"},
        ),
        *(
            (document, {"/kind": "needs exactly one of price, amount_off, percent_off and bundle"})
            for document in (
                LINE,
                LINE | {"price": 1, "amount_off": 1},
                LINE | {"amount_off": 1, "percent_off": 1},
                LINE | {"percent_off": 1, "bundle": {"quantity": 2, "price": 1}},
            )
        ),
        (
            LINE | {"bundle": {"quantity": 2, "price": 1, "skus": ["a"]}},
            {"/bundle/skus": "is not known here"},
        ),
        (
            without(LINE, "automatic", price=1, group="g"),
            {
                "/automatic": "must be true: a line price needs no coupon",
                "/group": "does not go with line_price, which goes with everything",
            },
        ),
        *(
            (
                {"name": "x", "kind": "exchange", "eligible": eligible},
                {"/eligible": "must name the skus, categories or brands that can be had"},
            )
            for eligible in (None, {}, {"tiers": ["gold"], "channels": ["app"], "first_order": True})
        ),
        (
            AMOUNT | {"public_code": "A", "points_price": 5},
            {"/points_price": "does not go with public_code, which asks for nothing"},
        ),
        (AMOUNT | {"public_code": "two words"}, {"/public_code": "must be 1 to 64 of A-Za-z0-9._:-"}),
        (
            AMOUNT | {"automatic": True, "stock": 1, "budget": 1, "per_member": 1, "per_day": 1},
            dict.fromkeys(
                ("/stock", "/budget", "/per_member", "/per_day"),
                "does not go with automatic: there is no coupon to count",
            ),
        ),
        (
            AMOUNT | {"automatic": True, "points_price": 1},
            {"/points_price": "does not go with automatic: there is no coupon to count"},
        ),
        (
            AMOUNT | {"automatic": True, "public_code": "A"},
            {"/public_code": "does not go with automatic: there is no coupon to count"},
        ),
        (
            AMOUNT | {"automatic": True, "valid": {"days": 1}},
            {"/valid/days": "does not go with automatic: nothing is issued"},
        ),
        *(
            (AMOUNT | {"valid": {"days": 1} | end}, {"/valid/days": "does not go with from or until"})
            for end in ({"from": "2026-03-01T00:00:00Z"}, {"until": "2026-03-01T00:00:00Z"})
        ),
        *(
            (
                AMOUNT | {"valid": {"from": "2026-03-01T00:00:00Z", "until": until}},
                {"/valid/until": "must be later than from"},
            )
            for until in ("2026-03-01T00:00:00Z", "2026-02-28T23:59:59.999999Z")
        ),
    ],
)
def test_what_one_field_asks_of_another(document: dict[str, Any], told: dict[str, str]) -> None:
    assert mistakes(document) == told


@pytest.mark.parametrize("named", [{"skus": ["a"]}, {"categories": ["a"]}, {"brands": ["a"]}])
def test_an_exchange_names_what_can_be_had_in_one_way_at_least(named: dict[str, Any]) -> None:
    assert read({"name": "x", "kind": "exchange", "eligible": named}).kind == "exchange"


def test_a_refusal_lists_all_mistakes() -> None:
    with pytest.raises(TemplateInvalid) as refused:
        read(AMOUNT | {"name": 5, "x/y": 1})
    assert refused.value.detail == (
        "Correct the template and send it again: "
        "/name must be 1 to 100 printable characters; /x~1y is not known here."
    )
    invalid = TemplateInvalid((Mistake("", "must be an object"),))
    assert invalid.detail == "Correct the template and send it again: / must be an object."


def test_the_example_is_what_a_template_is_told() -> None:
    steps = [{"threshold": 30_000, "amount_off": 3_000}, {"threshold": 30_000, "amount_off": 8_000}]
    with pytest.raises(TemplateInvalid) as refused:
        read(STEPS | {"steps": steps})
    assert TemplateInvalid.example().extra == refused.value.extra
    assert TemplateInvalid.example().detail == refused.value.detail
