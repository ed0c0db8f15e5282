"""Telling what happened to the shop as a whole: a row in the transaction of the change it tells."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.posting import Caller
from app.models.shop_events import ShopEvent


async def tell(
    connection: AsyncConnection,
    *,
    kind: str,
    subject: str,
    detail: Mapping[str, Any],
    now: datetime,
    caller: Caller,
) -> None:
    """Write down that something happened (`kind`) to what `subject` names, at this moment of the program's clock."""
    await connection.execute(
        insert(ShopEvent).values(
            event_id=_new_id(now),
            kind=kind,
            subject=subject,
            occurred_at=now,
            recorded_at=now,
            actor=caller.actor,
            request_id=caller.request_id,
            detail=dict(detail),
        )
    )


def _new_id(now: datetime) -> UUID:
    """A UUID of version 7 (RFC 9562): by time, then by chance."""
    milliseconds = int(now.timestamp() * 1_000) & (1 << 48) - 1
    return UUID(
        int=milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    )
