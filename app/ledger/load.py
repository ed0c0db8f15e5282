"""Step two of a batch: what its commands need is read, once all locks are held (`locks.py`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from app.domain.account import (
    Activity,
    BenefitGrant,
    CampaignPoints,
    Checkout,
    Coupon,
    Entry,
    Invitation,
    Lot,
    MissionProgress,
    Redemption,
    Referral,
    Referrer,
    Review,
    bucket_of,
)
from app.ledger.connection import Connection
from app.models.campaigns import POINTS_TOLD

REAL_CLOCK = "clock_timestamp()"
# The sandbox's clock runs ahead of the real one by what `PUT /v1/sandbox/clock` set.
SANDBOX_CLOCK = "clock_timestamp() + (SELECT ahead FROM clock)"

_PARTS = {
    # entries by natural key: the commands' own, to find repeats
    "keys": """
(SELECT array_agg(found) FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, key)
   JOIN entry AS found USING (bucket, member_id, key))""",
    # lots of orders, found by the entry that accrued them
    "orders": """
(SELECT array_agg(found) FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, key)
   JOIN entry USING (bucket, member_id, key)
   JOIN lot AS found ON found.bucket = entry.bucket AND found.member_id = entry.member_id AND found.lot = entry.lot)""",
    # lots that may hold points: those from the account's floor on
    "lots": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::integer[]) AS wanted (bucket, member_id, floor)
   JOIN lot AS found ON found.bucket = wanted.bucket AND found.member_id = wanted.member_id
                    AND found.lot >= wanted.floor)""",
    # the lots that are next to expire: the index leads to all of a member's, but no other is sorted, added up or sent
    "next_lots": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::integer[], ${3}::timestamptz[])
        AS wanted (bucket, member_id, floor, expires_at)
   JOIN lot AS found ON found.bucket = wanted.bucket AND found.member_id = wanted.member_id
                    AND found.lot >= wanted.floor AND found.expires_at = wanted.expires_at
                    AND found.remaining > 0 AND NOT found.pending)""",
    # lots in spending order until they reach the points wanted: whole groups of one expiry, and the group after
    # if they are just reached, so that the expiry that is next then is among them
    "reaching_lots": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::integer[], ${3}::bigint[])
        AS wanted (bucket, member_id, floor, points),
        LATERAL (
            SELECT spendable AS found,
                   sum(spendable.remaining) OVER (ORDER BY spendable.expires_at)
                   - sum(spendable.remaining) OVER (PARTITION BY spendable.expires_at) AS before
              FROM lot AS spendable
             WHERE spendable.bucket = wanted.bucket AND spendable.member_id = wanted.member_id
               AND spendable.lot >= wanted.floor AND spendable.remaining > 0 AND NOT spendable.pending
        ) AS reaching
  WHERE reaching.before <= wanted.points)""",
    # redemptions by reference
    "redemptions": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, reference)
   JOIN redemption AS found USING (bucket, member_id, reference))""",
    # the lots those redemptions hold or spent
    "redeemed_lots": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, reference)
   JOIN redemption USING (bucket, member_id, reference)
   JOIN lot AS found ON found.bucket = redemption.bucket AND found.member_id = redemption.member_id
           AND found.lot = ANY (redemption.lots))""",
    # every open hold of a member
    "holds": """
(SELECT array_agg(found) FROM unnest(${0}::smallint[], ${1}::text[]) AS wanted (bucket, member_id)
   JOIN redemption AS found ON found.bucket = wanted.bucket AND found.member_id = wanted.member_id
                  AND found.status = 'reserved')""",
    # checkouts by id
    "checkouts": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, checkout_id)
   JOIN checkout AS found USING (bucket, member_id, checkout_id))""",
    # the lots those checkouts hold or spent
    "checkout_lots": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, checkout_id)
   JOIN checkout USING (bucket, member_id, checkout_id)
   JOIN lot AS found ON found.bucket = checkout.bucket AND found.member_id = checkout.member_id
           AND found.lot = ANY (checkout.lots))""",
    # the coupons those checkouts locked or used
    "checkout_coupons": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, checkout_id)
   JOIN checkout USING (bucket, member_id, checkout_id)
   JOIN coupon AS found ON found.bucket = checkout.bucket AND found.member_id = checkout.member_id
           AND found.code = ANY (checkout.coupons))""",
    # every held checkout of a member
    "held_checkouts": """
