"""A quote: everything a cart page shows, priced in the fixed order of RULES.md, Coupons. Nothing changes by it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from app.domain.account import Account
from app.domain.carts import Cart, Wish, check_cart
from app.domain.combination import best, join, stacks
from app.domain.coupon_reasons import Reason, reason
from app.domain.coupon_templates import Gift, Template
from app.domain.earning import Earned, Line, earned
from app.domain.eligibility import Shopper, eligible_lines, unmet
from app.domain.posting import Context, Member
from app.domain.pricing import Basket, Candidate, candidate, effect, price, reduce, refusal
from app.domain.program import Program
from app.domain.promotions import line_promotions
from app.domain.shares import spread
from app.domain.standing import standing_of
from app.domain.terms import Tier
from app.domain.tiers import Standing, evaluate


class Held(NamedTuple):
    """A coupon the member may use, or may not: `refusal` is why its own state forbids it (expired, locked, ...)."""

    code: str
    template: Template | None  # None: there is no such coupon, or none of this member's
    valid_until: datetime | None
    refusal: Reason | None = None


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
    check_cart(cart)
    account, program = member.account, context.program
    desk = _Desk(cart, shopper, program.tier(shopper.tier))
    for template in promotions:
        if template.is_open(context.now):
            desk.promote(template)
    desk.open()
    for held in wallet:
        desk.admit(held)
    best_is_exact = desk.choose(wish.coupons)
    goods_fen = sum(desk.priced.lines_fen)
    points = _points(wish.points, goods_fen, account, program)
    cash = _cash(wish.cash, goods_fen - points.value_fen, account)
    lines = desk.lines(points.value_fen, cash.used_fen)
    subtotal_fen = sum(line.amount_fen for line in cart.lines)
    shipping = desk.shipping()
    reward = _earned(lines, goods_fen - points.value_fen - cash.used_fen, account, program)
    return Quote(
        lines=lines,
        subtotal_fen=subtotal_fen,
        discount_fen=subtotal_fen - goods_fen,
        used=desk.used(),
        rejected=tuple(Rejected(code, reasons) for code, reasons in desk.rejected.items()),
        fitting=tuple(_used(each, saved_fen) for each, saved_fen in desk.fitting.values()),
        points=points,
        cash=cash,
        shipping=shipping,
        payable_fen=goods_fen + shipping.payable_fen - points.value_fen - cash.used_fen,
        earned=reward,
        tier_after=_tier_after(member, goods_fen - points.value_fen - cash.used_fen, reward, context),
        best_is_exact=best_is_exact,
    )


class _Desk:
    """A cart on its way through the steps: promotions, the tier's discount, coupons."""

    def __init__(self, cart: Cart, shopper: Shopper, tier: Tier) -> None:
        self.cart = cart
        self.shopper = shopper
        self.tier = tier
        self.discounts: list[list[tuple[str, int]]] = [[] for _ in cart.lines]
        self.line_prices: list[tuple[Template, tuple[int, ...]]] = []
        self.automatic: list[Candidate] = []
        self.fitting: dict[str, tuple[Candidate, int]] = {}  # with what each saves alone
        self.rejected: dict[str, tuple[Reason, ...]] = {}
        self.promoted_fen: dict[str, int] = {}
        self.free_by: str | None = None

    def promote(self, template: Template) -> None:
        """Take in an automatic template, if it fits."""
        lines = eligible_lines(template, self.cart)
        if unmet(template, lines, self.cart, self.shopper):
            return
        if template.kind == "line_price":
            self.line_prices.append((template, lines))
        else:
            self.automatic.append(candidate(template, lines))

    def open(self) -> None:
        """Line promotions, the tier's discount and its free shipping: what coupons then apply to."""
        left_fen = [line.amount_fen for line in self.cart.lines]
        if self.line_prices:
            for index, promoted in enumerate(line_promotions(self.cart.lines, self.line_prices)):
                if promoted is not None:
                    code, saved_fen = promoted
                    left_fen[index] -= saved_fen
                    self.promoted_fen[code] = self.promoted_fen.get(code, 0) + saved_fen
                    self._note(f"promotion:{code}", (index,), (saved_fen,))
        percent, is_free = _benefits(self.tier)
        if percent:
            saved_fen = sum(left_fen) * percent // 100
            places = range(len(left_fen))
            left_fen, shares_fen = reduce(left_fen, saved_fen, places)
            self._note(f"tier:{self.tier.code}", places, shares_fen)
        shipping_fen = self.cart.shipping_fen
        if is_free and shipping_fen:
            self.free_by, shipping_fen = f"tier:{self.tier.code}", 0
        self.basket = Basket([line.quantity for line in self.cart.lines], left_fen, shipping_fen)

    def admit(self, held: Held) -> None:
        """Take in a coupon: it fits this cart alone, or is rejected with every reason."""
        template = held.template
        if held.refusal is not None:
            self.rejected[held.code] = (held.refusal,)
            return
        assert template is not None, "a coupon that is not there has its refusal"
        lines = eligible_lines(template, self.cart)
        reasons = unmet(template, lines, self.cart, self.shopper)
        if not reasons:
            found = candidate(template, lines, code=held.code, valid_until=held.valid_until)
            base_fen = self.basket.lines_fen
            alone = effect(found, self.basket, base_fen, base_fen, self.basket.shipping_fen)
            if alone is not None:
                self.fitting[held.code] = found, alone[0]
                return
            reasons = (refusal(found, base_fen),)
        self.rejected[held.code] = reasons

    def choose(self, wished: tuple[str, ...] | Literal["best"]) -> bool | None:
        """Apply the named coupons or the best ones, and what goes with them; whether the best is proven."""
        is_exact = None
        if wished == "best":
            fitting = [*self.fitting.values(), *self._automatic_alone()]
            chosen, is_exact = best(self.basket, fitting)
            self.priced = price(self.basket, chosen)
            for code, (each, _) in self.fitting.items():
                if each not in chosen:
                    self.rejected[code] = (_clash(each, chosen) or reason("not_best"),)
        else:
            self.priced = join(self.basket, self._named(wished), self.automatic)
            for each, why in self.priced.failed:
                self.rejected[each.name] = (why,)
        for each, _, places, shares_fen in self.priced.taken:
            self._note(each.source, places, shares_fen)
            if each.template.kind == "free_shipping":
                self.free_by = each.source
        return is_exact

    def _named(self, codes: Iterable[str]) -> list[Candidate]:
        """Those that fit, in the order named: one that does not stack with those before it is rejected."""
        chosen: list[Candidate] = []
        for code in dict.fromkeys(codes):
            if code in self.fitting:
                each = self.fitting[code][0]
                clash = _clash(each, chosen)
                if clash is None:
                    chosen.append(each)
                else:
                    self.rejected[code] = (clash,)
        return chosen

    def _automatic_alone(self) -> Iterator[tuple[Candidate, int]]:
        base_fen = self.basket.lines_fen
        for each in self.automatic:
            alone = effect(each, self.basket, base_fen, base_fen, self.basket.shipping_fen)
            if alone is not None:
                yield each, alone[0]

    def _note(self, source: str, places: Iterable[int], shares_fen: Iterable[int]) -> None:
        for place, share_fen in zip(places, shares_fen, strict=True):
            if share_fen:
                self.discounts[place].append((source, share_fen))

    def lines(self, points_fen: int, cash_fen: int) -> tuple[QuotedLine, ...]:
        """The lines as priced, the value of points shared over what is payable, cash over what points leave."""
        payables_fen = self.priced.lines_fen
        points = spread(points_fen, payables_fen)
        cash = spread(cash_fen, [payable - part for payable, part in zip(payables_fen, points, strict=True)])
        return tuple(
            QuotedLine(*line, tuple(discounts), payable_fen, points_part, cash_part)
            for line, discounts, payable_fen, points_part, cash_part in zip(
                self.cart.lines, self.discounts, payables_fen, points, cash, strict=True
            )
        )

    def used(self) -> tuple[Used, ...]:
        return (
            *(Used(None, code, saved_fen, None) for code, saved_fen in sorted(self.promoted_fen.items())),
            *(_used(taken.candidate, taken.saved_fen) for taken in self.priced.taken),
        )

    def shipping(self) -> Shipping:
        return Shipping(self.cart.shipping_fen, self.priced.shipping_fen, self.free_by)


