"""Paying what campaigns that fire without an event give: the engine's `PayCampaign` command, in walks through members.

How far a walk got is written down after every batch, so it may be ended at any moment and goes on there. Who was paid
on an occasion has an entry that says so: whoever comes to them again, in another process too, finds them paid.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog

from app.database import Database
from app.domain.calendar import local_date, midnight
from app.domain.campaign_commands import PayCampaign, key_of_payment
from app.domain.campaign_walks import (
    SIGNS_OF_LIFE,
    WALKED,
    Standing,
    Walk,
    due_walks,
    fired_days,
    is_over,
    moments_between,
)
from app.domain.campaigns import ONE_OCCASION, Campaign, Trigger
from app.domain.posting import Caller
from app.domain.program import Program
from app.festivals import beginning_on
from app.ledger.campaign_rack import CampaignRack
from app.ledger.connection import Connection
from app.ledger.engine import Engine, LedgerUnavailable
from app.ledger.load import REAL_CLOCK, SANDBOX_CLOCK
from app.ledger.outcome import Outcome
from app.ledger.request import SYSTEM, Request
from app.ledger.rulebook import Rulebook
from app.queries.occasions import START, Looked, Place, Run, Slices, live_campaigns, read_runs
from app.recurrence import occurs_on, start_of
from app.security.pii import PiiRing

BATCH = 50
"""Members at a time, as when what fell due is written down (`actions/maturity.py`)."""

SLICE = 1_000
"""Members looked at at a time, among whom there may be none to be paid."""

MOMENTS = 400
"""At most so many are stopped at on the way from one moment of a sandbox to another."""

_DAY = timedelta(days=1)

_BEGIN = """
INSERT INTO campaign_run AS run (campaign, occasion, after_bucket, after_member, paid, started_at)
VALUES ($1, $2, $3, $4, 0, $5)
    ON CONFLICT (campaign, occasion) DO UPDATE
       SET after_bucket = $3, after_member = $4, started_at = $5, finished_at = NULL WHERE run.finished_at IS NOT NULL
"""
_AFTER = "SELECT after_bucket, after_member FROM campaign_run WHERE campaign = $1 AND occasion = $2"
# Another process may have got further meanwhile.
_SAVE = """
UPDATE campaign_run SET paid = paid + $5,
       after_bucket = CASE WHEN (after_bucket, after_member) < ($3, $4) THEN $3 ELSE after_bucket END,
       after_member = CASE WHEN (after_bucket, after_member) < ($3, $4) THEN $4 ELSE after_member END
 WHERE campaign = $1 AND occasion = $2
