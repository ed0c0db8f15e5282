"""A checkout is held, extended, cancelled, or lapses: points, cash and coupons together (RULES.md: Coupons, paying).

What a cart is priced at is told by the entry of its hold; the row says what of it is held or spent now. Points are
held in their lots, cash is taken out of the wallet, coupons are locked under `checkout/<id>`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from app.domain.account import Account, Checkout, Counter, Coupon
from app.domain.checkout_commands import CancelCheckout, CheckoutCommand, ExtendCheckout, HoldCheckout
from app.domain.checkout_errors import (
    CashOverLimit,
    CheckoutCancelled,
    CheckoutNotFound,
    CheckoutNotHeld,
    PointsOverLimit,
    QuoteChanged,
)
from app.domain.compact import compact
from app.domain.coupon_errors import CouponNotApplicable
from app.domain.coupons import CHECKOUT, free_coupon
from app.domain.errors import OrderAlreadyAccrued
from app.domain.instants import earlier, rfc3339
from app.domain.lots import moves
from app.domain.posting import Change, Context, Member, post
from app.domain.quotes import Quote
from app.domain.spending import Taken, changed, free_points, hold_span, parts_of, take_points, told
from app.domain.wallets import Wallet


def hold(member: Member, command: HoldCheckout, context: Context) -> Change:
    """Price the cart and hold what it uses.

    Raises OrderAlreadyAccrued, CouponNotApplicable, PointsOverLimit, CashOverLimit, QuoteChanged, HoldTooLong and as
    `quote`.
    """
    if command.checkout_id in member.orders:
        raise OrderAlreadyAccrued
    hold_expires_at = context.now + hold_span(command.hold_seconds, context.program)
    wallet = Wallet(member, command.wish, context)
    priced = wallet.price(command.cart, command.wish)
    _check_wish(command, priced, context)
    taken = _take(member, priced.points.used, context)
    account = taken.account._replace(
        cash=taken.account.cash - priced.cash.used_fen,
        hold_due_at=earlier(taken.account.hold_due_at, hold_expires_at),
    )
    account, coupons = wallet.lock(account, priced, f"{CHECKOUT}{command.checkout_id}")
    lots = {lot.lot: lot for lot in taken.lots}
    checkout = Checkout(
        bucket=account.bucket,
        member_id=account.member_id,
        checkout_id=command.checkout_id,
        status="held",
        points=priced.points.used,
        points_refunded=0,
        cash=priced.cash.used_fen,
        cash_refunded=0,
        lots=[lot for lot, _ in taken.parts],
        parts=[part for _, part in taken.parts],
        coupons=[coupon.code for coupon in coupons],
        settles=command.settle,
        hold_expires_at=hold_expires_at,
        refunds=None,
    )
    detail: dict[str, Any] = {
        "quote": priced._replace(rejected=(), fitting=()),
        "channel": command.cart.channel,
        "coupons": list(zip(priced.coupons_used, checkout.coupons, strict=True)),
        "lots": told(taken.parts, lots),
        "hold_expires_at": rfc3339(hold_expires_at),
    }
    if discounts_fen := wallet.given_by_campaigns(priced):
        detail["campaign_discounts"] = discounts_fen
    change = posted(member, account, command, context, detail=detail)
    return change._replace(
        lots=taken.lots,
        coupons=coupons,
        codes=wallet.codes,
        counters=tuple(wallet.counters.values()),
        checkout=checkout,
    )


def extend(member: Member, command: ExtendCheckout, context: Context) -> Change:
    """Let the hold last longer. Raises CheckoutNotFound, CheckoutNotHeld, HoldTooLong."""
    checkout = checkout_of(member, command)
    if checkout.status != "held" or checkout.hold_expires_at is None:
        raise CheckoutNotHeld(status=checkout.status)
    until = max(checkout.hold_expires_at, context.now + hold_span(command.hold_seconds, context.program))
    detail = {"checkout_id": command.checkout_id, "hold_expires_at": rfc3339(until)}
    change = posted(member, member.account, command, context, detail=detail)
    return change._replace(
        detail={**member.held[command.checkout_id], **detail},
        checkout=checkout._replace(hold_expires_at=until),
    )


def cancel(member: Member, command: CancelCheckout, context: Context) -> Change:
    """Free what is held. Raises CheckoutNotFound, CheckoutNotHeld."""
    checkout = checkout_of(member, command)
    if checkout.status != "held":
        raise CheckoutNotHeld(status=checkout.status)
    return _freed(member, checkout, context, command=command)


def lapse(member: Member, checkout: Checkout, context: Context) -> Change:
    """The hold's time is over: what is held is free."""
    return _freed(member, checkout, context, command=None)


