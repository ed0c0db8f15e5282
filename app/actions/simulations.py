"""Simulations: a member is read as the ledger would load them, without a lock, and the event decided in memory.

What a decision turns out to need besides is read and all is decided again, as in a batch (`ledger/batch.py`); only that
nothing is locked and nothing is saved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from app.actions.backtest_runs import DraftCampaign, DraftProgram
from app.database import Database
from app.domain.account import Account, bucket_of
from app.domain.calendar import local_date
from app.domain.campaign_choice import budgets_of
from app.domain.campaigns import Campaign, Trigger
from app.domain.command import Command
from app.domain.errors import MemberErased, MemberNotFound
from app.domain.instants import rfc3339
from app.domain.maturity import is_due, mature
from app.domain.posting import Caller, Context, Member
from app.domain.program import Program
from app.domain.roster import Roster
from app.domain.shelf import NeedsMore
from app.domain.simulation import MADE_UP, MadeUp, Simulated, Simulation, SimulationTooEarly, told
from app.expressions import asking, asks_for_traits
from app.ledger.campaign_rack import Ahead
from app.ledger.connection import Connection
from app.ledger.engine import Engine
from app.ledger.fill import fill
from app.ledger.load import load
from app.ledger.needs import Needs
from app.ledger.wants import Wants, by_member
from app.queries.maturing import read_counters
from app.recurrence import is_open
from app.security.pii import PiiRing

_ACCOUNTS = """
SELECT found.* FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, member_id)
  JOIN account AS found USING (bucket, member_id)
"""
_LEFT = """
SELECT budget, sum(share - granted) AS points FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, budget)
  JOIN campaign_budget USING (bucket, budget) GROUP BY budget
