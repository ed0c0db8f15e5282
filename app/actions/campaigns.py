"""Making, changing, starting, pausing and ending campaigns.

Writers take turns by a lock on the table, which readers don't feel: so whoever sees a revision sees all below it.
Who changes a budget first waits for the batches that draw from budgets; new ones wait until it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import case, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.actions.campaign_checks import check_all
from app.actions.shop_events import tell
from app.database import Database
from app.domain.account import bucket_of
from app.domain.calendar import local_date
from app.domain.campaign_document import read_campaign as read_document
from app.domain.campaign_document import write_campaign
from app.domain.campaign_states import (
    BudgetBelowGranted,
    CampaignEnded,
    CampaignExists,
    CampaignNotFound,
    Verb,
    after,
)
from app.domain.campaigns import Campaign as CampaignValue
from app.domain.campaigns import CampaignBudget as BudgetTerms
from app.domain.posting import Caller
from app.domain.program import Program
from app.domain.program_versions import in_force
from app.models.campaigns import Campaign, CampaignBudget, CampaignSum, CampaignVersion
from app.queries.campaigns import CAMPAIGN_COLUMNS, CampaignRow, read_campaign
from app.queries.program import read_now, read_programs, read_publications

_DAY = timedelta(days=1)
_NO_BUDGET = BudgetTerms()
_TOLD = {"start": "campaign_started", "pause": "campaign_paused", "end": "campaign_ended"}
"""The kinds of the events that tell of a verb; `subject` is the campaign."""


class Put(NamedTuple):
    """A campaign as it is now, and whether it was made, or a version of it, or neither since it said the same."""

    row: CampaignRow
    is_new: bool
    is_changed: bool


class Moment(NamedTuple):
    """The time by the program's clock, and the version in force then."""

    now: datetime
    program: Program

    @property
    def today(self) -> date:
        return local_date(self.now, self.program.timezone)


async def read_moment(connection: AsyncConnection, clock: str) -> Moment:
    """The moment it is. `clock` is the SQL of the program's clock."""
    now = await read_now(connection, clock)
    version = in_force(await read_publications(connection), at=now).version
    return Moment(now, (await read_programs(connection, [version]))[version])


# --- what it says ----------------------------------------------------------------------------------------


async def put_campaign(
    database: Database,
    *,
    campaign: str,
    document: Mapping[str, Any],
    caller: Caller,
    clock: str,
    is_made: bool = False,
) -> Put:
    """Make a campaign, a draft, or another version of it; one that says the same already is left as it is. If it
    `is_made`, it must not be there saying something else.

    Raises CampaignInvalid, CampaignEnded, CampaignExists or BudgetBelowGranted, having changed nothing.
    """
    async with database.transaction() as connection:
        revision = await _next_revision(connection)
        moment = await read_moment(connection, clock)
        row = await read_campaign(connection, campaign)
        created_at = moment.now if row is None else row.created_at
        terms = read_document(campaign, document, created_at=created_at)
        written = write_campaign(terms)
        if row is not None and row.document == written:
            return Put(row, is_new=False, is_changed=False)
        if row is not None and is_made:
            raise CampaignExists
        await check_all(connection, terms, moment.program)
        if row is not None and row.state == "ended":
            raise CampaignEnded
        before = _NO_BUDGET if row is None else row.read().budget
        if terms.budget != before:
            await _stop_drawing(connection)
            await _fit_budgets(connection, terms, before, row=row, today=moment.today)
        put = await _write(connection, row, terms, revision=revision, now=moment.now, actor=caller.actor)
        kind = "campaign_created" if row is None else "campaign_changed"
        detail = {"version": put.version, "state": put.state}
        await tell(connection, kind=kind, subject=campaign, detail=detail, now=moment.now, caller=caller)
    return Put(put, is_new=row is None, is_changed=True)


async def look_at(
    connection: AsyncConnection, *, campaign: str, document: Mapping[str, Any], moment: Moment
) -> CampaignValue:
    """The campaign that a document would make now; nothing is written. Raises CampaignInvalid."""
    row = await read_campaign(connection, campaign)
    created_at = moment.now if row is None else row.created_at
    terms = read_document(campaign, document, created_at=created_at)
    await check_all(connection, terms, moment.program)
    return terms


async def _next_revision(connection: AsyncConnection) -> int:
    await connection.execute(text("LOCK TABLE campaign IN SHARE ROW EXCLUSIVE MODE"))
    return (await connection.scalar(select(func.max(Campaign.revision))) or 0) + 1


