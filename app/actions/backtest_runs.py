"""Carrying out a backtest: the recorded orders through both runs, in one process of its own.

All is read in one snapshot, through a cursor; what is kept of a member is about two kilobytes in each run. Progress is
written on another connection, once a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from app.actions.backtests import finish, give_up, note_progress, take_up
from app.actions.drafts import DraftCampaign, DraftProgram
from app.charts import draw_backtest
from app.database import Database
from app.domain.backtest import Rules, Run
from app.domain.backtest_figures import Comparison, Period
from app.domain.campaigns import AT_THE_TILL, Campaign
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
    """What decides in each run, the campaigns of each, those of them that are tried, and what the draft run opened."""

    baseline: Rules
    draft: Rules
    campaigns: tuple[Sequence[Campaign], Sequence[Campaign]]
    drafts: Sequence[Campaign]
    timeline: Timeline
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
    result = comparison.result()
    return {**result, "warnings": _warnings(sides, result["orders"])}


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
    programs, program_at = rulebook.programs, rulebook.at
    before = Timeline(phases, program_at)
    baseline = Rules(program_at, programs, before.open_at, asking, rack.templates)
    ladders = [program.tiers.ladder for program in programs.values()]
    if asked.program is not None:
        program = asked.program.read()
        programs, program_at = {program.version: program}, _always(program)
        ladders.append(program.tiers.ladder)
    timeline = Timeline(tried, program_at)
    draft = Rules(program_at, programs, timeline.open_at, asking, rack.templates)
    # Of several programs: by the last of them, with what only others have before it.
    ladder = list(dict.fromkeys(tier.code for tiers in ladders for tier in tiers))
    campaigns = [phase.campaign for phase in phases], [phase.campaign for phase in tried]
    return _Sides(baseline, draft, campaigns, drafts, timeline, ladder)


def _always(program: Program) -> Callable[[datetime], Program]:
    return lambda _now: program


def _warnings(sides: _Sides, orders: int) -> list[dict[str, Any]]:
    """What to know before believing the figures."""
    found = [] if orders else [_warning("nothing_recorded")]
    for campaign in sides.drafts:
        if campaign.trigger not in _REPLAYED_TRIGGERS:
            found.append(_warning("not_for_orders", campaign.campaign))
        elif orders and campaign.campaign not in sides.timeline.opened:
            found.append(_warning("never_open", campaign.campaign))
        if any(effect.kind in AT_THE_TILL for effect in campaign.effects):
            found.append(_warning("acts_at_till", campaign.campaign))
    return found


_REPLAYED_TRIGGERS = frozenset({"order", "tier_change"})
_WARNINGS = {
    "nothing_recorded": "No order of the period is recorded.",
    "not_for_orders": "Only orders are run again, and the tiers they lead to: this campaign is for something else.",
    "never_open": "It was open at none of the orders: its window or its recurrence lies elsewhere.",
    "acts_at_till": "Discounts, gifts and free shipping act at the till: they are not in the figures.",
}


def _warning(code: str, campaign: str | None = None) -> dict[str, Any]:
    return {"code": code, "campaign": campaign, "detail": _WARNINGS[code]}
