"""Every published version of the program this process has met, as values: versions are immutable, so none is read
twice.

Which one is in force is a matter of the moment alone: a process that knows a version switches to it without being
told. That it knows it in time is up to who publishes (`actions/program.py`): no batch that began before decides at
a moment from which the version is in force, and each batch after it is told the number of publications.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.program import Program
from app.ledger.connection import Connection


class VersionUnknown(Exception):
    """A row was written under a version published since the newest was asked for: to be tried again."""


class Rulebook:
    """The published versions known, and which of them is in force at a moment.

    `newest` counts the publications known, 0 before the first was read; `lately` is the version last asked for.
    """

    def __init__(self) -> None:
        self.programs: dict[int, Program] = {}
        self.newest = 0
        self._lately = 0
        self._beginnings: list[tuple[datetime, int, int]] = []  # effective at, publication, version
        self._moments: list[datetime] = []

    async def refresh(self, connection: Connection) -> None:
        """Read the versions that were published since the newest known."""
        rows = await connection.fetch(
            "SELECT version, document, effective_at, publication FROM program_version "
            "WHERE publication > $1 ORDER BY publication",
            self.newest,
        )
        for row in rows:
            if row["version"] in self.programs:
                continue  # read by another refresh meanwhile
            document: Mapping[str, Any] = json.loads(row["document"])
            self.programs[row["version"]] = Program.from_document(row["version"], document)
            self._beginnings.append((row["effective_at"], row["publication"], row["version"]))
            self.newest = max(self.newest, row["publication"])
        self._beginnings.sort()
        self._moments = [beginning[0] for beginning in self._beginnings]

    @property
    def lately(self) -> Program:
        """The version that was in force when last asked: a guess for who has not read the clock yet."""
        return self.programs[self._lately or self._beginnings[-1][2]]

    def at(self, now: datetime) -> Program:
        """The version in force: of those effective by now the one that became so last, and of two that became so
        together the one published later.
        """
        self._lately = self._beginnings[bisect_right(self._moments, now) - 1][2]
        return self.programs[self._lately]
