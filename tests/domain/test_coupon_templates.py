from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain.coupon_templates import Bundle, Eligible, Gift, Step, Template, Window

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


@pytest.mark.parametrize(
    ("said", "eligible"),
    [
        ({}, Eligible()),
        ({"first_order": False}, Eligible()),
        ({"first_order": True}, Eligible(first_order=True)),
        ({"min_quantity": 1}, Eligible(min_quantity=1)),
        ({"skus": ["a"], "member": None}, Eligible(skus=frozenset({"a"}))),
    ],
)
def test_whom_and_what_it_is_for(said: dict[str, Any], eligible: Eligible) -> None:
    assert read(AMOUNT | {"eligible": said}).eligible == eligible


@pytest.mark.parametrize(
    "document",
    [
        AMOUNT | {"points_price": 500, "stock": 0, "budget": 0, "valid": {"days": 7}},
        LINE | {"price": 0},
        LINE | {"bundle": {"quantity": 3, "price": 0}, "valid": {"from": "2026-03-01T00:00:00Z"}},
        {"name": "g", "kind": "gift", "gift": {"sku": "cup", "quantity": 2}},
        {"name": "s", "kind": "amount_off", "steps": [{"threshold": 20, "amount_off": 4}]},
        {"name": "f", "kind": "free_shipping", "eligible": {"min_quantity": 1}},
    ],
)
def test_only_what_it_says_is_written(document: dict[str, Any]) -> None:
    """And besides that only the words that have a meaning of their own."""
    words = {"stacks_with": "other_kinds", "return_on": "full_refund", "state": "active"}
    assert read(document).to_document() == document | words


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


def test_the_day_of_issue_is_that_of_the_programs_zone() -> None:
    template = Template(template="t", name="t", kind="free_shipping", valid=Window(days=1))
    issued_at = datetime(2026, 3, 5, 16, tzinfo=UTC)  # the 6th begins in Shanghai
    assert template.held(issued_at, SHANGHAI) == (issued_at, datetime(2026, 3, 7, 16, tzinfo=UTC))


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
