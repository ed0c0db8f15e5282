"""How far the program's clock was ahead of the real one, and when: steps take a moment, in which both may hold."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple


class _Step(NamedTuple):
    began: float
    ended: float
    ahead: timedelta


class Clock:
    """The steps that were made, in order."""

    def __init__(self) -> None:
        self._steps = [_Step(0.0, 0.0, timedelta())]

    @property
    def ahead(self) -> timedelta:
        """As it stands."""
        return self._steps[-1].ahead

    def note(self, began: float, ended: float, ahead: timedelta) -> None:
        """It was stepped at some moment between these (real clock, in seconds)."""
        self._steps.append(_Step(began, ended, ahead))

    def moments(self, began: float, ended: float) -> list[datetime]:
        """What the program's clock may have shown at the beginning and at the end of this span, earliest first."""
        before = max(step.ended for step in self._steps if step.ended <= began)
        aheads = {step.ahead for step in self._steps if step.ended >= before and step.began <= ended}
        return sorted(datetime.fromtimestamp(at, UTC) + ahead for at in (began, ended) for ahead in aheads)
