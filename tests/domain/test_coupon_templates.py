from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain.coupon_templates import Bundle, Eligible, Gift, Step, Template, TemplateInvalid, Window

SHANGHAI = ZoneInfo("Asia/Shanghai")
ISSUED = datetime(2026, 3, 5, 2, tzinfo=UTC)  # ten in the morning in Shanghai

AMOUNT: dict[str, Any] = {
    "name": "30 off 300",
    "kind": "amount_off",
    "amount_off": 3_000,
    "threshold": 30_000,
}
LINE: dict[str, Any] = {"name": "A line's", "kind": "line_price", "automatic": True}
FULL: dict[str, Any] = {
    "name": "Spring",
    "kind": "percent_off",
    "percent_off": 10,
    "threshold": 10_000,
    "max_discount": 5_000,
    "eligible": {
        "skus": ["cup-7", "tea-100"],
        "categories": ["tea"],
        "brands": ["acme"],
        "channels": ["app"],
        "tiers": ["gold", "silver"],
        "first_order": True,
        "member": "member.spend > 0",
        "min_quantity": 2,
    },
    "stock": 1_000,
    "budget": 500_000,
    "per_member": 2,
    "per_day": 1,
    "valid": {"from": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"},
    "stacks_with": "all",
    "group": "spring",
    "return_on": "never",
    "public_code": "SPRING",
    "state": "paused",
}


def read(document: dict[str, Any]) -> Template:
    return Template.from_document("t", 7, document)


def without(document: dict[str, Any], *names: str, **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names} | changes


def mistakes(document: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(TemplateInvalid) as refused:
        read(document)
    assert refused.value.extra["errors"] == [
        {"pointer": each.pointer, "detail": each.detail} for each in refused.value.mistakes
    ]
    return dict(refused.value.mistakes)


def test_everything_is_read() -> None:
    assert read(FULL) == Template(
        template="t",
        name="Spring",
        kind="percent_off",
        percent_off=10,
        threshold_fen=10_000,
        max_discount_fen=5_000,
        eligible=Eligible(
            skus=frozenset({"tea-100", "cup-7"}),
            categories=frozenset({"tea"}),
            brands=frozenset({"acme"}),
            channels=frozenset({"app"}),
            tiers=frozenset({"gold", "silver"}),
            first_order=True,
            member="member.spend > 0",
            min_quantity=2,
        ),
        stock=1_000,
        budget_fen=500_000,
        per_member=2,
        per_day=1,
        valid=Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
        stacks_with="all",
        group="spring",
        return_on="never",
        public_code="SPRING",
        state="paused",
        revision=7,
    )


def test_what_is_not_said_has_a_meaning() -> None:
    template = read(AMOUNT)
    assert template == Template(
        template="t",
        name="30 off 300",
        kind="amount_off",
        amount_off_fen=3_000,
        threshold_fen=30_000,
        revision=7,
    )
    nulls = dict.fromkeys(FULL.keys() - {"name", "kind", "threshold"})
    assert read(nulls | AMOUNT) == template
    assert (template.stacks_with, template.return_on, template.state) == (
        "other_kinds",
        "full_refund",
        "active",
    )


@pytest.mark.parametrize(
    ("document", "worth"),
    [
        (AMOUNT, {"amount_off_fen": 3_000, "threshold_fen": 30_000}),
        (without(AMOUNT, "threshold"), {"amount_off_fen": 3_000, "threshold_fen": 0}),
        (without(AMOUNT, threshold=0), {"amount_off_fen": 3_000, "threshold_fen": 0}),
        (without(AMOUNT, threshold=3_000), {"amount_off_fen": 3_000, "threshold_fen": 3_000}),
        (
            {
                "name": "Steps",
                "kind": "amount_off",
                "steps": [
                    {"threshold": 30_000, "amount_off": 3_000},
                    {"threshold": 60_000, "amount_off": 8_000},
                ],
            },
            {"steps": (Step(30_000, 3_000), Step(60_000, 8_000)), "amount_off_fen": None},
        ),
        (FULL, {"percent_off": 10, "max_discount_fen": 5_000}),
        ({"name": "f", "kind": "free_shipping", "threshold": 9_900}, {"threshold_fen": 9_900}),
        ({"name": "g", "kind": "gift", "gift": {"sku": "cup", "quantity": 2}}, {"gift": Gift("cup", 2)}),
        (
            {"name": "x", "kind": "exchange", "eligible": {"skus": ["cup"]}, "max_discount": 100},
            {"max_discount_fen": 100},
        ),
        (LINE | {"price": 0}, {"price_fen": 0}),
        (LINE | {"amount_off": 500}, {"amount_off_fen": 500}),
        (LINE | {"percent_off": 100}, {"percent_off": 100}),
        (LINE | {"bundle": {"quantity": 3, "price": 9_900}}, {"bundle": Bundle(3, 9_900)}),
        (LINE | {"price": 1, "valid": {"until": "2026-04-01T08:00:00+08:00"}}, {"automatic": True}),
        (AMOUNT | {"valid": {"days": 30}}, {"valid": Window(days=30)}),
    ],
)
def test_each_kind_has_its_own(document: dict[str, Any], worth: dict[str, Any]) -> None:
    template = read(document)
    assert {name: getattr(template, name) for name in worth} == worth
    written = template.to_document()
    assert Template.from_document("t", 7, written) == template
    assert written.keys() >= {"name", "kind", "stacks_with", "return_on", "state"}
    assert None not in written.values()


def test_the_document_comes_back_as_it_was() -> None:
    assert read(FULL).to_document() == FULL
    assert read(AMOUNT).to_document() == AMOUNT | {
        "stacks_with": "other_kinds",
        "return_on": "full_refund",
        "state": "active",
    }


STEPS = without(AMOUNT, "amount_off", "threshold")


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


def test_which_lines_count() -> None:
    named = Template(
        template="t",
        name="t",
        kind="free_shipping",
        eligible=Eligible(skus=frozenset({"cup"}), categories=frozenset({"tea"}), brands=frozenset({"acme"})),
    )
    assert named.is_line("cup", None, None)
    assert named.is_line("x", "tea", None)
    assert named.is_line("x", "x", "acme")
    assert not named.is_line("tea", "acme", "cup")
    assert not named.is_line("x", None, None)
    assert Template(template="t", name="t", kind="free_shipping").is_line("x", None, None)


@pytest.mark.parametrize(
    ("window", "held"),
    [
        (Window(), (ISSUED, None)),
        (Window(days=7), (ISSUED, datetime(2026, 3, 12, 16, tzinfo=UTC))),
        (
            Window(datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)),
            (datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)),
        ),
        (Window(datetime(2026, 3, 1, tzinfo=UTC), None), (ISSUED, None)),
    ],
)
def test_how_long_a_coupon_is_held(window: Window, held: tuple[datetime, datetime | None]) -> None:
    template = Template(template="t", name="t", kind="free_shipping", valid=window)
    assert template.held(ISSUED, SHANGHAI) == held


@pytest.mark.parametrize(
    ("changes", "is_open"),
    [
        ({}, True),
        ({"state": "paused"}, False),
        ({"state": "ended"}, False),
        ({"valid": Window(ISSUED, None)}, True),
        ({"valid": Window(ISSUED.replace(hour=3), None)}, False),
        ({"valid": Window(None, ISSUED)}, False),
        ({"valid": Window(None, ISSUED.replace(hour=3))}, True),
    ],
)
def test_when_it_is_open(changes: dict[str, Any], is_open: bool) -> None:
    template = Template(template="t", name="t", kind="free_shipping", **changes)
    assert template.is_open(ISSUED) is is_open


def test_the_example_can_be_shown() -> None:
    assert TemplateInvalid.example().extra["errors"][0]["pointer"] == "/steps/1/threshold"
