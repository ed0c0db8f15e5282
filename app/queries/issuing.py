"""How far an issue of coupons has come."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.models.coupons import CouponIssue, CouponIssuePart

REFUSED_TOLD = 1_000


class IssueRow(NamedTuple):
    """An issue: `members` or `codes` asked for, how many are `done`, how many coupons or codes that made, and the
    first of those refused: `{"member_id", "code"}` each.
    """

    issue: str
    template: str
    members: int
    codes: int
    done: int
    issued: int
    refused: list[dict[str, Any]]

    @property
    def is_done(self) -> bool:
        return self.done == self.members + self.codes


async def read_issue(connection: AsyncConnection, issue: str) -> IssueRow | None:
    """The issue, None for an unknown one."""
    found = (
        await connection.execute(
            select(CouponIssue.template, CouponIssue.members, CouponIssue.codes).where(
                CouponIssue.issue == issue
            )
        )
    ).one_or_none()
    if found is None:
        return None
    if not found.members:  # codes are made all at once
        return IssueRow(issue, found.template, 0, found.codes, found.codes, found.codes, [])
    done = CouponIssuePart.issue == issue, CouponIssuePart.done_at.is_not(None)
    progress = (
        await connection.execute(
            select(
                func.coalesce(func.sum(func.cardinality(CouponIssuePart.members)), 0).label("done"),
                func.coalesce(func.sum(CouponIssuePart.issued), 0).label("issued"),
            ).where(*done)
        )
    ).one()
    refused: list[dict[str, Any]] = []
    if progress.done > progress.issued:
        refused = await _first_refused(connection, issue)
    return IssueRow(issue, found.template, found.members, 0, progress.done, progress.issued, refused)


async def _first_refused(connection: AsyncConnection, issue: str) -> list[dict[str, Any]]:
    count = func.jsonb_array_length(CouponIssuePart.refused)
    parts = (
        select(
            CouponIssuePart.part,
            CouponIssuePart.refused,
            (func.sum(count).over(order_by=CouponIssuePart.part) - count).label("before"),
        )
        .where(CouponIssuePart.issue == issue, count > 0)
        .subquery()
    )
    rows = await connection.scalars(
        select(parts.c.refused).where(parts.c.before < REFUSED_TOLD).order_by(parts.c.part)
    )
    return [one for refused in rows for one in refused][:REFUSED_TOLD]
