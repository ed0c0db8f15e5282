"""Whether a template fits a cart and its member: what counts for it, and what it asks (RULES.md, Coupons)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.domain.carts import Cart
from app.domain.coupon_reasons import Reason, reason
from app.domain.coupon_templates import Template


class Shopper(NamedTuple):
    """What the rules ask of the member beyond the account. `matches` evaluates CEL, False on any error."""

    tier: str
    is_first_order: bool
    matches: Callable[[str], bool]


def eligible_lines(template: Template, cart: Cart) -> tuple[int, ...]:
    """The places of the lines that count for it."""
    eligible = template.eligible
    if not (eligible.skus or eligible.categories or eligible.brands):
        return tuple(range(len(cart.lines)))
    is_line = template.is_line
    return tuple(
        index for index, line in enumerate(cart.lines) if is_line(line.sku, line.category, line.brand)
    )


def unmet(template: Template, lines: Sequence[int], cart: Cart, shopper: Shopper) -> tuple[Reason, ...]:
    """Every condition, the threshold aside, that keeps the template from this cart; `lines` are its eligible ones."""
    eligible = template.eligible
    reasons: list[Reason] = []
    if eligible.channels and cart.channel not in eligible.channels:
        reasons.append(reason("channel_not_eligible"))
    if eligible.tiers and shopper.tier not in eligible.tiers:
        reasons.append(reason("tier_not_eligible"))
    if eligible.first_order and not shopper.is_first_order:
        reasons.append(reason("first_order_only"))
    if eligible.member is not None and not shopper.matches(eligible.member):
        reasons.append(reason("member_not_eligible"))
    if not lines:
        reasons.append(reason("product_not_eligible"))
    elif eligible.min_quantity:
        missing = eligible.min_quantity - sum(cart.lines[index].quantity for index in lines)
        if missing > 0:
            reasons.append(reason("quantity_not_reached", {"missing": missing}))
    return tuple(reasons)
