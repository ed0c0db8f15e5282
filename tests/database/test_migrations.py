"""The schema goes up, down and up again, and the application's role comes with it."""

import asyncio
import re
from collections.abc import Callable

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from app.database import MIGRATIONS, Database, latest_revision, upgrade
from app.models import Base


def alembic_config(url: str) -> Config:
    """Alembic as the service runs it, on the database at `url`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


async def tables(url: str) -> set[str]:
    """Names of the tables, sequences, types and functions of the database, Alembic's own table left out."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            """
            SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION SELECT typname::text FROM pg_type WHERE typnamespace = 'public'::regnamespace
            UNION SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            """
        )
    finally:
        await connection.close()
    return {row["name"] for row in rows if "alembic_version" not in row["name"]}


def test_up_down_up(fresh_database_url: str) -> None:
    config = alembic_config(fresh_database_url)
    before = asyncio.run(tables(fresh_database_url))
    command.downgrade(config, "base")
    assert asyncio.run(tables(fresh_database_url)) == set()
    command.upgrade(config, "head")
    assert asyncio.run(tables(fresh_database_url)) == before


async def test_models_and_migrations_agree(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"include_name": _ours})
        return list(compare_metadata(context, Base.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def _create_and_fail(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.exec_driver_sql("CREATE TEMPORARY TABLE kept (id int) ON COMMIT PRESERVE ROWS")
        raise ZeroDivisionError


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a table is one of ours: pgqueuer keeps its own."""
    return kind != "table" or name is None or not name.startswith("pgqueuer")


def test_the_latest_revision_is_alembics_head() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert script.get_heads() == [latest_revision()]
    assert all(re.fullmatch(r"\d{4}", revision.revision) for revision in script.walk_revisions())


async def test_many_may_upgrade_at_once(fresh_database_url: str) -> None:
    connection = await asyncpg.connect(fresh_database_url)
    await connection.execute("DROP OWNED BY loyalty_app; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await asyncio.gather(*(upgrade(fresh_database_url) for _ in range(4)))
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == latest_revision()
    await connection.close()


async def test_a_later_schema_is_left_alone(fresh_database_url: str) -> None:
    connection = await asyncpg.connect(fresh_database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await upgrade(fresh_database_url)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "9999"
    await connection.close()
    later = Database(fresh_database_url)
    assert await later.migrated()
    await later.dispose()


async def test_not_migrated(server_url: str, new_database: Callable[[], str]) -> None:
    del new_database  # it makes the role
    bare = Database(server_url)
    assert not await bare.migrated()
    await bare.dispose()


async def test_the_application_is_not_the_owner(database: Database) -> None:
    connection = await database.connect()
    assert await connection.fetchval("SELECT current_user") == "loyalty_app"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("CREATE TABLE intruder (id int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("UPDATE alembic_version SET version_num = '0000'")
    await connection.close()


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await _create_and_fail(database)
    async with database.engine.connect() as connection:
        found = await connection.exec_driver_sql("SELECT to_regclass('kept')")
        assert found.scalar() is None
