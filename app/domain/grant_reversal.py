"""What was granted outside an order is taken back whole: an activity taken down, an invitation undone.

Its points as those of an order (RULES.md: refund of an order, debt); growth and the chances that are left go down.
Coupons stay.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.account import SUMS_OF_CAMPAIGNS, Lot, Tally
from app.domain.compact import compact
from app.domain.lots import moves, with_due_dates
from app.domain.posting import Context, Member
from app.domain.reversal import TakenBack, recover
from app.domain.standing import restand


def take_back_grant(
    member: Member, lot: Lot | None, told: Mapping[str, Any], context: Context
) -> tuple[TakenBack, dict[str, Any]]:
    """Take back what an entry `told` it granted, in `lot` if there were points: what becomes of the member, and what
    the entry that does so tells of it. The member is loaded with all lots.
    """
    account = member.account
    points = 0 if lot is None else lot.granted
    lots: tuple[Lot, ...] = ()
    shortfall = 0
    growth = told.get("growth", 0)
    chances = min(told.get("chances", 0), account.chances)
    after = account._replace(
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
    if restanding.detail:
        detail["tier_change"] = restanding.detail
    back = TakenBack(
        restanding.account,
        lots,
        points,
        shortfall,
        restanding.reviews,
        restanding.detail,
        tuple(_tallies(told, chances)),
    )
    return back, detail


def _tallies(told: Mapping[str, Any], chances: int) -> Iterator[Tally]:
    """What campaigns lose of what the entry `told` they gave: their points, and those `chances` that were left."""
    for campaign, gave in told.get("campaigns", {}).items():
        sums = dict(zip(SUMS_OF_CAMPAIGNS, gave, strict=True))
        lost = min(chances, sums["chances"])
        chances -= lost
        yield Tally(campaign, chances=-lost, taken_back=sums["points"])
