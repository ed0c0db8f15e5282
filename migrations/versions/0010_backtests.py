"""Backtests: what was asked, how far each has come, and what it found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.privileges import grant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _instant(column: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(column, postgresql.TIMESTAMP(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "backtest",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("chart", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        _instant("created_at"),
        _instant("started_at", nullable=True),
        _instant("seen_at", nullable=True),
        _instant("finished_at", nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_backtest_state")
        ),
        sa.CheckConstraint("progress BETWEEN 0 AND 1", name=op.f("ck_backtest_progress")),
        sa.CheckConstraint(
            "(state = 'done') = (result IS NOT NULL AND chart IS NOT NULL)", name=op.f("ck_backtest_result")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backtest")),
    )
    op.create_index("ix_backtest_created_at", "backtest", ["created_at", "id"], unique=False)
    grant("backtest", "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    op.drop_table("backtest")
