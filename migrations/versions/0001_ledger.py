"""The role of the application."""

from migrations.privileges import create_application_role, revoke_schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the application's role."""
    create_application_role()


def downgrade() -> None:
    """Take its rights back."""
    revoke_schema()
