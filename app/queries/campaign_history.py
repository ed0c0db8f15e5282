"""Which campaigns were live when: each version of each, from when it was live until it was no more.

When a campaign was paused is not kept, only since when it is: one that goes on again counts as if it had never paused.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from app.domain.calendar import local_date
from app.domain.campaign_document import CampaignInvalid, read_campaign
from app.domain.campaigns import Campaign, Trigger
from app.domain.program import Program
from app.recurrence import is_open

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_VERSIONS = """
SELECT campaign, found.version, found.document, found.created_at, live.started_at,
       live.created_at AS made_at,
       CASE live.state WHEN 'ended' THEN live.ended_at WHEN 'paused' THEN live.updated_at END AS stopped_at
  FROM campaign_version AS found JOIN campaign AS live USING (campaign)
 WHERE live.started_at IS NOT NULL
 ORDER BY campaign, found.version
"""


class Phase(NamedTuple):
    """A version of a campaign, live from `since` until another moment (None: still)."""

    campaign: Campaign
    since: datetime
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


async def read_phases(connection: Connection) -> list[Phase]:
    """Every version that was ever live."""
    rows = await connection.fetch(_VERSIONS)
    phases: list[Phase] = []
    for row, following in zip_longest(rows, rows[1:]):
        ends = [row["stopped_at"]] if row["stopped_at"] is not None else []
        if following is not None and following["campaign"] == row["campaign"]:
            ends.append(following["created_at"])
        since, until = max(row["created_at"], row["started_at"]), min(ends, default=None)
        if until is not None and until <= since:
            continue
        with contextlib.suppress(CampaignInvalid):  # which a newer release wrote: it pays nothing live either
            campaign = read_campaign(
                row["campaign"],
                json.loads(row["document"]),
                version=row["version"],
                state="live",
                created_at=row["made_at"],
            )
            phases.append(Phase(campaign, since, until))
    return phases


class Timeline:
    """The campaigns open at each moment, whose windows and recurrences are those of the program's days; `opened` are
    those that were open at a moment asked for.
    """

    def __init__(self, phases: Iterable[Phase], program_at: Callable[[datetime], Program]) -> None:
        self._phases = sorted(phases, key=lambda phase: phase.campaign.order_key)
        self.opened: set[str] = set()
        self._program_at = program_at
        self._last: Sequence[Campaign] = ()
        self._open: Mapping[Trigger, Sequence[Campaign]] = {}

    def open_at(self, now: datetime) -> Mapping[Trigger, Sequence[Campaign]]:
        """By trigger, in the order they apply: the same object as long as nothing opens or closes."""
        timezone = self._program_at(now).timezone
        today = local_date(now, timezone)
        found = [
            phase.campaign
            for phase in self._phases
            if phase.holds(now) and is_open(phase.campaign, now, today, timezone)
        ]
        if found != self._last:
            by_trigger: dict[Trigger, list[Campaign]] = {}
            for campaign in found:
                by_trigger.setdefault(campaign.trigger, []).append(campaign)
                self.opened.add(campaign.campaign)
            self._last, self._open = found, by_trigger
        return self._open
