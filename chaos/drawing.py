"""What all drawn commands have in common: names, members, and the things that commands may name."""

import random
from dataclasses import dataclass, field
from typing import Any, Final

from chaos.record import Op

MEMBERS: Final = 48
HOT_MEMBERS: Final = 4
CODES_EACH: Final = 6
KEYED_PERCENT: Final = 20
"""Of a hundred commands so many have an Idempotency-Key where none is needed."""
HOLD_SECONDS: Final = (2, 5, 60, 1_800, 604_800)


@dataclass(slots=True)
class Known:
    """The things of one member that commands may name, whether they came to be or not."""

    orders: list[str] = field(default_factory=list[str])
    settled: list[str] = field(default_factory=list[str])  # a settle is planned already: one key, one command
    lined: list[tuple[str, list[str]]] = field(default_factory=list[tuple[str, list[str]]])
    taken: list[str] = field(default_factory=list[str])
    ended: set[str] = field(default_factory=set[str])
    checkouts: list[str] = field(default_factory=list[str])
    activities: list[str] = field(default_factory=list[str])
    undone: set[str] = field(default_factory=set[str])
    locks: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # code and reference


def member(number: int) -> str:
    """A member's id."""
    return f"m{number:03d}"


def codes_of(name: str) -> list[str]:
    """The coupon codes that only this member brings."""
    return [f"{name.upper()}-C{number}" for number in range(CODES_EACH)]


class Drawing:
    """The dice, and what is known of each member."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"commands of {seed}")
        self._number = 0
        self._rounds = 0
        self._known = {member(number): Known() for number in range(MEMBERS)}

    def _member(self) -> str:
        """Half of all is asked of a few, who are others in each round."""
        if self._random.random() < 0.5:
            return member((self._rounds * HOT_MEMBERS + self._random.randrange(HOT_MEMBERS)) % MEMBERS)
        return member(self._random.randrange(MEMBERS))

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{kind}{self._number}"

    def _op(
        self,
        kind: str,
        name: str,
        key: str,
        path: str,
        body: Any = None,
        *,
        facts: dict[str, Any] | None = None,
        asked: dict[str, Any] | None = None,
        method: str = "POST",
        keyed: bool = False,
    ) -> Op:
        """`asked`: what a batch needs besides the body and the member."""
        op_id = self._name("c")
        wants_key = keyed or (method == "POST" and self._random.randrange(100) < KEYED_PERCENT)
        return Op(
            op_id=op_id,
            request_id=op_id,
            kind=kind,
            member=name,
            key=key,
            method=method,
            path=path,
            body=body,
            facts=facts or {},
            asked={} if asked is None else {"op": kind, "member_id": name, **(body or {}), **asked},
            idempotency_key=f"key-{op_id}" if wants_key else None,
        )

    def _pick(self, things: list[Any], *, other: Any) -> Any:
        """Mostly one of the last few; now and then any, or one that there is not."""
        chance = self._random.random()
        if not things or chance < 0.04:
            return other
        return self._random.choice(things if chance < 0.2 else things[-4:])
