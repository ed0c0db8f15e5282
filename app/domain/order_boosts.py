"""What campaigns add to an order, decided when it is recorded (RULES.md: back-dated orders, Campaigns)."""

from collections.abc import Mapping
from typing import NamedTuple

from app.domain.account import Account, Tally
from app.domain.boosts import Boost
from app.domain.campaign_choice import applying, limit, stacked
from app.domain.campaign_facts import CampaignFacts
from app.domain.earning import Earned
from app.domain.orders import Order
from app.domain.posting import Context, Member


class Boosted(NamedTuple):
    """An order with what campaigns add to it: what it earns, what they gave, what that draws from their budgets."""

    order: Order
    reward: Earned
    tallies: tuple[Tally, ...] = ()
    draws: Mapping[str, int] = {}


def boosted(member: Member, account: Account, order: Order, context: Context) -> Boosted:
    """The order as the campaigns that apply to it leave it. `account` is as a decision under way has it.

    One for which no money was paid takes part in none: its refund would have nothing to go by, and coupons for it could
    be had again and again. Raises NeedsMore.
    """
    campaigns = applying(
        "order",
        account,
        context.campaigns,
        lambda: CampaignFacts(member, account, context, order=order),
    )
    if not campaigns or not order.amount:
        return Boosted(order, _earned(order, account, context))
    spent: frozenset[str] = frozenset()
    while True:
        chosen = stacked([campaign for campaign in campaigns if campaign.campaign not in spent])
        boosts = [boost for campaign in chosen for boost in context.campaigns.boosts(campaign)]
        order = order._replace(boosts=tuple(boosts))
        reward = _earned(order, account, context)
        paid = _paid(order, reward)
        limited = limit(chosen, paid, member, context)
        while not limited.spent and _exceeds(paid, limited.points):
            # Rounding may give the next one a point more than before.
            order = _within_caps(order, reward, limited.points)
            reward = _earned(order, account, context)
            paid = _paid(order, reward)
            limited = limit(chosen, paid, member, context)
        if not limited.spent:
            return Boosted(order, reward, _tallies(order, paid), limited.draws)
        spent |= limited.spent


def _earned(order: Order, account: Account, context: Context) -> Earned:
    return order.earned(tier=account.tier, program=context.program, spend_before=account.spend)


def _exceeds(paid: Mapping[str, int], points: Mapping[str, int]) -> bool:
    """Whether a campaign pays more than these points of it."""
    return paid != points and any(points[campaign] < of_it for campaign, of_it in paid.items())


def _within_caps(order: Order, reward: Earned, points: Mapping[str, int]) -> Order:
    """The order with boosts that pay no more than these points of each campaign, the first of its boosts first."""
    left = dict(points)
    boosts: list[Boost] = []
    for boost, paid in zip(order.boosts, reward.boosted, strict=True):
        most = left[boost.campaign]
        boosts.append(boost._replace(cap=most) if most < paid else boost)
        left[boost.campaign] = most - min(most, paid)
    return order._replace(boosts=tuple(boosts))


def _paid(order: Order, reward: Earned) -> dict[str, int]:
    """The points each campaign pays that adds something to the order."""
    paid: dict[str, int] = {}
    for boost, points in zip(order.boosts, reward.boosted, strict=True):
        paid[boost.campaign] = paid.get(boost.campaign, 0) + points
    return paid


def _tallies(order: Order, paid: Mapping[str, int]) -> tuple[Tally, ...]:
    """Those who give at the till alone are counted there."""
    growth: dict[str, int] = {}
    for boost in order.boosts:
        if boost.kind == "add_growth":
            growth[boost.campaign] = growth.get(boost.campaign, 0) + boost.amount
    return tuple(
        [
            Tally(campaign, 1, order.amount, points, growth.get(campaign, 0))
            for campaign, points in paid.items()
        ]
    )
