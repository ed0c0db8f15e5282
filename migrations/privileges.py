"""The role the application works as, and what it may do.

from migrations.privileges import create_application_role, grant

def upgrade() -> None:
    create_application_role()
    op.create_table("entry", ...)
    grant("entry", "SELECT, INSERT")
"""

from alembic import op

from app.database import APPLICATION_ROLE


def create_application_role() -> None:
    """Make the application's role unless the cluster has it, let the owner take it, let it read the revision.

    Roles belong to the whole cluster, so another database's migration may make it at the same moment. An
    owner without CREATEROLE needs it made beforehand: `CREATE ROLE loyalty_app NOLOGIN; GRANT loyalty_app TO
    <owner>`.
    """
    op.execute(
        f"""
        DO $$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APPLICATION_ROLE}') THEN
                BEGIN
                    CREATE ROLE {APPLICATION_ROLE} NOLOGIN;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN
                    NULL;
                END;
            END IF;
            -- Since version 16 the maker of a role may grant it, but may not yet take it.
            IF NOT pg_has_role(
                current_user,
                '{APPLICATION_ROLE}',
                CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END
            ) THEN
                BEGIN
                    EXECUTE format('GRANT {APPLICATION_ROLE} TO %I', current_user);
                EXCEPTION WHEN unique_violation THEN
                    NULL;
                END;
            END IF;
        END
        $$
        """
    )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APPLICATION_ROLE}")
    grant("alembic_version", "SELECT")


def grant(table: str, rights: str) -> None:
    """Grant `rights` (such as "SELECT, INSERT") on `table` to the application's role."""
    op.execute(f"GRANT {rights} ON {table} TO {APPLICATION_ROLE}")


def revoke_schema() -> None:
    """Take back what `create_application_role` gave here; the role itself may serve other databases and
    stays.
    """
    op.execute(f"REVOKE ALL ON alembic_version FROM {APPLICATION_ROLE}")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {APPLICATION_ROLE}")
