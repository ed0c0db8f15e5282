"""What can be asked of the ledger about points, members and tiers: one frozen class a command."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.domain.campaigns import Trigger
from app.domain.command import Command
from app.domain.earning import Line
from app.domain.errors import LoyaltyError, OrderAlreadyAccrued, ReviewClosed

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
    sealed = frozenset(("person",))

    reference: str
    joined_at: datetime | None = None
    points: int = 0
    accrued_at: datetime | None = None
    expires_at: datetime | None = None
    spend: int = 0
    growth: int = 0
    person: Mapping[str, Any] | None = None

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
