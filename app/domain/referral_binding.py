"""Who brought a member is told on joining, or before the first order, and binds for good (RULES.md: referral)."""

from collections.abc import Mapping
from datetime import timedelta

from app.domain.account import Account, Invitation, Referral, ReferralCode, Referrer, bucket_of
from app.domain.commands import Enrol
from app.domain.errors import ErrorKind, LoyaltyError, ReferrerFixed
from app.domain.posting import Change, Context, Member
from app.domain.referral_commands import MakeReferralCode
from app.domain.shelf import NeedsMore

CODE_LENGTH = 8
"""Letters of a code: one of 10^11 is told on, not guarded; what it pays is limited by orders."""


class ReferralRing(LoyaltyError):
    code = "referral_ring"
    kind = ErrorKind.CONFLICT
    title = "The members would have brought each other"

    def __init__(self) -> None:
        super().__init__(
            "Whom `referred_by` names was brought by this member, or by somebody this member brought. "
            "Leave `referred_by` out: who came first was brought by nobody of them."
        )


def make_code(member: Member, command: MakeReferralCode, context: Context) -> Change:
    """Give the member a code; nothing changes if there is one."""
    del command
    referrer = referrer_of(member)
    if referrer.code is not None:
        return Change(account=member.account)
    code = context.shelf.new_code()[:CODE_LENGTH]
    return Change(
        account=member.account,
        referrer=referrer._replace(code=code),
        referral_code=ReferralCode(bucket_of(code), code, referrer.member_id),
    )


def referrer_of(member: Member) -> Referrer:
    """What the member's invitations come to; nothing yet."""
    account = member.account
    return member.referrer or Referrer(account.bucket, account.member_id, None, 0, 0, None, 0, 0)


def bound(
    members: Mapping[str, Member], member: Member | None, account: Account, command: Enrol, context: Context
) -> Change:
    """The change of a member (None: joining) with this account who tells who brought them, the inviter's as `other`.

    One who is nobody here, or erased, is kept as told and binds nothing; so is one who is told only after the first
    order. Raises ReferrerFixed, ReferralRing, NeedsMore.
    """
    plain = Change(account=account)
    if not command.names_referrer:
        return plain
    known = None if member is None else member.referred_by
    if known is not None and known != command.referrer:
        raise ReferrerFixed
    if command.referrer is None or has_ordered(account):
        return plain
    if member is not None and member.referral is not None:
        return plain
    inviter = members.get(command.referrer)
    if inviter is None or inviter.account.status == "erased":
        return plain
    if member is not None:
        _check_ring(members, inviter, invitee=command.member_id)
    return _bind(account, inviter, context)


def has_ordered(account: Account) -> bool:
    """Whether there is an order that settled, or is going to."""
    return account.orders > 0 or account.spend > 0 or account.pending > 0


def _check_ring(members: Mapping[str, Member], inviter: Member, *, invitee: str) -> None:
    """Walk up from the inviter. All who are met are locked: so no ring closes from two sides at once.

    Raises ReferralRing, NeedsMore.
    """
    above = inviter
    while above.referral is not None:
        up = above.referral.inviter
        if up == invitee:
            raise ReferralRing
        found = members.get(up)
        if found is None or not found.sees_referral:
            raise NeedsMore(commands=frozenset({MakeReferralCode(member_id=up)}))
        above = found


def _bind(account: Account, inviter: Member, context: Context) -> Change:
    terms = context.program.referral
    share = None if terms is None else terms.share
    by = inviter.account
    referral = Referral(
        bucket=account.bucket,
        member_id=account.member_id,
        inviter=by.member_id,
        bound_at=context.now,
        program_version=context.program.version,
        order_id=None,
        lot=None,
        paid_at=None,
    )
    invitation = Invitation(
        bucket=by.bucket,
        member_id=by.member_id,
        invitee=account.member_id,
        bound_at=context.now,
        status="bound",
        lot=None,
        points=0,
        paid_at=None,
        share_at=None if share is None else context.now + timedelta(days=share.days),
        share_points=0,
    )
    referrer = referrer_of(inviter)
    return Change(
        account=account._replace(invited_by=by.member_id),
        referral=referral,
        other=Change(
            account=by,
            invitation=invitation,
            referrer=referrer._replace(bound=referrer.bound + 1),
        ),
    )
