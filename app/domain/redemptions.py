"""Points are spent, held, freed and given back (RULES.md: spending order, reserve, cancel and refund)."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from app.domain.account import Account, Lot, Redemption
from app.domain.commands import Cancel, Command, Commit, Redeem, Refund
from app.domain.compact import compact
from app.domain.errors import (
    CommitExceedsReservation,
    HoldTooLong,
    InsufficientPoints,
    RedemptionNotFound,
    RefundExceedsRedemption,
    ReservationClosed,
    ReservationExpired,
    ReservationOpen,
)
from app.domain.expiry import extended
from app.domain.instants import earlier, rfc3339
from app.domain.lots import arrive, moves, spend, with_arrival, with_due_dates
from app.domain.posting import Change, Context, Member, post


def redeem(member: Member, command: Redeem, context: Context) -> Change:
    """Spend points, or hold them. Raises InsufficientPoints, HoldTooLong."""
    account, now, program = member.account, context.now, context.program
    if command.points > account.available:
        raise InsufficientPoints(available=account.available)
    hold_expires_at = None
    if command.reserve:
        hold_seconds = command.hold_seconds or program.reserve.default_seconds
        if hold_seconds > program.reserve.max_seconds:
            raise HoldTooLong(max_hold_seconds=program.reserve.max_seconds)
        hold_expires_at = now + timedelta(seconds=hold_seconds)
    taken = spend(member.lots.values(), command.points, now)
    held = command.points if command.reserve else 0
    spent = command.points - held
    lots = tuple(
        lot._replace(
            remaining=lot.remaining - part,
            reserved=lot.reserved + (part if held else 0),
            redeemed=lot.redeemed + (part if spent else 0),
        )
        for lot, part in taken
    )
    redemption = Redemption(
        bucket=account.bucket,
        member_id=account.member_id,
        reference=command.reference,
        status="reserved" if held else "redeemed",
        points=command.points,
        committed=spent,
        refunded=0,
        lots=[lot.lot for lot, _ in taken],
        parts=[part for _, part in taken],
        order_id=command.order_id,
        hold_expires_at=hold_expires_at,
        program_version=program.version,
    )
    detail: dict[str, Any] = {
        "points": command.points,
        "value": program.paying.value_fen(command.points, tier=account.tier),
        "lots": [[lot.lot, part, rfc3339(lot.expires_at)] for lot, part in taken],
        "hold_expires_at": rfc3339(hold_expires_at),
    }
    after = with_due_dates(
        account._replace(
            available=account.available - command.points,
            reserved=account.reserved + held,
            redeemed=account.redeemed + spent,
            hold_due_at=earlier(account.hold_due_at, hold_expires_at),
        ),
        {**member.lots, **{lot.lot: lot for lot in lots}}.values(),
        context.programs,
        sees_all=member.sees_all_lots,
    )
    return _posted(
        account,
        after,
        kind="reserve" if held else "redeem",
        command=command,
        context=context,
        detail=detail,
        lots=lots,
        redemption=redemption,
    )


def commit(member: Member, command: Commit, context: Context) -> Change:
    """Spend what a hold keeps, or part of it; the rest is freed. Raises as `_open_hold`, CommitExceedsReservation."""
    redemption = _open_hold(member, command.reference)
    points = redemption.points if command.points is None else command.points
    if points > redemption.points:
        raise CommitExceedsReservation(reserved=redemption.points)
    used, freed = _split(_parts_of(redemption), points)
    lots = dict(member.lots)
    for number, part in used:
        lot = lots[number]
        lots[number] = lot._replace(reserved=lot.reserved - part, redeemed=lot.redeemed + part)
    account = member.account._replace(
        reserved=member.account.reserved - points, redeemed=member.account.redeemed + points
    )
    account, debt_paid, expired = _free(account, lots, freed, context)
    closed = _keeping(redemption, used)._replace(status="redeemed", committed=points)
    program = context.programs[redemption.program_version]
    detail: dict[str, Any] = {
        "points": points,
        "value": program.paying.value_fen(points, tier=account.tier),
        "lots": _shown(used, lots),
        "freed": redemption.points - points,
        "expired": expired,
        "debt_paid": debt_paid,
        "moves": moves(member.lots, _changed(lots, used, freed)),
    }
    return _posted(
        member.account,
        account,
        kind="commit",
        command=command,
        context=context,
        detail=detail,
        lots=_changed(lots, used, freed),
        redemption=closed,
    )


def cancel(member: Member, command: Cancel, context: Context) -> Change:
    """Free a hold. Raises RedemptionNotFound, ReservationExpired, ReservationClosed."""
    return free(member, _open_hold(member, command.reference), context, kind="cancel", command=command)


def free(
    member: Member, redemption: Redemption, context: Context, *, kind: str, command: Command | None
) -> Change:
    """Give what an open hold keeps back to its lots: because somebody cancels, or because it lapsed (no command)."""
    taken = _parts_of(redemption)
    lots = dict(member.lots)
    account, debt_paid, expired = _free(member.account, lots, taken, context)
    closed = _keeping(redemption, [])._replace(status="cancelled" if command else "expired")
    detail: dict[str, Any] = {
        "points": redemption.points,
        "expired": expired,
        "debt_paid": debt_paid,
        "lots": _shown(taken, lots),
        "moves": moves(member.lots, _changed(lots, taken)),
    }
    if command is not None:
        return _posted(
            member.account,
            account,
            kind=kind,
            command=command,
            context=context,
            detail=detail,
            lots=_changed(lots, taken),
            redemption=closed,
        )
    account, entry = post(
        member.account,
        account,
        kind=kind,
        key=f"{kind}/{redemption.reference}",
        context=context,
        detail=compact(detail),
        occurred_at=redemption.hold_expires_at,
        order_id=redemption.order_id,
    )
    return Change(account=account, entry=entry, detail=detail, lots=_changed(lots, taken), redemption=closed)


def refund(member: Member, command: Refund, context: Context) -> Change:
    """Give spent points back to the lots they came from, what was taken last first.

    What has expired meanwhile stays expired, unless the program grants grace days.
    Raises RedemptionNotFound, ReservationOpen, ReservationClosed, RefundExceedsRedemption.
    """
    redemption = member.redemptions.get(command.redemption)
    if redemption is None:
        raise RedemptionNotFound
    if redemption.status == "reserved":
        raise ReservationOpen
    if redemption.status != "redeemed":
        raise ReservationClosed(status=redemption.status)
    rest = redemption.committed - redemption.refunded
    points = rest if command.points is None else command.points
    if points > rest or points == 0:
        raise RefundExceedsRedemption(rest=rest)
    kept, returned = _split(_parts_of(redemption), rest - points)
    lots = dict(member.lots)
    account = member.account
    for number, part in returned:
        lots[number] = _with_grace(lots[number], context)._replace(redeemed=lots[number].redeemed - part)
    account = account._replace(redeemed=account.redeemed - points)
    account, debt_paid, expired = _arrive(account, lots, returned, context)
    detail: dict[str, Any] = {
        "points": points,
        "expired": expired,
        "debt_paid": debt_paid,
        "lots": _shown(returned, lots),
        "rest": rest - points,
        "moves": moves(member.lots, _changed(lots, returned)),
    }
    return _posted(
        member.account,
        account,
        kind="refund",
        command=command,
        context=context,
        detail=detail,
        lots=_changed(lots, returned),
        redemption=_keeping(redemption, kept)._replace(refunded=redemption.refunded + points),
    )


def _open_hold(member: Member, reference: str) -> Redemption:
    redemption = member.redemptions.get(reference)
    if redemption is None:
        raise RedemptionNotFound
    if redemption.status == "expired":
        raise ReservationExpired
    if redemption.status != "reserved":
        raise ReservationClosed(status=redemption.status)
    return redemption


def _parts_of(redemption: Redemption) -> list[list[int]]:
    return [[lot, part] for lot, part in zip(redemption.lots, redemption.parts, strict=True)]


def _keeping(redemption: Redemption, parts: list[list[int]]) -> Redemption:
    return redemption._replace(lots=[lot for lot, _ in parts], parts=[part for _, part in parts])


def _split(taken: list[list[int]], points: int) -> tuple[list[list[int]], list[list[int]]]:
    """The first `points` of what was taken, and the rest with what was taken last first."""
    used: list[list[int]] = []
    rest: list[list[int]] = []
    for number, part in taken:
        here = min(part, points)
        points -= here
        if here:
            used.append([number, here])
        if part > here:
            rest.append([number, part - here])
    return used, rest[::-1]


def _free(
    account: Account, lots: dict[int, Lot], parts: Iterable[list[int]], context: Context
) -> tuple[Account, int, int]:
    """Move held points of these lots back; `lots` is updated. Returns the account, debt paid, points expired."""
    held = 0
    for number, part in parts:
        lots[number] = lots[number]._replace(reserved=lots[number].reserved - part)
        held += part
    return _arrive(account._replace(reserved=account.reserved - held), lots, parts, context)


def _arrive(
    account: Account, lots: dict[int, Lot], parts: Iterable[list[int]], context: Context
) -> tuple[Account, int, int]:
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
    return account, debt_paid, expired


def _with_grace(lot: Lot, context: Context) -> Lot:
    """A lot that expired meanwhile, usable again for the program's grace days if it grants any."""
    days = context.program.refund_grace_days
    if not days or lot.expires_at is None or lot.expires_at > context.now:
        return lot
    return lot._replace(expires_at=extended(context.now, grace_days=days, program=context.program))


def _changed(lots: Mapping[int, Lot], *parts: Iterable[list[int]]) -> tuple[Lot, ...]:
    return tuple(lots[number] for number in {number: None for part in parts for number, _ in part})


def _shown(parts: Iterable[list[int]], lots: Mapping[int, Lot]) -> list[list[int | str | None]]:
    return [[number, part, rfc3339(lots[number].expires_at)] for number, part in parts]


def _posted(
    before: Account,
    after: Account,
    *,
    kind: str,
    command: Command,
    context: Context,
    detail: dict[str, Any],
    lots: tuple[Lot, ...],
    redemption: Redemption,
) -> Change:
    account, entry = post(
        before,
        after,
        kind=kind,
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        order_id=redemption.order_id,
    )
    return Change(account=account, entry=entry, detail=detail, lots=lots, redemption=redemption)
