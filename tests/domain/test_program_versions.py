"""Which version of the program is in force when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.document import Mistake
from app.domain.program_versions import (
    EffectiveAtInPast,
    Publication,
    VersionNotFound,
    VersionPublished,
    VersionUnpublishable,
    announced,
    in_force,
    status,
)

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = Publication(1, 1, datetime(1970, 1, 1, tzinfo=UTC))
# Version 2 is a draft. 4 was published for the day after 3's, but before it; 5 corrects 4 at its own moment.
FOURTH = Publication(4, 2, START + 2 * DAY)
THIRD = Publication(3, 3, START + DAY)
FIFTH = Publication(5, 4, START + 2 * DAY)
ALL = [FIRST, FOURTH, THIRD, FIFTH]


@pytest.mark.parametrize(
    ("at", "current", "coming"),
    [
        (START, FIRST, [THIRD, FIFTH]),
        (START + DAY - timedelta(microseconds=1), FIRST, [THIRD, FIFTH]),
        (START + DAY, THIRD, [FIFTH]),
        (START + 2 * DAY, FIFTH, []),
        (START + 3 * DAY, FIFTH, []),
    ],
)
def test_the_one_that_became_so_last_is_in_force(
    at: datetime, current: Publication, coming: list[Publication]
) -> None:
    assert in_force(ALL, at=at) == current
    assert announced(reversed(ALL), at=at) == coming


def test_a_draft_that_is_published_late_comes_late() -> None:
    """Which version it is decides nothing: when it is in force does, then which was published later."""
    second = Publication(2, 5, START + 3 * DAY)
    instead_of_third = Publication(2, 5, START + DAY)
    assert announced([second, *ALL], at=START) == [THIRD, FIFTH, second]
    assert in_force([second, *ALL], at=START + 3 * DAY) == second
    assert announced([instead_of_third, *ALL], at=START) == [instead_of_third, FIFTH]
    assert in_force([instead_of_third, *ALL], at=START + DAY) == instead_of_third


@pytest.mark.parametrize(
    ("at", "statuses"),
    [
        (START, ["in_force", "draft", "announced", "announced", "announced"]),
        (START + DAY, ["past", "draft", "in_force", "announced", "announced"]),
        (START + 2 * DAY, ["past", "draft", "past", "past", "in_force"]),
    ],
)
def test_what_a_version_is(at: datetime, statuses: list[str]) -> None:
    assert [status(version, iter(ALL), at=at) for version in range(1, 6)] == statuses


def test_refusals_say_what_to_do() -> None:
    assert VersionPublished.example().extra == {"effective_at": "2026-04-01T00:00:00Z"}
    assert EffectiveAtInPast.example().extra == {"now": "2026-03-05T02:00:00Z"}
    assert "GET /v1/program/versions" in VersionNotFound().detail
    unpublishable = VersionUnpublishable([Mistake("/currency", "must stay CNY")])
    assert unpublishable.extra == {"mistakes": [{"pointer": "/document/currency", "detail": "must stay CNY"}]}
    assert VersionUnpublishable.example().mistakes == (
        Mistake("/tiers/ladder", "must keep the tier gold: members may be in it"),
    )
