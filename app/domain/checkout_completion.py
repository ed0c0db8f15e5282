"""A checkout is paid for: what it held is spent, and it becomes an order that earns (API.md: Checkout)."""

from typing import Any, NamedTuple

from app.domain.account import Account, Checkout, Counter, Coupon, Lot
from app.domain.accrual import order_lot, settle_order, told_grant, with_pending
from app.domain.checkout_commands import CheckoutCompleted, CompleteCheckout
from app.domain.checkout_errors import HoldLapsed, PaidExceedsCheckout
from app.domain.checkout_refunds import nothing_refunded
from app.domain.checkouts import checkout_of, posted
from app.domain.coupon_issuing import template_of
from app.domain.coupons import CHECKOUT, check_active, refusal_of, spend_budget
from app.domain.errors import LoyaltyError, OrderAlreadyAccrued
from app.domain.lots import moves
from app.domain.order_boosts import boosted
from app.domain.orders import Order
from app.domain.posting import Change, Context, Member
from app.domain.priced_cart import PricedCart
from app.domain.prizes import Prizes
from app.domain.shares import spread
from app.domain.shelf import NeedsMore
from app.domain.spending import Parts, changed, commit_points, parts_of, take_points
from app.domain.till_offers import discounts_told


class _Spent(NamedTuple):
    """What a completed checkout used up, and what of it is `missing`."""

    account: Account
    lots: dict[int, Lot]
    parts: Parts
    cash: int
    coupons: tuple[Coupon, ...]
    counters: tuple[Counter, ...]
    missing: list[dict[str, Any]]


def complete(member: Member, command: CompleteCheckout, context: Context) -> Change:
    """Spend what is held, and let the order earn, settle and count: in one entry, which is the order's.

    Raises CheckoutNotFound, CheckoutCancelled, CheckoutCompleted, HoldLapsed, PaidExceedsCheckout,
    OrderAlreadyAccrued; after the hold lapsed also MemberFrozen, MemberErased.
    """
    checkout = checkout_of(member, command)
    if checkout.status not in ("held", "lapsed"):
        raise CheckoutCompleted
    if command.checkout_id in member.orders:
        raise OrderAlreadyAccrued
    cart = PricedCart(member.held[command.checkout_id])
    money = _money(cart, command.paid)
    if checkout.status == "held":
        spent = _spend_held(member, checkout)
    else:
        spent = _spend_free(member, checkout, context)
        if spent.missing and not command.earn_only:
            raise HoldLapsed(spent.missing)
    order = Order(sum(money), cart.order_lines(money), {}, 0, cart.channel)
    before = spent.account
    order, reward, tallies, draws = boosted(member, before, order, context)
    lot = order_lot(
        before,
        order,
        reward,
        context,
        order_id=command.checkout_id,
        occurred_at=context.now,
        settles=checkout.settles,
    )
    payable_fen = cart.quote.payable_fen
    paid_fen = payable_fen if command.paid is None else command.paid
    detail: dict[str, Any] = {**told_grant(lot, reward, before), "paid": paid_fen}
    if spent.missing:
        detail["missing"] = spent.missing
    if money != cart.money_fen:
        detail["money"] = money
    discounts = tuple(discounts_told(cart.campaign_discounts, tallies, order))
    if checkout.settles:
        settled = settle_order(member, before, lot, order, reward, context)
        after, lot, reviews, prizes = settled.account, settled.lot, settled.reviews, settled.prizes
        detail |= settled.detail
    else:
        after, reviews, prizes = with_pending(before, lot), (), Prizes(before)
        detail["pending"] = True
    lots = (*changed(spent.lots, spent.parts), lot)
    detail["moves"] = moves(member.lots, lots)
    change = posted(member, after, command, context, detail=detail, lot=lot.lot, order_id=command.checkout_id)
    return change._replace(
        detail={**member.held[command.checkout_id], "quote": cart.quote, **detail},
        lots=lots,
        reviews=reviews,
        coupons=(*spent.coupons, *prizes.coupons),
        codes=prizes.codes,
        counters=(*spent.counters, *prizes.counters),
        tallies=(*tallies, *discounts, *prizes.tallies),
        draws=draws,
        checkout=checkout._replace(
            status="completed",
            points=sum(part for _, part in spent.parts),
            cash=spent.cash,
            lots=[number for number, _ in spent.parts],
            parts=[part for _, part in spent.parts],
            coupons=[coupon.code for coupon in spent.coupons],
            hold_expires_at=None,
            refunds=nothing_refunded(shipping_paid_fen=paid_fen) if paid_fen < cart.shipping_fen else None,
        ),
    )


def _money(cart: PricedCart, paid: int | None) -> list[int]:
    """What was paid of each line in money: as quoted, or its share of what was `paid` less shipping."""
    payable_fen = cart.quote.payable_fen
    if paid is None or paid == payable_fen:
        return cart.money_fen
    if paid > payable_fen:
        raise PaidExceedsCheckout(payable_fen=payable_fen)
    return spread(min(max(paid - cart.shipping_fen, 0), sum(cart.money_fen)), cart.money_fen)


def _spend_held(member: Member, checkout: Checkout) -> _Spent:
    lots = dict(member.lots)
    parts = parts_of(checkout.lots, checkout.parts)
    account = commit_points(member.account, lots, parts)
    coupons = tuple(member.coupons[code]._replace(status="redeemed") for code in checkout.coupons)
    return _Spent(account, lots, parts, checkout.cash, coupons, (), [])


def _spend_free(member: Member, checkout: Checkout, context: Context) -> _Spent:
    """After the hold lapsed: whatever of it is still free. To take it anew the member must be active.

    Raises MemberFrozen, MemberErased.
    """
    check_active(member.account)
    if checkout.points and not member.sees_all_lots:
        raise NeedsMore(all_lots_of=frozenset({checkout.member_id}))
    account, missing = member.account, list[dict[str, Any]]()
    points = min(checkout.points, account.available)
    if points < checkout.points:
        missing.append({"what": "points", "needed": checkout.points, "available": points})
    lots, parts = dict(member.lots), Parts()
    if points:
        taken = take_points(member, points, context, holds=False)
        account, parts = taken.account, taken.parts
        lots |= {lot.lot: lot for lot in taken.lots}
    cash = min(checkout.cash, max(account.cash, 0))
    if cash < checkout.cash:
        missing.append({"what": "cash", "needed": checkout.cash, "available": cash})
    account = account._replace(cash=account.cash - cash)
    coupons: list[Coupon] = []
    counters: dict[str, Counter] = {}
    discounts = PricedCart(member.held[checkout.checkout_id]).coupon_discounts
    for code in checkout.coupons:
        coupon = member.coupons[code]
        template = template_of(coupon.template, context)
        why = refusal_of(coupon, template, context.now)
        try:
            counted = (
                spend_budget(template, discounts[code], context, counters.get(coupon.template))
                if why is None
                else ()
            )
        except LoyaltyError as refusal:
            missing.append({"what": "coupon", "code": code, "reason": refusal.code})
            continue
        if why is not None:
            missing.append({"what": "coupon", "code": code, "reason": why.code})
            continue
        counters |= {counter.template: counter for counter in counted}
        account = account._replace(coupons=account.coupons - 1)
        coupons.append(
            coupon._replace(
                status="redeemed",
                reference=f"{CHECKOUT}{checkout.checkout_id}",
                discount=discounts[code],
            )
        )
    return _Spent(account, lots, parts, cash, tuple(coupons), tuple(counters.values()), missing)
