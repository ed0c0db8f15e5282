"""What campaigns give besides points and growth: coupons and lottery chances."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from app.domain.account import Account, CampaignMember, Code, Counter, Coupon
from app.domain.boosts import Boost
from app.domain.campaign_choice import tally
from app.domain.coupon_issuing import Handed, hand_out, shown
from app.domain.posting import Context, Member


class Prizes(NamedTuple):
    """The account with what was given, the rows of it, and what the entry tells."""

    account: Account
    coupons: tuple[Coupon, ...] = ()
    codes: tuple[Code, ...] = ()
    counters: tuple[Counter, ...] = ()
    tallies: tuple[CampaignMember, ...] = ()
    detail: Mapping[str, Any] = {}


def give_prizes(member: Member, account: Account, boosts: Iterable[Boost], context: Context) -> Prizes:
    """Give the coupons and the chances among these. A coupon that can't be given stands in nobody's way: it is told.

    `account` is as a decision under way has it already. Raises NeedsMore.
    """
    handed, chances = Handed(account), 0
    tallies: list[CampaignMember] = []
    for boost in boosts:
        if boost.kind == "add_chances":
            chances += boost.amount
            tallies.append(tally(account, boost.campaign, context, chances=boost.amount))
        elif boost.template is not None:
            before = handed
            handed = hand_out(member, before, [boost.template] * boost.pieces, context, source="campaign")
            given = len(handed.coupons) - len(before.coupons)
            tallies.append(tally(account, boost.campaign, context, coupons=given))
            for refusal in handed.refused[len(before.refused) :]:
                context.campaigns.failed(boost.campaign, f"{refusal['template']}: {refusal['code']}")
    detail: dict[str, Any] = {}
    if chances:
        detail["chances"] = chances
    if handed.coupons:
        detail["coupons"] = [shown(coupon) for coupon in handed.coupons]
    if handed.refused:
        detail["refused"] = handed.refused
    after = handed.account._replace(chances=account.chances + chances)
    return Prizes(after, handed.coupons, handed.codes, handed.counters, tuple(tallies), detail)
