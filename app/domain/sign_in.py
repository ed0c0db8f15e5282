"""What showing up each day is worth. Source: RULES.md, Points, sign-in.

A *streak* counts consecutive days of the program's zone. The ladder gives extras on some days of it; past its
last step it starts again (the day after counts as its day 1) or stays (each later day gives the last extra).
The streak itself goes on counting either way.
"""

from datetime import date, timedelta
from typing import NamedTuple

from app.domain.commands import SignIn as SignInCommand
from app.domain.posting import Change, Context, Member
from app.domain.program import Program
from app.domain.rewards import give, post_grant
from app.domain.terms import SignIn

_DAY = timedelta(days=1)


class SignInReward(NamedTuple):
    """`points` is the sum of the breakdown: (rule, label, points), parts of 0 left out."""

    points: int
    growth: int
    breakdown: tuple[tuple[str, str, int], ...]


def sign_in(member: Member, command: SignInCommand, context: Context) -> Change:
    """Grant the day's points. A second time that day is the engine's to answer: the day is the natural key."""
    account, program = member.account, context.program
    streak = streak_after(account.last_sign_in, account.streak, context.today)
    base = reward(streak, program)
    given = give(
        member,
        account._replace(streak=streak, last_sign_in=context.today),
        context,
        source="sign_in",
        parts=base.breakdown,
        growth=base.growth,
        trigger="sign_in",
        event={"event.streak": streak},
    )
    detail = {**given.detail, "streak": streak}
    return post_grant(member, given, command, context, detail=detail)


def streak_after(last: date | None, streak: int, today: date) -> int:
    """The streak once the member signs in today: one more after yesterday, the same if today's is in, else 1.

    A `last` ahead of today (the program moved to a zone further west) counts as today.
    """
    if last is None or last < today - _DAY:
        return 1
    return streak + 1 if last < today else streak


def reward(streak: int, program: Program) -> SignInReward:
    """What the sign-in that made the streak this long gives; `streak` is at least 1."""
    rules = program.sign_in
    breakdown: list[tuple[str, str, int]] = []
    if rules.points:
        breakdown.append(("sign_in", "daily sign-in", rules.points))
    extra = _extra(streak, rules)
    if extra:
        breakdown.append(("streak", f"{streak} days in a row", extra))
    return SignInReward(rules.points + extra, rules.growth, tuple(breakdown))


def _extra(streak: int, rules: SignIn) -> int:
    if not rules.ladder:
        return 0
    last = rules.ladder[-1]
    day = streak
    if streak > last.day:
        if rules.after_ladder == "stay":
            return last.points
        day = (streak - 1) % last.day + 1
    return next((step.points for step in rules.ladder if step.day == day), 0)
