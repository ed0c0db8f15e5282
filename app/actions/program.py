"""Versions of the program: drafted, looked at, and published with a date.

Publishing makes it impossible that a batch decides by the old version at a moment of the new one. It waits for the
batches under way and lets new ones wait, as the sandbox's clock does, then reads the clock: every batch before has read
an earlier time, and every batch after is told that there is one publication more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.actions.shop_events import tell
from app.database import Database
from app.domain.document import Mistake
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.instants import rfc3339
from app.domain.posting import Caller
from app.domain.program import Program, ProgramInvalid
from app.domain.program_diff import Difference, differences
from app.domain.program_versions import (
    EffectiveAtInPast,
    Publication,
    VersionNotFound,
    VersionPublished,
    VersionUnpublishable,
    in_force,
)
from app.domain.program_warnings import Warning as ProgramWarning
from app.domain.program_warnings import obstacles, templates_of, warnings
from app.ledger.claims import Claim, claim_keys, keep_answers
from app.ledger.outcome import Outcome
from app.models.program import ProgramVersion
from app.queries.program import (
    VERSION_COLUMNS,
    VersionRow,
    known_templates,
    read_now,
    read_programs,
    read_publications,
    read_version,
)

if TYPE_CHECKING:
    from app.ledger.connection import Connection

PUBLISHED = "program_published"
"""The kind of the event that tells of a publication: `subject` is the version."""


PATIENCE_SECONDS = 3
"""How long to wait for commands under way, since new ones wait meanwhile. A batch takes a tenth of that."""

_LOCK_NOT_AVAILABLE = "55P03"


class LedgerBusy(LoyaltyError):
    code = "ledger_busy"
    kind = ErrorKind.OVERLOADED
    title = "The ledger can't be stopped for a moment"

    def __init__(self) -> None:
        super().__init__(
            "Something works on the accounts for longer than purchases should wait for. Nothing was changed: send the "
            "same request again shortly."
        )


class Published(NamedTuple):
    """A published version, all publications up to its own, and whether it had been published before."""

    row: VersionRow
    publications: list[Publication]
    was_published: bool


class Applied(NamedTuple):
    """The version that says what a document says, and what that changes; `is_new` if it was published now."""

    version: int
    effective_at: datetime
    changes: list[Difference]
    is_new: bool


class Findings(NamedTuple):
    """What a look at a document found: `mistakes` keep it from being published, `warnings` don't."""

    mistakes: tuple[Mistake, ...]
    warnings: list[ProgramWarning]


# --- drafts ------------------------------------------------------------------------------------------------


async def create_version(
    database: Database,
    *,
    document: Mapping[str, Any],
    note: str | None,
    actor: str,
    clock: str,
) -> VersionRow:
    """Store a document as the next version, a draft. Raises ProgramInvalid, having stored nothing."""
    program = Program.from_document(0, document)
    async with database.transaction() as connection:
        now = await read_now(connection, clock)
        return await _insert_version(connection, program, note=note, actor=actor, now=now)


async def create_version_once(
    database: Database,
    claim: Claim,
    *,
    document: Mapping[str, Any],
    note: str | None,
    actor: str,
    clock: str,
) -> tuple[VersionRow, bool]:
    """As `create_version`, once for the same `Idempotency-Key`; returns the draft as it was made, and whether it was
    made before. Raises ProgramInvalid or IdempotencyKeyReused.
    """
    program = Program.from_document(0, document)
    async with database.transaction() as connection:
        now = await read_now(connection, clock)  # begins the transaction, which the driver by itself does not
        driver = await _driver(connection)
        claimed = (await claim_keys(driver, [claim]))[claim.key]
        kept = claimed.outcome_for(claim)
        if kept is not None:
            found = await read_version(connection, kept.body["version"])
            assert found is not None, "versions are never deleted"
            return _as_drafted(found), True
        row = await _insert_version(connection, program, note=note, actor=actor, now=now)
        claimed.outcome = Outcome(created=True, body={"version": row.version})
        await keep_answers(driver, [claimed])
        return row, False


async def _insert_version(
    connection: AsyncConnection, program: Program, *, note: str | None, actor: str, now: datetime
) -> VersionRow:
    document = program.to_document()
    while True:
        newest = await connection.scalar(select(func.max(ProgramVersion.version))) or 0
        made = await connection.execute(
            insert(ProgramVersion)
            .values(version=newest + 1, document=document, created_at=now, actor=actor, note=note)
            .on_conflict_do_nothing()  # somebody else drafted that one meanwhile
            .returning(*VERSION_COLUMNS)
        )
        row = made.one_or_none()
        if row is not None:
            return VersionRow._make(row)


def _as_drafted(row: VersionRow) -> VersionRow:
    """The row as it was before whatever became of it."""
    return row._replace(
        publication=None, effective_at=None, published_at=None, published_by=None, adopted_at=None
    )


async def _driver(connection: AsyncConnection) -> Connection:
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None, "the pool gives connections that are open"
    return driver


# --- looking at them ---------------------------------------------------------------------------------------


async def look_at(connection: AsyncConnection, document: Mapping[str, Any], *, clock: str) -> Findings:
    """What is wrong with a document, and what members would lose if it followed what is in force."""
    try:
        program = Program.from_document(0, document)
    except ProgramInvalid as error:
        return Findings(error.mistakes, [])
    publications = await read_publications(connection)
    now = in_force(publications, at=await read_now(connection, clock))
    published = await read_programs(connection, [each.version for each in publications])
    templates = await known_templates(connection, templates_of(program))
    return Findings(
        obstacles(program, published=published.values()),
        warnings(published[now.version], program, templates=templates),
    )


