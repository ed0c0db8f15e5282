"""What campaigns gave for tiers and was not taken back, told from the keys of its entries: `campaign/<campaign>/tier/
<tier>`, with its number from the second on, and `campaign_undo/<campaign>/tier/<tier>/<number>`.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from app.domain.account import Lot
from app.domain.campaign_commands import UndoCampaign
from app.domain.posting import Gift, Member
from app.domain.program import Program
from app.domain.shelf import NeedsMore
from app.domain.terms import Tier


class Held(NamedTuple):
    """A gift for a `tier`, the `number`th of its campaign."""

    campaign: str
    tier: str
    number: int
    gift: Gift


def number_due(member: Member, campaign: str, tier: str) -> int | None:
    """The number of the next gift; None if one was given and not taken back. Raises NeedsMore."""
    given = undone = 0
    for kind, *place, _, _ in _parsed(member):
        if place == [campaign, tier]:
            given, undone = given + (kind == "campaign"), undone + (kind != "campaign")
    return None if given > undone else given + 1


def held(member: Member) -> list[Held]:
    """Those that were not taken back, by campaign and tier. Raises NeedsMore."""
    parsed = list(_parsed(member))
    undone = {(campaign, tier, number) for kind, campaign, tier, number, _ in parsed if kind != "campaign"}
    return sorted(
        Held(campaign, tier, number, gift)
        for kind, campaign, tier, number, gift in parsed
        if kind == "campaign" and (campaign, tier, number) not in undone
    )


def holding(member: Member, tier: Tier, program: Program, changed: Collection[Lot]) -> list[Gift]:
    """The gifts that the member would lose with this tier, but for those whose lots are taken back already.

    Raises NeedsMore.
    """
    gone = {lot.lot for lot in changed if lot.terms is not None and "taken_back" in lot.terms}
    own = program.tier(member.account.tier).rank
    codes = {each.code for each in program.tiers.ladder[tier.rank : own + 1]}
    return [each.gift for each in held(member) if each.tier in codes and each.gift.lot not in gone]


def undoing(member: Member, tiers: Collection[str]) -> tuple[UndoCampaign, ...]:
    """What takes back the gifts for these tiers. Raises NeedsMore."""
    return tuple(
        UndoCampaign(
            member_id=member.account.member_id,
            campaign=each.campaign,
            occasion=f"tier/{each.tier}",
            number=each.number,
        )
        for each in held(member)
        if each.tier in tiers
    )


def _parsed(member: Member) -> Iterable[tuple[str, str, str, int, Gift]]:
    """The kind of each entry, its campaign, tier and number, and what it gave."""
    if not member.sees_gifts:
        raise NeedsMore(gifts_of=frozenset({member.account.member_id}))
    for key, gift in member.gifts.items():
        kind, campaign, _, tier, *number = key.split("/")
        yield kind, campaign, tier, int(number[0]) if number else 1, gift
