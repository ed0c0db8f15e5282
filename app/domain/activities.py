"""What members do besides buying, such as reviews, and what it gives (RULES.md: activities).

A limit counts what was recorded on the day, taken back or not, so that nobody posts and deletes all day long. What
counts once may be done again after it was taken back.
"""

from datetime import datetime
from typing import Any, Self

from app.domain.account import Activity
from app.domain.activity_commands import RecordActivity, ReverseActivity
from app.domain.activity_terms import ActivityKind, ActivityLevel
from app.domain.calendar import end_of_day
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.grant_reversal import undo_grant
from app.domain.instants import rfc3339
from app.domain.posting import Change, Context, Member
from app.domain.rewards import give, post_grant


class ActivityKindUnknown(LoyaltyError):
    code = "activity_kind_unknown"
    kind = ErrorKind.UNPROCESSABLE
    title = "Unknown kind of activity"

    def __init__(self) -> None:
        super().__init__(
            "The program in force has no activity of this kind. GET /v1/program lists those it has, under "
            "`activities`."
        )


class ActivityLevelUnknown(LoyaltyError):
    code = "activity_level_unknown"
    kind = ErrorKind.UNPROCESSABLE
    title = "Unknown level of an activity"

    def __init__(self) -> None:
        super().__init__(
            "The program in force has no such level of this activity. Leave `level` out, or name one of those that "
            "GET /v1/program lists under `activities`."
        )


class ActivityLimitReached(LoyaltyError):
    """`counts_again_at`: the beginning of the next day, null for what counts once."""

    code = "activity_limit_reached"
    kind = ErrorKind.CONFLICT
    title = "The activity counts no more for now"

    def __init__(self, *, limit: int, counts_again_at: datetime | None) -> None:
        if counts_again_at is None:
            told = "This activity counts once for each member, and did already: nothing was given."
        else:
            told = (
                f"At most {limit} of this activity count on one day, and as many did today: nothing was given. It "
                f"counts again from {rfc3339(counts_again_at)} on."
            )
        super().__init__(told, extra={"limit": limit, "counts_again_at": rfc3339(counts_again_at)})

    @classmethod
    def example(cls) -> Self:
        return cls(limit=5, counts_again_at=datetime.fromisoformat("2026-03-05T16:00:00Z"))


class ActivityNotFound(LoyaltyError):
    code = "activity_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown activity"

    def __init__(self) -> None:
        super().__init__(
            "This member has no activity with this reference. Record it with POST "
            "/v1/members/{member_id}/activities; one that was refused over its limit was not recorded."
        )


def record(member: Member, command: RecordActivity, context: Context) -> Change:
    """Give what the activity is worth, with what campaigns add to it.

    Raises ActivityKindUnknown, ActivityLevelUnknown, ActivityLimitReached.
    """
    account = member.account
    kind = context.program.activities.get(command.activity)
    if kind is None:
        raise ActivityKindUnknown
    worth = _worth(kind, command.level)
    _check_limits(member, kind, context)
    given = give(
        member,
        account,
        context,
        source="activity",
        parts=[(f"activity:{kind.kind}", worth.label, worth.points)],
        growth=worth.growth,
        trigger="activity",
        event={"event.kind": kind.kind, "event.level": command.level or ""},
    )
    detail: dict[str, Any] = {**given.detail, "kind": kind.kind, "tier": account.tier}
    if command.level is not None:
        detail["level"] = command.level
    change = post_grant(member, given, command, context, detail=detail)
    activity = Activity(
        account.bucket,
        account.member_id,
        change.account.sequence,
        command.reference,
        kind.kind,
        command.level,
        context.today,
        "recorded",
        given.lot,
        context.program.version,
    )
    return change._replace(activity=activity)


def _worth(kind: ActivityKind, level: str | None) -> ActivityLevel:
    if level is None:
        return ActivityLevel("", kind.label, kind.label_en, kind.points, kind.growth)
    try:
        return kind.levels[level]
    except KeyError:
        raise ActivityLevelUnknown from None


def _check_limits(member: Member, kind: ActivityKind, context: Context) -> None:
    mine = [activity for activity in member.activities.values() if activity.kind == kind.kind]
    if kind.is_once and any(activity.status == "recorded" for activity in mine):
        raise ActivityLimitReached(limit=1, counts_again_at=None)
    if kind.per_day is None:
        return
    if sum(activity.day == context.today for activity in mine) >= kind.per_day:
        again_at = end_of_day(context.today, context.program.timezone)
        raise ActivityLimitReached(limit=kind.per_day, counts_again_at=again_at)


def reverse(member: Member, command: ReverseActivity, context: Context) -> Change:
    """Take back what the activity gave. Raises ActivityNotFound. A second time is the engine's to answer."""
    activity = member.activities.get(command.reference)
    if activity is None:
        raise ActivityNotFound
    level = {} if activity.level is None else {"level": activity.level}
    change = undo_grant(
        member,
        f"activity/{command.reference}",
        command,
        context,
        kind=activity.kind,
        tier=member.account.tier,
        **level,
    )
    return change._replace(activity=activity._replace(status="reversed"))
