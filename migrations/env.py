"""How Alembic reaches the database: `-x url=`, else the caller's address, else the settings (embedded
included).
"""

import asyncio
import contextlib
from collections.abc import Generator

import asyncpg
from alembic import context
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.config import load_settings
from app.database import database_url
from app.models import Base


@contextlib.contextmanager
def owner_url() -> Generator[str]:
    """The address to migrate, as the owner of the schema."""
    given = context.get_x_argument(as_dictionary=True).get("url") or context.config.attributes.get("url")
    if given:
        yield given
        return
    with database_url(load_settings(), tell=print) as url:
        yield url


def run(connection: Connection | None) -> None:
    """Run the revisions asked for on `connection`, or write them out as SQL without one."""
    context.configure(
        connection=connection,
        dialect_name=None if connection else "postgresql",
        literal_binds=connection is None,
        target_metadata=Base.metadata,
        compare_server_default=True,
        # A revision that fails leaves those before it in place.
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    # Who waits for a lock makes all that come after wait: better that a revision fails and is tried again.
    return await asyncpg.connect(url, server_settings={"lock_timeout": "2s", "application_name": "migration"})


async def run_online(url: str) -> None:
    """Migrate the database at `url`."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: _connect(url), poolclass=NullPool
    )
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


if context.is_offline_mode():
    run(None)
else:
    with owner_url() as owner:
        asyncio.run(run_online(owner))
