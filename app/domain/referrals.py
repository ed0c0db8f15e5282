"""Both are rewarded when the order of somebody who was brought has settled (RULES.md: referral).

Never for joining alone; at most so many invitations a month; undone when what is left of that order is less than was
asked of it, after which another order may earn it again.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from app.domain.account import Invitation, Lot, Referral, Referrer
from app.domain.calendar import local_date
from app.domain.command import Command
from app.domain.compact import compact
from app.domain.grant_reversal import undo_grant
from app.domain.instants import rfc3339
from app.domain.posting import Change, Context, Member, post
from app.domain.program import Program
from app.domain.referral_binding import referrer_of
from app.domain.referral_commands import PayReferral, PayReferralShare, UndoReferral
from app.domain.referral_terms import ReferralTerms
from app.domain.rewards import Given, give
from app.domain.shelf import NeedsMore
from app.domain.standing import restand

_SETTLING = frozenset({"accrue", "settle", "complete"})
_RETURNING = frozenset({"reverse", "refund_checkout"})
_PERCENT = 100


# --- what follows from an order ----------------------------------------------------------------------------


def referral_steps(change: Change, context: Context) -> Iterator[Command]:
    """What is to be asked after a change of an invitee: to pay for an order that settled, or to undo what was paid."""
    account, entry, terms = change.account, change.entry, context.program.referral
    if change.undoes is not None and change.undoes.order_id is not None:
        yield UndoReferral(
            member_id=account.member_id, inviter=change.undoes.inviter, order_id=change.undoes.order_id
        )
    if account.invited_by is None or terms is None or entry is None or entry.kind not in _SETTLING:
        return
    for lot in change.lots:
        if lot.order_id is None or lot.order_id != entry.order_id or lot.pending:
            continue
        if _rest_fen(lot) >= terms.min_order_fen:
            yield PayReferral(member_id=account.member_id, inviter=account.invited_by, order_id=lot.order_id)


def undoing(member: Member, change: Change, context: Context) -> Change:
    """The change with the referral it undoes: a refund that leaves less of its order than it takes to be rewarded.

    Raises NeedsMore.
    """
    referral, entry = member.referral, change.entry
    if referral is None or referral.order_id is None or entry is None or entry.kind not in _RETURNING:
        return change
    for lot in change.lots:
        if lot.order_id != referral.order_id:
            continue
        rest_fen = _rest_fen(lot)
        if not rest_fen or rest_fen < _least_fen(member, referral.inviter, referral.order_id, context):
            return change._replace(undoes=referral)
    return change


def _least_fen(member: Member, inviter: str, order_id: str, context: Context) -> int:
    """What the order had to come to when it was rewarded. Raises NeedsMore."""
    undo = UndoReferral(member_id=member.account.member_id, inviter=inviter, order_id=order_id)
    (_, welcome), _ = undo.entries_told
    if welcome not in member.told:
        raise NeedsMore(commands=frozenset({undo}))
    terms = context.programs[member.told[welcome].program_version].referral
    assert terms is not None, "it was rewarded"
    return terms.min_order_fen


def _rest_fen(lot: Lot) -> int:
    return (lot.amount or 0) - (lot.refunded or 0)


# --- the reward --------------------------------------------------------------------------------------------


def pay(members: Mapping[str, Member], command: PayReferral, context: Context) -> Change:
    """Reward both sides. An inviter who is frozen or erased, or who was paid for as many as a month may have, gets
    nothing; the invitee does. Nothing changes if it was paid meanwhile, or the program pays for nothing of the kind.
    """
    invitee, inviter = members[command.member_id], members[command.inviter]
    terms, referral = context.program.referral, invitee.referral
    if terms is None or referral is None or invitee.account.invited_by != command.inviter:
        return Change(account=invitee.account)
    limited = _limited(inviter, terms, context)
    parts = [("referral_welcome", "welcome of a member who was brought", terms.invitee_points)]
    given = give(invitee, invitee.account, context, source="referral", parts=parts)
    given = given._replace(account=given.account._replace(invited_by=None))
    told: dict[str, Any] = {"inviter": command.inviter, "order_id": command.order_id}
    if limited is not None:
        told["limited"] = limited
    change = _rewarded(
        invitee, given, context, kind="referral", command=command, told=told, order_id=command.order_id
    )
    return change._replace(
        referral=referral._replace(order_id=command.order_id, lot=given.lot, paid_at=context.now),
        other=_limit(inviter, command, context)
        if limited
        else _pay_inviter(inviter, command, terms, context),
    )


def _limited(inviter: Member, terms: ReferralTerms, context: Context) -> str | None:
    """Why the inviter gets nothing, if so."""
    if inviter.account.status != "active":
        return inviter.account.status
    return "per_month" if paid_this_month(inviter.referrer, context) >= terms.per_month else None


def paid_this_month(referrer: Referrer | None, context: Context) -> int:
    """The invitations that were paid in the month of now."""
    if referrer is None or referrer.month != context.today.replace(day=1):
        return 0
    return referrer.month_paid


def _limit(inviter: Member, command: PayReferral, context: Context) -> Change:
    invitation = inviter.invitations[command.member_id]
    return Change(
        account=inviter.account, invitation=invitation._replace(status="limited", paid_at=context.now)
    )


def _pay_inviter(inviter: Member, command: PayReferral, terms: ReferralTerms, context: Context) -> Change:
    referrer, invitation = referrer_of(inviter), inviter.invitations[command.member_id]
    number = referrer.paid + 1
    given = give(
        inviter,
        inviter.account,
        context,
        source="referral",
        parts=[("referral", "member brought", terms.points_for(number))],
        trigger="referral",
        event={"event.invitations": number},
    )
    told = {"invitee": command.member_id, "invitations": number}
    change = _rewarded(
        inviter, given, context, kind="referral", command=command, told=told, key=command.inviters_key
    )
    return change._replace(
        invitation=invitation._replace(
            status="paid", lot=given.lot, points=given.points, paid_at=context.now
        ),
        referrer=referrer._replace(
            paid=number,
            month=context.today.replace(day=1),
            month_paid=paid_this_month(referrer, context) + 1,
            earned=referrer.earned + given.points,
        ),
    )


def _rewarded(
    member: Member,
    given: Given,
    context: Context,
    *,
    kind: str,
    command: PayReferral | PayReferralShare,
    told: Mapping[str, Any],
    key: str | None = None,
    order_id: str | None = None,
) -> Change:
    """The change of a member who is given something, with the tier it leads to."""
    restanding = restand(member, given.account, context, changed=given.lots)
    detail = {**given.detail, **told}
    if restanding.detail:
        detail["tier_change"] = restanding.detail
    after, entry = post(
        member.account,
        restanding.account,
        kind=kind,
        key=key or command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        lot=given.lot,
        order_id=order_id,
    )
    return Change(account=after, entry=entry, detail=detail, reviews=restanding.reviews, **given.rows())


# --- undone ------------------------------------------------------------------------------------------------


def undo(members: Mapping[str, Member], command: UndoReferral, context: Context) -> Change:
    """Take back what both sides got; the invitation waits for another order. Nothing changes if that was done."""
    invitee, inviter = members[command.member_id], members[command.inviter]
    referral = invitee.referral
    if referral is None or referral.order_id != command.order_id:
        return Change(account=invitee.account)
    of_invitee, of_inviter = (key for _, key in command.entries_told)
    waits_for = None if invitee.account.status == "erased" else command.inviter
    change = undo_grant(invitee, of_invitee, command, context)
    invitation = inviter.invitations[command.member_id]
    other = Change(account=inviter.account)
    if invitation.status == "paid":
        other = undo_grant(inviter, of_inviter, command, context, key=command.inviters_key)
        other = other._replace(referrer=_uncounted(referrer_of(inviter), invitation, context.program))
    return change._replace(
        account=change.account._replace(invited_by=waits_for),
        referral=referral._replace(order_id=None, lot=None, paid_at=None),
        other=other._replace(
            invitation=invitation._replace(status="bound", lot=None, points=0, paid_at=None)
        ),
    )


def _uncounted(referrer: Referrer, invitation: Invitation, program: Program) -> Referrer:
    """The inviter's figures without a paid invitation: it leaves room in its month, if that is still the last one."""
    assert invitation.paid_at is not None, "it was paid"
    month = local_date(invitation.paid_at, program.timezone).replace(day=1)
    return referrer._replace(
        paid=referrer.paid - 1,
        month_paid=referrer.month_paid - (month == referrer.month),
        earned=referrer.earned - invitation.points,
    )