def _freed(member: Member, checkout: Checkout, context: Context, *, command: CancelCheckout | None) -> Change:
    lots = dict(member.lots)
    parts = parts_of(checkout.lots, checkout.parts)
    back = free_points(member.account, lots, parts, context)
    account, coupons, counters = free_coupons(
        member, back.account._replace(cash=back.account.cash + checkout.cash), checkout.coupons, context
    )
    detail: dict[str, Any] = {
        "points": checkout.points,
        "cash": checkout.cash,
        "coupons": checkout.coupons,
        "expired": back.expired,
        "debt_paid": back.debt_paid,
        "moves": moves(member.lots, changed(lots, parts)),
    }
    if command is not None:
        change = posted(member, account, command, context, detail=detail)
    else:
        after, entry = post(
            member.account,
            account,
            kind="lapse_checkout",
            key=f"lapse_checkout/{checkout.checkout_id}",
            context=context,
            detail=compact(detail),
            occurred_at=checkout.hold_expires_at,
        )
        change = Change(account=after, entry=entry, detail=detail)
    return change._replace(
        lots=changed(lots, parts),
        coupons=coupons,
        counters=counters,
        checkout=checkout._replace(status="cancelled" if command else "lapsed", lots=[], parts=[]),
    )


def free_coupons(
    member: Member, account: Account, codes: Iterable[str], context: Context
) -> tuple[Account, tuple[Coupon, ...], tuple[Counter, ...]]:
    """Coupons a checkout locked or used are the member's again; with the counters of their templates."""
    coupons: list[Coupon] = []
    counters: dict[str, Counter] = {}
    for code in codes:
        coupon = member.coupons[code]
        account, freed, counted = free_coupon(account, coupon, context, counters.get(coupon.template))
        coupons.append(freed)
        counters |= {counter.template: counter for counter in counted}
    return account, tuple(coupons), tuple(counters.values())


def checkout_of(member: Member, command: CheckoutCommand) -> Checkout:
    """The checkout a command names. Raises CheckoutNotFound, CheckoutCancelled."""
    checkout = member.checkouts.get(command.checkout_id)
    if checkout is None:
        raise CheckoutNotFound
    if checkout.status == "cancelled":
        raise CheckoutCancelled
    return checkout


def posted(
    member: Member,
    account: Account,
    command: HoldCheckout | CheckoutCommand,
    context: Context,
    *,
    detail: Mapping[str, Any],
    lot: int | None = None,
    order_id: str | None = None,
) -> Change:
    """The change of a checkout's command with its entry; rows are for the caller to add."""
    after, entry = post(
        member.account,
        account,
        kind=command.kind,
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        lot=lot,
        order_id=order_id,
    )
    return Change(account=after, entry=entry, detail=detail)


def _check_wish(command: HoldCheckout, priced: Quote, context: Context) -> None:
    wish = command.wish
    if wish.coupons != "best":
        named = set(wish.coupons)
        refused = [(coupon.code, coupon.reasons) for coupon in priced.rejected if coupon.code in named]
        if refused:
            raise CouponNotApplicable(refused)
    if wish.points not in ("max", priced.points.used):
        paying = context.program.paying
        raise PointsOverLimit(
            max_points=priced.points.max, min_points=paying.min_points, step_points=paying.step_points
        )
    if wish.cash not in ("max", priced.cash.used_fen):
        raise CashOverLimit(max_fen=priced.cash.max_fen)
    figures = {
        "payable": priced.payable_fen,
        "discount": priced.discount_fen,
        "shipping": priced.shipping.payable_fen,
        "points": priced.points.used,
        "cash": priced.cash.used_fen,
        "earns": priced.earned.points,
    }
    difference = {name: (quoted, figures[name]) for name, quoted in command.quoted if quoted != figures[name]}
    if difference:
        raise QuoteChanged(difference)


def _take(member: Member, points: int, context: Context) -> Taken:
    if not points:
        return Taken(member.account, (), [])
    return take_points(member, points, context, holds=True)
