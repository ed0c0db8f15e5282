"""What each scope of a condition knows, where mistakes stand, and what becomes of facts that are not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from app.domain.campaigns import TRIGGERS, Trigger
from app.domain.roster import ConditionFailed
from app.expressions import ExpressionInvalid, Facts, Scope, asking, asks_for_traits, check, matches

MEMBER = {
    "member.tier": '"gold"',
    "member.region": '"x"',
    "member.gender": '"female"',
    "member.spend": "5",
    "member.orders": "5",
    "member.joined_at": 'timestamp("2026-01-05T02:00:00Z")',
    "member.birthday_month": "5",
    "member.attributes": "{}",
}
MOMENT = {
    "now": 'timestamp("2026-03-07T02:00:00Z")',
    "local.date": '"2026-03-07"',
    "local.year": "2026",
    "local.month": "3",
    "local.day": "7",
    "local.weekday": "6",
    "local.hour": "10",
}
EVENTS: Mapping[Trigger, Mapping[str, str]] = {
    "order": {
        "order.amount": "5",
        "order.channel": '"app"',
        "order.first": "true",
        "order.items": "[]",
        "order.skus": '["a"]',
        "order.categories": '["a"]',
        "order.brands": '["a"]',
    },
    "sign_in": {"event.streak": "7"},
    "activity": {"event.kind": '"review"', "event.level": '"photo"'},
    "referral": {"event.invitations": "3"},
    "tier_change": {"event.from": '"silver"', "event.to": '"gold"'},
}
EVERYTHING = MEMBER | MOMENT | {name: value for event in EVENTS.values() for name, value in event.items()}
SCOPES: tuple[Scope, ...] = ("member", "audience", *TRIGGERS)
KNOWN: Mapping[Scope, set[str]] = {
    "member": set(MEMBER),
    **{
        scope: {*MEMBER, *MOMENT, *EVENTS.get(scope, {})}
        for scope in SCOPES
        if scope != "member"
    },
}  # fmt: skip
LINE = {"line_id": "1", "sku": "tea-1", "category": "tea", "brand": "acme", "quantity": 2, "amount": 5_000}
ORDER: Mapping[str, Any] = {
    "member.tier": "gold",
    "member.region": "上海",
    "member.gender": "",
    "member.spend": 0,
    "member.orders": 0,
    "member.joined_at": datetime(2026, 1, 5, 2, tzinfo=UTC),
    "member.birthday_month": 0,
    "member.attributes": {"vip": True, "visits": 7, "nothing": None, "store": "上海"},
    "now": datetime(2026, 3, 6, 20, tzinfo=UTC),
    "local.date": "2026-03-07",
    "local.year": 2026,
    "local.month": 3,
    "local.day": 7,
    "local.weekday": 6,
    "local.hour": 4,
    "order.amount": 10_000,
    "order.channel": "app",
    "order.first": False,
    "order.items": [LINE, LINE | {"line_id": "2", "sku": "cup-7", "category": "cups", "quantity": 1}],
    "order.skus": ["tea-1", "cup-7"],
    "order.categories": ["tea", "cups"],
    "order.brands": ["acme"],
}


def refused(expression: str, scope: Scope) -> ExpressionInvalid:
    with pytest.raises(ExpressionInvalid) as refusal:
        check(expression, scope)
    return refusal.value


# --- what each knows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", SCOPES)
def test_what_a_scope_knows_and_what_not(scope: Scope) -> None:
    for name, value in EVERYTHING.items():
        expression = f"{name} == {value}"
        if name in KNOWN[scope]:
            check(expression, scope)
        else:
            told = refused(expression, scope).extra["message"]
            assert told.startswith("nothing is known by this name. Known are member.tier, ")
            listed = set(re.findall(r"\b(?:(?:member|local|order|event)\.\w+|now)\b", told))
            assert listed == KNOWN[scope], "and it tells what is"


def test_every_trigger_has_its_scope() -> None:
    assert {*get_args(Trigger)} == set(SCOPES) - {"member", "audience"}


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_every_fact_has_its_type(name: str) -> None:
    scope = next(scope for scope in SCOPES if name in KNOWN[scope])
    wrong = "5u"  # which no fact is
    assert "can't be applied to (" in refused(f"{name} == {wrong}", scope).extra["message"]


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ('order.amount >= 10000 && order.channel == "app" && !order.first', True),
        ('"tea" in order.categories && "tea-1" in order.skus', True),
        ('order.items.exists(item, item.category == "cups" && item.quantity == 1)', True),
        ('order.items.exists(item, item.category == "cups" && item.quantity > 1)', False),
        ("order.items.all(item, item.amount >= 5000)", True),
        ("order.items.exists_one(item, item.quantity == 2)", True),
        ("size(order.items) == 2 && order.items[0].sku == order.skus[0]", True),
        ("order.items.all(item, has(item.brand) && item['brand'] == 'acme')", True),
        ("order.items.exists(one, order.items.exists(other, one.sku == other.sku))", None),
        ("['tea-1', 'cup-7'].all(sku, sku in order.skus)", True),
        ("member.attributes.exists(key, key.startsWith('vip'))", True),
        ("has(member.attributes.vip) && member.attributes.vip == true", True),
        ("has(member.attributes.gone) || order.amount > 0", True),
        ("has(member.attributes.nothing) && member.attributes.nothing == null", True),
        ("local.weekday == 6 && local.hour < 6 && local.date == '2026-03-07'", True),
        ("now.getDayOfWeek() == 5 && now.getDate() == 6", True),
        ("now - member.joined_at > duration('1000h')", True),
        ("member.attributes.store == '上海' && member.region == '上海'", True),
        ("order.skus.exists(now, now == 'tea-1')", True),
        ("[].exists(none, none == 1)", False),
    ],
)
def test_conditions_on_an_order(expression: str, holds: bool | None) -> None:
    if holds is None:
        assert "loop once" in refused(expression, "order").detail
        return
    check(expression, "order")
    assert asking("order", ORDER)(expression) is holds


# --- where it is wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "scope", "line", "column", "words"),
    [
        ("order.amount >", "order", 1, 15, "can't be read"),
        ('order.amount > "5"', "order", 1, 14, "applied to (int, string)"),
        ("order.amount > 5.0", "order", 1, 14, "applied to (int, double)"),
        ("order.items > 5", "order", 1, 13, "applied to (list(map(string, dyn)), int)"),
        ("order.first == 'yes'", "order", 1, 13, "applied to (bool, string)"),
        ("order.items.exists(item, item.price > 5)", "order", 1, 30, "no such field; it has amount, brand"),
        ("order.items.exists(item)", "order", 1, 20, "nothing is known by this name"),
        ("order.items.map(item, item.sku) == []", "order", 1, 17, "nothing is known by this name"),
        ("order.items.exists(item.sku, true)", "order", 1, 24, "can't be used"),
        ("order.amount", "order", 1, 1, "true or false"),
        ("'银银' == order.channel &&\n\n   order.sku == 'a'", "order", 3, 9, "nothing is known"),
        ("'银银' == order.channel && order.amount == 'a'", "order", 1, 39, "applied to (int, string)"),
        ("'银' == order.channel &&\n order.items.all(a, order.items.all(b, a == b))", "order", 2, 17, "too long"),
        ("order.amount / 0 > 1", "order", 1, 16, "divides by zero"),
        ("true ||\n order.amount % (-0) == 1", "order", 2, 18, "divides by zero"),
        ("member.joined_at < now && 1 / 0u > 0", "audience", 1, 29, "this can't be applied"),
        ("1.0 / 0.0 > 1.0 && 1u % 0u == 1u", "order", 1, 25, "divides by zero"),
        ("'银' == order.channel &&\n order.items.all(a, a.nmae == 'x')", "order", 2, 22, "no such field"),
        ("true &&\n google.protobuf.Any{} == google.protobuf.Any{}", "order", 2, 2, "nothing is known"),
        ("{now: 1}", "order", 1, 1, "true or false"),
        ("{member.attributes: 1}", "order", 1, 1, "true or false"),
        ("event.streak == 7", "activity", 1, 6, "nothing is known"),
        ("event.kind == 7", "activity", 1, 12, "applied to (string, int)"),
        ("event.from != event.too", "tier_change", 1, 20, "nothing is known"),
        ("order.amount > 5", "audience", 1, 6, "nothing is known"),
        ("now > 5", "member", 1, 1, "nothing is known"),
        ("now > 5", "audience", 1, 5, "applied to"),
        ("local == 5", "audience", 1, 1, "nothing is known"),
        ("member == 5", "audience", 1, 1, "nothing is known"),
    ],
)  # fmt: skip
def test_where_a_condition_is_wrong(
    expression: str, scope: Scope, line: int, column: int, words: str
) -> None:
    refusal = refused(expression, scope)
    assert (refusal.extra["line"], refusal.extra["column"]) == (line, column)
    assert words in refusal.detail


# --- what fails ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("order.amount / (order.amount - 10000) > 1", "divides by zero"),
        ("order.amount % member.orders == 1", "divides by zero"),
        ("member.attributes.gone == 1", "attribute that is not there"),
        ("member.attributes['gone'] == 1", "attribute that is not there"),
        ("order.items[0]['price'] == 1", "attribute that is not there"),
        ("member.attributes.store > 5", "different kinds"),
        ("order.items.all(item, item.sku > 5)", "different kinds"),
        ("order.amount * 9223372036854775807 > 0", "too large"),
        ("order.items[9].sku == 'a'", "could not be evaluated"),
        ("order.items[-1].sku == 'a'", "could not be evaluated"),
        ("int(order.channel) > 0", "could not be evaluated"),
        ("timestamp(order.channel) > now", "could not be evaluated"),
        (r"string(b'\xff') == 'a'", "could not be evaluated"),
        ("order.missing > 0", "the condition can't be used: nothing is known"),
        ("order.amount", "the condition can't be used: it must be true or false"),
        ("order.amount >", "the condition can't be used: it can't be read"),
    ],
)
def test_what_can_not_be_evaluated_fails(expression: str, words: str) -> None:
    ask = asking("order", ORDER)
    for _ in range(2):
        with pytest.raises(ConditionFailed, match=re.escape(words)):
            ask(expression)
    assert ask("order.amount > 0"), "the others are asked as before"


def test_a_failing_line_that_does_not_matter() -> None:
    ask = asking("order", ORDER)
    assert ask("order.items.exists(item, item.quantity == 2 || 1 / (item.quantity - 1) > 5)")
    assert not ask("order.items.all(item, item.quantity == 2 && 1 / 1 > 5)")


def test_a_failure_repeats_nothing_of_the_member() -> None:
    secret = ORDER | {"member.attributes": {"secret": "secret"}, "order.channel": "secret"}
    ask = asking("order", secret)
    for expression in (
        "int(order.channel) > 0",
        "timestamp(order.channel) > now",
        "member.attributes.secret > 5",
    ):
        with pytest.raises(ConditionFailed) as failure:
            ask(expression)
        assert "secret" not in str(failure.value)


@pytest.mark.parametrize("name", sorted({*MEMBER, *MOMENT, *EVENTS["order"]}))
def test_a_fact_that_is_not_there_fails_what_asks_for_it_alone(name: str) -> None:
    ask = asking("order", {each: value for each, value in ORDER.items() if each != name})
    with pytest.raises(ConditionFailed, match="something that this event does not have"):
        ask(f"{name} == {EVERYTHING[name]}")
    other = "order.amount" if name != "order.amount" else "member.orders"
    assert ask(f"{other} >= 0") is True


def test_facts_of_another_trigger_are_not_told() -> None:
    ask = asking("sign_in", {**ORDER, "event.streak": 7})
    assert ask("event.streak == 7")
    with pytest.raises(ConditionFailed, match="can't be used"):
        ask("order.amount > 0")


# --- what is asked of the person -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        *("member.region == 'x'", "member.gender == 'x'", "member.birthday_month == 1"),
        *("member.attributes.vip == true", "has(member.attributes.vip)", "'vip' in member.attributes"),
        *("member . region == 'x'", "member.\nregion == 'x'", "member.// here\nregion == 'x'"),
        *("member.`region` == 'x'", ".member.region == 'x'", "(member.region) == 'x'", "'x'==member.region"),
        *("[member.region].exists(r, r == 'x')", "{member.gender: 1} == {}", "member.attributes['a'] == 1"),
    ],
)
def test_conditions_that_ask_for_traits(expression: str) -> None:
    check(expression, "order")
    assert asks_for_traits(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "member.tier == 'gold' && member.spend > 5 && member.orders > 1 && member.joined_at < now",
        "order.items.exists(item, item.sku == 'a') && local.month == 5",
    ],
)
def test_conditions_that_do_not(expression: str) -> None:
    check(expression, "order")
    assert not asks_for_traits(expression)


@pytest.mark.parametrize(
    "expression",
    [
        *("member['region'] == 'x'", 'member["reg" + "ion"] == \'x\'', "[member][0].region == 'x'"),
        *("has(member.region)", "member.\\u0072egion == 'x'", "member.ｒegion == 'x'", "member == member"),
        *(
            "{'a': member}.a.region == 'x'",
            "[1].exists(member, member.region == 'x')",
            "member.all(k, k == 'x')",
        ),
    ],
)
def test_there_is_no_other_way_to_ask_for_them(expression: str) -> None:
    """So that looking for the words finds every condition that does."""
    refused(expression, "order")


def test_whoever_has_no_traits_is_told_nothing() -> None:
    stranger = Facts(tier="ordinary", spend_fen=0, orders=0, joined_at=datetime(2026, 1, 5, 2, tzinfo=UTC))
    assert matches("member.region == '' && member.gender == '' && member.birthday_month == 0", stranger)
    assert not matches("member.attributes.vip == true", stranger)
    assert not matches("now > member.joined_at", stranger), "a scope that has no moment"
