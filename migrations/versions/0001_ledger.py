"""The ledger: program and clock, accounts, lots, entries, redemptions, reviews; and the role that works on them."""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from migrations.privileges import create_application_role, grant, revoke_schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What the application may do with each table: to the ledger's entries it may only add.
RIGHTS = {
    "program_version": "SELECT, INSERT",
    "clock": "SELECT, INSERT, UPDATE",
    "account": "SELECT, INSERT, UPDATE",
    "lot": "SELECT, INSERT, UPDATE",
    "entry": "SELECT, INSERT",
    "redemption": "SELECT, INSERT, UPDATE",
    "tier_review": "SELECT, INSERT, UPDATE",
    "idempotency_key": "SELECT, INSERT, UPDATE, DELETE",
}


def upgrade() -> None:
    create_application_role()
    op.create_table(
        "program_version",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("effective_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_program_version_version")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_program_version")),
    )
    op.create_table(
        "clock",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("ahead", sa.Interval(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_clock_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock")),
    )
    op.create_table(
        "account",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("joined_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("lot_count", sa.Integer(), nullable=False),
        sa.Column("lot_floor", sa.Integer(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("debt", sa.BigInteger(), nullable=False),
        sa.Column("growth", sa.BigInteger(), nullable=False),
        sa.Column("cash", sa.BigInteger(), nullable=False),
        sa.Column("earned", sa.BigInteger(), nullable=False),
        sa.Column("redeemed", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("spend", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("tier_since", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("tier_valid_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("tier_state", sa.Text(), nullable=False),
        sa.Column("approved_tier", sa.Text(), nullable=True),
        sa.Column("reviewed_tier", sa.Text(), nullable=True),
        sa.Column("review", sa.BigInteger(), nullable=True),
        sa.Column("streak", sa.Integer(), nullable=False),
        sa.Column("last_sign_in", sa.Date(), nullable=True),
        sa.Column("last_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("due_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("hold_due_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("next_expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("next_expires_points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'frozen', 'erased')", name=op.f("ck_account_status")),
        sa.CheckConstraint(
            "tier_state IN ('held', 'warned', 'grace', 'manual')", name=op.f("ck_account_tier_state")
        ),
        sa.CheckConstraint(
            "available >= 0 AND pending >= 0 AND reserved >= 0 AND debt >= 0 AND redeemed >= 0 "
            "AND expired >= 0 AND spend >= 0 AND orders >= 0",
            name=op.f("ck_account_not_negative"),
        ),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_account_bucket")),
        sa.CheckConstraint("debt = 0 OR available = 0", name=op.f("ck_account_debt_before_available")),
        sa.PrimaryKeyConstraint("bucket", "member_id", name=op.f("pk_account")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index(
        "ix_account_due_at",
        "account",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "lot",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("lot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("redeemed", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("clawed_back", sa.BigInteger(), nullable=False),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.Column("accrued_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("settle_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("program_version", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("refunded", sa.BigInteger(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("terms", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "(order_id IS NULL) = (amount IS NULL) AND (order_id IS NULL) = (refunded IS NULL) "
            "AND (order_id IS NULL) = (tier IS NULL)",
            name=op.f("ck_lot_order_whole"),
        ),
        sa.CheckConstraint(
            "granted = remaining + reserved + redeemed + expired + clawed_back + moved",
            name=op.f("ck_lot_adds_up"),
        ),
        sa.CheckConstraint("pending OR settle_at IS NULL", name=op.f("ck_lot_settles_while_pending")),
        sa.CheckConstraint(
            "refunded >= 0 AND refunded <= amount", name=op.f("ck_lot_refunded_within_amount")
        ),
        sa.CheckConstraint(
            "remaining >= 0 AND reserved >= 0 AND redeemed >= 0 AND expired >= 0 AND clawed_back >= 0 AND moved >= 0",
            name=op.f("ck_lot_not_negative"),
        ),
        sa.PrimaryKeyConstraint("bucket", "member_id", "lot", name=op.f("pk_lot")),
        postgresql_with={"fillfactor": "85"},
    )
    op.create_table(
        "entry",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("lot", sa.Integer(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("debt", sa.BigInteger(), nullable=False),
        sa.Column("growth", sa.BigInteger(), nullable=False),
        sa.Column("cash", sa.BigInteger(), nullable=False),
        sa.Column("points_after", sa.BigInteger(), nullable=False),
        sa.Column("pending_after", sa.BigInteger(), nullable=False),
        sa.Column("reserved_after", sa.BigInteger(), nullable=False),
        sa.Column("debt_after", sa.BigInteger(), nullable=False),
        sa.Column("growth_after", sa.BigInteger(), nullable=False),
        sa.Column("cash_after", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("recorded_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("program_version", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("detail", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("debt_after = 0 OR points_after = 0", name=op.f("ck_entry_debt_before_points")),
        sa.CheckConstraint(
            "points_after >= 0 AND pending_after >= 0 AND reserved_after >= 0 AND debt_after >= 0",
            name=op.f("ck_entry_not_negative"),
        ),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_entry_sequence")),
        sa.PrimaryKeyConstraint("bucket", "member_id", "sequence", name=op.f("pk_entry")),
        sa.UniqueConstraint("bucket", "member_id", "key", name=op.f("uq_entry_bucket_member_id_key")),
    )
    op.create_index(
        "ix_entry_recorded_at",
        "entry",
        ["recorded_at"],
        unique=False,
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "32", "autosummarize": "on"},
    )
    op.create_table(
        "redemption",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("lots", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("parts", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("hold_expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("program_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status <> 'reserved' OR hold_expires_at IS NOT NULL", name=op.f("ck_redemption_hold_ends")
        ),
        sa.CheckConstraint(
            "status IN ('reserved', 'redeemed', 'cancelled', 'expired')", name=op.f("ck_redemption_status")
        ),
        sa.CheckConstraint(
            "cardinality(lots) = cardinality(parts)", name=op.f("ck_redemption_parts_of_lots")
        ),
        sa.CheckConstraint(
            "points > 0 AND committed BETWEEN 0 AND points",
            name=op.f("ck_redemption_committed_within_points"),
        ),
        sa.CheckConstraint(
            "refunded BETWEEN 0 AND committed", name=op.f("ck_redemption_refunded_within_committed")
        ),
        sa.ForeignKeyConstraint(
            ["bucket", "member_id"],
            ["account.bucket", "account.member_id"],
            name=op.f("fk_redemption_bucket_member_id_account"),
        ),
        sa.PrimaryKeyConstraint("bucket", "member_id", "reference", name=op.f("pk_redemption")),
    )
    op.create_index(
        "ix_redemption_hold_expires_at",
        "redemption",
        ["hold_expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'reserved'"),
    )
    op.create_table(
        "tier_review",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_tier", sa.Text(), nullable=False),
        sa.Column("to_tier", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("decided_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('open', 'approved', 'rejected', 'closed')", name=op.f("ck_tier_review_status")
        ),
        sa.ForeignKeyConstraint(
            ["bucket", "member_id"],
            ["account.bucket", "account.member_id"],
            name=op.f("fk_tier_review_bucket_member_id_account"),
        ),
        sa.PrimaryKeyConstraint("bucket", "member_id", "sequence", name=op.f("pk_tier_review")),
    )
    op.create_index(
        "ix_tier_review_open",
        "tier_review",
        ["opened_at"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["created_at"], unique=False)
    for table, rights in RIGHTS.items():
        grant(table, rights)
    op.execute(
        sa.text(
            "INSERT INTO program_version (version, document, effective_at, created_at) "
            "VALUES (1, CAST(:document AS jsonb), '1970-01-01T00:00:00Z', :now)"
        ).bindparams(
            sa.bindparam("document", json.dumps(DEFAULT_PROGRAM_DOCUMENT), sa.Text()),
            sa.bindparam("now", datetime.now(UTC), postgresql.TIMESTAMP(timezone=True)),
        )
    )
    op.execute("INSERT INTO clock (id, ahead) VALUES (1, '0')")


def downgrade() -> None:
    for table in reversed(RIGHTS):
        op.drop_table(table)
    revoke_schema()
