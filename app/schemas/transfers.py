"""Points given to another member, on the wire."""

from __future__ import annotations

from pydantic import Field

from app.domain.commands import Transfer as TransferCommand
from app.schemas.common import Answer, MemberId, Points, Reference, Wire
from app.schemas.parts import Balance, LotPart, shown


class TransferRequest(Wire):
    """Points to be given away."""

    model_config = shown({"reference": "gift-1", "to": "u-1002", "points": 100})

    reference: Reference
    to: MemberId = Field(description="Who receives them.", examples=["u-1002"])
    points: Points

    def to_command(self, member_id: str) -> TransferCommand:
        """What is asked of the ledger."""
        return TransferCommand(member_id=member_id, reference=self.reference, to=self.to, points=self.points)


class Transfer(Answer):
    """Points that were given away."""

    model_config = shown(
        {
            "reference": "gift-1",
            "to": "u-1002",
            "points": 100,
            "lots": [{"lot": 1, "points": 100, "expires_at": "2027-03-05T16:00:00Z"}],
            "balance": {"available": 365, "pending": 0, "reserved": 0, "debt": 0},
        }
    )

    reference: str = Field(examples=["gift-1"])
    to: str = Field(description="Who received them.", examples=["u-1002"])
    points: int = Field(examples=[100])
    lots: list[LotPart] = Field(description="Which lots they came from; their expiry goes with them.")
    balance: Balance = Field(description="The giver's points afterwards.")
