"""What campaigns gave is added up per campaign, in shares; the account knows which ones the member took part in.

A row per member is kept only for the campaigns that give each member only so much.
"""

from zlib import crc32

import sqlalchemy as sa
from alembic import op

from migrations.privileges import grant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SUMS = ("times", "amount", "points", "growth", "chances", "coupons", "discount", "taken_back")

_NUMBERED = """
UPDATE campaign SET number = numbered.number,
       counts_members = EXISTS (SELECT FROM campaign_version AS said WHERE said.campaign = campaign.campaign
                                   AND said.document -> 'budget' ? 'per_member')
  FROM (SELECT campaign, row_number() OVER (ORDER BY created_at, campaign) AS number FROM campaign) AS numbered
 WHERE numbered.campaign = campaign.campaign
"""
_ADDED_UP = """
INSERT INTO campaign_sum
SELECT :bucket, campaign, 0, count(*) FILTER (WHERE times > 0), sum(times), sum(amount), sum(points), sum(growth),
       sum(chances), sum(coupons), sum(discount), sum(taken_back)
  FROM campaign_member WHERE campaign = :campaign GROUP BY campaign
"""
# Bit n of the bytes, counted from the least significant one of each, is the campaign of that number.
_TOOK_PART = """
UPDATE account SET campaigns = packed.campaigns
  FROM (SELECT bucket, member_id, string_agg(set_byte('\\x00', 0, bits), '' ORDER BY place) AS campaigns
          FROM (SELECT bucket, member_id, place,
                       coalesce(bit_or(1 << (number % 8)) FILTER (WHERE number / 8 = place), 0) AS bits
                  FROM (SELECT bucket, member_id, number, max(number) OVER (PARTITION BY bucket, member_id) AS last
                          FROM campaign_member JOIN campaign USING (campaign) WHERE times > 0) AS took_part,
                       generate_series(0, last / 8) AS place
                 GROUP BY bucket, member_id, place) AS parts
         GROUP BY bucket, member_id) AS packed
 WHERE (account.bucket, account.member_id) = (packed.bucket, packed.member_id)
"""


def upgrade() -> None:
    op.add_column("campaign", sa.Column("number", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column(
        "campaign", sa.Column("counts_members", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "account", sa.Column("campaigns", sa.LargeBinary(), server_default=sa.text("'\\x'"), nullable=False)
    )
    op.create_table(
        "campaign_sum",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign", sa.Text(collation="C"), nullable=False),
        sa.Column("share_of", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("participants", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _SUMS),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_campaign_sum_bucket")),
        sa.PrimaryKeyConstraint("bucket", "campaign", "share_of", name=op.f("pk_campaign_sum")),
        postgresql_with={"fillfactor": "50"},
    )
    grant("campaign_sum", "SELECT, INSERT, UPDATE")
    op.execute(_NUMBERED)
    # The table has a row for each campaign: looking through all of them takes no time.
    op.execute("-- squawk-ignore ban-drop-default\nALTER TABLE campaign ALTER COLUMN number DROP DEFAULT")
    op.execute(
        "-- squawk-ignore require-concurrent-index-creation\n"
        "CREATE UNIQUE INDEX ix_campaign_number ON campaign (number)"
    )
    op.execute(_TOOK_PART)
    if not op.get_context().as_sql:
        bind = op.get_bind()
        for campaign in (
            bind.execute(sa.text("SELECT DISTINCT campaign FROM campaign_member")).scalars().all()
        ):
            bucket = crc32(campaign.encode()) % 64
            bind.execute(sa.text(_ADDED_UP), {"bucket": bucket, "campaign": campaign})
    op.create_table(
        "campaign_points",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign", sa.Text(collation="C"), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_campaign_points_bucket")),
        sa.PrimaryKeyConstraint("bucket", "member_id", "campaign", name=op.f("pk_campaign_points")),
        postgresql_with={"fillfactor": "85"},
    )
    grant("campaign_points", "SELECT, INSERT, UPDATE")
    op.execute(
        "INSERT INTO campaign_points SELECT bucket, member_id, campaign, points "
        "FROM campaign_member JOIN campaign USING (campaign) WHERE counts_members"
    )
    op.execute("-- squawk-ignore ban-drop-table\nDROP TABLE campaign_member")


def downgrade() -> None:
    op.drop_table("campaign_sum")
    op.create_table(
        "campaign_member",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(collation="C"), nullable=False),
        sa.Column("campaign", sa.Text(collation="C"), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("growth", sa.BigInteger(), nullable=False),
        sa.Column("chances", sa.Integer(), nullable=False),
        sa.Column("coupons", sa.Integer(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("taken_back", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_campaign_member_bucket")),
        sa.PrimaryKeyConstraint("bucket", "member_id", "campaign", name=op.f("pk_campaign_member")),
        postgresql_with={"fillfactor": "85"},
    )
    op.create_index(
        "ix_campaign_member_campaign", "campaign_member", ["campaign", "bucket", "member_id"], unique=False
    )
    grant("campaign_member", "SELECT, INSERT, UPDATE")
    # What limits count is kept; the rest is told by the entries alone.
    op.execute(
        "INSERT INTO campaign_member SELECT bucket, member_id, campaign, 0, 0, points, 0, 0, 0, 0, 0, now(), now() "
        "FROM campaign_points"
    )
    op.drop_table("campaign_points")
    op.drop_column("account", "campaigns")
    op.drop_column("campaign", "counts_members")
    op.drop_column("campaign", "number")
