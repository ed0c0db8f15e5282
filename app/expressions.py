"""Conditions in CEL (Common Expression Language), such as `member.tier == "gold" && order.amount >= 100000`.

What may be written is bounded so that no condition can hold a process up: loops go over what is given alone and are
weighed before they are ever evaluated (`expression_cost.py`), there are no regular expressions, and time zones are not
named. The functions and operators are listed here one by one; what a later version of the library adds is not open
before it is listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, Self, cast

import structlog
from cel_expr_python import cel  # pyright: ignore[reportMissingTypeStubs] - they are in cel.pyi

from app.domain.campaigns import TRIGGERS, Trigger
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.roster import ConditionFailed
from app.expression_cost import (
    SCALAR,
    Costly,
    Extent,
    FieldUnknown,
    Form,
    MessageMade,
    ZeroDivided,
    listed,
    text,
)
from app.expression_shortcut import Shortcut, shortcut

MAX_LENGTH = 2_000
"""Characters of a condition. How deep it may nest (32 levels), the library bounds itself."""
COMPILED_KEPT = 1_024

log = structlog.get_logger(__name__)

_MEMBER = {
    "member.tier": cel.Type.STRING,
    "member.region": cel.Type.STRING,
    "member.gender": cel.Type.STRING,
    "member.spend": cel.Type.INT,
    "member.orders": cel.Type.INT,
    "member.joined_at": cel.Type.TIMESTAMP,
    "member.birthday_month": cel.Type.INT,
    "member.attributes": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
}
_MOMENT = {
    "now": cel.Type.TIMESTAMP,
    "local.date": cel.Type.STRING,
    "local.year": cel.Type.INT,
    "local.month": cel.Type.INT,
    "local.day": cel.Type.INT,
    "local.weekday": cel.Type.INT,
    "local.hour": cel.Type.INT,
}
_EVENTS: Mapping[Trigger, Mapping[str, cel.Type]] = {
    "order": {
        "order.amount": cel.Type.INT,
        "order.channel": cel.Type.STRING,
        "order.first": cel.Type.BOOL,
        "order.items": cel.Type.List(cel.Type.Map(cel.Type.STRING, cel.Type.DYN)),
        "order.skus": cel.Type.List(cel.Type.STRING),
        "order.categories": cel.Type.List(cel.Type.STRING),
        "order.brands": cel.Type.List(cel.Type.STRING),
    },
    "sign_in": {"event.streak": cel.Type.INT},
    "activity": {"event.kind": cel.Type.STRING, "event.level": cel.Type.STRING},
    "referral": {"event.invitations": cel.Type.INT},
    "tier_change": {"event.from": cel.Type.STRING, "event.to": cel.Type.STRING},
}
Scope = Literal["member", "audience"] | Trigger
"""What a condition may ask: of a member alone, of a member and the moment, or also of what triggers a campaign."""

_VARIABLES: Mapping[Scope, Mapping[str, cel.Type]] = {
    "member": _MEMBER,
    "audience": {**_MEMBER, **_MOMENT},
    **{trigger: {**_MEMBER, **_MOMENT, **_EVENTS.get(trigger, {})} for trigger in TRIGGERS},
}
_PLAIN_TYPES = (cel.Type.INT, cel.Type.STRING, cel.Type.BOOL, cel.Type.List(cel.Type.STRING))
_PLAIN: Mapping[Scope, frozenset[str]] = {
    scope: frozenset(name for name, kind in variables.items() if kind in _PLAIN_TYPES)
    for scope, variables in _VARIABLES.items()
}
_NAME, _LINES = text(100), 500  # an order's names are shorter than that, and it has no more lines
_ITEM = Extent(
    6 * _NAME.size, 6, _NAME, frozenset(("line_id", "sku", "category", "brand", "quantity", "amount"))
)
_EXTENTS: Mapping[str, Extent] = {
    **{name: SCALAR for variables in _VARIABLES.values() for name in variables},
    "member.attributes": listed(50, text(500)),
    "order.items": listed(_LINES, _ITEM),
    "order.skus": listed(_LINES, _NAME),
    "order.categories": listed(_LINES, _NAME),
    "order.brands": listed(_LINES, _NAME),
}
# Those of a moment that would take a time zone read the file of that name, whatever it is: they have a form without.
_OVERLOADS = {
    "getFullYear": "timestamp_to_year",
    "getMonth": "timestamp_to_month",
    "getDate": "timestamp_to_day_of_month_1_based",
    "getDayOfMonth": "timestamp_to_day_of_month",
    "getDayOfWeek": "timestamp_to_day_of_week",
    "getDayOfYear": "timestamp_to_day_of_year",
    "getHours": "timestamp_to_hours",
    "getMinutes": "timestamp_to_minutes",
}
_FUNCTIONS = (
    *("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "!_", "_?_:_", "@in", "_[_]"),
    *("-_", "_+_", "_-_", "_*_", "_/_", "_%_", "int", "double", "string", "timestamp", "duration"),
    *("size", "startsWith", "endsWith", "contains"),
    "@not_strictly_false",  # of which the loops are made
)
_LIBRARY = "\n".join(
    (
        "stdlib:",
        "  include_macros: [has, exists, all, exists_one]",
        "  include_functions:",
        *(f'    - name: "{name}"' for name in _FUNCTIONS),
        *(f"    - {{name: {name}, overloads: [{{id: {form}}}]}}" for name, form in _OVERLOADS.items()),
    )
)

_told_at = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)").search
_applied_to = re.compile(r" applied to '([a-z(), _]*)'").search
_TRAITS = re.compile(r"\b(region|gender|birthday_month|attributes)\b").search
_FAILURES = {
    "divide by zero": "it divides by zero.",
    "modulus by zero": "it divides by zero.",
    "Iteration budget": "it takes too many steps.",
    "Key not found": "it asks for an attribute that is not there.",
    "No value with name": "it asks for something that this event does not have.",
    "No matching overload": "it compares things of different kinds.",
    "overflow": "a number in it becomes too large.",
}


class ExpressionInvalid(LoyaltyError):
    """`line` and `column` (from 1, in characters): where it is wrong. `message`: how, in words of our own."""

    code = "expression_invalid"
    kind = ErrorKind.UNPROCESSABLE
    title = "The condition can't be used"

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(
            f"The condition is wrong at line {line}, column {column}: {message}",
            extra={"line": line, "column": column, "message": message},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(_unknown_name("member"), column=7)


class Facts:
    """What a condition knows of a member. Money in fen; `region` and `gender` are "" and `birthday_month` 0 where they
    are not known; `attributes` are the shop's own texts, integers, booleans and nulls.
    """

    __slots__ = ("_activation", "_values")

    def __init__(
        self,
        *,
        tier: str,
        spend_fen: int,
        orders: int,
        joined_at: datetime,
        region: str | None = None,
        gender: str | None = None,
        birthday_month: int = 0,
        attributes: Mapping[str, str | int | bool | None] | None = None,
    ) -> None:
        self._values: dict[str, Any] = {
            "member.tier": tier,
            "member.region": region or "",
            "member.gender": gender or "",
            "member.spend": spend_fen,
            "member.orders": orders,
            "member.joined_at": joined_at,
            "member.birthday_month": birthday_month,
            "member.attributes": dict(attributes or {}),
        }
        self._activation: cel.Activation | None = None

    @property
    def activation(self) -> cel.Activation:
        """The facts as the library takes them: made once, since a member is asked for many conditions."""
        if self._activation is None:
            self._activation = _environment("member").Activation(self._values)
        return self._activation


class _Condition:
    """A compiled condition, the facts it asks for, and the short way to evaluate it if there is one; `told` once its
    failing has been logged.
    """

    __slots__ = ("expression", "names", "shortcut", "told")

    def __init__(
        self, expression: cel.Expression, names: frozenset[str], shortcut: Shortcut | None = None
    ) -> None:
        self.expression = expression
        self.names = names
        self.shortcut = shortcut
        self.told = False


def check(expression: str, scope: Scope = "member") -> None:
    """Raise ExpressionInvalid unless `expression` is a condition that can be true or false of what `scope` knows."""
    _compiled(expression, scope)


def asks_for_traits(expression: str) -> bool:
    """Whether it asks of the person what is not in the account: region, gender, birthday, attributes."""
    return _TRAITS(expression) is not None


def matches(expression: str, facts: Facts) -> bool:
    """Whether the condition holds. One that fails (a missing attribute, a division by zero, an expression that can't
    be used) doesn't hold; that is logged once for each condition and process.
    """
    try:
        condition = _compiled(expression, "member")
    except ExpressionInvalid as error:
        log.warning("condition_invalid", line=error.extra["line"], column=error.extra["column"])
        return False
    try:
        return _evaluated(condition, facts.activation)
    except ConditionFailed:
        if not condition.told:
            condition.told = True
            log.warning("condition_failed", length=len(expression))
        return False


def asking(
    trigger: Trigger, facts: Mapping[str, Any], *, together: tuple[str, ...] = ()
) -> Callable[[str], bool]:
    """Whether conditions hold for these facts: each is handed over what it asks for. Raises ConditionFailed.

    Those of `together` that take the library are evaluated at once, which takes little longer than one of them; if any
    fails, each alone.
    """
    known: Mapping[str, bool] | None = None
    shortcuts, others = _shortcuts(trigger, together)

    def ask(expression: str) -> bool:
        nonlocal known
        try:
            short = shortcuts.get(expression)
            if short is not None:
                return short(facts)
            condition = _compiled(expression, trigger)
            if condition.shortcut is not None:
                return condition.shortcut(facts)
            if known is None:
                known = _evaluated_together(trigger, facts, others)
            if expression in known:
                return known[expression]
            asked = {name: facts[name] for name in condition.names}
        except ExpressionInvalid as error:
            raise ConditionFailed(f"the condition can't be used: {error.extra['message']}") from None
        except KeyError:
            raise ConditionFailed(_FAILURES["No value with name"]) from None
        return _evaluated(condition, _environment(trigger).Activation(asked))

    return ask


@lru_cache(maxsize=64)
def _shortcuts(
    trigger: Trigger, expressions: tuple[str, ...]
) -> tuple[Mapping[str, Shortcut], tuple[str, ...]]:
    """The short ways to evaluate the conditions; and those that take the library, with those that can't be used."""
    shortcuts: dict[str, Shortcut] = {}
    others: list[str] = []
    for expression in expressions:
        try:
            short = _compiled(expression, trigger).shortcut
        except ExpressionInvalid:
            short = None
        if short is None:
            others.append(expression)
        else:
            shortcuts[expression] = short
    return shortcuts, tuple(others)