(SELECT array_agg(found) FROM unnest(${0}::smallint[], ${1}::text[]) AS wanted (bucket, member_id)
   JOIN checkout AS found ON found.bucket = wanted.bucket AND found.member_id = wanted.member_id
                AND found.status = 'held')""",
    # the coupons of every held checkout of a member
    "held_coupons": """
(SELECT array_agg(found) FROM unnest(${0}::smallint[], ${1}::text[]) AS wanted (bucket, member_id)
   JOIN checkout ON checkout.bucket = wanted.bucket AND checkout.member_id = wanted.member_id
                AND checkout.status = 'held'
   JOIN coupon AS found ON found.bucket = checkout.bucket AND found.member_id = checkout.member_id
           AND found.code = ANY (checkout.coupons))""",
    # coupons by code
    "coupons": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, code)
   JOIN coupon AS found USING (bucket, member_id, code))""",
    # all that a member had of a template, for its limits
    "template_coupons": """
(SELECT array_agg(held.found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, template),
        -- By the member first (OFFSET 0): by the template it would be everybody's, and the planner can't tell.
        LATERAL (SELECT found, found.template AS of FROM coupon AS found
                  WHERE found.bucket = wanted.bucket AND found.member_id = wanted.member_id OFFSET 0) AS held
  WHERE held.of = wanted.template)""",
    # every coupon of a member that is not over
    "wallets": """
(SELECT array_agg(found) FROM unnest(${0}::smallint[], ${1}::text[]) AS wanted (bucket, member_id)
   JOIN coupon AS found ON found.bucket = wanted.bucket AND found.member_id = wanted.member_id
                AND found.status IN ('issued', 'locked'))""",
    # what conditions may ask of a person
    "traits": """
(SELECT json_agg(json_build_object('member_id', found.member_id, 'gender', found.gender, 'region', found.region,
                                   'attributes', found.attributes, 'birthday', encode(found.birthday, 'hex')))
   FROM unnest(${0}::smallint[], ${1}::text[]) AS wanted (bucket, member_id)
   JOIN person AS found USING (bucket, member_id))""",
    # the benefits that persons gave
    "grants": """
(SELECT array_agg(found) FROM unnest(${0}::smallint[], ${1}::text[]) AS wanted (bucket, member_id)
   JOIN benefit_grant AS found USING (bucket, member_id))""",
    # what campaigns that give each member only so much gave them: without a row, from before they did, as entries tell
    "given": f"""
(SELECT array_agg(ROW(wanted.*, coalesce(points, {POINTS_TOLD}))::campaign_points)
   FROM unnest(${{0}}::smallint[], ${{1}}::text[], ${{2}}::text[]) AS wanted (bucket, member_id, campaign)
   LEFT JOIN campaign_points AS found USING (bucket, member_id, campaign))""",
    # activities of a kind, from a day on
    "activities": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[], ${3}::date[]) AS wanted (bucket, member_id, kind, day)
   JOIN activity AS found ON found.bucket = wanted.bucket AND found.member_id = wanted.member_id
                AND found.kind = wanted.kind AND found.day >= wanted.day)""",
    # activities, found by the entries that recorded them
    "named_activities": """
(SELECT array_agg(found) FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, key)
   JOIN entry USING (bucket, member_id, key)
   JOIN activity AS found ON found.bucket = entry.bucket AND found.member_id = entry.member_id
                AND found.sequence = entry.sequence)""",
    # how far members are with the missions of a period
    "progress": """
(SELECT array_agg(found) FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, period)
   JOIN mission_progress AS found USING (bucket, member_id, period))""",
    # who brought members
    "referrals": """
(SELECT array_agg(found) FROM unnest(${0}::smallint[], ${1}::text[]) AS wanted (bucket, member_id)
   JOIN referral AS found USING (bucket, member_id))""",
    # what the invitations of members come to
    "referrers": """