"""
_FINISH = """
UPDATE campaign_run SET finished_at = $3 WHERE campaign = $1 AND occasion = $2 AND finished_at IS NULL
"""

log = structlog.get_logger(__name__)


async def pay_occasions(
    database: Database, *, pii: PiiRing, is_sandbox: bool, is_stopping: Callable[[], bool] = lambda: False
) -> int:
    """Pay everybody whose turn it is by the live campaigns that fire without an event; returns how many payments.

    It works on a connection and an engine of its own. Between two batches it asks `is_stopping`, and ends early if so.
    Raises `LedgerUnavailable`, or as asyncpg does, when the database goes away; what was paid until then stands.
    """
    connection = await database.connect()
    try:
        clock = SANDBOX_CLOCK if is_sandbox else REAL_CLOCK
        walks = await _due(connection, clock)
        if not walks:
            return 0
        engine = Engine(database.connect, is_sandbox=is_sandbox, pii=pii)
        await engine.start()
        try:
            walker = _Walker(connection, engine, pii, clock, is_stopping)
            return sum([await walker.walk(walk) for walk in walks])
        finally:
            await engine.stop()
    finally:
        await connection.close()


async def moments_on_the_way(database: Database, *, now: datetime) -> list[datetime]:
    """The moments between the sandbox's clock and `now` at which something is to be paid that would be missed later; of
    very many, the last.
    """
    connection = await database.connect()
    try:
        known = await _known(connection, SANDBOX_CLOCK)
    finally:
        await connection.close()
    if known is None:
        return []
    timezone = known.program.timezone
    moments = moments_between(
        [campaign for code, campaign in known.rack.campaigns.items() if code in known.standing.started],
        known.now,
        now,
        timezone,
        standing=known.standing,
        is_day=lambda campaign, day: _is_day(campaign, day, timezone),
    )
    return moments[-MOMENTS:]


def _is_day(campaign: Campaign, day: date, timezone: ZoneInfo) -> bool:
    """Whether a holiday of the campaign begins on the day, or its recurrence names it."""
    if campaign.trigger == "holiday":
        return not beginning_on(day).isdisjoint(campaign.holidays)
    rule = campaign.window.rrule
    return rule is not None and occurs_on(rule, start=start_of(campaign, timezone), day=day)


class _Known(NamedTuple):
    """The live campaigns that a job pays, as they stand at a moment."""

    now: datetime
    program: Program
    rack: CampaignRack
    runs: Mapping[tuple[str, str], Run]
    standing: Standing


async def _known(connection: Connection, clock: str) -> _Known | None:
    """None if there is no such campaign, as one look tells."""
    started = await live_campaigns(connection, WALKED)
    if not started:
        return None
    rulebook, rack = Rulebook(), CampaignRack()
    await rulebook.refresh(connection)
    await rack.refresh(connection)
    now = await connection.fetchval(f"SELECT {clock}")
    runs = await read_runs(connection, started)
    standing = Standing(
        started,
        {campaign: fired_days([run for of, run in runs if of == campaign]) for campaign in started},
        {code for code, campaign in rack.campaigns.items() if is_over(campaign, now)},
    )
    return _Known(now, rulebook.at(now), rack, runs, standing)


async def _due(connection: Connection, clock: str) -> list[Walk]:
    """The walks that are due and not done."""
    known = await _known(connection, clock)
    if known is None:
        return []
    now, timezone = known.now, known.program.timezone
    # One that was started or paused meanwhile has its turn in a minute.
    walks = due_walks(
        {
            trigger: [campaign for campaign in campaigns if campaign.campaign in known.standing.started]
            for trigger, campaigns in known.rack.open_at(now, known.program).items()
        },
        now,
        timezone,
        standing=known.standing,
        holidays=beginning_on(local_date(now, timezone)),
    )
    return [walk for walk in walks if _is_open(known.runs.get((walk.campaign.campaign, walk.run)), walk, now)]


def _is_open(run: Run | None, walk: Walk, now: datetime) -> bool:
    """Whether a walk is still to be done: one never begun, not ended, or ended and to be done anew."""
    if run is None or run.finished_at is None:
        return True
    return walk.since is not None and not walk.since <= run.started_at <= now


class _Walker(NamedTuple):
    """Walks through the members for one campaign after another."""

    connection: Connection
    engine: Engine
    pii: PiiRing
    clock: str
    is_stopping: Callable[[], bool]

    async def walk(self, walk: Walk) -> int:
        """Pay the members that are left, as long as the campaign is open and the occasion lasts; returns how many."""
        code = walk.campaign.campaign
        now = await self._now()
        await self.connection.execute(_BEGIN, code, walk.run, *START, now)
        place = await self.connection.fetchrow(_AFTER, code, walk.run)
        assert place is not None, "it was just written, and is never deleted"
        after: Place | None = (place["after_bucket"], place["after_member"])
        caller = Caller(SYSTEM, f"occasions-{secrets.token_hex(4)}")
        paid = 0
        while after is not None:
            looked = await self._look(walk, after, now)
            for start in range(0, len(looked.found), BATCH):
                found = looked.found[start : start + BATCH]
                if self.is_stopping() or not await self._goes_on(walk):
                    return paid
                more = await self._pay(walk, found, caller)
                if not await self._goes_on(
                    walk
                ):  # closed meanwhile: who of these was not paid is asked again
                    return paid + more
                await self.connection.execute(_SAVE, code, walk.run, *found[-1][0], more)
                paid += more
            after, now = looked.next, await self._now()
            if after is not None:
                if self.is_stopping() or not await self._goes_on(walk):
                    return paid
                await self.connection.execute(_SAVE, code, walk.run, *after, 0)
        await self.connection.execute(_FINISH, code, walk.run, now)
        if paid:
            log.info("campaign_paid", campaign=code, occasion=walk.run, members=paid)
        return paid

    async def _look(self, walk: Walk, after: Place, now: datetime) -> Looked:
        campaign = walk.campaign
        slices = Slices(self.connection, campaign.tiers, key_of_payment(campaign.campaign, walk.run), SLICE)
        timezone = self.engine.rulebook.at(now).timezone
        today = local_date(now, timezone)
        match campaign.trigger:
            case "birthday":
                return await slices.of_month(after, digest=self.pii.month_digest(today.month))
            case "dormancy":
                last = today - _DAY * campaign.dormant_days
                before = midnight(last + _DAY, timezone)
                return await slices.of_dormant(
                    after, kinds=SIGNS_OF_LIFE, last=last, before=before, timezone=timezone.key
                )
            case "campaign_end":
                return await slices.of_participants(after, campaign=campaign.of_campaign or "")
            case _:
                return await slices.of_all(after, least=campaign.balance)

    async def _pay(self, walk: Walk, found: Sequence[tuple[Place, date]], caller: Caller) -> int:
        """Ask for a batch of members, but for the control group; returns how many were paid."""
        campaign = walk.campaign
        beside = await self._beside(campaign)
        requests = [
            Request(
                PayCampaign(
                    member_id=member_id,
                    campaign=campaign.campaign,
                    trigger=campaign.trigger,
                    occasion=walk.occasion(last),
                    beside=beside,
                ),
                caller,
            )
            for (_, member_id), last in found
            if not campaign.holds_out(member_id)
        ]
        paid = 0
        for result in await self.engine.submit_all(requests):
            if isinstance(result, LedgerUnavailable):
                raise result
            # Who is not for it, or for whom nothing is left, is answered with where they stand.
            paid += isinstance(result, Outcome) and not result.replayed and "campaign" in result.body
        return paid

    async def _goes_on(self, walk: Walk) -> bool:
        """Whether the campaign is open as the engine knows it, which learns of changes with every batch."""
        now = await self._now()
        is_open = any(
            each.campaign == walk.campaign.campaign for each in self._open(walk.campaign.trigger, now)
        )
        return is_open and (walk.until is None or now < walk.until)

    async def _beside(self, campaign: Campaign) -> tuple[str, ...]:
        """The others that are asked on the same occasion, if not all of them stack."""
        if campaign.trigger not in ONE_OCCASION:
            return ()
        open_now = self._open(campaign.trigger, await self._now())
        if all(each.stacks for each in open_now):
            return ()
        return tuple(each.campaign for each in open_now if each.campaign != campaign.campaign)

    def _open(self, trigger: Trigger, now: datetime) -> Sequence[Campaign]:
        return self.engine.campaigns.open_at(now, self.engine.rulebook.at(now)).get(trigger, ())

    async def _now(self) -> datetime:
        return await self.connection.fetchval(f"SELECT {self.clock}")
