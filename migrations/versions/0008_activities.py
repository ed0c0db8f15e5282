"""What members do besides buying, and how far they are with missions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.privileges import grant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

RIGHTS = {
    "activity": "SELECT, INSERT, UPDATE",
    "mission_progress": "SELECT, INSERT, UPDATE",
}


def _name(column: str) -> sa.Column[str]:
    return sa.Column(column, sa.Text(collation="C"), nullable=False)


def _bucket() -> sa.Column[int]:
    return sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        "activity",
        _bucket(),
        _name("member_id"),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        _name("reference"),
        _name("kind"),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("lot", sa.Integer(), nullable=True),
        sa.Column("program_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_activity_bucket")),
        sa.CheckConstraint("status IN ('recorded', 'reversed')", name=op.f("ck_activity_status")),
        sa.PrimaryKeyConstraint("bucket", "member_id", "sequence", name=op.f("pk_activity")),
        postgresql_with={"fillfactor": "90"},
    )
    op.create_index("ix_activity_kind_day", "activity", ["bucket", "member_id", "kind", "day"], unique=False)
    op.create_table(
        "mission_progress",
        _bucket(),
        _name("member_id"),
        _name("period"),
        _name("mission"),
        sa.Column("progress", sa.BigInteger(), nullable=False),
        sa.Column("program_version", sa.Integer(), nullable=False),
        sa.Column("completed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("badge", sa.Text(), nullable=True),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_mission_progress_bucket")),
        sa.CheckConstraint("progress >= 0", name=op.f("ck_mission_progress_progress")),
        sa.CheckConstraint(
            "badge IS NULL OR completed_at IS NOT NULL", name=op.f("ck_mission_progress_badge_is_earned")
        ),
        sa.PrimaryKeyConstraint("bucket", "member_id", "period", "mission", name=op.f("pk_mission_progress")),
        postgresql_with={"fillfactor": "70"},
    )
    for table, rights in RIGHTS.items():
        grant(table, rights)


def downgrade() -> None:
    for table in reversed(RIGHTS):
        op.drop_table(table)
