"""Conditions made at random: each is refused, holds, doesn't, or fails, within its time; and the process lives on."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.roster import ConditionFailed
from app.expressions import ExpressionInvalid, asking, check
from tests.pace import takes_at_most
from tests.test_expression_cost import LARGEST
from tests.written_conditions import conditions

ASK = asking("order", LARGEST)

numbers = st.sampled_from(
    [
        *("0", "1", "-1", "7", "10000", "9223372036854775807", "-9223372036854775808", "5u", "1.5", "1e308"),
        *(
            "order.amount",
            "member.spend",
            "member.orders",
            "local.hour",
            "local.weekday",
            "size(order.items)",
        ),
    ]
)
texts = st.sampled_from(
    [
        *('""', '"a"', "'银'", r'"\u0000"', r"'\xff'", r'b"\xff"', "'''a\nb'''", f'"{"a" * 200}"'),
        *("member.tier", "member.region", "order.channel", "local.date", "member.attributes.key1"),
        *("order.skus[0]", "order.items[1].sku", "order.brands[499]", "string(order.amount)", "string(now)"),
    ]
)
moments = st.sampled_from(
    [
        *("now", "member.joined_at", 'timestamp("9999-12-31T23:59:59.999999999Z")', "timestamp(0)"),
        *('timestamp("0001-01-01T00:00:00Z")', "timestamp('x')", 'now + duration("99999999h")'),
        *('duration("1h")', 'duration("-2562047h47m16.854775807s")', "now - member.joined_at"),
    ]
)
lists = st.sampled_from(
    [
        *("order.items", "order.skus", "order.brands", "member.attributes", "[]", "{}", "[1, 2, 3]"),
        *("{'a': 1, 'b': [1]}", "[order.skus, order.brands]", "order.items[0]", "order.skus + order.brands"),
    ]
)
names = st.sampled_from(["x", "y", "item", "now", "member"])
leaves = st.one_of(
    numbers, texts, moments, lists, names, st.sampled_from(["true", "false", "null", "order.first"])
)
operators = st.sampled_from([*("==", "!=", "<", "<=", ">", ">=", "&&", "||", "+", "-", "*", "/", "%", "in")])
methods = st.sampled_from(
    [
        *("size", "startsWith", "endsWith", "contains", "getFullYear", "getMonth", "getHours", "matches"),
        *("map", "filter", "split", "join", "format", "toString"),
    ]
)
functions = st.sampled_from(
    ["size", "int", "double", "string", "timestamp", "duration", "has", "type", "dyn", "bool"]
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions of one level more."""
    return st.one_of(
        st.builds("({} {} {})".format, inner, operators, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}.{}({})".format, inner, methods, inner | st.just("")),
        st.builds("{}({})".format, functions, inner),
        st.builds(
            "{}.{}({}, {})".format, inner, st.sampled_from(["all", "exists", "exists_one"]), names, inner
        ),
        st.builds("!({})".format, inner),
        st.builds("-({})".format, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}.{}".format, inner, st.sampled_from(["sku", "amount", "a", "key1", "values"])),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
    )


anything = st.recursive(leaves, grown, max_leaves=30)


def judge(expression: str) -> None:
    """Check it and, if it may be used, ask it of the largest order that there is."""
    with takes_at_most(0.4):
        _judge(expression)


def _judge(expression: str) -> None:
    try:
        check(expression, "order")
    except ExpressionInvalid as invalid:
        lines = expression.split("\n")
        line, column = invalid.extra["line"], invalid.extra["column"]
        if not (1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1):
            raise AssertionError((line, column)) from None
        usable = False
    else:
        usable = True
    try:
        holds = ASK(expression)
    except ConditionFailed:
        pass
    else:
        assert usable
        assert holds in (True, False)


@given(expression=anything)
@settings(deadline=None, max_examples=400)
@example("order.items.all(x, {order.items == order.items: order.items == order.items} == {})")
@example("{now: 0}")
@example("{order.skus.all(x, order.skus == order.skus): true} == {}")
def test_any_expression_is_answered(expression: str) -> None:
    judge(expression)


@given(expression=conditions())
@settings(deadline=None, max_examples=400)
def test_any_condition_is_answered(expression: str) -> None:
    judge(expression)


@given(
    expression=st.text(
        st.sampled_from("ab.()[]{}!&|?:=<>+-*/%,'\"\\ \n\r\t0159ux银\x00\u2028`#;memberin"), max_size=60
    )
)
@settings(deadline=None, max_examples=300)
@example("\r\r\n+")
@example("true //\r\n+")
@example('"""a\n\n""" +')
def test_any_text_is_answered(expression: str) -> None:
    judge(expression)


@given(expression=st.text(max_size=200))
@settings(deadline=None)
def test_any_character_is_answered(expression: str) -> None:
    judge(expression)
