"""Which rule decides which command. A new command is a class in `commands.py`, a decision, and a line here."""

from collections.abc import Callable, Mapping
from typing import Any

from app.domain import (
    accrual,
    activities,
    adjustments,
    benefit_grants,
    campaign_choice,
    checkout_completion,
    checkout_refunds,
    checkouts,
    coupon_issuing,
    coupons,
    members,
    missions,
    occasions,
    redemptions,
    referral_binding,
    referrals,
    reversal,
    sign_in,
    standing,
    tier_coupons,
    tier_gifts,
    transfers,
)
from app.domain import activity_commands as of_activities
from app.domain import benefit_commands as of_benefits
from app.domain import campaign_commands as of_campaigns
from app.domain import checkout_commands as at_checkout
from app.domain import commands as ask
from app.domain import coupon_commands as of_coupons
from app.domain import mission_commands as of_missions
from app.domain import referral_commands as of_referrals
from app.domain.account import Lot
from app.domain.command import Command
from app.domain.errors import MemberErased, MemberFrozen, MemberNotFound
from app.domain.expiry import expires_at
from app.domain.lots import with_due_dates
from app.domain.posting import Change, Context, Member

_JOINING: dict[type[Command], Callable[[Member | None, Any, Context], Change]] = {
    ask.Import: members.bring_along,
}

# Those that ask of other members, too.
_TOGETHER: dict[type[Command], Callable[[Mapping[str, Member], Any, Context], Change]] = {
    ask.Enrol: members.enrol,
    of_referrals.PayReferral: referrals.pay,
    of_referrals.UndoReferral: referrals.undo,
    of_referrals.PayReferralShare: referrals.pay_share,
}

_DECISIONS: dict[type[Command], Callable[[Member, Any, Context], Change]] = {
    ask.Accrue: accrual.accrue,
    ask.Settle: accrual.settle,
    ask.Reverse: reversal.reverse,
    ask.Redeem: redemptions.redeem,
    ask.Commit: redemptions.commit,
    ask.Cancel: redemptions.cancel,
    ask.Refund: redemptions.refund,
    ask.SignIn: sign_in.sign_in,
    ask.Adjust: adjustments.adjust,
    ask.Freeze: members.freeze,
    ask.Unfreeze: members.freeze,
    ask.Erase: members.erase,
    ask.Mature: lambda member, _command, _context: Change(account=member.account),
    ask.EvaluateTier: standing.evaluate_tier,
    ask.SetTier: standing.set_tier,
    ask.DecideReview: standing.decide_review,
    of_coupons.ClaimCoupon: coupon_issuing.claim,
    of_coupons.IssueCoupon: coupon_issuing.issue,
    of_coupons.LockCoupon: coupons.lock,
    of_coupons.UnlockCoupon: coupons.unlock,
    of_coupons.RedeemCoupon: coupons.redeem,
    of_coupons.RollBackCoupon: coupons.roll_back,
    of_coupons.VoidCoupon: coupons.void,
    of_benefits.GrantBenefit: benefit_grants.grant,
    of_benefits.RevokeBenefit: benefit_grants.revoke,
    of_benefits.GiveBirthdayCoupon: tier_coupons.give_birthday_coupon,
    of_campaigns.PayCampaign: occasions.pay,
    of_campaigns.UndoCampaign: tier_gifts.undo,
    of_activities.RecordActivity: activities.record,
    of_activities.ReverseActivity: activities.reverse,
    of_missions.PayMission: missions.pay,
    of_missions.UndoMission: missions.undo,
    of_referrals.MakeReferralCode: referral_binding.make_code,
    at_checkout.HoldCheckout: checkouts.hold,
    at_checkout.ExtendCheckout: checkouts.extend,
    at_checkout.CompleteCheckout: checkout_completion.complete,
    at_checkout.CancelCheckout: checkouts.cancel,
    at_checkout.RefundCheckout: checkout_refunds.refund,
}


def decide(members: Mapping[str, Member], command: Command, context: Context) -> Change:
    """The change a command makes on members brought up to date. Raises the refusal of its rule, having done nothing.

    Shared refusals: MemberNotFound, MemberFrozen, MemberErased.
    """
    member = members.get(command.member_id)
    joining = _JOINING.get(type(command))
    if joining is not None:
        return joining(member, command, context)
    together = _TOGETHER.get(type(command))
    if together is not None:
        return _counted(members, member, together(members, command, context), context)
    if member is None:
        raise MemberNotFound
    _check_standing(member, command)
    if isinstance(command, ask.Transfer):
        receiver = members.get(command.to)
        if receiver is None:
            raise MemberNotFound
        _check_standing(receiver, command)
        change = transfers.transfer(member, receiver, command, context)
    else:
        change = _DECISIONS[type(command)](member, command, context)
    change = _counted(members, member, referrals.undoing(member, change, context), context)
    if command.keeps_alive and context.program.validity.policy == "inactivity":
        return _kept_alive(member, change, context)
    return change


def _counted(
    members: Mapping[str, Member], member: Member | None, change: Change, context: Context
) -> Change:
    """The change with what it counts for the missions and the campaigns of those it is about, and what it takes of
    their gifts for tiers; who just joins has none.
    """
    if member is not None:
        change = _counted_of(member, change, context)
    if change.other is not None:
        other = members[change.other.account.member_id]
        change = change._replace(other=_counted_of(other, change.other, context))
    return change


def _counted_of(member: Member, change: Change, context: Context) -> Change:
    change = tier_gifts.losing(member, change, context)
    return campaign_choice.counted(member, missions.counted(member, change, context), context)


def _check_standing(member: Member, command: Command) -> None:
    status = member.account.status
    if status == "erased" and (command.needs_active or command.needs_person):
        raise MemberErased
    if status == "frozen" and command.needs_active:
        raise MemberFrozen


def _kept_alive(member: Member, change: Change, context: Context) -> Change:
    """Under `inactivity`, what a member does moves the expiry of all they hold (RULES.md: validity)."""
    until = expires_at(context.now, context.program)
    assert until is not None
    lots: dict[int, Lot] = {**member.lots, **{lot.lot: lot for lot in change.lots}}
    moved = {
        lot.lot: lot._replace(expires_at=until)
        for lot in lots.values()
        if lot.expires_at is not None
        and context.now < lot.expires_at < until
        and lot.remaining + lot.reserved > 0
    }
    account = with_due_dates(change.account, {**lots, **moved}.values(), context.programs)
    touched = {**{lot.lot: lot for lot in change.lots}, **moved}
    return change._replace(account=account, lots=tuple(touched.values()))