async def _write(
    connection: AsyncConnection,
    row: CampaignRow | None,
    terms: CampaignValue,
    *,
    revision: int,
    now: datetime,
    actor: str,
) -> CampaignRow:
    """The campaign with its new version. Once one gives each member only so much, what it gives each is counted."""
    document, code = write_campaign(terms), terms.campaign
    said = {"revision": revision, "document": document, "updated_at": now}
    if terms.budget.per_member is not None:
        said["counts_members"] = True
        if row is not None and row.started_at is not None and row.read().budget.per_member is None:
            await _stop_batches(connection)  # those that do not know would give without counting
    if row is None:
        number = (await connection.scalar(select(func.max(Campaign.number))) or 0) + 1
        statement = insert(Campaign).values(
            campaign=code, version=1, state="draft", created_at=now, number=number, **said
        )
    else:
        statement = update(Campaign).where(Campaign.campaign == code).values(version=row.version + 1, **said)
    written = CampaignRow._make((await connection.execute(statement.returning(*CAMPAIGN_COLUMNS))).one())
    await connection.execute(
        insert(CampaignVersion).values(
            campaign=code, version=written.version, document=document, created_at=now, actor=actor
        )
    )
    return written


# --- how it stands ---------------------------------------------------------------------------------------


async def move_campaign(
    database: Database, *, campaign: str, verb: Verb, caller: Caller, clock: str
) -> tuple[CampaignRow, bool]:
    """Start, pause or end a campaign; returns it as it is then, and whether that changed anything.

    Raises CampaignNotFound, CampaignEnded or CampaignNotStarted.
    """
    async with database.transaction() as connection:
        revision = await _next_revision(connection)
        row = await read_campaign(connection, campaign)
        if row is None:
            raise CampaignNotFound
        state = after(row.state, verb)
        if state == row.state:
            return row, False
        now = await read_now(connection, clock)
        moments: dict[str, datetime] = {"updated_at": now}
        if state == "live" and row.started_at is None:
            moments["started_at"] = now
        if state == "ended":
            moments["ended_at"] = now
        changed = await connection.execute(
            update(Campaign)
            .where(Campaign.campaign == campaign)
            .values(revision=revision, state=state, **moments)
            .returning(*CAMPAIGN_COLUMNS)
        )
        row = CampaignRow._make(changed.one())
        detail = {"version": row.version, "state": state}
        await tell(connection, kind=_TOLD[verb], subject=campaign, detail=detail, now=now, caller=caller)
    return row, True


# --- budgets ---------------------------------------------------------------------------------------------


async def _stop_drawing(connection: AsyncConnection) -> None:
    # Before any row is locked: a batch locks the table of budgets before the rows of campaigns.
    await connection.execute(text("LOCK TABLE campaign_budget IN EXCLUSIVE MODE"))


async def _fit_budgets(
    connection: AsyncConnection,
    terms: CampaignValue,
    before: BudgetTerms,
    *,
    row: CampaignRow | None,
    today: date,
) -> None:
    """Divide the budgets anew: what was granted stays where it was, and nobody holds the rest. Raises
    BudgetBelowGranted.

    A day's budget is opened by the ledger; none but today's and, where the clock was set back, tomorrow's is there.
    """
    code, budget = terms.campaign, terms.budget
    if budget.points is None:
        await connection.execute(
            delete(CampaignBudget).where(
                CampaignBudget.bucket == bucket_of(code), CampaignBudget.budget == code
            )
        )
    elif before.points is None:
        is_fresh = row is None or row.started_at is None
        granted = 0 if is_fresh else await _count_granted(connection, code)
        if budget.points < granted:
            raise BudgetBelowGranted(granted=granted)
        await connection.execute(
            insert(CampaignBudget).values(
                bucket=bucket_of(code), budget=code, share_of=0, share=budget.points, granted=granted
            )
        )
    elif budget.points != before.points:
        await _divide(connection, code, budget.points)
    if budget.per_day is not None:
        for day in (today, today + _DAY):
            await _divide(connection, f"{code}/{day.isoformat()}", budget.per_day)


async def _count_granted(connection: AsyncConnection, campaign: str) -> int:
    """The points that a campaign gave while it had no budget in all: what later came back counts, as in a budget.

    The batches under way are waited for, and the next ones know the budget.
    """
    await _stop_batches(connection)
    points = select(func.coalesce(func.sum(CampaignSum.points), 0)).where(
        CampaignSum.bucket == bucket_of(campaign), CampaignSum.campaign == campaign
    )
    return int((await connection.execute(points)).scalar_one())


async def _stop_batches(connection: AsyncConnection) -> None:
    # Every batch of the ledger reads the table of campaigns before it decides.
    await connection.execute(text("LOCK TABLE campaign IN ACCESS EXCLUSIVE MODE"))


async def _divide(connection: AsyncConnection, budget: str, points: int) -> None:
    """Let a budget be so large, if it was opened."""
    is_its = (CampaignBudget.bucket == bucket_of(budget)) & (CampaignBudget.budget == budget)
    granted = await connection.scalar(
        select(func.coalesce(func.sum(CampaignBudget.granted), 0)).where(is_its)
    )
    assert granted is not None
    if points < granted:
        raise BudgetBelowGranted(granted=int(granted))
    rest = case((CampaignBudget.share_of == 0, points - int(granted)), else_=0)
    await connection.execute(update(CampaignBudget).where(is_its).values(share=CampaignBudget.granted + rest))
