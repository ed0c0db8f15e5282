"""Reading what members did besides buying."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from app.domain.account import Activity as ActivityFields
from app.domain.account import bucket_of
from app.models.activities import Activity
from app.models.ledger import Account, Entry

_ACTIVITY = [getattr(Activity, name) for name in ActivityFields._fields]
_Reversal = aliased(Entry)


class ActivityRow(NamedTuple):
    """An activity, what its entry tells, and when it was recorded and taken back."""

    activity: ActivityFields
    detail: dict[str, Any]
    recorded_at: datetime
    reversed_at: datetime | None


async def list_activities(
    connection: AsyncConnection,
    *,
    member_id: str,
    kind: str | None,
    status: str | None,
    limit: int,
    before: int | None = None,
) -> list[ActivityRow] | None:
    """Up to `limit` activities of a member, newest first; None for an unknown member.

    `before` is the sequence at which the page before ended.
    """
    statement = _of(member_id).order_by(Activity.sequence.desc()).limit(limit)
    if kind is not None:
        statement = statement.where(Activity.kind == kind)
    if status is not None:
        statement = statement.where(Activity.status == status)
    if before is not None:
        statement = statement.where(Activity.sequence < before)
    rows = [_row(row) for row in await connection.execute(statement)]
    return rows if rows or await _is_member(connection, member_id) else None


async def read_activity(
    connection: AsyncConnection, *, member_id: str, reference: str
) -> tuple[bool, ActivityRow | None]:
    """Whether the member exists, and the activity if there is one."""
    row = (await connection.execute(_of(member_id).where(Entry.key == f"activity/{reference}"))).one_or_none()
    if row is not None:
        return True, _row(row)
    return await _is_member(connection, member_id), None


def _of(member_id: str) -> Select[*tuple[Any, ...]]:
    bucket = bucket_of(member_id)
    return (
        select(*_ACTIVITY, Entry.detail, Entry.recorded_at, _Reversal.recorded_at)
        .join(
            Entry,
            and_(
                Entry.bucket == Activity.bucket,
                Entry.member_id == Activity.member_id,
                Entry.sequence == Activity.sequence,
            ),
        )
        .outerjoin(
            _Reversal,
            and_(
                _Reversal.bucket == Activity.bucket,
                _Reversal.member_id == Activity.member_id,
                _Reversal.key == literal("reverse_activity/") + Activity.reference,
            ),
        )
        .where(Activity.bucket == bucket, Activity.member_id == member_id)
    )


async def _is_member(connection: AsyncConnection, member_id: str) -> bool:
    found = await connection.scalar(
        select(Account.member_id).where(
            Account.bucket == bucket_of(member_id), Account.member_id == member_id
        )
    )
    return found is not None


def _row(row: Any) -> ActivityRow:  # noqa: ANN401 - as the driver has it
    return ActivityRow(ActivityFields._make(row[:-3]), *row[-3:])
