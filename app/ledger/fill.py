"""Between loading and deciding: each member of a batch is given the rows that were found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.domain.account import Entry
from app.domain.answers import key_parts
from app.domain.posting import TAKEN_BACK, Gift, Member, Told
from app.ledger.load import Loaded
from app.security.pii import PiiRing

Known = dict[tuple[str, str], tuple[Entry, Mapping[str, Any]]]


class JoinedMeanwhile(Exception):
    """Rows were found of a member who was nobody when the batch locked its members: to be tried again."""


class _Locked(dict[str, Member]):
    """The members of a batch, by id."""

    def __missing__(self, member_id: str) -> Member:
        raise JoinedMeanwhile(member_id)


def fill(members: Mapping[str, Member], loaded: Loaded, pii: PiiRing | None) -> Known:
    """Give the members their rows; the entries found, by member and key, with their details parsed.

    Raises JoinedMeanwhile.
    """
    members = _Locked(members)
    for lot in loaded.lots:
        members[lot.member_id].load_lots((lot,))
    for redemption in loaded.redemptions:
        members[redemption.member_id].redemptions[redemption.reference] = redemption
    for review in loaded.reviews:
        members[review.member_id].reviews[review.sequence] = review
    for checkout in loaded.checkouts:
        members[checkout.member_id].checkouts[checkout.checkout_id] = checkout
    for coupon in loaded.coupons:
        members[coupon.member_id].coupons[coupon.code] = coupon
    for grant in loaded.grants:
        members[grant.member_id].grants[grant.reference] = grant
    for member_id, key in loaded.paid:
        members[member_id].paid.add(key)
    for member_id, key, lot, points, growth in loaded.gifts:
        members[member_id].gifts[key] = Gift(lot, points, growth)
    for given in loaded.given:
        members[given.member_id].given[given.campaign] = given.points
    _fill_deeds(members, loaded)
    _fill_referrals(members, loaded)
    _fill_traits(members, loaded, pii)
    return _fill_entries(members, loaded)


def _fill_entries(members: Mapping[str, Member], loaded: Loaded) -> Known:
    entries: Known = {}
    for entry in loaded.entries:
        detail = json.loads(entry.detail)
        entries[entry.member_id, entry.key] = entry, detail
        if entry.kind == "hold":
            members[entry.member_id].held[key_parts(entry)[0]] = detail
        elif entry.kind in TAKEN_BACK:
            told = Told(entry.lot, entry.program_version, detail)
            members[entry.member_id].told[entry.key] = told
    return entries


def _fill_deeds(members: Mapping[str, Member], loaded: Loaded) -> None:
    for activity in loaded.activities:
        members[activity.member_id].activities[activity.reference] = activity
    for row in loaded.progress:
        members[row.member_id].progress[row.mission, row.period] = row


def _fill_referrals(members: Mapping[str, Member], loaded: Loaded) -> None:
    for referral in loaded.referrals:
        members[referral.member_id].referral = referral
    for referrer in loaded.referrers:
        members[referrer.member_id].referrer = referrer
    for invitation in loaded.invitations:
        members[invitation.member_id].invitations[invitation.invitee] = invitation


def _fill_traits(members: Mapping[str, Member], loaded: Loaded, pii: PiiRing | None) -> None:
    for member_id, traits in loaded.traits.items():
        sealed = traits.pop("birthday")
        if sealed is not None and pii is not None:
            traits["birthday_month"] = pii.birthday_month(bytes.fromhex(sealed), member_id=member_id)
        members[member_id].traits = traits
