"""Orders earn points, now or once they are settled (RULES.md: purchase, pending, back-dated orders)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.domain.account import Account, Lot, Review, Tally
from app.domain.calendar import local_date
from app.domain.campaign_choice import sums_of
from app.domain.commands import Accrue, Settle
from app.domain.compact import compact
from app.domain.earning import Earned, check_lines
from app.domain.errors import (
    OccurredAtInFuture,
    OrderNotFound,
    OrderNotPending,
    OrderReversed,
)
from app.domain.expiry import expires_after
from app.domain.instants import earlier
from app.domain.lots import release, with_arrival
from app.domain.order_boosts import boosted
from app.domain.orders import Order, order_of
from app.domain.posting import Change, Context, Member, post
from app.domain.prizes import Prizes, give_prizes
from app.domain.standing import restand

_A_DAY = timedelta(days=1)
_NOTHING: Mapping[str, int] = {}


def accrue(member: Member, command: Accrue, context: Context) -> Change:
    """Grant what the order earns: a lot of its own, available at once or pending.

    Raises OccurredAtInFuture past a day ahead, LineIdRepeated, ItemsAmountMismatch.
    """
    account, now = member.account, context.now
    occurred_at = command.occurred_at or now
    if occurred_at > now and occurred_at - now > _A_DAY:
        raise OccurredAtInFuture(latest_at=now + _A_DAY)
    check_lines(amount_fen=command.amount, lines=command.items)
    order, reward, tallies, draws = boosted(
        member, account, Order(command.amount, command.items, {}, 0, command.channel), context
    )
    lot = order_lot(
        account,
        order,
        reward,
        context,
        order_id=command.order_id,
        occurred_at=occurred_at,
        settles=command.settle,
    )
    detail = told_grant(lot, reward, account)
    if command.settle:
        return _settle(
            member,
            lot,
            order,
            reward,
            context,
            kind="accrue",
            command=command,
            detail=detail,
            tallies=tallies,
            draws=draws,
        )
    detail["pending"] = True
    after, entry = post(
        account,
        with_pending(account, lot),
        kind="accrue",
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        occurred_at=occurred_at,
        lot=lot.lot,
        order_id=command.order_id,
    )
    return Change(account=after, entry=entry, detail=detail, lots=(lot,), tallies=tallies, draws=draws)


def settle(member: Member, command: Settle, context: Context) -> Change:
    """Pending points become available; spend, growth, cash and tier count from now on.

    Raises OrderNotFound, OrderNotPending (settled by itself, or granted at once), OrderReversed.
    """
    number = member.orders.get(command.order_id)
    if number is None:
        raise OrderNotFound
    lot = member.lots[number]
    if not lot.pending:
        raise OrderNotPending
    return settle_lot(member, lot, context, command=command)


def settle_lot(member: Member, lot: Lot, context: Context, *, command: Settle) -> Change:
    """Settle what is left of a pending order, in the version that granted it. Raises OrderReversed."""
    order = order_of(lot)
    if order.amount > 0 and order.rest == 0:
        raise OrderReversed
    reward = order.earned(
        tier=lot.tier or "",
        program=context.programs[lot.program_version],
        spend_before=member.account.spend,
    )
    detail = told_grant(lot, reward, member.account)
    if lot.program_version != context.program.version:
        detail["version"] = lot.program_version
    return _settle(member, lot, order, reward, context, kind="settle", command=command, detail=detail)


def _settle(
    member: Member,
    lot: Lot,
    order: Order,
    reward: Earned,
    context: Context,
    *,
    kind: str,
    command: Accrue | Settle,
    detail: dict[str, Any],
    tallies: tuple[Tally, ...] = (),
    draws: Mapping[str, int] = _NOTHING,
) -> Change:
    account = member.account
    settled = settle_order(member, account, lot, order, reward, context)
    detail |= settled.detail
    tallies += settled.prizes.tallies
    if tallies:
        detail["campaigns"] = sums_of(tallies)
    after, entry = post(
        account,
        settled.account,
        kind=kind,
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        occurred_at=lot.accrued_at if kind == "accrue" else None,
        lot=lot.lot,
        order_id=lot.order_id,
    )
    return Change(
        account=after,
        entry=entry,
        detail=detail,
        lots=(settled.lot,),
        reviews=settled.reviews,
        coupons=settled.prizes.coupons,
        codes=settled.prizes.codes,
        counters=settled.prizes.counters,
        tallies=tallies,
        draws=draws,
    )


class Settled(NamedTuple):
    """An order that counts: the account and its lot afterwards, the reviews it opened, what is to be told of it, and
    what campaigns give besides points.
    """

    account: Account
    lot: Lot
    reviews: tuple[Review, ...]
    detail: dict[str, Any]
    prizes: Prizes


def settle_order(
    member: Member, account: Account, lot: Lot, order: Order, reward: Earned, context: Context
) -> Settled:
    """Release the lot's points and count the order: the same whether it was pending for days or not at all.

    `account` is the member's as a decision under way has it already.
    """
    was_pending = lot.lot <= account.lot_count
    program = context.programs[lot.program_version]
    arrival = release(lot, debt=account.debt, now=context.now, program=program)
    lot = arrival.lot
    order_spend = (lot.amount or 0) - (lot.refunded or 0)
    after = with_arrival(
        account._replace(
            lot_count=max(account.lot_count, lot.lot),
            available=account.available + arrival.available,
            pending=account.pending - (reward.points if was_pending else 0),
            debt=account.debt - arrival.debt_paid,
            growth=account.growth + reward.growth,
            cash=account.cash + reward.cash_fen,
            earned=account.earned + reward.points,
            expired=account.expired + arrival.expired,
            spend=account.spend + order_spend,
            orders=account.orders + 1,
        ),
        lot,
        arrival.available,
        program,
    )
    restanding = restand(member, after, context, changed=(lot,))
    detail: dict[str, Any] = {}
    if arrival.debt_paid:
        detail["debt_paid"] = arrival.debt_paid
    if restanding.detail:
        detail["tier_change"] = restanding.detail
    prizes = give_prizes(member, restanding.account, order.boosts, context)
    detail |= prizes.detail
    if prizes.coupons:
        given = order._replace(coupons=tuple(coupon.code for coupon in prizes.coupons))
        lot = lot._replace(terms=given.terms(is_told=True))
    return Settled(prizes.account, lot, restanding.reviews, detail, prizes)


def with_pending(account: Account, lot: Lot) -> Account:
    """The account with an order's lot that settles later."""
    return account._replace(
        lot_count=lot.lot,
        pending=account.pending + lot.granted,
        due_at=earlier(account.due_at, lot.settle_at),
    )


