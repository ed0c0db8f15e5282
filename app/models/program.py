"""The rules in force, and the sandbox's clock: small, shared, rarely written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, Interval, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.ledger import Name

Instant = TIMESTAMP(timezone=True)


class ProgramVersion(Base):
    """One version of the program: what it says never changes. A draft until it is published, then in force from
    `effective_at` until the next one is.

    `publication` counts the published ones, so that one number tells a process whether it knows them all.
    `adopted_bucket` and `adopted_member` are the last member looked at under it, `adopted_at` when all were.
    """

    __tablename__ = "program_version"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        Index("ix_program_version_publication", "publication", unique=True),
    )

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    effective_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    publication: Mapped[int | None] = mapped_column(Integer)
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    published_by: Mapped[str | None] = mapped_column(Text)
    adopted_bucket: Mapped[int | None] = mapped_column(SmallInteger)
    adopted_member: Mapped[str | None] = mapped_column(Name)
    adopted_at: Mapped[datetime | None] = mapped_column(Instant)


class Clock(Base):
    """How far the sandbox's clock is ahead of the real one: a single row."""

    __tablename__ = "clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    ahead: Mapped[timedelta] = mapped_column(Interval)
