"""What missions ask of the ledger by themselves."""

from dataclasses import dataclass
from datetime import date

from app.domain.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class PayMission(Command):
    """A mission was completed: its reward is due, once a period, as `program_version` had it then; again, under the
    next `number`, only after it was undone.
    """

    kind = "mission"

    mission: str
    period: str
    program_version: int
    number: int = 1

    def natural_key(self, today: date) -> str:
        return _key_of_payment(self.mission, self.period, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoMission(Command):
    """What completed a mission for that `number`th time came back in part: what it gave is taken back."""

    kind = "mission_undo"
    needs_lots = True

    mission: str
    period: str
    number: int

    @property
    def payment(self) -> str:
        """The key of the entry that paid."""
        return _key_of_payment(self.mission, self.period, self.number)

    @property
    def entries_told(self) -> tuple[tuple[str, str], ...]:
        return ((self.member_id, self.payment),)

    def natural_key(self, today: date) -> str:
        return f"mission_undo/{self.mission}/{self.period}/{self.number}"


def _key_of_payment(mission: str, period: str, number: int) -> str:
    return f"mission/{mission}/{period}" if number == 1 else f"mission/{mission}/{period}/{number}"
