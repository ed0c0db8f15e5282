"""The program: the rules in force for everybody to read, and its versions for those who make them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncConnection

from app.actions.program import (
    LedgerBusy,
    compare,
    create_version_once,
    look_at_version,
    publish_version,
    read_program,
)
from app.domain.errors import IdempotencyKeyMissing, IdempotencyKeyReused
from app.domain.instants import rfc3339
from app.domain.program import Program, ProgramInvalid
from app.domain.program_diff import differences
from app.domain.program_versions import (
    EffectiveAtInPast,
    Publication,
    VersionNotFound,
    VersionPublished,
    VersionUnpublishable,
    announced,
    in_force,
)
from app.queries.program import (
    VersionRow,
    list_versions,
    read_now,
    read_programs,
    read_publications,
    read_version,
)
from app.routers import door
from app.routers.commands import claim_of, ledger_caller
from app.routers.dependencies import (
    INTEGER,
    CursorInvalid,
    Page,
    StrictQuery,
    clock_of,
    decode_cursor,
    encode_cursor,
    idempotency_key_of,
    required_idempotency_key_of,
)
from app.routers.document import REPLAYED_HEADER, problems
from app.routers.door import caller_of, public, require
from app.routers.errors import DatabaseUnavailable
from app.routers.etags import not_modified, tagged
from app.routers.repeats import once
from app.schemas.common import Listing
from app.schemas.program import (
    CompareRequest,
    CurrentProgram,
    LookRequest,
    ProgramComparison,
    ProgramFindings,
    ProgramVersion,
    ProgramVersionWithDocument,
    PublishRequest,
    Version,
    VersionRequest,
    comparison_answer,
    findings_answer,
    text_answer,
    version_answer,
)
from app.schemas.program_document import program_schema

router = door.router("program")

_ETAG, _IF_NONE_MATCH = tagged("state of the rules", example='"1.1"')


class CompareQuery(StrictQuery):
    """Which version to hold it against."""

    against: Version | None = None


# --- for everybody -----------------------------------------------------------------------------------------


@router.get(
    "/v1/program",
    operation_id="get_program",
    response_model=CurrentProgram,
    responses={
        200: {"headers": _ETAG},
        304: {"description": "It is as you know it.", "headers": _ETAG},
        **problems(DatabaseUnavailable),
    },
    openapi_extra={"parameters": [_IF_NONE_MATCH]},
)
@public
async def get_current(request: Request) -> Response:
    """Read the rules in force, and those announced, in data and as text in Chinese and English.

    Open to everybody, without a key: it is what an app shows its members.
    """
    async with request.app.state.database.engine.connect() as connection:
        now = await read_now(connection, clock_of(request))
        publications = await read_publications(connection)
        current, coming = in_force(publications, at=now), announced(publications, at=now)
        # Which are announced follows from these two: one more is published, or the next is in force.
        tag = f'"{current.version}.{publications[-1].publication}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if (known := not_modified(request, tag, headers)) is not None:
            return known
        versions = [current.version, *(each.version for each in coming)]
        rows = [row for row in [await read_version(connection, each.version) for each in coming] if row]
        programs = await read_programs(connection, versions)
    body = {
        "version": current.version,
        "effective_at": rfc3339(current.effective_at),
        **_in_words(programs[current.version]),
        "announced": [
            _announcement(row, programs[before], programs[row.version])
            for before, row in zip(versions, rows, strict=False)
        ],
    }
    return Response(to_json(body), media_type="application/json", headers=headers)


@lru_cache(maxsize=8)
def _in_words(program: Program) -> dict[str, Any]:
    return {"program": program.to_document(), "text": text_answer(program)}


def _announcement(row: VersionRow, before: Program, after: Program) -> dict[str, Any]:
    return {
        "version": row.version,
        "effective_at": rfc3339(row.effective_at),
        "published_at": rfc3339(row.published_at),
        "changes": _changes(before, after),
        "program": after.to_document(),
    }


@lru_cache(maxsize=8)
def _changes(before: Program, after: Program) -> dict[str, list[str]]:
    found = differences(before.to_document(), after.to_document())
    return {"zh": [each.zh for each in found], "en": [each.en for each in found]}


@router.get("/v1/program/schema", operation_id="get_program_schema")
@public
async def get_schema() -> dict[str, Any]:
    """Read the JSON Schema of the program document, for editors and for checks before it is sent.

    It is of draft 2020-12 and says the shape. What no schema can say, such as thresholds that must rise, drafting a
    version tells.
    """
    return program_schema()


# --- versions ----------------------------------------------------------------------------------------------


@router.get(
    "/v1/program/versions",
    operation_id="list_program_versions",
    response_model=Listing[ProgramVersion],
    responses=problems(CursorInvalid),
)
@require("program:read")
async def list_all(page: Page, request: Request) -> dict[str, Any]:
    """List versions of the program, newest first, drafts too."""
    before: int | None = None
    if page.cursor is not None:
        (before,) = decode_cursor(page.cursor, INTEGER)
    async with request.app.state.database.engine.connect() as connection:
        rows = await list_versions(connection, limit=page.limit + 1, before=before)
        answers = await _answers(connection, rows[: page.limit], request)
    more = len(rows) > page.limit
    return {"data": answers, "next_cursor": encode_cursor(rows[page.limit - 1].version) if more else None}


@router.post(
    "/v1/program/versions",
    status_code=201,
    operation_id="create_program_version",
    response_model=ProgramVersion,
    responses=problems(ProgramInvalid, IdempotencyKeyMissing, IdempotencyKeyReused),
)
@require("program:write")
async def create(body: VersionRequest, request: Request, response: Response) -> dict[str, Any]:
    """Draft a version of the program.

    The document is checked whole: every mistake is told with its place, and then nothing is stored. What a version says
    never changes; to correct a draft, draft another.
    """
    required_idempotency_key_of(request)
    document = body.document.root
    claim = claim_of(request, content=lambda: _hash(document, body.note))
    assert claim is not None, "every POST with a key makes one"
    try:
        row, was_made = await create_version_once(
            request.app.state.database,
            claim,
            document=document,
            note=body.note,
            actor=caller_of(request).actor,
            clock=clock_of(request),
        )
    except ProgramInvalid as error:
        raise error.under("/document") from None
    if was_made:
        response.headers[REPLAYED_HEADER] = "true"
    return version_answer(row, (), at=row.created_at)


@router.get(
    "/v1/program/versions/{version}",
    operation_id="get_program_version",
    response_model=ProgramVersionWithDocument,
    responses=problems(VersionNotFound),
)
@require("program:read")
async def get(version: Version, request: Request) -> dict[str, Any]:
    """Read a version of the program, with what it says."""
    async with request.app.state.database.engine.connect() as connection:
        row = await read_version(connection, version)
        if row is None:
            raise VersionNotFound
        (answer,) = await _answers(connection, [row], request)
        return {**answer, "document": (await read_program(connection, version)).to_document()}


@router.post(
    "/v1/program/versions/{version}/validate",
    operation_id="validate_program_version",
    response_model=ProgramFindings,
    responses=problems(VersionNotFound),
)
@require("program:read")
async def validate(
    version: Version,
    request: Request,
    body: LookRequest | None = None,  # noqa: ARG001 - no fields
) -> dict[str, Any]:
    """Look at what a version would mean before it is published. Nothing changes.

    Mistakes keep it from being published, such as a tier that is gone while members are in it. Warnings point out what
    members would lose against the rules in force, and coupon templates that don't exist.
    """
    idempotency_key_of(request)  # nothing is done, but a misshapen one is refused as everywhere
    async with request.app.state.database.engine.connect() as connection:
        return findings_answer(await look_at_version(connection, version, clock=clock_of(request)))


@router.get(
    "/v1/program/versions/{version}/diff",
    operation_id="get_program_version_diff",
    response_model=ProgramComparison,
    responses=problems(VersionNotFound),
)
@require("program:read")
async def get_diff(
    version: Version, query: Annotated[CompareQuery, Query()], request: Request
) -> dict[str, Any]:
    """Read what a version says otherwise than another, in data and in words.

    Without `against` it is held against the version in force.
    """
    return await _compared(version, query.against, request)


@router.post(
    "/v1/program/versions/{version}/diff",
    operation_id="diff_program_version",
    response_model=ProgramComparison,
    responses=problems(VersionNotFound),
)
@require("program:read")
async def diff(version: Version, request: Request, body: CompareRequest | None = None) -> dict[str, Any]:
    """Hold a version against another, as reading its diff does. Nothing changes."""
    idempotency_key_of(request)  # nothing is done, but a misshapen one is refused as everywhere
    return await _compared(version, None if body is None else body.against, request)


@router.post(
    "/v1/program/versions/{version}/publish",
    operation_id="publish_program_version",
    response_model=ProgramVersion,
    responses=problems(
        VersionNotFound,
        VersionPublished,
        VersionUnpublishable,
        EffectiveAtInPast,
        LedgerBusy,
        IdempotencyKeyReused,
    ),
)
@require("program:write")
async def publish(
    version: Version, request: Request, response: Response, body: PublishRequest | None = None
) -> dict[str, Any]:
    """Publish a version: announced at once, and in force from `effective_at`, or from now.

    All workers switch at that very moment. Published versions stay so: to change what was announced, publish another
    for the same moment, which then goes before it.
    """

    async def published() -> dict[str, Any]:
        done = await publish_version(
            request.app.state.database,
            version=version,
            effective_at=None if body is None else body.effective_at,
            caller=ledger_caller(request),
            clock=clock_of(request),
        )
        if done.was_published:
            response.headers[REPLAYED_HEADER] = "true"
        assert done.row.published_at is not None
        return version_answer(done.row, done.publications, at=done.row.published_at)

    return await once(request, response, body, published)


async def _answers(
    connection: AsyncConnection, rows: Sequence[VersionRow], request: Request
) -> list[dict[str, Any]]:
    now = await read_now(connection, clock_of(request))
    publications: list[Publication] = await read_publications(connection)
    return [version_answer(row, publications, at=now) for row in rows]


async def _compared(version: int, against: int | None, request: Request) -> dict[str, Any]:
    async with request.app.state.database.engine.connect() as connection:
        document = (await read_program(connection, version)).to_document()
        held, changes = await compare(connection, document, against=against, clock=clock_of(request))
    return comparison_answer(version, held, changes)


def _hash(document: dict[str, Any], note: str | None) -> bytes:
    return blake2b(json.dumps([document, note], sort_keys=True).encode(), digest_size=16).digest()
