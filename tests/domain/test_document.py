"""Reading an object of a document strictly: what each kind of member may be, what it is told, and what is read then."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from app.domain.document import MOST_MISTAKES, MOST_THINGS, Mistake, Section
from app.domain.ratio import Ratio

ABSENT = object()
Read = Callable[[Section], Any]


def read(value: object, way: Read) -> tuple[Any, dict[str, str]]:
    """What is read of the object {"it": value}, or of one without it, and the mistakes by their place."""
    mistakes: list[Mistake] = []
    section = Section({} if value is ABSENT else {"it": value}, pointer="/at", mistakes=mistakes)
    found = way(section)
    section.refuse_others()
    return found, dict(mistakes)


def _integer(section: Section) -> Any:
    return section.integer("it", least=3, most=7)


def _text(section: Section) -> Any:
    return section.text("it", longest=5)


def _lines(section: Section) -> Any:
    return section.text("it", longest=5, over_lines=True)


def _texts(section: Section) -> Any:
    return section.texts("it", most=2, longest=5)


def _instant(section: Section) -> Any:
    return section.instant("it")


def _flag(section: Section) -> Any:
    return section.flag("it")


def _choice(section: Section) -> Any:
    return section.choice("it", ("red", "green"))


def _choice_or_none(section: Section) -> Any:
    return section.choice_or_none("it", ("red", "green"))


def _choices(section: Section) -> Any:
    return section.choices("it", ("red", "green", "blue"))


def _ratio(section: Section) -> Any:
    return section.ratio("it")


def _ratio_or_zero(section: Section) -> Any:
    return section.ratio("it", or_zero=True)


MORNING = datetime(2026, 3, 5, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("way", "value", "found"),
    [
        (_integer, 3, 3),
        (_integer, 7, 7),
        (_text, "a", "a"),
        (_text, "茶 tea", "茶 tea"),
        (_lines, "a\tb\r\n", "a\tb\r\n"),
        (_texts, ["a"], frozenset({"a"})),
        (_texts, ["a", "abcde"], frozenset({"a", "abcde"})),
        (_instant, "2026-03-05T02:00:00Z", MORNING),
        (_instant, "2026-03-05T10:00:00+08:00", MORNING),
        (_instant, "2026-03-04T21:30:00-04:30", MORNING),
        (_instant, "2026-03-05T02:00:00.5Z", MORNING + timedelta(milliseconds=500)),
        (_instant, "2026-03-05T02:00:00.000001Z", MORNING + timedelta(microseconds=1)),
        (_flag, True, True),
        (_flag, False, False),
        (_choice, "red", "red"),
        (_choice, "green", "green"),
        (_choice_or_none, "green", "green"),
        (_choices, ["blue"], ("blue",)),
        (_choices, ["blue", "red"], ("red", "blue")),  # in the order in which they are known
        (_ratio, "1", Ratio(1, 1)),
        (_ratio, "01.50", Ratio(3, 2)),
        (_ratio, "0.000001", Ratio(1, 1_000_000)),
        (_ratio_or_zero, "0", Ratio(0, 1)),
        (_ratio_or_zero, "0.5", Ratio(1, 2)),
    ],
)
def test_what_is_right_is_read(way: Read, value: Any, found: Any) -> None:
    assert read(value, way) == (found, {})


NO_INTEGER = "must be an integer from 3 to 7"
NO_TEXT = "must be 1 to 5 printable characters"
NO_TEXTS = "must be 1 to 2 texts of 1 to 5 printable characters, each once"
NO_INSTANT = "must be a time with its offset, such as 2026-03-05T10:00:00+08:00"
NO_FLAG = "must be true or false"
NO_CHOICE = "must be one of red, green"
NO_CHOICES = "must name some of red, green, blue, each once"
NO_RATIO = 'must be a decimal number in quotes, above 0, such as "1.2"'
NO_RATIO_OR_ZERO = 'must be a decimal number in quotes, not negative, such as "1.2"'
# The stand-ins: of their kind, so that whatever reads on finds the other mistakes.
LEAST = 3
NAMELESS = "?"
NONE_OF_THEM: frozenset[str] = frozenset()
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
ONE = Ratio(1, 1)


@pytest.mark.parametrize(
    ("way", "wrong", "told", "stand_in"),
    [
        (_integer, (2, 8, 5.0, "5", True, None, [5]), NO_INTEGER, LEAST),
        (_text, ("", "abcdef", "a\nb", "a\0", "\ud800", 5, None, ["a"]), NO_TEXT, NAMELESS),
        (_lines, ("", "abcdef", "a\vb", 5), NO_TEXT, NAMELESS),
        (_texts, (["a", "b", "c"],), NO_TEXTS, frozenset({"a", "b", "c"})),
        (_texts, ([], [5]), NO_TEXTS, NONE_OF_THEM),
        (_texts, (["a", "a"], ["a", 5], ["a", ""], ["a", "abcdef"], ["a", "\n"]), NO_TEXTS, frozenset({"a"})),
        (_texts, ("a", {"a": 1}, None, 5), "must be an array", NONE_OF_THEM),
        (_instant, ("2026-03-05", "2026-03-05T10:00:00", "2026-03-05 10:00:00Z", 5), NO_INSTANT, LONG_AGO),
        (_instant, ("2026-02-30T00:00:00Z", "0001-01-01T00:00:00+08:00", None), NO_INSTANT, LONG_AGO),
        (_instant, ("2026-03-05T10:00:00.1234567Z", "２026-03-05T10:00:00Z", ""), NO_INSTANT, LONG_AGO),
        (_flag, (1, 0, "true", None, []), NO_FLAG, False),
        (_choice, ("blue", "Red", "", None, 5, ["red"]), NO_CHOICE, "red"),
        (_choice_or_none, ("blue", "Red", "", None, 5, ["red"]), NO_CHOICE, None),
        (_choices, (["red", "red"], ["red", "pink"], ["red", 5]), NO_CHOICES, ("red",)),
        (_choices, ([],), NO_CHOICES, ()),
        (_choices, ("red", None, {"red": 1}), "must be an array", ()),
        (_ratio, ("0", "0.0", "-1", "1,5", "", "x", 1, 1.5, None), NO_RATIO, ONE),
        (_ratio_or_zero, ("-1", "1,5", "", "x", 0, 1.5, None), NO_RATIO_OR_ZERO, ONE),
    ],
)
def test_what_is_wrong_is_told_once_and_stood_in_for(
    way: Read, wrong: tuple[Any, ...], told: str, stand_in: Any
) -> None:
    for value in wrong:
        assert read(value, way) == (stand_in, {"/at/it": told}), value


@pytest.mark.parametrize(
    "way",
    [_integer, _text, _texts, _instant, _flag, _choice, _choice_or_none, _choices, _ratio, _ratio_or_zero],
)
def test_what_must_be_there_is_missing(way: Read) -> None:
    """And told so alone: not that it would be wrong, too."""
    assert read(ABSENT, way)[1] == {"/at/it": "is missing"}


@pytest.mark.parametrize(
    ("way", "absent", "null"),
    [
        (lambda at: at.integer_or_absent("it", least=3, most=7), (None, {}), (3, {"/at/it": NO_INTEGER})),
        (lambda at: at.integer_if_given("it", least=3, most=7), (None, {}), (None, {})),
        (lambda at: at.integer_or_null("it", least=3, most=7), (3, {"/at/it": "is missing"}), (None, {})),
        (lambda at: at.sections_if_given("it"), ([], {}), ([], {"/at/it": "must be an array"})),
        (lambda at: at.has("it"), (False, {}), (False, {})),
    ],
)
def test_what_may_be_left_out_or_be_null(way: Read, absent: Any, null: Any) -> None:
    assert read(ABSENT, way) == absent
    assert read(None, way) == null


@pytest.mark.parametrize("name", ["integer_or_absent", "integer_if_given", "integer_or_null"])
def test_an_integer_that_is_there_is_held_to_its_bounds(name: str) -> None:
    def way(section: Section) -> Any:
        return getattr(section, name)("it", least=3, most=7)

    assert [read(value, way) for value in (3, 7)] == [(3, {}), (7, {})]
    assert [read(value, way) for value in (2, 8)] == [(LEAST, {"/at/it": NO_INTEGER})] * 2


def test_whether_it_is_there_and_whether_it_is_an_object() -> None:
    section = Section({"word": "day", "object": {}, "no": False}, pointer="", mistakes=[])
    assert [section.has(name) for name in ("word", "object", "no", "other")] == [True, True, True, False]
    assert [section.holds_object(name) for name in ("word", "object", "other")] == [False, True, False]
    assert section.names == ("word", "object", "no")


def test_a_text_is_of_64_characters_if_nobody_says() -> None:
    for longest, told in ((64, {}), (65, {"/at/it": "must be 1 to 64 printable characters"})):
        assert read("x" * longest, lambda section: section.text("it"))[1] == told


def test_what_nothing_reads_is_not_known() -> None:
    mistakes: list[Mistake] = []
    section = Section({"a": 1, "b": 2, "c": None, "d/e~f": 3}, pointer="/at", mistakes=mistakes)
    section.integer("b", least=1, most=2)
    section.refuse_others()
    assert mistakes == [(f"/at/{name}", "is not known here") for name in ("a", "c", "d~1e~0f")]


def test_the_first_mistake_of_each_place_and_no_more_than_a_person_reads() -> None:
    mistakes: list[Mistake] = []
    section = Section({}, pointer="", mistakes=mistakes)
    for number in range(MOST_MISTAKES + 1):
        section.wrong(f"n{number}", "first")
        section.wrong("n0", "second")
    assert mistakes == [(f"/n{number}", "first") for number in range(MOST_MISTAKES)]
    assert MOST_MISTAKES == 100


# --- objects and arrays of objects -----------------------------------------------------------------------


def test_an_object_within() -> None:
    mistakes: list[Mistake] = []
    inner = Section({"a/b": {"x": 1}}, pointer="/at", mistakes=mistakes).section("a/b")
    inner.flag("x")
    inner.refuse_others()
    assert (inner.pointer, inner.names, inner.mistakes) == ("/at/a~1b", ("x",), mistakes)
    assert mistakes == [("/at/a~1b/x", NO_FLAG)]


def test_of_an_object_that_is_missing_nothing_else_is_told() -> None:
    mistakes: list[Mistake] = []
    inner = Section({}, pointer="/at", mistakes=mistakes).section("a/b")
    inner.flag("x")
    assert (inner.pointer, inner.names) == ("/at/a~1b", ())
    assert mistakes == [("/at/a~1b", "is missing")]


@pytest.mark.parametrize("value", [None, [], "object", 5])
def test_what_is_no_object(value: Any) -> None:
    mistakes: list[Mistake] = []
    inner = Section({"it": value}, pointer="/at", mistakes=mistakes).section("it")
    assert inner.names == ()
    assert mistakes == [("/at/it", "must be an object")]


def test_an_array_of_objects() -> None:
    mistakes: list[Mistake] = []
    section = Section({"a/b": [{"x": 1}, 5, {}]}, pointer="/at", mistakes=mistakes)
    places = section.sections("a/b")
    assert [place.pointer for place in places] == ["/at/a~1b/0", "/at/a~1b/1", "/at/a~1b/2"]
    assert [place.names for place in places] == [("x",), (), ()]
    places[0].flag("x")
    assert mistakes == [("/at/a~1b/1", "must be an object"), ("/at/a~1b/0/x", NO_FLAG)]
    assert [place.names for place in section.sections_if_given("a/b")] == [("x",), (), ()]


@pytest.mark.parametrize("way", [lambda at: at.sections("it"), lambda at: at.sections_if_given("it")])
def test_objects_are_few(way: Read) -> None:
    assert MOST_THINGS == 200
    enough, none = read([{}] * 200, way)
    assert (len(enough), none) == (200, {})
    too_many, mistakes = read([{}] * 201, way)
    assert (len(too_many), mistakes) == (200, {"/at/it": "must have at most 200 entries"})


def test_integers_under_known_names() -> None:
    def way(section: Section) -> Any:
        return section.integers("it", known=("b", "a", "c"), least=3, most=7)

    assert read({"a": 3, "b": 7}, way) == ({"b": 7, "a": 3}, {})
    found, mistakes = read({"a": 2, "b": 8, "d": 3}, way)
    assert found == {"a": LEAST, "b": LEAST}
    assert mistakes == {"/at/it/b": NO_INTEGER, "/at/it/a": NO_INTEGER, "/at/it/d": "is not known here"}
    assert read(ABSENT, way) == ({}, {"/at/it": "is missing"})


def test_rates_under_names_of_ones_own() -> None:
    def way(section: Section) -> Any:
        return section.ratios("it")

    longest = "x" * 64
    assert read({"a/b": "0", longest: "1.5"}, way) == ({"a/b": Ratio(0, 1), longest: Ratio(3, 2)}, {})
    no_name = "must have a name of 1 to 64 printable characters"
    assert read({"": "1", longest + "x": "1", "\n": "1", "a": 1}, way)[1] == {
        "/at/it/": no_name,
        f"/at/it/{longest}x": no_name,
        "/at/it/\n": no_name,
        "/at/it/a": NO_RATIO_OR_ZERO,
    }


# --- what is kept for other systems ----------------------------------------------------------------------

NOT_PLAIN = (
    "must be a text of at most 500 printable characters, an integer of at most 2^53 either way, true, false, null, "
    "or arrays and objects of such, at most 4 deep"
)


@pytest.mark.parametrize(
    ("value", "is_plain"),
    [
        *((value, True) for value in (None, True, False, 0, 2**53, -(2**53), "", "茶", "x" * 500)),
        *((value, False) for value in (2**53 + 1, -(2**53) - 1, 1.5, 2.0, "x" * 501, "a\nb", "\ud800")),
        ([[[[]]]], True),
        ([[[[5]]]], True),
        ([[[[[]]]]], False),
        ({"a": {"b": {"c": {}}}}, True),
        ({"a": {"b": {"c": {"d": {}}}}}, False),
        ({"a": [{"b": [5]}]}, True),
        ({"a": [{"b": [[]]}]}, False),
        ([5, "x", 1.5], False),
        ({"a": 5, "b": 1.5}, False),
        ({"a": 5, "b\n": 1}, False),
    ],
)
def test_values_that_any_system_reads_alike(value: Any, is_plain: bool) -> None:
    found, mistakes = read(value, Section.rest)
    assert found == {"it": value}
    assert mistakes == ({} if is_plain else {"/at/it": NOT_PLAIN})


def test_the_rest_is_what_nothing_has_read_yet() -> None:
    mistakes: list[Mistake] = []
    longest = "x" * 64
    section = Section({"a": 1, "b": 2, longest: 3}, pointer="", mistakes=mistakes)
    section.integer("a", least=1, most=1)
    assert section.rest() == {"b": 2, longest: 3}
    assert section.rest() == {}, "it has been read now"
    section.refuse_others()
    assert mistakes == []
    Section({longest + "x": 1, "": 1, "\n": 1}, pointer="", mistakes=mistakes).rest()
    assert mistakes == [(f"/{name}", NOT_PLAIN) for name in (longest + "x", "", "\n")]


def test_an_offset_is_no_zone() -> None:
    """Whatever offset a time is written with, it is read in UTC."""
    found, _ = read("2026-03-05T10:00:00+08:00", _instant)
    assert found.tzinfo is UTC
    assert found.astimezone(timezone(timedelta(hours=8))).hour == 10
