"""Members' tokens: which are accepted, and how the keys that verify them are read."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.config import Settings, SettingsError
from app.security.callers import CredentialInvalid, TokenExpired, TokenKeysUnavailable
from app.security.tokens import JwksKeys, MemberTokens, PublicKey, member_tokens
from tests.pace import until
from tests.tokens import Issuer


def tokens(issuer: Issuer) -> MemberTokens:
    return MemberTokens(PublicKey(issuer.public_pem))


def part(content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_good_token_is_its_member(algorithm: str) -> None:
    issuer, began = Issuer(algorithm), time.monotonic()
    principal, trusted_until = await tokens(issuer).verify(
        issuer.token("u-1", aud="app", iat=time.time() + 5)
    )
    assert (principal.actor, principal.member_id, principal.scopes) == ("member:u-1", "u-1", frozenset())
    assert began + 50 < trusted_until <= time.monotonic() + 60


async def test_a_token_is_not_believed_past_its_expiry() -> None:
    issuer = Issuer()
    _, trusted_until = await tokens(issuer).verify(issuer.token("u-1", lasts_seconds=30))
    assert trusted_until <= time.monotonic() + 30


async def test_a_token_that_never_ends_is_looked_at_again_all_the_same() -> None:
    issuer = Issuer()
    _, trusted_until = await tokens(issuer).verify(issuer.token("u-1", exp=10**400))
    assert trusted_until <= time.monotonic() + 60


async def test_an_expired_token_is_told_so() -> None:
    issuer = Issuer()
    with pytest.raises(TokenExpired):
        await tokens(issuer).verify(issuer.token("u-1", lasts_seconds=-1))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"sub": None},
        {"sub": 7},
        {"sub": ""},
        {"sub": "a b"},
        {"sub": "u-1\n"},
        {"nbf": 4_102_444_800},  # 2100
    ],
)
async def test_a_token_without_what_is_needed_is_refused(claims: dict[str, Any]) -> None:
    issuer = Issuer()
    with pytest.raises(CredentialInvalid):
        await tokens(issuer).verify(issuer.token("u-1", **claims))


async def test_a_token_of_another_issuer_is_refused() -> None:
    with pytest.raises(CredentialInvalid):
        await tokens(Issuer()).verify(Issuer().token("u-1"))


async def test_another_algorithm_is_refused() -> None:
    issuer = Issuer("RS256")
    content = {"sub": "u-1", "exp": time.time() + 60}
    unsigned = jwt.encode(content, None, algorithm="none")
    # The public key taken for a shared secret; made by hand, since the library refuses to.
    head, body = part({"alg": "HS256", "typ": "JWT"}), part(content)
    mac = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), b"x" * 32)
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    for_another_key = Issuer("ES256").token("u-1")
    stronger = jwt.encode(content, issuer.key, algorithm="RS512")
    for token in (unsigned, forged, for_another_key, stronger):
        with pytest.raises(CredentialInvalid):
            await tokens(issuer).verify(token)


@pytest.mark.parametrize(
    "payload",
    [
        '{"sub": "u-1", "exp": 1e400}',
        '{"sub": "u-1", "exp": NaN}',
        f'{{"sub": "u-1", "exp": {"9" * 5000}}}',
        '{"sub": "u-1", "exp": "soon"}',
        '{"sub": "\\ud800", "exp": 99999999999}',
        "[" * 3000,
        "[]",
        "null",
        "\x00",
    ],
)
async def test_a_signed_payload_of_any_nonsense_is_refused(payload: str) -> None:
    issuer = Issuer()
    head = part({"alg": "ES256", "kid": "a"})
    signature = jwt.get_algorithm_by_name("ES256").sign(f"{head}.{part(payload)}".encode(), issuer.key)
    with pytest.raises(CredentialInvalid):
        await tokens(issuer).verify(
            f"{head}.{part(payload)}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        )


@pytest.mark.parametrize(
    "head",
    [
        {"alg": "ES256", "kid": 7},
        {"alg": "ES256", "crit": ["x"]},
        {"alg": ["ES256"]},
        {"alg": "EdDSA"},
        {},
        [],
        "[" * 3000,
        '{"alg": "ES256", "b64": false}',
        "\x00",
    ],
)
async def test_a_strange_header_is_refused(head: object) -> None:
    with pytest.raises(CredentialInvalid):
        await tokens(Issuer()).verify(f"{part(head)}.{part({'sub': 'u-1'})}.AAAA")


@pytest.mark.parametrize("token", ["..", "a.b.c", "é.é.é", "....", " . . "])
async def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(CredentialInvalid):
        await tokens(Issuer()).verify(token)


# --- the key ---------------------------------------------------------------------------------------------


async def test_the_public_key_may_be_a_file_or_have_its_lines_escaped(tmp_path: Path) -> None:
    issuer = Issuer()
    path = tmp_path / "key.pem"
    path.write_text(issuer.public_pem)
    for given in (str(path), issuer.public_pem.replace("\n", "\\n")):
        principal, _ = await MemberTokens(PublicKey(given)).verify(issuer.token("u-1"))
        assert principal.member_id == "u-1"


def test_an_unusable_public_key_is_told_in_a_sentence(tmp_path: Path) -> None:
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key()
    wrong_curve = p384.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for given in (
        str(tmp_path / "absent.pem"),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n",
        "x" * 5000,
        wrong_curve,
        "\0",
    ):
        with pytest.raises(SettingsError, match=r"^LOYALTY_JWT_PUBLIC_KEY .*\.$"):
            PublicKey(given)


def test_the_settings_say_whether_tokens_are_accepted() -> None:
    assert member_tokens(Settings()) is None
    assert member_tokens(Settings(jwt_public_key=Issuer().public_pem)) is not None
    assert member_tokens(Settings(jwt_jwks_url="https://issuer.example/keys")) is not None


# --- the key set -----------------------------------------------------------------------------------------


class KeySet:
    """Stands in for the network: what the URL answers, and how often it was asked."""

    def __init__(self, *issuers: Issuer) -> None:
        self.issuers = list(issuers)
        self.asked = 0
        self.is_down = False

    def get_signing_keys(self) -> list[jwt.PyJWK]:
        self.asked += 1
        if self.is_down:
            raise jwt.PyJWKClientConnectionError("unreachable")
        return [jwt.PyJWK(issuer.jwk) for issuer in self.issuers]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock, set by its one item."""
    clock = [1000.0]
    monkeypatch.setattr("app.security.tokens.monotonic", lambda: clock[0])
    return clock


