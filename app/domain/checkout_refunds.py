"""Part of a completed checkout is undone: its share of the points, the cash, the money and what was earned.

Each refund names lines, or an amount that lies on all of them. Everything given back is a function of what came
back of each line so far, so many small refunds give the same as one, and all of it, to the last fen, when all is
refunded (RULES.md: refund of an order; coupons).
"""

import json
from typing import Any, NamedTuple

from app.domain.account import ORDERED, Checkout, Lot
from app.domain.checkout_commands import RefundCheckout
from app.domain.checkout_errors import CheckoutNotCompleted
from app.domain.checkouts import checkout_of, free_coupons, posted
from app.domain.compact import compact
from app.domain.coupon_issuing import template_of
from app.domain.errors import RefundExceedsOrder
from app.domain.lots import moves
from app.domain.orders import Order, Returned, order_of
from app.domain.posting import Change, Context, Member
from app.domain.priced_cart import PricedCart
from app.domain.reversal import take_back
from app.domain.shares import spread
from app.domain.spending import changed, parts_of, refund_points, split


class _Refunds(NamedTuple):
    """What came back so far: of the goods, and of the shipping (minor unit).

    `shipping_paid_fen` is what was really paid for shipping, where that was less than it cost.
    """

    goods: Order
    shipping_fen: int
    shipping_paid_fen: int | None

    def terms(self) -> str:
        terms: dict[str, Any] = {"lines": self.goods.returned, "shipping": self.shipping_fen}
        if self.shipping_paid_fen is not None:
            terms["shipping_paid"] = self.shipping_paid_fen
        return compact(terms)

    @property
    def is_full(self) -> bool:
        """Whether all goods came back: free ones too, piece by piece."""
        if self.goods.amount:
            return self.goods.rest == 0
        pieces = sum(line.quantity for line in self.goods.lines)
        return sum(part.quantity for part in self.goods.returned.values()) == pieces


class _Given(NamedTuple):
    """All that was given back by some state of refunds: points, and in the minor unit cash and money by line."""

    points: int
    cash_fen: int
    money_fen: list[int]
    shipping_fen: int


def nothing_refunded(*, shipping_paid_fen: int) -> str:
    """The refunds of a checkout just completed for whose shipping only so much was paid."""
    return compact({"lines": {}, "shipping": 0, "shipping_paid": shipping_paid_fen})


def refund(member: Member, command: RefundCheckout, context: Context) -> Change:
    """Give back the share of an amount or of items, and take back what it earned; coupons with the last of it.

    Raises CheckoutNotFound, CheckoutNotCompleted, CheckoutCancelled, ItemNotInOrder, RefundExceedsOrder.
    """
    checkout = checkout_of(member, command)
    if checkout.status not in ORDERED:
        raise CheckoutNotCompleted(status=checkout.status)
    cart = PricedCart(member.held[command.checkout_id])
    before = _refunds_of(checkout, cart)
    after = _with_refund(before, command, cart)
    lot = member.lots[member.orders[command.checkout_id]]
    paid = [line.amount_fen for line in order_of(lot).lines]
    had, given = (_given(refunds, checkout, cart, paid) for refunds in (before, after))
    money_fen = sum(given.money_fen) - sum(had.money_fen)

    lots = dict(member.lots)
    points = given.points - had.points
    kept, returned = split(
        parts_of(checkout.lots, checkout.parts), checkout.points - checkout.points_refunded - points
    )
    back = refund_points(member.account, lots, returned, context)
    cash = given.cash_fen - had.cash_fen
    account = back.account._replace(cash=back.account.cash + cash)
    order = _order_after(lots[lot.lot], after, given.money_fen)
    taken = take_back(member, account, lots, lots[lot.lot], order, context)
    account, coupons, counters = taken.account, (), ()
    if after.is_full and not before.is_full:
        codes = [
            code
            for code in checkout.coupons
            if template_of(member.coupons[code].template, context).return_on == "full_refund"
        ]
        account, coupons, counters = free_coupons(member, account, codes, context)
    touched = {changed.lot: changed for changed in (*changed(lots, returned), *taken.lots)}
    status = "refunded" if after.is_full else "partially_refunded"
    detail: dict[str, Any] = {
        "refunded": {
            "amount": money_fen + given.shipping_fen - had.shipping_fen,
            "points": points,
            "cash": cash,
            "coupons": [coupon.code for coupon in coupons if coupon.status == "issued"],
        },
        "points": taken.points,
        "recovered": taken.points - taken.shortfall,
        "shortfall": taken.shortfall,
        "amount": money_fen,
        "freed": [coupon.code for coupon in coupons],
        "expired": back.expired,
        "debt_paid": back.debt_paid,
        "tier": member.account.tier,
        "status": status,
        "moves": moves(member.lots, touched.values()),
        **taken.detail,
    }
    if taken.tier_change:
        detail["tier_change"] = taken.tier_change
    change = posted(member, account, command, context, detail=detail, order_id=command.checkout_id)
    return change._replace(
        lots=tuple(touched.values()),
        reviews=taken.reviews,
        coupons=(*coupons, *taken.coupons),
        counters=counters,
        tallies=taken.tallies,
        checkout=checkout._replace(
            status=status,
            points_refunded=checkout.points_refunded + points,
            cash_refunded=checkout.cash_refunded + cash,
            lots=[number for number, _ in kept],
            parts=[part for _, part in kept],
            refunds=after.terms(),
        ),
    )


