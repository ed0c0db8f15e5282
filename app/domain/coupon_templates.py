"""Coupon templates: what a coupon, or a promotion without one, gives, to whom, when, and how often.

Source: RULES.md, Coupons; the fields on the wire are API.md's, with those that are ours (`price`, `bundle`, `gift`,
`group`, `public_code`, `state`, `eligible.min_quantity`). Amounts are in the minor unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from app.domain.document import Mistake
from app.domain.errors import ErrorKind, LoyaltyError

Kind = Literal["amount_off", "percent_off", "free_shipping", "gift", "exchange", "line_price"]
StacksWith = Literal["none", "other_kinds", "all"]
ReturnOn = Literal["full_refund", "never"]
State = Literal["active", "paused", "ended"]


class TemplateInvalid(LoyaltyError):
    """The document is no template. Each mistake: a JSON pointer and what is wrong there."""

    code = "template_invalid"
    kind = ErrorKind.UNPROCESSABLE
    title = "The coupon template is invalid"

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        told = "; ".join(f"{pointer or '/'} {detail}" for pointer, detail in mistakes)
        super().__init__(
            f"Correct the template and send it again: {told}.",
            extra={"errors": [{"pointer": pointer, "detail": detail} for pointer, detail in mistakes]},
        )
        self.mistakes = mistakes

    @classmethod
    def example(cls) -> Self:
        return cls((Mistake("/steps/1/threshold", "must be above the step before it (30000)"),))


class Step(NamedTuple):
    """Eligible goods of `threshold_fen` or more get `amount_off_fen` off."""

    threshold_fen: int
    amount_off_fen: int


class Bundle(NamedTuple):
    """Each full set of `quantity` eligible pieces costs `price_fen`."""

    quantity: int
    price_fen: int


class Gift(NamedTuple):
    """What comes with the order for nothing."""

    sku: str
    quantity: int


class Window(NamedTuple):
    """From an instant until another, or some days from when a coupon is issued; all None: for good."""

    from_at: datetime | None = None
    until: datetime | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligible:
    """Which lines count, named by any of the three (none given: all), and what is asked of the order."""

    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    first_order: bool = False
    member: str | None = None  # a CEL expression over the member
    min_quantity: int = 0  # eligible pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One revision of a template. None stands for what it doesn't say: no limit, no such thing.

    `amount_off_fen` is what comes off once, but a piece under `line_price`; so is `price_fen`.
    """

    template: str
    name: str
    kind: Kind
    amount_off_fen: int | None = None
    threshold_fen: int = 0
    steps: tuple[Step, ...] = ()
    percent_off: int | None = None
    max_discount_fen: int | None = None
    price_fen: int | None = None
    bundle: Bundle | None = None
    gift: Gift | None = None
    eligible: Eligible = Eligible()
    stock: int | None = None
    budget_fen: int | None = None
    per_member: int | None = None
    per_day: int | None = None  # and member
    valid: Window = Window()
    stacks_with: StacksWith = "other_kinds"
    group: str | None = None  # two of one group never go together
    return_on: ReturnOn = "full_refund"
    points_price: int | None = None
    automatic: bool = False
    public_code: str | None = None
    state: State = "active"
    revision: int = 0

    @classmethod
    def from_document(cls, code: str, revision: int, document: Mapping[str, Any]) -> "Template":
        """The template a document describes: the wire's fields without `template` itself; null is absent.

        Raises TemplateInvalid, listing every mistake with its place.
        """
        raise NotImplementedError

    def to_document(self) -> dict[str, Any]:
        """The document it is read from: only what it says, `template` and `revision` left out."""
        raise NotImplementedError

    def is_line(self, sku: str, category: str | None, brand: str | None) -> bool:
        """Whether a line with these counts for it."""
        raise NotImplementedError

    def held(self, issued_at: datetime, timezone: ZoneInfo) -> tuple[datetime, datetime | None]:
        """From when until when a coupon issued then can be used; None: for good."""
        raise NotImplementedError

    def is_open(self, now: datetime) -> bool:
        """Whether it is active and its window holds: an automatic one applies, others can be had."""
        raise NotImplementedError
