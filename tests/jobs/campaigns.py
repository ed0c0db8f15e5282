"""Campaigns for the tests of jobs, as they are stored once they are live."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from app.domain.account import bucket_of
from tests.jobs.conftest import Sandbox

DOUBLE: dict[str, Any] = {
    "name": "双倍积分",
    "trigger": "order",
    "window": {},
    "effects": [{"kind": "multiply_points", "factor": "2"}],
}


async def put_live(
    sandbox: Sandbox,
    campaign: str,
    *,
    since: datetime = datetime(2020, 1, 1, tzinfo=UTC),
    state: str = "live",
    stopped_at: datetime | None = None,
    **fields: Any,
) -> None:
    """A campaign that has been live since then."""
    document = json.dumps({**DOUBLE, **fields})
    await sandbox.rows(
        "INSERT INTO campaign (campaign, revision, version, state, document, created_at, updated_at, started_at, "
        "ended_at) SELECT $1, coalesce(max(revision), 0) + 1, 1, $3, $2, $4::timestamptz, $5::timestamptz, $4, "
        "CASE $3 WHEN 'ended' THEN $5 END FROM campaign",
        campaign,
        document,
        state,
        since,
        stopped_at or since,
    )
    await sandbox.rows(
        "INSERT INTO campaign_version (campaign, version, document, created_at, actor) "
        "VALUES ($1, 1, $2, $3, 'key:test')",
        campaign,
        document,
        since,
    )
    if (points := fields.get("budget", {}).get("points")) is not None:
        await sandbox.rows(
            "INSERT INTO campaign_budget (bucket, budget, share_of, share, granted) VALUES ($1, $2, 0, $3, 0)",
            bucket_of(campaign),
            campaign,
            points,
        )
