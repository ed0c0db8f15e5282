"""Carrying out a backtest: the recorded orders through both runs, in one process of its own.

All is read in one snapshot, through a cursor; what is kept of a member is about a kilobyte in each run. Progress is
written on another connection, once a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from app.actions.backtests import finish, give_up, note_progress, take_up
from app.charts import draw_backtest
from app.database import Database
from app.domain.backtest import Rules, Run
from app.domain.backtest_figures import Comparison, Period
from app.domain.campaigns import Campaign
from app.domain.coupon_templates import Template
from app.domain.instants import rfc3339
from app.domain.program import Program
from app.expressions import asking, asks_for_traits
from app.ledger.connection import Connection
from app.ledger.rack import TemplateRack
from app.ledger.rulebook import Rulebook
from app.queries.campaign_history import Phase, Timeline, read_phases
from app.queries.recorded_orders import count_orders, read_orders
from app.security.pii import PiiRing

PROGRESS_SECONDS = 1.0
_REPLAYED = 0.98  # of the progress; the rest is drawing and keeping

log = structlog.get_logger(__name__)


class DraftCampaign(NamedTuple):
    """A campaign to be tried: its document, and the version it is stored as (0: it is not)."""

    campaign: str
    document: Mapping[str, Any]
    version: int = 0

    def read(self, since: datetime) -> Campaign:
        """The campaign as if it were live, a recurrence without a beginning counted from then."""
        read = Campaign.from_document(self.campaign, self.document, version=self.version, state="live")
        return replace(read, created_at=since)


class DraftProgram(NamedTuple):
    """A program to be tried: its document, and the version it is stored as (0: it is not)."""

    document: Mapping[str, Any]
    version: int = 0

    def read(self) -> Program:
        """The program under its number."""
        return Program.from_document(self.version, self.document)


class AskedBacktest(NamedTuple):
    """A draft over the orders of a period."""

    period: Period
    campaigns: tuple[DraftCampaign, ...] = ()
    program: DraftProgram | None = None

    def to_document(self) -> dict[str, Any]:
        """As it is kept with the backtest."""
        return {
            "from": rfc3339(self.period.since),
            "until": rfc3339(self.period.until),
            "campaigns": [draft._asdict() for draft in self.campaigns],
            "program": None if self.program is None else self.program._asdict(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> AskedBacktest:
        """What `to_document` wrote."""
        return cls(
            Period(datetime.fromisoformat(document["from"]), datetime.fromisoformat(document["until"])),
            tuple(DraftCampaign(**draft) for draft in document["campaigns"]),
            None if document["program"] is None else DraftProgram(**document["program"]),
        )


class _Sides(NamedTuple):
    """What decides in each run, the campaigns of each, and what is asked of persons."""

    baseline: Rules
    draft: Rules
    campaigns: tuple[Sequence[Campaign], Sequence[Campaign]]
    ladder: Sequence[str]

    @property
    def asks_for_traits(self) -> bool:
        return any(
            asks_for_traits(condition)
            for campaigns in self.campaigns
            for campaign in campaigns
            for condition in (campaign.audience, campaign.condition)
            if condition is not None
        )


class _Progress:
    """How far a replay is, and whether anybody still wants it."""

    def __init__(self) -> None:
        self.share = 0.0
        self.is_wanted = True

    async def tell(self, database: Database, backtest: UUID) -> None:
        """Write it down once a second, which is the sign of life too."""
        while self.is_wanted:
            await asyncio.sleep(PROGRESS_SECONDS)
            self.is_wanted = await note_progress(database, backtest, self.share)


async def carry_out(database: Database, backtest: UUID, *, pii: PiiRing) -> bool:
    """Carry out a backtest from its beginning to its end; False if it is gone, or somebody else's.

    What breaks it is kept as its error, and raised.
    """
    asked = await take_up(database, backtest)
    if asked is None:
        return False
    began, progress = time.monotonic(), _Progress()
    telling = asyncio.create_task(progress.tell(database, backtest))
    try:
        result = await _replay(database, AskedBacktest.from_document(asked), pii, progress)
        if result is None:
            return False
        chart = draw_backtest(result)
    except Exception:
        await give_up(database, backtest, error="The backtest broke; the logs of the service tell why.")
        raise
    finally:
        telling.cancel()
    seconds = round(time.monotonic() - began, 3)
    await finish(database, backtest, result={**result, "seconds": seconds}, chart=chart)
    log.info("backtest_done", backtest=str(backtest), orders=result["orders"], seconds=seconds)
    return True


async def _replay(
    database: Database, asked: AskedBacktest, pii: PiiRing, progress: _Progress
) -> dict[str, Any] | None:
    """What the orders come to; None once nobody wants to know."""
    connection = await database.connect()
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            sides = await _sides(connection, asked)
            comparison = _comparison(asked, sides)
            until = asked.period.until
            total, done = await count_orders(connection, until=until), 0
            async for orders in read_orders(
                connection, until=until, pii=pii, asks_for_traits=sides.asks_for_traits
            ):
                for order in orders:
                    if order is not None:
                        comparison.place(order)
                done += len(orders)
                progress.share = _REPLAYED * done / total
                await asyncio.sleep(0)  # what the cursor had read already came without a pause
                if not progress.is_wanted:
                    return None
    finally:
        await connection.close()
    return comparison.result()


def _comparison(asked: AskedBacktest, sides: _Sides) -> Comparison:
    def names(campaigns: Iterable[Campaign]) -> dict[str, str]:
        return {campaign.campaign: campaign.name for campaign in campaigns}

    return Comparison(
        Run(sides.baseline),
        Run(sides.draft),
        period=asked.period,
        names=(names(sides.campaigns[0]), names(sides.campaigns[1])),
        templates=sides.draft.templates,
        ladder=sides.ladder,
    )


async def _sides(connection: Connection, asked: AskedBacktest) -> _Sides:
    """The rules of both runs. The draft program is in force from the first order on, so that members stand where they
    would; draft campaigns are live in the period alone, in place of those of the same name.
    """
    rulebook, rack = Rulebook(), TemplateRack()
    await rulebook.refresh(connection)
    await rack.refresh(connection)
    phases = await read_phases(connection)
    drafts = [draft.read(asked.period.since) for draft in asked.campaigns]
    drafted = {campaign.campaign for campaign in drafts}
    others = [phase for phase in phases if phase.campaign.campaign not in drafted]
    tried = [*others, *(Phase(campaign, asked.period.since, asked.period.until) for campaign in drafts)]
    baseline = _rules(rulebook, phases, rack.templates)
    draft = _rules(rulebook, tried, rack.templates)
    ladders = [program.tiers.ladder for program in rulebook.programs.values()]
    if asked.program is not None:
        program = asked.program.read()
        draft = _rules_under(program, tried, rack.templates)
        ladders.append(program.tiers.ladder)
    # Of several programs: by the last of them, with what only others have before it.
    ladder = list(dict.fromkeys(tier.code for tiers in ladders for tier in tiers))
    return _Sides(
        baseline, draft, ([phase.campaign for phase in phases], [phase.campaign for phase in tried]), ladder
    )


def _rules(rulebook: Rulebook, phases: Sequence[Phase], templates: Mapping[str, Template]) -> Rules:
    timeline = Timeline(phases, rulebook.at)
    return Rules(rulebook.at, rulebook.programs, timeline.open_at, asking, templates)


def _rules_under(program: Program, phases: Sequence[Phase], templates: Mapping[str, Template]) -> Rules:
    timeline = Timeline(phases, lambda _now: program)
    return Rules(lambda _now: program, {program.version: program}, timeline.open_at, asking, templates)
