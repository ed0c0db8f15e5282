"""Campaigns that pay by themselves: on joining, on rising to a tier, and when a job says so (RULES.md: Campaigns)."""

from collections.abc import Iterator
from functools import partial

from app.domain.account import Account
from app.domain.boosts import boosts_of
from app.domain.campaign_choice import judge, limit, stacked
from app.domain.campaign_commands import PayCampaign, key_of_payment
from app.domain.campaign_facts import CampaignFacts
from app.domain.campaigns import ONE_OCCASION, Campaign, Trigger
from app.domain.command import Command
from app.domain.gifts import number_due
from app.domain.posting import Change, Context, Member
from app.domain.program import Program
from app.domain.rewards import give, post_grant
from app.domain.roster import Roster
from app.domain.tier_gifts import key_due


def pay(member: Member, command: PayCampaign, context: Context) -> Change:
    """The campaign gives the member what it says, if it is open and for them; else nothing is written.

    The same occasion comes again later: what held then may hold.
    """
    account = member.account
    key = command.natural_key(context.today) or key_due(member, command)
    if key is None:
        return Change(account=account)
    found = [each for each in _applying(member, command, context) if each.campaign == command.campaign]
    given = give(member, account, context, source="campaign", campaigns=found)
    if not given.tallies:
        return Change(account=account)
    detail = {**given.detail, "campaign": command.campaign, "occasion": command.occasion}
    return post_grant(member, given, command, context, detail=detail, key=key)


def _applying(member: Member, command: PayCampaign, context: Context) -> list[Campaign]:
    """The campaign if it is for the member, with those that share its occasion where not all of them stack."""
    account, roster, trigger = member.account, context.campaigns, command.trigger
    asked = [campaign for campaign in roster.open(trigger) if campaign.campaign == command.campaign]
    if trigger in ONE_OCCASION and not all(campaign.stacks for campaign in roster.open(trigger)):
        asked = roster.open(trigger)
    found: list[Campaign] = []
    facts = partial(CampaignFacts, member, account, context, event=dict(command.facts))
    for campaign, outcome, error in judge(asked, account, lambda: roster.ask(trigger, facts())):
        if outcome == "applied" and _is_due(campaign, account):
            found.append(campaign)
        elif outcome == "failed" and campaign.campaign == command.campaign:
            roster.failed(campaign.campaign, error)
    if all(campaign.stacks for campaign in found):
        return found
    a_point = {
        each.campaign: 1 for each in found if any(boost.kind == "add_points" for boost in boosts_of(each))
    }
    spent = limit(found, a_point, member, context).spent
    return stacked(
        [
            campaign
            for campaign in found
            if campaign.campaign not in spent or _has_paid(member, campaign.campaign, command)
        ]
    )


def _has_paid(member: Member, campaign: str, command: PayCampaign) -> bool:
    """Whether it has paid on this very occasion, which may have spent its budget: so it is not one that isn't there."""
    if command.trigger == "tier_change":
        return number_due(member, campaign, command.occasion.removeprefix("tier/")) is None
    return key_of_payment(campaign, command.occasion) in member.told


def _is_due(campaign: Campaign, account: Account) -> bool:
    """Whether what was found when the member was looked for is still so now that the account is locked."""
    return campaign.trigger != "balance" or account.available >= campaign.balance


def occasions(before: Account | None, change: Change, context: Context) -> Iterator[Command]:
    """What campaigns of joining and of rising to a tier are to be asked after a change; what they lose by it.

    Who is brought along joined, and came to their tier, elsewhere: no campaign of here is asked.
    """
    after = change.account
    if change.entry is not None and change.entry.kind == "import":
        return
    if before is None:
        yield from _ask("enrolment", "enrolment", after, context.campaigns)
        return
    yield from change.lost
    if before.tier != after.tier:
        yield from on_rising(before, after.tier, context.program, context.campaigns)


def on_rising(before: Account, tier: str, program: Program, campaigns: Roster) -> Iterator[Command]:
    """What campaigns are to be asked when the member comes to this tier; nothing if it is no higher one."""
    if campaigns.open("tier_change") and program.tier(tier).rank > program.tier(before.tier).rank:
        facts = (("event.from", before.tier), ("event.to", tier))
        yield from _ask("tier_change", f"tier/{tier}", before, campaigns, facts)


def _ask(
    trigger: Trigger,
    occasion: str,
    account: Account,
    campaigns: Roster,
    facts: tuple[tuple[str, str | int], ...] = (),
) -> Iterator[Command]:
    if account.status != "active":
        return
    for campaign in campaigns.open(trigger):
        yield PayCampaign(
            member_id=account.member_id,
            campaign=campaign.campaign,
            trigger=trigger,
            occasion=occasion,
            facts=facts,
        )
