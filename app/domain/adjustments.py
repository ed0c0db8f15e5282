"""A person's correction, plus or minus (RULES.md: adjustment)."""

from typing import Any

from app.domain.account import Account, Lot
from app.domain.commands import Adjust
from app.domain.compact import compact
from app.domain.errors import InsufficientPoints
from app.domain.expiry import expires_at
from app.domain.grants import granted
from app.domain.lots import moves, spend, with_due_dates
from app.domain.posting import Change, Context, Member, post
from app.domain.standing import restand


def adjust(member: Member, command: Adjust, context: Context) -> Change:
    """Grant `points`, or take them in spending order. It counts as earned, being a correction of that.

    Raises InsufficientPoints: a correction takes what is there, only refunds make debt.
    """
    account = member.account
    number: int | None = None
    detail: dict[str, Any] = {"points": command.points, "reason": command.reason}
    if command.points > 0:
        after, arrival = granted(
            account,
            command.points,
            context,
            source="adjustment",
            accrued_at=context.now,
            expires_at=expires_at(context.now, context.program),
        )
        number, lots = arrival.lot.lot, (arrival.lot,)
        detail["debt_paid"] = arrival.debt_paid
    else:
        after, lots = _taken(member, -command.points, context)
        detail["moves"] = moves(member.lots, lots)
    after = after._replace(earned=account.earned + command.points)
    restanding = restand(member, after, context, changed=lots, refunded=command.points < 0)
    if restanding.detail:
        detail["tier_change"] = restanding.detail
    after, entry = post(
        account,
        restanding.account,
        kind="adjust",
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        lot=number,
    )
    return Change(account=after, entry=entry, detail=detail, lots=lots, reviews=restanding.reviews)


def _taken(member: Member, points: int, context: Context) -> tuple[Account, tuple[Lot, ...]]:
    account = member.account
    if points > account.available:
        raise InsufficientPoints(available=account.available)
    lots = tuple(
        lot._replace(remaining=lot.remaining - part, clawed_back=lot.clawed_back + part)
        for lot, part in spend(member.lots.values(), points, context.now)
    )
    after = with_due_dates(
        account._replace(available=account.available - points),
        {**member.lots, **{lot.lot: lot for lot in lots}}.values(),
        context.programs,
        sees_all=member.sees_all_lots,
    )
    return after, lots
