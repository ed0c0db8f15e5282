"""Sign-ins on the wire."""

from __future__ import annotations

from pydantic import Field

from app.domain.commands import SignIn as SignInCommand
from app.schemas.common import Answer, Wire
from app.schemas.parts import Balance, Date, Part, shown


class SignInRequest(Wire):
    """Signing in takes no fields: the body may be left out."""

    def to_command(self, member_id: str) -> SignInCommand:
        """What is asked of the ledger."""
        return SignInCommand(member_id=member_id)


class SignIn(Answer):
    """What a day's sign-in gave."""

    model_config = shown(
        {
            "date": "2026-03-05",
            "points": 30,
            "streak": 7,
            "breakdown": [
                {"rule": "sign_in", "label": "daily sign-in", "points": 10, "version": 1},
                {"rule": "streak", "label": "7 days in a row", "points": 20, "version": 1},
            ],
            "balance": {"available": 445, "pending": 0, "reserved": 0, "debt": 0},
        }
    )

    date: Date = Field(description="The day in the program's time zone.")
    points: int = Field(description="The sum of the breakdown.", examples=[30])
    streak: int = Field(description="How many days in a row, today included.", examples=[7])
    breakdown: list[Part] = Field(description="Which rule gave how much.")
    balance: Balance
