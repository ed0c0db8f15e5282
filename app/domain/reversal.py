"""A refund takes back what the refunded part of an order earned (RULES.md: refund of an order, debt)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.domain.account import ORDERED, Account, Coupon, Lot, Review, Tally
from app.domain.commands import Reverse
from app.domain.compact import compact
from app.domain.earning import Earned
from app.domain.errors import ErrorKind, LoyaltyError, OrderNotFound
from app.domain.lots import moves, spendable, take, with_due_dates
from app.domain.orders import Order, order_of
from app.domain.posting import Change, Context, Member, post
from app.domain.prizes import Prizes, take_back_prizes
from app.domain.standing import restand


class OrderOfCheckout(LoyaltyError):
    code = "order_of_checkout"
    kind = ErrorKind.CONFLICT
    title = "The order was made by a checkout"

    def __init__(self) -> None:
        super().__init__(
            "This order came from a checkout, which also holds its points, cash and coupons. Refund the checkout "
            "with POST /v1/checkouts/{checkout_id}/refund instead."
        )


class TakenBack(NamedTuple):
    """What a refund took back: the account and the lots afterwards, the points, and how many could not be had."""

    account: Account
    lots: tuple[Lot, ...]
    points: int
    shortfall: int
    reviews: tuple[Review, ...] = ()
    tier_change: dict[str, Any] | None = None
    tallies: tuple[Tally, ...] = ()
    coupons: tuple[Coupon, ...] = ()  # of campaigns, void now
    detail: Mapping[str, Any] = {}


def reverse(member: Member, command: Reverse, context: Context) -> Change:
    """Take back the points of an amount or of items.

    Raises OrderNotFound, OrderOfCheckout, ItemNotInOrder, RefundExceedsOrder.
    """
    number = member.orders.get(command.order_id)
    if number is None:
        raise OrderNotFound
    checkout = member.checkouts.get(command.order_id)
    if checkout is not None and checkout.status in ORDERED:
        raise OrderOfCheckout
    lot = member.lots[number]
    before = order_of(lot)
    after = before.refund_items(command.items) if command.items else before.refund_amount(command.amount or 0)
    back = take_back(member, member.account, member.lots, lot, after, context)
    refunded = before.rest - after.rest
    detail: dict[str, Any] = {
        "points": back.points,
        "recovered": back.points - back.shortfall,
        "shortfall": back.shortfall,
        "amount": refunded,
        "tier": member.account.tier,
        "moves": moves(member.lots, back.lots),
        **back.detail,
    }
    if back.tier_change:
        detail["tier_change"] = back.tier_change
    account, entry = post(
        member.account,
        back.account,
        kind="reverse",
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        order_id=command.order_id,
    )
    return Change(
        account=account,
        entry=entry,
        detail=detail,
        lots=back.lots,
        reviews=back.reviews,
        coupons=back.coupons,
        tallies=back.tallies,
    )


def take_back(
    member: Member, account: Account, lots: Mapping[int, Lot], lot: Lot, after: Order, context: Context
) -> TakenBack:
    """Leave an order's `lot` as `after` the refund, and take back what it earned more before.

    `account` and `lots` are the member's as a decision under way has them already.
    """
    before = order_of(lot)
    if lot.pending:
        return _take_back_pending(account, lot, before, after, context)
    return _take_back_settled(member, account, lots, lot, before, after, context)


def _take_back_pending(
    account: Account, lot: Lot, before: Order, after: Order, context: Context
) -> TakenBack:
    """A reversal lowers what is pending; spend, growth and tier do not count yet."""
    program = context.programs[lot.program_version]
    had, kept = (order.earned(tier=lot.tier or "", program=program) for order in (before, after))
    taken = had.points - kept.points
    lot = _with_order(lot, after)._replace(
        remaining=lot.remaining - taken,
        clawed_back=lot.clawed_back + taken,
        settle_at=None if after.amount and after.rest == 0 else lot.settle_at,
    )
    lowered = account._replace(pending=account.pending - taken)
    return TakenBack(lowered, (lot,), taken, 0, tallies=_tallies(before, had, kept))


def _take_back_settled(
    member: Member,
    account: Account,
    lots: Mapping[int, Lot],
    lot: Lot,
    before: Order,
    after: Order,
    context: Context,
) -> TakenBack:
    program = context.programs[lot.program_version]
    tier = lot.tier or ""
    # Cumulative cash back goes down as if the refunded part had never been spent.
    others = account.spend - before.rest
    had, kept = (order.earned(tier=tier, program=program, spend_before=others) for order in (before, after))
    taken = had.points - kept.points
    from_lots = recover(lots, _with_order(lot, after), taken, context)
    refunded = before.rest - after.rest
    lowered = with_due_dates(
        account._replace(
            available=account.available - from_lots.available,
            debt=account.debt + from_lots.shortfall,
            growth=account.growth - (had.growth - kept.growth),
            cash=account.cash - (had.cash_fen - kept.cash_fen),
            earned=account.earned - taken,
            expired=account.expired - from_lots.expired,
            spend=account.spend - refunded,
            orders=account.orders - (1 if after.rest == 0 and refunded else 0),
        ),
        {**lots, **{changed.lot: changed for changed in from_lots.lots}}.values(),
        context.programs,
    )
    restanding = restand(member, lowered, context, changed=from_lots.lots, refunded=True)
    prizes = Prizes(restanding.account)
    if before.boosts and after.rest == 0 and refunded:
        prizes = take_back_prizes(member, restanding.account, before, context)
    return TakenBack(
        prizes.account,
        from_lots.lots,
        taken,
        from_lots.shortfall,
        restanding.reviews,
        restanding.detail,
        (*_tallies(before, had, kept), *prizes.tallies),
        prizes.coupons,
        prizes.detail,
    )


def _tallies(order: Order, had: Earned, kept: Earned) -> tuple[Tally, ...]:
    """What is taken back of the points that campaigns gave."""
    taken: dict[str, int] = {}
    for boost, before, after in zip(order.boosts, had.boosted, kept.boosted, strict=True):
        taken[boost.campaign] = taken.get(boost.campaign, 0) + before - after
    return tuple(Tally(campaign, taken_back=points) for campaign, points in taken.items() if points)


class Recovered:
    """Points taken back: from which lots, how much of it was available, had expired, or is missing."""

    __slots__ = ("available", "expired", "lots", "shortfall")

    def __init__(self, *, lots: tuple[Lot, ...], available: int, expired: int, shortfall: int) -> None:
        self.lots = lots
        self.available = available
        self.expired = expired
        self.shortfall = shortfall


def recover(lots: Mapping[int, Lot], own: Lot, points: int, context: Context) -> Recovered:
    """Take `points` back: from the order's own lot (what expired of it unused counts), then from the others."""
    unspent = min(own.remaining, points)
    expired = min(own.expired, points - unspent)
    own = own._replace(
        remaining=own.remaining - unspent,
        expired=own.expired - expired,
        clawed_back=own.clawed_back + unspent + expired,
    )
    left = points - unspent - expired
    others = [lot for lot in spendable(lots.values(), context.now) if lot.lot != own.lot]
    taken = take(others, left)
    from_others = sum(part for _, part in taken)
    others_after = tuple(
        lot._replace(remaining=lot.remaining - part, clawed_back=lot.clawed_back + part)
        for lot, part in taken
    )
    return Recovered(
        lots=(own, *others_after),
        available=unspent + from_others,
        expired=expired,
        shortfall=left - from_others,
    )


def _with_order(lot: Lot, order: Order) -> Lot:
    return lot._replace(refunded=order.refunded, terms=order.terms())
