import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.document import MOST_MISTAKES, Mistake
from app.domain.errors import TierNotFound
from app.domain.program import Program, ProgramInvalid
from app.domain.ratio import Ratio
from tests.domain.programs import DEFAULT, document, program

Changed = Callable[[dict[str, Any]], object]


def mistakes(made: Any) -> dict[str, str]:
    with pytest.raises(ProgramInvalid) as refused:
        Program.from_document(1, made)
    assert refused.value.extra["errors"] == [
        {"pointer": pointer, "detail": detail} for pointer, detail in refused.value.mistakes
    ]
    return {mistake.pointer: mistake.detail for mistake in refused.value.mistakes}


def test_the_default_is_the_rules() -> None:
    assert DEFAULT.timezone.key == "Asia/Shanghai"
    assert DEFAULT.earning.rate == Ratio(1, 1)
    assert [(step.day, step.points) for step in DEFAULT.sign_in.ladder] == [(7, 20), (15, 50), (30, 100)]
    assert [
        (tier.code, tier.thresholds.get("spend"), str(tier.rate), tier.requires_review)
        for tier in DEFAULT.tiers.ladder
    ] == [
        ("bronze", None, "1", False),
        ("silver", 30_000, "1", False),
        ("gold", 300_000, "1.2", False),
        ("platinum", 1_000_000, "1.5", False),
        ("diamond", 3_000_000, "2", True),
    ]
    assert DEFAULT.tier("silver").name == "白银会员"
    assert [tier.rank for tier in DEFAULT.tiers.ladder] == [0, 1, 2, 3, 4]
    discount = next(each for each in DEFAULT.tier("platinum").benefits if each.code == "discount")
    assert (discount.label, discount.discount_percent, dict(discount.terms)) == ("会员折扣 5%", 5, {})
    assert (DEFAULT.reserve.default_seconds, DEFAULT.reserve.max_seconds) == (1_800, 7 * 86_400)
    assert (DEFAULT.settlement_days, DEFAULT.refund_grace_days, DEFAULT.approval_over_points) == (
        15,
        0,
        10_000,
    )
    with pytest.raises(TierNotFound):
        DEFAULT.tier("wood")


def test_it_is_one_immutable_value() -> None:
    assert program() == DEFAULT
    assert hash(DEFAULT) == hash(program())
    assert program(sign_in={"points": 11}) != DEFAULT
    assert len({hash(Program.from_document(version, document())) for version in range(1, 6)}) == 5
    with pytest.raises(FrozenInstanceError):
        DEFAULT.version = 2  # type: ignore[misc]


VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "rates": {"earning": {"rate": "0.5", "categories": {"a/b~c": "0"}, "brands": {"acme": "2.25"}}},
    "no cash": {"cash": None},
    "cumulative": {"cash": {"policy": "cumulative", "every_fen": 100, "reward_fen": 1}},
    "months": {"validity": {"policy": "months", "months": 6}},
    "inactivity": {"validity": {"policy": "inactivity", "months": 6}},
    "year end": {"validity": {"policy": "calendar_year_end", "years": 0}},
    "tenth": {"validity": {"policy": "yearly_tenth"}},
    "never": {"validity": {"policy": "never"}},
    "paying": {"paying": {"tiers": {"gold": {"worth_fen": 120}, "diamond": {"max_share_percent": 100}}}},
    "referral": {
        "referral": {
            "ladder": [{"from": 2, "inviter_points": 300}, {"from": 10, "inviter_points": 0}],
            "share": {"percent": "1.5", "days": 90},
        }
    },
    "rolling": {
        "tiers": {
            "qualification": {
                "metrics": ["spend"],
                "combine": "all",
                "window": {"kind": "rolling_months", "months": 12},
            },
            "validity_months": 12,
            "grace_days": 30,
            "warn_days": 14,
        }
    },
    "calendar year": {
        "tiers": {
            "qualification": {"metrics": ["spend"], "combine": "any", "window": {"kind": "calendar_year"}}
        }
    },
}


def variant(name: str) -> dict[str, Any]:
    made = document(**VARIANTS[name])
    for section in ("cash", "validity"):  # policies replace each other whole
        if section in VARIANTS[name]:
            made[section] = VARIANTS[name][section] or {"policy": "none"}
    return made


@pytest.mark.parametrize("name", VARIANTS)
def test_documents_round_trip(name: str) -> None:
    made = Program.from_document(7, json.loads(json.dumps(variant(name))))
    assert made.version == 7
    assert made.to_document() == variant(name)
    assert Program.from_document(7, made.to_document()) == made


def test_rates_are_written_in_their_shortest_form() -> None:
    assert program(earning={"rate": "01.50"}).to_document()["earning"]["rate"] == "1.5"


