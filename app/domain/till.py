"""A cart on its way through the published order: line promotions, the tier's discount, coupons, shipping.

RULES.md, Coupons. Points and cash come after, in `quotes.py`; what coupons take off is in `pricing.py`, which of them
go together in `combination.py`.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from app.domain.benefits import Perks
from app.domain.carts import Cart
from app.domain.combination import best, join, stacks
from app.domain.coupon_reasons import Reason, reason
from app.domain.coupon_templates import Gift, Template
from app.domain.eligibility import Shopper, eligible_lines, unmet
from app.domain.pricing import Basket, Candidate, candidate, effect, price, reduce, refusal
from app.domain.promotions import line_promotions
from app.domain.shares import spread


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


class Shipping(NamedTuple):
    """`free_by`: the source that makes it free, such as `tier:gold`."""

    amount_fen: int
    payable_fen: int
    free_by: str | None


class Till:
    """A cart on its way through the steps: promotions, the tier's discount, coupons."""

    def __init__(self, cart: Cart, shopper: Shopper, perks: Perks) -> None:
        self.cart = cart
        self.shopper = shopper
        self.perks = perks
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
        perks = self.perks
        if perks.discount_percent:
            saved_fen = sum(left_fen) * perks.discount_percent // 100
            places = range(len(left_fen))
            left_fen, shares_fen = reduce(left_fen, saved_fen, places)
            self._note(perks.discount_by, places, shares_fen)
        shipping_fen = self.cart.shipping_fen
        if perks.shipping_by is not None and shipping_fen:
            self.free_by, shipping_fen = perks.shipping_by, 0
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
            if code not in self.fitting:
                self.rejected.setdefault(code, (reason("coupon_not_found"),))
                continue
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

    def fitting_alone(self) -> tuple[Used, ...]:
        """Each coupon that fits this cart alone, and what it saves then."""
        return tuple(_used(each, saved_fen) for each, saved_fen in self.fitting.values())

    def refused(self) -> tuple[Rejected, ...]:
        return tuple(Rejected(code, reasons) for code, reasons in self.rejected.items())

    def shipping(self) -> Shipping:
        return Shipping(self.cart.shipping_fen, self.priced.shipping_fen, self.free_by)


def _clash(candidate: Candidate, chosen: Iterable[Candidate]) -> Reason | None:
    names = [each.name for each in chosen if not stacks(candidate.template, each.template)]
    return reason("not_stackable", {"with": names}) if names else None


def _used(candidate: Candidate, saved_fen: int) -> Used:
    template = candidate.template
    return Used(candidate.code, template.template, saved_fen, template.gift)
