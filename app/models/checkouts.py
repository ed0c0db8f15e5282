"""Checkouts: carts held or paid. The columns are those of `Checkout` in `domain/account.py`, in the same order."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Index,
    Integer,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.ledger import Instant, Name


class Checkout(Base):
    """A cart that is held, or became an order. What it was priced at is told by the entry of its hold."""

    __tablename__ = "checkout"
    __table_args__ = (
        CheckConstraint(
            "status IN ('held', 'completed', 'partially_refunded', 'refunded', 'cancelled', 'lapsed')",
            name="status",
        ),
        CheckConstraint("status <> 'held' OR hold_expires_at IS NOT NULL", name="hold_ends"),
        CheckConstraint("cardinality(lots) = cardinality(parts)", name="parts_of_lots"),
        CheckConstraint("points_refunded BETWEEN 0 AND points", name="refunded_within_points"),
        CheckConstraint("cash_refunded BETWEEN 0 AND cash", name="refunded_within_cash"),
        Index("ix_checkout_hold_expires_at", "hold_expires_at", postgresql_where=text("status = 'held'")),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    checkout_id: Mapped[str] = mapped_column(Name, primary_key=True)
    status: Mapped[str] = mapped_column(Text)
    points: Mapped[int] = mapped_column(BigInteger)
    points_refunded: Mapped[int] = mapped_column(BigInteger)
    cash: Mapped[int] = mapped_column(BigInteger)
    cash_refunded: Mapped[int] = mapped_column(BigInteger)
    lots: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    parts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    coupons: Mapped[list[str]] = mapped_column(ARRAY(Name))
    settles: Mapped[bool] = mapped_column(Boolean)
    hold_expires_at: Mapped[datetime | None] = mapped_column(Instant)
    refunds: Mapped[str | None] = mapped_column(JSON)


class CheckoutKey(Base):
    """Whose a checkout is: its id is unique among all members. Its bucket is the id's."""

    __tablename__ = "checkout_key"
    __table_args__ = (CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),)

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    checkout_id: Mapped[str] = mapped_column(Name, primary_key=True)
    member_id: Mapped[str] = mapped_column(Name)
