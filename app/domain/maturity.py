"""What falls due by itself: expiry, holds that lapse, orders that settle, tier periods that end.

Each is decided at its own moment, in the order of those moments, however late it is written down: so a job that
runs late, or a command that comes first, leads to the same balances (RULES.md: expired points are never spendable,
also when the expiry job is late).
"""

from datetime import datetime
from typing import NamedTuple

from app.domain.account import Account, Lot, Redemption
from app.domain.accrual import settle_lot
from app.domain.calendar import local_date
from app.domain.commands import Settle
from app.domain.compact import compact
from app.domain.instants import earlier
from app.domain.lots import expire, with_due_dates
from app.domain.posting import Change, Context, Member, post
from app.domain.redemptions import free
from app.domain.standing import end_tier_period, tier_due_at


class _Due(NamedTuple):
    at: datetime
    order: int  # of things due at the same instant: settle, expire, lapse (to a lot up to date), tier
    lots: tuple[Lot, ...] = ()
    hold: Redemption | None = None


def is_due(account: Account, now: datetime) -> bool:
    """Whether anything may have fallen due on this account: a cheap question, asked before every command."""
    return (account.due_at is not None and account.due_at <= now) or (
        account.hold_due_at is not None and account.hold_due_at <= now
    )


def mature(member: Member, context: Context) -> list[Change]:
    """Write down all that fell due by now; the member, loaded with all lots and holds, is brought up to date."""
    changes: list[Change] = []
    while (due := _next_due(member, context)) is not None and due.at <= context.now:
        change = _happen(member, due, context)
        member.apply(change)
        changes.append(change)
    account = _with_exact_due_dates(member, context)
    if account != member.account:
        if changes:
            changes[-1] = changes[-1]._replace(account=account)
        else:
            changes.append(Change(account=account))
        member.account = account
    return changes


def _next_due(member: Member, context: Context) -> _Due | None:
    """The earliest thing still to happen to the member, if any."""
    candidates: list[_Due] = []
    expiring: dict[datetime, list[Lot]] = {}
    for lot in member.lots.values():
        if lot.pending:
            if lot.settle_at is not None:
                candidates.append(_Due(lot.settle_at, 0, (lot,)))
        elif lot.remaining > 0 and lot.expires_at is not None:
            expiring.setdefault(lot.expires_at, []).append(lot)
    candidates.extend(_Due(at, 1, tuple(lots)) for at, lots in expiring.items())
    candidates.extend(
        _Due(hold.hold_expires_at, 2, hold=hold)
        for hold in member.redemptions.values()
        if hold.status == "reserved" and hold.hold_expires_at is not None
    )
    if (at := tier_due_at(member.account, context.program)) is not None:
        candidates.append(_Due(at, 3))
    return min(candidates, key=lambda due: (due.at, due.order, due.lots and due.lots[0].lot), default=None)


def _happen(member: Member, due: _Due, context: Context) -> Change:
    """Decide what falls due as of its own moment; it is recorded now."""
    then = context._replace(now=due.at, today=local_date(due.at, context.program.timezone))
    if due.hold is not None:
        change = free(member, due.hold, then, kind="lapse", command=None)
    elif due.order == 0:
        lot = due.lots[0]
        command = Settle(member_id=lot.member_id, order_id=lot.order_id or "")
        change = settle_lot(member, lot, then, command=command)
    elif due.order == 1:
        change = _expire(member, due.lots, then)
    else:
        change = end_tier_period(member, then)
    entry = change.entry and change.entry._replace(recorded_at=context.now)
    return change._replace(entry=entry, account=change.account._replace(last_at=context.now))


def _expire(member: Member, lots: tuple[Lot, ...], context: Context) -> Change:
    account = member.account
    gone: list[tuple[Lot, int]] = [
        expire(lot, now=context.now, program=context.programs[lot.program_version]) for lot in lots
    ]
    points = sum(part for _, part in gone)
    detail = {"points": points, "lots": [[lot.lot, part] for lot, part in gone]}
    after, entry = post(
        account,
        account._replace(available=account.available - points, expired=account.expired + points),
        kind="expire",
        key=None,
        context=context,
        detail=compact(detail),
    )
    return Change(account=after, entry=entry, detail=detail, lots=tuple(lot for lot, _ in gone))


def _with_exact_due_dates(member: Member, context: Context) -> Account:
    """The account with `due_at` and `hold_due_at` counted anew, so that what is over does not call again."""
    hold_due_at: datetime | None = None
    for hold in member.redemptions.values():
        if hold.status == "reserved":
            hold_due_at = earlier(hold_due_at, hold.hold_expires_at)
    due_at = tier_due_at(member.account, context.program)
    for lot in member.lots.values():
        due_at = earlier(due_at, lot.settle_at)
    account = member.account._replace(due_at=due_at, hold_due_at=hold_due_at)
    return with_due_dates(account, member.lots.values(), context.programs)
