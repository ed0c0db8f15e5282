"""The published JSON Schema and the reader of the domain hold a program document to the same shape."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from app.domain.program import Program, ProgramInvalid
from app.schemas.program_document import in_document, program_schema
from tests.domain.programs import document
from tests.domain.test_program import VARIANTS, variant
from tests.domain.test_program_document import MISTAKES, Changed

SCHEMA = jsonschema_rs.Draft202012Validator(program_schema())

BEYOND_SCHEMAS = {
    "/timezone",  # a zone that is none
    "/cash/steps/1/at_fen",  # above the step before it
    "/sign_in/ladder/1/day",
    "/referral/ladder/1/from",
    "/tiers/ladder/2/thresholds/spend",
    "/tiers/ladder/2/thresholds/orders",  # what counts for tiers
    "/tiers/ladder/0/thresholds/spend",  # none of the lowest tier
    "/tiers/ladder/0/requires_review",
    "/paying/tiers/wood",  # a tier that is none
    "/tiers/ladder/1/name",  # another's
    "/tiers/ladder/2/code",
    "/tiers/ladder/1/benefits/1/code",
    "/tiers/ladder/0/benefits/0/x",  # for other systems
    "/referral/share/percent",  # a number in a text
}
"""Places where the shape is right and the reader finds more."""


@pytest.mark.parametrize("name", VARIANTS)
def test_what_the_reader_takes_fits(name: str) -> None:
    assert [str(error) for error in SCHEMA.iter_errors(variant(name))] == []
    canonical = Program.from_document(1, variant(name)).to_document()
    assert [str(error) for error in SCHEMA.iter_errors(canonical)] == []


@pytest.mark.parametrize(("change", "pointer", "detail"), MISTAKES)
def test_what_does_not_fit_the_reader_refuses(change: Changed, pointer: str, detail: str) -> None:
    made = json.loads(json.dumps(document()))
    change(made)
    with pytest.raises(ProgramInvalid):
        Program.from_document(1, made)
    assert not SCHEMA.is_valid(made) or pointer in BEYOND_SCHEMAS, detail


MISSION: dict[str, Any] = {
    "mission": "m",
    "name": "任务",
    "counts": "orders",
    "at_least": 3,
    "period": "month",
}
ACTIVITY: dict[str, Any] = {"kind": "walk", "label": "步行", "points": 1}


@pytest.mark.parametrize(
    "sections",
    [
        {
            "missions": [
                {**MISSION, "reward": {"points": 1, "growth": 1, "chances": 1, "coupon": "w"}, "badge": "b"}
            ]
        },
        {"missions": [{**MISSION, "period": {"days_after_joining": 7}, "name_en": "mission", "badge": "b"}]},
        {
            "missions": [{**MISSION, "counts": "activities", "kind": "walk", "badge": "b"}],
            "activities": [ACTIVITY],
        },
        {
            "activities": [
                {**ACTIVITY, "label_en": "walk", "growth": 0, "per_day": 1, "once": True, "levels": []}
            ]
        },
        {
            "activities": [
                {**ACTIVITY, "levels": [{"level": "far", "points": 0, "label": "远", "label_en": "far"}]}
            ]
        },
        {"activities": [], "missions": []},
    ],
)
def test_sections_that_may_be_left_out_fit_too(sections: dict[str, Any]) -> None:
    made = document(**sections)
    Program.from_document(1, made)
    assert [str(error) for error in SCHEMA.iter_errors(made)] == []


@pytest.mark.parametrize(
    "sections",
    [
        {"missions": [{**MISSION, "badge": "b", "period": "year"}]},
        {"missions": [{**MISSION, "badge": "b", "counts": "likes"}]},
        {"missions": [{**MISSION, "reward": {}}]},
        {"missions": [{**MISSION, "reward": {"points": 0}}]},
        {"missions": {}},
        {"activities": [{**ACTIVITY, "kind": "a b"}]},
        {"activities": [{**ACTIVITY, "per_day": 0}]},
        {"activities": [{**ACTIVITY, "levels": [{"level": "far"}]}]},
        {"activities": [{**ACTIVITY, "extra": 1}]},
    ],
)
def test_what_neither_takes(sections: dict[str, Any]) -> None:
    made = document(**sections)
    assert not SCHEMA.is_valid(made)
    with pytest.raises(ProgramInvalid):
        Program.from_document(1, made)


def test_every_example_is_one() -> None:
    shown = in_document()
    assert "$id" not in shown
    for example in shown["examples"]:
        assert SCHEMA.is_valid(example)


def test_it_is_a_schema() -> None:
    assert jsonschema_rs.meta.is_valid(program_schema())
    assert program_schema() is not program_schema()
