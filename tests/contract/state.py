"""All that a database holds, in figures: whether something was written, and whether it was written once."""

from __future__ import annotations

from typing import Any

import asyncpg

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_SUMMED = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND data_type IN ('smallint', 'integer', 'bigint')
    AND column_name <> ALL($1) AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public')
"""
_DRAWN = ("bucket", "revision", "publication", "share", "version", "position", "id", "number")
"""Columns whose values depend on what was there before, or on a random id."""


async def contents(url: str) -> dict[str, str]:
    """Of each table its number of rows and a digest of all of them; equal exactly if nothing was written."""

    def figure(table: str) -> str:
        digest = "coalesce(sum(hashtextextended(row::text, 0)::numeric), 0)"
        return f"SELECT '{table}', count(*) || ' rows, ' || {digest} FROM \"{table}\" AS row"

    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        tables = [str(row[0]) for row in await connection.fetch(_TABLES)]
        found = await connection.fetch(" UNION ALL ".join(figure(table) for table in tables))
        return {str(table): str(told) for table, told in found}
    finally:
        await connection.close()


async def sums(url: str) -> dict[str, int]:
    """Of each table its number of rows, and the sum of each column of whole numbers: what an effect adds to."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        asked = {str(row[0]): ["count(*)"] for row in await connection.fetch(_TABLES)}
        names = {table: [table] for table in asked}
        for table, column in await connection.fetch(_SUMMED, list(_DRAWN)):
            asked[table].append(f'coalesce(sum("{column}"), 0)')
            names[table].append(f"{table}.{column}")
        found: dict[str, int] = {}
        for table, figures in asked.items():
            row = await connection.fetchrow(f'SELECT {", ".join(figures)} FROM "{table}"')
            assert row is not None
            found |= {name: int(value) for name, value in zip(names[table], row, strict=True)}
        return found
    finally:
        await connection.close()


def difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """What was added, where anything was."""
    return {name: value - before[name] for name, value in after.items() if value != before[name]}
