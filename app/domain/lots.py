"""Lots: which are spent first, what comes back to them, what is left (RULES.md, Points).

Everything here returns the lots as they stand afterwards; none is changed in place.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from app.domain.account import Account, Lot
from app.domain.expiry import expire_step, points_due
from app.domain.instants import earlier
from app.domain.program import Program

NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def _spending_key(lot: Lot) -> tuple[datetime, int]:
    return lot.expires_at or NEVER, lot.lot


def spendable(lots: Iterable[Lot], now: datetime) -> list[Lot]:
    """The lots that can be spent now, in spending order: next to expire first, then oldest first."""
    return sorted(
        (
            lot
            for lot in lots
            if lot.remaining > 0 and not lot.pending and (lot.expires_at is None or lot.expires_at > now)
        ),
        key=_spending_key,
    )


def take(lots: Sequence[Lot], points: int) -> list[tuple[Lot, int]]:
    """How much to take of each, in the order given, until `points` are reached or the lots are empty."""
    taken: list[tuple[Lot, int]] = []
    for lot in lots:
        if points <= 0:
            break
        part = min(lot.remaining, points)
        taken.append((lot, part))
        points -= part
    return taken


def spend(lots: Iterable[Lot], points: int, now: datetime) -> list[tuple[Lot, int]]:
    """How much of each lot goes when `points` are spent now: the account says that they are there."""
    taken = take(spendable(lots, now), points)
    assert sum(part for _, part in taken) == points, "the lots hold less than the account"
    return taken


def moves(before: Mapping[int, Lot], after: Iterable[Lot]) -> list[list[int]]:
    """How what lots hold changes: [lot, remaining, reserved] each, signed; a lot not in `before` is new, and
    is told even if nothing of it remains.

    For the detail of an entry whose other figures do not tell it, so that the entries alone say what every lot
    held at any moment.
    """
    changes: list[list[int]] = []
    for lot in after:
        old = before.get(lot.lot)
        if old is None:
            changes.append([lot.lot, lot.remaining, lot.reserved])
        elif lot.remaining != old.remaining or lot.reserved != old.reserved:
            changes.append([lot.lot, lot.remaining - old.remaining, lot.reserved - old.reserved])
    return changes


class Arrival(NamedTuple):
    """Points that come to a lot: what of them is available, what paid debt, what was expired already."""

    lot: Lot
    available: int
    debt_paid: int
    expired: int


def arrive(lot: Lot, points: int, *, debt: int, now: datetime, program: Program) -> Arrival:
    """Let `points`, taken out of another part of the lot already, become available in it.

    What has expired is written as such; the rest pays debt first (RULES.md: debt, paid first).
    """
    lot, expired = expire(lot._replace(remaining=lot.remaining + points), now=now, program=program)
    paid = min(debt, points - expired)
    if paid:
        lot = lot._replace(remaining=lot.remaining - paid, clawed_back=lot.clawed_back + paid)
    return Arrival(lot, points - expired - paid, paid, expired)


def release(lot: Lot, *, debt: int, now: datetime, program: Program) -> Arrival:
    """Let all that a pending or new lot holds become available, in the version that granted it.

    A back-dated lot may have expired, in part (a yearly tenth) or whole: that is written down at once.
    """
    if lot.pending:
        lot = lot._replace(pending=False, settle_at=None)
    if not debt and (lot.expires_at is None or lot.expires_at > now):
        return Arrival(lot, lot.remaining, 0, 0)  # most of them
    return arrive(lot._replace(remaining=0), lot.remaining, debt=debt, now=now, program=program)


def expire(lot: Lot, *, now: datetime, program: Program) -> tuple[Lot, int]:
    """The lot with all that expired by `now` written down, and how many points that is."""
    expired = 0
    while lot.expires_at is not None and lot.expires_at <= now and lot.remaining > 0:
        step = expire_step(
            granted=lot.granted,
            remaining=lot.remaining,
            accrued_at=lot.accrued_at,
            expires_at=lot.expires_at,
            program=program,
        )
        expired += step.points
        lot = lot._replace(
            remaining=lot.remaining - step.points,
            expired=lot.expired + step.points,
            expires_at=step.next_expires_at or lot.expires_at,
        )
        if step.next_expires_at is None:
            break
    return lot, expired


def with_due_dates(
    account: Account, lots: Iterable[Lot], programs: Mapping[int, Program], *, sees_all: bool = True
) -> Account:
    """The account with what it caches of its lots, counted anew: the next expiry, and the oldest open lot.

    `lots` are all that may hold points; or, unless it `sees_all`, all up to the expiry that is next now: then the
    oldest open lot stays the one known.
    `due_at` may only come nearer here; it is counted anew when it is reached.
    """
    next_expires_at: datetime | None = None
    next_expires_points = 0
    floor = account.lot_count + 1
    for lot in lots:
        if lot.remaining <= 0 and lot.reserved <= 0 and lot.settle_at is None:
            continue
        floor = min(floor, lot.lot)
        if lot.pending or lot.remaining <= 0 or lot.expires_at is None:
            continue
        if next_expires_at is None or lot.expires_at < next_expires_at:
            next_expires_at, next_expires_points = lot.expires_at, 0
        if lot.expires_at == next_expires_at:
            next_expires_points += points_due(
                granted=lot.granted, remaining=lot.remaining, program=programs[lot.program_version]
            )
    return account._replace(
        lot_floor=floor if sees_all else account.lot_floor,
        next_expires_at=next_expires_at,
        next_expires_points=next_expires_points,
        due_at=earlier(account.due_at, next_expires_at),
    )


def with_arrival(account: Account, lot: Lot, points: int, program: Program) -> Account:
    """The account's next expiry once `points` more are available in `lot`, without looking at the other lots.

    `program` is the version that granted the lot.
    """
    if points <= 0:
        return account
    if lot.lot < account.lot_floor:
        account = account._replace(lot_floor=lot.lot)
    expires_at = lot.expires_at
    if expires_at is None:
        return account
    known = account.next_expires_at
    if known is not None and expires_at > known:
        return account
    if program.validity.policy == "yearly_tenth":
        had = points_due(granted=lot.granted, remaining=lot.remaining - points, program=program)
        points = points_due(granted=lot.granted, remaining=lot.remaining, program=program) - had
    if expires_at == known:
        return account._replace(next_expires_points=account.next_expires_points + points)
    return account._replace(
        next_expires_at=expires_at,
        next_expires_points=points,
        due_at=earlier(account.due_at, expires_at),
    )
