"""Instants as text. Source: API.md, Conventions."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.domain.instants import earlier, rfc3339, told_expiry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["UTC", "Asia/Shanghai"])
def _machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own clock is set to this zone."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_machine")
@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (NOON, "2026-03-01T12:00:00Z"),
        (NOON.replace(microsecond=250_000), "2026-03-01T12:00:00.250000Z"),
        (NOON.astimezone(timezone(timedelta(hours=8))), "2026-03-01T12:00:00Z"),
        (None, None),
    ],
)
def test_written_in_utc_wherever_the_machine_is(instant: datetime | None, text: str | None) -> None:
    assert rfc3339(instant) == text


def test_the_earlier_of_two() -> None:
    later = NOON + timedelta(seconds=1)
    assert earlier(NOON, later) == earlier(later, NOON) == earlier(NOON, None) == earlier(None, NOON) == NOON
    assert earlier(None, None) is None


def test_instants_that_entries_tell() -> None:
    assert told_expiry({"expires": int(NOON.timestamp())}) == "2026-03-01T12:00:00Z"
    assert told_expiry({"expires": None}) is None
    assert told_expiry({"expires_at": "2026-03-01T12:00:00Z"}) == "2026-03-01T12:00:00Z"
    assert told_expiry({"expires_at": int(NOON.timestamp())}) == "2026-03-01T12:00:00Z"
    assert told_expiry({"expires_at": None}) is None
