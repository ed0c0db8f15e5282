"""What can be asked of a checkout: hold, extend, complete, cancel, refund."""

from dataclasses import dataclass, replace
from datetime import date

from app.domain.campaigns import Trigger
from app.domain.carts import Cart, Wish
from app.domain.command import Command
from app.domain.errors import ErrorKind, LoyaltyError


class CheckoutAlreadyExists(LoyaltyError):
    code = "checkout_already_exists"
    kind = ErrorKind.CONFLICT
    title = "The checkout_id was used with other content"

    def __init__(self) -> None:
        super().__init__(
            "There is a checkout under this checkout_id, of another cart or another member. Use a new checkout_id "
            "for a new cart, or send the first request again unchanged to get its answer."
        )


class CheckoutCompleted(LoyaltyError):
    code = "checkout_completed"
    kind = ErrorKind.CONFLICT
    title = "The checkout is completed"

    def __init__(self) -> None:
        super().__init__(
            "This checkout was completed before and is an order now. Refund it to undo it, or parts of it."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCheckout(Command):
    """A cart is priced, and what it uses of points, cash and coupons is held until it completes.

    `quoted` has the figures the caller expects, by name (minor unit, or points): others are refused.
    """

    kind = "hold"
    needs_active = True
    needs_traits = True
    needs_grants = True

    checkout_id: str
    cart: Cart
    wish: Wish
    hold_seconds: int | None = None
    settle: bool = True
    quoted: tuple[tuple[str, int], ...] = ()

    @property
    def foretells(self) -> Trigger:
        return "order"

    @property
    def reads_all_lots(self) -> bool:
        """How many points `max` is, only the account tells: so all lots are read."""
        return self.wish.points == "max"

    @property
    def spends(self) -> int:
        return 0 if self.wish.points == "max" else self.wish.points

    @property
    def checkout_made(self) -> str:
        return self.checkout_id

    @property
    def order_named(self) -> str:
        """The order it is going to be, which must not be there yet."""
        return self.checkout_id

    @property
    def codes_named(self) -> tuple[str, ...]:
        return () if self.wish.coupons == "best" else self.wish.coupons

    @property
    def codes_held(self) -> tuple[str, ...]:
        return self.codes_named

    @property
    def needs_wallet(self) -> bool:
        return self.wish.coupons == "best"

    def natural_key(self, today: date) -> str:
        return f"hold/{self.checkout_id}"

    def clash(self) -> LoyaltyError:
        return CheckoutAlreadyExists()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutCommand(Command):
    """Something done with a checkout that is there. No `member_id` means whose it is."""

    checkout_id: str

    @property
    def checkout_named(self) -> str:
        return self.checkout_id

    def content(self) -> bytes:
        """The hash without the member, who is found by the checkout."""
        return Command.content(replace(self, member_id=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendCheckout(CheckoutCommand):
    """The hold lasts at least `hold_seconds` from now. A repeat lengthens it no further than it says."""

    kind = "extend"

    hold_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteCheckout(CheckoutCommand):
    """The cart is paid: what was held is spent, and the order earns. `paid` is what was really paid (minor unit).

    After the hold lapsed, what is missing is a refusal, or is done without (`earn_only`).
    """

    kind = "complete"
    counts = True

    paid: int | None = None
    earn_only: bool = False

    @property
    def fires(self) -> Trigger:
        return "order"

    @property
    def order_named(self) -> str:
        return self.checkout_id

    def natural_key(self, today: date) -> str:
        return f"order/{self.checkout_id}"

    def clash(self) -> LoyaltyError:
        return CheckoutCompleted()


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCheckout(CheckoutCommand):
    """Nothing is held any more."""

    kind = "release"

    def natural_key(self, today: date) -> str:
        return f"release/{self.checkout_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundCheckout(CheckoutCommand):
    """Part of a completed checkout is undone: an `amount` of what its lines cost (minor unit), or `items`:
    (line_id, quantity or None, amount or None) each, where a line with neither comes back whole.
    """

    kind = "refund_checkout"
    needs_lots = True
    counts = True

    reference: str
    amount: int | None = None
    items: tuple[tuple[str, int | None, int | None], ...] = ()

    @property
    def referrals_named(self) -> tuple[str, ...]:
        return (self.member_id,)

    @property
    def order_named(self) -> str:
        return self.checkout_id

    def natural_key(self, today: date) -> str:
        return f"refund_checkout/{self.checkout_id}/{self.reference}"