def _refunds_of(checkout: Checkout, cart: PricedCart) -> _Refunds:
    terms: dict[str, Any] = json.loads(checkout.refunds) if checkout.refunds else {"lines": {}, "shipping": 0}
    returned = {line_id: Returned(*part) for line_id, part in terms["lines"].items()}
    return _Refunds(cart.goods._replace(returned=returned), terms["shipping"], terms.get("shipping_paid"))


def _with_refund(before: _Refunds, command: RefundCheckout, cart: PricedCart) -> _Refunds:
    """What came back once the refund is done. Raises ItemNotInOrder, RefundExceedsOrder."""
    goods = before.goods
    if command.items:
        return before._replace(goods=goods.refund_items(command.items))
    amount = command.amount or 0
    shipping_rest = cart.shipping_fen - before.shipping_fen
    if amount > goods.rest + shipping_rest:
        raise RefundExceedsOrder(rest_fen=goods.rest + shipping_rest)
    of_goods = min(amount, goods.rest)
    none = Returned(0, 0)
    rests = [line.amount_fen - goods.returned.get(line.line_id, none).amount for line in goods.lines]
    returned = dict(goods.returned)
    for line, part in zip(goods.lines, spread(of_goods, rests), strict=True):
        had = returned.get(line.line_id, none)
        if part:
            returned[line.line_id] = Returned(had.quantity, had.amount + part)
    return before._replace(
        goods=goods._replace(returned=returned), shipping_fen=before.shipping_fen + amount - of_goods
    )


def _order_after(lot: Lot, refunds: _Refunds, money_fen: list[int]) -> Order:
    """The order that earned the lot, with what came back of its lines in money."""
    order = order_of(lot)
    returned = {
        line.line_id: Returned(refunds.goods.returned[line.line_id].quantity, money)
        for line, money in zip(order.lines, money_fen, strict=True)
        if line.line_id in refunds.goods.returned
    }
    return order._replace(returned=returned)


def _given(refunds: _Refunds, checkout: Checkout, cart: PricedCart, paid: list[int]) -> _Given:
    """What is given back by these refunds in all; `paid` is what of each line was really paid in money."""
    points_value = cash = 0
    money: list[int] = []
    for line, parts, line_paid in zip(cart.quote.lines, cart.parts, paid, strict=True):
        part = refunds.goods.returned.get(line.line_id)
        came_back = parts.of(part.amount if part else 0)
        points_value += came_back.points_fen
        cash += came_back.cash_fen
        owed = came_back.money_fen
        if line_paid != parts.money_fen:
            owed = line_paid * owed // parts.money_fen
        money.append(owed)
    all_points_value = sum(parts.points_fen for parts in cart.parts)
    all_cash = sum(parts.cash_fen for parts in cart.parts)
    shipping_fen = refunds.shipping_fen
    if refunds.shipping_paid_fen is not None:
        shipping_fen = refunds.shipping_paid_fen * shipping_fen // cart.shipping_fen
    return _Given(
        checkout.points * points_value // all_points_value if all_points_value else 0,
        checkout.cash * cash // all_cash if all_cash else 0,
        money,
        shipping_fen,
    )
