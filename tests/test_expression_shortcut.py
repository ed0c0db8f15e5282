"""Conditions that only compare facts come to the same with and without the library."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import expressions
from app.domain.roster import ConditionFailed
from app.expressions import ExpressionInvalid, asking

INTEGERS = ["order.amount", "member.spend", "local.month", "0", "1", "-1", "500000", "-9223372036854775808"]
TEXTS = ["order.channel", "member.tier", "member.region", '""', '"app"', "'gold'", "'\\u94f6'"]
TRUTHS = ["order.first", "true", "false"]
LISTS = ["order.categories", "order.skus", "[]", '["app", "gold"]', "['']"]

WITHOUT_THE_LIBRARY = [
    "order.amount >= 500000",
    '"shoes" in order.categories',
    "member.birthday_month == local.month",
    'order.channel == "app" && member.tier in ["gold", "platinum"]',
    "!order.first || -5 < order.amount",
    "order.amount in [1, -1]",
    "order.categories == order.brands",
]
WITH_THE_LIBRARY = [
    "order.amount % 2 == 0",
    "order.amount in [1, 2u]",
    "has(member.attributes.a)",
    'member.attributes.a == "x"',
    "now > member.joined_at",
    "order.skus.exists(sku, sku == 'a')",
    'order.channel.startsWith("a")',
    "order.first ? true : false",
    "size(order.skus) > 1",
    "order.skus[0] == 'a'",
    "{'a': 1} == {'a': 1}",
    "'a' in {'a': 1}",
]


@pytest.mark.parametrize("expression", WITHOUT_THE_LIBRARY)
def test_what_only_compares_is_compared_by_itself(expression: str) -> None:
    assert expressions._compiled(expression, "order").shortcut is not None


@pytest.mark.parametrize("expression", WITH_THE_LIBRARY)
def test_all_else_is_left_to_the_library(expression: str) -> None:
    assert expressions._compiled(expression, "order").shortcut is None


def test_a_fact_that_is_not_there() -> None:
    with pytest.raises(ConditionFailed, match="does not have"):
        asking("order", {})("order.amount > 5")


def one_of(choices: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(choices)


def compared(values: list[str], *operators: str) -> st.SearchStrategy[str]:
    parts = st.tuples(one_of(values), st.sampled_from(operators), one_of(values))
    return parts.map(" ".join)


ORDERING = ("==", "!=", "<", "<=", ">", ">=")
comparisons = st.one_of(
    compared(INTEGERS, *ORDERING),
    compared(TEXTS, *ORDERING),
    compared(TRUTHS, "==", "!=", "<", ">="),
    compared(LISTS, "==", "!="),
    st.tuples(one_of(TEXTS), one_of(LISTS)).map(lambda part: f"{part[0]} in {part[1]}"),
    st.tuples(one_of(INTEGERS), st.lists(one_of(INTEGERS), max_size=3)).map(
        lambda part: f"{part[0]} in [{', '.join(part[1])}]"
    ),
    one_of(TRUTHS),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda part: f"({part[0]}) {part[1]} ({part[2]})"
        ),
        inner.map(lambda part: f"!({part})"),
    ),
    max_leaves=6,
)
words = st.sampled_from(["", "app", "gold", "银", "a"])
facts = st.fixed_dictionaries(
    {
        "order.amount": st.sampled_from([0, 1, 499_999, 500_000, 2**62]),
        "member.spend": st.sampled_from([-1, 0, 500_000]),
        "local.month": st.integers(1, 12),
        "order.channel": words,
        "member.tier": words,
        "member.region": words,
        "order.first": st.booleans(),
        "order.categories": st.lists(words, max_size=3),
        "order.skus": st.lists(words, max_size=3),
    }
)


@given(condition=conditions, known=facts)
def test_it_comes_to_the_same(condition: str, known: dict[str, Any]) -> None:
    try:
        compiled = expressions._compiled(condition, "order")
    except ExpressionInvalid:
        return
    activation = expressions._environment("order").Activation({name: known[name] for name in compiled.names})
    assert asking("order", known)(condition) is expressions._evaluated(compiled, activation)
