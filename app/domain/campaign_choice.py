"""Which campaigns apply to something that happens to a member, and how much their budgets let them pay.

Source: RULES.md, Campaigns. They apply in the order of their priority; one that does not stack applies only as the
first, and then alone. One whose budget is spent, or that holds the member out, counts as if it were not there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import add
from typing import Literal, NamedTuple

from app.domain.account import Account, CampaignPoints, Tally
from app.domain.campaigns import Campaign, Facts, Trigger
from app.domain.posting import Change, Context, Member, telling
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


class Judged(NamedTuple):
    """What becomes of a campaign, with the words of what failed."""

    campaign: Campaign
    outcome: Outcome
    error: str = ""


def judge(campaigns: Iterable[Campaign], account: Account, ask: Callable[[], Asking]) -> list[Judged]:
    """Each campaign: `applied` as far as it is for the member and its condition holds. `ask` is called at most once,
    and only if there is a condition to ask.
    """
    asking = _once(ask)
    return [Judged(campaign, *_outcome(campaign, account, asking)) for campaign in campaigns]


def applying(
    trigger: Trigger, account: Account, roster: Roster, facts: Callable[[], Facts]
) -> list[Campaign]:
    """The campaigns open for the trigger that are for the member, in the order they apply; failures are noted."""
    open_now = roster.open(trigger)
    if not open_now:
        return []
    found: list[Campaign] = []
    asking = roster.ask(trigger, facts())
    for campaign in open_now:
        outcome, error = _outcome(campaign, account, asking)
        if outcome == "applied":
            found.append(campaign)
        elif outcome == "failed":
            roster.failed(campaign.campaign, error)
    return found


def _once(ask: Callable[[], Asking]) -> Asking:
    """What `ask` returns, which is called when the first condition is asked."""
    asking: Asking | None = None

    def asked(expression: str) -> bool:
        nonlocal asking
        if asking is None:
            asking = ask()
        return asking(expression)

    return asked


def _outcome(campaign: Campaign, account: Account, asking: Asking) -> tuple[Outcome, str]:
    """What becomes of a campaign before budgets and stacking, with the words of what failed."""
    if campaign.tiers and account.tier not in campaign.tiers:
        return "not_for_tier", ""
    try:
        if campaign.audience is not None and not asking(campaign.audience):
            return "not_in_audience", ""
        if campaign.condition is not None and not asking(campaign.condition):
            return "condition_false", ""
    except ConditionFailed as failure:
        return "failed", str(failure)
    return ("held_out" if campaign.holds_out(account.member_id) else "applied"), ""


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
        if not wanted:
            points[code] = 0
            continue
        allowed = wanted
        if (most := campaign.budget.per_member) is not None:
            allowed = min(allowed, most - member.given.get(code, 0))
        budgets = budgets_of(campaign, context.today.isoformat())
        for budget in budgets:
            if allowed > 0:
                allowed = context.campaigns.left(budget, allowed)
        if allowed <= 0:
            spent.add(code)
            continue
        points[code] = allowed
        for budget in budgets:
            draws[budget] = allowed
    return Limited(points, frozenset(spent), draws)


def budgets_of(campaign: Campaign, today: str) -> list[str]:
    """The budgets that all members share, by the keys their shares are kept under."""
    found: list[str] = []
    if campaign.budget.points is not None:
        found.append(campaign.campaign)
    if campaign.budget.per_day is not None:
        found.append(f"{campaign.campaign}/{today}")
    return found


def counted(member: Member, change: Change, context: Context) -> Change:
    """The change with what campaigns gave by it: told by its entry if it is not yet, those remembered that gave the
    member something for the first time, and counted what those gave so far that give each member only so much.
    """
    if not change.tallies:
        return change
    if "campaigns" not in change.detail:
        change = telling(change, campaigns=sums_of(change.tallies))
    account, numbers = change.account, context.campaigns.numbers
    newcomers: list[str] = []
    given: dict[str, int] = {}
    for tally in change.tallies:
        code = tally.campaign
        if tally.times and (number := numbers.get(code)) is not None and not account.took_part_in(number):
            account = account.taking_part_in(number)
            newcomers.append(code)
        if tally.points and (member.limited is None or code in member.limited):
            given[code] = given.get(code, member.given.get(code, 0)) + tally.points
    if not newcomers and not given:
        return change
    rows = tuple([CampaignPoints(account.bucket, account.member_id, *each) for each in given.items()])
    return change._replace(account=account, newcomers=tuple(newcomers), given=rows)


def sums_of(tallies: Iterable[Tally]) -> dict[str, list[int]]:
    """What campaigns gave or lost as entries tell it, so that what is counted of them can be proved:
    {campaign: [times, amount, ...]}, in the order of `SUMS_OF_CAMPAIGNS`, up to the last that is not 0.
    """
    sums: dict[str, list[int]] = {}
    for code, *more in tallies:
        before = sums.get(code)
        sums[code] = more if before is None else list(map(add, before, more))
    for figures in sums.values():
        while figures and not figures[-1]:
            figures.pop()
    return sums
