"""What every command of the ledger has: its natural key, its content, and what it needs to be decided.

`natural_key` is unique per member for good, so that the same command sent again is found and answered as it was;
`content()` is what must be the same then. `needs_lots`, `spends` and the `..._named` tell the engine what to load
before it decides.
"""

from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from hashlib import blake2b
from typing import Any, ClassVar

from app.domain.campaigns import Trigger
from app.domain.compact import compact
from app.domain.errors import LoyaltyError, ReferenceAlreadyUsed
from app.domain.terms import Occasion


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A change asked for on one member's account."""

    kind: ClassVar[str]
    needs_lots: ClassVar[bool] = False  # every lot that may hold points, however many it takes from
    needs_traits: ClassVar[bool] = False  # what conditions may ask of the person
    needs_birthday: ClassVar[bool] = False  # the same, whether any condition asks or not
    needs_grants: ClassVar[bool] = False  # the benefits that persons gave
    gives: ClassVar[frozenset[Occasion]] = frozenset()  # when a tier gives the coupons that it gives
    counts: ClassVar[bool] = False  # what it does may count for missions
    needs_active: ClassVar[bool] = False  # refused while the member is frozen, and once erased
    needs_person: ClassVar[bool] = False  # refused once the member is erased
    sealed: ClassVar[frozenset[str]] = frozenset()  # fields encrypted anew each time: no part of its content

    member_id: str

    @property
    def members(self) -> tuple[str, ...]:
        """Every member whose account it may change."""
        return (self.member_id,)

    @property
    def reads_all_lots(self) -> bool:
        """Whether it needs every lot that may hold points: `needs_lots`, unless what is asked decides."""
        return self.needs_lots

    @property
    def keeps_alive(self) -> bool:
        """Whether it is the member's own doing, which under `inactivity` moves the expiry of all they hold."""
        return self.needs_active

    @property
    def spends(self) -> int:
        """How many available points it takes in spending order: the lots that reach so far are loaded."""
        return 0

    @property
    def order_named(self) -> str | None:
        """The order whose lot it needs."""
        return None

    @property
    def redemption_named(self) -> str | None:
        """The redemption it needs, with the lots that took part."""
        return None

    @property
    def review_named(self) -> int | None:
        """The tier review it needs."""
        return None

    @property
    def checkout_named(self) -> str | None:
        """The checkout it needs, with the lots and coupons that it holds or spent."""
        return None

    @property
    def checkout_made(self) -> str | None:
        """The checkout it makes, whose id must be nobody else's."""
        return None

    @property
    def template_issued(self) -> str | None:
        """The template it gives out a coupon of: its counter, and what the member had of it."""
        return None

    @property
    def fires(self) -> Trigger | None:
        """The trigger of the campaigns that may add to what it grants."""
        return None

    @property
    def foretells(self) -> Trigger | None:
        """The trigger of the campaigns that it only tells of: nothing is drawn from their budgets."""
        return None

    @property
    def codes_named(self) -> tuple[str, ...]:
        """The coupon codes to be found wherever they lead; those that are nobody's yet are locked."""
        return ()

    @property
    def codes_held(self) -> tuple[str, ...]:
        """Of these codes the coupon, if the member has it."""
        return ()

    @property
    def referrals_named(self) -> tuple[str, ...]:
        """The members of whom it needs who brought them."""
        return ()

    @property
    def referrers_named(self) -> tuple[str, ...]:
        """The members of whom it needs what their invitations come to."""
        return ()

    @property
    def invitation_named(self) -> tuple[str, str] | None:
        """The inviter and the invitee of the invitation it needs."""
        return None

    @property
    def entries_told(self) -> tuple[tuple[str, str], ...]:
        """The entries, each by member and key, of which it needs what they tell and granted: it may take that back."""
        return ()

    @property
    def history_of(self) -> str | None:
        """The member all of whose lots it needs, those that hold nothing any more too."""
        return None

    @property
    def activity_counted(self) -> str | None:
        """The kind of activity that is recorded: those that its limits count."""
        return None

    @property
    def activity_named(self) -> str | None:
        """The activity it needs."""
        return None

    @property
    def needs_wallet(self) -> bool:
        """Whether it looks at every coupon that the member could use."""
        return False

    def natural_key(self, today: date) -> str | None:
        """The key it is known by among the member's entries; None where a repeat is harmless by nature.

        `today` is the program's day, for the commands a member may give once a day.
        """
        del today
        return None

    def clash(self) -> LoyaltyError:
        """The refusal of a command whose natural key was used with other content."""
        return ReferenceAlreadyUsed()

    def content(self) -> bytes:
        """16-byte hash of what was asked. A field at its default counts as absent, so a new one changes no hash."""
        shown = {
            name: value
            for name, default in _defaults(type(self))
            if (value := getattr(self, name)) != default
        }
        return blake2b(compact(shown).encode(), digest_size=16).digest()


@cache
def _defaults(command: type[Command]) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.default) for field in fields(command) if field.name not in command.sealed)
