"""JSON as the ledger keeps it: compact, instants as numbers. One encoder: making it costs more than using it."""

from collections.abc import Callable
from datetime import date, datetime
from json import JSONEncoder


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


compact: Callable[[object], str] = JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, check_circular=False, default=_plain
).encode
