"""Activities and missions in the program's document: what it says, and every mistake in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.domain.activity_terms import ActivityLevel
from app.domain.mission_terms import MissionPeriod, MissionReward
from app.domain.program import Program, ProgramInvalid
from tests.domain.programs import DEFAULT, document

REVIEW: dict[str, Any] = {"kind": "review", "label": "评价", "label_en": "review", "points": 20, "growth": 5}
README = (Path(__file__).parents[2] / "README.md").read_text()
MISSION: dict[str, Any] = {
    "mission": "three",
    "name": "本月三单",
    "name_en": "Three orders",
    "counts": "orders",
    "at_least": 3,
    "period": "month",
    "reward": {"points": 50, "growth": 5, "chances": 1, "coupon": "thanks"},
    "badge": "regular",
}
NO_NAME = "must be 1 to 64 of A-Za-z0-9._:-"
NO_TEXT = "must be 1 to 64 printable characters"
NO_AMOUNT = f"must be an integer from 0 to {10**12}"
MISSING = "is missing"
UNKNOWN = "is not known here"
NO_REWARD = "is missing: a reward gives points, growth, chances or a coupon"


def program(**sections: Any) -> Program:
    return Program.from_document(1, {**document(), **sections})


def mistakes(**sections: Any) -> dict[str, str]:
    with pytest.raises(ProgramInvalid) as refused:
        program(**sections)
    return {mistake.pointer: mistake.detail for mistake in refused.value.mistakes}


def test_what_a_level_does_not_say_is_as_its_kind_has_it() -> None:
    levels = [
        {"level": "text", "points": 3},
        {"level": "film", "label": "视频", "points": 90, "growth": 0},
        {"level": "song", "label": "歌", "label_en": "song", "points": 1},
    ]
    kind = program(activities=[{**REVIEW, "levels": levels, "per_day": 2, "once": True}]).activities["review"]
    assert (kind.per_day, kind.is_once) == (2, True)
    assert list(kind.levels.values()) == [
        ActivityLevel("text", "评价", "review", 3, 5),
        ActivityLevel("film", "视频", None, 90, 0),
        ActivityLevel("song", "歌", "song", 1, 5),
    ]


def test_what_a_mission_says() -> None:
    [mission] = program(missions=[MISSION]).missions
    assert (mission.mission, mission.counts, mission.at_least, mission.badge) == (
        "three",
        "orders",
        3,
        "regular",
    )
    assert mission.period == MissionPeriod("month")
    assert mission.reward == MissionReward(50, 5, 1, "thanks")


def test_a_program_may_have_nothing_of_the_kind() -> None:
    made = document()
    del made["activities"]
    bare = Program.from_document(1, made)
    assert (dict(bare.activities), bare.missions) == ({}, ())
    assert bare.to_document() == made
    assert DEFAULT.missions == ()


@pytest.mark.parametrize(
    "sections",
    [
        {"activities": [{"kind": "a", "label": "a", "points": 0}]},
        {"activities": [{**REVIEW, "per_day": 3, "once": True, "levels": [{"level": "x", "points": 1}]}]},
        {"activities": [{**REVIEW, "levels": [{"level": "x", "label": "x", "points": 1, "growth": 9}]}]},
        {"activities": [{**REVIEW, "levels": [{"level": "x", "label_en": "y", "points": 1}]}]},
        {"missions": [MISSION, {**MISSION, "mission": "other", "counts": "amount", "period": "ever"}]},
        {"missions": [{**MISSION, "counts": "activities", "kind": "review", "period": "day"}]},
        {"missions": [{**MISSION, "counts": "sign_ins", "period": {"days_after_joining": 7}}]},
        {"missions": [{name: value for name, value in MISSION.items() if name not in ("reward", "name_en")}]},
        {"missions": [{name: value for name, value in MISSION.items() if name != "badge"}]},
    ],
)
def test_documents_round_trip(sections: dict[str, Any]) -> None:
    made = {**document(), **sections}
    assert Program.from_document(1, json.loads(json.dumps(made))).to_document() == made


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"kind": "a/b"}, "kind", NO_NAME),
        ({"label": ""}, "label", NO_TEXT),
        ({"label_en": None}, "label_en", NO_TEXT),
        ({"points": -1}, "points", NO_AMOUNT),
        ({"points": "20"}, "points", NO_AMOUNT),
        ({"growth": -1}, "growth", NO_AMOUNT),
        ({"per_day": 0}, "per_day", "must be an integer from 1 to 10000"),
        ({"per_day": None}, "per_day", "must be an integer from 1 to 10000"),
        ({"once": 1}, "once", "must be true or false"),
        ({"levels": {}}, "levels", "must be an array"),
        ({"levels": [{"level": "x"}]}, "levels/0/points", MISSING),
        ({"levels": [{"level": "x y", "points": 1}]}, "levels/0/level", NO_NAME),
        (
            {"levels": [{"level": "x", "points": 1}] * 2},
            "levels/1/level",
            "is another level of this activity",
        ),
        ({"levels": [{"level": "x", "points": 1, "more": 1}]}, "levels/0/more", UNKNOWN),
        ({"more": 1}, "more", UNKNOWN),
    ],
)
def test_mistakes_in_activities(change: dict[str, Any], pointer: str, detail: str) -> None:
    told = mistakes(activities=[{**REVIEW, **change}])
    assert told == {f"/activities/0/{pointer}": detail}


def test_no_activity_twice() -> None:
    told = mistakes(activities=[REVIEW, {**REVIEW, "kind": "post"}, REVIEW])
    assert told == {"/activities/2/kind": "is another activity's kind"}
    assert list(mistakes(activities={})) == ["/activities"]


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"mission": "a/b"}, "mission", NO_NAME),
        ({"name": ""}, "name", NO_TEXT),
        ({"counts": "steps"}, "counts", "must be one of orders, amount, sign_ins, activities, referrals"),
        ({"kind": "review"}, "kind", "goes with activities alone"),
        ({"counts": "activities", "kind": "dance"}, "kind", "is no kind of activity"),
        ({"at_least": 0}, "at_least", f"must be an integer from 1 to {10**12}"),
        ({"period": "year"}, "period", "must be one of ever, day, week, month"),
        ({"period": {"days": 3}}, "period/days_after_joining", MISSING),
        (
            {"period": {"days_after_joining": 0}},
            "period/days_after_joining",
            "must be an integer from 1 to 3660",
        ),
        ({"reward": []}, "reward", "must be an object"),
        ({"reward": {}}, "reward/points", NO_REWARD),
        ({"reward": {"points": 0}}, "reward/points", f"must be an integer from 1 to {10**12}"),
        ({"reward": {"chances": 1_001}}, "reward/chances", "must be an integer from 1 to 1000"),
        ({"reward": {"coupon": "a b"}}, "reward/coupon", NO_NAME),
        ({"reward": {"yuan": 1}}, "reward/yuan", UNKNOWN),
        ({"badge": ""}, "badge", NO_TEXT),
        ({"more": 1}, "more", UNKNOWN),
    ],
)
def test_mistakes_in_missions(change: dict[str, Any], pointer: str, detail: str) -> None:
    told = mistakes(missions=[{**MISSION, **change}])
    assert told[f"/missions/0/{pointer}"] == detail


def test_no_mission_twice_and_none_for_nothing() -> None:
    told = mistakes(missions=[MISSION, {**MISSION, "mission": "other"}, MISSION])
    assert told == {"/missions/2/mission": "is another mission's name"}
    for_nothing = {name: value for name, value in MISSION.items() if name not in ("reward", "badge")}
    told = mistakes(missions=[for_nothing])
    assert told == {"/missions/0/reward": "must give something, unless there is a badge"}
    told = mistakes(missions=[{**for_nothing, "reward": {}}])  # what a reward gives is told in its own place
    assert told == {"/missions/0/reward/points": NO_REWARD}


def test_the_readmes_missions_are_missions() -> None:
    block = README.partition("<!-- missions")[2].partition("```json\n")[2].partition("```")[0]
    told = json.loads(block)
    made = program(missions=told)
    assert [mission.mission for mission in made.missions] == [each["mission"] for each in told]
    assert made.to_document()["missions"] == told


def steps(*numbers: int) -> dict[str, Any]:
    """Terms of invitations whose ladder begins anew at these numbers."""
    return {**document()["referral"], "ladder": [{"from": at, "inviter_points": 1} for at in numbers]}


@pytest.mark.parametrize(
    ("numbers", "pointer", "detail"),
    [
        (range(2, 103), "ladder", "at most 100 steps"),
        ((2, 2), "ladder/1/from", "above the step before it (2)"),
        ((2, 5, 7, 6), "ladder/3/from", "above the step before it (7)"),
        ((1,), "ladder/0/from", "from 2"),
    ],
)
def test_mistakes_in_the_ladder_of_invitations(numbers: tuple[int, ...], pointer: str, detail: str) -> None:
    told = mistakes(referral=steps(*numbers))
    assert list(told) == [f"/referral/{pointer}"]
    assert detail in told[f"/referral/{pointer}"]


def test_a_ladder_of_a_hundred_steps() -> None:
    referral = program(referral=steps(*range(2, 102))).referral
    assert referral is not None
    assert len(referral.ladder) == 100


@pytest.mark.parametrize(
    ("percent", "days", "told"),
    [
        ("100", 1, {}),
        ("99.5", 1, {}),
        ("100.1", 1, {"/referral/share/percent": "must be at most 100"}),
    ],
)
def test_the_share_of_invitations(percent: str, days: int, told: dict[str, str]) -> None:
    referral = {**document()["referral"], "share": {"percent": percent, "days": days}}
    if told:
        assert mistakes(referral=referral) == told
    else:
        assert program(referral=referral).to_document()["referral"] == referral
