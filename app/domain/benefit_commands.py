"""What can be asked about benefits: given by a person, taken back, and the coupon of a birthday."""

from dataclasses import dataclass
from datetime import date, datetime

from app.domain.command import Command
from app.domain.errors import ErrorKind, LoyaltyError


class BenefitEnded(LoyaltyError):
    code = "benefit_ended"
    kind = ErrorKind.CONFLICT
    title = "The benefit has ended"

    def __init__(self) -> None:
        super().__init__("This benefit was revoked, or its time is over. There is nothing left to revoke.")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantBenefit(Command):
    """A person gives the member a benefit, until `until` (None: for good). `terms` are sorted by name."""

    kind = "grant_benefit"
    needs_person = True

    reference: str
    benefit: str
    label: str
    reason: str
    terms: tuple[tuple[str, str | int | bool | None], ...] = ()
    until: datetime | None = None

    def natural_key(self, today: date) -> str:
        return f"grant_benefit/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeBenefit(Command):
    """A benefit that a person gave ends before its time."""

    kind = "revoke_benefit"
    needs_grants = True

    reference: str
    reason: str

    def natural_key(self, today: date) -> str:
        return f"revoke_benefit/{self.reference}"

    def clash(self) -> LoyaltyError:
        return BenefitEnded()


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBirthdayCoupon(Command):
    """The birthday coupons of the member's tier, if this is the month: the jobs' command, once a year."""

    kind = "birthday_coupon"
    needs_person = True
    needs_birthday = True
    gives = frozenset({"birthday"})

    def natural_key(self, today: date) -> str:
        return f"tier_coupons/birthday/{today.year}"
