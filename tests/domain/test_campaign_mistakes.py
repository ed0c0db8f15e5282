"""What is wrong with a campaign, where, and what its author is told."""

import json
from typing import Any

import pytest

from app.domain.campaign_document import CampaignInvalid, CampaignMistake
from app.domain.campaigns import CampaignBudget
from app.domain.document import MOST_MISTAKES, Mistake
from tests.domain.test_campaign_document import MULTIPLIED, PLAIN, effect, mistakes, read

NO_IDENTIFIER = "must be 1 to 64 of A-Za-z0-9._:-"
NO_TEXTS = "texts of 1 to"
NOT_ABOVE_ONE = "above 1 and at most 100"
LATER = {"from": "2026-03-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, {"/name": "missing", "/trigger": "missing", "/effects": "missing"}),
        ([], {"": "must be an object", "/name": "", "/trigger": "", "/effects": ""}),
        (PLAIN | {"name": ""}, {"/name": "1 to 100 printable"}),
        (PLAIN | {"name": "n" * 101}, {"/name": "1 to 100 printable"}),
        (PLAIN | {"name": "two\nlines"}, {"/name": "printable"}),
        (PLAIN | {"name": 5}, {"/name": "printable"}),
        (PLAIN | {"naem": "n"}, {"/naem": "is not known here"}),
        (PLAIN | {"a/b~c": 1}, {"/a~1b~0c": "is not known here"}),
        (PLAIN | {"state": "live"}, {"/state": "is not known here"}),
        # An unknown trigger says nothing of what may go with it.
        (PLAIN | {"trigger": "ordr", "balance": 0, "effects": [MULTIPLIED]}, {"/trigger": "one of order, "}),
        (PLAIN | {"trigger": None}, {"/trigger": "one of order, "}),
        (PLAIN | {"trigger": ["order"]}, {"/trigger": "one of order, "}),
        # Effects.
        (PLAIN | {"effects": None}, {"/effects": "must be an array"}),
        (PLAIN | {"effects": {"kind": "free_shipping"}}, {"/effects": "must be an array"}),
        (PLAIN | {"effects": []}, {"/effects": "1 to 10 effects"}),
        (PLAIN | {"effects": [{"kind": "free_shipping"}] * 11}, {"/effects": "1 to 10 effects"}),
        (PLAIN | {"effects": [{"kind": "free_shipping"}] * 201}, {"/effects": "at most"}),
        (PLAIN | {"effects": [5]}, {"/effects/0": "must be an object", "/effects/0/kind": "is missing"}),
        (effect(kind="add_pionts", points=5), {"/effects/0/kind": "one of multiply_points, "}),
        (effect(points=5), {"/effects/0/kind": "is missing"}),
        (effect(kind="free_shipping", sku="a"), {"/effects/0/sku": "is not known here"}),
        (effect(kind="add_points", growth=5), {"/effects/0/points": "", "/effects/0/growth": "not known"}),
        *(
            (effect(kind=kind, **{name: wrong}), {f"/effects/0/{name}": f"from 1 to {most}"})
            for kind, name, most in (
                ("add_points", "points", 10**9),
                ("add_growth", "growth", 10**9),
                ("add_chances", "chances", 1_000),
            )
            for wrong in (0, -1, most + 1, 1.0, "5", True, None)
        ),
        *(
            (effect(kind="multiply_points", factor=factor), {"/effects/0/factor": NOT_ABOVE_ONE})
            for factor in ("1", "1.0", "0.5", "0.999999", "100.1", "101", "999999.999999")
        ),
        *(
            (effect(kind="multiply_points", factor=factor), {"/effects/0/factor": "decimal number in quotes"})
            for factor in (2, 2.0, True, None, "", "0", "-2", "+2", "1e3", "2.", ".5", " 2", "2 ", "1,5", "x")
        ),
        (effect(kind="multiply_points", factor="1.1234567"), {"/effects/0/factor": "decimal number"}),
        (effect(kind="multiply_points", factor="２"), {"/effects/0/factor": "decimal number"}),
        (effect(kind="multiply_points"), {"/effects/0/factor": "is missing"}),
        (effect(**MULTIPLIED, lines={}), {"/effects/0/lines": "must name skus, categories or brands"}),
        (effect(**MULTIPLIED, lines=["a"]), {"/effects/0/lines": "must be an object"}),
        (
            effect(**MULTIPLIED, lines={"skus": []}),
            {"/effects/0/lines/skus": NO_TEXTS},
        ),
        (effect(**MULTIPLIED, lines={"skus": ["a", "a"]}), {"/effects/0/lines/skus": "each once"}),
        (effect(**MULTIPLIED, lines={"skus": ["a", ""]}), {"/effects/0/lines/skus": NO_TEXTS}),
        (effect(**MULTIPLIED, lines={"skus": ["a"], "sku": ["a"]}), {"/effects/0/lines/sku": "not known"}),
        (
            effect(**MULTIPLIED, lines={"brands": [str(n) for n in range(1_001)]}),
            {"/effects/0/lines/brands": ""},
        ),
        (effect(kind="add_points", points=1, lines={"skus": ["a"]}), {"/effects/0/lines": "not known"}),
        (effect(kind="issue_coupon"), {"/effects/0/template": "is missing"}),
        (effect(kind="issue_coupon", template="a b"), {"/effects/0/template": NO_IDENTIFIER}),
        (effect(kind="issue_coupon", template="t" * 65), {"/effects/0/template": "1 to 64"}),
        (effect(kind="issue_coupon", template="t", count=0), {"/effects/0/count": "from 1 to 20"}),
        (effect(kind="issue_coupon", template="t", count=21), {"/effects/0/count": "from 1 to 20"}),
        (effect(kind="discount"), {"/effects/0/percent_off": "is missing"}),
        (effect(kind="discount", percent_off=0), {"/effects/0/percent_off": "from 1 to 100"}),
        (effect(kind="discount", percent_off=101), {"/effects/0/percent_off": "from 1 to 100"}),
        (effect(kind="discount", percent_off=5, max_discount=0), {"/effects/0/max_discount": "from 1 to"}),
        (effect(kind="gift", quantity=1), {"/effects/0/sku": "is missing"}),
        (effect(kind="gift", sku="a"), {"/effects/0/quantity": "is missing"}),
        (effect(kind="gift", sku="s" * 101, quantity=21), {"/effects/0/sku": "", "/effects/0/quantity": ""}),
        # The window.
        (PLAIN | {"window": []}, {"/window": "must be an object"}),
        (PLAIN | {"window": {"form": "x"}}, {"/window/form": "is not known here"}),
        (PLAIN | {"window": {"from": "2026-03-01"}}, {"/window/from": "a time with its offset"}),
        (PLAIN | {"window": {"until": "2026-02-30T00:00:00Z"}}, {"/window/until": "a time with its offset"}),
        (PLAIN | {"window": {"from": "2026-03-01T00:00:00"}}, {"/window/from": "a time with its offset"}),
        (PLAIN | {"window": {"from": "1899-12-31T23:59:59Z"}}, {"/window/from": "between 1900 and 2200"}),
        (PLAIN | {"window": {"until": "2200-12-31T20:00:00-08:00"}}, {"/window/until": "between 1900 and"}),
        (PLAIN | {"window": LATER}, {"/window/until": "must be later than from"}),
        (PLAIN | {"window": LATER | {"from": "2026-03-01T07:59:59.9+08:00"}}, {}),
        (PLAIN | {"window": LATER | {"from": "2026-03-01T08:00:00.1+08:00"}}, {"/window/until": "later"}),
        (PLAIN | {"window": LATER | {"from": "x"}}, {"/window/from": "a time"}),
        (PLAIN | {"window": LATER | {"until": "x"}}, {"/window/until": "a time"}),
        (PLAIN | {"window": {"rrule": ""}}, {"/window/rrule": "1 to 200 printable"}),
        (PLAIN | {"window": {"rrule": "F" * 201}}, {"/window/rrule": "1 to 200 printable"}),
        (PLAIN | {"window": {"rrule": "FREQ=DAILY\nX"}}, {"/window/rrule": "1 to 200 printable"}),
        # Whom it is for.
        (PLAIN | {"tiers": []}, {"/tiers": NO_TEXTS}),
        (PLAIN | {"tiers": "gold"}, {"/tiers": "must be an array"}),
        (PLAIN | {"tiers": ["gold", 5]}, {"/tiers": NO_TEXTS}),
        (PLAIN | {"tiers": ["gold", "gold"]}, {"/tiers": "each once"}),
        (PLAIN | {"audience": ""}, {"/audience": "1 to 2000 printable"}),
        (PLAIN | {"audience": "a" * 2_001}, {"/audience": "1 to 2000 printable"}),
        (PLAIN | {"condition": True}, {"/condition": "1 to 2000 printable"}),
        (PLAIN | {"condition": "a\x00b"}, {"/condition": "1 to 2000 printable"}),
        # How much, when several apply.
        (PLAIN | {"budget": {}}, {"/budget/points": "or per_member or per_day"}),
        (PLAIN | {"budget": {"points": None}}, {"/budget/points": "or per_member or per_day"}),
        (PLAIN | {"budget": 5}, {"/budget": "must be an object", "/budget/points": ""}),
        *(
            (PLAIN | {"budget": {name: wrong}}, {f"/budget/{name}": f"from 1 to {10**12}"})
            for name in CampaignBudget._fields
            for wrong in (0, -5, 10**12 + 1, "5", False)
        ),
        (PLAIN | {"budget": {"per_month": 5, "points": 1}}, {"/budget/per_month": "is not known here"}),
        (PLAIN | {"priority": 1_001}, {"/priority": "from -1000 to 1000"}),
        (PLAIN | {"priority": "high"}, {"/priority": "from -1000 to 1000"}),
        (PLAIN | {"stacks": 1}, {"/stacks": "true or false"}),
        (PLAIN | {"holdout_percent": 100}, {"/holdout_percent": "from 0 to 99"}),
        (PLAIN | {"holdout_percent": -1}, {"/holdout_percent": "from 0 to 99"}),
        # What a trigger asks for.
        (PLAIN | {"trigger": "dormancy", "dormant_days": 0}, {"/dormant_days": "from 1 to 3660"}),
        (PLAIN | {"trigger": "dormancy", "dormant_days": 3_661}, {"/dormant_days": "from 1 to 3660"}),
        (PLAIN | {"trigger": "balance"}, {"/balance": "is missing"}),
        (PLAIN | {"trigger": "balance", "balance": None}, {"/balance": "from 1 to"}),
        (PLAIN | {"trigger": "balance", "balance": 0}, {"/balance": "from 1 to"}),
        (PLAIN | {"trigger": "holiday"}, {"/holidays": "is missing"}),
        (PLAIN | {"trigger": "holiday", "holidays": []}, {"/holidays": NO_TEXTS}),
        (PLAIN | {"trigger": "holiday", "holidays": ["春节", "春节"]}, {"/holidays": "each once"}),
        (PLAIN | {"trigger": "campaign_end"}, {"/of_campaign": "is missing"}),
        (PLAIN | {"trigger": "campaign_end", "of_campaign": "a b"}, {"/of_campaign": NO_IDENTIFIER}),
        *(
            (PLAIN | {"trigger": "schedule", "at": wrong}, {"/at": told})
            for wrong, told in (
                *((wrong, "such as 09:30") for wrong in ("24:00", "23:60", "9:30", "09:3", "0930", "09-30")),
                *((wrong, "such as 09:30") for wrong in ("+9:30", "09:+3", "9:030", "１２:00", "noon", "::")),
                *((wrong, "printable characters") for wrong in ("", "09:30:00", 930, "09\n30")),
            )
        ),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_every_mistake_has_its_place(document: Any, told: dict[str, str]) -> None:
    if not told:
        read(document)
        return
    found = mistakes(document)
    assert found.keys() == told.keys()
    for pointer, words in told.items():
        assert words in found[pointer]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (
            PLAIN | {"trigger": "birthday", "effects": [MULTIPLIED, {"kind": "free_shipping"}]},
            {
                "/effects/0/kind": (
                    "does not go with birthday: nothing is earned there that could be multiplied"
                ),
                "/effects/1/kind": "does not go with birthday: only orders pass the till",
            },
        ),
        (effect(kind="issue_coupon", template="a b"), {"/effects/0/template": NO_IDENTIFIER}),
        *(
            (
                effect(kind="multiply_points", factor=factor),
                {
                    "/effects/0/factor": 'must be a decimal number in quotes, above 1 and at most 100, such as "2"'
                },
            )
            for factor in ("1", "100.000001")
        ),
        *(
            (
                effect(**MULTIPLIED, lines=lines),
                {"/effects/0/lines": "must name skus, categories or brands; leave it out for all lines"},
            )
            for lines in ({}, {"skus": None, "brands": None})
        ),
        *(
            (PLAIN | {"window": {end: moment}}, {f"/window/{end}": "must be between 1900 and 2200"})
            for end in ("from", "until")
            for moment in ("1899-12-31T23:59:59Z", "2201-01-01T00:00:00Z")
        ),
        *(
            (PLAIN | {"window": {end: moment}}, {})
            for end in ("from", "until")
            for moment in ("1900-01-01T00:00:00Z", "2200-12-31T23:59:59Z")
        ),
        (PLAIN | {"window": LATER}, {"/window/until": "must be later than from"}),
        (
            PLAIN | {"budget": {"per_day": None}},
            {
                "/budget/points": (
                    "must be given, or per_member or per_day; leave the budget out for no limit"
                )
            },
        ),
        (PLAIN | {"dormant_days": 5}, {"/dormant_days": "goes with dormancy alone"}),
        (PLAIN | {"at": "09:30"}, {"/at": "goes with schedule and holiday alone"}),
        (
            PLAIN | {"trigger": "campaign_end", "of_campaign": "a b"},
            {"/of_campaign": NO_IDENTIFIER},
        ),
        (PLAIN | {"trigger": "schedule", "at": "24:00"}, {"/at": "must be a time of the day such as 09:30"}),
        (PLAIN | {"trigger": "schedule", "at": "09:300"}, {"/at": "must be 1 to 5 printable characters"}),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_what_its_author_is_told(document: Any, told: dict[str, str]) -> None:
    if told:
        assert mistakes(document) == told
    else:
        read(document)


def test_the_example_is_what_a_campaign_is_told() -> None:
    with pytest.raises(CampaignInvalid) as refused:
        read(effect(kind="multiply_points", factor="1"))
    assert CampaignInvalid.example().extra == refused.value.extra
    assert CampaignInvalid.example().detail == refused.value.detail


def test_mistakes_are_told_all_at_once_and_repeat_nothing() -> None:
    document = {
        "name": "secret\n",
        "trigger": "order",
        "window": {"from": "secret", "rrule": "secret\n"},
        "audience": "secret\x00",
        "effects": [{"kind": "secret"}, {"kind": "multiply_points", "factor": "secret"}],
        "budget": {"points": "secret"},
        "priority": "secret",
    }
    with pytest.raises(CampaignInvalid) as refused:
        read(document)
    assert {mistake.pointer for mistake in refused.value.mistakes} == {
        *("/name", "/window/from", "/window/rrule", "/audience"),
        *("/effects/0/kind", "/effects/1/factor", "/budget/points", "/priority"),
    }
    assert "secret" not in refused.value.detail
    assert refused.value.detail.startswith("Correct the campaign and send it again: /name must be 1 to 100")


def test_mistakes_are_no_more_than_a_person_reads() -> None:
    assert len(mistakes(PLAIN | {f"n{number}": 1 for number in range(500)})) == MOST_MISTAKES


def test_mistakes_of_a_campaign_within_something_larger() -> None:
    invalid = CampaignInvalid(
        [Mistake("", "must be an object."), CampaignMistake("/condition", "is wrong.", "invalid", 2, 7)]
    )
    assert invalid.detail == (
        "Correct the campaign and send it again: / must be an object; /condition is wrong."
    )
    assert invalid.under("/campaigns/3").extra["errors"] == [
        {"pointer": "/campaigns/3", "detail": "must be an object."},
        {
            "pointer": "/campaigns/3/condition",
            "detail": "is wrong.",
            "code": "invalid",
            "line": 2,
            "column": 7,
        },
    ]
