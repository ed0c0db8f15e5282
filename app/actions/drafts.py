"""Campaigns and programs that are only tried: sent along with a request, or stored and not live.

They are read as if they were live, so what is wrong with one is told before anything is tried, at its place in the
request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.actions.campaign_checks import check_fit
from app.domain.campaign_document import CampaignInvalid, read_campaign
from app.domain.campaigns import Campaign
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.program import Program, ProgramInvalid
from app.domain.program_versions import VersionNotFound
from app.models.campaigns import Campaign as CampaignTable
from app.models.program import ProgramVersion


class DraftNotFound(LoyaltyError):
    code = "draft_not_found"
    kind = ErrorKind.UNPROCESSABLE
    title = "A campaign to be tried is not there"

    def __init__(self) -> None:
        super().__init__(
            "A campaign is named without a `document` that is not stored. Send its `document` along, or store it first."
        )


class DraftRepeated(LoyaltyError):
    code = "draft_repeated"
    kind = ErrorKind.UNPROCESSABLE
    title = "A campaign is there twice"

    def __init__(self) -> None:
        super().__init__("Name each campaign to be tried once.")


class DraftCampaign(NamedTuple):
    """A campaign to be tried: its document, and the version it is stored as (0: it is not)."""

    campaign: str
    document: Mapping[str, Any]
    version: int = 0

    def read(self, since: datetime) -> Campaign:
        """The campaign as if it were live, a recurrence without a beginning counted from then.

        Raises CampaignInvalid.
        """
        return read_campaign(
            self.campaign, self.document, version=self.version, state="live", created_at=since
        )


class DraftProgram(NamedTuple):
    """A program to be tried: its document, and the version it is stored as (0: it is not)."""

    document: Mapping[str, Any]
    version: int = 0

    def read(self) -> Program:
        """The program under its number."""
        return Program.from_document(self.version, self.document)


def check_campaign(draft: DraftCampaign, *, pointer: str) -> None:
    """Raise CampaignInvalid, with the places under `pointer`, unless the campaign could be live."""
    try:
        check_fit(draft.read(datetime.now(UTC)), ZoneInfo("UTC"))
    except CampaignInvalid as error:
        raise error.under(pointer) from None


class Wanted(NamedTuple):
    """What a request asks to be tried: campaigns, each with its document or None for the stored one, and a program by
    its document or its version.
    """

    campaigns: Sequence[tuple[str, Mapping[str, Any] | None]] = ()
    document: Mapping[str, Any] | None = None
    version: int | None = None


async def read_drafts(
    connection: AsyncConnection, wanted: Wanted
) -> tuple[tuple[DraftCampaign, ...], DraftProgram | None]:
    """The drafts a request names, found fit to be tried.

    Raises DraftNotFound, VersionNotFound, DraftRepeated; CampaignInvalid and ProgramInvalid with places in the request.
    """
    if len({campaign for campaign, _ in wanted.campaigns}) < len(wanted.campaigns):
        raise DraftRepeated
    stored = await _stored(connection, (code for code, document in wanted.campaigns if document is None))
    campaigns: list[DraftCampaign] = []
    for number, (code, document) in enumerate(wanted.campaigns):
        draft = stored[code] if document is None else DraftCampaign(code, document)
        check_campaign(draft, pointer=f"/campaigns/{number}/document")
        campaigns.append(draft)
    return tuple(campaigns), await _read_program(connection, wanted)


async def _stored(connection: AsyncConnection, codes: Iterable[str]) -> dict[str, DraftCampaign]:
    named = set(codes)
    if not named:
        return {}
    rows = await connection.execute(
        select(CampaignTable.campaign, CampaignTable.document, CampaignTable.version).where(
            CampaignTable.campaign.in_(named)
        )
    )
    found = {row.campaign: DraftCampaign._make(row) for row in rows}
    if found.keys() < named:
        raise DraftNotFound
    return found


async def _read_program(connection: AsyncConnection, wanted: Wanted) -> DraftProgram | None:
    if wanted.document is not None:
        try:
            Program.from_document(0, wanted.document)
        except ProgramInvalid as error:
            raise error.under("/program/document") from None
        return DraftProgram(wanted.document)
    if wanted.version is None:
        return None
    document = await connection.scalar(
        select(ProgramVersion.document).where(ProgramVersion.version == wanted.version)
    )
    if document is None:
        raise VersionNotFound
    return DraftProgram(document, wanted.version)
