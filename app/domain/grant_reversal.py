"""What was granted outside an order is taken back whole: an activity taken down, an invitation or a mission undone.

Its points as those of an order (RULES.md: refund of an order, debt); growth and the chances that are left go down, and
the coupons that nobody used yet are void.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.account import SUMS_OF_CAMPAIGNS, Lot, Tally
from app.domain.command import Command
from app.domain.compact import compact
from app.domain.lots import moves, with_due_dates
from app.domain.posting import Change, Context, Member, Told, post
from app.domain.prizes import withdraw
from app.domain.reversal import TakenBack, recover
from app.domain.standing import restand


def undo_grant(
    member: Member, of: str, command: Command, context: Context, *, key: str | None = None, **more: object
) -> Change:
    """Take back what the member's entry under the key `of` granted, by an entry of the command's kind, which tells
    `more` besides; under `key` if that is not the command's own. The member is loaded with all lots. Raises NeedsMore.
    """
    back, detail = _take_back(member, member.told[of], context)
    detail |= {"undoes": of, **more}
    after, entry = post(
        member.account,
        back.account,
        kind=command.kind,
        key=key or command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
    )
    return Change(
        account=after,
        entry=entry,
        detail=detail,
        lots=back.lots,
        reviews=back.reviews,
        tallies=back.tallies,
        coupons=back.coupons,
    )


def _take_back(member: Member, told: Told, context: Context) -> tuple[TakenBack, dict[str, Any]]:
    """What becomes of the member, and what the entry tells of it."""
    account = member.account
    lot = None if told.lot is None else member.lots[told.lot]
    points = 0 if lot is None else lot.granted
    lots: tuple[Lot, ...] = ()
    shortfall = 0
    growth = told.detail.get("growth", 0)
    chances = min(told.detail.get("chances", 0), account.chances)
    after, voided = withdraw(
        member, account, [coupon["code"] for coupon in told.detail.get("coupons", ())], context
    )
    after = after._replace(
        growth=account.growth - growth, chances=account.chances - chances, earned=account.earned - points
    )
    if lot is not None:
        recovered = recover(member.lots, lot._replace(terms=compact({"taken_back": True})), points, context)
        lots, shortfall = recovered.lots, recovered.shortfall
        after = with_due_dates(
            after._replace(
                available=after.available - recovered.available,
                debt=after.debt + shortfall,
                expired=after.expired - recovered.expired,
            ),
            {**member.lots, **{changed.lot: changed for changed in lots}}.values(),
            context.programs,
        )
    restanding = restand(member, after, context, changed=lots, refunded=True)
    detail: dict[str, Any] = {
        "points": points,
        "recovered": points - shortfall,
        "shortfall": shortfall,
        "moves": moves(member.lots, lots),
    }
    if growth:
        detail["growth"] = growth
    if chances:
        detail["chances"] = -chances
    if voided:
        detail["voided"] = [coupon.code for coupon in voided]
    if restanding.detail:
        detail["tier_change"] = restanding.detail
    back = TakenBack(
        restanding.account,
        lots,
        points,
        shortfall,
        restanding.reviews,
        restanding.detail,
        tuple(_tallies(told.detail, chances, len(voided))),
        voided,
    )
    return back, detail


def _tallies(told: Mapping[str, Any], chances: int, coupons: int) -> Iterator[Tally]:
    """What campaigns lose of what the entry `told` they gave: their points, those `chances` that were left, and the
    `coupons` that are void.
    """
    for campaign, gave in told.get("campaigns", {}).items():
        sums = {**dict.fromkeys(SUMS_OF_CAMPAIGNS, 0), **dict(zip(SUMS_OF_CAMPAIGNS, gave, strict=False))}
        lost, void = min(chances, sums["chances"]), min(coupons, sums["coupons"])
        chances, coupons = chances - lost, coupons - void
        yield Tally(campaign, chances=-lost, coupons=-void, taken_back=sums["points"])
