"""A member as a read finds them, with all that may fall due on them: brought up to date in memory, nothing written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import asyncpg

from app.domain.account import (
    Account,
    Checkout,
    Code,
    Counter,
    Coupon,
    Lot,
    Redemption,
    Review,
    bucket_of,
)
from app.domain.benefits import templates_given
from app.domain.calendar import local_date
from app.domain.coupon_templates import Template
from app.domain.maturity import is_due, mature
from app.domain.posting import Caller, Context, Member
from app.domain.program import Program
from app.domain.roster import NO_CAMPAIGNS, Roster
from app.domain.shelf import Shelf
from app.domain.status import counts_all_lots
from app.domain.terms import Occasion

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_CALLER = Caller("system", "reading")
_BY_ITSELF: frozenset[Occasion] = frozenset(("entry", "month"))
_COUNTERS = """
SELECT found.* FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, template)
  JOIN coupon_counter AS found USING (bucket, template)
"""
_WIDTH = len(Account._fields)

# An account with all that may fall due on it by `moment.now`, or that its status counts: one snapshot.
# Its parameters are buckets and ids of members, whether all lots count, and the templates that tiers give coupons of.
_NOW = "greatest(moment.now, account.last_at)"
_IS_DUE = f"(account.due_at <= {_NOW} OR account.hold_due_at <= {_NOW})"
_OWN = "found.bucket = account.bucket AND found.member_id = account.member_id"
STATEMENT = f"""
WITH moment AS MATERIALIZED (SELECT {{clock}} AS now)
SELECT account.*, moment.now,
       (SELECT max(publication) FROM program_version) AS newest,
       (SELECT max(revision) FROM coupon_template) AS revision,
       (SELECT max(revision) FROM campaign) AS campaigns,
       CASE WHEN $3 OR {_IS_DUE} THEN
           (SELECT array_agg(found) FROM lot AS found
             WHERE {_OWN} AND found.lot >= CASE WHEN $3 THEN 1 ELSE account.lot_floor END) END AS lots,
       CASE WHEN {_IS_DUE} THEN
           (SELECT array_agg(found) FROM redemption AS found
             WHERE {_OWN} AND found.status = 'reserved') END AS holds,
       CASE WHEN {_IS_DUE} OR account.orders = 0 AND account.hold_due_at IS NOT NULL THEN
           (SELECT array_agg(found) FROM checkout AS found
             WHERE {_OWN} AND found.status = 'held') END AS checkouts,
       CASE WHEN {_IS_DUE} THEN
           (SELECT array_agg(found) FROM tier_review AS found
             WHERE {_OWN} AND found.sequence = account.review) END AS reviews,
       CASE WHEN account.benefits_at <= {_NOW} THEN
           (SELECT coalesce(array_agg(found.key), '{{{{}}}}') FROM entry AS found
             WHERE {_OWN} AND found.key > 'tier_coupons/' AND found.key < 'tier_coupons0') END AS paid,
       {{coupons}} AS coupons{{more}}
  FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, member_id)
  JOIN account USING (bucket, member_id), moment
"""

COUPONS_DUE = f"""
       CASE WHEN {_IS_DUE} THEN
           (SELECT array_agg(found) FROM coupon AS found
             WHERE {_OWN} AND (found.status IN ('issued', 'locked')
                   OR account.benefits_at <= {_NOW} AND found.template = ANY ($4))) END"""
"""`coupons` of STATEMENT, for who asks only what falls due."""


class Rules(Protocol):
    """The published versions of the program known to this process (`ledger/rulebook.py`)."""

    @property
    def newest(self) -> int: ...
    @property
    def programs(self) -> Mapping[int, Program]: ...
    async def refresh(self, connection: Connection) -> None: ...
    def at(self, now: datetime) -> Program: ...


class Templates(Protocol):
    """The coupon templates known to this process (`ledger/rack.py`)."""

    @property
    def templates(self) -> Mapping[str, Template]: ...
    @property
    def newest(self) -> int: ...
    @property
    def asks_for_traits(self) -> bool: ...
    async def keep_up(self, connection: Connection, revision: int) -> None: ...
    def reading_shelf(self, *, counters: Iterable[Counter] = ..., codes: Iterable[Code] = ...) -> Shelf: ...


def templates_that_tiers_give(rules: Rules) -> list[str]:
    """What tiers give coupons of, in any version of the program."""
    return sorted(
        {each for program in rules.programs.values() for each in templates_given(program, _BY_ITSELF)}
    )


def any_counts_all_lots(rules: Rules) -> bool:
    return any(counts_all_lots(program) for program in rules.programs.values())


async def caught_up(
    connection: Connection, row: asyncpg.Record, *, rules: Rules, templates: Templates
) -> bool:
    """Learn the newest rules and templates by the time of a row of STATEMENT; whether there were any to learn."""
    knew = rules.newest, templates.newest
    if row["newest"] > rules.newest:
        await rules.refresh(connection)
    await templates.keep_up(connection, row["revision"] or 0)
    return knew != (rules.newest, templates.newest)


async def read_counters(connection: Connection, names: Iterable[str]) -> list[Counter]:
    """The counters of these coupon templates."""
    ordered = list(names)
    if not ordered:
        return []
    rows = await connection.fetch(_COUNTERS, [bucket_of(name) for name in ordered], ordered)
    return [Counter._make(row) for row in rows]


def member_of(row: asyncpg.Record) -> Member:
    """The member of a row of STATEMENT, as it is written down."""
    member = Member(Account._make(tuple(row)[:_WIDTH]))
    member.load_lots(Lot._make(lot) for lot in row["lots"] or ())
    member.redemptions = {hold["reference"]: Redemption._make(hold) for hold in row["holds"] or ()}
    member.checkouts = {held["checkout_id"]: Checkout._make(held) for held in row["checkouts"] or ()}
    member.coupons = {coupon["code"]: Coupon._make(coupon) for coupon in row["coupons"] or ()}
    member.reviews = {review["sequence"]: Review._make(review) for review in row["reviews"] or ()}
    member.paid = set(row["paid"] or ())
    return member


def moment_of(member: Member, row: asyncpg.Record) -> datetime:
    """When the member is looked at: not before their last entry, should the clock have been set back."""
    now: datetime = row["now"]
    return max(now, member.account.last_at or now)


def bring_up_to_date(
    member: Member, now: datetime, *, rules: Rules, shelf: Shelf, campaigns: Roster = NO_CAMPAIGNS
) -> Context:
    """Let happen to the member all that fell due by `now`, if anything did; the context that it happened in."""
    program = rules.at(now)
    today = local_date(now, program.timezone)
    context = Context(now, today, program, rules.programs, _CALLER, shelf, campaigns)
    if is_due(member.account, now):
        mature(member, context)
    return context
