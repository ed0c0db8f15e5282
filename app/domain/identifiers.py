"""The shape of the ids a caller chooses: member ids, order ids, references."""

from __future__ import annotations

import re

ID_PATTERN = r"^[A-Za-z0-9._:-]{1,64}$"
"""As the wire schemas and the OpenAPI document show it."""

_is_id = re.compile(r"[A-Za-z0-9._:-]{1,64}").fullmatch


def is_identifier(text: str) -> bool:
    """Whether `text` may name a member, an order or a reference."""
    return _is_id(text) is not None