def _evaluated_together(
    trigger: Trigger, facts: Mapping[str, Any], expressions: tuple[str, ...]
) -> Mapping[str, bool]:
    """Which of the conditions hold; nothing where one of them fails or can't be used, or there are not two."""
    if len(expressions) < 2:
        return {}
    listed_up = _compiled_together(trigger, expressions)
    if listed_up is None:
        return {}
    try:
        asked = {name: facts[name] for name in listed_up.names}
        values: object = listed_up.expression.eval(_environment(trigger).Activation(asked)).plain_value()
    except (KeyError, RuntimeError, TypeError):
        return {}
    if not isinstance(values, list):  # an error
        return {}
    return dict(zip(expressions, cast(list[bool], values), strict=True))


@lru_cache(maxsize=64)
def _compiled_together(trigger: Trigger, expressions: tuple[str, ...]) -> _Condition | None:
    """The list of what these conditions come to; None if one of them can't be used."""
    try:
        for expression in expressions:
            _compiled(expression, trigger)
        made = _environment(trigger).compile(f"[{', '.join(f'({each})' for each in expressions)}]")
    except (ExpressionInvalid, RuntimeError):
        return None
    return _Condition(made, Form(made.serialize()).names & _VARIABLES[trigger].keys())


def _evaluated(condition: _Condition, activation: cel.Activation) -> bool:
    try:
        found = condition.expression.eval(activation)
        value: object = found.value()
    except (
        RuntimeError,
        TypeError,
    ) as error:  # what the library raises itself, and for values that it can't take
        raise ConditionFailed(_why(str(error))) from None
    if isinstance(value, bool):
        return value
    raise ConditionFailed(_why(str(value)))


