"""What would happen, and why: a command decided as live, on a member as they are or made up, and nothing written.

The decision is the ledger's own, with all that follows from it. What is added here is the reason why each campaign did
or did not take part, asked of the same facts once more (API.md: simulations).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from app.domain.account import Account
from app.domain.boosts import boosts_of
from app.domain.campaign_choice import Judged, Outcome, budgets_of, judge, stacked
from app.domain.campaign_commands import PayCampaign
from app.domain.campaigns import Campaign, Facts, Trigger
from app.domain.command import Command
from app.domain.decisions import decide
from app.domain.earning import told_parts
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.follow_ups import follow_ups
from app.domain.members import new_account
from app.domain.posting import Change, Context, Member
from app.domain.roster import Asking
from app.domain.shelf import NeedsMore
from app.domain.standing import restand

MADE_UP = "made-up"
"""The id of a member who is nobody."""

Seen = Outcome | Literal["not_open", "other_trigger", "acts_at_till", "adds_nothing"]

_WORDS: Mapping[Seen, str] = {
    "applied": "It took part.",
    "not_for_tier": "It is for other tiers than the member's.",
    "not_in_audience": "The member is not in its audience.",
    "condition_false": "Its condition does not hold.",
    "held_out": "The member is in its control group, which gets nothing.",
    "failed": "Its conditions could not be evaluated.",
    "budget_spent": "Its budget, or what it gives one member, is used up.",
    "shadowed": "Another goes before it with which it does not stack.",
    "not_open": "Its window is not open then, or its recurrence does not name the day.",
    "other_trigger": "It is for something else that happens to members.",
    "acts_at_till": "It acts when a cart is priced: a quote shows it.",
    "adds_nothing": "It applies, and has nothing to add.",
}


class SimulationRepeats(LoyaltyError):
    code = "simulation_repeats"
    kind = ErrorKind.CONFLICT
    title = "This happened already"

    def __init__(self) -> None:
        super().__init__(
            "The member did this already: asked of the ledger again it would be answered as the first time. Simulate "
            "another order or reference, or the next day."
        )


class SimulationTooEarly(LoyaltyError):
    code = "simulation_too_early"
    kind = ErrorKind.UNPROCESSABLE
    title = "The member had not come so far then"

    def __init__(self) -> None:
        super().__init__(
            "`at` lies before the member's last entry. Leave it out, name a later moment, or make a member up."
        )


class MadeUp(NamedTuple):
    """A member who does not exist. No `tier`: the one they deserve, the lowest where that is
    a matter of time. Amounts in the minor unit.
    """

    tier: str | None = None
    spend_fen: int = 0
    orders: int = 0
    available: int = 0
    growth: int = 0
    joined_at: datetime | None = None
    traits: Mapping[str, Any] = {}

    def member(self, context: Context) -> Member:
        """The member as of the context. Raises TierNotFound."""
        account = new_account(MADE_UP, context)._replace(
            spend=self.spend_fen,
            orders=self.orders,
            available=self.available,
            earned=self.available,
            growth=self.growth,
            joined_at=self.joined_at or context.now,
        )
        if self.tier is None:
            account = restand(Member(account), account, context, changed=()).account
        else:
            account = account._replace(tier=context.program.tier(self.tier).code)
        member = Member(account)
        member.traits = self.traits
        return member


class Looked(NamedTuple):
    """A campaign, what became of it, and why in words."""

    campaign: Campaign
    outcome: Seen
    detail: str


class Simulated(NamedTuple):
    """The member before and after, every change there would be, and the campaigns looked at."""

    before: Account
    after: Account
    changes: tuple[Change, ...]
    campaigns: tuple[Looked, ...]


class Simulation:
    """One command on `members`, who are changed by it; `known` has the (member, key) pairs of what happened already.

    `loaded` are the commands that may follow from it, where each needs something loaded; None: any.
    """

    def __init__(
        self,
        members: Mapping[str, Member],
        context: Context,
        *,
        known: Collection[tuple[str, str]] = (),
        loaded: Collection[Command] | None = None,
    ) -> None:
        self._members = members
        self._context = context
        self._known = set(known)
        self._loaded = loaded
        self._fired: dict[Trigger, Account] = {}
        self._facts: dict[Trigger, Facts] = {}
        self._ask = context.campaigns.ask

    def run(self, command: Command, considered: Iterable[Campaign]) -> Simulated:
        """What would happen; `considered` are the campaigns to tell of.

        Raises the refusal of the command, SimulationRepeats, NeedsMore.
        """
        if (command.member_id, command.natural_key(self._context.today)) in self._known:
            raise SimulationRepeats
        member = self._members[command.member_id]
        before = member.account
        self._context.campaigns.ask = self._asking
        changes = tuple(self._happen(command))
        return Simulated(before, member.account, changes, tuple(self._looked(considered, changes)))

    def _asking(self, trigger: Trigger, facts: Facts) -> Asking:
        self._facts[trigger] = facts
        return self._ask(trigger, facts)

    def _happen(self, command: Command) -> list[Change]:
        """The changes of a command and of what follows from it, each of which happens once."""
        before = {member_id: self._members[member_id].account for member_id in command.members}
        trigger = command.trigger if isinstance(command, PayCampaign) else command.fires
        if trigger is not None:
            self._fired.setdefault(trigger, before[command.member_id])
        change = decide(self._members, command, self._context)
        changes: list[Change] = []
        for part in (change,) if change.other is None else (change, change.other):
            self._members[part.account.member_id].apply(part)
            self._context.shelf.put(part.counters, part.codes)
            self._context.campaigns.draw(part.draws)
            changes.append(part)
        for part in tuple(changes):
            for following in follow_ups(before[part.account.member_id], part, self._context):
                changes += self._follow(following)
        return changes

    def _follow(self, command: Command) -> Sequence[Change]:
        key = command.natural_key(self._context.today)
        occasion = command.member_id, key or ""
        if key is not None and occasion in self._known:
            return ()
        if self._loaded is not None and command not in self._loaded:
            raise NeedsMore(commands=frozenset({command}))
        self._known.add(occasion)
        try:
            return self._happen(command)
        except LoyaltyError:
            return ()  # as live: what follows and is refused is left out

    # --- why ----------------------------------------------------------------------------------------------

    def _looked(self, considered: Iterable[Campaign], changes: Iterable[Change]) -> Iterable[Looked]:
        paid = {
            tally.campaign
            for change in changes
            for tally in change.tallies
            if tally.points or tally.growth or tally.chances or tally.coupons
        }
        troubles = {failure.campaign: failure.error for failure in self._context.campaigns.failures}
        for campaign in considered:
            outcome = "applied" if campaign.campaign in paid else self._outcome(campaign, paid)
            trouble = troubles.get(campaign.campaign)
            detail = _WORDS[outcome] if trouble is None else f"{_WORDS[outcome]} ({trouble})"
            yield Looked(campaign, outcome, detail)

    def _outcome(self, campaign: Campaign, paid: Collection[str]) -> Seen:
        account = self._fired.get(campaign.trigger)
        if account is None:
            return "other_trigger"
        if self._context.campaigns.find(campaign.trigger, campaign.campaign) is None:
            return "not_open"
        judged = self._judged(campaign.trigger, account)[campaign.campaign]
        if judged.outcome != "applied":
            return judged.outcome
        if self._is_spent(campaign):
            return "budget_spent"
        if campaign not in self._chosen(campaign.trigger, account, paid):
            return "shadowed"
        return "acts_at_till" if not [*boosts_of(campaign)] else "adds_nothing"

    def _judged(self, trigger: Trigger, account: Account) -> dict[str, Judged]:
        """What becomes of each campaign open for the trigger, before budgets and stacking, asked of the same facts."""
        found = judge(
            self._context.campaigns.open(trigger), account, lambda: self._ask(trigger, self._facts[trigger])
        )
        return {judged.campaign.campaign: judged for judged in found}

    def _chosen(self, trigger: Trigger, account: Account, paid: Collection[str]) -> Sequence[Campaign]:
        """Those that apply together, of those that could pay."""
        return stacked(
            [
                judged.campaign
                for code, judged in self._judged(trigger, account).items()
                if judged.outcome == "applied" and (code in paid or not self._is_spent(judged.campaign))
            ]
        )

    def _is_spent(self, campaign: Campaign) -> bool:
        most, given = campaign.budget.per_member, self._given(campaign)
        if most is not None and given >= most:
            return True
        today = self._context.today.isoformat()
        return any(not self._context.campaigns.left(budget, 1) for budget in budgets_of(campaign, today))

    def _given(self, campaign: Campaign) -> int:
        account = self._fired[campaign.trigger]
        return self._members[account.member_id].given.get(campaign.campaign, 0)


def told(simulated: Simulated, context: Context) -> dict[str, Any]:
    """What is answered: the member's own part of what would happen."""
    own = [
        change
        for change in simulated.changes
        if change.account.member_id == simulated.before.member_id and change.entry is not None
    ]
    before, after = simulated.before, simulated.after
    breakdown = [
        part
        for change in own
        for part in told_parts(
            change.detail.get("breakdown", ()), version=change.detail.get("version", context.program.version)
        )
    ]
    return {
        "points": sum(part["points"] for part in breakdown),
        "breakdown": breakdown,
        "growth": after.growth - before.growth,
        "cash": after.cash - before.cash,
        "chances": after.chances - before.chances,
        "coupons": [coupon.template for change in own for coupon in change.coupons],
        "tier": {"before": before.tier, "after": after.tier},
        "balance": {
            "available": after.available,
            "pending": after.pending,
            "reserved": after.reserved,
            "debt": after.debt,
        },
        "campaigns": [
            {
                "campaign": looked.campaign.campaign,
                "name": looked.campaign.name,
                "version": looked.campaign.version,
                "outcome": looked.outcome,
                "detail": looked.detail,
            }
            for looked in simulated.campaigns
        ],
    }
