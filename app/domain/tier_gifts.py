"""What campaigns gave for reaching a tier goes with the tier, if a refund takes it (RULES.md: Campaigns, Tiers).

Not if time or a person takes it: who had it for its period earned what it gave. Reached again it gives again, as often
as it was taken back. Each is known by its entry's key: `campaign/<campaign>/tier/<tier>`, with its number from the
second on, and `campaign_undo/<campaign>/tier/<tier>/<number>`.
"""

from collections import Counter
from collections.abc import Iterable

from app.domain.campaign_commands import PayCampaign, UndoCampaign, key_of_payment
from app.domain.grant_reversal import undo_grant
from app.domain.posting import Change, Context, Member
from app.domain.shelf import NeedsMore

_REFUNDS = frozenset(
    {"reverse", "refund_checkout", "reverse_activity", "referral_undo", "mission_undo", "campaign_undo"}
)


def key_due(member: Member, command: PayCampaign) -> str | None:
    """The key under which a campaign's gift for a tier is due; None if one was given and not taken back.

    Raises NeedsMore.
    """
    gift = command.campaign, command.occasion.removeprefix("tier/")
    given, undone = _counted(_gifts(member))
    if given[gift] > undone[gift]:
        return None
    return key_of_payment(command.campaign, command.occasion, given[gift] + 1)


def losing(member: Member, change: Change, context: Context) -> Change:
    """The change with what takes back the gifts for the tiers that it takes, if it is a refund. Raises NeedsMore."""
    if change.entry is None or change.entry.kind not in _REFUNDS:
        return change
    ranks = {tier.code: tier.rank for tier in context.program.tiers.ladder}
    before, after = ranks[member.account.tier], ranks[change.account.tier]
    if before <= after:
        return change
    given, undone = _counted(_gifts(member))
    lost = tuple(
        UndoCampaign(
            member_id=member.account.member_id, campaign=campaign, occasion=f"tier/{tier}", number=number
        )
        for (campaign, tier), number in sorted(given.items())
        if number > undone[campaign, tier] and after < ranks.get(tier, -1) <= before
    )
    return change._replace(lost=lost)


def undo(member: Member, command: UndoCampaign, context: Context) -> Change:
    """Take back what the campaign gave that time."""
    return undo_grant(
        member, command.payment, command, context, campaign=command.campaign, occasion=command.occasion
    )


def _gifts(member: Member) -> Iterable[str]:
    if not member.sees_gifts:
        raise NeedsMore(gifts_of=frozenset({member.account.member_id}))
    return member.gifts


def _counted(keys: Iterable[str]) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """How often each campaign gave something for each tier, and how often that was taken back."""
    given, undone = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for key in keys:
        kind, campaign, _, tier, *_ = key.split("/")
        (given if kind == "campaign" else undone)[campaign, tier] += 1
    return given, undone
