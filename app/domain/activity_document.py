"""The activities of a program from its JSON document, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.activity_terms import ActivityKind, ActivityLevel
from app.domain.document import Section
from app.domain.identifiers import is_identifier
from app.domain.limits import AMOUNT

_A_DAY = 10_000


def read_activities(sections: Sequence[Section]) -> dict[str, ActivityKind]:
    """The kinds of activity, by name."""
    kinds: dict[str, ActivityKind] = {}
    for section in sections:
        kind = _read_kind(section)
        if kind.kind in kinds:
            section.wrong("kind", "is another activity's kind")
        kinds[kind.kind] = kind
    return kinds


def read_name(section: Section, name: str) -> str:
    """A name that callers use: 1 to 64 of A-Za-z0-9._:-."""
    value = section.text(name)
    if not is_identifier(value):
        section.wrong(name, "must be 1 to 64 of A-Za-z0-9._:-")
    return value


def read_text(section: Section, name: str) -> str | None:
    """A text that may be left out."""
    return section.text(name) if name in section.names else None


def _read_kind(section: Section) -> ActivityKind:
    kind = read_name(section, "kind")
    label, label_en = section.text("label"), read_text(section, "label_en")
    points = section.integer("points", least=0, most=AMOUNT)
    growth = section.integer_or_absent("growth", least=0, most=AMOUNT) or 0
    levels: dict[str, ActivityLevel] = {}
    for place in section.sections_if_given("levels"):
        level = _read_level(place, label=label, label_en=label_en, growth=growth)
        if level.level in levels:
            place.wrong("level", "is another level of this activity")
        levels[level.level] = level
    activity = ActivityKind(
        kind=kind,
        label=label,
        label_en=label_en,
        points=points,
        growth=growth,
        per_day=section.integer_or_absent("per_day", least=1, most=_A_DAY),
        is_once=section.flag("once") if "once" in section.names else False,
        levels=levels,
    )
    section.refuse_others()
    return activity


def _read_level(section: Section, *, label: str, label_en: str | None, growth: int) -> ActivityLevel:
    """What a level does not say of its label and its growth is as the kind has it."""
    own = section.integer_or_absent("growth", least=0, most=AMOUNT)
    own_label = read_text(section, "label")
    level = ActivityLevel(
        level=read_name(section, "level"),
        label=own_label or label,
        label_en=read_text(section, "label_en") or (None if own_label else label_en),
        points=section.integer("points", least=0, most=AMOUNT),
        growth=growth if own is None else own,
    )
    section.refuse_others()
    return level


def write_activities(activities: Mapping[str, ActivityKind]) -> list[dict[str, Any]]:
    """The section as `read_activities` reads it; what goes without saying is left out."""
    return [_write_kind(kind) for kind in activities.values()]


def _write_kind(kind: ActivityKind) -> dict[str, Any]:
    written: dict[str, Any] = {"kind": kind.kind, "label": kind.label}
    if kind.label_en is not None:
        written["label_en"] = kind.label_en
    written["points"] = kind.points
    if kind.growth:
        written["growth"] = kind.growth
    if kind.per_day is not None:
        written["per_day"] = kind.per_day
    if kind.is_once:
        written["once"] = True
    if kind.levels:
        written["levels"] = [_write_level(level, kind) for level in kind.levels.values()]
    return written


def _write_level(level: ActivityLevel, kind: ActivityKind) -> dict[str, Any]:
    written: dict[str, Any] = {"level": level.level}
    if level.label != kind.label:
        written["label"] = level.label
    if level.label_en is not None and level.label_en != kind.label_en:
        written["label_en"] = level.label_en
    written["points"] = level.points
    if level.growth != kind.growth:
        written["growth"] = level.growth
    return written
