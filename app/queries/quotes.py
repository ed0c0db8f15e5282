"""Reading what a quote needs: the member as they are now, every coupon they may use, and where the codes named lead.

Nothing is locked and nothing is written: what a quote says may be otherwise a moment later, and a hold says so then.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from app.domain.account import BenefitGrant, Code, bucket_of
from app.domain.posting import Context, Member
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
# Those that can be used, those named whatever became of them, and those that count for the limits of what a code gives.
_COUPONS = """
       (SELECT array_agg(found) FROM coupon AS found
         WHERE found.bucket = account.bucket AND found.member_id = account.member_id
           AND (found.status IN ('issued', 'locked') OR found.code = ANY ($4) OR found.template = ANY ($5)))"""
_MORE = """,
       (SELECT array_agg(found) FROM benefit_grant AS found
         WHERE found.bucket = account.bucket AND found.member_id = account.member_id) AS grants,
       CASE WHEN $6 THEN
           (SELECT json_build_object('gender', found.gender, 'region', found.region,
                                     'attributes', found.attributes, 'birthday', encode(found.birthday, 'hex'))
              FROM person AS found
             WHERE found.bucket = account.bucket AND found.member_id = account.member_id) END AS traits"""


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
        pii: PiiRing,
        clock: str,
    ) -> None:
        super().__init__(connect)
        self._rules = rules
        self._templates = templates
        self._pii = pii
        self._statement = STATEMENT.format(clock=clock, coupons=_COUPONS, more=_MORE)

    async def read(self, member_id: str, codes: Sequence[str]) -> QuoteReading | None:
        """The member with all that prices a cart that names these codes; None for an unknown member.

        Raises as asyncpg does when the database can't be reached.
        """
        return await self._ask(Asked(member_id, tuple(codes)))

    async def _read(self, connection: Connection, asked: Sequence[Asked]) -> Sequence[QuoteReading | None]:
        codes = await _read_codes(connection, {code for each in asked for code in each.codes})
        rows = await self._rows(connection, asked, codes)
        members = [member_of(row) for row in rows]
        counters = await read_counters(connection, self._counted(members, codes))
        found: dict[str, QuoteReading] = {}
        for member, row in zip(members, rows, strict=True):
            self._add_person(member, row)
            shelf = self._templates.reading_shelf(counters=counters, codes=codes)
            now, owes_at = moment_of(member, row), member.account.benefits_at
            context = bring_up_to_date(member, now, rules=self._rules, shelf=shelf)
            is_owed = owes_at is not None and owes_at <= now
            found[member.account.member_id] = QuoteReading(member, context, is_owed)
        return [found.get(each.member_id) for each in asked]

    async def _rows(
        self, connection: Connection, asked: Sequence[Asked], codes: Iterable[Code]
    ) -> list[asyncpg.Record]:
        """The members' rows, read again if the rules turn out to ask for more than was known."""
        members = list({each.member_id for each in asked})
        named = list({code for each in asked for code in each.codes})
        given = list({code.template for code in codes if code.member_id is None})
        while True:
            rows = await connection.fetch(
                self._statement,
                [bucket_of(member_id) for member_id in members],
                members,
                any_counts_all_lots(self._rules),
                named,
                given,
                self._templates.asks_for_traits,
            )
            if not rows or not await caught_up(
                connection, rows[0], rules=self._rules, templates=self._templates
            ):
                return rows

    def _counted(self, members: Iterable[Member], codes: Iterable[Code]) -> set[str]:
        """The templates whose stock or budget may forbid a coupon."""
        templates = self._templates.templates
        found = {coupon.template for member in members for coupon in member.coupons.values()}
        given = {code.template for code in codes if code.member_id is None}
        return given | {name for name in found if templates[name].budget_fen is not None}

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
