"""Reading what a quote needs: the member as they are now, every coupon they may use, and where the codes named lead.

Nothing is locked and nothing is written: what a quote says may be otherwise a moment later, and a hold says so then.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

import asyncpg

from app.domain.account import BenefitGrant, Code, Coupon, bucket_of
from app.domain.campaigns import Trigger
from app.domain.posting import Context, Member
from app.domain.program import Program
from app.domain.roster import Roster
from app.models.campaigns import POINTS_TOLD
from app.queries.gathering import GatheringReader
from app.queries.maturing import (
    STATEMENT,
    Rules,
    Templates,
    any_counts_all_lots,
    bring_up_to_date,
    caught_up,
    member_of,
    moment_of,
    read_counters,
)
from app.security.pii import PiiRing

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_CODES = """
SELECT found.* FROM unnest($1::smallint[], $2::text[]) AS named (bucket, code)
  JOIN coupon_code AS found USING (bucket, code)
"""
# Those that can be used, and those named whatever became of them.
_COUPONS = """
       (SELECT array_agg(found) FROM coupon AS found
         WHERE found.bucket = account.bucket AND found.member_id = account.member_id
           AND (found.status IN ('issued', 'locked') OR found.code = ANY ($4)))"""
# All that members had of some templates, for the limits of what a code gives.
_HAD = """
SELECT found.* FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, member_id)
  JOIN coupon AS found USING (bucket, member_id)
 WHERE found.template = ANY ($3)
"""
_GIVEN = f"""
SELECT wanted.member_id, wanted.campaign, coalesce(points, {POINTS_TOLD}) AS points
  FROM unnest($1::smallint[], $2::text[], $3::text[]) AS wanted (bucket, member_id, campaign)
  LEFT JOIN campaign_points USING (bucket, member_id, campaign)
"""
_LEFT = """
SELECT budget, sum(share - granted) AS points FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, budget)
  JOIN campaign_budget USING (bucket, budget)
 GROUP BY budget