"""


class AskedSimulation(NamedTuple):
    """An event, by the command that it is live; a member made up, unless the command names one; when (None: now)."""

    command: Command
    made_up: MadeUp | None
    at: datetime | None
    campaigns: Sequence[DraftCampaign] = ()
    program: DraftProgram | None = None


class _Stage(NamedTuple):
    """The moment and the rules in which it happens."""

    now: datetime
    program: Program
    programs: Mapping[int, Program]
    campaigns: Sequence[Campaign]  # live ones and drafts, in the order they apply
    open_now: Mapping[Trigger, Sequence[Campaign]]
    left: Mapping[str, int]  # of every budget of those open
    numbers: Mapping[str, int]  # of those that are no mere drafts

    @property
    def ahead(self) -> dict[Trigger, Ahead]:
        """What the campaigns of each trigger may need loaded."""
        return {trigger: _ahead(campaigns, self.numbers) for trigger, campaigns in self.open_now.items()}


async def simulate(
    database: Database, engine: Engine, asked: AskedSimulation, *, pii: PiiRing, clock: str, caller: Caller
) -> dict[str, Any]:
    """What would happen, as `schemas/simulations.py` answers it.

    Raises MemberNotFound, MemberErased, SimulationTooEarly, SimulationRepeats and the refusals of the event itself.
    """
    connection = await database.connect()
    try:
        stage = await _stage(connection, engine, asked, clock)
        if asked.made_up is not None:
            context = await _context(connection, engine, stage, caller)
            members = {MADE_UP: asked.made_up.member(context)}
            found = Simulation(members, context).run(asked.command, _considered(stage, asked))
        else:
            found, context = await _on_members(connection, engine, stage, asked, pii, caller)
    finally:
        await connection.close()
    return {"at": rfc3339(context.now), "program_version": stage.program.version, **told(found, context)}


async def _on_members(
    connection: Connection,
    engine: Engine,
    stage: _Stage,
    asked: AskedSimulation,
    pii: PiiRing,
    caller: Caller,
) -> tuple[Simulated, Context]:
    """What would happen to a member who exists, read again until nothing is missing."""
    needs = Needs()
    while True:
        commands = [asked.command, *needs.commands]
        context = await _context(connection, engine, stage, caller)
        members, known = await _load(connection, commands, context, stage, needs, pii)
        member = members.get(asked.command.member_id)
        if member is None:
            raise MemberNotFound
        if member.account.status == "erased":
            raise MemberErased
        if member.account.last_at is not None and stage.now < member.account.last_at:
            raise SimulationTooEarly
        try:
            for each in members.values():
                if is_due(each.account, stage.now):
                    mature(each, context)
            simulation = Simulation(members, context, known=known, loaded=needs.commands)
            return simulation.run(asked.command, _considered(stage, asked)), context
        except NeedsMore as more:
            needs = needs.with_more(more)


async def _stage(connection: Connection, engine: Engine, asked: AskedSimulation, clock: str) -> _Stage:
    await engine.rulebook.refresh(connection)
    await engine.rack.refresh(connection)
    await engine.campaigns.refresh(connection)
    now: datetime = asked.at or await connection.fetchval(f"SELECT {clock}")
    programs = dict(engine.rulebook.programs)
    program = engine.rulebook.at(now) if asked.program is None else asked.program.read()
    programs[program.version] = program
    drafts = {draft.campaign: draft.read(now) for draft in asked.campaigns}
    live = [each for each in engine.campaigns.campaigns.values() if each.state == "live"]
    campaigns = [*(each for each in live if each.campaign not in drafts), *drafts.values()]
    if asked.made_up is not None:  # nobody is in no control group
        campaigns = [_without_control_group(each) for each in campaigns]
    campaigns.sort(key=lambda each: each.order_key)
    today = local_date(now, program.timezone)
    open_now: dict[Trigger, list[Campaign]] = {}
    for campaign in campaigns:
        if is_open(campaign, now, today, program.timezone):
            open_now.setdefault(campaign.trigger, []).append(campaign)
    left = await _left(connection, open_now, drafts, today.isoformat())
    return _Stage(now, program, programs, campaigns, open_now, left, engine.campaigns.numbers)


async def _left(
    connection: Connection,
    open_now: Mapping[Trigger, Sequence[Campaign]],
    drafts: Collection[str],
    today: str,
) -> dict[str, int]:
    """What is left of every budget of the campaigns open; of a draft's, and of a day's that nobody drew from, all."""
    left: dict[str, int] = {}
    stored: list[str] = []
    for campaign in (each for campaigns in open_now.values() for each in campaigns):
        for budget in budgets_of(campaign, today):
            most = campaign.budget.points if budget == campaign.campaign else campaign.budget.per_day
            left[budget] = most or 0
            if campaign.campaign not in drafts:
                stored.append(budget)
    rows = await connection.fetch(_LEFT, [bucket_of(budget) for budget in stored], stored) if stored else ()
    return left | {row["budget"]: int(row["points"]) for row in rows}


async def _context(connection: Connection, engine: Engine, stage: _Stage, caller: Caller) -> Context:
    """A context of its own for each try: what a try changed in it must not be seen by the next."""
    templates = {
        effect.template
        for campaigns in stage.open_now.values()
        for campaign in campaigns
        for effect in campaign.effects
        if effect.template is not None
    }
    shelf = engine.rack.reading_shelf(counters=await read_counters(connection, sorted(templates)))
    roster = Roster(stage.open_now, left=stage.left, all_shares=stage.left, ask=asking)
    today = local_date(stage.now, stage.program.timezone)
    return Context(stage.now, today, stage.program, stage.programs, caller, shelf, roster)


async def _load(
    connection: Connection,
    commands: Sequence[Command],
    context: Context,
    stage: _Stage,
    needs: Needs,
    pii: PiiRing,
) -> tuple[dict[str, Member], Collection[tuple[str, str]]]:
    """The members of the commands with what these need, and the keys of the entries found."""
    ids = sorted({member_id for command in commands for member_id in command.members})
    rows = await connection.fetch(_ACCOUNTS, [bucket_of(member_id) for member_id in ids], ids)
    accounts = {row["member_id"]: Account._make(row) for row in rows}
    members = {member_id: Member(account) for member_id, account in accounts.items()}
    wanted = Wants(
        commands,
        accounts=accounts,
        moments=dict.fromkeys(accounts, stage.now),
        program=stage.program,
        shelf=context.shelf,
        asks_for_traits=True,
        ahead=stage.ahead,
    ).all(needs)
    templates, periods = by_member(wanted.template_coupons), by_member(wanted.progress)
    for member_id, member in members.items():
        member.sees_all_lots = member_id in wanted.lots or not member.account.lot_count
        member.sees_wallet = member_id in wanted.wallets
        member.sees_referral = member_id in wanted.referrals
        member.sees_gifts = member_id in wanted.gifts
        member.sees_templates = frozenset(templates.get(member_id, ()))
        member.periods = frozenset(periods.get(member_id, ()))
    return members, fill(members, await load(connection, wanted), pii).keys()


def _considered(stage: _Stage, asked: AskedSimulation) -> Iterable[Campaign]:
    """The campaigns to tell of: every draft, and the live ones of this trigger or of one that follows from it."""
    drafts = {draft.campaign for draft in asked.campaigns}
    told_of = {asked.command.fires, "tier_change"}
    return [
        campaign for campaign in stage.campaigns if campaign.campaign in drafts or campaign.trigger in told_of
    ]


def _ahead(campaigns: Iterable[Campaign], numbers: Mapping[str, int]) -> Ahead:
    found = list(campaigns)
    return Ahead(
        templates=frozenset(
            effect.template for each in found for effect in each.effects if effect.template is not None
        ),
        limited={
            each.campaign: numbers[each.campaign]
            for each in found
            if each.budget.per_member is not None and each.campaign in numbers
        },
        asks_for_traits=any(
            asks_for_traits(condition)
            for each in found
            for condition in (each.audience, each.condition)
            if condition is not None
        ),
    )


def _without_control_group(campaign: Campaign) -> Campaign:
    return replace(campaign, holdout_percent=0)
