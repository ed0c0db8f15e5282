"""What members may do besides buying, and what it is worth (RULES.md: activities). Program data, as all terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class ActivityLevel(NamedTuple):
    """A quality of an activity, such as a review with pictures, and what that is worth."""

    level: str
    label: str
    label_en: str | None
    points: int
    growth: int


@dataclass(frozen=True, slots=True)
class ActivityKind:
    """A kind of activity. `per_day`: how many of it count on one day of the program (None: any number);
    `is_once`: it counts once for each member. An activity told without a level is worth `points` and `growth`.
    """

    kind: str
    label: str
    label_en: str | None
    points: int
    growth: int
    per_day: int | None
    is_once: bool
    levels: Mapping[str, ActivityLevel]
