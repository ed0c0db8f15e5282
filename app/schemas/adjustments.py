"""A person's corrections on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.domain.commands import Adjust
from app.schemas.common import MAX_POINTS, Answer, Reason, Reference, Wire
from app.schemas.parts import Balance, shown


def _not_zero(points: int) -> int:
    if points == 0:
        raise PydanticCustomError("zero_points", "Should be more or less than 0")
    return points


SignedPoints = Annotated[
    int,
    Field(ge=-MAX_POINTS, le=MAX_POINTS, examples=[50], json_schema_extra={"not": {"const": 0}}),
    AfterValidator(_not_zero),
]


class AdjustmentRequest(Wire):
    """A correction, with its reason."""

    model_config = shown({"reference": "ticket-77", "points": 50, "reason": "late delivery of order o-9"})

    reference: Reference
    points: SignedPoints = Field(description="Points to give, or below 0 to take; never 0.")
    reason: Reason = Field(
        description="Why, for the record: the ledger keeps it for good, so no personal data here.",
        examples=["late delivery of order o-9"],
    )

    def to_command(self, member_id: str) -> Adjust:
        """What is asked of the ledger."""
        return Adjust(member_id=member_id, reference=self.reference, points=self.points, reason=self.reason)


class Adjustment(Answer):
    """A correction that was made."""

    model_config = shown(
        {
            "reference": "ticket-77",
            "status": "applied",
            "points": 50,
            "reason": "late delivery of order o-9",
            "debt_paid": 0,
            "balance": {"available": 465, "pending": 0, "reserved": 0, "debt": 0},
        }
    )

    reference: str = Field(examples=["ticket-77"])
    status: Literal["applied"]
    points: int = Field(examples=[50])
    reason: str = Field(examples=["late delivery of order o-9"])
    debt_paid: int = Field(description="How many of the points paid a debt.", examples=[0])
    balance: Balance
