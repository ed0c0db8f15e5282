"""Reading versions of the program."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.program import Program
from app.domain.program_versions import Publication
from app.models.coupons import CouponTemplate
from app.models.program import ProgramVersion


class VersionRow(NamedTuple):
    """A version without its document. What publishing sets is None for a draft."""

    version: int
    created_at: datetime
    actor: str | None
    note: str | None
    publication: int | None
    effective_at: datetime | None
    published_at: datetime | None
    published_by: str | None
    adopted_at: datetime | None


VERSION_COLUMNS = (
    ProgramVersion.version,
    ProgramVersion.created_at,
    ProgramVersion.actor,
    ProgramVersion.note,
    ProgramVersion.publication,
    ProgramVersion.effective_at,
    ProgramVersion.published_at,
    ProgramVersion.published_by,
    ProgramVersion.adopted_at,
)
"""The columns of a `VersionRow`, in order."""


async def read_now(connection: AsyncConnection, clock: str) -> datetime:
    """The program's clock; `clock` is its SQL."""
    return (await connection.execute(text(f"SELECT {clock}"))).scalar_one()


async def read_version(connection: AsyncConnection, version: int) -> VersionRow | None:
    """The version, None for an unknown one."""
    found = await connection.execute(select(*VERSION_COLUMNS).where(ProgramVersion.version == version))
    row = found.one_or_none()
    return None if row is None else VersionRow._make(row)


async def list_versions(connection: AsyncConnection, *, limit: int, before: int | None) -> list[VersionRow]:
    """Up to `limit` versions, newest first, those before the version `before`."""
    statement = select(*VERSION_COLUMNS).order_by(ProgramVersion.version.desc()).limit(limit)
    if before is not None:
        statement = statement.where(ProgramVersion.version < before)
    return [VersionRow._make(row) for row in await connection.execute(statement)]


async def read_publications(connection: AsyncConnection) -> list[Publication]:
    """Every published version, in the order they were published."""
    found = await connection.execute(
        select(ProgramVersion.version, ProgramVersion.publication, ProgramVersion.effective_at)
        .where(ProgramVersion.publication.is_not(None))
        .order_by(ProgramVersion.publication)
    )
    return [Publication._make(row) for row in found]


async def read_programs(connection: AsyncConnection, versions: Collection[int]) -> dict[int, Program]:
    """These versions as values."""
    documents = await read_documents(connection, versions)
    return {version: Program.from_document(version, document) for version, document in documents.items()}


async def read_documents(
    connection: AsyncConnection, versions: Collection[int]
) -> Mapping[int, dict[str, Any]]:
    """What these versions say, as it is stored: the order of its members is the database's."""
    found = await connection.execute(
        select(ProgramVersion.version, ProgramVersion.document).where(ProgramVersion.version.in_(versions))
    )
    return {row.version: row.document for row in found}


async def known_templates(connection: AsyncConnection, named: Iterable[str]) -> Sequence[str]:
    """Those of these coupon templates that there are."""
    found = await connection.execute(
        select(CouponTemplate.template).where(CouponTemplate.template.in_(list(named)))
    )
    return found.scalars().all()
