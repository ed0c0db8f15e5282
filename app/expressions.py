"""Conditions in CEL (Common Expression Language), such as `member.tier == "gold" && member.spend >= 100000`.

What may be written is bounded so that no condition can hold a process up: there are no loops and no regular
expressions, and time zones are not named, so evaluating takes no longer than reading the text once. The functions and
operators are listed here one by one; what a later version of the library adds is not open before it is listed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Self

import structlog
from cel_expr_python import cel  # pyright: ignore[reportMissingTypeStubs] - they are in cel.pyi

from app.domain.errors import ErrorKind, LoyaltyError

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
)
_LIBRARY = "\n".join(
    (
        "stdlib:",
        "  include_macros: [has]",
        "  include_functions:",
        *(f'    - name: "{name}"' for name in _FUNCTIONS),
        *(f"    - {{name: {name}, overloads: [{{id: {form}}}]}}" for name, form in _OVERLOADS.items()),
    )
)

_told_at = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)").search
_applied_to = re.compile(r" applied to '([a-z(), _]*)'").search


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
        return cls(_UNKNOWN_NAME, column=7)


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
            self._activation = _environment().Activation(self._values)
        return self._activation


class _Condition:
    """A compiled condition; `told` once its failing has been logged."""

    __slots__ = ("expression", "told")

    def __init__(self, expression: cel.Expression) -> None:
        self.expression = expression
        self.told = False


def check(expression: str) -> None:
    """Raise ExpressionInvalid unless `expression` is a condition on a member that can be true or false."""
    _compiled(expression)


def matches(expression: str, facts: Facts) -> bool:
    """Whether the condition holds. One that fails (a missing attribute, a division by zero, an expression that can't
    be used) doesn't hold; that is logged once for each condition and process.
    """
    try:
        condition = _compiled(expression)
    except ExpressionInvalid as error:
        log.warning("condition_invalid", line=error.extra["line"], column=error.extra["column"])
        return False
    try:
        value: object = condition.expression.eval(facts.activation).value()
    except (RuntimeError, TypeError):  # what the library raises itself, and for values that it can't take
        value = None
    if isinstance(value, bool):
        return value
    if not condition.told:
        condition.told = True
        log.warning("condition_failed", length=len(expression))
    return False


@lru_cache(maxsize=1)
def _environment() -> cel.Env:
    # When it is first asked for, so that processes which are forked make their own.
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml(_LIBRARY), variables=_MEMBER)


@lru_cache(maxsize=COMPILED_KEPT)
def _compiled(expression: str) -> _Condition:
    if len(expression) > MAX_LENGTH:
        raise ExpressionInvalid(f"at most {MAX_LENGTH} characters are read.", column=MAX_LENGTH + 1)
    try:
        made = _environment().compile(expression)
    except RuntimeError as error:
        raise _invalid(str(error)) from None
    except TypeError:
        raise ExpressionInvalid("it holds half a character, a lone surrogate.") from None
    if made.return_type() != cel.Type.BOOL:
        raise ExpressionInvalid(
            "it must be true or false; compare an attribute with something, as in "
            "`member.attributes.newsletter == true`."
        )
    return _Condition(made)


_UNKNOWN_NAME = (
    f"nothing is known by this name. Known are {', '.join(_MEMBER)}, the operators of CEL, has(), "
    f"{', '.join(f'{name}()' for name in (*_FUNCTIONS, *_OVERLOADS) if name.isalpha())}."
)


def _invalid(told: str) -> ExpressionInvalid:
    """What the library told, without the caller's own text that it repeats."""
    place = _told_at(told)
    if place is None or int(place[1]) < 1:
        return ExpressionInvalid("it is nested too deeply; at most 32 levels are read.")
    words, line, column = place[3], int(place[1]), int(place[2])
    if words.startswith("undeclared reference"):
        message = _UNKNOWN_NAME
    elif words.startswith("Syntax error"):
        message = "it can't be read from here on."
    elif (types := _applied_to(words)) is not None:
        message = f"this can't be applied to {types[1]}."
    else:
        message = "this can't be used here."
    return ExpressionInvalid(message, line=line, column=column)
