"""The missions of a program from its JSON document, and back."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal, get_args

from app.domain.activity_document import read_name, read_text
from app.domain.document import Section
from app.domain.limits import AMOUNT, DAYS
from app.domain.mission_terms import Counts, Mission, MissionPeriod, MissionReward

_Word = Literal["ever", "day", "week", "month"]
_CHANCES = 1_000


def read_missions(sections: Sequence[Section], *, activities: Collection[str]) -> tuple[Mission, ...]:
    """The missions; `activities` are the kinds that there are."""
    missions: list[Mission] = []
    for section in sections:
        mission = _read_mission(section, activities)
        if any(mission.mission == other.mission for other in missions):
            section.wrong("mission", "is another mission's name")
        missions.append(mission)
    return tuple(missions)


def _read_mission(section: Section, activities: Collection[str]) -> Mission:
    counts: Counts = section.choice("counts", get_args(Counts))
    activity = read_text(section, "kind")
    if activity is not None and counts != "activities":
        section.wrong("kind", "goes with activities alone")
    elif activity is not None and activity not in activities:
        section.wrong("kind", "is no kind of activity")
    mission = Mission(
        mission=read_name(section, "mission"),
        name=section.text("name"),
        name_en=read_text(section, "name_en"),
        counts=counts,
        activity=activity,
        at_least=section.integer("at_least", least=1, most=AMOUNT),
        period=_read_period(section),
        reward=_read_reward(section.section("reward")) if "reward" in section.names else MissionReward(),
        badge=read_text(section, "badge"),
    )
    if mission.reward == MissionReward() and mission.badge is None and "reward" not in section.names:
        section.wrong("reward", "must give something, unless there is a badge")
    section.refuse_others()
    return mission


def _read_period(section: Section) -> MissionPeriod:
    if not section.holds_object("period"):
        word: _Word = section.choice("period", get_args(_Word))
        return MissionPeriod(word)
    own = section.section("period")
    days = own.integer("days_after_joining", least=1, most=DAYS)
    own.refuse_others()
    return MissionPeriod("joining", days)


def _read_reward(section: Section) -> MissionReward:
    points, growth, chances = (
        section.integer_or_absent(name, least=1, most=most) or 0
        for name, most in (("points", AMOUNT), ("growth", AMOUNT), ("chances", _CHANCES))
    )
    coupon = read_name(section, "coupon") if "coupon" in section.names else None
    if not section.names:
        section.wrong("points", "is missing: a reward gives points, growth, chances or a coupon")
    section.refuse_others()
    return MissionReward(points, growth, chances, coupon)


def write_missions(missions: Iterable[Mission]) -> list[dict[str, Any]]:
    """The section as `read_missions` reads it; what goes without saying is left out."""
    return [_write_mission(mission) for mission in missions]


def _write_mission(mission: Mission) -> dict[str, Any]:
    written: dict[str, Any] = {"mission": mission.mission, "name": mission.name}
    if mission.name_en is not None:
        written["name_en"] = mission.name_en
    written["counts"] = mission.counts
    if mission.activity is not None:
        written["kind"] = mission.activity
    written |= {"at_least": mission.at_least, "period": write_period(mission.period)}
    if mission.reward != MissionReward():
        written["reward"] = write_reward(mission.reward)
    if mission.badge is not None:
        written["badge"] = mission.badge
    return written


def write_period(period: MissionPeriod) -> str | dict[str, int]:
    """A period as the document has it."""
    return {"days_after_joining": period.days} if period.kind == "joining" else period.kind


def write_reward(reward: MissionReward) -> dict[str, Any]:
    """What a reward gives, nothing else."""
    return {name: value for name, value in reward._asdict().items() if value}
