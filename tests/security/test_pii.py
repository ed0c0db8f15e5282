"""Personal data: sealed to its place, found by a digest that outlives its keys."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from app.config import Settings, SettingsError
from app.domain.account import bucket_of
from app.security.pii import (
    KEY_FILE,
    PiiRing,
    PiiUnreadable,
    load_ring,
    lookup_bucket,
    normal_email,
    normal_phone,
)

K1, K2, K3 = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3))
PLACE = {"column": "phone", "bucket": 7, "member_id": "u-1"}


def test_what_is_sealed_opens_in_its_place_alone() -> None:
    ring = PiiRing.parse(f"k1:{K1}")
    sealed = ring.seal("王小明", **PLACE)
    assert ring.open(sealed, **PLACE) == "王小明"
    assert "王小明".encode() not in sealed
    assert ring.seal("王小明", **PLACE) != sealed, "the same value twice doesn't look the same"
    for elsewhere in ({"column": "name"}, {"bucket": 8}, {"member_id": "u-2"}):
        with pytest.raises(PiiUnreadable):
            ring.open(sealed, **(PLACE | elsewhere))


def test_what_was_altered_does_not_open() -> None:
    ring = PiiRing.parse(f"k1:{K1}")
    sealed = ring.seal("x", **PLACE)
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(PiiUnreadable):
            ring.open(bytes(altered), **PLACE)
    for broken in (b"", b"\x01", sealed[:20]):
        with pytest.raises(PiiUnreadable):
            ring.open(broken, **PLACE)


def test_a_new_key_in_front_encrypts_and_the_old_one_still_opens() -> None:
    old = PiiRing.parse(f"k1:{K1}")
    rotated = PiiRing.parse(f"k2:{K2}, k1:{K1}")
    sealed = old.seal("x", **PLACE)
    assert rotated.open(sealed, **PLACE) == "x"
    assert rotated.needs_resealing(sealed)
    resealed = rotated.seal("x", **PLACE)
    assert not rotated.needs_resealing(resealed)
    with pytest.raises(PiiUnreadable, match="k2"):
        old.open(resealed, **PLACE)


def test_the_index_outlives_rotation_and_the_oldest_key() -> None:
    digest = PiiRing.parse(f"k1:{K1}").digest("phone", "13800138000")
    for ring in (
        f"k2:{K2},k1:{K1}",
        f"k3:{K3},k2:{K2},k1:{K1}",
        f"k3:{K3},index:{K1}",
        f"index:{K1},k2:{K2}",
    ):
        assert PiiRing.parse(ring).digest("phone", "13800138000") == digest
    assert PiiRing.parse(f"k2:{K2}").digest("phone", "13800138000") != digest
    assert len(digest) == 32
    assert 0 <= lookup_bucket(digest) < 64


def test_a_phone_and_an_email_of_the_same_text_differ() -> None:
    ring = PiiRing.parse(f"k1:{K1}")
    assert ring.digest("phone", "123") != ring.digest("email", "+86123")


@pytest.mark.parametrize(
    "written",
    [
        "13800138000",
        "138 0013 8000",
        "+86 138-0013-8000",
        "0086 13800138000",
        "(+86)13800138000",
        "１３８００１３８０００",
    ],
)
def test_a_phone_number_is_one_however_it_is_written(written: str) -> None:
    assert normal_phone(written) == "+8613800138000"


def test_other_phone_numbers_stay_others() -> None:
    assert normal_phone("+1 415 555 2671") == "+14155552671"
    assert normal_phone("010-8888 6666") == "+861088886666"


def test_an_email_address_is_one_in_any_case() -> None:
    assert normal_email(" Wang.Xiaoming@Example.COM ") == "wang.xiaoming@example.com"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k1",
        "k1:",
        ":AAAA",
        f"k1:{K1},k1:{K2}",
        "k1:!!!!",
        f"k1:{K1[:20]}",
        f"a b:{K1}",
        f"index:{K1}",
        f"k1:{K1},",
    ],
)
def test_an_unusable_ring_is_told_in_a_sentence_without_a_key(text: str) -> None:
    with pytest.raises(SettingsError, match=r"LOYALTY_PII_KEYS.*\.$") as told:
        PiiRing.parse(text)
    assert K1 not in str(told.value)


def test_url_safe_base64_is_taken_too() -> None:
    key = base64.urlsafe_b64encode(b"\xfb\xff" * 16).decode()
    PiiRing.parse(f"k1:{key}")


# --- birthdays -------------------------------------------------------------------------------------------


def test_the_month_of_a_birthday_is_told_to_those_who_can_open_it() -> None:
    ring, other = PiiRing.parse(f"k1:{K1}"), PiiRing.parse(f"k1:{K2}")
    sealed = ring.seal("1992-02-29", column="birthday", bucket=bucket_of("u-1"), member_id="u-1")
    assert ring.birthday_month(sealed, member_id="u-1") == 2
    assert ring.birthday_month(None, member_id="u-1") == 0
    assert ring.birthday_month(sealed, member_id="u-2") == 0
    assert other.birthday_month(sealed, member_id="u-1") == 0
    assert ring.birthday_month(b"?", member_id="u-1") == 0


def test_a_birthday_is_told_from_another_however_it_is_sealed() -> None:
    ring, other = PiiRing.parse(f"k1:{K1}"), PiiRing.parse(f"k2:{K2}")
    place = {"column": "birthday", "bucket": bucket_of("u-1"), "member_id": "u-1"}
    sealed = [ring.seal(day, **place) for day in ("1990-05-17", "1990-05-17", "1990-05-18")]
    marks = [ring.mark_of(each, member_id="u-1") for each in sealed]
    assert marks[0] == marks[1] == ring.birthday_mark("1990-05-17")
    assert marks[2] != marks[0] != other.birthday_mark("1990-05-17")
    assert other.mark_of(sealed[0], member_id="u-1") == ring.mark_of(b"?", member_id="u-1") == b""


def test_months_are_found_by_digests_that_outlive_keys() -> None:
    ring = PiiRing.parse(f"k1:{K1}")
    digests = {ring.month_digest(month) for month in range(1, 13)}
    assert len(digests) == 12
    assert {len(digest) for digest in digests} == {32}
    assert PiiRing.parse(f"k2:{K2},k1:{K1}").month_digest(4) == ring.month_digest(4)
    assert PiiRing.parse(f"k2:{K2}").month_digest(4) != ring.month_digest(4)


# --- where the ring comes from ---------------------------------------------------------------------------


def test_the_embedded_database_gets_keys_of_its_own_once(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    sealed = load_ring(settings).seal("x", **PLACE)
    assert load_ring(settings).open(sealed, **PLACE) == "x"
    path = tmp_path / "data" / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [KEY_FILE], "nothing else is left behind"


def test_the_workers_of_an_embedded_service_find_them(tmp_path: Path) -> None:
    sealed = load_ring(Settings(data_dir=tmp_path)).seal("x", **PLACE)
    worker = Settings(data_dir=tmp_path, database_url="postgresql://localhost/x")
    assert load_ring(worker).open(sealed, **PLACE) == "x"


def test_a_database_of_ones_own_gets_keys_too_that_another_machine_does_not_have(tmp_path: Path) -> None:
    one = load_ring(Settings(data_dir=tmp_path / "one", database_url="postgresql://localhost/x"))
    other = load_ring(Settings(data_dir=tmp_path / "other", database_url="postgresql://localhost/x"))
    sealed = one.seal("x", **PLACE)
    assert one.knows(sealed)
    assert not other.knows(sealed)


def test_the_configured_ring_goes_first(tmp_path: Path) -> None:
    sealed = load_ring(Settings(data_dir=tmp_path, pii_keys=f"k1:{K1}")).seal("x", **PLACE)
    assert PiiRing.parse(f"k1:{K1}").open(sealed, **PLACE) == "x"
    assert list(tmp_path.iterdir()) == []
