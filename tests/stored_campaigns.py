"""Campaigns for tests, as they are stored once they are live."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from app.database import Database
from app.domain.account import bucket_of

DOUBLE: dict[str, Any] = {
    "name": "双倍积分",
    "trigger": "order",
    "effects": [{"kind": "multiply_points", "factor": "2"}],
}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def store_campaign(
    database: Database,
    campaign: str,
    *,
    since: datetime | None = LONG_AGO,
    state: str = "live",
    stopped_at: datetime | None = None,
    **fields: Any,
) -> None:
    """A campaign of one version that has been live since then; None: a draft that never was."""
    document = json.dumps({**DOUBLE, **fields})
    made_at = since or LONG_AGO
    connection = await database.connect()
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE campaign IN SHARE ROW EXCLUSIVE MODE")
            await connection.execute(
                "INSERT INTO campaign (campaign, revision, version, state, document, created_at, updated_at, "
                "started_at, ended_at, number, counts_members) SELECT $1, coalesce(max(revision), 0) + 1, 1, $2, $3, "
                "$4, $5, $6, $7, coalesce(max(number), 0) + 1, $3::jsonb -> 'budget' ? 'per_member' IS TRUE "
                "FROM campaign",
                campaign,
                state if since is not None else "draft",
                document,
                made_at,
                stopped_at or made_at,
                since,
                stopped_at if state == "ended" else None,
            )
            await connection.execute(
                "INSERT INTO campaign_version (campaign, version, document, created_at, actor) "
                "VALUES ($1, 1, $2, $3, 'key:test')",
                campaign,
                document,
                made_at,
            )
            if (points := fields.get("budget", {}).get("points")) is not None:
                await connection.execute(
                    "INSERT INTO campaign_budget (bucket, budget, share_of, share, granted) "
                    "VALUES ($1, $2, 0, $3, 0)",
                    bucket_of(campaign),
                    campaign,
                    points,
                )
    finally:
        await connection.close()
