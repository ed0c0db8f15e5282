"""What a command comes to."""

from __future__ import annotations

from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """Whether the command made something, its answer (a JSON-able dict), and whether that was given before."""

    created: bool
    body: dict[str, Any]
    replayed: bool = False
