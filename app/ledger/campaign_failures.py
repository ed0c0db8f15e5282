"""What campaigns failed at, counted where each campaign shows it, at most once a second by a process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from time import monotonic
from typing import NamedTuple

import structlog

from app.domain.roster import Failure
from app.ledger.connection import Connection

_TELL = """
INSERT INTO campaign_failure (campaign, failures, last_at, last_error)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[])
    ON CONFLICT (campaign) DO UPDATE SET failures = campaign_failure.failures + excluded.failures,
       last_at = excluded.last_at, last_error = excluded.last_error
"""
TELL_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Untold(NamedTuple):
    """How often a campaign failed since that was told last, and how it did so last."""

    failures: int
    last_at: datetime | None
    last_error: str


class CampaignFailures:
    """What a process has not told yet: `tell` within a transaction, `note` once that is committed."""

    def __init__(self) -> None:
        self._untold: Mapping[str, Untold] = {}
        self._tell_at = 0.0

    def with_more(self, failures: Iterable[Failure], now: datetime | None) -> Mapping[str, Untold]:
        """All that is untold by campaign, these failures included."""
        if not failures:
            return self._untold
        untold = dict(self._untold)
        for failure in failures:
            before = untold.get(failure.campaign)
            untold[failure.campaign] = Untold(1 + (before.failures if before else 0), now, failure.error)
        return untold

    def wait(self, failure: Failure, at: datetime) -> None:
        """Tell it with the next ones."""
        self._untold = self.with_more((failure,), at)

    async def tell(
        self, connection: Connection, untold: Mapping[str, Untold], *, is_last: bool = False
    ) -> bool:
        """Count it where the campaigns show it; False if it is too soon and not the last chance to."""
        if not untold or (monotonic() < self._tell_at and not is_last):
            return False
        rows = [(campaign, *each) for campaign, each in sorted(untold.items())]
        for campaign, failures, _, error in rows:
            log.warning("campaign_failed", campaign=campaign, failures=failures, error=error)
        await connection.execute(_TELL, *map(list, zip(*rows, strict=True)))
        return True

    def note(self, untold: Mapping[str, Untold], *, is_told: bool) -> None:
        """Take in what was committed: all of this is told, or waits."""
        if is_told:
            self._tell_at = monotonic() + TELL_SECONDS
        self._untold = {} if is_told else untold

    @property
    def is_waiting(self) -> bool:
        """Whether there is something untold."""
        return bool(self._untold)

    async def tell_rest(self, connection: Connection) -> None:
        """Outside a batch: when there is none for a while, and before the process ends. What can't be told waits."""
        try:
            is_told = await self.tell(connection, self._untold, is_last=True)
        except Exception:  # a lost connection or anything else: purchases go on
            log.exception("failures_untold")
        else:
            self.note(self._untold, is_told=is_told)