def _why(told: str) -> str:
    """What failed, in words of our own: the library's may repeat what it was given."""
    return next((words for sign, words in _FAILURES.items() if sign in told), "it could not be evaluated.")


@lru_cache(maxsize=len(_VARIABLES))
def _environment(scope: Scope) -> cel.Env:
    # When it is first asked for, so that processes which are forked make their own.
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml(_LIBRARY), variables=_VARIABLES[scope])


@lru_cache(maxsize=COMPILED_KEPT)
def _compiled(expression: str, scope: Scope) -> _Condition:
    if len(expression) > MAX_LENGTH:
        raise ExpressionInvalid(f"at most {MAX_LENGTH} characters are read.", column=MAX_LENGTH + 1)
    try:
        made = _environment(scope).compile(expression)
    except RuntimeError as error:
        raise _invalid(str(error), scope) from None
    except TypeError:
        raise ExpressionInvalid("it holds half a character, a lone surrogate.") from None
    if not _is_condition(made):
        raise ExpressionInvalid(
            "it must be true or false; compare an attribute with something, as in "
            "`member.attributes.newsletter == true`."
        )
    form = Form(made.serialize())
    _weigh(form, expression, scope)
    return _Condition(made, form.names & _VARIABLES[scope].keys(), shortcut(form, _PLAIN[scope]))


