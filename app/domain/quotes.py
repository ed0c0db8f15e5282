"""A quote: everything a cart page shows, priced in the fixed order of RULES.md, Coupons. Nothing changes by it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from app.domain.carts import Cart, Wish
from app.domain.coupon_reasons import Reason
from app.domain.coupon_templates import Gift, Template
from app.domain.earning import Earned
from app.domain.posting import Context, Member


class Held(NamedTuple):
    """A coupon the member may use, or may not: `refusal` is why its own state forbids it (expired, locked, ...)."""

    code: str
    template: Template | None  # None: there is no such coupon, or none of this member's
    valid_until: datetime | None
    refusal: Reason | None = None


class Shopper(NamedTuple):
    """What the rules ask of the member beyond the account. `matches` evaluates CEL, False on any error."""

    tier: str
    is_first_order: bool
    matches: Callable[[str], bool]


class QuotedLine(NamedTuple):
    """One line as priced: payable = amount - discounts = points part + cash part + money part."""

    line_id: str
    sku: str
    category: str | None
    brand: str | None
    quantity: int
    amount_fen: int
    discounts: tuple[tuple[str, int], ...]  # (source, fen), in the order applied
    payable_fen: int
    points_fen: int
    cash_fen: int

    @property
    def money_fen(self) -> int:
        """What is paid in money."""
        return self.payable_fen - self.points_fen - self.cash_fen


class Used(NamedTuple):
    """What a coupon, or with `code` None a promotion, gives: off goods and shipping together, and a gift."""

    code: str | None
    template: str
    discount_fen: int
    gift: Gift | None


class Rejected(NamedTuple):
    code: str
    reasons: tuple[Reason, ...]


class PointsUse(NamedTuple):
    """`used` points worth `value_fen`; at most `max` could be used on this cart now."""

    used: int
    value_fen: int
    max: int


class CashUse(NamedTuple):
    """Of the cash wallet; at most `max_fen` could be used beside the points that are."""

    used_fen: int
    max_fen: int


class Shipping(NamedTuple):
    """`free_by`: the source that makes it free, such as `tier:gold`."""

    amount_fen: int
    payable_fen: int
    free_by: str | None


class Quote(NamedTuple):
    """What the cart costs. Sum of lines' payable + shipping payable - points value - cash = payable.

    `used` are line promotions, then coupons and automatic templates in the order applied. `rejected` are the named
    coupons that don't apply and those of the wallet that don't fit. `fitting` is each coupon that fits this
    cart alone with what it saves then, used or not. `best_is_exact` is None unless the best was asked for.
    """

    lines: tuple[QuotedLine, ...]
    subtotal_fen: int
    discount_fen: int  # of goods
    used: tuple[Used, ...]
    rejected: tuple[Rejected, ...]
    fitting: tuple[Used, ...]
    points: PointsUse
    cash: CashUse
    shipping: Shipping
    payable_fen: int
    earned: Earned
    tier_after: str
    best_is_exact: bool | None


def quote(
    member: Member,
    cart: Cart,
    wish: Wish,
    *,
    shopper: Shopper,
    wallet: Sequence[Held],
    promotions: Sequence[Template],
    context: Context,
) -> Quote:
    """Price the cart for a member on whom nothing is due.

    `wallet` has every coupon of the member's that matters and every named code, each once; `promotions` are the
    automatic templates, those that are closed now being passed over. Raises CartEmpty, CartTooLong, LineIdRepeated,
    CartOutOfRange; a wish that can't be met is told, never raised.
    """
    raise NotImplementedError


def answer(quote: Quote) -> dict[str, Any]:
    """The body of `POST /v1/quotes`."""
    raise NotImplementedError
