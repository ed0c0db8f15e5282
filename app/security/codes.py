"""Coupon codes: unguessable, and without letters that look alike."""

from __future__ import annotations

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0 and O, no 1, I and L, no U beside V."""

LENGTH = 16
"""78 bits: to guess one of a million codes takes 10^17 tries."""


def new_code() -> str:
    """A code that nobody has, as good as certainly."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
