"""Named tuples that are replaced quickly are replaced as others are."""

from collections import namedtuple
from typing import Any

import pytest

from app.domain.rows import quickly_replaced


def made(*values: int) -> Any:
    """A row of x, y and z."""
    return quickly_replaced(namedtuple("Point", ["x", "y", "z"]))(*values)  # noqa: PYI024 - made anew each time


def test_the_fields_that_are_named_are_others() -> None:
    point = made(1, 2, 3)
    moved = point._replace(x=5, z=7)
    assert moved == (5, 2, 7)
    assert (moved.x, type(moved)) == (5, type(point))
    assert (point, point._replace()) == ((1, 2, 3), (1, 2, 3))


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError):
        made(1, 2, 3)._replace(w=0)
