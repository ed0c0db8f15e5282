"""What members do besides buying, and how far they are with missions. The columns are those of the rows in
`domain/account.py`, in the same order.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.ledger import Name

Instant = TIMESTAMP(timezone=True)


class Activity(Base):
    """Something a member did. It is found by its reference through its entry, and counted by kind and day."""

    __tablename__ = "activity"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        CheckConstraint("status IN ('recorded', 'reversed')", name="status"),
        Index("ix_activity_kind_day", "bucket", "member_id", "kind", "day"),
        {"postgresql_with": {"fillfactor": "90"}},
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reference: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Name)
    level: Mapped[str | None] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    status: Mapped[str] = mapped_column(Text)
    lot: Mapped[int | None] = mapped_column(Integer)
    program_version: Mapped[int] = mapped_column(Integer)


class MissionProgress(Base):
    """How far a member is with a mission in a period: looked up by the periods that a day lies in."""

    __tablename__ = "mission_progress"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        CheckConstraint("progress >= 0", name="progress"),
        CheckConstraint("badge IS NULL OR completed_at IS NOT NULL", name="badge_is_earned"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    period: Mapped[str] = mapped_column(Name, primary_key=True)
    mission: Mapped[str] = mapped_column(Name, primary_key=True)
    progress: Mapped[int] = mapped_column(BigInteger)
    program_version: Mapped[int] = mapped_column(Integer)
    completed_at: Mapped[datetime | None] = mapped_column(Instant)
    badge: Mapped[str | None] = mapped_column(Text)
    undone: Mapped[int | None] = mapped_column(Integer)
