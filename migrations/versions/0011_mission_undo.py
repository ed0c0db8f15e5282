"""How often a mission that was completed was undone by a refund."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mission_progress", sa.Column("undone", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("mission_progress", "undone")
