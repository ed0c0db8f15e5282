"""What can be asked of the ledger: one frozen class a command.

`natural_key` is unique per member for good, so that the same command sent again is found and answered as it was;
`content()` is what must be the same then. `needs_lots`, `spends` and the `..._named` tell the engine what to load
before it decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from functools import cache
from hashlib import blake2b
from typing import Any, ClassVar

from app.domain.campaigns import Trigger
from app.domain.compact import compact
from app.domain.earning import Line
from app.domain.errors import LoyaltyError, OrderAlreadyAccrued, ReferenceAlreadyUsed, ReviewClosed
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
    def entries_undone(self) -> tuple[tuple[str, str], ...]:
        """The entries, each by member and key, whose grants it takes back: what they tell, and their lots."""
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
    return tuple((field.name, field.default) for field in fields(command))


# --- points ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Accrue(Command):
    """An order earns points. `amount` is in the minor unit; no `occurred_at` means now; unsettled ones stay pending."""

    kind = "accrue"
    needs_active = True
    counts = True

    order_id: str
    amount: int
    occurred_at: datetime | None = None
    channel: str | None = None
    items: tuple[Line, ...] = ()
    settle: bool = True

    @property
    def fires(self) -> Trigger:
        return "order"

    def clash(self) -> LoyaltyError:
        return OrderAlreadyAccrued()

    def natural_key(self, today: date) -> str:
        return f"order/{self.order_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(Command):
    """Pending points of an order become available."""

    kind = "settle"
    counts = True

    order_id: str

    @property
    def order_named(self) -> str:
        return self.order_id

    def natural_key(self, today: date) -> str:
        return f"settle/{self.order_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Command):
    """A refund takes back what the refunded part of an order earned.

    Either `amount` (minor unit), or `items`: (line_id, quantity or None, amount or None) each, where a line with
    neither comes back whole.
    """

    kind = "reverse"
    needs_lots = True
    counts = True

    order_id: str
    reference: str
    amount: int | None = None
    items: tuple[tuple[str, int | None, int | None], ...] = ()

    @property
    def referrals_named(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def order_named(self) -> str:
        return self.order_id

    @property
    def checkout_named(self) -> str:
        return self.order_id

    def natural_key(self, today: date) -> str:
        return f"reverse/{self.order_id}/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem(Command):
    """Points are spent, or held to be (no `hold_seconds` takes the program's)."""

    kind = "redeem"
    needs_active = True

    reference: str
    points: int
    reserve: bool = False
    order_id: str | None = None
    hold_seconds: int | None = None

    @property
    def spends(self) -> int:
        return self.points

    def natural_key(self, today: date) -> str:
        return f"redeem/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit(Command):
    """Held points are spent: `points` of them or all; the rest is freed."""

    kind = "commit"

    reference: str
    points: int | None = None

    @property
    def redemption_named(self) -> str:
        return self.reference

    def natural_key(self, today: date) -> str:
        return f"commit/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Command):
    """Held points are freed."""

    kind = "cancel"

    reference: str

    @property
    def redemption_named(self) -> str:
        return self.reference

    def natural_key(self, today: date) -> str:
        return f"cancel/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund(Command):
    """Spent points come back to the lots they came from: `points` of them or all that is left."""

    kind = "refund"

    redemption: str
    reference: str
    points: int | None = None

    @property
    def redemption_named(self) -> str:
        return self.redemption

    def natural_key(self, today: date) -> str:
        return f"refund/{self.redemption}/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn(Command):
    """The member shows up today."""

    kind = "sign_in"
    needs_active = True
    counts = True

    @property
    def fires(self) -> Trigger:
        return "sign_in"

    def natural_key(self, today: date) -> str:
        return f"sign_in/{today.isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust(Command):
    """A person's correction, plus or minus, with its reason."""

    kind = "adjust"
    needs_person = True

    reference: str
    points: int
    reason: str

    @property
    def spends(self) -> int:
        return max(0, -self.points)

    def natural_key(self, today: date) -> str:
        return f"adjust/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Command):
    """Points given to another member; they keep their expiry."""

    kind = "transfer"
    needs_active = True

    reference: str
    to: str
    points: int

    @property
    def members(self) -> tuple[str, ...]:
        return (self.member_id, self.to)

    @property
    def spends(self) -> int:
        return self.points

    def natural_key(self, today: date) -> str:
        return f"transfer/{self.reference}"


# --- members ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrol(Command):
    """A member joins, or what is known of the person changes: `person` holds the columns to set, encrypted already.

    `joined_at` is for one who joined before, elsewhere; it changes nothing of a member known here. Of a member who is
    there already, `above` are those who brought who is told to have brought them, and so on up, as far as was found.
    """

    kind = "enrol"

    person: Mapping[str, Any] | None = None
    joined_at: datetime | None = None
    must_exist: bool = False  # a change (PATCH) never enrols
    above: tuple[str, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        if self.referrer is None:
            return (self.member_id,)
        return (self.member_id, self.referrer, *self.above)

    @property
    def referrals_named(self) -> tuple[str, ...]:
        return self.members if self.names_referrer else ()

    @property
    def referrers_named(self) -> tuple[str, ...]:
        return () if self.referrer is None else (self.referrer,)

    @property
    def names_referrer(self) -> bool:
        """Whether it says who brought the member, be it nobody."""
        return self.person is not None and "referred_by" in self.person

    @property
    def names_birthday(self) -> bool:
        """Whether it tells the birthday, or that none is known."""
        return self.person is not None and "birthday_mark" in self.person

    @property
    def referrer(self) -> str | None:
        """Who brought the member, as far as it says."""
        return None if self.person is None else self.person.get("referred_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class Import(Command):
    """A member brought along from elsewhere: enrolled if new, with an opening lot and history.

    `points` expire at `expires_at`, or as the program says counted from `accrued_at`; `spend` in the minor unit.
    `person` as in `Enrol`.
    """

    kind = "import"

    reference: str
    joined_at: datetime | None = None
    points: int = 0
    accrued_at: datetime | None = None
    expires_at: datetime | None = None
    spend: int = 0
    growth: int = 0
    person: Mapping[str, Any] | None = None

    def content(self) -> bytes:
        """The hash without the person, who is encrypted anew, and differently, each time."""
        return Command.content(replace(self, person=None))

    def natural_key(self, today: date) -> str:
        return f"import/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze(Command):
    """Nothing can be earned or spent until the member is unfrozen."""

    kind = "freeze"
    needs_person = True

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfreeze(Command):
    """The member may earn and spend again."""

    kind = "unfreeze"
    needs_person = True

    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase(Command):
    """The person is forgotten; the ledger stands."""

    kind = "erase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mature(Command):
    """Nothing but what fell due: expiry, lapsed holds, settlements, tier periods and coupons. The jobs' command."""

    kind = "mature"
    gives = frozenset({"entry", "month"})


# --- tiers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateTier(Command):
    """Look again where the member stands, upgrades included."""

    kind = "evaluate"
    needs_person = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTier(Command):
    """A person sets the tier by hand, until `until` (None: for good)."""

    kind = "set_tier"
    needs_person = True

    reference: str
    tier: str
    reason: str
    until: datetime | None = None

    def natural_key(self, today: date) -> str:
        return f"set_tier/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideReview(Command):
    """A person approves or rejects a tier review, named by the sequence of the entry that opened it."""

    kind = "review"

    review: int
    approve: bool
    reason: str | None = None

    @property
    def review_named(self) -> int:
        return self.review

    def natural_key(self, today: date) -> str:
        return f"review/{self.review}"

    def clash(self) -> LoyaltyError:
        return ReviewClosed(status=None)
