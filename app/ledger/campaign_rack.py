"""The campaigns this process has met, as they are now: read again when a newer revision exists."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import asyncpg

from app.domain.account import Budget
from app.domain.calendar import local_date
from app.domain.campaign_choice import budgets_of
from app.domain.campaign_document import CampaignInvalid, read_campaign
from app.domain.campaigns import Campaign, Facts, Trigger
from app.domain.program import Program
from app.domain.roster import Asking, Failure, Roster
from app.expressions import asking, asks_for_traits
from app.ledger.budgets import SHARES, left_of
from app.ledger.campaign_failures import CampaignFailures
from app.ledger.connection import Connection
from app.recurrence import is_open

_REFRESH = """
SELECT campaign, revision, version, state, document, created_at, updated_at, number, counts_members FROM campaign
 WHERE revision > $1 ORDER BY revision
"""


class Ahead(NamedTuple):
    """What the campaigns of a trigger may need: budgets, templates of coupons, what members had of whom, traits."""

    budgets: frozenset[str] = frozenset()
    templates: frozenset[str] = frozenset()
    limited: Mapping[str, int] = {}  # campaigns that give each member only so much, with their numbers
    asks_for_traits: bool = False


NOTHING_AHEAD = Ahead()


class CampaignRack:
    """Campaigns by code; `newest` is the highest revision among them."""

    def __init__(self) -> None:
        self.campaigns: dict[str, Campaign] = {}
        self.numbers: dict[str, int] = {}  # of all, by which accounts know who took part
        self.newest = 0
        self.share_of = 1 + secrets.randbelow(SHARES)
        self._counting: set[str] = set()  # those of which some version gives each member only so much
        self._live: dict[Trigger, list[Campaign]] = {}
        self._asking_traits: frozenset[str] = frozenset()  # campaigns whose conditions ask of the person
        self._ahead: dict[Trigger, Ahead] = {}  # until campaigns, budgets or the day change
        self._spent: dict[str, int] = {}  # budgets, each at the revision of its campaign
        self._today = date.min
        self.failures = CampaignFailures()

    async def keep_up(self, connection: Connection, revision: int) -> None:
        """Refresh if there is a newer revision than is known."""
        if revision > self.newest:
            await self.refresh(connection)

    async def refresh(self, connection: Connection) -> None:
        """Read the campaigns that are new or were changed."""
        for row in await connection.fetch(_REFRESH, self.newest):
            known = self.campaigns.get(row["campaign"])
            if known is None or known.revision < row["revision"]:  # else read by another refresh meanwhile
                self._read(row)
            self.newest = max(self.newest, row["revision"])
        live: dict[Trigger, list[Campaign]] = {}
        for campaign in sorted(self.campaigns.values(), key=lambda each: each.order_key):
            if campaign.state == "live":
                live.setdefault(campaign.trigger, []).append(campaign)
        self._live = live
        self._ahead.clear()
        self._asking_traits = frozenset(
            campaign.campaign
            for campaigns in live.values()
            for campaign in campaigns
            if any(map(asks_for_traits, filter(None, (campaign.audience, campaign.condition))))
        )

    def _read(self, row: asyncpg.Record) -> None:
        """Know the campaign of a row. One that a newer release wrote may be unreadable here: it pays nothing."""
        name = row["campaign"]
        self.numbers[name] = row["number"]
        if row["counts_members"]:
            self._counting.add(name)
        self.campaigns.pop(name, None)
        try:
            self.campaigns[name] = read_campaign(
                name,
                json.loads(row["document"]),
                version=row["version"],
                revision=row["revision"],
                state=row["state"],
                created_at=row["created_at"],
            )
        except CampaignInvalid as invalid:
            if row["state"] == "live":
                mistake = invalid.mistakes[0]
                failure = Failure(name, f"this process can't read it: {mistake.pointer} {mistake.detail}.")
                self.failures.wait(failure, row["updated_at"])

    @property
    def has_live(self) -> bool:
        return bool(self._live)

    def ahead(self, trigger: Trigger) -> Ahead:
        """What the live campaigns of a trigger may need, as far as this process knows."""
        known = self._ahead.get(trigger)
        if known is None:
            known = self._ahead[trigger] = self._look_ahead(self._live.get(trigger, ()))
        return known

    def _look_ahead(self, campaigns: Sequence[Campaign]) -> Ahead:
        if not campaigns:
            return NOTHING_AHEAD
        today = self._today.isoformat()
        return Ahead(
            frozenset(
                budget
                for campaign in campaigns
                for budget in budgets_of(campaign, today)
                if not self._is_spent(budget)
            ),
            frozenset(
                effect.template
                for campaign in campaigns
                for effect in campaign.effects
                if effect.template is not None
            ),
            {
                each.campaign: self.numbers[each.campaign]
                for each in campaigns
                if each.campaign in self._counting
            },
            any(campaign.campaign in self._asking_traits for campaign in campaigns),
        )

    def note_spent(self, budgets: Iterable[str]) -> None:
        """Nothing is left of these budgets: for good, unless their campaigns change."""
        for budget in budgets:
            campaign = self.campaigns.get(budget.partition("/")[0])
            if campaign is not None:
                self._spent[budget] = campaign.revision
                self._ahead.clear()

    def _is_spent(self, budget: str) -> bool:
        campaign = self.campaigns.get(budget.partition("/")[0])
        return campaign is not None and self._spent.get(budget) == campaign.revision

    def roster(
        self, now: datetime, program: Program, *, rows: Iterable[Budget] = (), whole: Iterable[str] = ()
    ) -> Roster:
        """What decisions at this moment are handed of them, with these shares of budgets locked."""
        spent = self._spent_on(local_date(now, program.timezone))
        open_now = self.open_at(now, program)
        return Roster(
            open_now,
            left={**left_of(rows), **dict.fromkeys(spent, 0)},
            all_shares=(*whole, *spent),
            ask=_asking(open_now),
            numbers=self.numbers,
        )

    def reading_roster(self, now: datetime, program: Program, *, left: Mapping[str, int]) -> Roster:
        """As `roster`, for decisions that are never written down, with what is left of budgets as it was read."""
        left = {**left, **dict.fromkeys(self._spent_on(local_date(now, program.timezone)), 0)}
        open_now = self.open_at(now, program)
        return Roster(open_now, left=left, ask=_asking(open_now), is_reading=True, numbers=self.numbers)

    def _spent_on(self, today: date) -> list[str]:
        """The budgets known to be spent; those of days that are over are forgotten."""
        if today != self._today:
            self._today = today
            self._ahead.clear()
            self._spent = {budget: at for budget, at in self._spent.items() if "/" not in budget}
        return [budget for budget in self._spent if self._is_spent(budget)]

    def open_at(self, now: datetime, program: Program) -> dict[Trigger, list[Campaign]]:
        """The live campaigns whose window holds and whose recurrence names the day, in the order they apply."""
        today = local_date(now, program.timezone)
        return {
            trigger: [campaign for campaign in campaigns if is_open(campaign, now, today, program.timezone)]
            for trigger, campaigns in self._live.items()
        }


def _asking(open_now: Mapping[Trigger, Sequence[Campaign]]) -> Callable[[Trigger, Facts], Asking]:
    """How conditions are asked of these campaigns: all of a trigger at once, so that they cost little more than one."""
    together: dict[Trigger, tuple[str, ...]] = {}
    for trigger, campaigns in open_now.items():
        asked = (expression for each in campaigns for expression in (each.audience, each.condition))
        together[trigger] = tuple(dict.fromkeys(filter(None, asked)))

    def ask(trigger: Trigger, facts: Facts) -> Asking:
        return asking(trigger, facts, together=together.get(trigger, ()))

    return ask
