"""Every operation against all who may not call it, from the document, so that no new one is forgotten.

Each is called by a request that it would carry out. Whoever may not is refused as the document says, nothing is written
meanwhile, and then the same request goes well for whoever may: it was the caller alone that was refused.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import httpx
import jwt
import pytest
from sqlalchemy import update

from app.actions.keys import create_key_locally
from app.database import Database
from app.models.api_keys import ApiKey
from app.security.callers import ADMIN_SCOPE, SCOPES
from app.security.keys import mint_key
from tests.contract.operations import Operation, document, operations
from tests.contract.shop import Call, Shop, new_id
from tests.contract.state import contents
from tests.tokens import Issuer

PUBLIC = {"get_health", "get_readiness", "get_metrics", "get_program", "get_program_schema"}
"""What anybody may call; whoever adds to it has thought about it."""

LOOKS_CLOSER = {"run_batch"}
"""What any key may call, and which asks for a scope inside; whoever adds to it has written a test for it."""

ASKS_FOR_MORE = {
    "simulate": ["members:read", "points:read"],  # it tells of a real member
    "create_key": ["members:read", "points:write"],  # nobody gives what they don't hold
    "revoke_key": ["tiers:read"],
}
"""What a call needs besides the operation's own scope, because of what it names."""

Caller = Callable[..., httpx.AsyncClient]
OPERATIONS = operations(sandbox=True)
guarded = pytest.mark.parametrize(
    "operation", [pytest.param(each, id=each.name) for each in OPERATIONS if not each.is_public]
)


class Keys(NamedTuple):
    """Credentials of the database: keys by the one scope they hold, keys by all of theirs, and one that was revoked."""

    by_scope: dict[str, str]
    by_scopes: dict[frozenset[str], str]
    revoked: str


@pytest.fixture(scope="module")
def keys(sandbox_url: str) -> Keys:
    """Made once for all of the file."""
    needed = {_all_but(each) for each in OPERATIONS} | {_enough(each) for each in OPERATIONS}

    async def make() -> Keys:
        database = Database(sandbox_url)

        async def key(scopes: Iterable[str]) -> str:
            return (await create_key_locally(database, name="doors", scopes=sorted(scopes))).key

        by_scope = {scope: await key([scope]) for scope in SCOPES}
        by_scopes = {scopes: await key(scopes) for scopes in needed}
        revoked = await create_key_locally(database, name="revoked", scopes=[ADMIN_SCOPE])
        async with database.transaction() as connection:
            await connection.execute(
                update(ApiKey)
                .where(ApiKey.key_id == revoked.row.key_id)
                .values(revoked_at=revoked.row.created_at)
            )
        await database.dispose()
        return Keys(by_scope, by_scopes, revoked.key)

    return asyncio.run(make())


def _all_but(operation: Operation) -> frozenset[str]:
    return frozenset(SCOPES.keys() - {ADMIN_SCOPE, *operation.scopes})


def _enough(operation: Operation) -> frozenset[str]:
    return frozenset([*(operation.scopes or [ADMIN_SCOPE]), *ASKS_FOR_MORE.get(operation.name, [])])


def test_only_these_are_public() -> None:
    assert {each.name for each in OPERATIONS if each.is_public} == PUBLIC


def test_only_these_take_any_key() -> None:
    assert {each.name for each in OPERATIONS if not each.is_public and not each.scopes} == LOOKS_CLOSER


async def ask(
    client: httpx.AsyncClient, authorization: str | bytes | None, operation: Operation, call: Call
) -> httpx.Response:
    headers: dict[str, Any] = {} if authorization is None else {"Authorization": authorization}
    if operation.takes_key:
        headers["Idempotency-Key"] = new_id("k")
    return await client.request(call.method, call.path, json=call.body, headers=headers)


def told(operation: Operation, answer: httpx.Response) -> tuple[int, str]:
    """How a refusal ended; asserts that it is a problem which the document lists."""
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert problem["code"] in operation.codes(answer.status_code)
    assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
    return answer.status_code, problem["code"]


