"""Campaigns for the tests of the engine, put as the administration puts them: one revision after another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import asyncpg

from app.domain.account import SUMS_OF_CAMPAIGNS, bucket_of
from tests.ledger.till import Till

DOUBLE: dict[str, Any] = {"kind": "multiply_points", "factor": "2"}

_REVISION = "(SELECT coalesce(max(revision), 0) + 1 FROM campaign)"
_PUT = f"""
INSERT INTO campaign (campaign, revision, version, state, document, created_at, updated_at, started_at, number,
                      counts_members)
VALUES ($1, {_REVISION}, 1, 'live', $2, $3, $3, $3, (SELECT coalesce(max(number), 0) + 1 FROM campaign),
        $2::jsonb -> 'budget' ? 'per_member' IS TRUE)
    ON CONFLICT (campaign) DO UPDATE
   SET revision = {_REVISION}, version = campaign.version + 1, document = $2, state = 'live', updated_at = $3,
       counts_members = campaign.counts_members OR excluded.counts_members
"""
_VERSION = """
INSERT INTO campaign_version (campaign, version, document, created_at, actor)
SELECT campaign, version, document, updated_at, 'key:test' FROM campaign WHERE campaign = $1
"""
_ADJUST = """
UPDATE campaign_budget SET share = granted + CASE share_of WHEN 0 THEN $3 - (
           SELECT coalesce(sum(granted), 0)::bigint FROM campaign_budget WHERE bucket = $1 AND budget = $2) ELSE 0 END
 WHERE bucket = $1 AND budget = $2
"""


async def put_live(till: Till, campaign: str, *effects: Mapping[str, Any], **fields: Any) -> str:
    """A campaign that is live now, or a new version of one; its name again."""
    document = {
        "name": campaign,
        "trigger": "order",
        "window": {},
        "effects": list(effects) or [DOUBLE],
        **fields,
    }
    connection = await till.database.connect()
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE campaign IN SHARE ROW EXCLUSIVE MODE")
            now = await connection.fetchval("SELECT clock_timestamp()")
            await connection.execute(_PUT, campaign, json.dumps(document), now)
            await connection.execute(_VERSION, campaign)
            await _put_budget(connection, campaign, document.get("budget", {}).get("points"))
    finally:
        await connection.close()
    return campaign


async def _put_budget(connection: asyncpg.Connection[Any], campaign: str, points: int | None) -> None:
    if points is None:
        return
    bucket = bucket_of(campaign)
    await connection.fetch(
        "SELECT FROM campaign_budget WHERE bucket = $1 AND budget = $2 ORDER BY share_of FOR NO KEY UPDATE",
        bucket,
        campaign,
    )
    await connection.execute(
        "INSERT INTO campaign_budget VALUES ($1, $2, 0, 0, 0) ON CONFLICT DO NOTHING", bucket, campaign
    )
    await connection.execute(_ADJUST, bucket, campaign, points)


async def change_state(till: Till, campaign: str, state: str) -> None:
    await till.rows(
        f"UPDATE campaign SET state = $2, revision = {_REVISION} WHERE campaign = $1", campaign, state
    )


async def end_all(till: Till) -> None:
    for (campaign,) in await till.rows("SELECT campaign FROM campaign WHERE state <> 'ended'"):
        await change_state(till, campaign, "ended")


async def given(till: Till, campaign: str, member: str | None = None) -> dict[str, int]:
    """What the campaign gave one member, by the entries, or all of them, by its sums; figures of 0 left out."""
    if member is None:
        sums = ", ".join(f"sum({name})::bigint" for name in SUMS_OF_CAMPAIGNS)
        [row] = await till.rows(f"SELECT {sums} FROM campaign_sum WHERE campaign = $1", campaign)
    else:
        sums = ", ".join(
            f"sum((given ->> {number})::bigint)::bigint" for number in range(len(SUMS_OF_CAMPAIGNS))
        )
        [row] = await till.rows(
            f"SELECT {sums} FROM entry, LATERAL (SELECT detail -> 'campaigns' -> $1 AS given) AS told "
            "WHERE member_id = $2",
            campaign,
            member,
        )
    return {name: figure for name, figure in zip(SUMS_OF_CAMPAIGNS, row, strict=True) if figure}


async def shares(till: Till, budget: str) -> tuple[int, int]:
    """The sum of the shares of a budget, and what was granted of it."""
    [row] = await till.rows(
        "SELECT coalesce(sum(share), 0)::bigint, coalesce(sum(granted), 0)::bigint FROM campaign_budget "
        "WHERE budget = $1",
        budget,
    )
    return row
