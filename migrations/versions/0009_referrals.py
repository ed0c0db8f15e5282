"""Who brought whom and what came of it; the codes by which members are brought; when a birthday was changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.privileges import grant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

RIGHTS = {
    "referral": "SELECT, INSERT, UPDATE",
    "invitation": "SELECT, INSERT, UPDATE",
    "referrer": "SELECT, INSERT, UPDATE",
    "referral_code": "SELECT, INSERT",
}


def _bucket() -> sa.Column[int]:
    return sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False)


def _name(column: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(column, sa.Text(collation="C"), nullable=nullable)


def _instant(column: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(column, postgresql.TIMESTAMP(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("person", _instant("birthday_changed_at", nullable=True))
    op.create_table(
        "referral",
        _bucket(),
        _name("member_id"),
        _name("inviter"),
        _instant("bound_at"),
        sa.Column("program_version", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("lot", sa.Integer(), nullable=True),
        _instant("paid_at", nullable=True),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_referral_bucket")),
        sa.CheckConstraint("inviter <> member_id", name=op.f("ck_referral_by_another")),
        sa.CheckConstraint(
            "(order_id IS NULL) = (paid_at IS NULL) AND (lot IS NULL OR paid_at IS NOT NULL)",
            name=op.f("ck_referral_paid_by_order"),
        ),
        sa.PrimaryKeyConstraint("bucket", "member_id", name=op.f("pk_referral")),
    )
    op.create_table(
        "invitation",
        _bucket(),
        _name("member_id"),
        _name("invitee"),
        _instant("bound_at"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("lot", sa.Integer(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        _instant("paid_at", nullable=True),
        _instant("share_at", nullable=True),
        sa.Column("share_points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_invitation_bucket")),
        sa.CheckConstraint("status IN ('bound', 'paid', 'limited')", name=op.f("ck_invitation_status")),
        sa.CheckConstraint("(status = 'bound') = (paid_at IS NULL)", name=op.f("ck_invitation_paid")),
        sa.CheckConstraint(
            "points >= 0 AND share_points >= 0 AND (status = 'paid' OR points = 0)",
            name=op.f("ck_invitation_points"),
        ),
        sa.PrimaryKeyConstraint("bucket", "member_id", "invitee", name=op.f("pk_invitation")),
    )
    op.create_index(
        "ix_invitation_share_at",
        "invitation",
        ["share_at"],
        unique=False,
        postgresql_where=sa.text("share_at IS NOT NULL"),
    )
    op.create_table(
        "referrer",
        _bucket(),
        _name("member_id"),
        _name("code", nullable=True),
        sa.Column("bound", sa.Integer(), nullable=False),
        sa.Column("paid", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=True),
        sa.Column("month_paid", sa.Integer(), nullable=False),
        sa.Column("earned", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_referrer_bucket")),
        sa.CheckConstraint(
            "0 <= month_paid AND month_paid <= paid AND paid <= bound", name=op.f("ck_referrer_counted")
        ),
        sa.CheckConstraint("earned >= 0", name=op.f("ck_referrer_earned")),
        sa.PrimaryKeyConstraint("bucket", "member_id", name=op.f("pk_referrer")),
    )
    op.create_table(
        "referral_code",
        _bucket(),
        _name("code"),
        _name("member_id"),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_referral_code_bucket")),
        sa.PrimaryKeyConstraint("bucket", "code", name=op.f("pk_referral_code")),
    )
    for table, rights in RIGHTS.items():
        grant(table, rights)


def downgrade() -> None:
    for table in reversed(RIGHTS):
        op.drop_table(table)
    op.drop_column("person", "birthday_changed_at")
