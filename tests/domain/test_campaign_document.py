import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from app.domain.campaign_document import CampaignInvalid, CampaignMistake, read_campaign, write_campaign
from app.domain.campaigns import (
    ALL_LINES,
    AT_THE_TILL,
    EARNING_TRIGGERS,
    NEVER,
    TRIGGERS,
    Campaign,
    CampaignBudget,
    CampaignWindow,
    Effect,
    EffectKind,
    Lines,
    Trigger,
)
from app.domain.document import MOST_MISTAKES, Mistake
from app.domain.ratio import Ratio

KINDS: tuple[EffectKind, ...] = get_args(EffectKind)
PLAIN: dict[str, Any] = {
    "name": "Thanks",
    "trigger": "order",
    "effects": [{"kind": "add_points", "points": 5}],
}
FULL: dict[str, Any] = {
    "name": "会员日双倍积分",
    "trigger": "order",
    "window": {
        "from": "2026-03-01T00:00:00+08:00",
        "until": "2027-03-01T00:00:00.5+08:00",
        "rrule": "FREQ=MONTHLY;BYDAY=1SA",
    },
    "tiers": ["platinum", "gold"],
    "audience": "member.orders > 3\n  && member.region == 'x'",
    "condition": "order.amount >= 10000",
    "effects": [
        {
            "kind": "multiply_points",
            "factor": "2.50",
            "lines": {"skus": ["tea-1"], "categories": ["tea"], "brands": ["acme", "other"]},
        },
        {"kind": "add_points", "points": 5},
        {"kind": "add_growth", "growth": 6},
        {"kind": "add_chances", "chances": 7},
        {"kind": "issue_coupon", "template": "spring-30", "count": 2},
        {"kind": "discount", "percent_off": 10, "max_discount": 5_000, "lines": {"skus": ["tea-1"]}},
        {"kind": "gift", "sku": "cup-7", "quantity": 2},
        {"kind": "free_shipping"},
    ],
    "budget": {"points": 1_000_000, "per_member": 5_000, "per_day": 10_000},
    "priority": -10,
    "stacks": False,
    "holdout_percent": 10,
}
MULTIPLIED: dict[str, Any] = {"kind": "multiply_points", "factor": "2"}
OCCASIONS: dict[Trigger, dict[str, Any]] = {
    "dormancy": {"dormant_days": 30},
    "balance": {"balance": 10_000},
    "holiday": {"holidays": ["春节"], "at": "09:30"},
    "campaign_end": {"of_campaign": "spring-sale"},
    "schedule": {"at": "23:59"},
}
NEEDED: dict[Trigger, dict[str, Any]] = {
    "balance": {"balance": 1},
    "holiday": {"holidays": ["春节"]},
    "campaign_end": {"of_campaign": "a"},
}


def read(document: dict[str, Any]) -> Campaign:
    return read_campaign("member-day", document)


def mistakes(document: Any) -> dict[str, str]:
    with pytest.raises(CampaignInvalid) as refused:
        read(document)
    assert refused.value.extra["errors"] == [mistake._asdict() for mistake in refused.value.mistakes]
    pointers = [mistake.pointer for mistake in refused.value.mistakes]
    assert len(set(pointers)) == len(pointers), "one for each place"
    return {mistake.pointer: mistake.detail for mistake in refused.value.mistakes}


def effect(**said: Any) -> dict[str, Any]:
    return PLAIN | {"effects": [said]}


# --- what is read ----------------------------------------------------------------------------------------


def test_all_that_it_may_say() -> None:
    campaign = read_campaign("member-day", FULL, version=3, revision=9, state="live", created_at=NEVER)
    assert campaign == Campaign(
        campaign="member-day",
        name="会员日双倍积分",
        trigger="order",
        effects=(
            Effect(
                kind="multiply_points",
                factor=Ratio(5, 2),
                lines=Lines(frozenset({"tea-1"}), frozenset({"tea"}), frozenset({"acme", "other"})),
            ),
            Effect(kind="add_points", amount=5),
            Effect(kind="add_growth", amount=6),
            Effect(kind="add_chances", amount=7),
            Effect(kind="issue_coupon", template="spring-30", count=2),
            Effect(
                kind="discount",
                percent_off=10,
                max_discount_fen=5_000,
                lines=Lines(skus=frozenset({"tea-1"})),
            ),
            Effect(kind="gift", sku="cup-7", count=2),
            Effect(kind="free_shipping"),
        ),
        window=CampaignWindow(
            datetime(2026, 2, 28, 16, tzinfo=UTC),
            datetime(2027, 2, 28, 16, 0, 0, 500_000, tzinfo=UTC),
            "FREQ=MONTHLY;BYDAY=1SA",
        ),
        tiers=frozenset({"gold", "platinum"}),
        audience="member.orders > 3\n  && member.region == 'x'",
        condition="order.amount >= 10000",
        budget=CampaignBudget(1_000_000, 5_000, 10_000),
        priority=-10,
        stacks=False,
        holdout_percent=10,
        version=3,
        revision=9,
        state="live",
    )