async def look_at_version(connection: AsyncConnection, version: int, *, clock: str) -> Findings:
    """As `look_at`, of a version. Raises VersionNotFound."""
    return await look_at(connection, (await read_program(connection, version)).to_document(), clock=clock)


async def compare(
    connection: AsyncConnection, document: Mapping[str, Any], *, against: int | None, clock: str
) -> tuple[int, list[Difference]]:
    """What a document says otherwise than the version `against`, or than the one in force, which is told.

    Raises VersionNotFound or ProgramInvalid.
    """
    after = Program.from_document(0, document)
    before = (
        await read_in_force(connection, clock=clock)
        if against is None
        else await read_program(connection, against)
    )
    return before.version, differences(before.to_document(), after.to_document())


async def read_in_force(connection: AsyncConnection, *, clock: str) -> Program:
    """The version in force, as a value."""
    publications = await read_publications(connection)
    current = in_force(publications, at=await read_now(connection, clock))
    return await read_program(connection, current.version)


async def read_program(connection: AsyncConnection, version: int) -> Program:
    """A version as a value. Raises VersionNotFound."""
    found = await read_programs(connection, [version])
    if version not in found:
        raise VersionNotFound
    return found[version]


# --- publishing --------------------------------------------------------------------------------------------


async def publish_version(
    database: Database, *, version: int, effective_at: datetime | None, caller: Caller, clock: str
) -> Published:
    """Put a version in force from a moment on, or from now.

    Raises VersionNotFound, VersionPublished, EffectiveAtInPast, VersionUnpublishable or LedgerBusy, having changed
    nothing.
    """
    async with database.transaction() as connection:
        now = await _stop_the_ledger(connection, clock)
        row = await read_version(connection, version)
        if row is None:
            raise VersionNotFound
        publications = await read_publications(connection)
        if row.publication is not None:
            return _published_before(row, publications, effective_at)
        return await _publish(
            connection, version, publications, effective_at=effective_at, now=now, caller=caller
        )


async def apply_document(
    database: Database,
    *,
    document: Mapping[str, Any],
    effective_at: datetime | None,
    note: str | None,
    caller: Caller,
    clock: str,
) -> Applied:
    """Draft and publish a document at once, unless it is what will be in force at that moment anyway.

    Raises ProgramInvalid, EffectiveAtInPast, VersionUnpublishable or LedgerBusy, having changed nothing.
    """
    program = Program.from_document(0, document)
    async with database.transaction() as connection:
        now = await _stop_the_ledger(connection, clock)
        if effective_at is not None and effective_at < now:
            raise EffectiveAtInPast(now=now)
        publications = await read_publications(connection)
        before = in_force(publications, at=effective_at or now)
        changes = differences(
            (await read_program(connection, before.version)).to_document(), program.to_document()
        )
        if not changes:
            return Applied(before.version, before.effective_at, [], is_new=False)
        row = await _insert_version(connection, program, note=note, actor=caller.actor, now=now)
        await _publish(
            connection, row.version, publications, effective_at=effective_at, now=now, caller=caller
        )
    return Applied(row.version, effective_at or now, changes, is_new=True)


async def _stop_the_ledger(connection: AsyncConnection, clock: str) -> datetime:
    """Let commands under way end and new ones wait until the transaction ends, so that none that is decided after the
    clock is read here doesn't know what is published in it; returns what the clock says. Raises LedgerBusy.
    """
    await connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'"))
    try:
        await connection.execute(text("LOCK TABLE account IN EXCLUSIVE MODE"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise LedgerBusy from None
        raise
    return await read_now(connection, clock)


async def _publish(
    connection: AsyncConnection,
    version: int,
    publications: list[Publication],
    *,
    effective_at: datetime | None,
    now: datetime,
    caller: Caller,
) -> Published:
    if effective_at is not None and effective_at < now:
        raise EffectiveAtInPast(now=now)
    await _check_publishable(connection, version, (each.version for each in publications))
    publication = max(each.publication for each in publications) + 1
    begins_at = effective_at or now
    changed = await connection.execute(
        update(ProgramVersion)
        .where(ProgramVersion.version == version)
        .values(publication=publication, effective_at=begins_at, published_at=now, published_by=caller.actor)
        .returning(*VERSION_COLUMNS)
    )
    row = VersionRow._make(changed.one())
    detail = {"version": version, "effective_at": rfc3339(begins_at), "note": row.note}
    await tell(connection, kind=PUBLISHED, subject=str(version), detail=detail, now=now, caller=caller)
    return Published(row, [*publications, Publication(version, publication, begins_at)], False)


def _published_before(
    row: VersionRow, publications: Iterable[Publication], effective_at: datetime | None
) -> Published:
    """A repeat, answered as the first time. Raises VersionPublished if another moment is asked for."""
    assert row.publication is not None
    assert row.effective_at is not None
    if (effective_at or row.published_at) != row.effective_at:
        raise VersionPublished(effective_at=row.effective_at)
    then = [each for each in publications if each.publication <= row.publication]
    return Published(row._replace(adopted_at=None), then, True)


async def _check_publishable(connection: AsyncConnection, version: int, published: Iterable[int]) -> None:
    programs = await read_programs(connection, [version, *published])
    program = programs.pop(version)
    mistakes = obstacles(program, published=programs.values())
    if mistakes:
        raise VersionUnpublishable(mistakes)
