"""From an Authorization header to a principal, remembered for a moment."""

from __future__ import annotations

from hashlib import blake2b
from time import monotonic

from app.security.callers import CredentialInvalid, CredentialMissing, Principal
from app.security.keys import KeyVerifier
from app.security.tokens import MemberTokens

_LONGEST_CREDENTIAL = 8192
_REMEMBERED = 4096


class Authenticator:
    """Checks every credential, of any kind.

    What was verified is remembered, under a hash, at most `TRUST_SECONDS` for a key and
    `tokens.TRUST_SECONDS` (never past its `exp`) for a token.
    """

    def __init__(self, *, keys: KeyVerifier, tokens: MemberTokens | None) -> None:
        self._keys = keys
        self._tokens = tokens
        self._remembered: dict[bytes, tuple[float, Principal]] = {}

    async def authenticate(self, authorization: bytes | None) -> Principal:
        """The caller behind the header's value. Raises an error of kind UNAUTHENTICATED."""
        if authorization is None:
            raise CredentialMissing
        handle = blake2b(authorization, digest_size=16).digest()
        remembered = self._remembered.get(handle)
        if remembered is not None and monotonic() < remembered[0]:
            return remembered[1]
        principal, trusted_until = await self._verify(bearer(authorization))
        self._remember(handle, principal, trusted_until)
        return principal

    async def _verify(self, credential: str) -> tuple[Principal, float]:
        # A bootstrap key may have any shape, that of a token too.
        if self._tokens is None or credential.count(".") != 2 or self._keys.is_bootstrap(credential):
            return await self._keys.verify(credential)
        return await self._tokens.verify(credential)

    def _remember(self, handle: bytes, principal: Principal, trusted_until: float) -> None:
        self._remembered.pop(handle, None)  # so that the newest stand last
        while len(self._remembered) >= _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[handle] = (trusted_until, principal)


def bearer(authorization: bytes) -> str:
    """The credential in the header's value. Raises `CredentialMissing` or `CredentialInvalid`."""
    scheme, _, credential = authorization.partition(b" ")
    credential = credential.strip()
    if scheme.lower() != b"bearer" or not credential:
        raise CredentialMissing
    if len(credential) > _LONGEST_CREDENTIAL or not credential.isascii():
        raise CredentialInvalid
    return credential.decode("ascii")
