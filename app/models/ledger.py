"""The ledger's tables. Their columns are those of the rows in `domain/account.py`, in the same order.

The constraints refuse a wrong write even from a wrong program. Foreign keys are left out where the engine has the
account's row locked anyway: each would cost a second look at it per row, and `loyalty verify` finds orphans.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

Name = Text(collation="C")  # ids are compared as bytes
Instant = TIMESTAMP(timezone=True)


class Account(Base):
    """One narrow row a member, updated in place: little filled pages keep its new versions beside the old ones."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        CheckConstraint("status IN ('active', 'frozen', 'erased')", name="status"),
        CheckConstraint("tier_state IN ('held', 'warned', 'grace', 'manual')", name="tier_state"),
        CheckConstraint(
            "available >= 0 AND pending >= 0 AND reserved >= 0 AND debt >= 0 AND redeemed >= 0 "
            "AND expired >= 0 AND spend >= 0 AND orders >= 0",
            name="not_negative",
        ),
        CheckConstraint("debt = 0 OR available = 0", name="debt_before_available"),
        Index("ix_account_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    status: Mapped[str] = mapped_column(Text)
    joined_at: Mapped[datetime] = mapped_column(Instant)
    sequence: Mapped[int] = mapped_column(BigInteger)
    lot_count: Mapped[int] = mapped_column(Integer)
    lot_floor: Mapped[int] = mapped_column(Integer)
    available: Mapped[int] = mapped_column(BigInteger)
    pending: Mapped[int] = mapped_column(BigInteger)
    reserved: Mapped[int] = mapped_column(BigInteger)
    debt: Mapped[int] = mapped_column(BigInteger)
    growth: Mapped[int] = mapped_column(BigInteger)
    cash: Mapped[int] = mapped_column(BigInteger)
    earned: Mapped[int] = mapped_column(BigInteger)
    redeemed: Mapped[int] = mapped_column(BigInteger)
    expired: Mapped[int] = mapped_column(BigInteger)
    spend: Mapped[int] = mapped_column(BigInteger)
    orders: Mapped[int] = mapped_column(Integer)
    tier: Mapped[str] = mapped_column(Text)
    tier_since: Mapped[datetime] = mapped_column(Instant)
    tier_valid_until: Mapped[datetime | None] = mapped_column(Instant)
    tier_state: Mapped[str] = mapped_column(Text)
    approved_tier: Mapped[str | None] = mapped_column(Text)
    reviewed_tier: Mapped[str | None] = mapped_column(Text)
    review: Mapped[int | None] = mapped_column(BigInteger)
    streak: Mapped[int] = mapped_column(Integer)
    last_sign_in: Mapped[date | None] = mapped_column(Date)
    last_at: Mapped[datetime | None] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    hold_due_at: Mapped[datetime | None] = mapped_column(Instant)
    next_expires_at: Mapped[datetime | None] = mapped_column(Instant)
    next_expires_points: Mapped[int] = mapped_column(BigInteger)
    coupons: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    coupon_due_at: Mapped[datetime | None] = mapped_column(Instant)
    benefits_at: Mapped[datetime | None] = mapped_column(Instant)
    chances: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    invited_by: Mapped[str | None] = mapped_column(Name)
    campaigns: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("'\\x'"))


class Lot(Base):
    """Points granted at once, and the order they came from."""

    __tablename__ = "lot"
    __table_args__ = (
        CheckConstraint(
            "granted = remaining + reserved + redeemed + expired + clawed_back + moved", name="adds_up"
        ),
        CheckConstraint(
            "remaining >= 0 AND reserved >= 0 AND redeemed >= 0 AND expired >= 0 AND clawed_back >= 0 "
            "AND moved >= 0",
            name="not_negative",
        ),
        CheckConstraint("refunded >= 0 AND refunded <= amount", name="refunded_within_amount"),
        CheckConstraint(
            "(order_id IS NULL) = (amount IS NULL) AND (order_id IS NULL) = (refunded IS NULL) "
            "AND (order_id IS NULL) = (tier IS NULL)",
            name="order_whole",
        ),
        CheckConstraint("pending OR settle_at IS NULL", name="settles_while_pending"),
        {"postgresql_with": {"fillfactor": "85"}},
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    lot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text)
    pending: Mapped[bool] = mapped_column(Boolean)
    granted: Mapped[int] = mapped_column(BigInteger)
    remaining: Mapped[int] = mapped_column(BigInteger)
    reserved: Mapped[int] = mapped_column(BigInteger)
    redeemed: Mapped[int] = mapped_column(BigInteger)
    expired: Mapped[int] = mapped_column(BigInteger)
    clawed_back: Mapped[int] = mapped_column(BigInteger)
    moved: Mapped[int] = mapped_column(BigInteger)
    accrued_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    settle_at: Mapped[datetime | None] = mapped_column(Instant)
    program_version: Mapped[int] = mapped_column(Integer)
    order_id: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[int | None] = mapped_column(BigInteger)
    refunded: Mapped[int | None] = mapped_column(BigInteger)
    tier: Mapped[str | None] = mapped_column(Text)
    terms: Mapped[str | None] = mapped_column(JSON)