def _is_condition(made: cel.Expression) -> bool:
    """Whether it is true or false. What the library can't tell the type of, such as `{now: 1}`, is neither."""
    try:
        return made.return_type() == cel.Type.BOOL
    except RuntimeError:
        return False


def _weigh(form: Form, expression: str, scope: Scope) -> None:
    """Raise ExpressionInvalid for what might take too long, asks of a line what no line has, makes a message, or
    divides by a zero that is written out.
    """
    try:
        form.weigh(_EXTENTS)
    except Costly as costly:
        raise _at(expression, costly.offset, "this may take too long; loop once, over one list.") from None
    except FieldUnknown as unknown:
        fields = ", ".join(sorted(unknown.fields))
        raise _at(expression, unknown.offset, f"a line has no such field; it has {fields}.") from None
    except MessageMade as made:
        raise _at(expression, made.offset, _unknown_name(scope)) from None
    except ZeroDivided as zero:
        raise _at(expression, zero.offset, _FAILURES["divide by zero"]) from None


def _moments(words: str) -> str:
    """The library's names for moments and for the time between two, as they are written in a condition."""
    return words.replace("google.protobuf.Timestamp", "timestamp").replace(
        "google.protobuf.Duration", "duration"
    )


def _at(expression: str, offset: int, message: str) -> ExpressionInvalid:
    before = expression[:offset]
    return ExpressionInvalid(
        message, line=before.count("\n") + 1, column=offset - (before.rfind("\n") + 1) + 1
    )


def _unknown_name(scope: Scope) -> str:
    named = (
        *(name for name in _FUNCTIONS if name.isalpha()),
        *_OVERLOADS,
        "has",
        "exists",
        "all",
        "exists_one",
    )
    return (
        f"nothing is known by this name. Known are {', '.join(_VARIABLES[scope])}, the operators of CEL, "
        f"{', '.join(f'{name}()' for name in named)}."
    )


def _invalid(told: str, scope: Scope) -> ExpressionInvalid:
    """What the library told, without the caller's own text that it repeats."""
    place = _told_at(told)
    if place is None or int(place[1]) < 1:
        return ExpressionInvalid("it is nested too deeply; at most 32 levels are read.")
    words, line, column = _moments(place[3]), int(place[1]), int(place[2])
    if words.startswith("undeclared reference"):
        message = _unknown_name(scope)
    elif words.startswith("Syntax error"):
        message = "it can't be read from here on."
    elif (types := _applied_to(words)) is not None:
        message = f"this can't be applied to {types[1]}."
    else:
        message = "this can't be used here."
    return ExpressionInvalid(message, line=line, column=column)
