"""What can be asked about referrals: a code, and what follows from the invitee's orders."""

from dataclasses import dataclass
from datetime import date

from app.domain.campaigns import Trigger
from app.domain.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeReferralCode(Command):
    """The member gets a code to bring others by, once and for good."""

    kind = "referral_code"
    needs_person = True

    @property
    def referrals_named(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def referrers_named(self) -> tuple[str, ...]:
        return (self.member_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfInvitation(Command):
    """A step in the life of an invitation: the member is the invitee, and the inviter's account changes too."""

    inviter: str

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id, self.inviter)

    @property
    def referrals_named(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def referrers_named(self) -> tuple[str, ...]:
        return (self.inviter,)

    @property
    def invitation_named(self) -> tuple[str, str]:
        return self.inviter, self.member_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PayReferral(_OfInvitation):
    """The invitee's order has settled: both sides are rewarded."""

    kind = "referral"
    counts = True

    order_id: str

    @property
    def fires(self) -> Trigger:
        return "referral"

    def natural_key(self, today: date) -> str:
        return f"referral_welcome/{self.order_id}"

    @property
    def inviters_key(self) -> str:
        """The key of the inviter's entry."""
        return f"referral/{self.member_id}/{self.order_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoReferral(_OfInvitation):
    """Too little is left of that order: what both sides got is taken back."""

    kind = "referral_undo"
    needs_lots = True
    counts = True

    order_id: str

    def natural_key(self, today: date) -> str:
        return f"referral_undo/{self.order_id}"

    @property
    def inviters_key(self) -> str:
        """The key of the inviter's entry."""
        return f"referral_undo/{self.member_id}/{self.order_id}"

    @property
    def entries_told(self) -> tuple[tuple[str, str], ...]:
        return (
            (self.member_id, f"referral_welcome/{self.order_id}"),
            (self.inviter, f"referral/{self.member_id}/{self.order_id}"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PayReferralShare(Command):
    """The inviter gets the share of what the invitee spent in the time that was promised: the jobs' command."""

    kind = "referral_share"

    invitee: str

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id, self.invitee)

    @property
    def referrals_named(self) -> tuple[str, ...]:
        return (self.invitee,)

    @property
    def referrers_named(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def invitation_named(self) -> tuple[str, str]:
        return self.member_id, self.invitee

    @property
    def history_of(self) -> str:
        return self.invitee

    def natural_key(self, today: date) -> str:
        return f"referral_share/{self.invitee}"