class Entry(Base):
    """One row a command and member; only ever inserted."""

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("bucket", "member_id", "key"),
        CheckConstraint("sequence > 0", name="sequence"),
        CheckConstraint(
            "points_after >= 0 AND pending_after >= 0 AND reserved_after >= 0 AND debt_after >= 0",
            name="not_negative",
        ),
        CheckConstraint("debt_after = 0 OR points_after = 0", name="debt_before_points"),
        # Entries are recorded in the order of their time, so ranges of pages are all the index there need be.
        Index(
            "ix_entry_recorded_at",
            "recorded_at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": "32", "autosummarize": "on"},
        ),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Name)
    lot: Mapped[int | None] = mapped_column(Integer)
    order_id: Mapped[str | None] = mapped_column(Text)
    points: Mapped[int] = mapped_column(BigInteger)
    pending: Mapped[int] = mapped_column(BigInteger)
    reserved: Mapped[int] = mapped_column(BigInteger)
    debt: Mapped[int] = mapped_column(BigInteger)
    growth: Mapped[int] = mapped_column(BigInteger)
    cash: Mapped[int] = mapped_column(BigInteger)
    points_after: Mapped[int] = mapped_column(BigInteger)
    pending_after: Mapped[int] = mapped_column(BigInteger)
    reserved_after: Mapped[int] = mapped_column(BigInteger)
    debt_after: Mapped[int] = mapped_column(BigInteger)
    growth_after: Mapped[int] = mapped_column(BigInteger)
    cash_after: Mapped[int] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    program_version: Mapped[int] = mapped_column(Integer)
    actor: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    detail: Mapped[str] = mapped_column(JSON)


class Redemption(Base):
    """Points taken at once, or held."""

    __tablename__ = "redemption"
    __table_args__ = (
        CheckConstraint("status IN ('reserved', 'redeemed', 'cancelled', 'expired')", name="status"),
        CheckConstraint("points > 0 AND committed BETWEEN 0 AND points", name="committed_within_points"),
        CheckConstraint("refunded BETWEEN 0 AND committed", name="refunded_within_committed"),
        CheckConstraint("cardinality(lots) = cardinality(parts)", name="parts_of_lots"),
        CheckConstraint("status <> 'reserved' OR hold_expires_at IS NOT NULL", name="hold_ends"),
        ForeignKeyConstraint(["bucket", "member_id"], ["account.bucket", "account.member_id"]),
        Index(
            "ix_redemption_hold_expires_at",
            "hold_expires_at",
            postgresql_where=text("status = 'reserved'"),
        ),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    reference: Mapped[str] = mapped_column(Name, primary_key=True)
    status: Mapped[str] = mapped_column(Text)
    points: Mapped[int] = mapped_column(BigInteger)
    committed: Mapped[int] = mapped_column(BigInteger)
    refunded: Mapped[int] = mapped_column(BigInteger)
    lots: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    parts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    order_id: Mapped[str | None] = mapped_column(Text)
    hold_expires_at: Mapped[datetime | None] = mapped_column(Instant)
    program_version: Mapped[int] = mapped_column(Integer)


class TierReview(Base):
    """A tier that waits, or waited, for a person."""

    __tablename__ = "tier_review"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'approved', 'rejected', 'closed')", name="status"),
        ForeignKeyConstraint(["bucket", "member_id"], ["account.bucket", "account.member_id"]),
        Index("ix_tier_review_open", "opened_at", postgresql_where=text("status = 'open'")),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    from_tier: Mapped[str] = mapped_column(Text)
    to_tier: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    actor: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)


class IdempotencyKey(Base):
    """The answer to a request that named an Idempotency-Key: claimed first, so that its repeats wait for it.

    `key` is the hash of caller, route and key; its bucket is its own (`bucket_of` its hex form), since a key may
    come again with another member.
    """

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_created_at", "created_at"),)

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    body: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
