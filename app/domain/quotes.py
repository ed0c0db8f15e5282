"""A quote: everything a cart page shows, priced in the fixed order of RULES.md, Coupons. Nothing changes by it."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from app.domain.account import Account
from app.domain.benefits import perks
from app.domain.carts import Cart, Wish, check_cart
from app.domain.coupon_reasons import told_reason
from app.domain.coupon_templates import Template
from app.domain.earning import Earned, Line, told_parts
from app.domain.eligibility import Shopper
from app.domain.order_boosts import boosted
from app.domain.orders import Order
from app.domain.posting import Context, Member
from app.domain.program import Program
from app.domain.standing import standing_of
from app.domain.tiers import Standing, evaluate
from app.domain.till import Held, QuotedLine, Rejected, Shipping, Till, Used


class PointsUse(NamedTuple):
    """`used` points worth `value_fen`; at most `max` could be used on this cart now."""

    used: int
    value_fen: int
    max: int


class CashUse(NamedTuple):
    """Of the cash wallet; at most `max_fen` could be used beside the points that are."""

    used_fen: int
    max_fen: int


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

    @property
    def coupons_used(self) -> list[str]:
        """The names of the coupons applied, in the order applied: each as it was asked for."""
        return [used.code for used in self.used if used.code is not None]


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
    check_cart(cart)
    account, program = member.account, context.program
    till = Till(cart, shopper, perks(program.tier(shopper.tier), member.grants.values(), context.now))
    for template in promotions:
        if template.is_open(context.now):
            till.promote(template)
    till.open()
    for held in wallet:
        till.admit(held)
    best_is_exact = till.choose(wish.coupons)
    goods_fen = sum(till.priced.lines_fen)
    points = _points(wish.points, goods_fen, account, program)
    cash = _cash(wish.cash, goods_fen - points.value_fen, account)
    money_fen = goods_fen - points.value_fen - cash.used_fen
    lines = till.lines(points.value_fen, cash.used_fen)
    subtotal_fen = sum(line.amount_fen for line in cart.lines)
    shipping = till.shipping()
    reward = _earned(lines, money_fen, cart, member, context)
    return Quote(
        lines=lines,
        subtotal_fen=subtotal_fen,
        discount_fen=subtotal_fen - goods_fen,
        used=till.used(),
        rejected=till.refused(),
        fitting=till.fitting_alone(),
        points=points,
        cash=cash,
        shipping=shipping,
        payable_fen=money_fen + shipping.payable_fen,
        earned=reward,
        tier_after=_tier_after(member, money_fen, reward, context),
        best_is_exact=best_is_exact,
    )


def _points(wished: int | Literal["max"], goods_fen: int, account: Account, program: Program) -> PointsUse:
    """As many as wished, or the most below that: up to the share of the goods, in whole steps, from the least on."""
    paying, tier = program.paying, account.tier
    cap_fen = goods_fen * paying.share_percent(tier=tier) // 100
    most = _in_steps(min(account.available, paying.most_points(cap_fen, tier=tier)), account, program)
    used = most if wished == "max" else _in_steps(min(wished, most), account, program)
    return PointsUse(used, paying.value_fen(used, tier=tier), most)


def _in_steps(points: int, account: Account, program: Program) -> int:
    """The most points up to these that may be used together; 0 where they would be worth nothing."""
    paying = program.paying
    points -= points % paying.step_points
    if points < paying.min_points or not paying.value_fen(points, tier=account.tier):
        return 0
    return points


def _cash(wished: int | Literal["max"], rest_fen: int, account: Account) -> CashUse:
    most_fen = max(0, min(account.cash, rest_fen))
    return CashUse(most_fen if wished == "max" else min(wished, most_fen), most_fen)


def _earned(
    lines: Iterable[QuotedLine], money_fen: int, cart: Cart, member: Member, context: Context
) -> Earned:
    """What the order earns on the money paid for its goods, campaigns included as they are now."""
    bought = tuple(
        Line(line.line_id, line.sku, line.category, line.brand, line.quantity, line.money_fen)
        for line in lines
    )
    order = Order(money_fen, bought, {}, 0, cart.channel)
    told = context._replace(campaigns=context.campaigns.reading())
    return boosted(member, member.account, order, told).reward._replace(boosted=())


def _tier_after(member: Member, money_fen: int, reward: Earned, context: Context) -> str:
    """The tier once the order is settled. Under a window it counts the lots that are loaded."""
    account, program = member.account, context.program
    before = standing_of(
        account, member.lots.values(), at=context.now, programs=context.programs, program=program
    )
    standing = Standing(
        before.spend_fen + money_fen,
        before.orders + 1,
        before.points_earned + reward.points,
        before.growth + reward.growth,
    )
    evaluation = evaluate(
        current=account.tier,
        approved=account.approved_tier,
        reviewed=account.reviewed_tier,
        standing=standing,
        program=program,
        is_manual=account.tier_state == "manual",
    )
    return evaluation.tier.code


def answer(quote: Quote, *, version: int) -> dict[str, Any]:
    """The body of `POST /v1/quotes`; `version` is that of the program it was made under."""
    coupons = [each for each in quote.used if each.code is not None]
    return {
        "lines": [
            {
                "line_id": line.line_id,
                "amount": line.amount_fen,
                "discounts": [{"source": source, "amount": fen} for source, fen in line.discounts],
                "payable": line.payable_fen,
            }
            for line in quote.lines
        ],
        "subtotal": quote.subtotal_fen,
        "discount": quote.discount_fen,
        "coupons": [_told(each) for each in coupons],
        "promotions": [_told(each) for each in quote.used if each.code is None],
        "rejected": [
            {"code": code, "reasons": [told_reason(why) for why in reasons]}
            for code, reasons in quote.rejected
        ],
        "fitting": [_told(each) for each in quote.fitting],
        "points": {"used": quote.points.used, "value": quote.points.value_fen, "max": quote.points.max},
        "cash": {"used": quote.cash.used_fen, "max": quote.cash.max_fen},
        "shipping": {
            "amount": quote.shipping.amount_fen,
            "payable": quote.shipping.payable_fen,
            **({} if quote.shipping.free_by is None else {"free_by": quote.shipping.free_by}),
        },
        "payable": quote.payable_fen,
        "earns": {
            "points": quote.earned.points,
            "breakdown": told_parts(quote.earned.breakdown, version=version),
        },
        "tier_after": quote.tier_after,
        "best_is_exact": quote.best_is_exact,
    }


def _told(used: Used) -> dict[str, Any]:
    told: dict[str, Any] = {} if used.code is None else {"code": used.code}
    told |= {"template": used.template, "discount": used.discount_fen}
    if used.gift is not None:
        told["gift"] = used.gift._asdict()
    return told
