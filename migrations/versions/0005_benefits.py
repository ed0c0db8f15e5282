"""Benefits that persons give; the month of a birthday to be found by; the coupon that birthdays come with."""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.domain.account import bucket_of
from migrations.privileges import grant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIRTHDAY = "birthday"
BIRTHDAY_DOCUMENT = {
    "name": "生日优惠券",
    "kind": "amount_off",
    "amount_off": 1_000,
    "threshold": 10_000,
    "valid": {"days": 31},
    "stacks_with": "other_kinds",
    "return_on": "full_refund",
}
GIVEN = f'$.tiers.ladder[*].benefits[*].coupon ? (@.template == "{BIRTHDAY}")'


def upgrade() -> None:
    op.create_table(
        "benefit_grant",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("benefit", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("terms", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("since", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("until > since", name=op.f("ck_benefit_grant_until_after_since")),
        sa.ForeignKeyConstraint(
            ["bucket", "member_id"],
            ["account.bucket", "account.member_id"],
            name=op.f("fk_benefit_grant_bucket_member_id_account"),
        ),
        sa.PrimaryKeyConstraint("bucket", "member_id", "reference", name=op.f("pk_benefit_grant")),
    )
    grant("benefit_grant", "SELECT, INSERT, UPDATE")
    op.create_table(
        "person_birthday",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_person_birthday_digest_length")),
        sa.PrimaryKeyConstraint("bucket", "member_id", name=op.f("pk_person_birthday")),
    )
    op.create_index(
        "ix_person_birthday_digest", "person_birthday", ["digest", "bucket", "member_id"], unique=False
    )
    grant("person_birthday", "SELECT, INSERT, UPDATE, DELETE")
    # No key is at hand here: the digests of these a job adds.
    op.execute(
        "INSERT INTO person_birthday (bucket, member_id) "
        "SELECT bucket, member_id FROM person WHERE birthday IS NOT NULL"
    )
    # A template that the shop made under this name stays as it is. Where no program gives coupons of this one it is
    # paused, so that nobody claims them.
    op.execute(
        sa.text(
            "INSERT INTO coupon_template (template, revision, document, created_at, updated_at) "
            "SELECT :template, coalesce(max(revision), 0) + 1, CAST(:document AS jsonb) || jsonb_build_object('state', "
            "CASE WHEN EXISTS (SELECT FROM program_version WHERE jsonb_path_exists(document, "
            "CAST(:given AS jsonpath))) THEN 'active' ELSE 'paused' END), :now, :now "
            "FROM coupon_template ON CONFLICT DO NOTHING"
        ).bindparams(
            sa.bindparam("template", BIRTHDAY, sa.Text()),
            sa.bindparam("document", json.dumps(BIRTHDAY_DOCUMENT), sa.Text()),
            sa.bindparam("given", GIVEN, sa.Text()),
            sa.bindparam("now", datetime.now(UTC), postgresql.TIMESTAMP(timezone=True)),
        )
    )
    op.execute(
        sa.text(
            "INSERT INTO coupon_counter (bucket, template, issued, discounted) VALUES (:bucket, :template, 0, 0) "
            "ON CONFLICT DO NOTHING"
        ).bindparams(
            sa.bindparam("bucket", bucket_of(BIRTHDAY), sa.SmallInteger()),
            sa.bindparam("template", BIRTHDAY, sa.Text()),
        )
    )


def downgrade() -> None:
    # The template stays: coupons of it may have been given out.
    op.drop_table("person_birthday")
    op.drop_table("benefit_grant")