def over(key_set: KeySet) -> MemberTokens:
    keys = JwksKeys("https://issuer.example/keys")
    keys._client = key_set  # type: ignore[assignment]
    return MemberTokens(keys)


async def test_the_key_set_is_read_once_for_many(now: list[float]) -> None:
    issuer = Issuer()
    key_set = KeySet(issuer)
    accepted = over(key_set)
    await asyncio.gather(*(accepted.verify(issuer.token("u-1")) for _ in range(20)))
    assert key_set.asked == 1


async def test_a_rotated_key_is_found(now: list[float]) -> None:
    old, new = Issuer(kid="old"), Issuer("EdDSA", kid="new")
    key_set = KeySet(old)
    accepted = over(key_set)
    await accepted.verify(old.token("u-1"))
    key_set.issuers = [new]
    now[0] += 11
    await accepted.verify(new.token("u-1"))
    with pytest.raises(CredentialInvalid):
        await accepted.verify(old.token("u-1"))


async def test_unknown_keys_do_not_make_us_hammer_the_issuer(now: list[float]) -> None:
    known, unknown = Issuer(kid="known"), Issuer(kid="unknown")
    key_set = KeySet(known)
    accepted = over(key_set)
    for _ in range(50):
        with pytest.raises(CredentialInvalid):
            await accepted.verify(unknown.token("u-1"))
    assert key_set.asked == 1


async def test_an_unreachable_issuer_is_no_failure_of_ours(now: list[float]) -> None:
    issuer = Issuer()
    key_set = KeySet(issuer)
    key_set.is_down = True
    accepted = over(key_set)
    for _ in range(5):
        with pytest.raises(TokenKeysUnavailable):
            await accepted.verify(issuer.token("u-1"))
    assert key_set.asked == 1
    key_set.is_down = False
    now[0] += 11
    await accepted.verify(issuer.token("u-1"))


async def test_keys_read_before_serve_through_an_outage(now: list[float]) -> None:
    issuer = Issuer()
    key_set = KeySet(issuer)
    accepted = over(key_set)
    await accepted.verify(issuer.token("u-1"))
    key_set.is_down = True
    now[0] += 301
    await accepted.verify(issuer.token("u-1"))
    await until(lambda: key_set.asked == 2)  # they were old, so they are asked for in the background
    await accepted.verify(issuer.token("u-1"))


async def test_a_token_that_names_no_key_needs_there_to_be_but_one(now: list[float]) -> None:
    first, second = Issuer(kid="1"), Issuer(kid="2")
    content = {"sub": "u-1", "exp": time.time() + 60}
    token = jwt.encode(content, first.key, algorithm="ES256")
    await over(KeySet(first)).verify(token)
    with pytest.raises(CredentialInvalid):
        await over(KeySet(first, second)).verify(token)


async def test_the_key_set_is_read_over_http() -> None:
    issuer = Issuer("RS256")
    body = json.dumps(
        {"keys": [issuer.jwk, {"kty": "oct", "kid": "shared", "k": "AAAA"}, {"kty": "?"}]}
    ).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        accepted = MemberTokens(JwksKeys(f"http://127.0.0.1:{port}/keys"))
        assert (await accepted.verify(issuer.token("u-1")))[0].member_id == "u-1"
        shared = jwt.encode(
            {"sub": "u-1", "exp": time.time() + 60}, b"\0" * 32, "HS256", headers={"kid": "shared"}
        )
        with pytest.raises(CredentialInvalid):
            await accepted.verify(shared)
