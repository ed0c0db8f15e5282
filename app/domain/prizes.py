"""What campaigns give besides points and growth: coupons and lottery chances."""

from collections import Counter as Count
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from app.domain.account import Account, Code, Counter, Coupon, Tally
from app.domain.boosts import Boost
from app.domain.coupon_issuing import Handed, hand_out, shown
from app.domain.orders import Order
from app.domain.posting import Context, Member
from app.domain.shelf import NeedsMore


class Prizes(NamedTuple):
    """The account with what was given, the rows of it, and what the entry tells."""

    account: Account
    coupons: tuple[Coupon, ...] = ()
    codes: tuple[Code, ...] = ()
    counters: tuple[Counter, ...] = ()
    tallies: tuple[Tally, ...] = ()
    detail: Mapping[str, Any] = {}


def give_prizes(member: Member, account: Account, boosts: Iterable[Boost], context: Context) -> Prizes:
    """Give the coupons and the chances among these. A coupon that can't be given stands in nobody's way: it is told.

    `account` is as a decision under way has it already. Raises NeedsMore.
    """
    prizes = [boost for boost in boosts if boost.template is not None or boost.kind == "add_chances"]
    if not prizes:
        return Prizes(account)  # most campaigns give points alone
    handed, chances = Handed(account), 0
    tallies: list[Tally] = []
    for boost in prizes:
        if boost.template is None:
            chances += boost.amount
            tallies.append(Tally(boost.campaign, chances=boost.amount))
        else:
            before = handed
            handed = hand_out(member, before, [boost.template] * boost.pieces, context, source="campaign")
            given = len(handed.coupons) - len(before.coupons)
            tallies.append(Tally(boost.campaign, coupons=given))
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


def withdraw(
    member: Member, account: Account, codes: Collection[str], context: Context
) -> tuple[Account, tuple[Coupon, ...]]:
    """Those of the member's coupons that nobody used yet are void: the account without them, and they themselves.

    `account` is as a decision under way has it already. Raises NeedsMore.
    """
    if not member.coupons.keys() >= set(codes):
        raise NeedsMore(coupons=frozenset((account.member_id, code) for code in codes))
    unused = [member.coupons[code] for code in codes if member.coupons[code].status == "issued"]
    usable = sum(coupon.valid_from <= context.now for coupon in unused)
    return account._replace(coupons=account.coupons - usable), tuple(
        coupon._replace(status="voided") for coupon in unused
    )


def take_back_prizes(member: Member, account: Account, order: Order, context: Context) -> Prizes:
    """Of an order that came back whole: the coupons nobody used yet are void, the chances that are left are gone.

    `account` is as a decision under way has it already. Raises NeedsMore.
    """
    after, voided = withdraw(member, account, order.coupons, context)
    chances, tallies = account.chances, list[Tally]()
    by_template = Count(coupon.template for coupon in voided)
    for boost in order.boosts:
        taken = min(chances, boost.amount) if boost.kind == "add_chances" else 0
        gone = min(by_template[boost.template], boost.pieces) if boost.template is not None else 0
        chances -= taken
        by_template[boost.template or ""] -= gone
        if taken or gone:
            tallies.append(Tally(boost.campaign, chances=-taken, coupons=-gone))
    detail: dict[str, Any] = {}
    if chances < account.chances:
        detail["chances"] = account.chances - chances
    if voided:
        detail["voided"] = [coupon.code for coupon in voided]
    return Prizes(
        after._replace(chances=chances),
        voided,
        tallies=tuple(tallies),
        detail=detail,
    )