# --- who may not -----------------------------------------------------------------------------------------

MISSING, INVALID = (401, "credential_missing"), (401, "credential_invalid")


def not_credentials() -> Iterator[tuple[str, str | bytes | None, tuple[int, str]]]:
    """Headers that no issuer had a hand in."""
    made = mint_key().key
    yield "nothing", None, MISSING
    yield "an empty header", "", MISSING
    yield "a scheme alone", "Bearer", MISSING
    yield "a scheme and blanks", "Bearer   ", MISSING
    yield "another scheme", "Basic dTpw", MISSING
    yield "a key without scheme", made, MISSING
    yield "a key of another service", f"Bearer {made}", INVALID
    yield "text", "Bearer x", INVALID
    yield "two credentials", f"Bearer {made} {made}", INVALID
    yield "a comma", f"Bearer {made}, Bearer {made}", INVALID
    yield "bytes", b"Bearer \xff\xfe", INVALID
    yield "length", f"Bearer {'x' * 8193}", INVALID
    yield "points", "Bearer ..", INVALID
    yield "a token of text", "Bearer a.b.c", INVALID
    yield "a token of JSON that nests", f"Bearer {_part(b'[' * 2000)}.{_part({})}.x", INVALID


def altered_keys(key: str) -> Iterator[tuple[str, str, tuple[int, str]]]:
    """Keys that only look like `key`."""
    head, _, secret = key.rpartition("_")
    yield "a known id with another secret", f"Bearer {head}_{mint_key().key.rpartition('_')[2]}", INVALID
    yield "a secret cut short", f"Bearer {key[:-1]}", INVALID
    yield "a secret too long", f"Bearer {key}0", INVALID
    yield "another case", f"Bearer {head}_{secret.swapcase()}", INVALID
    yield "the id alone", f"Bearer {head}", INVALID


def foreign_tokens(issuer: Issuer, member_id: str) -> Iterator[tuple[str, str, tuple[int, str]]]:
    """Tokens that name the right member and aren't the issuer's of this service, or not as it made them."""
    ours = issuer.token(member_id)
    head, claims, signature = ours.split(".")
    lasting: dict[str, Any] = {"sub": member_id, "exp": int(time.time()) + 300}
    yield "of another issuer", Issuer(kid=issuer.kid).token(member_id), INVALID
    yield "of another algorithm", Issuer("RS256", kid=issuer.kid).token(member_id), INVALID
    yield "signed by nobody", f"{_part({'alg': 'none', 'kid': issuer.kid})}.{_part(lasting)}.", INVALID
    yield "alg none, signed", f"{_part({'alg': 'none', 'kid': issuer.kid})}.{claims}.{signature}", INVALID
    yield "the public key for a secret", _hmac_signed(lasting, issuer.public_pem, kid=issuer.kid), INVALID
    yield "without signature", f"{head}.{claims}.", INVALID
    yield "of other claims", f"{head}.{_part(lasting | {'admin': True})}.{signature}", INVALID
    yield "of another member's signature", f"{head}.{claims}.{issuer.token('u').split('.')[2]}", INVALID
    yield "that never expires", issuer.token(member_id, exp=None), INVALID
    yield "of nobody", issuer.token(member_id, sub=None), INVALID
    yield "of a member with a blank", issuer.token(f"{member_id} "), INVALID
    yield "not valid yet", issuer.token(member_id, nbf=time.time() + 300), INVALID
    yield "expired", issuer.token(member_id, lasts_seconds=-5), (401, "token_expired")


def _part(content: Any) -> str:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _hmac_signed(claims: dict[str, Any], secret: str, *, kid: str) -> str:
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{_part(claims)}"
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return f"{signed}.{_part(algorithm.sign(signed.encode(), secret.encode()))}"


