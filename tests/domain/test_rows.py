"""Named tuples that are replaced quickly are replaced as others are."""

from typing import NamedTuple

import pytest

from app.domain.rows import quickly_replaced


class Point(NamedTuple):
    x: int
    y: int
    z: int


def quick() -> type[Point]:
    """Made anew for each test."""
    return quickly_replaced(type("Quick", (Point,), {}))


def test_the_fields_that_are_named_are_others() -> None:
    point = quick()(1, 2, 3)
    moved = point._replace(x=5, z=7)
    assert moved == (5, 2, 7)
    assert (moved.x, type(moved)) == (5, type(point))
    assert (point, point._replace()) == ((1, 2, 3), (1, 2, 3))


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError):
        quick()(1, 2, 3)._replace(w=0)  # pyright: ignore[reportCallIssue]
