"""Members on whom something fell due, as the indexes know them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]


async def members_due(connection: Connection, *, by: datetime, limit: int) -> Sequence[str]:
    """Up to `limit` members with points or coupons to expire, orders to settle, coupons to unlock or to give, or
    a tier's period to end, longest due first.
    """
    rows = await connection.fetch(
        "SELECT member_id FROM account WHERE due_at <= $1 ORDER BY due_at LIMIT $2", by, limit
    )
    return [row["member_id"] for row in rows]


async def members_with_lapsed_holds(connection: Connection, *, by: datetime, limit: int) -> Sequence[str]:
    """The members of up to `limit` holds that ran out, longest ago first."""
    rows = await connection.fetch(
        "SELECT member_id FROM redemption WHERE status = 'reserved' AND hold_expires_at <= $1 "
        "ORDER BY hold_expires_at LIMIT $2",
        by,
        limit,
    )
    return list(dict.fromkeys(row["member_id"] for row in rows))


async def members_with_lapsed_checkouts(connection: Connection, *, by: datetime, limit: int) -> Sequence[str]:
    """The members of up to `limit` held checkouts that ran out, longest ago first."""
    rows = await connection.fetch(
        "SELECT member_id FROM checkout WHERE status = 'held' AND hold_expires_at <= $1 "
        "ORDER BY hold_expires_at LIMIT $2",
        by,
        limit,
    )
    return list(dict.fromkeys(row["member_id"] for row in rows))
