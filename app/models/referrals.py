"""Referrals: who brought whom, and what came of it. The columns are those of the rows in `domain/account.py`, in the
same order.

Each side keeps its own: `referral` is the invitee's, `invitation` and `referrer` are the inviter's.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.ledger import Name

Instant = TIMESTAMP(timezone=True)


class Referral(Base):
    """Who brought a member, and the order that was rewarded for it."""

    __tablename__ = "referral"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        CheckConstraint("inviter <> member_id", name="by_another"),
        CheckConstraint(
            "(order_id IS NULL) = (paid_at IS NULL) AND (lot IS NULL OR paid_at IS NOT NULL)",
            name="paid_by_order",
        ),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    inviter: Mapped[str] = mapped_column(Name)
    bound_at: Mapped[datetime] = mapped_column(Instant)
    program_version: Mapped[int] = mapped_column(Integer)
    order_id: Mapped[str | None] = mapped_column(Text)
    lot: Mapped[int | None] = mapped_column(Integer)
    paid_at: Mapped[datetime | None] = mapped_column(Instant)


class Invitation(Base):
    """One member that an inviter brought, and what the inviter got for it."""

    __tablename__ = "invitation"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        CheckConstraint("status IN ('bound', 'paid', 'limited')", name="status"),
        CheckConstraint("(status = 'bound') = (paid_at IS NULL)", name="paid"),
        CheckConstraint(
            "points >= 0 AND share_points >= 0 AND (status = 'paid' OR points = 0)", name="points"
        ),
        Index("ix_invitation_share_at", "share_at", postgresql_where=text("share_at IS NOT NULL")),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    invitee: Mapped[str] = mapped_column(Name, primary_key=True)
    bound_at: Mapped[datetime] = mapped_column(Instant)
    status: Mapped[str] = mapped_column(Text)
    lot: Mapped[int | None] = mapped_column(Integer)
    points: Mapped[int] = mapped_column(BigInteger)
    paid_at: Mapped[datetime | None] = mapped_column(Instant)
    share_at: Mapped[datetime | None] = mapped_column(Instant)
    share_points: Mapped[int] = mapped_column(BigInteger)


class Referrer(Base):
    """What a member's invitations come to, so that nobody has to count them; and the code they bring others by."""

    __tablename__ = "referrer"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        CheckConstraint("0 <= month_paid AND month_paid <= paid AND paid <= bound", name="counted"),
        CheckConstraint("earned >= 0", name="earned"),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    code: Mapped[str | None] = mapped_column(Name)
    bound: Mapped[int] = mapped_column(Integer)
    paid: Mapped[int] = mapped_column(Integer)
    month: Mapped[date | None] = mapped_column(Date)
    month_paid: Mapped[int] = mapped_column(Integer)
    earned: Mapped[int] = mapped_column(BigInteger)


class ReferralCode(Base):
    """Where a member's code leads: a look-up by the code, whose bucket is the code's."""

    __tablename__ = "referral_code"
    __table_args__ = (CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),)

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(Name, primary_key=True)
    member_id: Mapped[str] = mapped_column(Name)
