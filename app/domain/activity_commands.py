"""What can be asked of a member's activities: told that one happened, or that it was taken down."""

from dataclasses import dataclass
from datetime import date

from app.domain.campaigns import Trigger
from app.domain.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordActivity(Command):
    """The member did something besides buying, such as a review: `activity` is its kind, `level` its quality."""

    kind = "activity"
    needs_active = True
    counts = True
    needs_traits = True

    reference: str
    activity: str
    level: str | None = None

    @property
    def fires(self) -> Trigger:
        return "activity"

    @property
    def activity_counted(self) -> str:
        return self.activity

    def natural_key(self, today: date) -> str:
        return f"activity/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseActivity(Command):
    """What an activity gave is taken back, because it was taken down."""

    kind = "reverse_activity"
    needs_lots = True
    counts = True

    reference: str

    @property
    def activity_named(self) -> str:
        return self.reference

    @property
    def entries_told(self) -> tuple[tuple[str, str], ...]:
        return ((self.member_id, f"activity/{self.reference}"),)

    def natural_key(self, today: date) -> str:
        return f"reverse_activity/{self.reference}"