"""
_MORE = """,
       (SELECT array_agg(found) FROM benefit_grant AS found
         WHERE found.bucket = account.bucket AND found.member_id = account.member_id) AS grants,
       CASE WHEN $5 THEN
           (SELECT json_build_object('gender', found.gender, 'region', found.region,
                                     'attributes', found.attributes, 'birthday', encode(found.birthday, 'hex'))
              FROM person AS found
             WHERE found.bucket = account.bucket AND found.member_id = account.member_id) END AS traits"""


class Ahead(Protocol):
    """What the campaigns of a trigger may ask for."""

    @property
    def budgets(self) -> Collection[str]: ...
    @property
    def limited(self) -> Mapping[str, int]: ...
    @property
    def asks_for_traits(self) -> bool: ...


class Campaigns(Protocol):
    """The campaigns known to this process (`ledger/campaign_rack.py`)."""

    @property
    def newest(self) -> int: ...
    async def keep_up(self, connection: Connection, revision: int) -> None: ...
    def ahead(self, trigger: Trigger) -> Ahead: ...
    def reading_roster(self, now: datetime, program: Program, *, left: Mapping[str, int]) -> Roster: ...


class Asked(NamedTuple):
    """Whose cart it is, and the codes it names."""

    member_id: str
    codes: tuple[str, ...]


class QuoteReading(NamedTuple):
    """A member brought up to date in memory, and the context to price a cart in."""

    member: Member
    context: Context
    is_owed_coupons: bool  # the tier gives coupons by now: once that is written down they can be used


class QuoteReader(GatheringReader[Asked, QuoteReading | None]):
    """Reads for quotes. `clock` is the SQL of the program's clock."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        rules: Rules,
        templates: Templates,
        campaigns: Campaigns,
        pii: PiiRing,
        clock: str,
    ) -> None:
        super().__init__(connect)
        self._rules = rules
        self._templates = templates
        self._campaigns = campaigns
        self._pii = pii
        self._statement = STATEMENT.format(clock=clock, coupons=_COUPONS, more=_MORE)

    async def read(self, member_id: str, codes: Sequence[str]) -> QuoteReading | None:
        """The member with all that prices a cart that names these codes; None for an unknown member.

        Raises as asyncpg does when the database can't be reached.
        """
        return await self._ask(Asked(member_id, tuple(codes)))

    async def _read(self, connection: Connection, asked: Sequence[Asked]) -> Sequence[QuoteReading | None]:
        rows = {row["member_id"]: row for row in await self._rows(connection, asked)}
        members = {member_id: member_of(row) for member_id, row in rows.items()}
        # Only what is not the member's own is looked up.
        named = {
            code
            for each in asked
            if each.member_id in members
            for code in each.codes
            if code not in members[each.member_id].coupons
        }
        codes = await _read_codes(connection, named)
        given = {code.template for code in codes if code.member_id is None}
        if given:
            await _add_had(connection, members, given)
        counters = await read_counters(connection, given | self._budgeted(members.values()))
        left = await self._add_given(connection, members)
        found: dict[str, QuoteReading] = {}
        for member_id, member in members.items():
            self._add_person(member, rows[member_id])
            shelf = self._templates.reading_shelf(counters=counters, codes=codes)
            now, owes_at = moment_of(member, rows[member_id]), member.account.benefits_at
            roster = self._campaigns.reading_roster(now, self._rules.at(now), left=left)
            context = bring_up_to_date(member, now, rules=self._rules, shelf=shelf, campaigns=roster)
            is_owed = owes_at is not None and owes_at <= now
            found[member_id] = QuoteReading(member, context, is_owed)
        return [found.get(each.member_id) for each in asked]

    async def _rows(self, connection: Connection, asked: Sequence[Asked]) -> list[asyncpg.Record]:
        """The members' rows, read again if the rules turn out to ask for more than was known."""
        members = list({each.member_id for each in asked})
        named = list({code for each in asked for code in each.codes})
        while True:
            rows = await connection.fetch(
                self._statement,
                [bucket_of(member_id) for member_id in members],
                members,
                any_counts_all_lots(self._rules),
                named,
                self._templates.asks_for_traits or self._campaigns.ahead("order").asks_for_traits,
            )
            if not rows:
                return rows
            knew = self._campaigns.newest
            await self._campaigns.keep_up(connection, rows[0]["campaigns"] or 0)
            has_learnt = await caught_up(connection, rows[0], rules=self._rules, templates=self._templates)
            if not has_learnt and knew == self._campaigns.newest:
                return rows

    async def _add_given(self, connection: Connection, members: Mapping[str, Member]) -> dict[str, int]:
        """Give the members what campaigns gave them that give each only so much; what is left of the budgets."""
        ahead = self._campaigns.ahead("order")
        wanted = [
            (member.account.bucket, member_id, campaign)
            for member_id, member in members.items()
            for campaign, number in ahead.limited.items()
            if member.account.took_part_in(number)
        ]
        if wanted:
            buckets, ids, codes = zip(*wanted, strict=True)
            for row in await connection.fetch(_GIVEN, buckets, ids, codes):
                members[row["member_id"]].given[row["campaign"]] = row["points"]
        if not ahead.budgets:
            return {}
        budgets = list(ahead.budgets)
        rows = await connection.fetch(_LEFT, [bucket_of(budget) for budget in budgets], budgets)
        return {row["budget"]: int(row["points"]) for row in rows}

    def _budgeted(self, members: Iterable[Member]) -> set[str]:
        """The templates whose budget may forbid a coupon."""
        templates = self._templates.templates
        found = {coupon.template for member in members for coupon in member.coupons.values()}
        return {name for name in found if templates[name].budget_fen is not None}

    def _add_person(self, member: Member, row: asyncpg.Record) -> None:
        member.grants = {grant["reference"]: BenefitGrant._make(grant) for grant in row["grants"] or ()}
        if row["traits"] is not None:
            traits = json.loads(row["traits"])
            sealed = traits.pop("birthday")
            traits["birthday_month"] = self._pii.birthday_month(
                None if sealed is None else bytes.fromhex(sealed), member_id=member.account.member_id
            )
            member.traits = traits


async def _read_codes(connection: Connection, codes: Iterable[str]) -> list[Code]:
    ordered = list(codes)
    if not ordered:
        return []
    rows = await connection.fetch(_CODES, [bucket_of(code) for code in ordered], ordered)
    return [Code._make(row) for row in rows]


async def _add_had(connection: Connection, members: Mapping[str, Member], templates: Iterable[str]) -> None:
    """Give the members all coupons they had of these templates."""
    buckets = [bucket_of(member_id) for member_id in members]
    for row in await connection.fetch(_HAD, buckets, list(members), list(templates)):
        members[row["member_id"]].coupons[row["code"]] = Coupon._make(row)
