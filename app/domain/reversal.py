"""A refund takes back what the refunded part of an order earned (RULES.md: refund of an order, debt)."""

from typing import Any

from app.domain.account import Account, Lot
from app.domain.commands import Reverse
from app.domain.compact import compact
from app.domain.errors import OrderNotFound
from app.domain.lots import moves, spendable, take, with_due_dates
from app.domain.orders import Order, order_of
from app.domain.posting import Change, Context, Member, post
from app.domain.standing import restand


def reverse(member: Member, command: Reverse, context: Context) -> Change:
    """Take back the points of an amount or of items. Raises OrderNotFound, ItemNotInOrder, RefundExceedsOrder."""
    number = member.orders.get(command.order_id)
    if number is None:
        raise OrderNotFound
    lot = member.lots[number]
    order = order_of(lot)
    after_refund = (
        order.refund_items(command.items) if command.items else order.refund_amount(command.amount or 0)
    )
    if lot.pending:
        return _reverse_pending(member, lot, order, after_refund, command, context)
    return _reverse_settled(member, lot, order, after_refund, command, context)


def _reverse_pending(
    member: Member, lot: Lot, before: Order, after: Order, command: Reverse, context: Context
) -> Change:
    """A reversal lowers what is pending; spend, growth and tier do not count yet."""
    account = member.account
    program = context.programs[lot.program_version]
    tier = lot.tier or ""
    taken = lot.remaining - after.earned(tier=tier, program=program).points
    lot = _with_order(lot, after)._replace(
        remaining=lot.remaining - taken,
        clawed_back=lot.clawed_back + taken,
        settle_at=None if after.rest == 0 else lot.settle_at,
    )
    return _posted(
        member,
        account._replace(pending=account.pending - taken),
        command=command,
        context=context,
        taken=taken,
        shortfall=0,
        refunded=before.rest - after.rest,
        lots=(lot,),
    )


def _reverse_settled(
    member: Member, lot: Lot, before: Order, after: Order, command: Reverse, context: Context
) -> Change:
    account = member.account
    program = context.programs[lot.program_version]
    tier = lot.tier or ""
    # Cumulative cash back goes down as if the refunded part had never been spent.
    others = account.spend - before.rest
    had, kept = (order.earned(tier=tier, program=program, spend_before=others) for order in (before, after))
    taken = had.points - kept.points
    from_lots = recover(member, _with_order(lot, after), taken, context)
    refunded = before.rest - after.rest
    lots = {**member.lots, **{changed.lot: changed for changed in from_lots.lots}}
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
        lots.values(),
        context.programs,
    )
    restanding = restand(member, lowered, context, changed=from_lots.lots, refunded=True)
    change = _posted(
        member,
        restanding.account,
        command=command,
        context=context,
        taken=taken,
        shortfall=from_lots.shortfall,
        refunded=refunded,
        lots=from_lots.lots,
        tier_change=restanding.detail,
    )
    return change._replace(reviews=restanding.reviews)


class _Recovered:
    """Points taken back: from which lots, how much of it was available, had expired, or is missing."""

    __slots__ = ("available", "expired", "lots", "shortfall")

    def __init__(self, *, lots: tuple[Lot, ...], available: int, expired: int, shortfall: int) -> None:
        self.lots = lots
        self.available = available
        self.expired = expired
        self.shortfall = shortfall


def recover(member: Member, own: Lot, points: int, context: Context) -> _Recovered:
    """Take `points` back: from the order's own lot (what expired of it unused counts), then from the others."""
    unspent = min(own.remaining, points)
    expired = min(own.expired, points - unspent)
    own = own._replace(
        remaining=own.remaining - unspent,
        expired=own.expired - expired,
        clawed_back=own.clawed_back + unspent + expired,
    )
    left = points - unspent - expired
    others = [lot for lot in spendable(member.lots.values(), context.now) if lot.lot != own.lot]
    taken = take(others, left)
    from_others = sum(part for _, part in taken)
    lots = tuple(
        lot._replace(remaining=lot.remaining - part, clawed_back=lot.clawed_back + part)
        for lot, part in taken
    )
    return _Recovered(
        lots=(own, *lots),
        available=unspent + from_others,
        expired=expired,
        shortfall=left - from_others,
    )


def _with_order(lot: Lot, order: Order) -> Lot:
    return lot._replace(refunded=order.refunded, terms=order.terms())


def _posted(
    member: Member,
    after: Account,
    *,
    command: Reverse,
    context: Context,
    taken: int,
    shortfall: int,
    refunded: int,
    lots: tuple[Lot, ...],
    tier_change: dict[str, Any] | None = None,
) -> Change:
    before = member.account
    detail: dict[str, Any] = {
        "points": taken,
        "recovered": taken - shortfall,
        "shortfall": shortfall,
        "amount": refunded,
        "tier": before.tier,
        "moves": moves(member.lots, lots),
    }
    if tier_change:
        detail["tier_change"] = tier_change
    account, entry = post(
        before,
        after,
        kind="reverse",
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        order_id=command.order_id,
    )
    return Change(account=account, entry=entry, detail=detail, lots=lots)