(SELECT array_agg(found) FROM unnest(${0}::smallint[], ${1}::text[]) AS wanted (bucket, member_id)
   JOIN referrer AS found USING (bucket, member_id))""",
    # invitations by the invitee
    "invitations": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::text[]) AS wanted (bucket, member_id, invitee)
   JOIN invitation AS found USING (bucket, member_id, invitee))""",
    # keys of the entries by which a tier gave coupons: a range of the key's index
    "paid": """
(SELECT json_agg(json_build_array(found.member_id, found.key))
   FROM unnest(${0}::smallint[], ${1}::text[]) AS wanted (bucket, member_id)
   JOIN entry AS found ON found.bucket = wanted.bucket AND found.member_id = wanted.member_id
                AND found.key >= 'tier_coupons/' AND found.key < 'tier_coupons0')""",
    # the entries by which campaigns gave something for a tier, and by which that was taken back: two ranges
    "gifts": """
(SELECT json_agg(json_build_array(found.member_id, found.key, found.lot, (found.detail->>'points')::bigint,
                                  coalesce((found.detail->>'growth')::bigint, 0)))
   FROM unnest(${0}::smallint[], ${1}::text[]) AS wanted (bucket, member_id)
   JOIN entry AS found ON found.bucket = wanted.bucket AND found.member_id = wanted.member_id
                AND (found.key >= 'campaign/' AND found.key < 'campaign0'
                     OR found.key >= 'campaign_undo/' AND found.key < 'campaign_undo0')
                AND split_part(found.key, '/', 3) = 'tier')""",
    # tier reviews by the entry that opened them
    "reviews": """
(SELECT array_agg(found)
   FROM unnest(${0}::smallint[], ${1}::text[], ${2}::bigint[]) AS wanted (bucket, member_id, sequence)
   JOIN tier_review AS found USING (bucket, member_id, sequence))""",
}
_COLUMNS = {
    "activities": 4,
    "gifts": 2,
    "grants": 2,
    "held_checkouts": 2,
    "held_coupons": 2,
    "holds": 2,
    "next_lots": 4,
    "paid": 2,
    "reaching_lots": 4,
    "referrals": 2,
    "referrers": 2,
    "traits": 2,
    "wallets": 2,
}
_statements: dict[tuple[str, ...], str] = {}


@dataclass(slots=True)
class Wanted:
    """What a batch needs beyond the accounts, as (member, what) pairs."""

    keys: set[tuple[str, str]] = field(default_factory=set)
    orders: set[tuple[str, str]] = field(default_factory=set)
    lots: dict[str, int] = field(default_factory=dict)  # member → the first of all lots to read
    reaching: dict[str, tuple[int, int]] = field(
        default_factory=dict
    )  # member → the first lot, points to reach
    next_to_expire: dict[str, tuple[int, datetime]] = field(
        default_factory=dict
    )  # member → the first lot, when the lots expire
    redemptions: set[tuple[str, str]] = field(default_factory=set)
    holds: set[str] = field(default_factory=set)
    reviews: set[tuple[str, int]] = field(default_factory=set)
    checkouts: set[tuple[str, str]] = field(default_factory=set)
    coupons: set[tuple[str, str]] = field(default_factory=set)
    template_coupons: set[tuple[str, str]] = field(default_factory=set)
    wallets: set[str] = field(default_factory=set)
    traits: set[str] = field(default_factory=set)
    grants: set[str] = field(default_factory=set)
    paid: set[str] = field(default_factory=set)
    gifts: set[str] = field(default_factory=set)
    given: set[tuple[str, str]] = field(default_factory=set)
    activities: set[tuple[str, str, date]] = field(default_factory=set)  # member, kind, from this day on
    named_activities: set[tuple[str, str]] = field(default_factory=set)
    progress: set[tuple[str, str]] = field(default_factory=set)
    referrals: set[str] = field(default_factory=set)
    referrers: set[str] = field(default_factory=set)
    invitations: set[tuple[str, str]] = field(default_factory=set)  # inviter, invitee


class Loaded(NamedTuple):
    """The rows found."""

    entries: list[Entry]
    lots: list[Lot]
    redemptions: list[Redemption]
    reviews: list[Review]
    checkouts: list[Checkout]
    coupons: list[Coupon]
    traits: dict[str, dict[str, Any]]  # by member; the birthday still sealed
    grants: list[BenefitGrant]
    paid: list[tuple[str, str]]  # member, key
    gifts: list[tuple[str, str, int | None, int, int]]  # member, key, lot, points, growth
    given: list[CampaignPoints]
    activities: list[Activity]
    progress: list[MissionProgress]
    referrals: list[Referral]
    referrers: list[Referrer]
    invitations: list[Invitation]