def test_paying_by_tier() -> None:
    paying = program(
        paying={"tiers": {"gold": {"worth_fen": 150}, "diamond": {"max_share_percent": 100}}}
    ).paying
    assert [paying.value_fen(150, tier=tier) for tier in ("bronze", "gold", "diamond")] == [150, 225, 150]
    assert paying.value_fen(1, tier="gold") == 1
    assert [paying.share_percent(tier=tier) for tier in ("bronze", "gold", "diamond")] == [50, 50, 100]


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


MISTAKES: list[tuple[Changed, str, str]] = [
    (_set("extra", to=1), "/extra", "not known"),
    (_drop("currency"), "/currency", "missing"),
    (_set("currency", to="yuan"), "/currency", "three capital letters"),
    (_set("missions", to=[{}] * 201), "/missions", "at most 200"),
    (_set("currency", to="cny"), "/currency", "three capital letters"),
    (_set("currency", to=""), "/currency", "printable"),
    (_set("earning", "categories", "x" * 65, to="1"), f"/earning/categories/{'x' * 65}", "printable"),
    (_set("tiers", "ladder", 1, "name", to="青铜会员"), "/tiers/ladder/1/name", "another tier's name"),
    (_set("tiers", "ladder", 1, "code", to="a b"), "/tiers/ladder/1/code", "A-Za-z0-9"),
    (
        _set("tiers", "ladder", 1, "benefits", 1, "code", to="birthday_coupon"),
        "/tiers/ladder/1/benefits/1/code",
        "another benefit",
    ),
    (
        _set("tiers", "ladder", 0, "benefits", 0, "x", to=1.5),
        "/tiers/ladder/0/benefits/0/x",
        "an integer",
    ),
    (
        _set("tiers", "ladder", 0, "benefits", 0, "x", to=2**53 + 1),
        "/tiers/ladder/0/benefits/0/x",
        "2^53",
    ),
    (
        _set("tiers", "ladder", 0, "benefits", 0, "x", to="a\0"),
        "/tiers/ladder/0/benefits/0/x",
        "printable",
    ),
    (
        _set("tiers", "ladder", 0, "benefits", 0, "x", to={"y": [["\ud800"]]}),
        "/tiers/ladder/0/benefits/0/x",
        "text",
    ),
    (
        _set("tiers", "ladder", 0, "benefits", 0, "x", to=[[[[[]]]]]),
        "/tiers/ladder/0/benefits/0/x",
        "4 deep",
    ),
    (_set("currency", to="C\n"), "/currency", "printable"),
    (_drop("timezone"), "/timezone", "missing"),
    (_set("timezone", to="Mars/Olympus"), "/timezone", "IANA"),
    (_set("timezone", to="../etc/passwd"), "/timezone", "IANA"),
    (_set("timezone", to="Asia"), "/timezone", "IANA"),
    (_drop("earning"), "/earning", "missing"),
    (_set("earning", to=[]), "/earning", "object"),
    (_set("earning", "rate", to=1), "/earning/rate", "in quotes"),
    (_set("earning", "rate", to="0"), "/earning/rate", "above 0"),
    (_set("earning", "rate", to="-1"), "/earning/rate", "above 0"),
    (_drop("earning", "rate"), "/earning/rate", "missing"),
    (_set("earning", "unit_fen", to=True), "/earning/unit_fen", "integer from 1"),
    (_set("earning", "unit_fen", to=0), "/earning/unit_fen", "integer from 1"),
    (_drop("earning", "unit_fen"), "/earning/unit_fen", "missing"),
    (_set("earning", "categories", "a/b~", to="x"), "/earning/categories/a~1b~0", "not negative"),
    (_set("growth", "more", to="x"), "/growth/more", "not known"),
    (_set("cash", "policy", to="lots"), "/cash/policy", "single_order"),
    (_drop("cash", "policy"), "/cash/policy", "missing"),
    (_set("cash", "steps", to=[]), "/cash/steps", "must have a step"),
    (_set("cash", "steps", to={}), "/cash/steps", "array"),
    (_drop("cash", "steps"), "/cash/steps", "missing"),
    (_set("cash", "steps", to=[{"at_fen": 2, "reward_fen": 1}] * 2), "/cash/steps/1/at_fen", "above"),
    (_set("sign_in", "ladder", 1, "day", to=7), "/sign_in/ladder/1/day", "above the step before it (7)"),
    (_set("sign_in", "ladder", 1, to=7), "/sign_in/ladder/1", "object"),
    (_set("sign_in", "after_ladder", to="end"), "/sign_in/after_ladder", "restart, stay"),
    (_set("validity", "policy", to="forever"), "/validity/policy", "never"),
    (_set("validity", "months", to=3), "/validity/months", "not known"),
    (_set("validity", "years", to=0), "/validity/years", "from 1"),
    (_set("paying", "tiers", to={"wood": {}}), "/paying/tiers/wood", "no tier"),
    (_set("paying", "tiers", to={"gold": {"worth_fen": "1"}}), "/paying/tiers/gold/worth_fen", "integer"),
    (_set("reserve", "default_seconds", to=604_801), "/reserve/default_seconds", "to 604800"),
    (_set("settlement", "days", to=-1), "/settlement/days", "from 0"),
    (_set("tiers", "ladder", to=[]), "/tiers/ladder", "must have a tier"),
    (_set("tiers", "ladder", 0, "requires_review", to=True), "/tiers/ladder/0/requires_review", "false"),
    (
        _set("tiers", "ladder", 0, "thresholds", "spend", to=1),
        "/tiers/ladder/0/thresholds/spend",
        "known",
    ),
    (_set("tiers", "ladder", 1, "requires_review", to=1), "/tiers/ladder/1/requires_review", "true or"),
    (_drop("tiers", "ladder", 1, "requires_review"), "/tiers/ladder/1/requires_review", "missing"),
    (_set("tiers", "ladder", 2, "code", to="bronze"), "/tiers/ladder/2/code", "another tier's"),
    (
        _set("tiers", "ladder", 2, "thresholds", "spend", to=30_000),
        SPEND,
        "above the tier before it (30000)",
    ),
    (_drop("tiers", "ladder", 2, "thresholds", "spend"), SPEND, "missing"),
    (
        _set("tiers", "ladder", 2, "thresholds", "orders", to=3),
        "/tiers/ladder/2/thresholds/orders",
        "known",
    ),
    (_set("tiers", "ladder", 2, "rate", to="0"), "/tiers/ladder/2/rate", "above 0"),
    (_drop("tiers", "ladder", 2, "benefits", 0, "code"), "/tiers/ladder/2/benefits/0/code", "missing"),
    (_set("tiers", "qualification", "metrics", to=[]), "/tiers/qualification/metrics", "some of spend"),
    (
        _set("tiers", "qualification", "metrics", to=["spend", "spend"]),
        "/tiers/qualification/metrics",
        "each once",
    ),
    (
        _set("tiers", "qualification", "window", "months", to=3),
        "/tiers/qualification/window/months",
        "known",
    ),
    (_set("tiers", "validity_months", to=0), "/tiers/validity_months", "from 1"),
    (_drop("tiers", "validity_months"), "/tiers/validity_months", "missing"),
    (_set("referral", to=None), "/referral", "object"),
    (_drop("referral", "per_month"), "/referral/per_month", "missing"),
    (_set("referral", "per_month", to=0), "/referral/per_month", "from 1"),
    (_set("referral", "min_order_fen", to=0), "/referral/min_order_fen", "from 1"),
    (_set("referral", "more", to=1), "/referral/more", "known"),
    (
        _set("referral", "ladder", to=[{"from": 1, "inviter_points": 3}]),
        "/referral/ladder/0/from",
        "from 2",
    ),
    (
        _set("referral", "ladder", to=[{"from": 5, "inviter_points": 300}] * 2),
        "/referral/ladder/1/from",
        "above the step before it (5)",
    ),
    (
        _set("referral", "ladder", to=[{"from": 2 + n, "inviter_points": n} for n in range(101)]),
        "/referral/ladder",
        "at most 100",
    ),
    (
        _set("referral", "share", to={"percent": "100.01", "days": 90}),
        "/referral/share/percent",
        "most 100",
    ),
    (_set("referral", "share", to={"percent": "0", "days": 90}), "/referral/share/percent", "above 0"),
    (_set("referral", "share", to={"percent": "1"}), "/referral/share/days", "missing"),
]