def test_what_it_does_not_say() -> None:
    assert read(PLAIN) == Campaign(
        campaign="member-day",
        name="Thanks",
        trigger="order",
        effects=(Effect(kind="add_points", amount=5),),
        state="draft",
    )
    assert read(PLAIN | {"trigger": "dormancy"}).dormant_days == 90


@pytest.mark.parametrize(
    "silent",
    [
        *("window", "tiers", "audience", "condition", "budget", "priority", "stacks", "holdout_percent"),
        *("dormant_days", "balance", "holidays", "of_campaign", "at"),
    ],
)
def test_null_is_absent(silent: str) -> None:
    assert read(PLAIN | {silent: None}) == read(PLAIN)


def test_null_is_absent_further_in() -> None:
    document = PLAIN | {
        "effects": [
            MULTIPLIED | {"lines": {"skus": ["a"], "categories": None, "brands": None}},
            MULTIPLIED | {"lines": None},
            {"kind": "issue_coupon", "template": "t", "count": None},
            {"kind": "discount", "percent_off": 1, "max_discount": None, "lines": None},
        ],
        "window": {"from": None, "until": None, "rrule": None},
        "budget": {"points": 1, "per_member": None, "per_day": None},
    }
    campaign = read(document)
    assert [made.lines for made in campaign.effects[:2]] == [Lines(frozenset({"a"})), ALL_LINES]
    assert (campaign.effects[2].count, campaign.effects[3].max_discount_fen) == (1, None)
    assert (campaign.window, campaign.budget) == (CampaignWindow(), CampaignBudget(points=1))


@pytest.mark.parametrize(
    ("factor", "ratio"),
    [
        ("2", (2, 1)),
        ("1.1", (11, 10)),
        ("1.000001", (1_000_001, 1_000_000)),
        ("100", (100, 1)),
        ("02.50", (5, 2)),
    ],
)
def test_factors(factor: str, ratio: tuple[int, int]) -> None:
    assert read(effect(kind="multiply_points", factor=factor)).effects[0].factor == Ratio(*ratio)


@pytest.mark.parametrize(("at", "minute"), [("00:00", 0), ("00:01", 1), ("09:30", 570), ("23:59", 1_439)])
def test_times_of_the_day(at: str, minute: int) -> None:
    assert read(PLAIN | {"trigger": "schedule", "at": at}).at_minute == minute


@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("kind", KINDS)
def test_which_effects_go_with_which_trigger(trigger: Trigger, kind: EffectKind) -> None:
    said = next(each for each in FULL["effects"] if each["kind"] == kind)
    document = PLAIN | {"trigger": trigger, "effects": [said]} | NEEDED.get(trigger, {})
    if (kind == "multiply_points" and trigger not in EARNING_TRIGGERS) or (
        kind in AT_THE_TILL and trigger != "order"
    ):
        (told,) = mistakes(document).items()
        assert told[0] == "/effects/0/kind"
        assert told[1].startswith(f"does not go with {trigger}: ")
    else:
        assert read(document).effects[0].kind == kind


@pytest.mark.parametrize("name", ["dormant_days", "balance", "holidays", "of_campaign", "at"])
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_goes_with_a_trigger_goes_with_no_other(trigger: Trigger, name: str) -> None:
    value = next(said[name] for said in OCCASIONS.values() if name in said)
    with_it = [each for each, said in OCCASIONS.items() if name in said]
    document = PLAIN | {"trigger": trigger} | NEEDED.get(trigger, {}) | {name: value}
    if trigger in with_it:
        assert write_campaign(read(document))[name] == value
    else:
        told = mistakes(document)[f"/{name}"]
        assert told.startswith("goes with ")
        assert told.endswith(" alone")
        assert all(each in told for each in with_it)


# --- what is wrong, and where ----------------------------------------------------------------------------

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
    assert CampaignInvalid.example().extra["errors"][0]["pointer"] == "/effects/0/factor"


def test_only_what_it_says_is_written() -> None:
    assert write_campaign(read(PLAIN)) == PLAIN
    assert write_campaign(read(FULL)) == FULL | {
        "window": {
            "from": "2026-02-28T16:00:00Z",
            "until": "2027-02-28T16:00:00.500000Z",
            "rrule": "FREQ=MONTHLY;BYDAY=1SA",
        },
        "tiers": ["gold", "platinum"],
        "effects": [FULL["effects"][0] | {"factor": "2.5"}, *FULL["effects"][1:]],
    }
    for trigger, said in OCCASIONS.items():
        document = PLAIN | {"trigger": trigger} | said
        assert write_campaign(read(document)) == document
