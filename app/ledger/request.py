"""What is asked of the ledger and what comes of it."""

from __future__ import annotations

from typing import NamedTuple

from app.domain.command import Command
from app.domain.errors import LoyaltyError
from app.domain.posting import Caller
from app.ledger.claims import Claim
from app.ledger.outcome import Outcome

SYSTEM = "system"
"""The actor of what nobody asked for: what fell due, and what follows."""


class Request(NamedTuple):
    """A command as it came in: who gave it, and the idempotency key it came with, if any."""

    command: Command
    caller: Caller
    claim: Claim | None = None


class InternalError(Exception):
    """A command that broke rather than being refused; the log has the reason."""


Result = Outcome | LoyaltyError | InternalError
