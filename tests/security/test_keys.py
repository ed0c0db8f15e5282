"""API keys: their shape, what is stored of them, and for how long an answer is believed."""

from __future__ import annotations

import asyncio
import time

import pytest
from cryptography.exceptions import InvalidTag

from app.security.authenticator import Authenticator
from app.security.callers import (
    ALL_SCOPES,
    CredentialInvalid,
    CredentialMissing,
    KeyRevoked,
    Principal,
    ScopeMissing,
)
from app.security.keys import (
    TRUST_SECONDS,
    KeyVerifier,
    MintedKey,
    StoredKey,
    digest_of,
    key_id_of,
    mint_key,
    seal_key,
    unseal_key,
)

KNOWN_DIGEST = "f527a8c816f95327e20f64b88c19461ff7b033b35b0a6f0ea8f980432cf72600"
BOOTSTRAP = "a.b.c and blanks, of thirty-two or more"


class Store:
    """Keys, and how often they were asked for."""

    def __init__(self, *keys: StoredKey) -> None:
        self.keys = {key.key_id: key for key in keys}
        self.asked = 0
        self.delay_seconds = 0.0

    async def lookup(self, key_id: str) -> StoredKey | None:
        self.asked += 1
        found = self.keys.get(key_id)
        await asyncio.sleep(self.delay_seconds)
        return found


def stored(key: MintedKey, *scopes: str, is_revoked: bool = False) -> StoredKey:
    return StoredKey(key.key_id, key.digest, frozenset(scopes), is_revoked=is_revoked)


def door(store: Store) -> Authenticator:
    return Authenticator(keys=KeyVerifier(lookup=store.lookup, bootstrap_key=BOOTSTRAP), tokens=None)


def header(credential: str) -> bytes:
    return f"Bearer {credential}".encode()


def test_a_key_has_its_id_in_it_and_256_bits() -> None:
    key = mint_key()
    prefix, key_id, secret = key.key.split("_")
    assert (prefix, key_id, len(secret)) == ("loy", key.key_id, 43)
    assert 62**43 > 2**256
    assert key_id_of(key.key) == key_id
    assert mint_key().key != key.key
    assert secret.encode() not in key.digest
    assert digest_of(key.key) == key.digest


def test_what_is_stored_of_a_key_tells_nothing_of_it() -> None:
    minted = mint_key()
    assert len(minted.digest) == 32
    for start in range(len(minted.key) - 3):
        assert minted.key[start : start + 4].encode() not in minted.digest
    # The same for good: keys made before must go on being known.
    assert digest_of("loy_000000000000_secret").hex() == KNOWN_DIGEST


@pytest.mark.parametrize(
    "text", ["", "loy__", "loy_abc_def", f"loy_{'a' * 12}_{'b' * 43}\n", f"LOY_{'a' * 12}_{'b' * 43}"]
)
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert key_id_of(text) is None


async def test_a_key_is_its_holder_with_its_scopes() -> None:
    key = mint_key()
    principal = await door(Store(stored(key, "points:write"))).authenticate(header(key.key))
    assert principal == Principal(actor=f"key:{key.key_id}", scopes=frozenset({"points:write"}))
    with pytest.raises(ScopeMissing):
        principal.needs("keys:write")


async def test_an_administrator_holds_every_scope() -> None:
    key = mint_key()
    assert (await door(Store(stored(key, "admin"))).authenticate(header(key.key))).scopes == ALL_SCOPES


async def test_the_bootstrap_key_may_have_any_shape() -> None:
    principal = await door(Store()).authenticate(header(BOOTSTRAP))
    assert principal == Principal(actor="bootstrap", scopes=ALL_SCOPES)


async def test_another_secret_under_a_known_id_is_refused() -> None:
    key = mint_key()
    other = f"loy_{key.key_id}_{mint_key().key.rpartition('_')[2]}"
    with pytest.raises(CredentialInvalid):
        await door(Store(stored(key, "admin"))).authenticate(header(other))


