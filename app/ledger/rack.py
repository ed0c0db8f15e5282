"""The coupon templates this process has met, as they are now: read again when a newer revision exists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from app.domain.account import Code, Counter
from app.domain.coupon_templates import Template
from app.domain.shelf import ReadingShelf, Shelf
from app.expressions import Facts, matches
from app.ledger.connection import Connection
from app.security.codes import new_code


class TemplateRack:
    """Templates by code; `newest` is the highest revision among them."""

    def __init__(self) -> None:
        self.templates: dict[str, Template] = {}
        self.newest = 0
        self._automatic: list[Template] = []
        self.asks_for_traits = False  # some template has a condition on the member
        self._exhausted: dict[str, int] = {}  # templates, each at the revision whose stock is given out

    async def keep_up(self, connection: Connection, revision: int) -> None:
        """Refresh if there is a newer revision than is known."""
        if revision > self.newest:
            await self.refresh(connection)

    async def refresh(self, connection: Connection) -> None:
        """Read the templates that are new or were changed."""
        rows = await connection.fetch(
            "SELECT template, revision, document FROM coupon_template WHERE revision > $1 ORDER BY revision",
            self.newest,
        )
        for row in rows:
            known = self.templates.get(row["template"])
            if known is None or known.revision < row["revision"]:  # else read by another refresh meanwhile
                self.templates[row["template"]] = Template.from_document(
                    row["template"], row["revision"], json.loads(row["document"])
                )
            self.newest = max(self.newest, row["revision"])
        self._automatic = [
            self.templates[template]
            for template in sorted(self.templates)
            if self.templates[template].automatic
        ]
        self.asks_for_traits = any(
            template.eligible.member is not None for template in self.templates.values()
        )

    def note_exhausted(self, revisions: Mapping[str, int]) -> None:
        """The stock of these templates is given out at these revisions: for good, unless the template changes.

        It may have changed since, and a read may have told this rack so already.
        """
        self._exhausted |= revisions

    def is_exhausted(self, template: str | None) -> bool:
        """Whether nothing of it can be given out any more, as far as this process knows."""
        if template is None or template not in self._exhausted:
            return False
        return self._exhausted[template] == self.templates[template].revision

    def shelf(self, *, counters: Iterable[Counter] = (), codes: Iterable[Code] = ()) -> Shelf:
        """What decisions are handed of them, with these counters and codes."""
        return Shelf(
            self.templates,
            automatic=self._automatic,
            counters={counter.template: counter for counter in counters},
            codes={code.code: code for code in codes},
            new_code=new_code,
            matches=_matches,
        )

    def reading_shelf(self, *, counters: Iterable[Counter] = (), codes: Iterable[Code] = ()) -> ReadingShelf:
        """As `shelf`, for decisions that are never written down: the codes it hands out lead nowhere."""
        numbers = count(1)
        return ReadingShelf(
            self.templates,
            automatic=self._automatic,
            counters={counter.template: counter for counter in counters},
            codes={code.code: code for code in codes},
            new_code=lambda: f"~{next(numbers)}",
            matches=_matches,
        )


def _matches(condition: str, facts: Mapping[str, Any]) -> bool:
    return matches(condition, Facts(**facts))
