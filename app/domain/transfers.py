"""Points given to another member; they keep their expiry (API.md: transfers)."""

from typing import Any

from app.domain.account import Lot
from app.domain.commands import Transfer
from app.domain.compact import compact
from app.domain.errors import InsufficientPoints, TransferToSelf
from app.domain.grants import granted
from app.domain.instants import rfc3339
from app.domain.lots import moves, spend, with_due_dates
from app.domain.posting import Change, Context, Member, post


def transfer(member: Member, receiver: Member, command: Transfer, context: Context) -> Change:
    """Move points in spending order; what arrives pays the receiver's debt first.

    Raises TransferToSelf, InsufficientPoints.
    """
    if command.to == command.member_id:
        raise TransferToSelf
    account = member.account
    if command.points > account.available:
        raise InsufficientPoints(available=account.available)
    taken = spend(member.lots.values(), command.points, context.now)
    lots = tuple(lot._replace(remaining=lot.remaining - part, moved=lot.moved + part) for lot, part in taken)
    after = with_due_dates(
        account._replace(available=account.available - command.points),
        {**member.lots, **{lot.lot: lot for lot in lots}}.values(),
        context.programs,
        sees_all=member.sees_all_lots,
    )
    detail: dict[str, Any] = {
        "points": command.points,
        "to": command.to,
        "lots": [[lot.lot, part, rfc3339(lot.expires_at)] for lot, part in taken],
    }
    after, entry = post(
        account,
        after,
        kind="transfer",
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
    )
    received = _receive(receiver, taken, command, context)
    return Change(account=after, entry=entry, detail=detail, lots=lots, other=received)


def _receive(receiver: Member, taken: list[tuple[Lot, int]], command: Transfer, context: Context) -> Change:
    before = receiver.account
    after = before
    lots: list[Lot] = []
    debt_paid = 0
    for given, part in taken:
        after, arrival = granted(
            after,
            part,
            context,
            source="transfer",
            accrued_at=given.accrued_at,
            expires_at=given.expires_at,
            program_version=given.program_version,
        )
        lots.append(arrival.lot)
        debt_paid += arrival.debt_paid
    detail: dict[str, Any] = {
        "points": command.points,
        "from": command.member_id,
        "debt_paid": debt_paid,
        "moves": moves({}, lots),
    }
    after, entry = post(
        before,
        after,
        kind="receive",
        key=f"receive/{command.member_id}/{command.reference}",
        context=context,
        detail=compact(detail),
        lot=lots[0].lot,
    )
    return Change(account=after, entry=entry, detail=detail, lots=tuple(lots))
