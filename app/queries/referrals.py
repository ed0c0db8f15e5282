"""Reading referrals: a member's code and what came of those they brought; and whose share of spend is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.account import Invitation as InvitationFields
from app.domain.account import Referrer as ReferrerFields
from app.domain.account import bucket_of
from app.models.ledger import Account
from app.models.referrals import Invitation, Referral, Referrer

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

_REFERRER = [getattr(Referrer, name) for name in ReferrerFields._fields]
_INVITATION = [getattr(Invitation, name) for name in InvitationFields._fields]


class ReferralRow(NamedTuple):
    """How a member stands, who brought them, and what their invitations come to."""

    status: str
    inviter: str | None
    referrer: ReferrerFields | None


class Due(NamedTuple):
    """An invitation whose share of spend is due: of whom, and whose spend."""

    share_at: datetime
    bucket: int
    member_id: str
    invitee: str


async def read_referral(connection: AsyncConnection, member_id: str) -> ReferralRow | None:
    """What is known of a member's referrals; None for an unknown member."""
    row = (
        await connection.execute(
            select(Account.status, Referral.inviter, *_REFERRER)
            .outerjoin(
                Referral, and_(Referral.bucket == Account.bucket, Referral.member_id == Account.member_id)
            )
            .outerjoin(
                Referrer, and_(Referrer.bucket == Account.bucket, Referrer.member_id == Account.member_id)
            )
            .where(Account.bucket == bucket_of(member_id), Account.member_id == member_id)
        )
    ).one_or_none()
    if row is None:
        return None
    referrer = ReferrerFields._make(row[2:])
    return ReferralRow(row[0], row[1], None if row[2] is None else referrer)


async def list_invitations(
    connection: AsyncConnection, *, member_id: str, limit: int, before: tuple[datetime, str] | None = None
) -> list[tuple[InvitationFields, str]] | None:
    """Up to `limit` invitations of a member, newest first, each with the digest that orders those of one moment.

    `before` is the (bound_at, digest) at which the page before ended. None for an unknown member.
    """
    digest = func.md5(Invitation.invitee)
    statement = (
        select(*_INVITATION, digest)
        .where(Invitation.bucket == bucket_of(member_id), Invitation.member_id == member_id)
        .order_by(Invitation.bound_at.desc(), digest.desc())
        .limit(limit)
    )
    if before is not None:
        bound_at, of = before
        statement = statement.where(
            or_(Invitation.bound_at < bound_at, and_(Invitation.bound_at == bound_at, digest < of))
        )
    rows = [(InvitationFields._make(row[:-1]), row[-1]) for row in await connection.execute(statement)]
    if rows:
        return rows
    known = select(Account.member_id).where(
        Account.bucket == bucket_of(member_id), Account.member_id == member_id
    )
    return None if await connection.scalar(known) is None else rows


async def due_shares(
    connection: Connection, *, now: datetime, after: Due | None, limit: int
) -> Sequence[Due]:
    """Up to `limit` invitations whose share is due, the longest due first, after one of them."""
    place = after and (after.share_at, after.bucket, after.member_id, after.invitee)
    rows = await connection.fetch(
        "SELECT share_at, bucket, member_id, invitee FROM invitation WHERE share_at <= $1"
        + (
            ""
            if place is None
            else " AND (share_at, bucket, member_id, invitee) > ($3, $4::smallint, $5, $6)"
        )
        + " ORDER BY share_at, bucket, member_id, invitee LIMIT $2",
        now,
        limit,
        *(place or ()),
    )
    return [Due(*row) for row in rows]
