"""Versions of the program: drafts until they are published, and which of the published is in force when."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Self

from app.domain.document import Mistake
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.instants import rfc3339

VersionStatus = Literal["draft", "announced", "in_force", "past"]


class Publication(NamedTuple):
    """A published version: the `publication`-th, in force from `effective_at` until another is."""

    version: int
    publication: int
    effective_at: datetime


class VersionNotFound(LoyaltyError):
    code = "program_version_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown version of the program"

    def __init__(self) -> None:
        super().__init__("The program has no such version. GET /v1/program/versions lists them.")


class VersionPublished(LoyaltyError):
    """`effective_at`: from when the version is in force."""

    code = "program_version_published"
    kind = ErrorKind.CONFLICT
    title = "The version is published with another date"

    def __init__(self, *, effective_at: datetime) -> None:
        moment = rfc3339(effective_at)
        super().__init__(
            f"This version is published, in force from {moment}, and that stays so. Draft another version with the "
            "same document to have it in force at another time.",
            extra={"effective_at": moment},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(effective_at=datetime(2026, 4, 1, tzinfo=UTC))


class EffectiveAtInPast(LoyaltyError):
    """`now`: the earliest moment that a version may be in force from."""

    code = "effective_at_in_past"
    kind = ErrorKind.UNPROCESSABLE
    title = "The version would have been in force already"

    def __init__(self, *, now: datetime) -> None:
        moment = rfc3339(now)
        super().__init__(
            f"It is {moment}: `effective_at` must not lie before now. Leave it out to put the version in force at "
            "once.",
            extra={"now": moment},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(now=datetime(2026, 3, 5, 2, tzinfo=UTC))


class VersionUnpublishable(LoyaltyError):
    """`mistakes`: what of the document members could not live under, each with its place."""

    code = "program_version_unpublishable"
    kind = ErrorKind.CONFLICT
    title = "Members could not live under this version"

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        told = [{"pointer": f"/document{pointer}", "detail": detail} for pointer, detail in self.mistakes]
        super().__init__(
            "What earlier versions gave must still have its place in this one: see `mistakes`, and draft another "
            "version.",
            extra={"mistakes": told},
        )

    @classmethod
    def example(cls) -> Self:
        return cls([Mistake("/tiers/ladder", "must keep the tier gold: members may be in it")])


def in_force(publications: Iterable[Publication], *, at: datetime) -> Publication:
    """The one in force: of those effective by then the one that became so last, of two that became so together the one
    published later. The first version is effective since ever.
    """
    return max((each for each in publications if each.effective_at <= at), key=_order)


def announced(publications: Iterable[Publication], *, at: datetime) -> list[Publication]:
    """Those that will be in force, in their order; one that another replaces at its own moment never is."""
    by_moment: dict[datetime, Publication] = {}
    for each in sorted(publications, key=_order):
        if each.effective_at > at:
            by_moment[each.effective_at] = each
    return list(by_moment.values())


def status(version: int, publications: Iterable[Publication], *, at: datetime) -> VersionStatus:
    """What a version is at a moment."""
    known = list(publications)
    mine = next((each for each in known if each.version == version), None)
    if mine is None:
        return "draft"
    if mine.effective_at > at:
        return "announced"
    return "in_force" if in_force(known, at=at) == mine else "past"


def _order(publication: Publication) -> Any:  # noqa: ANN401 - whatever compares
    return publication.effective_at, publication.publication
