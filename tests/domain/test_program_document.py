"""What is wrong with a program's document, where, and what its author is told."""

from collections.abc import Callable
from typing import Any

import pytest

from app.domain.document import MOST_MISTAKES, Mistake
from app.domain.program import Program, ProgramInvalid
from tests.domain.programs import document

Changed = Callable[[dict[str, Any]], object]


def mistakes(made: Any) -> dict[str, str]:
    with pytest.raises(ProgramInvalid) as refused:
        Program.from_document(1, made)
    assert refused.value.extra["errors"] == [
        {"pointer": pointer, "detail": detail} for pointer, detail in refused.value.mistakes
    ]
    return {mistake.pointer: mistake.detail for mistake in refused.value.mistakes}


def _set(*path: str | int, to: Any) -> Changed:
    def change(made: Any) -> None:
        for step in path[:-1]:
            made = made[step]
        made[path[-1]] = to

    return change


def _drop(*path: str | int) -> Changed:
    def change(made: Any) -> None:
        for step in path[:-1]:
            made = made[step]
        del made[path[-1]]

    return change


SPEND = "/tiers/ladder/2/thresholds/spend"
MISSING = "is missing"
UNKNOWN = "is not known here"
NO_TEXT = "must be 1 to 64 printable characters"
NOT_PLAIN = (
    "must be a text of at most 500 printable characters, an integer of at most 2^53 either way, true, false, null, "
    "or arrays and objects of such, at most 4 deep"
)
RATE = 'must be a decimal number in quotes, above 0, such as "1.2"'
CURRENCY = "must be a currency's three capital letters, such as CNY"
TIMEZONE = "must be a time zone's IANA name, such as Asia/Shanghai"
METRICS = "must name some of spend, orders, points_earned, growth, each once"


def an_integer(least: int, most: int) -> str:
    return f"must be an integer from {least} to {most}"


