"""The program on the wire: its versions, and the rules in words and in data."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, RootModel
from pydantic_core import CoreSchema

from app.actions.program import Findings
from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.instants import rfc3339
from app.domain.program import Program
from app.domain.program_diff import Difference
from app.domain.program_versions import Publication, VersionStatus, status
from app.domain.wording import TextSection, text_of
from app.queries.program import VersionRow
from app.schemas.common import Answer, Instant, Wire, text
from app.schemas.parts import Moment, shown
from app.schemas.program_document import in_document

Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="The version's number, from 1.", examples=[1])]


class ProgramDocument(RootModel[dict[str, Any]]):
    """All rules of a version as one JSON document; its schema alone is `GET /v1/program/schema`."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _core_schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return in_document()


# --- versions ----------------------------------------------------------------------------------------------

_DRAFT: dict[str, Any] = {
    "version": 2,
    "status": "draft",
    "effective_at": None,
    "note": "double points on tea",
    "created_at": "2026-03-05T02:00:00Z",
    "created_by": "key:Kq3nV0sYb8Zd",
    "published_at": None,
    "published_by": None,
    "adopted_at": None,
}
_ANNOUNCED = _DRAFT | {
    "status": "announced",
    "effective_at": "2026-03-31T16:00:00Z",
    "published_at": "2026-03-06T02:00:00Z",
    "published_by": "key:Kq3nV0sYb8Zd",
}
_WITH_DOCUMENT = {**_DRAFT, "document": DEFAULT_PROGRAM_DOCUMENT}


class VersionRequest(Wire):
    """A version to be drafted."""

    model_config = shown({"document": DEFAULT_PROGRAM_DOCUMENT, "note": "double points on tea"})

    document: ProgramDocument
    note: Annotated[str, text(max_length=500)] | None = Field(
        None, description="Why, for whoever reads the versions.", examples=["double points on tea"]
    )


class LookRequest(Wire):
    """Looking at a version takes no fields: the body may be left out."""


class CompareRequest(Wire):
    """Which version to hold it against."""

    model_config = shown({"against": 1})

    against: Version | None = Field(None, description="Absent: the one in force.")


class PublishRequest(Wire):
    """From when the version is in force."""

    model_config = shown({"effective_at": "2026-04-01T00:00:00+08:00"}, {})

    effective_at: Instant | None = Field(None, description="Not before now; absent: at once.")


class ApplyOptions(PublishRequest):
    """What the command line says besides the document."""

    note: Annotated[str, text(max_length=500)] | None = None


class ProgramVersion(Answer):
    """A version of the program, and what has become of it. What it says never changes."""

    model_config = shown(_ANNOUNCED, _DRAFT)

    version: int
    status: VersionStatus = Field(
        description="`draft` until it is published, then `announced` until its moment, `in_force`, and `past` once "
        "another is in force."
    )
    effective_at: Moment | None = Field(description="From when it is in force; null: it is a draft.")
    note: str | None
    created_at: Moment
    created_by: str | None = Field(description="Null: it came with the service.")
    published_at: Moment | None
    published_by: str | None
    adopted_at: Moment | None = Field(
        description="When every member had been looked at under it: who reaches a tier by it has that tier then at the "
        "latest."
    )


class ProgramVersionWithDocument(ProgramVersion):
    """A version with what it says."""

    model_config = shown(_WITH_DOCUMENT)

    document: ProgramDocument


class DocumentMistake(Answer):
    """What is wrong with a document, and where."""

    pointer: str = Field(description="A JSON pointer into the request's or the version's `document`.")
    detail: str


class ProgramWarning(Answer):
    """What to think of before publishing."""

    code: str = Field(description="Stable, for programs.")
    pointer: str
    detail: str


class ProgramFindings(Answer):
    """What a look at a version found."""

    model_config = shown(
        {
            "valid": True,
            "mistakes": [],
            "warnings": [
                {
                    "code": "threshold_raised",
                    "pointer": "/document/tiers/ladder/1/thresholds",
                    "detail": "Members keep a tier they would no longer win, until a refund or the end of its period.",
                }
            ],
        }
    )

    valid: bool = Field(description="Whether it can be published: there are no mistakes.")
    mistakes: list[DocumentMistake] = Field(description="What keeps it from being published.")
    warnings: list[ProgramWarning] = Field(
        description="What members would lose if it followed the version in force, and what would not work. They forbid "
        "nothing."
    )


