"""Versions of the program as drafts, published with a date and then adopted; events that are no member's."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.database import APPLICATION_ROLE
from migrations.privileges import grant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# What publishing a version and looking at every member under it write down. What it says never changes.
WRITTEN_LATER = (
    "publication",
    "published_at",
    "published_by",
    "effective_at",
    "adopted_bucket",
    "adopted_member",
    "adopted_at",
)


def _instant(column: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(column, postgresql.TIMESTAMP(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("program_version", sa.Column("actor", sa.Text(), nullable=True))
    op.add_column("program_version", sa.Column("note", sa.Text(), nullable=True))
    op.add_column("program_version", sa.Column("publication", sa.Integer(), nullable=True))
    op.add_column("program_version", _instant("published_at", nullable=True))
    op.add_column("program_version", sa.Column("published_by", sa.Text(), nullable=True))
    op.add_column("program_version", sa.Column("adopted_bucket", sa.SmallInteger(), nullable=True))
    op.add_column("program_version", sa.Column("adopted_member", sa.Text(collation="C"), nullable=True))
    op.add_column("program_version", _instant("adopted_at", nullable=True))
    # A few rows, which nobody but this release writes.
    op.execute(
        """
        -- squawk-ignore ban-drop-not-null
        ALTER TABLE program_version ALTER COLUMN effective_at DROP NOT NULL
        """
    )
    # What there is has been in force, and its members were looked at as they joined.
    op.execute(
        "UPDATE program_version SET publication = version, published_at = created_at, adopted_at = created_at"
    )
    op.execute(
        """
        -- squawk-ignore require-concurrent-index-creation
        CREATE UNIQUE INDEX ix_program_version_publication ON program_version (publication)
        """
    )
    op.execute(f"GRANT UPDATE ({', '.join(WRITTEN_LATER)}) ON program_version TO {APPLICATION_ROLE}")
    op.create_table(
        "shop_event",
        sa.Column("event_id", postgresql.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        _instant("occurred_at"),
        _instant("recorded_at"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_shop_event")),
    )
    grant("shop_event", "SELECT, INSERT")


def downgrade() -> None:
    op.drop_table("shop_event")
    op.execute(f"REVOKE UPDATE ({', '.join(WRITTEN_LATER)}) ON program_version FROM {APPLICATION_ROLE}")
    op.drop_index("ix_program_version_publication", "program_version")
    op.execute("DELETE FROM program_version WHERE effective_at IS NULL")
    op.alter_column("program_version", "effective_at", nullable=False)
    for column in (
        "adopted_at",
        "adopted_member",
        "adopted_bucket",
        "published_by",
        "published_at",
        "publication",
        "note",
        "actor",
    ):
        op.drop_column("program_version", column)
