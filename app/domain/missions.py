"""Missions: what happens to a member is counted with the change it is, and what completes one is rewarded at once.

Orders count once they are settled, on the day they were placed, by the missions of the version that granted them; all
else on its own day, by those in force. What is refunded or taken back counts no more, by the same terms; a mission that
falls below its goal by that is undone: what it gave is taken back, and given again once the goal is reached again.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from app.domain.account import MissionProgress
from app.domain.calendar import local_date
from app.domain.command import Command
from app.domain.grant_reversal import undo_grant
from app.domain.instants import rfc3339
from app.domain.mission_commands import PayMission, UndoMission
from app.domain.mission_terms import Counts, Mission
from app.domain.posting import Change, Context, Member, telling
from app.domain.program import Program
from app.domain.rewards import give, post_grant
from app.domain.shelf import NeedsMore


class _Happening(NamedTuple):
    """What counts, how much more or less of it, on which day, and whose missions count it."""

    figures: Mapping[Counts, int]
    day: date
    program: Program
    activity: str | None = None


def counted(member: Member, change: Change, context: Context) -> Change:
    """The change with what it counts for the member's missions, which its entry tells too.

    `member` is as before the change. Raises NeedsMore for a period that was not looked up.
    """
    entry = change.entry
    happening_of = None if entry is None else _HAPPENINGS.get(entry.kind)
    if entry is None or happening_of is None or member.account.status == "erased":
        return change
    if _count_nothing(context.programs):
        return change
    happening = happening_of(member, change, context)
    if happening is None or not happening.program.missions:
        return change
    rows: list[MissionProgress] = []
    turned: list[MissionProgress] = []
    figures: list[tuple[str, str, int]] = []
    for mission in happening.program.missions:
        row = _counted(member, mission, happening, context)
        if row is not None:
            before = member.progress.get((row.mission, row.period))
            rows.append(row)
            figures.append((row.mission, row.period, row.progress - (before.progress if before else 0)))
            if row.completed_at != (before.completed_at if before else None):
                turned.append(row)
    if not rows:
        return change
    change = telling(change, missions=figures)
    return change._replace(progress=(*change.progress, *rows), turned=(*change.turned, *turned))


def _count_nothing(programs: Mapping[int, Program]) -> bool:
    for program in programs.values():  # noqa: SIM110 - for every order, in a third of the time
        if program.missions:
            return False
    return True


def _counted(
    member: Member, mission: Mission, happening: _Happening, context: Context
) -> MissionProgress | None:
    """How far the member is with the mission after this; None if this does not count for it."""
    account = member.account
    figure = happening.figures.get(mission.counts, 0)
    if not figure or (mission.activity is not None and mission.activity != happening.activity):
        return None
    joined = local_date(account.joined_at, happening.program.timezone)
    period = mission.period.name(happening.day, joined=joined)
    if period is None:
        return None
    if member.periods is not None and period not in member.periods:
        raise NeedsMore(periods=frozenset({(account.member_id, period)}))
    before = member.progress.get((mission.mission, period))
    if before is not None and before.completed_at is not None:
        return None if before.undone is None else _completed(before, figure, context)
    progress = max(0, figure + (0 if before is None else before.progress))
    is_completed = progress >= mission.at_least
    return MissionProgress(
        account.bucket,
        account.member_id,
        period,
        mission.mission,
        progress,
        happening.program.version,
        context.now if is_completed else None,
        mission.badge if is_completed else None,
        0 if before is None else before.undone or 0,
    )


def _completed(row: MissionProgress, figure: int, context: Context) -> MissionProgress:
    """The progress of a mission that is completed: it is undone when what came back leaves less than it asked for then,
    not when another version of it asks for more.
    """
    progress = max(0, row.progress + figure)
    row = row._replace(progress=progress)
    if figure > 0 or progress >= _mission(row, context).at_least:
        return row
    return row._replace(completed_at=None, badge=None, undone=(row.undone or 0) + 1)


def _mission(row: MissionProgress, context: Context) -> Mission:
    """The mission as the version had it under which it was completed."""
    missions = context.programs[row.program_version].missions
    return next(each for each in missions if each.mission == row.mission)


def _order(member: Member, change: Change, context: Context) -> _Happening | None:
    """An order that settled or came back, by what its member's sums of orders and spend say of it."""
    before, after, entry = member.account, change.account, change.entry
    assert entry is not None
    amount_fen = after.spend - before.spend
    if not amount_fen:  # still pending, or nothing was paid for goods
        return None
    lot = next(lot for lot in change.lots if lot.order_id == entry.order_id)
    program = context.programs[lot.program_version]
    return _Happening(
        {"orders": after.orders - before.orders, "amount": amount_fen},
        local_date(lot.accrued_at, program.timezone),
        program,
    )