@guarded
async def test_whoever_may_not_call_it_is_refused_and_whoever_may_is_not(
    operation: Operation, shop: Shop, caller: Caller, issuer: Issuer, keys: Keys, sandbox_url: str
) -> None:
    call, client = await shop.call(operation), caller(None)
    member_id = call.values.get("member_id", "u-1")
    before = await contents(sandbox_url)

    for name, authorization, expected in not_credentials():
        answer = await ask(client, authorization, operation, call)
        assert told(operation, answer) == expected, name
    for name, authorization, expected in altered_keys(keys.by_scope[ADMIN_SCOPE]):
        answer = await ask(client, authorization, operation, call)
        assert told(operation, answer) == expected, name
    answer = await ask(client, f"Bearer {keys.revoked}", operation, call)
    assert told(operation, answer) == (401, "key_revoked")

    for name, token, expected in foreign_tokens(issuer, member_id):
        answer = await ask(client, f"Bearer {token}", operation, call)
        assert (answer.status_code, answer.json()["code"]) == expected, name
    others = (403, "not_your_member" if operation.is_for_members else "not_for_members")
    for other in (f"{member_id}-other", member_id[:-1] or "u", member_id.upper()):
        answer = await ask(client, f"Bearer {issuer.token(other)}", operation, call)
        assert told(operation, answer) == others, other
    own = f"Bearer {issuer.token(member_id)}"
    if not operation.is_for_members:
        assert told(operation, await ask(client, own, operation, call)) == (403, "not_for_members")

    if operation.scopes:
        for scope in _all_but(operation):
            answer = await ask(client, f"Bearer {keys.by_scope[scope]}", operation, call)
            assert told(operation, answer) == (403, "scope_missing"), scope
            assert answer.json()["required_scope"] in operation.scopes
        answer = await ask(client, f"Bearer {keys.by_scopes[_all_but(operation)]}", operation, call)
        assert told(operation, answer) == (403, "scope_missing")
    assert await contents(sandbox_url) == before

    if operation.is_for_members:
        assert (await ask(client, own, operation, call)).is_success
        call = await shop.call(operation)
    answer = await ask(client, f"Bearer {keys.by_scopes[_enough(operation)]}", operation, call)
    assert answer.is_success, answer.text


OWN_CALLS = {
    "accrue": "accrue_points",
    "settle": "settle_accrual",
    "reverse": "reverse_accrual",
    "redeem": "redeem_points",
    "commit": "commit_redemption",
    "cancel": "cancel_redemption",
    "refund": "refund_redemption",
    "sign_in": "sign_in",
    "activity": "record_activity",
    "reverse_activity": "reverse_activity",
    "adjust": "adjust_points",
    "transfer": "transfer_points",
    "enrol": "enrol_member",
}
"""The call of its own that each operation of a batch stands for."""


async def test_each_operation_of_a_batch_asks_for_the_scope_of_its_own_call(
    caller: Caller, shop: Shop, keys: Keys, sandbox_url: str
) -> None:
    items = document(sandbox=True)["components"]["schemas"]["BatchRequest"]["properties"]["operations"][
        "items"
    ]
    assert set(items["discriminator"]["mapping"]) == set(OWN_CALLS)
    scope_of = {each.name: each.scopes for each in OPERATIONS}
    member_id = await shop.member({})
    body = {"operations": [{"op": kind, "member_id": member_id} for kind in OWN_CALLS]}
    for scope in SCOPES.keys() - {ADMIN_SCOPE}:
        before = await contents(sandbox_url)
        answer = await caller(f"Bearer {keys.by_scope[scope]}").post("/v1/batches", json=body)
        assert answer.status_code == 200
        for kind, result in zip(OWN_CALLS, answer.json()["results"], strict=True):
            (needed,) = scope_of[OWN_CALLS[kind]]
            is_refused = result["body"].get("code") == "scope_missing"
            assert is_refused == (scope != needed), (scope, kind)
            if is_refused:
                assert (result["status"], result["body"]["required_scope"]) == (403, needed)
        if all(result["status"] == 403 for result in answer.json()["results"]):
            assert await contents(sandbox_url) == before
