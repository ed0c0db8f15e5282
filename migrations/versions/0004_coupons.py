"""Coupons and checkouts; the account counts a member's coupons, and what of them and of the tier falls due next."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.privileges import grant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RIGHTS = {
    "coupon_template": "SELECT, INSERT, UPDATE",
    "coupon_counter": "SELECT, INSERT, UPDATE",
    "coupon_code": "SELECT, INSERT, UPDATE",
    "coupon": "SELECT, INSERT, UPDATE",
    "coupon_issue": "SELECT, INSERT",
    "coupon_issue_part": "SELECT, INSERT, UPDATE",
    "checkout": "SELECT, INSERT, UPDATE",
    "checkout_key": "SELECT, INSERT",
}


def upgrade() -> None:
    op.add_column("account", sa.Column("coupons", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("account", sa.Column("coupon_due_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("account", sa.Column("benefits_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.create_table(
        "coupon_template",
        sa.Column("template", sa.Text(collation="C"), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("revision > 0", name=op.f("ck_coupon_template_revision")),
        sa.PrimaryKeyConstraint("template", name=op.f("pk_coupon_template")),
    )
    op.create_index("ix_coupon_template_revision", "coupon_template", ["revision"], unique=True)
    op.create_table(
        "coupon_counter",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("template", sa.Text(collation="C"), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("discounted", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_coupon_counter_bucket")),
        sa.CheckConstraint("issued >= 0 AND discounted >= 0", name=op.f("ck_coupon_counter_not_negative")),
        sa.PrimaryKeyConstraint("bucket", "template", name=op.f("pk_coupon_counter")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "coupon_code",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("template", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=True),
        sa.Column("issue", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind <> 'coupon' OR member_id IS NOT NULL", name=op.f("ck_coupon_code_coupon_held")
        ),
        sa.CheckConstraint(
            "kind IN ('coupon', 'unique', 'public', 'void')", name=op.f("ck_coupon_code_kind")
        ),
        sa.CheckConstraint(
            "kind NOT IN ('public', 'void') OR member_id IS NULL", name=op.f("ck_coupon_code_nobodys")
        ),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_coupon_code_bucket")),
        sa.PrimaryKeyConstraint("bucket", "code", name=op.f("pk_coupon_code")),
    )
    op.create_index(
        "ix_coupon_code_made",
        "coupon_code",
        ["template", "code"],
        unique=False,
        postgresql_where=sa.text("kind <> 'coupon'"),
    )
    op.create_table(
        "coupon",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("template", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("issued_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("valid_from", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("valid_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("reference", sa.Text(collation="C"), nullable=True),
        sa.Column("discount", sa.BigInteger(), nullable=True),
        sa.Column("lock_expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("public_code", sa.Text(collation="C"), nullable=True),
        sa.CheckConstraint(
            "(status IN ('locked', 'redeemed')) = (reference IS NOT NULL) AND (reference IS NULL) = (discount IS NULL)",
            name=op.f("ck_coupon_used_by_reference"),
        ),
        sa.CheckConstraint("lock_expires_at IS NULL OR status = 'locked'", name=op.f("ck_coupon_lock")),
        sa.CheckConstraint(
            "status IN ('issued', 'locked', 'redeemed', 'expired', 'voided')", name=op.f("ck_coupon_status")
        ),
        sa.CheckConstraint("discount >= 0", name=op.f("ck_coupon_discount")),
        sa.PrimaryKeyConstraint("bucket", "member_id", "code", name=op.f("pk_coupon")),
        postgresql_with={"fillfactor": "85"},
    )
    op.create_index("ix_coupon_template", "coupon", ["template"], unique=False)
    op.create_table(
        "coupon_issue",
        sa.Column("issue", sa.Text(collation="C"), nullable=False),
        sa.Column("template", sa.Text(collation="C"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("codes", sa.Integer(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("members >= 0 AND codes >= 0", name=op.f("ck_coupon_issue_not_negative")),
        sa.PrimaryKeyConstraint("issue", name=op.f("pk_coupon_issue")),
    )
    op.create_table(
        "coupon_issue_part",
        sa.Column("issue", sa.Text(collation="C"), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("members", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("done_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.Column("refused", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("issue", "part", name=op.f("pk_coupon_issue_part")),
    )
    op.create_index(
        "ix_coupon_issue_part_open",
        "coupon_issue_part",
        ["issue", "part"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "checkout",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("checkout_id", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("points_refunded", sa.BigInteger(), nullable=False),
        sa.Column("cash", sa.BigInteger(), nullable=False),
        sa.Column("cash_refunded", sa.BigInteger(), nullable=False),
        sa.Column("lots", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("parts", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("coupons", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("settles", sa.Boolean(), nullable=False),
        sa.Column("hold_expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("refunds", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "status <> 'held' OR hold_expires_at IS NOT NULL", name=op.f("ck_checkout_hold_ends")
        ),
        sa.CheckConstraint(
            "status IN ('held', 'completed', 'partially_refunded', 'refunded', 'cancelled', 'lapsed')",
            name=op.f("ck_checkout_status"),
        ),
        sa.CheckConstraint("cardinality(lots) = cardinality(parts)", name=op.f("ck_checkout_parts_of_lots")),
        sa.CheckConstraint("cash_refunded BETWEEN 0 AND cash", name=op.f("ck_checkout_refunded_within_cash")),
        sa.CheckConstraint(
            "points_refunded BETWEEN 0 AND points", name=op.f("ck_checkout_refunded_within_points")
        ),
        sa.PrimaryKeyConstraint("bucket", "member_id", "checkout_id", name=op.f("pk_checkout")),
    )
    op.create_index(
        "ix_checkout_hold_expires_at",
        "checkout",
        ["hold_expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'held'"),
    )
    op.create_table(
        "checkout_key",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("checkout_id", sa.Text(collation="C"), nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_checkout_key_bucket")),
        sa.PrimaryKeyConstraint("bucket", "checkout_id", name=op.f("pk_checkout_key")),
    )
    for table, rights in RIGHTS.items():
        grant(table, rights)


def downgrade() -> None:
    for table in reversed(RIGHTS):
        op.drop_table(table)
    for column in ("benefits_at", "coupon_due_at", "coupons"):
        op.drop_column("account", column)