# --- the share of what the invitee spends --------------------------------------------------------------------


def pay_share(members: Mapping[str, Member], command: PayReferralShare, context: Context) -> Change:
    """Give the inviter the share that was promised when the invitee was bound, once its time is over.

    It counts what is left of the orders of that time that have settled. A frozen inviter is looked at again later;
    nothing is written of a share of 0.
    """
    inviter, invitee = members[command.member_id], members[command.invitee]
    account, invitation, referral = (
        inviter.account,
        inviter.invitations.get(command.invitee),
        invitee.referral,
    )
    if invitation is None or invitation.share_at is None or referral is None or account.status == "frozen":
        return Change(account=account)
    if context.now < invitation.share_at:
        return Change(account=account)
    settled = invitation._replace(share_at=None)
    spend_fen = _spend_fen(invitee, referral, invitation)
    points = _share_points(spend_fen, context.programs[referral.program_version])
    if not points or account.status == "erased":
        return Change(account=account, invitation=settled)
    parts = [("referral_share", "share of what a member brought has spent", points)]
    given = give(inviter, account, context, source="referral", parts=parts)
    told = {
        "invitee": command.invitee,
        "spend": spend_fen,
        "from": rfc3339(referral.bound_at),
        "until": rfc3339(invitation.share_at),
    }
    change = _rewarded(inviter, given, context, kind="referral_share", command=command, told=told)
    referrer = referrer_of(inviter)
    return change._replace(
        invitation=settled._replace(share_points=points),
        referrer=referrer._replace(earned=referrer.earned + points),
    )


def _spend_fen(invitee: Member, referral: Referral, invitation: Invitation) -> int:
    """What is left of the invitee's settled orders of the time that was promised."""
    assert invitation.share_at is not None, "it is due"
    return sum(
        _rest_fen(lot)
        for lot in invitee.lots.values()
        if lot.order_id is not None
        and not lot.pending
        and referral.bound_at <= lot.accrued_at < invitation.share_at
    )


def _share_points(spend_fen: int, program: Program) -> int:
    terms = program.referral
    share = None if terms is None else terms.share
    assert share is not None, "it was promised"
    return int(Fraction(*share.percent) * spend_fen / (_PERCENT * program.earning.unit_fen))