MISTAKES: list[tuple[Changed, str, str]] = [
    (_set("extra", to=1), "/extra", UNKNOWN),
    (_drop("currency"), "/currency", MISSING),
    (_set("currency", to="yuan"), "/currency", CURRENCY),
    (_set("missions", to=[{}] * 201), "/missions", "must have at most 200 entries"),
    (_set("currency", to="cny"), "/currency", CURRENCY),
    (_set("currency", to=""), "/currency", NO_TEXT),
    (
        _set("earning", "categories", "x" * 65, to="1"),
        f"/earning/categories/{'x' * 65}",
        "must have a name of 1 to 64 printable characters",
    ),
    (_set("tiers", "ladder", 1, "name", to="青铜会员"), "/tiers/ladder/1/name", "is another tier's name"),
    (
        _set("tiers", "ladder", 1, "code", to="a b"),
        "/tiers/ladder/1/code",
        "must be 1 to 64 of A-Za-z0-9._:-",
    ),
    (
        _set("tiers", "ladder", 1, "benefits", 1, "code", to="birthday_coupon"),
        "/tiers/ladder/1/benefits/1/code",
        "is another benefit of this tier",
    ),
    (
        _set("tiers", "ladder", 0, "benefits", 0, "x", to=1.5),
        "/tiers/ladder/0/benefits/0/x",
        NOT_PLAIN,
    ),
    (
        _set("tiers", "ladder", 0, "benefits", 0, "x", to=2**53 + 1),
        "/tiers/ladder/0/benefits/0/x",
        NOT_PLAIN,
    ),
    (
        _set("tiers", "ladder", 0, "benefits", 0, "x", to="a\0"),
        "/tiers/ladder/0/benefits/0/x",
        NOT_PLAIN,
    ),
    (
        _set("tiers", "ladder", 0, "benefits", 0, "x", to={"y": [["\ud800"]]}),
        "/tiers/ladder/0/benefits/0/x",
        NOT_PLAIN,
    ),
    (
        _set("tiers", "ladder", 0, "benefits", 0, "x", to=[[[[[]]]]]),
        "/tiers/ladder/0/benefits/0/x",
        NOT_PLAIN,
    ),
    (_set("currency", to="C\n"), "/currency", NO_TEXT),
    (_drop("timezone"), "/timezone", MISSING),
    (_set("timezone", to="Mars/Olympus"), "/timezone", TIMEZONE),
    (_set("timezone", to="../etc/passwd"), "/timezone", TIMEZONE),
    (_set("timezone", to="Asia"), "/timezone", TIMEZONE),
    (_drop("earning"), "/earning", MISSING),
    (_set("earning", to=[]), "/earning", "must be an object"),
    (_set("earning", "rate", to=1), "/earning/rate", RATE),
    (_set("earning", "rate", to="0"), "/earning/rate", RATE),
    (_set("earning", "rate", to="-1"), "/earning/rate", RATE),
    (_drop("earning", "rate"), "/earning/rate", MISSING),
    (_set("earning", "unit_fen", to=True), "/earning/unit_fen", an_integer(1, 10**12)),
    (_set("earning", "unit_fen", to=0), "/earning/unit_fen", an_integer(1, 10**12)),
    (_drop("earning", "unit_fen"), "/earning/unit_fen", MISSING),
    (
        _set("earning", "categories", "a/b~", to="x"),
        "/earning/categories/a~1b~0",
        'must be a decimal number in quotes, not negative, such as "1.2"',
    ),
    (_set("growth", "more", to="x"), "/growth/more", UNKNOWN),
    (_set("cash", "policy", to="lots"), "/cash/policy", "must be one of none, single_order, cumulative"),
    (_drop("cash", "policy"), "/cash/policy", MISSING),
    (_set("cash", "steps", to=[]), "/cash/steps", "must have a step"),
    (_set("cash", "steps", to={}), "/cash/steps", "must be an array"),
    (_drop("cash", "steps"), "/cash/steps", MISSING),
    (
        _set("cash", "steps", to=[{"at_fen": 2, "reward_fen": 1}] * 2),
        "/cash/steps/1/at_fen",
        "must be above the step before it (2)",
    ),
    (
        _set("sign_in", "ladder", 1, "day", to=7),
        "/sign_in/ladder/1/day",
        "must be above the step before it (7)",
    ),
    (_set("sign_in", "ladder", 1, to=7), "/sign_in/ladder/1", "must be an object"),
    (_set("sign_in", "after_ladder", to="end"), "/sign_in/after_ladder", "must be one of restart, stay"),
    (
        _set("validity", "policy", to="forever"),
        "/validity/policy",
        "must be one of anniversary, months, calendar_year_end, inactivity, yearly_tenth, never",
    ),
    (_set("validity", "months", to=3), "/validity/months", UNKNOWN),
    (_set("validity", "years", to=0), "/validity/years", an_integer(1, 100)),
    (_set("paying", "tiers", to={"wood": {}}), "/paying/tiers/wood", "is no tier of the ladder"),
    (
        _set("paying", "tiers", to={"gold": {"worth_fen": "1"}}),
        "/paying/tiers/gold/worth_fen",
        an_integer(1, 10**12),
    ),
    (_set("reserve", "default_seconds", to=604_801), "/reserve/default_seconds", an_integer(1, 604_800)),
    (_set("settlement", "days", to=-1), "/settlement/days", an_integer(0, 3_660)),
    (_set("tiers", "ladder", to=[]), "/tiers/ladder", "must have a tier"),
    (
        _set("tiers", "ladder", 0, "requires_review", to=True),
        "/tiers/ladder/0/requires_review",
        "must be false: everybody has the lowest tier",
    ),
    (
        _set("tiers", "ladder", 0, "thresholds", "spend", to=1),
        "/tiers/ladder/0/thresholds/spend",
        UNKNOWN,
    ),
    (
        _set("tiers", "ladder", 1, "requires_review", to=1),
        "/tiers/ladder/1/requires_review",
        "must be true or false",
    ),
    (_drop("tiers", "ladder", 1, "requires_review"), "/tiers/ladder/1/requires_review", MISSING),
    (_set("tiers", "ladder", 2, "code", to="bronze"), "/tiers/ladder/2/code", "is another tier's code"),
    (
        _set("tiers", "ladder", 2, "thresholds", "spend", to=30_000),
        SPEND,
        "must be above the tier before it (30000)",
    ),
    (_drop("tiers", "ladder", 2, "thresholds", "spend"), SPEND, MISSING),
    (
        _set("tiers", "ladder", 2, "thresholds", "orders", to=3),
        "/tiers/ladder/2/thresholds/orders",
        UNKNOWN,
    ),
    (_set("tiers", "ladder", 2, "rate", to="0"), "/tiers/ladder/2/rate", RATE),
    (_drop("tiers", "ladder", 2, "benefits", 0, "code"), "/tiers/ladder/2/benefits/0/code", MISSING),
    (_set("tiers", "qualification", "metrics", to=[]), "/tiers/qualification/metrics", METRICS),
    (
        _set("tiers", "qualification", "metrics", to=["spend", "spend"]),
        "/tiers/qualification/metrics",
        METRICS,
    ),
    (
        _set("tiers", "qualification", "window", "months", to=3),
        "/tiers/qualification/window/months",
        UNKNOWN,
    ),
    (_set("tiers", "validity_months", to=0), "/tiers/validity_months", an_integer(1, 1_200)),
    (_drop("tiers", "validity_months"), "/tiers/validity_months", MISSING),
    (_set("referral", to=None), "/referral", "must be an object"),
    (_drop("referral", "per_month"), "/referral/per_month", MISSING),
    (_set("referral", "per_month", to=0), "/referral/per_month", an_integer(1, 10**6)),
    (_set("referral", "min_order_fen", to=0), "/referral/min_order_fen", an_integer(1, 10**12)),
    (_set("referral", "more", to=1), "/referral/more", UNKNOWN),
    (
        _set("referral", "ladder", to=[{"from": 1, "inviter_points": 3}]),
        "/referral/ladder/0/from",
        an_integer(2, 10**6),
    ),
    (
        _set("referral", "ladder", to=[{"from": 5, "inviter_points": 300}] * 2),
        "/referral/ladder/1/from",
        "must be above the step before it (5)",
    ),
    (
        _set("referral", "ladder", to=[{"from": 2 + n, "inviter_points": n} for n in range(101)]),
        "/referral/ladder",
        "must have at most 100 steps",
    ),
    (
        _set("referral", "share", to={"percent": "100.01", "days": 90}),
        "/referral/share/percent",
        "must be at most 100",
    ),
    (_set("referral", "share", to={"percent": "0", "days": 90}), "/referral/share/percent", RATE),
    (_set("referral", "share", to={"percent": "1"}), "/referral/share/days", MISSING),
]