def _sign_in(_member: Member, _change: Change, context: Context) -> _Happening:
    return _Happening({"sign_ins": 1}, context.today, context.program)


def _activity(_member: Member, change: Change, context: Context) -> _Happening:
    activity = change.activity
    assert activity is not None
    more = 1 if activity.status == "recorded" else -1
    return _Happening(
        {"activities": more}, activity.day, context.programs[activity.program_version], activity.kind
    )


def _referral(_member: Member, change: Change, context: Context) -> _Happening | None:
    """An invitation that was paid; what the invitee gets for it counts for nobody."""
    entry = change.entry
    assert entry is not None
    if not entry.key.startswith("referral/"):
        return None
    return _Happening({"referrals": 1}, context.today, context.program)


def _referral_undone(member: Member, change: Change, context: Context) -> _Happening | None:
    """An invitation that was paid and is no more: of the day on which it was."""
    before = None if change.invitation is None else member.invitations[change.invitation.invitee]
    if before is None or before.paid_at is None:
        return None
    program = context.programs[member.told[change.detail["undoes"]].program_version]
    return _Happening({"referrals": -1}, local_date(before.paid_at, program.timezone), program)


_HAPPENINGS: Mapping[str, Callable[[Member, Change, Context], _Happening | None]] = {
    "accrue": _order,
    "settle": _order,
    "complete": _order,
    "reverse": _order,
    "refund_checkout": _order,
    "sign_in": _sign_in,
    "activity": _activity,
    "reverse_activity": _activity,
    "referral": _referral,
    "referral_undo": _referral_undone,
}


def periods_of(program: Program, day: date) -> frozenset[str]:
    """The periods of the program's missions that a day may lie in."""
    if not program.missions:
        return frozenset()
    names = (mission.period.name(day, joined=day) for mission in program.missions)
    return frozenset(name for name in names if name is not None)


def turned(change: Change) -> Iterator[Command]:
    """What follows from a change that completed missions, or undid them."""
    for row in change.turned:
        undone = row.undone or 0
        if row.completed_at is None:
            yield UndoMission(member_id=row.member_id, mission=row.mission, period=row.period, number=undone)
        else:
            yield PayMission(
                member_id=row.member_id,
                mission=row.mission,
                period=row.period,
                program_version=row.program_version,
                number=undone + 1,
            )


def pay(member: Member, command: PayMission, context: Context) -> Change:
    """Give what a mission promised, by the version under which it was completed."""
    account = member.account
    row = member.progress[command.mission, command.period]
    mission = _mission(row, context)
    reward = mission.reward
    given = give(
        member,
        account,
        context,
        source="mission",
        parts=[(f"mission:{mission.mission}", mission.name, reward.points)],
        growth=reward.growth,
        chances=reward.chances,
        coupons=[] if reward.coupon is None else [reward.coupon],
    )
    detail: dict[str, Any] = {
        **given.detail,
        "version": command.program_version,
        "completed_at": rfc3339(row.completed_at),
        "badge": row.badge,
    }
    return post_grant(member, given, command, context, detail=detail)


def undo(member: Member, command: UndoMission, context: Context) -> Change:
    """Take back what the mission gave for that time; nothing if it came to no payment."""
    if command.payment not in member.told:
        return Change(account=member.account)
    return undo_grant(member, command.payment, command, context)
