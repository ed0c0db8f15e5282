"""`loyalty migrate`: the schema, for those who do not let `serve` bring it up to date."""

import asyncio
import sys

from app.config import load_settings


def migrate() -> None:
    """Bring the database's schema up to date (`serve` does it too)."""
    from app.database import database_url, latest_revision, upgrade

    settings = load_settings()
    with database_url(settings, tell=lambda sentence: print(sentence, file=sys.stderr)) as url:
        asyncio.run(upgrade(url))
    print(f"The schema is at revision {latest_revision()}.")
