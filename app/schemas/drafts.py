"""Campaigns and programs to be tried, on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.actions.drafts import Wanted
from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.schemas.campaign_document import CampaignCode, CampaignTerms
from app.schemas.common import Wire
from app.schemas.parts import shown
from app.schemas.program import ProgramDocument, Version

MAX_CAMPAIGNS = 20

_DOUBLE: dict[str, Any] = {
    "name": "会员日双倍积分",
    "trigger": "order",
    "window": {"rrule": "FREQ=MONTHLY;BYDAY=1SA"},
    "effects": [{"kind": "multiply_points", "factor": "2"}],
}
DRAFTS_EXAMPLE: list[dict[str, Any]] = [{"campaign": "member-day", "document": _DOUBLE}]


class CampaignDraft(Wire):
    """A campaign to be tried, live or not: in place of the live one of its code, if there is one."""

    model_config = shown(DRAFTS_EXAMPLE[0], {"campaign": "member-day"})

    campaign: CampaignCode
    document: CampaignTerms | None = Field(
        None,
        description="What it says, as in `PUT /v1/campaigns/{campaign}`. Absent: what the stored one of this code "
        "says, whatever state it is in.",
    )

    def to_document(self) -> dict[str, Any] | None:
        """What it says, unchecked; None: what the stored one says."""
        return None if self.document is None else self.document.to_document()


class ProgramDraft(Wire):
    """A program to be tried in place of the one in force."""

    model_config = shown(
        {"version": 2},
        {"document": DEFAULT_PROGRAM_DOCUMENT},
        oneOf=[
            {
                "required": ["version"],
                "properties": {"version": {"type": "integer"}, "document": {"type": "null"}},
            },
            {
                "required": ["document"],
                "properties": {"document": {"type": "object"}, "version": {"type": "null"}},
            },
        ],
    )

    version: Version | None = Field(None, description="A version that is stored, a draft too.", examples=[2])
    document: ProgramDocument | None = None

    @model_validator(mode="after")
    def _names_one(self) -> ProgramDraft:
        if (self.version is None) == (self.document is None):
            raise PydanticCustomError("version_or_document", "Should name either `version` or `document`")
        return self


class Drafts(Wire):
    """What is to be tried."""

    campaigns: list[CampaignDraft] = Field(
        default_factory=list[CampaignDraft],
        max_length=MAX_CAMPAIGNS,
        description="Campaigns to be tried as if they were live.",
        examples=[DRAFTS_EXAMPLE],
    )
    program: ProgramDraft | None = Field(None, description="Absent: the versions that were in force.")

    def to_wanted(self) -> Wanted:
        """What is to be tried."""
        program = self.program
        return Wanted(
            [(draft.campaign, draft.to_document()) for draft in self.campaigns],
            None if program is None or program.document is None else program.document.root,
            None if program is None else program.version,
        )
