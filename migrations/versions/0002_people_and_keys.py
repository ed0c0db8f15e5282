"""People, encrypted, and API keys, hashed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.privileges import grant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary()),
        sa.Column("phone", sa.LargeBinary()),
        sa.Column("email", sa.LargeBinary()),
        sa.Column("birthday", sa.LargeBinary()),
        sa.Column("phone_digest", sa.LargeBinary()),
        sa.Column("email_digest", sa.LargeBinary()),
        sa.Column("gender", sa.Text()),
        sa.Column("region", sa.Text()),
        sa.Column("referred_by", sa.Text()),
        sa.Column("attributes", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("consents", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "member_id", name="pk_person"),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_person_bucket")),
        sa.CheckConstraint("(phone IS NULL) = (phone_digest IS NULL)", name=op.f("ck_person_phone_digest")),
        sa.CheckConstraint("(email IS NULL) = (email_digest IS NULL)", name=op.f("ck_person_email_digest")),
    )
    grant("person", "SELECT, INSERT, UPDATE, DELETE")
    op.create_table(
        "person_lookup",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "digest", "kind", "member_id", name="pk_person_lookup"),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_person_lookup_bucket")),
        sa.CheckConstraint("kind IN ('phone', 'email')", name=op.f("ck_person_lookup_kind")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_person_lookup_digest_length")),
    )
    grant("person_lookup", "SELECT, INSERT, DELETE")
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True)),
        sa.Column("revoked_by", sa.Text()),
        sa.Column("request_key", sa.Text()),
        sa.Column("request_digest", sa.LargeBinary()),
        sa.Column("sealed_key", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_key"),
        sa.UniqueConstraint("created_by", "request_key", name="uq_api_key_created_by_request_key"),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_api_key_digest_length")),
    )
    grant("api_key", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_table("api_key")
    op.drop_table("person_lookup")
    op.drop_table("person")