async def load(connection: Connection, wanted: Wanted) -> Loaded:
    """Read everything wanted in one round trip; parts that nobody wants are not in the statement."""
    parts = list(_parts(wanted))
    found: dict[str, Any] = {}
    if parts:
        names = tuple(name for name, _ in parts)
        row = await connection.fetchrow(
            _statement(names), *(array for _, arrays in parts for array in arrays)
        )
        assert row is not None
        found = {name: rows or [] for name, rows in zip(names, row, strict=True)}
    return Loaded(
        entries=[Entry._make(row) for row in found.get("keys", ())],
        lots=[
            Lot._make(row)
            for name in ("lots", "next_lots", "reaching_lots", "orders", "redeemed_lots", "checkout_lots")
            for row in found.get(name, ())
        ],
        redemptions=[
            Redemption._make(row) for name in ("redemptions", "holds") for row in found.get(name, ())
        ],
        reviews=[Review._make(row) for row in found.get("reviews", ())],
        checkouts=[
            Checkout._make(row) for name in ("checkouts", "held_checkouts") for row in found.get(name, ())
        ],
        coupons=[
            Coupon._make(row)
            for name in ("coupons", "template_coupons", "wallets", "checkout_coupons", "held_coupons")
            for row in found.get(name, ())
        ],
        traits={traits.pop("member_id"): traits for traits in json.loads(found.get("traits") or "[]")},
        grants=[BenefitGrant._make(row) for row in found.get("grants", ())],
        paid=[(member, key) for member, key in json.loads(found.get("paid") or "[]")],
        gifts=[tuple(gift) for gift in json.loads(found.get("gifts") or "[]")],
        given=[CampaignPoints._make(row) for row in found.get("given", ())],
        activities=[
            Activity._make(row) for name in ("activities", "named_activities") for row in found.get(name, ())
        ],
        progress=[MissionProgress._make(row) for row in found.get("progress", ())],
        referrals=[Referral._make(row) for row in found.get("referrals", ())],
        referrers=[Referrer._make(row) for row in found.get("referrers", ())],
        invitations=[Invitation._make(row) for row in found.get("invitations", ())],
    )


def _parts(wanted: Wanted) -> Iterator[tuple[str, list[Sequence[Any]]]]:
    """The parts of the statement that are wanted, each with its parameters."""
    for names, pairs in (
        (("keys",), wanted.keys),
        (("orders",), wanted.orders),
        (("lots",), wanted.lots.items()),
        (("redemptions", "redeemed_lots"), wanted.redemptions),
        (("checkouts", "checkout_lots", "checkout_coupons"), wanted.checkouts),
        (("coupons",), wanted.coupons),
        (("template_coupons",), wanted.template_coupons),
        (("reviews",), wanted.reviews),
        (("given",), wanted.given),
        (("named_activities",), wanted.named_activities),
        (("progress",), wanted.progress),
        (("invitations",), wanted.invitations),
    ):
        if pairs:
            arrays = _arrays(pairs)
            yield from ((name, arrays) for name in names)
    for names, members in (
        (("holds", "held_checkouts", "held_coupons"), wanted.holds),
        (("wallets",), wanted.wallets),
        (("traits",), wanted.traits),
        (("grants",), wanted.grants),
        (("paid",), wanted.paid),
        (("gifts",), wanted.gifts),
        (("referrals",), wanted.referrals),
        (("referrers",), wanted.referrers),
    ):
        if members:
            arrays: list[Sequence[Any]] = [[bucket_of(member) for member in members], list(members)]
            yield from ((name, arrays) for name in names)
    if wanted.activities:
        members, kinds, days = zip(*wanted.activities, strict=True)
        yield "activities", [[bucket_of(member) for member in members], members, kinds, days]
    for name, lots in (("next_lots", wanted.next_to_expire), ("reaching_lots", wanted.reaching)):
        if lots:
            floors, ends = zip(*lots.values(), strict=True)
            yield name, [[bucket_of(member) for member in lots], list(lots), floors, ends]


def _arrays(pairs: Iterable[tuple[str, Any]]) -> list[Sequence[Any]]:
    members, things = zip(*pairs, strict=True)
    return [[bucket_of(member) for member in members], members, things]


def _statement(names: tuple[str, ...]) -> str:
    """The SELECT of these parts; each combination is written once and prepared once a connection."""
    statement = _statements.get(names)
    if statement is None:
        texts: list[str] = []
        number = 1
        for name in names:
            count = _COLUMNS.get(name, 3)
            texts.append(_PARTS[name].format(*range(number, number + count)))
            number += count
        statement = _statements[names] = "SELECT " + ",".join(texts)
    return statement
