"""What campaigns ask of the ledger by themselves."""

from dataclasses import dataclass, replace
from datetime import date

from app.domain.campaigns import Trigger
from app.domain.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class PayCampaign(Command):
    """A campaign pays a member on an occasion, once: `enrolment`, `tier/gold`, `birthday/2026`, `at/2026-12-05`,
    `holiday/2027-02-06`, `dormant/2026-08-25`, `balance`, `end`.

    `facts` are what its condition is told of the event, as pairs.
    """

    kind = "campaign"
    needs_active = True

    campaign: str
    trigger: Trigger
    occasion: str
    facts: tuple[tuple[str, str | int], ...] = ()

    @property
    def keeps_alive(self) -> bool:
        """A gift shows no life: a member who does nothing stays inactive."""
        return False

    @property
    def fires(self) -> Trigger:
        return self.trigger

    def content(self) -> bytes:
        """The hash without what led to the occasion, of which only the first counts."""
        return Command.content(replace(self, facts=()))

    def natural_key(self, today: date) -> str:
        return f"campaign/{self.campaign}/{self.occasion}"
