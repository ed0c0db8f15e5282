"""API keys: `loy_<id>_<secret>`, the secret being 256 random bits in base62.

Only a hash is stored. The secret has the full entropy of the hash, so a fast keyed hash is right (argon2 is
for passwords, which can be guessed); the hash's key is a constant that separates it from other uses, not a
secret, so that a restored dump works without anything kept beside it.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import string
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from time import monotonic
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.security.callers import ALL_SCOPES, CredentialInvalid, KeyRevoked, Principal, spelled_out

TRUST_SECONDS = 1.0
"""How long a process believes what the database said of a key, counted from before it asked.

Revoking answers only after this has passed since its commit, so once it has answered no process of any
machine accepts the key any more.
"""

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LENGTH = 12
_SECRET_LENGTH = 43  # 62^43 > 2^256
_parse = re.compile(r"loy_([0-9A-Za-z]{12})_[0-9A-Za-z]{43}").fullmatch
_NONCE_BYTES = 12
_DOMAIN = b"loyalty-service/api-key/v1"


class MintedKey(NamedTuple):
    """A new key. `key` is shown once and never stored."""

    key_id: str
    key: str
    digest: bytes


class StoredKey(NamedTuple):
    """What the database knows of a key; `scopes` as they were granted."""

    key_id: str
    digest: bytes
    scopes: frozenset[str]
    is_revoked: bool


def digest_of(credential: str) -> bytes:
    """The 32 bytes stored for a credential, and compared."""
    return blake2b(credential.encode("utf-8", "surrogatepass"), key=_DOMAIN, digest_size=32).digest()


def mint_key() -> MintedKey:
    """A key nobody has had before."""
    key_id = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    key = f"loy_{key_id}_{secret}"
    return MintedKey(key_id=key_id, key=key, digest=digest_of(key))


def key_id_of(credential: str) -> str | None:
    """The id inside a credential of a key's shape, else None."""
    match = _parse(credential)
    return match.group(1) if match else None


def seal_key(key: str, *, credential: str, idempotency_key: str) -> bytes:
    """A new key, to be told again to whoever presents the same credential and `Idempotency-Key`.

    What it is encrypted under is not stored anywhere, so a dump of the database opens none.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _sealing(credential, idempotency_key).encrypt(nonce, key.encode(), None)


def unseal_key(sealed: bytes, *, credential: str, idempotency_key: str) -> str:
    """What `seal_key` was given."""
    cipher = _sealing(credential, idempotency_key)
    return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()


def _sealing(credential: str, idempotency_key: str) -> AESGCM:
    hkdf = HKDF(
        algorithm=SHA256(), length=32, salt=idempotency_key.encode(), info=b"loyalty-service/replay/v1"
    )
    return AESGCM(hkdf.derive(credential.encode()))


class _Asked(NamedTuple):
    at: float
    answer: asyncio.Task[Principal]


class KeyVerifier:
    """Tells whose key a credential is. Raises `CredentialInvalid` or `KeyRevoked`.

    `lookup` reads one stored key by its id, from committed data.
    """

    def __init__(
        self, *, lookup: Callable[[str], Awaitable[StoredKey | None]], bootstrap_key: str | None = None
    ) -> None:
        self._lookup = lookup
        self._bootstrap_digest = digest_of(bootstrap_key) if bootstrap_key else None
        self._asked: dict[bytes, _Asked] = {}

    def is_bootstrap(self, credential: str) -> bool:
        """Whether this is the key of LOYALTY_BOOTSTRAP_KEY, whatever its shape."""
        return self._bootstrap_digest is not None and hmac.compare_digest(
            digest_of(credential), self._bootstrap_digest
        )

    async def verify(self, credential: str) -> tuple[Principal, float]:
        """The caller, and the `time.monotonic()` until which that may be believed."""
        if self.is_bootstrap(credential):
            return Principal(actor="bootstrap", scopes=ALL_SCOPES), float("inf")
        key_id = key_id_of(credential)
        if key_id is None:
            raise CredentialInvalid
        digest = digest_of(credential)
        now = monotonic()
        asked = self._asked.get(digest)
        # One question serves all who come while it is under way; one asked too long ago may have been
        # answered from before a revocation that has been confirmed since, so a late comer asks again.
        if asked is None or now >= asked.at + TRUST_SECONDS:
            asked = _Asked(now, asyncio.create_task(self._ask(key_id=key_id, digest=digest)))
            self._asked[digest] = asked
            asked.answer.add_done_callback(lambda task: self._forget(digest, task))
        return await asyncio.shield(asked.answer), asked.at + TRUST_SECONDS

    async def _ask(self, *, key_id: str, digest: bytes) -> Principal:
        stored = await self._lookup(key_id)
        if stored is None or not hmac.compare_digest(digest, stored.digest):
            raise CredentialInvalid
        if stored.is_revoked:
            raise KeyRevoked
        return Principal(actor=f"key:{stored.key_id}", scopes=spelled_out(stored.scopes))

    def _forget(self, digest: bytes, task: asyncio.Task[Principal]) -> None:
        asked = self._asked.get(digest)
        if asked is not None and asked.answer is task:
            del self._asked[digest]
        if not task.cancelled():
            task.exception()  # taken note of, also when whoever asked has gone
