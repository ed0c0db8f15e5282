"""Conditions that only compare facts, evaluated without the library.

What most campaigns ask of every order is as plain as `order.amount >= 500000` or `"shoes" in order.categories`. The
library takes some ten microseconds to be handed the facts and to evaluate that; Python compares them in one. Whatever
else a condition does is left to the library: its arithmetic, its times, its loops, its maps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from operator import contains, eq, ge, gt, itemgetter, le, lt, ne
from typing import Any, NamedTuple

from app.expression_cost import Form, Message, bytes_of, message_of, messages_of, number_of

Shortcut = Callable[[Mapping[str, Any]], Any]
"""Of facts by name. Raises KeyError for one that is not there."""

_CONSTANT, _CALL, _LIST = 3, 6, 7  # kinds of parts, by their field
_TRUTH, _INTEGER, _TEXT = 2, 3, 6  # kinds of constants
_COMPARING: Mapping[str, Callable[[Any, Any], bool]] = {
    "_==_": eq,
    "_!=_": ne,
    "_<_": lt,
    "_<=_": le,
    "_>_": gt,
    "_>=_": ge,
    "@in": lambda element, among: contains(among, element),
}


def shortcut(form: Form, plain: Collection[str]) -> Shortcut | None:
    """How to evaluate a checked condition that does nothing but compare: facts named in `plain` (integers, texts,
    truths, lists of texts) and constants, by == != < <= > >= in, joined by && || !. None for any other.
    """
    part = _part(form, form.root, plain)
    return None if part is None else _evaluating(part)


class _Constant(NamedTuple):
    value: Any


class _Fact(NamedTuple):
    name: str


_Part = _Constant | _Fact | Shortcut


def _part(form: Form, node: Message, plain: Collection[str]) -> _Part | None:
    name = form.name_of(node)
    if name is not None:
        return _Fact(name) if name in plain else None
    if _CONSTANT in node or _LIST in node:
        found = _constants(node)
        return None if found is None else _Constant(found[0])
    if _CALL not in node:
        return None
    call = message_of(bytes_of(node, _CALL))
    parts = [_part(form, part, plain) for part in messages_of(call, 3)]
    if 1 in call or None in parts:  # 1: what a method is called on
        return None
    return _applied(bytes_of(call, 2).decode(), [part for part in parts if part is not None])


def _evaluating(part: _Part) -> Shortcut:
    if isinstance(part, _Fact):
        return itemgetter(part.name)
    if isinstance(part, _Constant):
        return lambda _: part.value
    return part


def _applied(function: str, to: list[_Part]) -> Shortcut | None:
    if function == "!_":
        [one] = map(_evaluating, to)
        return lambda facts: not one(facts)
    if len(to) != 2:
        return None
    compare = _COMPARING.get(function)
    if compare is not None:
        return _compared(compare, *to)
    one, other = map(_evaluating, to)
    if function == "_&&_":
        return lambda facts: one(facts) and other(facts)
    if function == "_||_":
        return lambda facts: one(facts) or other(facts)
    return None


def _compared(compare: Callable[[Any, Any], bool], one: _Part, other: _Part) -> Shortcut:
    """A fact beside a constant, which most conditions are, takes one call less for each of them."""
    if isinstance(one, _Fact) and isinstance(other, _Constant):
        name, value = one.name, other.value
        return lambda facts: compare(facts[name], value)
    if isinstance(one, _Constant) and isinstance(other, _Fact):
        value, name = one.value, other.name
        return lambda facts: compare(value, facts[name])
    first, second = _evaluating(one), _evaluating(other)
    return lambda facts: compare(first(facts), second(facts))


def _constants(node: Message) -> tuple[Any] | None:
    """The integer, text or truth that is written out, or the list of some of one kind; None for anything else."""
    if _LIST in node:
        elements = [_constants(element) for element in messages_of(message_of(bytes_of(node, _LIST)), 1)]
        known: list[object] = [element[0] for element in elements if element is not None]
        # To Python 1 and true are the same.
        is_of_one_kind = len({type(element) for element in known}) < 2
        return (known,) if is_of_one_kind and len(known) == len(elements) else None
    if _CONSTANT not in node:
        return None
    constant = message_of(bytes_of(node, _CONSTANT))
    if _INTEGER in constant:
        value = number_of(constant, _INTEGER)
        return (value - (1 << 64) if value >> 63 else value,)
    if _TRUTH in constant:
        return (bool(number_of(constant, _TRUTH)),)
    return (bytes_of(constant, _TEXT).decode(),) if _TEXT in constant else None
