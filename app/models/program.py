"""The rules in force, and the sandbox's clock: small, shared, rarely written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Integer, Interval, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class ProgramVersion(Base):
    """One version of the program: immutable, in force from `effective_at` until the next one is."""

    __tablename__ = "program_version"
    __table_args__ = (CheckConstraint("version > 0", name="version"),)

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    effective_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))


class Clock(Base):
    """How far the sandbox's clock is ahead of the real one: a single row."""

    __tablename__ = "clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    ahead: Mapped[timedelta] = mapped_column(Interval)
