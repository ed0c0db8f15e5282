"""Reading coupons: a member's, and one by its code with its history."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Text, and_, cast, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.account import Code as CodeFields
from app.domain.account import Coupon as CouponFields
from app.domain.account import bucket_of
from app.models.coupons import Coupon, CouponCode, CouponTemplate
from app.models.ledger import Account, Entry

MOST_HISTORY = 200

_CODE = [getattr(CouponCode, name) for name in CodeFields._fields]
_COUPON = [getattr(Coupon, name) for name in CouponFields._fields]
_TERMS = [CouponTemplate.document["name"].astext, CouponTemplate.document["kind"].astext]
_KINDS = (
    "claim_coupon",
    "issue_coupon",
    "tier_coupons",
    "accrue",
    "settle",
    "complete",
    "sign_in",
    "activity",
    "referral",
    "mission",
    "campaign",
    "reverse",
    "reverse_activity",
    "referral_undo",
    "mission_undo",
    "campaign_undo",
    "lock_coupon",
    "unlock_coupon",
    "lapse_coupon",
    "redeem_coupon",
    "roll_back_coupon",
    "void_coupon",
    "expire_coupons",
    "hold",
    "release",
    "lapse_checkout",
    "refund_checkout",
)
"""The entries that name the coupons they change; that a checkout used them is told by its hold."""


class CouponRow(NamedTuple):
    """A coupon, with the name and the kind of its template."""

    coupon: CouponFields
    name: str
    kind: str


class CodeRow(NamedTuple):
    """Where a code leads, with the name and the kind of its template."""

    code: CodeFields
    name: str
    kind: str


class HistoryRow(NamedTuple):
    """An entry that changed a coupon."""

    sequence: int
    kind: str
    key: str
    order_id: str | None
    occurred_at: datetime
    actor: str
    detail: dict[str, Any]


async def list_coupons(
    connection: AsyncConnection,
    *,
    member_id: str,
    status: str | None,
    limit: int,
    before: tuple[int, str] | None = None,
) -> list[CouponRow] | None:
    """Up to `limit` coupons of a member, newest first; None for an unknown member.

    `before` is the (sequence, code) at which the page before ended.
    """
    mine = and_(Coupon.bucket == bucket_of(member_id), Coupon.member_id == member_id)
    statement = (
        select(*_COUPON, *_TERMS)
        .join(CouponTemplate, CouponTemplate.template == Coupon.template)
        .where(mine)
        .order_by(Coupon.sequence.desc(), Coupon.code.desc())
        .limit(limit)
    )
    if status is not None:
        statement = statement.where(Coupon.status == status)
    if before is not None:
        statement = statement.where(tuple_(Coupon.sequence, Coupon.code) < tuple_(*before))
    rows = [_coupon_row(row) for row in await connection.execute(statement)]
    if rows:
        return rows
    found = await connection.scalar(
        select(Account.member_id).where(
            Account.bucket == bucket_of(member_id), Account.member_id == member_id
        )
    )
    return None if found is None else rows


async def find_code(connection: AsyncConnection, code: str) -> CodeRow | None:
    """Where the code leads; None if nowhere."""
    row = (
        await connection.execute(
            select(*_CODE, *_TERMS)
            .join(CouponTemplate, CouponTemplate.template == CouponCode.template)
            .where(CouponCode.bucket == bucket_of(code), CouponCode.code == code)
        )
    ).one_or_none()
    return None if row is None else CodeRow(CodeFields._make(row[:-2]), *row[-2:])


async def read_coupon(connection: AsyncConnection, *, member_id: str, code: str) -> CouponRow:
    """A coupon that the member has."""
    row = (
        await connection.execute(
            select(*_COUPON, *_TERMS)
            .join(CouponTemplate, CouponTemplate.template == Coupon.template)
            .where(Coupon.bucket == bucket_of(member_id), Coupon.member_id == member_id, Coupon.code == code)
        )
    ).one()
    return _coupon_row(row)


async def read_history(connection: AsyncConnection, coupon: CouponFields) -> list[HistoryRow]:
    """The first `MOST_HISTORY` entries since the coupon's own that may have changed it, in their order.

    The details tell: some only name the coupon.
    """
    mine = and_(Entry.bucket == coupon.bucket, Entry.member_id == coupon.member_id)
    columns = [getattr(Entry, name) for name in HistoryRow._fields]
    names = cast(Entry.detail, Text).contains(f'"{coupon.code}"', autoescape=True)
    rows = await connection.execute(
        select(*columns)
        .where(mine, Entry.sequence >= coupon.sequence, Entry.kind.in_(_KINDS), names)
        .order_by(Entry.sequence)
        .limit(MOST_HISTORY)
    )
    found = {row.sequence: HistoryRow._make(row) for row in rows}
    orders = [row.key.replace("hold/", "order/", 1) for row in found.values() if row.kind == "hold"]
    if orders:
        completed = await connection.execute(
            select(*columns).where(mine, Entry.key.in_(orders), Entry.kind == "complete")
        )
        found |= {row.sequence: HistoryRow._make(row) for row in completed}
    return [found[sequence] for sequence in sorted(found)]


def _coupon_row(row: Any) -> CouponRow:  # noqa: ANN401 - as the driver has it
    return CouponRow(CouponFields._make(row[:-2]), *row[-2:])
