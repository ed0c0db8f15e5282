"""Reading where members stand, exactly, and many at once.

What fell due on a member and is not written down yet is brought about in memory, so that a status never shows
points that have expired, however late the job is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from app.domain.account import Account, Lot, bucket_of
from app.domain.calendar import local_date
from app.domain.maturity import is_due
from app.domain.program import Program
from app.domain.status import counts_all_lots, status
from app.queries.gathering import GatheringReader
from app.queries.maturing import (
    COUPONS_DUE,
    STATEMENT,
    Rules,
    Templates,
    any_counts_all_lots,
    bring_up_to_date,
    caught_up,
    member_of,
    moment_of,
    read_counters,
    templates_that_tiers_give,
)

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_ACCOUNTS = """
SELECT account.*, {clock} AS now, (SELECT max(publication) FROM program_version) AS newest
  FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, member_id)
  JOIN account USING (bucket, member_id)
"""

_WIDTH = len(Account._fields)


class Moment(NamedTuple):
    """What holds at `now`: the day of the program's zone, and the program."""

    now: datetime
    day: int  # since the year 1
    program: Program
    programs: Mapping[int, Program]


class Reading(NamedTuple):
    """A member as they are at a moment, with all that fell due by then. `lots` are whole where the program counts them
    all.
    """

    account: Account
    lots: Iterable[Lot]
    was_due: bool  # something fell due that is not written down yet
    moment: Moment

    def status(self) -> dict[str, Any]:
        """The status in API.md's shape."""
        now, _, program, programs = self.moment
        return status(self.account, lots=self.lots, now=now, program=program, programs=programs)

    def tag(self) -> str:
        """The status's version: all it tells changes with the ledger, the program, the day, or the coupons that
        begin on their own.
        """
        account = self.account
        return f"{account.sequence}.{self.moment.program.version}.{self.moment.day}.{account.coupons}"


class MemberReader(GatheringReader[str, Reading | None]):
    """Reads statuses. `clock` is the SQL of the program's clock."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        rules: Rules,
        templates: Templates,
        clock: str,
    ) -> None:
        super().__init__(connect)
        self._rules = rules
        self._templates = templates
        self._accounts = _ACCOUNTS.format(clock=clock)
        self._members = STATEMENT.format(clock=clock, coupons=COUPONS_DUE, more="")

    async def status(self, member_id: str) -> dict[str, Any] | None:
        """The member's status as it is at this moment, in API.md's shape; None for an unknown member.

        Raises as asyncpg does when the database can't be reached.
        """
        found = await self._ask(member_id)
        return None if found is None else found.status()

    def read(self, member_id: str) -> Awaitable[Reading | None]:
        """As `status`, not rendered yet."""
        return self._ask(member_id)

    async def statuses(self, member_ids: Sequence[str]) -> list[dict[str, Any] | None]:
        """As `status`, of many, in the order asked."""
        all_found = await asyncio.gather(*(self._ask(member_id) for member_id in member_ids))
        return [None if found is None else found.status() for found in all_found]

    async def is_due(self, member_id: str) -> bool:
        """Whether anything fell due on the member that is not written down yet; False for an unknown one."""
        found = await self._ask(member_id)
        return found is not None and found.was_due

    async def _read(self, connection: Connection, asked: Sequence[str]) -> Sequence[Reading | None]:
        member_ids = list(set(asked))
        rows = await connection.fetch(self._accounts, [bucket_of(one) for one in member_ids], member_ids)
        if not rows:
            return [None] * len(asked)
        if rows[0]["newest"] > self._rules.newest:
            await self._rules.refresh(connection)
        # One moment for them all: what depends on it alone is found out once.
        moment = self._moment(rows[0]["now"])
        needs_lots = counts_all_lots(moment.program)
        found: dict[str, Reading] = {}
        closer: list[str] = []
        for row in rows:
            account = Account._make(row[:_WIDTH])
            if needs_lots or is_due(account, moment.now):
                closer.append(account.member_id)
            else:
                # Not before their last entry, should the clock have been set back.
                last_at = account.last_at
                at = self._moment(last_at) if last_at is not None and last_at > moment.now else moment
                found[account.member_id] = Reading(account, (), was_due=False, moment=at)
        if closer:
            found |= await self._read_closer(connection, closer)
        return [found.get(member_id) for member_id in asked]

    async def _read_closer(self, connection: Connection, member_ids: list[str]) -> dict[str, Reading]:
        """The members on whom something fell due, or whose program counts all their lots."""
        found: dict[str, Reading] = {}
        given = templates_that_tiers_give(self._rules)
        rows = await connection.fetch(
            self._members,
            [bucket_of(one) for one in member_ids],
            member_ids,
            any_counts_all_lots(self._rules),
            given,
        )
        if rows:
            await caught_up(connection, rows[0], rules=self._rules, templates=self._templates)
        counters = (
            await read_counters(connection, given) if any(row["paid"] is not None for row in rows) else []
        )
        for row in rows:
            member = member_of(row)
            now = moment_of(member, row)
            was_due = is_due(member.account, now)
            shelf = self._templates.reading_shelf(counters=counters)
            bring_up_to_date(member, now, rules=self._rules, shelf=shelf)
            found[member.account.member_id] = Reading(
                member.account, member.lots.values(), was_due=was_due, moment=self._moment(now)
            )
        return found

    def _moment(self, now: datetime) -> Moment:
        program = self._rules.at(now)
        return Moment(now, local_date(now, program.timezone).toordinal(), program, self._rules.programs)