def _benefits(tier: Tier) -> tuple[int, bool]:
    """The largest discount the tier grants, in percent, and whether its shipping is free."""
    percent, is_free = 0, False
    for benefit in tier.benefits:
        own = benefit.terms.get("discount_percent")
        if type(own) is int and percent < own <= 100:  # the terms of a benefit are free-form
            percent = own
        is_free = is_free or benefit.terms.get("free_shipping") is True
    return percent, is_free


def _clash(candidate: Candidate, chosen: Iterable[Candidate]) -> Reason | None:
    names = [each.name for each in chosen if not stacks(candidate.template, each.template)]
    return reason("not_stackable", {"with": names}) if names else None


def _used(candidate: Candidate, saved_fen: int) -> Used:
    template = candidate.template
    return Used(candidate.code, template.template, saved_fen, template.gift)


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


def _earned(lines: Iterable[QuotedLine], money_fen: int, account: Account, program: Program) -> Earned:
    """What the order earns on the money paid for its goods."""
    earning = program.earning
    rated: list[Line] = []
    if earning.brands or earning.categories:
        rated = [
            Line(line.line_id, line.sku, line.category, line.brand, line.quantity, line.money_fen)
            for line in lines
        ]
    return earned(
        amount_fen=money_fen,
        lines=rated,
        spend_before_fen=account.spend,
        tier=account.tier,
        program=program,
    )


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


def answer(quote: Quote) -> dict[str, Any]:
    """The body of `POST /v1/quotes`."""
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
            {
                "code": code,
                "reasons": [{"code": why.code, "detail": why.detail, **why.extra} for why in reasons],
            }
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
            "breakdown": [
                {"rule": rule, "label": label, "points": points}
                for rule, label, points in quote.earned.breakdown
            ],
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
