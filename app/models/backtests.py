"""Backtests: what was asked, how far each has come, and what it found."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

Instant = TIMESTAMP(timezone=True)


class Backtest(Base):
    """One backtest: small, shared, deleted by whoever asked for it. Times are the real clock's."""

    __tablename__ = "backtest"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state"),
        CheckConstraint("progress BETWEEN 0 AND 1", name="progress"),
        CheckConstraint("(state = 'done') = (result IS NOT NULL AND chart IS NOT NULL)", name="result"),
        Index("ix_backtest_created_at", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    progress: Mapped[float] = mapped_column(Double)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    chart: Mapped[str | None] = mapped_column(Text)  # SVG
    error: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    seen_at: Mapped[datetime | None] = mapped_column(Instant)  # the last sign of life of who runs it
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
