"""What was asked and what came back."""

from dataclasses import dataclass, field
from typing import Any, Final

REFUSED_FROM: Final = 400
FAILED_FROM: Final = 500
SENDING: Final = ":"
"""Between a command's or batch's own request id and the number of the sending."""


def stem_of(request_id: str) -> str:
    """The command's or batch's own."""
    return request_id.partition(SENDING)[0]


@dataclass(slots=True)
class Send:
    """One time a command was sent. `status` None: no answer came back. Times are of the real clock, in seconds.

    `request_id` is its own, and that of the entry which this very sending wrote.
    """

    began: float
    ended: float = 0.0
    status: int | None = None
    body: Any = None
    is_replayed: bool = False
    request_id: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and self.status < REFUSED_FROM

    @property
    def is_refused(self) -> bool:
        """Told for certain that nothing was done."""
        return self.status is not None and REFUSED_FROM <= self.status < FAILED_FROM

    @property
    def is_unknown(self) -> bool:
        """Cut, too late, or answered that it is not known."""
        return not self.is_accepted and not self.is_refused and not self.is_overload

    @property
    def is_overload(self) -> bool:
        """Turned away before anything was done."""
        return self.status is not None and self.code == "overloaded"

    @property
    def code(self) -> str:
        """Of the refusal or the failure."""
        is_accepted = self.status is None or self.status < REFUSED_FROM
        return "" if is_accepted or not isinstance(self.body, dict) else self.body.get("code", "")


@dataclass(slots=True)
class Op:
    """A command as it was planned, and every time it was sent.

    `request_id` begins that of each of its requests, which goes into its entry; `key` is the entry's natural key,
    ending with a slash where the ledger makes the rest. `facts` are what the model needs to do the same. `asked` is
    how a batch names it, empty where it can't be in one. `copies` are sent at once.
    """

    op_id: str
    request_id: str
    kind: str
    member: str
    key: str
    method: str
    path: str
    body: Any
    facts: dict[str, Any]
    asked: dict[str, Any] = field(default_factory=dict[str, Any])
    idempotency_key: str | None = None
    copies: int = 1
    sends: list[Send] = field(default_factory=list[Send])

    @property
    def accepted(self) -> list[Send]:
        return [send for send in self.sends if send.is_accepted]

    @property
    def began(self) -> float:
        return min(send.began for send in self.sends)

    @property
    def acknowledged_at(self) -> float | None:
        """When somebody first knew that it was done."""
        return min((send.ended for send in self.accepted), default=None)

    @property
    def was_unknown(self) -> bool:
        return any(send.is_unknown for send in self.sends)

    @property
    def is_open(self) -> bool:
        """Nobody knows yet whether it took effect: a refusal says no only of those sent before nobody lost."""
        return not self.accepted and (self.was_unknown or not any(send.is_refused for send in self.sends))

    def tell(self) -> str:
        """One line for a person."""
        answers = ", ".join(
            f"{send.code or send.status}" if send.status is not None else "cut" for send in self.sends
        )
        told = " ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.op_id} {self.kind} {self.member} {told} -> {answers}"


@dataclass(slots=True)
class Batch:
    """Commands that are sent as one request."""

    request_id: str
    ops: list[Op]
    copies: int = 1
