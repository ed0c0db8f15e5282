"""Campaigns, their versions, budgets and what they gave; the account counts lottery chances and knows who invited."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.privileges import grant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

RIGHTS = {
    "campaign": "SELECT, INSERT, UPDATE",
    "campaign_version": "SELECT, INSERT",
    "campaign_member": "SELECT, INSERT, UPDATE",
    "campaign_budget": "SELECT, INSERT, UPDATE, DELETE",
    "campaign_failure": "SELECT, INSERT, UPDATE",
    "campaign_run": "SELECT, INSERT, UPDATE",
}


def _name(column: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(column, sa.Text(collation="C"), nullable=nullable)


def _instant(column: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(column, postgresql.TIMESTAMP(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("account", sa.Column("chances", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", _name("invited_by", nullable=True))
    op.create_table(
        "campaign",
        _name("campaign"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _instant("created_at"),
        _instant("updated_at"),
        _instant("started_at", nullable=True),
        _instant("ended_at", nullable=True),
        sa.CheckConstraint("revision > 0 AND version > 0", name=op.f("ck_campaign_numbered")),
        sa.CheckConstraint("state IN ('draft', 'live', 'paused', 'ended')", name=op.f("ck_campaign_state")),
        sa.PrimaryKeyConstraint("campaign", name=op.f("pk_campaign")),
    )
    op.create_index("ix_campaign_revision", "campaign", ["revision"], unique=True)
    op.create_table(
        "campaign_version",
        _name("campaign"),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _instant("created_at"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "version", name=op.f("pk_campaign_version")),
    )
    op.create_table(
        "campaign_member",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        _name("member_id"),
        _name("campaign"),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("growth", sa.BigInteger(), nullable=False),
        sa.Column("chances", sa.Integer(), nullable=False),
        sa.Column("coupons", sa.Integer(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("taken_back", sa.BigInteger(), nullable=False),
        _instant("first_at"),
        _instant("last_at"),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_campaign_member_bucket")),
        sa.PrimaryKeyConstraint("bucket", "member_id", "campaign", name=op.f("pk_campaign_member")),
        postgresql_with={"fillfactor": "85"},
    )
    op.create_index(
        "ix_campaign_member_campaign", "campaign_member", ["campaign", "bucket", "member_id"], unique=False
    )
    op.create_table(
        "campaign_budget",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        _name("budget"),
        sa.Column("share_of", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("share", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_campaign_budget_bucket")),
        sa.CheckConstraint("granted BETWEEN 0 AND share", name=op.f("ck_campaign_budget_not_overdrawn")),
        sa.PrimaryKeyConstraint("bucket", "budget", "share_of", name=op.f("pk_campaign_budget")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "campaign_failure",
        _name("campaign"),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        _instant("last_at"),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", name=op.f("pk_campaign_failure")),
    )
    op.create_table(
        "campaign_run",
        _name("campaign"),
        _name("occasion"),
        sa.Column("after_bucket", sa.SmallInteger(), nullable=False),
        _name("after_member"),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        _instant("started_at"),
        _instant("finished_at", nullable=True),
        sa.PrimaryKeyConstraint("campaign", "occasion", name=op.f("pk_campaign_run")),
    )
    for table, rights in RIGHTS.items():
        grant(table, rights)


def downgrade() -> None:
    for table in reversed(RIGHTS):
        op.drop_table(table)
    op.drop_column("account", "invited_by")
    op.drop_column("account", "chances")
