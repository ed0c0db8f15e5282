"""Reading a JSON document strictly: every mistake is collected with its place, not just the first."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar, cast

from app.domain.ratio import Ratio

Word = TypeVar("Word", bound=str)

_ABSENT = object()

MOST_MISTAKES = 100
MOST_THINGS = 200
_LONGEST_NAME = 64
_LONGEST_VALUE = 500
_DEEPEST = 4
_MOST_EXACT = 2**53  # that a double holds

_BLANKS = str.maketrans("\t\r\n", "   ")

_is_instant = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII
).fullmatch


class Mistake(NamedTuple):
    """What is wrong, and where: a JSON pointer (RFC 6901) such as `/tiers/ladder/2/rate`."""

    pointer: str
    detail: str


class Section:
    """One JSON object of the document. Each method reads one member of it.

    A wrong one is noted and a stand-in returned, so that reading goes on and finds the other mistakes;
    nothing is made of a document that has any.
    """

    def __init__(self, value: object, *, pointer: str, mistakes: list[Mistake]) -> None:
        self.pointer = pointer
        self.mistakes = mistakes
        self._read: set[str] = set()
        self._members: Mapping[str, Any] = {}
        if isinstance(value, Mapping):
            self._members = cast(Mapping[str, Any], value)
        else:
            mistakes.append(Mistake(pointer, "must be an object"))

    @property
    def names(self) -> Sequence[str]:
        """The names of its members."""
        return tuple(self._members)

    def wrong(self, name: str, detail: str) -> None:
        """Note a mistake in the member `name`: the first of each place, and no more than a person reads."""
        pointer = f"{self.pointer}/{_escaped(name)}"
        if len(self.mistakes) < MOST_MISTAKES and all(
            mistake.pointer != pointer for mistake in self.mistakes
        ):
            self.mistakes.append(Mistake(pointer, detail))

    def refuse_others(self) -> None:
        """Note every member that nothing has read: a typo never passes silently."""
        for name in self._members:
            if name not in self._read:
                self.wrong(name, "is not known here")

    def has(self, name: str) -> bool:
        """Whether the member is there and is no null, for those that may be left out."""
        self._read.add(name)
        return self._members.get(name) is not None

    def holds_object(self, name: str) -> bool:
        """Whether the member is an object, for those that may be one or a word."""
        return isinstance(self._members.get(name), Mapping)

    def section(self, name: str) -> "Section":
        value = self._value(name)
        if value is _ABSENT:
            return Section({}, pointer=f"{self.pointer}/{_escaped(name)}", mistakes=[])
        return Section(value, pointer=f"{self.pointer}/{_escaped(name)}", mistakes=self.mistakes)

    def sections(self, name: str) -> "list[Section]":
        """The objects of an array, which are few."""
        values = self._array(name)
        if len(values) > MOST_THINGS:
            self.wrong(name, f"must have at most {MOST_THINGS} entries")
        return [
            Section(value, pointer=f"{self.pointer}/{_escaped(name)}/{index}", mistakes=self.mistakes)
            for index, value in enumerate(values[:MOST_THINGS])
        ]

    def sections_if_given(self, name: str) -> "list[Section]":
        """The objects of an array that may be left out."""
        return self.sections(name) if name in self._members else []

    def ratios(self, name: str) -> dict[str, Ratio]:
        """An object of rates, 0 included, whose member names are the caller's own."""
        holder = self.section(name)
        for key in holder.names:
            if not _is_text(key, _LONGEST_NAME):
                holder.wrong(key, f"must have a name of 1 to {_LONGEST_NAME} printable characters")
        return {key: holder.ratio(key, or_zero=True) for key in holder.names}

    def integers(self, name: str, *, known: Sequence[str], least: int, most: int) -> dict[str, int]:
        """An object of integers under some of the `known` names."""
        holder = self.section(name)
        found = {key: holder.integer(key, least=least, most=most) for key in known if key in holder.names}
        holder.refuse_others()
        return found

    def integer(self, name: str, *, least: int, most: int) -> int:
        value = self._value(name)
        if type(value) is int and least <= value <= most:  # a bool is no number here
            return value
        self.wrong(name, f"must be an integer from {least} to {most}")
        return least

    def integer_or_absent(self, name: str, *, least: int, most: int) -> int | None:
        return self.integer(name, least=least, most=most) if name in self._members else None

    def integer_if_given(self, name: str, *, least: int, most: int) -> int | None:
        """None if it is absent or null."""
        return self.integer(name, least=least, most=most) if self.has(name) else None

    def integer_or_null(self, name: str, *, least: int, most: int) -> int | None:
        if self._members.get(name, _ABSENT) is None:
            self._read.add(name)
            return None
        return self.integer(name, least=least, most=most)

    def text(self, name: str, *, longest: int = 64, over_lines: bool = False) -> str:
        """A text; `over_lines`: which may be broken into lines and indented."""
        value = self._value(name)
        if isinstance(value, str) and _is_text(_on_one_line(value) if over_lines else value, longest):
            return value
        self.wrong(name, f"must be 1 to {longest} printable characters")
        return "?"

    def texts(self, name: str, *, most: int, longest: int) -> frozenset[str]:
        """An array of 1 to `most` texts, none twice."""
        values = self._array(name)
        found = frozenset(value for value in values if isinstance(value, str) and _is_text(value, longest))
        if len(found) != len(values) or not 1 <= len(values) <= most:
            self.wrong(name, f"must be 1 to {most} texts of 1 to {longest} printable characters, each once")
        return found

    def instant(self, name: str) -> datetime:
        """A time of RFC 3339, as UTC."""
        value = self._value(name)
        if isinstance(value, str) and _is_instant(value):
            try:
                return datetime.fromisoformat(value).astimezone(UTC)
            except (ValueError, OverflowError):  # no such day, or before the year 1
                pass
        self.wrong(name, "must be a time with its offset, such as 2026-03-05T10:00:00+08:00")
        return datetime.min.replace(tzinfo=UTC)

    def flag(self, name: str) -> bool:
        value = self._value(name)
        if not isinstance(value, bool):
            self.wrong(name, "must be true or false")
        return value is True

    def choice(self, name: str, known: Sequence[Word]) -> Word:
        return self.choice_or_none(name, known) or known[0]

    def choice_or_none(self, name: str, known: Sequence[Word]) -> Word | None:
        """None if it is none of them, for those on which hangs what else there must be."""
        value = self._value(name)
        for choice in known:
            if value == choice:
                return choice
        self.wrong(name, f"must be one of {', '.join(known)}")
        return None

    def choices(self, name: str, known: Sequence[Word]) -> tuple[Word, ...]:
        """An array of at least one of the `known` words, none twice."""
        values = self._array(name)
        found = tuple(choice for choice in known if choice in values)
        if len(found) != len(values) or not found:
            self.wrong(name, f"must name some of {', '.join(known)}, each once")
        return found

    def ratio(self, name: str, *, or_zero: bool = False) -> Ratio:
        value = self._value(name)
        try:
            ratio = Ratio.parse(value) if isinstance(value, str) else None
        except ValueError:
            ratio = None
        if ratio is not None and (ratio.numerator or or_zero):
            return ratio
        least = "not negative" if or_zero else "above 0"
        self.wrong(name, f'must be a decimal number in quotes, {least}, such as "1.2"')
        return Ratio(1, 1)

    def rest(self) -> dict[str, Any]:
        """Every member that nothing has read yet: plain values, for other systems to read."""
        found = {name: value for name, value in self._members.items() if name not in self._read}
        self._read.update(found)
        for name, value in found.items():
            if not (_is_text(name, _LONGEST_NAME) and _is_plain(value)):
                self.wrong(
                    name,
                    f"must be a text of at most {_LONGEST_VALUE} printable characters, an integer of at most 2^53 "
                    f"either way, true, false, null, or arrays and objects of such, at most {_DEEPEST} deep",
                )
        return found

    def _array(self, name: str) -> Sequence[Any]:
        value = self._value(name)
        if isinstance(value, list):
            return cast(list[Any], value)
        self.wrong(name, "must be an array")
        return ()

    def _value(self, name: str) -> object:
        self._read.add(name)
        value = self._members.get(name, _ABSENT)
        if value is _ABSENT:
            self.wrong(name, "is missing")
        return value


def _is_plain(value: object, *, depth: int = 0) -> bool:
    """Whether it is a value without fractions that any system reads alike."""
    match value:
        case None | bool():
            return True
        case int():
            return abs(value) <= _MOST_EXACT
        case str():
            return len(value) <= _LONGEST_VALUE and value.isprintable()
        case list() | dict():
            nested = cast(Mapping[str, Any] | list[Any], value)
            parts = (*nested, *nested.values()) if isinstance(nested, Mapping) else nested
            return depth < _DEEPEST and all(_is_plain(part, depth=depth + 1) for part in parts)
        case _:
            return False


def _is_text(value: str, longest: int) -> bool:
    return 1 <= len(value) <= longest and value.isprintable()


def _on_one_line(value: str) -> str:
    return value.translate(_BLANKS)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
