"""The driver's connection, as the ledger's functions take it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import asyncpg

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    # Generic in the driver's stubs only.
    Connection = asyncpg.Connection
