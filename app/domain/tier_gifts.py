"""What campaigns gave for reaching a tier goes with the tier, if a refund takes it (RULES.md: Campaigns, Tiers).

Not if time or a person takes it: who had it for its period earned what it gave. Reached again it gives again, as often
as it was taken back.
"""

from app.domain.campaign_commands import PayCampaign, UndoCampaign, key_of_payment
from app.domain.gifts import number_due, undoing
from app.domain.grant_reversal import undo_grant
from app.domain.posting import Change, Context, Member

_REFUNDS = frozenset(
    {"reverse", "refund_checkout", "reverse_activity", "referral_undo", "mission_undo", "campaign_undo"}
)


def key_due(member: Member, command: PayCampaign) -> str | None:
    """The key under which a campaign's gift for a tier is due; None if one was given and not taken back.

    Raises NeedsMore.
    """
    number = number_due(member, command.campaign, command.occasion.removeprefix("tier/"))
    return None if number is None else key_of_payment(command.campaign, command.occasion, number)


def losing(member: Member, change: Change, context: Context) -> Change:
    """The change with what takes back the gifts for the tiers that it takes, if it is a refund. Raises NeedsMore."""
    before, after = member.account.tier, change.account.tier
    if before == after or change.entry is None or change.entry.kind not in _REFUNDS:
        return change
    ladder = context.program.tiers.ladder
    lost = ladder[context.program.tier(after).rank + 1 : context.program.tier(before).rank + 1]
    return change._replace(lost=undoing(member, [tier.code for tier in lost]))


def undo(member: Member, command: UndoCampaign, context: Context) -> Change:
    """Take back what the campaign gave that time."""
    return undo_grant(
        member, command.payment, command, context, campaign=command.campaign, occasion=command.occasion
    )
