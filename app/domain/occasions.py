"""Campaigns that pay by themselves: on joining, on rising to a tier, and when a job says so (RULES.md: Campaigns)."""

from collections.abc import Iterator

from app.domain.account import Account
from app.domain.campaign_choice import applying
from app.domain.campaign_commands import PayCampaign
from app.domain.campaign_facts import standing_facts
from app.domain.campaigns import Campaign, Trigger
from app.domain.command import Command
from app.domain.compact import compact
from app.domain.posting import Change, Context, Member, post
from app.domain.rewards import give
from app.domain.standing import restand


def pay(member: Member, command: PayCampaign, context: Context) -> Change:
    """The campaign gives the member what it says, if it is open and for them; else nothing is written.

    The same occasion comes again later: what held then may hold.
    """
    account = member.account
    found = [
        campaign
        for campaign in applying(
            command.trigger,
            account,
            context.campaigns,
            lambda: {**standing_facts(member, account, context), **dict(command.facts)},
        )
        if campaign.campaign == command.campaign and _is_due(campaign, account)
    ]
    given = give(member, account, context, source="campaign", campaigns=found)
    if not given.tallies:
        return Change(account=account)
    detail = {**given.detail, "campaign": command.campaign, "occasion": command.occasion}
    restanding = restand(member, given.account, context, changed=given.lots)
    if restanding.detail:
        detail["tier_change"] = restanding.detail
    after, entry = post(
        account,
        restanding.account,
        kind="campaign",
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        lot=given.lot,
    )
    return Change(account=after, entry=entry, detail=detail, reviews=restanding.reviews, **given.rows())


def _is_due(campaign: Campaign, account: Account) -> bool:
    """Whether what was found when the member was looked for is still so now that the account is locked."""
    return campaign.trigger != "balance" or account.available >= campaign.balance


def occasions(before: Account | None, change: Change, context: Context) -> Iterator[Command]:
    """What campaigns of joining and of rising to a tier are to be asked after a change."""
    after = change.account
    if before is None:
        yield from _ask("enrolment", "enrolment", after, context)
        return
    if before.tier == after.tier or not context.campaigns.open("tier_change"):
        return
    if context.program.tier(after.tier).rank > context.program.tier(before.tier).rank:
        facts = (("event.from", before.tier), ("event.to", after.tier))
        yield from _ask("tier_change", f"tier/{after.tier}", after, context, facts)


def _ask(
    trigger: Trigger,
    occasion: str,
    account: Account,
    context: Context,
    facts: tuple[tuple[str, str | int], ...] = (),
) -> Iterator[Command]:
    if account.status != "active":
        return
    for campaign in context.campaigns.open(trigger):
        yield PayCampaign(
            member_id=account.member_id,
            campaign=campaign.campaign,
            trigger=trigger,
            occasion=occasion,
            facts=facts,
        )
