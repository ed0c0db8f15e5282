"""The sandbox's clock on the wire."""

from __future__ import annotations

from pydantic import Field

from app.schemas.common import Answer, Instant, Wire
from app.schemas.parts import Moment


class ClockRequest(Wire):
    """The time it should be."""

    now: Instant


class ClockSet(Answer):
    """The time it is from now on."""

    now: Moment = Field(
        description="What the clock was set to; it runs on from there.", examples=["2027-03-05T02:00:00Z"]
    )
    matured: int = Field(
        description="Members on whom something fell due on the way: points expired, holds ended, orders "
        "settled, tier periods ended.",
        examples=[1],
    )
