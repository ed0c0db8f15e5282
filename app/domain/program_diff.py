"""What one program document says otherwise than another: in data, place by place, and in words.

Things that have a name (a tier, a benefit, an activity, a mission) are told by it, wherever they stand in their list;
a thing that came or went is one change.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from app.domain.phrases import Phrase
from app.domain.program_labels import label_of, value_of

_KEYS = {
    "ladder": ("code", "day", "from"),
    "benefits": ("code",),
    "steps": ("at_fen",),
    "activities": ("kind",),
    "levels": ("level",),
    "missions": ("mission",),
}
"""The members that name the things of a list, by the list's name."""

_ABSENT: Any = object()

Steps = tuple[str, ...]


class Difference(NamedTuple):
    """One change. `pointer`: its place (RFC 6901) in the later document, in the earlier one of what is gone.

    `before` and `after` are None where there was or is nothing; `zh` and `en` say it in words.
    """

    pointer: str
    before: Any
    after: Any
    zh: str
    en: str


class _Place(NamedTuple):
    """The way to a value in both documents; in `names` a thing of a list stands by its name, as `=gold`."""

    was: Steps = ()
    now: Steps = ()
    names: Steps = ()

    def member(self, name: str) -> "_Place":
        return _Place((*self.was, name), (*self.now, name), (*self.names, name))

    def thing(self, was: int, now: int, name: str) -> "_Place":
        return _Place((*self.was, str(was)), (*self.now, str(now)), (*self.names, f"={name}"))


_Found = Iterator[tuple[_Place, Any, Any]]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """All changes from one document to the other, in the order of the later one, then what is gone."""
    return [
        _told(place, old, new, before=before, after=after)
        for place, old, new in _compared(_Place(), before, after)
    ]


def _compared(place: _Place, old: Any, new: Any) -> _Found:  # noqa: ANN401 - JSON
    """Each change with its place."""
    if all(isinstance(value, Mapping) for value in (old, new)):
        was, now = cast("tuple[Mapping[str, Any], ...]", (old, new))
        for name in (*now, *(name for name in was if name not in now)):
            yield from _compared(place.member(name), was.get(name, _ABSENT), now.get(name, _ABSENT))
        return
    key = _key_of(place, old, new)
    if key is not None:
        yield from _lists(place, old, new, key=key)
    elif old != new or type(old) is not type(new):
        yield place, old, new


def _lists(place: _Place, old: Any, new: Any, *, key: str) -> _Found:  # noqa: ANN401 - JSON
    """Two lists of things with names: each thing beside itself, then their order if that changed."""
    was = {str(thing[key]): (at, thing) for at, thing in enumerate(() if old is _ABSENT else old)}
    now = {str(thing[key]): (at, thing) for at, thing in enumerate(() if new is _ABSENT else new)}
    for name in (*now, *(name for name in was if name not in now)):
        was_at, before = was.get(name, (0, _ABSENT))
        now_at, after = now.get(name, (0, _ABSENT))
        yield from _compared(place.thing(was_at, now_at, name), before, after)
    if [name for name in was if name in now] != [name for name in now if name in was]:
        yield place, list(was), list(now)


def _key_of(place: _Place, old: object, new: object) -> str | None:
    """The member that names the things of both lists; None if these are no such lists."""
    things: list[Any] = []
    for value in (old, new):
        if isinstance(value, list):
            things += cast("list[Any]", value)
        elif value is not _ABSENT:
            return None
    for key in _KEYS.get(place.names[-1], ()) if place.names else ():
        if things and all(isinstance(thing, dict) and key in thing for thing in things):
            return key
    return None


def _told(
    place: _Place,
    old: Any,  # noqa: ANN401 - JSON
    new: Any,  # noqa: ANN401 - JSON
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Difference:
    is_gone = new is _ABSENT
    label = label_of(place.names, before if is_gone else after)
    was = Phrase("", "") if old is _ABSENT else value_of(place.names, old, before)
    now = Phrase("", "") if is_gone else value_of(place.names, new, after)
    if old is _ABSENT:
        is_named = now.zh == label.zh
        words = Phrase(
            f"新增{label.zh}" if is_named else f"新增{label.zh}：{now.zh}",
            f"Added {label.en}" if is_named else f"Added {label.en}: {now.en}",
        )
    elif is_gone:
        is_named = was.zh == label.zh
        words = Phrase(
            f"取消{label.zh}" if is_named else f"取消{label.zh}（原为 {was.zh}）",
            f"Removed {label.en}" if is_named else f"Removed {label.en} (was {was.en})",
        )
    else:
        en = label.en[:1].upper() + label.en[1:]
        words = Phrase(f"{label.zh}：{was.zh} → {now.zh}", f"{en}: {was.en} → {now.en}")
    steps = place.was if is_gone else place.now
    pointer = "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)
    return Difference(
        pointer,
        None if old is _ABSENT else old,
        None if is_gone else new,
        words.zh,
        words.en,
    )
