"""What missions ask of the ledger by themselves."""

from dataclasses import dataclass
from datetime import date

from app.domain.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class PayMission(Command):
    """A mission was completed: its reward is due, once a period, as `program_version` had it then."""

    kind = "mission"

    mission: str
    period: str
    program_version: int

    def natural_key(self, today: date) -> str:
        return f"mission/{self.mission}/{self.period}"
