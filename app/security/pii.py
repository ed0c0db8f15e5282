"""Personal data at rest: AES-256-GCM under a ring of keys, and a blind index to find it by.

The ring is `id:base64,id2:base64,...`, each entry 32 random bytes. The first entry encrypts, all decrypt,
so a key is rotated by putting a new one in front; what was written before is rewritten under it whenever it
is saved.

What a value is found by must not change with the keys, so the index key is derived from the entry named
`index` if there is one (it never encrypts), else from the *last* entry. To retire the oldest key once
nothing is encrypted under it any more, keep its bytes under the name `index`: the index stays as it was.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import os
import re
import secrets
import tempfile
import unicodedata
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.config import Settings, SettingsError
from app.domain.account import BUCKETS, bucket_of

LookupKind = Literal["phone", "email"]

INDEX_ENTRY = "index"
KEY_FILE = "pii_keys"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = 1
_PHONE_PARTS = re.compile(r"[+0-9]+")
_is_key_id = re.compile(r"[A-Za-z0-9_-]{1,32}").fullmatch


class PiiUnreadable(Exception):
    """A stored value can't be decrypted: its key left the ring, or it was moved or altered."""


class PiiRing:
    """Encrypts and decrypts personal data, and makes the digests it is found by.

    A sealed value is bound to its place (column, bucket, member): moved to another row it no longer decrypts.
    Nonces are random, which is safe up to 2^32 values under one key.
    """

    def __init__(self, entries: dict[str, bytes]) -> None:
        encrypting = [key_id for key_id in entries if key_id != INDEX_ENTRY]
        if not encrypting:
            raise SettingsError("LOYALTY_PII_KEYS needs at least one key to encrypt with.")
        self._current = encrypting[0]
        self._ciphers = {
            key_id: AESGCM(_derived(entries[key_id], b"loyalty-service/pii/encrypt/v1"))
            for key_id in encrypting
        }
        self._index_key = _derived(
            entries.get(INDEX_ENTRY, entries[encrypting[-1]]), b"loyalty-service/pii/index/v1"
        )
        self._months = {month: self._marked(f"birthday:{month}") for month in range(1, 13)}

    @classmethod
    def parse(cls, text: str) -> PiiRing:
        """The ring written as `id:base64,...`. Raises `SettingsError`."""
        entries: dict[str, bytes] = {}
        for number, part in enumerate(text.strip().split(","), start=1):
            key_id, _, encoded = part.strip().partition(":")
            if _is_key_id(key_id) is None or key_id in entries:
                raise SettingsError(
                    f"Entry {number} of LOYALTY_PII_KEYS must be `id:base64` with an id of its own "
                    "(1 to 32 letters, digits, - or _)."
                )
            entries[key_id] = _decoded(encoded, number=number)
        return cls(entries)

    def seal(self, value: str, *, column: str, bucket: int, member_id: str) -> bytes:
        """`value` encrypted under the first key, for that one place."""
        key_id = self._current.encode()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(
            nonce, value.encode(), _place(column=column, bucket=bucket, member_id=member_id)
        )
        return bytes((_FORMAT, len(key_id))) + key_id + nonce + sealed

    def open(self, sealed: bytes, *, column: str, bucket: int, member_id: str) -> str:
        """What `seal` was given. Raises `PiiUnreadable`."""
        key_id, body = _unpacked(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise PiiUnreadable(f"No key named {key_id!r} is in the ring.")
        try:
            return cipher.decrypt(
                body[:_NONCE_BYTES],
                body[_NONCE_BYTES:],
                _place(column=column, bucket=bucket, member_id=member_id),
            ).decode()
        except (InvalidTag, ValueError) as error:
            raise PiiUnreadable("The value does not decrypt in this place.") from error

    def knows(self, sealed: bytes) -> bool:
        """Whether the value's key is in the ring."""
        return _unpacked(sealed)[0] in self._ciphers

    def needs_resealing(self, sealed: bytes) -> bool:
        """Whether the value is under another key than the one that encrypts now."""
        return _unpacked(sealed)[0] != self._current

    def digest(self, kind: LookupKind, value: str) -> bytes:
        """The 32 bytes a phone number or e-mail address is found by, however it is written."""
        normal = normal_phone(value) if kind == "phone" else normal_email(value)
        return self._marked(f"{kind}:{normal}")

    def month_digest(self, month: int) -> bytes:
        """The 32 bytes by which those with a birthday in this month (1 to 12) are found."""
        return self._months[month]

    def birthday_mark(self, birthday: str) -> bytes:
        """The 32 bytes that tell a birthday (`YYYY-MM-DD`) from another; kept nowhere, there being so few days."""
        return self._marked(f"birthday-day:{birthday}")

    def _marked(self, text: str) -> bytes:
        """The 32 bytes that tell the text from another, to who has the index key."""
        return hmac.digest(self._index_key, text.encode(), sha256)

    def mark_of(self, sealed: bytes, *, member_id: str) -> bytes:
        """The mark of a sealed birthday; none, like no other's, where these keys don't open it."""
        try:
            opened = self.open(sealed, column="birthday", bucket=bucket_of(member_id), member_id=member_id)
        except PiiUnreadable:
            return b""
        return self.birthday_mark(opened)

    def birthday_month(self, sealed: bytes | None, *, member_id: str) -> int:
        """The month (1 to 12) of a sealed birthday; 0 if there is none, or none that these keys open."""
        if sealed is None:
            return 0
        try:
            opened = self.open(sealed, column="birthday", bucket=bucket_of(member_id), member_id=member_id)
        except PiiUnreadable:
            return 0
        return date.fromisoformat(opened).month


def lookup_bucket(digest: bytes) -> int:
    """The shard (0 to 63) a look-up row lives in: that of its digest, since it is found by nothing else."""
    return digest[0] % BUCKETS


def normal_phone(phone: str) -> str:
    """A phone number as digits with its country, `+8613800138000`; one without is taken for Chinese.

    Full-width digits, spaces and punctuation don't count, and an international 00 is a +.
    """
    compact = "".join(_PHONE_PARTS.findall(unicodedata.normalize("NFKC", phone)))
    if compact.startswith("00"):
        return f"+{compact[2:]}"
    return compact if compact.startswith("+") else f"+86{compact.removeprefix('0')}"


def normal_email(email: str) -> str:
    """An e-mail address without outer blanks, in lower case."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def load_ring(settings: Settings) -> PiiRing:
    """The ring in use: the configured one, else the file under `data_dir`, else one made there now.

    The file is readable by its owner alone. Raises `SettingsError` for an unusable ring.
    """
    if settings.pii_keys is not None:
        return PiiRing.parse(settings.pii_keys.get_secret_value())
    path = settings.data_dir / KEY_FILE
    if not path.exists():
        _make_file(path)
    try:
        return PiiRing.parse(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The keys of personal data in {path} can't be read.") from error


def _make_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: data under another machine's keys is told as such, not taken for damaged.
    ring = f"k{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}\n"
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{KEY_FILE}-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(ring)
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces: of two starts at once, the second finds the keys of the first.
        with contextlib.suppress(FileExistsError):
            os.link(scratch, path)
    finally:
        Path(scratch).unlink()


def _decoded(encoded: str, *, number: int) -> bytes:
    try:
        key = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise SettingsError(
            f"Entry {number} of LOYALTY_PII_KEYS must hold 32 bytes in base64: "
            "`openssl rand -base64 32` makes them."
        )
    return key


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(key)


def _place(*, column: str, bucket: int, member_id: str) -> bytes:
    return f"person/{column}/{bucket}/{member_id}".encode()


def _unpacked(sealed: bytes) -> tuple[str, bytes]:
    if len(sealed) < 2 + _NONCE_BYTES or sealed[0] != _FORMAT:
        raise PiiUnreadable("The value is not in a known format.")
    length = sealed[1]
    return sealed[2 : 2 + length].decode("ascii", "replace"), sealed[2 + length :]
