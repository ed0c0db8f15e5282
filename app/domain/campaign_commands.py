"""What campaigns ask of the ledger by themselves."""

from dataclasses import dataclass, replace
from datetime import date

from app.domain.campaigns import Trigger
from app.domain.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class PayCampaign(Command):
    """A campaign pays a member on an occasion, once: `enrolment`, `tier/gold`, `birthday/2026`, `at/2026-12-05`,
    `holiday/2027-02-06`, `dormant/2026-08-25`, `balance`, `end`.

    `facts` are what its condition is told of the event, as pairs; `beside` the campaigns that may have paid on the same
    occasion by a command of their own that is not decided together with this one.
    """

    kind = "campaign"
    needs_active = True

    campaign: str
    trigger: Trigger
    occasion: str
    facts: tuple[tuple[str, str | int], ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def entries_told(self) -> tuple[tuple[str, str], ...]:
        return tuple((self.member_id, key_of_payment(each, self.occasion)) for each in self.beside)

    @property
    def keeps_alive(self) -> bool:
        """A gift shows no life: a member who does nothing stays inactive."""
        return False

    @property
    def fires(self) -> Trigger:
        return self.trigger

    def content(self) -> bytes:
        """The hash without what led to the occasion, of which only the first counts, and who else was asked."""
        return Command.content(replace(self, facts=(), beside=()))

    def natural_key(self, today: date) -> str | None:
        """None for a tier: what it gave may have been taken back, so that it is due again."""
        return None if self.trigger == "tier_change" else key_of_payment(self.campaign, self.occasion)


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoCampaign(Command):
    """What a campaign gave on an occasion for that `number`th time is taken back: a refund took the tier."""

    kind = "campaign_undo"
    needs_lots = True

    campaign: str
    occasion: str
    number: int

    @property
    def payment(self) -> str:
        """The key of the entry that paid."""
        return key_of_payment(self.campaign, self.occasion, self.number)

    @property
    def entries_told(self) -> tuple[tuple[str, str], ...]:
        return ((self.member_id, self.payment),)

    def natural_key(self, today: date) -> str:
        return f"campaign_undo/{self.campaign}/{self.occasion}/{self.number}"


def key_of_payment(campaign: str, occasion: str, number: int = 1) -> str:
    """The key of the entry by which a campaign pays on an occasion, for that `number`th time."""
    key = f"campaign/{campaign}/{occasion}"
    return key if number == 1 else f"{key}/{number}"