class ProgramDifference(Answer):
    """One change, in data and in words."""

    pointer: str = Field(description="Its place in the later document; of what is gone, in the earlier one.")
    before: Any = Field(description="Null where there was nothing.")
    after: Any = Field(description="Null where there is nothing any more.")
    zh: str
    en: str


class ProgramComparison(Answer):
    """What one version says otherwise than another."""

    model_config = shown(
        {
            "version": 2,
            "against": 1,
            "changes": [
                {
                    "pointer": "/tiers/ladder/1/thresholds/spend",
                    "before": 30_000,
                    "after": 50_000,
                    "zh": "白银会员的消费额门槛：300 元 → 500 元",
                    "en": "Spend needed of Silver: 300 yuan → 500 yuan",
                }
            ],
        }
    )

    version: int
    against: int
    changes: list[ProgramDifference]


def version_answer(row: VersionRow, publications: Iterable[Publication], *, at: datetime) -> dict[str, Any]:
    """A version as it stands at a moment."""
    return {
        "version": row.version,
        "status": status(row.version, publications, at=at),
        "effective_at": rfc3339(row.effective_at),
        "note": row.note,
        "created_at": rfc3339(row.created_at),
        "created_by": row.actor,
        "published_at": rfc3339(row.published_at),
        "published_by": row.published_by,
        "adopted_at": rfc3339(row.adopted_at),
    }


def findings_answer(findings: Findings) -> dict[str, Any]:
    """What was found, each in its place under `document`."""
    mistakes = [{**each._asdict(), "pointer": f"/document{each.pointer}"} for each in findings.mistakes]
    found = [{**each._asdict(), "pointer": f"/document{each.pointer}"} for each in findings.warnings]
    return {"valid": not mistakes, "mistakes": mistakes, "warnings": found}


def comparison_answer(version: int, against: int, changes: Iterable[Difference]) -> dict[str, Any]:
    """Two versions side by side."""
    return {"version": version, "against": against, "changes": [each._asdict() for each in changes]}


# --- the rules, for everybody ------------------------------------------------------------------------------

_TEXT: dict[str, Any] = {
    "zh": [{"title": "消费积分", "lines": ["每消费 1 元得 1 积分。"]}],
    "en": [{"title": "Earning points", "lines": ["Every 1 yuan spent earns 1 point."]}],
}


class RuleSection(Answer):
    """A part of the rules, in sentences."""

    title: str
    lines: list[str]


class RuleText(Answer):
    """The rules in words."""

    zh: list[RuleSection] = Field(description="In Chinese.")
    en: list[RuleSection] = Field(description="In English.")


class ChangeText(Answer):
    """What will change, in words."""

    zh: list[str]
    en: list[str]


class AnnouncedProgram(Answer):
    """Rules that will be in force."""

    version: int
    effective_at: Moment
    published_at: Moment
    changes: ChangeText = Field(description="Against the rules in force just before.")
    program: ProgramDocument


class CurrentProgram(Answer):
    """The rules in force, and those announced."""

    model_config = shown(
        {
            "version": 1,
            "effective_at": "1970-01-01T00:00:00Z",
            "program": DEFAULT_PROGRAM_DOCUMENT,
            "text": _TEXT,
            "announced": [
                {
                    "version": 2,
                    "effective_at": "2026-03-31T16:00:00Z",
                    "published_at": "2026-03-06T02:00:00Z",
                    "changes": {
                        "zh": ["白银会员的消费额门槛：300 元 → 500 元"],
                        "en": ["Spend needed of Silver: 300 yuan → 500 yuan"],
                    },
                    "program": DEFAULT_PROGRAM_DOCUMENT,
                }
            ],
        }
    )

    version: int
    effective_at: Moment = Field(description="Since when.")
    program: ProgramDocument
    text: RuleText
    announced: list[AnnouncedProgram] = Field(description="In the order they will be in force.")


def text_answer(program: Program) -> dict[str, list[dict[str, Any]]]:
    """The rules in words."""
    told = text_of(program)
    return {"zh": _sections(told.zh), "en": _sections(told.en)}


def _sections(sections: Iterable[TextSection]) -> list[dict[str, Any]]:
    return [{"title": section.title, "lines": list(section.lines)} for section in sections]
