"""Every operation against all who may not call it, from the document, so that no new one is forgotten."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import update

from app.actions.keys import create_key_locally
from app.database import Database
from app.models.api_keys import ApiKey
from app.security.callers import ADMIN_SCOPE, SCOPES
from app.security.keys import mint_key
from tests.contract.operations import MEMBER, Operation, operations
from tests.tokens import Issuer

PUBLIC = {"get_health", "get_readiness", "get_metrics", "get_program", "get_program_schema"}
"""What anybody may call; whoever adds to it has thought about it."""

AsCaller = Callable[[str | None], httpx.AsyncClient]
guarded = pytest.mark.parametrize(
    "operation", [pytest.param(each, id=each.name) for each in operations() if not each.is_public]
)


async def refused(client: httpx.AsyncClient, operation: Operation, *, status: int, code: str) -> None:
    """Assert how the call ends, and that the document says so."""
    answer = await client.request(operation.method, operation.path, json=operation.body_naming_member)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert code in operation.said["responses"][str(status)]["content"]["application/problem+json"]["examples"]


def test_only_these_are_public() -> None:
    assert {each.name for each in operations() if each.is_public} == PUBLIC


@guarded
async def test_without_a_credential(operation: Operation, nobody: httpx.AsyncClient) -> None:
    await refused(nobody, operation, status=401, code="credential_missing")


@guarded
@pytest.mark.parametrize("credential", ["x", "a.b.c", mint_key().key], ids=["text", "token", "key"])
async def test_with_a_made_up_credential(operation: Operation, credential: str, as_caller: AsCaller) -> None:
    await refused(as_caller(credential), operation, status=401, code="credential_invalid")


@guarded
async def test_with_a_revoked_key(operation: Operation, as_caller: AsCaller, database: Database) -> None:
    made = await create_key_locally(database, name="revoked", scopes=[ADMIN_SCOPE])
    async with database.transaction() as connection:
        await connection.execute(
            update(ApiKey).where(ApiKey.key_id == made.row.key_id).values(revoked_at=made.row.created_at)
        )
    await refused(as_caller(made.key), operation, status=401, code="key_revoked")


@guarded
async def test_with_every_scope_but_its_own(
    operation: Operation, as_caller: AsCaller, database: Database
) -> None:
    if not operation.scopes:
        pytest.skip("any key may call it; it looks closer itself")
    others = [scope for scope in SCOPES if scope not in (ADMIN_SCOPE, *operation.scopes)]
    made = await create_key_locally(database, name="others", scopes=others)
    await refused(as_caller(made.key), operation, status=403, code="scope_missing")


@guarded
async def test_with_a_token_of_another_member(
    operation: Operation, as_caller: AsCaller, issuer: Issuer
) -> None:
    code = "not_your_member" if operation.is_for_members else "not_for_members"
    await refused(as_caller(issuer.token(f"{MEMBER}-other")), operation, status=403, code=code)


@guarded
async def test_with_an_expired_token(operation: Operation, as_caller: AsCaller, issuer: Issuer) -> None:
    answer = await as_caller(issuer.token(MEMBER, lasts_seconds=-5)).request(operation.method, operation.path)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")


@guarded
async def test_with_a_token_of_another_issuer(operation: Operation, as_caller: AsCaller) -> None:
    await refused(as_caller(Issuer().token(MEMBER)), operation, status=401, code="credential_invalid")
