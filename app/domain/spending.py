"""Points taken from lots, held in them, and given back (RULES.md: spending order, reserve, cancel and refund).

What is taken of each lot is told by parts: `[lot, points]`, in spending order.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from app.domain.account import Account, Lot
from app.domain.errors import HoldTooLong, InsufficientPoints
from app.domain.expiry import extended
from app.domain.instants import rfc3339
from app.domain.lots import arrive, spend, with_arrival, with_due_dates
from app.domain.posting import Context, Member
from app.domain.program import Program

Parts = list[list[int]]


class Taken(NamedTuple):
    """Points spent or held: the account and the lots without them, and how much was taken of which."""

    account: Account
    lots: tuple[Lot, ...]
    parts: Parts


class GivenBack(NamedTuple):
    """Points that came back: the account, and what of them paid a debt or had expired meanwhile."""

    account: Account
    debt_paid: int
    expired: int


def take_points(member: Member, points: int, context: Context, *, holds: bool) -> Taken:
    """Spend `points` in spending order, or hold them. Raises InsufficientPoints."""
    account = member.account
    if points > account.available:
        raise InsufficientPoints(available=account.available)
    taken = spend(member.lots.values(), points, context.now)
    lots = tuple(
        lot._replace(
            remaining=lot.remaining - part,
            reserved=lot.reserved + (part if holds else 0),
            redeemed=lot.redeemed + (0 if holds else part),
        )
        for lot, part in taken
    )
    after = with_due_dates(
        account._replace(
            available=account.available - points,
            reserved=account.reserved + (points if holds else 0),
            redeemed=account.redeemed + (0 if holds else points),
        ),
        {**member.lots, **{lot.lot: lot for lot in lots}}.values(),
        context.programs,
        sees_all=member.sees_all_lots,
    )
    return Taken(after, lots, [[lot.lot, part] for lot, part in taken])


def commit_points(account: Account, lots: dict[int, Lot], parts: Parts) -> Account:
    """Spend points held in these lots; `lots` is updated."""
    for number, part in parts:
        lot = lots[number]
        lots[number] = lot._replace(reserved=lot.reserved - part, redeemed=lot.redeemed + part)
    points = sum(part for _, part in parts)
    return account._replace(reserved=account.reserved - points, redeemed=account.redeemed + points)


def free_points(account: Account, lots: dict[int, Lot], parts: Parts, context: Context) -> GivenBack:
    """Give held points back to their lots; `lots` is updated."""
    held = 0
    for number, part in parts:
        lots[number] = lots[number]._replace(reserved=lots[number].reserved - part)
        held += part
    return _arrive(account._replace(reserved=account.reserved - held), lots, parts, context)


def refund_points(account: Account, lots: dict[int, Lot], parts: Parts, context: Context) -> GivenBack:
    """Give spent points back to their lots, for the program's grace days if they expired; `lots` is updated."""
    points = 0
    for number, part in parts:
        lots[number] = _with_grace(lots[number], context)._replace(redeemed=lots[number].redeemed - part)
        points += part
    return _arrive(account._replace(redeemed=account.redeemed - points), lots, parts, context)


def hold_span(hold_seconds: int | None, program: Program) -> timedelta:
    """How long something is held: as asked, else the program's time. Raises HoldTooLong."""
    seconds = hold_seconds or program.reserve.default_seconds
    if seconds > program.reserve.max_seconds:
        raise HoldTooLong(max_hold_seconds=program.reserve.max_seconds)
    return timedelta(seconds=seconds)


def parts_of(lots: Iterable[int], parts: Iterable[int]) -> Parts:
    """The parts that a row keeps as two columns."""
    return [[lot, part] for lot, part in zip(lots, parts, strict=True)]


def split(taken: Parts, points: int) -> tuple[Parts, Parts]:
    """The first `points` of what was taken, and the rest with what was taken last first."""
    used: Parts = []
    rest: Parts = []
    for number, part in taken:
        here = min(part, points)
        points -= here
        if here:
            used.append([number, here])
        if part > here:
            rest.append([number, part - here])
    return used, rest[::-1]


def changed(lots: Mapping[int, Lot], *parts: Iterable[list[int]]) -> tuple[Lot, ...]:
    """The lots that these parts are of, each once."""
    return tuple(lots[number] for number in {number: None for part in parts for number, _ in part})


def told(parts: Iterable[list[int]], lots: Mapping[int, Lot]) -> list[list[int | str | None]]:
    """The parts as an entry's detail keeps them: `[lot, points, expires_at]`."""
    return [[number, part, rfc3339(lots[number].expires_at)] for number, part in parts]


def _arrive(account: Account, lots: dict[int, Lot], parts: Parts, context: Context) -> GivenBack:
    debt_paid = expired = 0
    for number, part in parts:
        program = context.programs[lots[number].program_version]
        arrival = arrive(lots[number], part, debt=account.debt, now=context.now, program=program)
        lots[number] = arrival.lot
        debt_paid += arrival.debt_paid
        expired += arrival.expired
        account = with_arrival(
            account._replace(
                available=account.available + arrival.available,
                debt=account.debt - arrival.debt_paid,
                expired=account.expired + arrival.expired,
            ),
            arrival.lot,
            arrival.available,
            program,
        )
    return GivenBack(account, debt_paid, expired)


def _with_grace(lot: Lot, context: Context) -> Lot:
    """A lot that expired meanwhile, usable again for the program's grace days if it grants any."""
    days = context.program.refund_grace_days
    if not days or lot.expires_at is None or lot.expires_at > context.now:
        return lot
    return lot._replace(expires_at=extended(context.now, grace_days=days, program=context.program))
