"""Members' tokens: JWTs somebody else issues, verified against a public key or a JWKS.

RS256, ES256 and EdDSA only, so that neither `none` nor a public key taken for a shared secret can pass.
`exp` and `sub` are required, `sub` is the member id, `nbf` is kept. There is no setting for an audience or
an issuer: the keys given are to be those of the issuer of this shop's tokens alone.
"""

from __future__ import annotations

import asyncio
import binascii
import logging
import time
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.config import Settings, SettingsError
from app.domain.identifiers import is_identifier
from app.security.callers import CredentialInvalid, Principal, TokenExpired, TokenKeysUnavailable

ALGORITHMS = ("RS256", "ES256", "EdDSA")
TRUST_SECONDS = 60.0
"""A verified token is not verified again for this long: the longest a withdrawn signing key lingers once the
key set without it was read."""

JWKS_FRESH_SECONDS = 300.0
JWKS_COOLDOWN_SECONDS = 10.0
"""Between two readings of the key set, whoever asks: tokens that name unknown keys can't make us hammer
it."""
_JWKS_TIMEOUT_SECONDS = 5.0

_log = logging.getLogger(__name__)

# All that decoding text from anywhere may raise: PyJWT lets some of it through, such as OverflowError for an
# `exp` of 1e400 and RecursionError for a payload nested deeply.
_UNREADABLE = (
    jwt.PyJWTError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
    UnsupportedAlgorithm,
    binascii.Error,
)


class SigningKeys(Protocol):
    """Where verification keys come from."""

    async def find(self, kid: str | None) -> jwt.PyJWK | None:
        """The key of that id, None if there is none. Raises `TokenKeysUnavailable`."""
        ...


class PublicKey:
    """One public key, given as PEM text or as the path of a PEM file."""

    def __init__(self, pem_or_path: str) -> None:
        self._key = _read_public_key(pem_or_path)

    async def find(self, kid: str | None) -> jwt.PyJWK | None:  # noqa: ARG002 - there is but one
        return self._key


def _read_public_key(pem_or_path: str) -> jwt.PyJWK:
    is_pem = "-----BEGIN" in pem_or_path
    try:
        # A line break often arrives as the two characters \n when PEM is put into an environment variable.
        pem = pem_or_path.replace("\\n", "\n") if is_pem else Path(pem_or_path).read_text()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SettingsError(
            "LOYALTY_JWT_PUBLIC_KEY is neither PEM text nor the path of a readable PEM file."
        ) from error
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError("LOYALTY_JWT_PUBLIC_KEY holds no public key in PEM form.") from error
    if isinstance(key, RSAPublicKey):
        document = RSAAlgorithm.to_jwk(key, as_dict=True)
        return jwt.PyJWK(document, "RS256")
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name == "secp256r1":
        document = ECAlgorithm.to_jwk(key, as_dict=True)
        return jwt.PyJWK(document, "ES256")
    if isinstance(key, Ed25519PublicKey):
        document = OKPAlgorithm.to_jwk(key, as_dict=True)
        return jwt.PyJWK(document, "EdDSA")
    raise SettingsError("LOYALTY_JWT_PUBLIC_KEY must be an RSA, P-256 or Ed25519 key.")


class JwksKeys:
    """The keys published at a URL, read off the event loop and kept.

    Read again when older than `JWKS_FRESH_SECONDS` (meanwhile the old ones serve) and when a token names a
    key that is not among them (rotation), but never twice within `JWKS_COOLDOWN_SECONDS`. While the URL
    can't be read, the keys read last go on serving.
    """

    def __init__(self, url: str) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=_JWKS_TIMEOUT_SECONDS)
        self._keys: dict[str, jwt.PyJWK] | None = None
        self._tried_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def find(self, kid: str | None) -> jwt.PyJWK | None:
        if self._keys is None or (kid is not None and kid not in self._keys):
            await self._read()
        elif monotonic() - self._tried_at > JWKS_FRESH_SECONDS:
            self._start_reading()
        if self._keys is None:
            raise TokenKeysUnavailable
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _start_reading(self) -> asyncio.Task[None] | None:
        if self._reading is None and monotonic() - self._tried_at >= JWKS_COOLDOWN_SECONDS:
            self._tried_at = monotonic()
            self._reading = asyncio.create_task(self._fetch())
        return self._reading

    async def _read(self) -> None:
        reading = self._start_reading()
        if reading is not None:
            await asyncio.shield(reading)

    async def _fetch(self) -> None:
        try:
            keys = await asyncio.to_thread(self._client.get_signing_keys)
        except Exception as error:  # noqa: BLE001 - whatever a strange server sends, we live on
            _log.warning("The key set of members' tokens could not be read: %s", type(error).__name__)
        else:
            self._keys = {str(key.key_id): key for key in keys if key.algorithm_name in ALGORITHMS}
        finally:
            self._reading = None


class MemberTokens:
    """Verifies members' tokens."""

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys

    async def verify(self, token: str) -> tuple[Principal, float]:
        """The member, and the `time.monotonic()` until which that may be believed.

        Raises `TokenExpired`, `TokenKeysUnavailable` or `CredentialInvalid`.
        """
        key = await self._keys.find(_key_id(token))
        if key is None:
            raise CredentialInvalid
        claims = _claims(token, key)
        member_id = claims["sub"]
        if not is_identifier(member_id):
            raise CredentialInvalid
        now = time.time()
        # Compared before anything is taken away: an `exp` of any size is an integer, and no float may hold it.
        lasts_seconds = min(int(claims["exp"]), now + TRUST_SECONDS) - now
        return Principal(
            actor=f"member:{member_id}", scopes=frozenset(), member_id=member_id
        ), monotonic() + lasts_seconds


def member_tokens(settings: Settings) -> MemberTokens | None:
    """What the settings accept as members' tokens, None for none. Raises `SettingsError`."""
    if settings.jwt_jwks_url is not None:
        return MemberTokens(JwksKeys(settings.jwt_jwks_url))
    if settings.jwt_public_key is not None:
        return MemberTokens(PublicKey(settings.jwt_public_key))
    return None


def _key_id(token: str) -> str | None:
    try:
        header = jwt.get_unverified_header(token)
    except _UNREADABLE as error:
        raise CredentialInvalid from error
    kid = header.get("kid")
    if header.get("alg") not in ALGORITHMS or not isinstance(kid, str | None):
        raise CredentialInvalid
    return kid


def _claims(token: str, key: jwt.PyJWK) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            # An issuer's clock a second ahead of ours must not lock members out at login, so `iat` decides
            # nothing.
            options={"require": ["exp", "sub"], "verify_aud": False, "verify_iat": False},
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired from error
    except _UNREADABLE as error:
        raise CredentialInvalid from error
