"""Finding what a path leads to in as many steps as it has parts, however many paths there are."""

from __future__ import annotations

import re
from typing import Generic, TypeVar

_PARAMETER = re.compile(r"\{(\w+)\}")

Found = TypeVar("Found")


class Paths(Generic[Found]):
    """Paths as the framework's routes write them, `/v1/members/{member_id}`, each with what it leads to by a method."""

    def __init__(self) -> None:
        self._trees: dict[str, _Node[Found]] = {}

    def add(self, method: str, path: str, found: Found) -> None:
        """Add a path, whose parameters are whole parts of it.

        A part must be either a name or a parameter in all paths that begin alike, or the order in which they were added
        would matter: a path that breaks this is an AssertionError.
        """
        node = self._trees.setdefault(method, _Node())
        names: list[str] = []
        for part in path.split("/"):
            parameter = _PARAMETER.fullmatch(part)
            if parameter is None:
                assert "{" not in part, f"{method} {path}: {part}"
                assert node.parameter is None, f"{method} {path}: {part}"
                node = node.parts.setdefault(part, _Node())
            else:
                assert not node.parts, f"{method} {path}: {part}"
                names.append(parameter[1])
                if node.parameter is None:
                    node.parameter = _Node()
                node = node.parameter
        assert node.leaf is None, f"{method} {path} twice"
        node.leaf = (found, names)

    def find(self, method: str, path: str) -> tuple[Found, dict[str, str]] | None:
        """What the path leads to, and its parameters, none of them empty; None if it leads nowhere."""
        node = self._trees.get(method)
        if node is None:
            return None
        values: list[str] = []
        for part in path.split("/"):
            below = node.parameter
            if below is None:
                below = node.parts.get(part)
            elif part:
                values.append(part)
            else:
                return None
            if below is None:
                return None
            node = below
        if node.leaf is None:
            return None
        found, names = node.leaf
        return found, dict(zip(names, values, strict=True))


class _Node(Generic[Found]):
    """What begins alike. `leaf` has what a path leads to that ends here, and the names of its parameters."""

    __slots__ = ("leaf", "parameter", "parts")

    def __init__(self) -> None:
        self.parts: dict[str, _Node[Found]] = {}
        self.parameter: _Node[Found] | None = None
        self.leaf: tuple[Found, list[str]] | None = None
