"""Conditions of orders that can be read, written at random: typed, so that most of them may be used."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Literal, cast

from hypothesis import strategies as st

Kind = Literal["bool", "int", "text", "moment", "texts", "item", "items", "map"]

_LEAVES: Mapping[Kind, tuple[str, ...]] = {
    "bool": ("true", "false", "order.first", "has(member.attributes.key1)", "has(member.attributes.gone)"),
    "int": (
        *("0", "1", "-1", "10000", "9223372036854775807", "order.amount", "member.spend", "local.hour"),
        *("size(order.items)", "order.items[3].amount", "member.attributes.key1"),
    ),
    "text": (
        *("''", "'a'", "'银'", "'2026-03-07T00:00:00Z'", "member.tier", "order.channel", "local.date"),
        *("order.skus[0]", "order.brands[499]", "order.items[7].category", "member.attributes.key1"),
        *("member.attributes.gone", "order.items[500].sku", f"'{'a' * 100}'"),
    ),
    "moment": ("now", "member.joined_at", "timestamp(0)", "timestamp('9999-12-31T23:59:59Z')"),
    "texts": ("order.skus", "order.categories", "order.brands", "[]", "['a', 'b']"),
    "item": ("order.items[0]", "order.items[499]"),
    "items": ("order.items", "[order.items[0], order.items[1]]", "(order.items + order.items)"),
    "map": ("member.attributes", "{}", "{'a': 'b'}"),
}
# A part in braces is written by its kind in turn.
_FORMS: Mapping[Kind, tuple[str, ...]] = {
    "bool": (
        *("({int} == {int})", "({int} < {int})", "({text} == {text})", "({text} != {text})", "({text} >= {text})"),
        *("({moment} < {moment})", "({moment} - {moment} > duration('1h'))", "({text} in {texts})"),
        *("({texts} == {texts})", "({items} == {items})", "({item} in {items})", "({text} in {map})"),
        *("({map} == {map})", "{text}.contains({text})", "{text}.startsWith({text})", "{text}.endsWith({text})"),
        *("({bool} && {bool})", "({bool} || {bool})", "!{bool}", "({bool} ? {bool} : {bool})"),
        *("[{bool}, {bool}][{int}]", "([{texts}, {texts}] == [{texts}])"),
        "({{{text}: {texts}}} != {{{text}: {texts}}})",
    ),
    "int": (
        *("({int} + {int})", "({int} - {int})", "({int} * {int})", "({int} / {int})", "({int} % {int})", "-({int})"),
        *("size({texts})", "size({text})", "int({text})", "({bool} ? {int} : {int})", "{moment}.getFullYear()"),
        *("{item}.amount", "{item}['quantity']", "{{{text}: {int}}}[{text}]", "size({map})"),
    ),
    "text": (
        *("({text} + {text})", "string({int})", "string({moment})", "({bool} ? {text} : {text})", "{texts}[{int}]"),
        *("{item}.sku", "{item}[{text}]", "string({map}[{text}])", "({text} + {text} + {text} + {text})"),
    ),
    "moment": (
        *("timestamp({text})", "timestamp({int})", "({moment} + duration({text}))", "({moment} - duration('24h'))"),
    ),
    "texts": ("[{text}, {text}]", "({texts} + {texts})", "({bool} ? {texts} : {texts})", "[{texts}, {texts}][{int}]"),
    "item": ("{items}[{int}]",),
    "items": ("({items} + {items})", "[{item}, {item}]", "({bool} ? {items} : {items})"),
    "map": ("{{{text}: {text}, {text}: {text}}}", "({bool} ? {map} : {{{text}: {text}}})"),
}  # fmt: skip
_LOOPS: tuple[tuple[Kind, Kind], ...] = (("texts", "text"), ("items", "item"), ("map", "text"))
_MACROS = ("all", "exists", "exists_one")


def _write(draw: st.DrawFn, kind: Kind, depth: int, variables: Mapping[str, Kind]) -> str:
    named = [name for name, of in variables.items() if of == kind]
    if depth <= 0 or draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from([*named * 4, *_LEAVES[kind]]))
    if kind == "bool" and draw(st.booleans()):
        over, each = draw(st.sampled_from(_LOOPS))
        name = f"x{len(variables)}"
        written = _write(draw, "bool", depth - 1, {**variables, name: each})
        return (
            f"{_write(draw, over, depth - 2, variables)}.{draw(st.sampled_from(_MACROS))}({name}, {written})"
        )
    form = draw(st.sampled_from(_FORMS[kind]))
    written = (
        text + (_write(draw, cast(Kind, part), depth - 1, variables) if part else "")
        for text, part, _, _ in Formatter().parse(form)
    )
    return "".join(written)


@st.composite
def conditions(draw: st.DrawFn) -> str:
    """A condition of up to six levels."""
    return _write(draw, "bool", draw(st.integers(1, 6)), {})