def told_grant(lot: Lot, reward: Earned, account: Account) -> dict[str, Any]:
    """What an order's entry tells of the grant; `account` as it was before."""
    return {
        "breakdown": reward.breakdown,
        "expires": int(lot.expires_at.timestamp()) if reward.points and lot.expires_at else None,
        "tier": account.tier,
    }


def order_lot(
    account: Account,
    order: Order,
    reward: Earned,
    context: Context,
    *,
    order_id: str,
    occurred_at: datetime,
    settles: bool,
) -> Lot:
    """The order's lot, which `settle_order` releases, now or later."""
    program = context.program
    day = context.today if occurred_at == context.now else local_date(occurred_at, program.timezone)
    return Lot(
        bucket=account.bucket,
        member_id=account.member_id,
        lot=account.lot_count + 1,
        sequence=account.sequence + 1,
        source="order",
        pending=not settles,
        granted=reward.points,
        remaining=reward.points,
        reserved=0,
        redeemed=0,
        expired=0,
        clawed_back=0,
        moved=0,
        accrued_at=occurred_at,
        expires_at=expires_after(day, program) if reward.points else None,
        settle_at=None if settles else context.now + timedelta(days=program.settlement_days),
        program_version=program.version,
        order_id=order_id,
        amount=order.amount,
        refunded=0,
        tier=account.tier,
        terms=order.terms(is_told=settles),
    )
