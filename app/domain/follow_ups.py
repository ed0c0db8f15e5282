"""What follows from a change of a member in the same transaction, each as a command and an entry of its own."""

from collections.abc import Iterable, Iterator

from app.domain.account import Account
from app.domain.command import Command
from app.domain.missions import turned
from app.domain.occasions import occasions
from app.domain.posting import Change, Context
from app.domain.referrals import referral_steps


def follow_ups(before: Account | None, change: Change, context: Context) -> Iterable[Command]:
    """The commands that follow; most changes lead to none. `before` is None for who has just joined."""
    after = change.account
    if (
        before is not None
        and before.tier == after.tier
        and after.invited_by is None
        and not _says_more(change)
    ):
        return ()
    return _follow_ups(before, change, context)


def _says_more(change: Change) -> bool:
    return bool(change.lost or change.turned or change.undoes is not None)


def _follow_ups(before: Account | None, change: Change, context: Context) -> Iterator[Command]:
    yield from occasions(before, change, context)
    yield from turned(change)
    yield from referral_steps(change, context)
