"""Every version of the program this process has met, as values: versions are immutable, so none is read twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.program import Program
from app.ledger.connection import Connection


class VersionUnknown(Exception):
    """A row was written under a version published since the newest was asked for: to be tried again."""


class Rulebook:
    """The versions known, and which of them is in force at a moment."""

    def __init__(self) -> None:
        self.programs: dict[int, Program] = {}
        self._effective: list[tuple[datetime, int]] = []

    @property
    def newest(self) -> int:
        """The highest version known, 0 before the first was read."""
        return max(self.programs, default=0)

    async def refresh(self, connection: Connection) -> None:
        """Read the versions that are not known yet."""
        rows = await connection.fetch(
            "SELECT version, document, effective_at FROM program_version WHERE version > $1 ORDER BY version",
            self.newest,
        )
        for row in rows:
            document: Mapping[str, Any] = json.loads(row["document"])
            self.programs[row["version"]] = Program.from_document(row["version"], document)
            self._effective.append((row["effective_at"], row["version"]))
        self._effective.sort()

    def at(self, now: datetime) -> Program:
        """The version in force: of those effective by now, the one that became so last."""
        if len(self._effective) == 1:
            return self.programs[self._effective[0][1]]
        version = max(entry for entry in self._effective if entry[0] <= now)[1]
        return self.programs[version]