@pytest.mark.parametrize(("change", "pointer", "detail"), MISTAKES)
def test_each_mistake_is_told_with_its_place(change: Changed, pointer: str, detail: str) -> None:
    made = document()
    change(made)
    found = mistakes(made)
    assert pointer in found, found
    assert detail in found[pointer]


def test_all_mistakes_are_told_at_once() -> None:
    made = document(currency="", settlement={"days": "15"}, sign_in={"points": -1})
    made["tiers"]["ladder"][3]["thresholds"]["spend"] = 1
    assert mistakes(made).keys() == {
        "/currency",
        "/settlement/days",
        "/sign_in/points",
        "/tiers/ladder/3/thresholds/spend",
    }


def test_what_a_benefit_says_to_other_systems_is_kept() -> None:
    made = document()
    terms = {"gate": ["A", {"from": 3, "vip": True, "lounge": None}], "label_en": "lounge"}
    made["tiers"]["ladder"][0] |= {
        "benefits": [{"code": "lounge", "label": "休息室", **terms}],
        "name_en": "Bronze",
    }
    read = Program.from_document(1, made)
    assert read.tier("bronze").benefits[0].terms == terms
    assert read.to_document()["tiers"]["ladder"][0] == made["tiers"]["ladder"][0]


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


def test_the_default_document_is_left_alone() -> None:
    document()["tiers"]["ladder"].clear()
    assert len(DEFAULT_PROGRAM_DOCUMENT["tiers"]["ladder"]) == 5