async def test_a_revoked_key_is_told_so_to_its_holder_alone() -> None:
    key = mint_key()
    authenticator = door(Store(stored(key, "admin", is_revoked=True)))
    with pytest.raises(KeyRevoked):
        await authenticator.authenticate(header(key.key))
    with pytest.raises(CredentialInvalid):
        await authenticator.authenticate(header(f"loy_{key.key_id}_{'0' * 43}"))


@pytest.mark.parametrize("value", [None, b"", b"Bearer", b"Bearer ", b"Basic YTpi", b"bearer\tx"])
async def test_without_a_bearer_credential_one_is_asked_for(value: bytes | None) -> None:
    with pytest.raises(CredentialMissing):
        await door(Store()).authenticate(value)


@pytest.mark.parametrize(
    "value", [b"Bearer \xff\xfe", b"Bearer " + b"a" * 9000, b"Bearer x", b"bearer a.b.c"]
)
async def test_nonsense_is_refused(value: bytes) -> None:
    with pytest.raises(CredentialInvalid):
        await door(Store()).authenticate(value)


async def test_many_at_once_ask_once_and_the_answer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    for module in ("keys", "authenticator"):
        monkeypatch.setattr(f"app.security.{module}.monotonic", lambda: now)
    key = mint_key()
    store = Store(stored(key, "admin"))
    store.delay_seconds = 0.01
    authenticator = door(store)
    await asyncio.gather(*(authenticator.authenticate(header(key.key)) for _ in range(50)))
    await authenticator.authenticate(header(key.key))
    assert store.asked == 1


async def test_an_answer_is_believed_a_second_from_before_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = mint_key()
    store = Store(stored(key, "admin"))
    authenticator = door(store)
    now = time.monotonic()
    for module in ("keys", "authenticator"):
        monkeypatch.setattr(f"app.security.{module}.monotonic", lambda: now)
    await authenticator.authenticate(header(key.key))
    store.keys[key.key_id] = stored(key, "admin", is_revoked=True)
    now += TRUST_SECONDS - 0.001
    await authenticator.authenticate(header(key.key))
    now += 0.002
    with pytest.raises(KeyRevoked):
        await authenticator.authenticate(header(key.key))


async def test_who_comes_after_a_slow_question_grew_old_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    key = mint_key()
    store = Store(stored(key, "admin"))
    store.delay_seconds = 0.05
    verifier = KeyVerifier(lookup=store.lookup)
    now = time.monotonic()
    monkeypatch.setattr("app.security.keys.monotonic", lambda: now)
    early = asyncio.ensure_future(verifier.verify(key.key))
    await asyncio.sleep(0.01)  # it has read the key by now, and its answer is on the way
    store.keys[key.key_id] = stored(key, "admin", is_revoked=True)
    now += TRUST_SECONDS
    with pytest.raises(KeyRevoked):
        await verifier.verify(key.key)
    principal, trusted_until = await early
    assert principal.actor == f"key:{key.key_id}"
    assert trusted_until <= now, "it is not remembered either"


async def test_who_goes_away_takes_no_answer_from_the_others() -> None:
    key = mint_key()
    store = Store(stored(key, "admin"))
    store.delay_seconds = 0.02
    authenticator = door(store)
    gone = asyncio.ensure_future(authenticator.authenticate(header(key.key)))
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(authenticator.authenticate(header(key.key)))
    await asyncio.sleep(0.001)
    gone.cancel()
    assert (await waiting).actor == f"key:{key.key_id}"


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.security.authenticator._REMEMBERED", 3)
    keys = [mint_key() for _ in range(5)]
    authenticator = door(Store(*(stored(key, "admin") for key in keys)))
    for key in keys:
        await authenticator.authenticate(header(key.key))
    assert len(authenticator._remembered) == 3


def test_a_sealed_key_opens_for_the_same_credential_and_idempotency_key_alone() -> None:
    sealed = seal_key("loy_a_b", credential="c", idempotency_key="i")
    assert unseal_key(sealed, credential="c", idempotency_key="i") == "loy_a_b"
    for credential, idempotency_key in (("x", "i"), ("c", "x")):
        with pytest.raises(InvalidTag):
            unseal_key(sealed, credential=credential, idempotency_key=idempotency_key)