@pytest.mark.parametrize(("change", "pointer", "detail"), MISTAKES)
def test_each_mistake_is_told_with_its_place(change: Changed, pointer: str, detail: str) -> None:
    made = document()
    change(made)
    found = mistakes(made)
    assert found[pointer] == detail, found


def test_all_mistakes_are_told_at_once() -> None:
    made = document(currency="", settlement={"days": "15"}, sign_in={"points": -1})
    made["tiers"]["ladder"][3]["thresholds"]["spend"] = 1
    assert mistakes(made).keys() == {
        "/currency",
        "/settlement/days",
        "/sign_in/points",
        "/tiers/ladder/3/thresholds/spend",
    }


def test_no_more_mistakes_are_told_than_a_person_reads() -> None:
    assert len(mistakes(document(**{f"extra_{number}": 1 for number in range(1_000)}))) == MOST_MISTAKES


def test_mistakes_of_a_document_within_another() -> None:
    with pytest.raises(ProgramInvalid) as refused:
        Program.from_document(1, document(currency="yuan"))
    assert refused.value.under("/document").mistakes == (
        Mistake("/document/currency", "must be a currency's three capital letters, such as CNY"),
    )


@pytest.mark.parametrize(
    ("wrong", "how_many"),
    [({"x": 1}, "1 mistake"), ({"x": 1, "y": 1}, "2 mistakes"), ({"x": 1, "y": 1, "z": 1}, "3 mistakes")],
)
def test_how_many_mistakes_there_are(wrong: dict[str, int], how_many: str) -> None:
    with pytest.raises(ProgramInvalid) as refused:
        Program.from_document(1, document(**wrong))
    assert refused.value.detail == (
        f"{how_many} in the program document: correct what `errors` names and send it again."
    )


def test_the_example_is_what_a_document_is_told() -> None:
    made = document()
    made["tiers"]["ladder"][2]["thresholds"]["spend"] = made["tiers"]["ladder"][1]["thresholds"]["spend"]
    with pytest.raises(ProgramInvalid) as refused:
        Program.from_document(1, made)
    assert ProgramInvalid.example().extra == refused.value.under("/document").extra


@pytest.mark.parametrize("made", [[], None, "program", 3])
def test_what_is_no_object_at_all(made: Any) -> None:
    assert mistakes(made)[""] == "must be an object"
