"""Instants as text: RFC 3339 in UTC, as every answer and every record writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, overload


@overload
def rfc3339(instant: datetime) -> str: ...
@overload
def rfc3339(instant: None) -> None: ...
@overload
def rfc3339(instant: datetime | None) -> str | None: ...
def rfc3339(instant: datetime | None) -> str | None:
    """`2026-03-01T16:00:00Z`, with a fraction only where there is one."""
    return None if instant is None else _written(instant)


@lru_cache(maxsize=8192)  # most are midnights that many expire at
def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def told_expiry(detail: Mapping[str, Any]) -> str | None:
    """The same of when points expire as an entry tells it: whole seconds since 1970; as `expires_at` once, or in these
    words.
    """
    told = detail["expires"] if "expires" in detail else detail["expires_at"]
    return _of_seconds(told) if isinstance(told, int) else told


@lru_cache(maxsize=8192)
def _of_seconds(seconds: int) -> str:
    return rfc3339(datetime.fromtimestamp(seconds, UTC))


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two instants, either of which may be missing."""
    if one is None or other is None:
        return one or other
    return min(one, other)
