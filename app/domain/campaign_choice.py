"""Which campaigns apply to something that happens to a member, and how much their budgets let them pay.

Source: RULES.md, Campaigns. They apply in the order of their priority; one that does not stack applies only as the
first, and then alone. One whose budget is spent, or that holds the member out, counts as if it were not there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from app.domain.account import SUMS_OF_CAMPAIGNS, Account, CampaignMember
from app.domain.campaigns import Campaign, Facts, Trigger
from app.domain.posting import Change, Context, Member, added, telling
from app.domain.roster import Asking, ConditionFailed, Roster

Outcome = Literal[
    "applied",
    "not_for_tier",
    "not_in_audience",
    "condition_false",
    "held_out",
    "failed",
    "budget_spent",
    "shadowed",
]


MOST_POINTS = 10**12
_FIRST_SUM = CampaignMember._fields.index(SUMS_OF_CAMPAIGNS[0])
_SUMS = slice(_FIRST_SUM, _FIRST_SUM + len(SUMS_OF_CAMPAIGNS))


class Judged(NamedTuple):
    """What becomes of a campaign, with the words of what failed."""

    campaign: Campaign
    outcome: Outcome
    error: str = ""


def judge(campaigns: Iterable[Campaign], account: Account, ask: Callable[[], Asking]) -> list[Judged]:
    """Each campaign: `applied` as far as it is for the member and its condition holds. `ask` is called at most once,
    and only if there is a condition to ask.
    """
    judged: list[Judged] = []
    asking: Asking | None = None
    for campaign in campaigns:
        if campaign.tiers and account.tier not in campaign.tiers:
            judged.append(Judged(campaign, "not_for_tier"))
            continue
        outcome: Outcome = "applied"
        error = ""
        try:
            for expression, otherwise in _conditions(campaign):
                asking = asking or ask()
                if not asking(expression):
                    outcome = otherwise
                    break
        except ConditionFailed as failure:
            outcome, error = "failed", str(failure)
        if outcome == "applied" and campaign.holds_out(account.member_id):
            outcome = "held_out"
        judged.append(Judged(campaign, outcome, error))
    return judged


def _conditions(campaign: Campaign) -> Iterable[tuple[str, Outcome]]:
    if campaign.audience is not None:
        yield campaign.audience, "not_in_audience"
    if campaign.condition is not None:
        yield campaign.condition, "condition_false"


def applying(
    trigger: Trigger, account: Account, roster: Roster, facts: Callable[[], Facts]
) -> list[Campaign]:
    """The campaigns open for the trigger that are for the member, in the order they apply; failures are noted."""
    campaigns = roster.open(trigger)
    if not campaigns:
        return []
    found: list[Campaign] = []
    for campaign, outcome, error in judge(campaigns, account, lambda: roster.ask(trigger, facts())):
        if outcome == "applied":
            found.append(campaign)
        elif outcome == "failed":
            roster.failed(campaign.campaign, error)
    return found


def stacked(campaigns: Sequence[Campaign]) -> list[Campaign]:
    """Those of the campaigns that apply together."""
    if campaigns and not campaigns[0].stacks:
        return [campaigns[0]]
    return [campaign for campaign in campaigns if campaign.stacks]


class Limited(NamedTuple):
    """What budgets let campaigns pay: the points of each, which of them are `spent`, what is drawn of each budget."""

    points: dict[str, int]
    spent: frozenset[str]
    draws: dict[str, int]


def limit(
    campaigns: Iterable[Campaign], paid: Mapping[str, int], member: Member, context: Context
) -> Limited:
    """Hold each campaign to its budgets: in all, per member, and per day of all members together.

    `paid` is what each would pay. The last grant of a budget is what is left of it; one that would pay more than a
    ledger can hold pays nothing. Raises NeedsMore.
    """
    points: dict[str, int] = {}
    spent: set[str] = set()
    draws: dict[str, int] = {}
    for campaign in campaigns:
        code, wanted = campaign.campaign, paid.get(campaign.campaign, 0)
        if wanted > MOST_POINTS:
            context.campaigns.failed(code, f"it would give more than {MOST_POINTS} points at once.")
            spent.add(code)
            break  # without it the next ones pay less
        allowed = wanted
        if wanted and (most := campaign.budget.per_member) is not None:
            given = member.given.get(code)
            allowed = min(allowed, most - (given.points if given else 0))
        budgets = budgets_of(campaign, context.today.isoformat())
        for budget in budgets:
            if allowed > 0:
                allowed = context.campaigns.left(budget, allowed)
        if wanted and allowed <= 0:
            spent.add(code)
            continue
        points[code] = allowed
        draws |= dict.fromkeys(budgets, allowed)
    return Limited(points, frozenset(spent), {budget: drawn for budget, drawn in draws.items() if drawn})


def budgets_of(campaign: Campaign, today: str) -> list[str]:
    """The budgets that all members share, by the keys their shares are kept under."""
    found: list[str] = []
    if campaign.budget.points is not None:
        found.append(campaign.campaign)
    if campaign.budget.per_day is not None:
        found.append(f"{campaign.campaign}/{today}")
    return found


def tally(
    account: Account,
    campaign: str,
    context: Context,
    *,
    times: int = 0,
    amount_fen: int = 0,
    points: int = 0,
    growth: int = 0,
    chances: int = 0,
    coupons: int = 0,
    discount_fen: int = 0,
    taken_back: int = 0,
) -> CampaignMember:
    """What more a campaign gave the member: to be added to what it gave before."""
    return CampaignMember(
        account.bucket,
        account.member_id,
        campaign,
        times,
        amount_fen,
        points,
        growth,
        chances,
        coupons,
        discount_fen,
        taken_back,
        context.now,
        context.now,
    )


def told(change: Change) -> Change:
    """The change whose entry tells what campaigns gave with it or lost by it, if it does not yet."""
    if not change.tallies or "campaigns" in change.detail:
        return change
    return telling(change, campaigns=sums_of(change.tallies))


def sums_of(tallies: Iterable[CampaignMember]) -> dict[str, tuple[Any, ...]]:
    """What campaigns gave or lost as entries tell it, so that what is counted of them can be proved:
    {campaign: (times, amount, ...)}, in the order of `SUMS_OF_CAMPAIGNS`.
    """
    sums: dict[str, CampaignMember] = {}
    for each in tallies:
        sums[each.campaign] = added(sums.get(each.campaign), each)
    return {code: row[_SUMS] for code, row in sums.items()}
