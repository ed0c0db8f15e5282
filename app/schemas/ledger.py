"""The balance at a moment and the liability, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from app.domain.program import Program
from app.queries.liability import LiabilityRow, MonthRow
from app.schemas.common import Answer
from app.schemas.parts import shown


class BalanceThen(Answer):
    """What a member held at a moment; `cash` in the minor unit."""

    model_config = shown(
        {
            "member_id": "u-1001",
            "as_of": "2026-03-31T16:00:00Z",
            "available": 415,
            "pending": 0,
            "reserved": 100,
            "debt": 0,
            "growth": 700,
            "cash": 0,
        }
    )

    member_id: str
    as_of: datetime
    available: int
    pending: int
    reserved: int
    debt: int
    growth: int
    cash: int


class Worth(Answer):
    """Points and what they are worth, rounded down to the minor unit."""

    points: int = Field(examples=[1200])
    value: int = Field(examples=[1200])


class Month(Answer):
    """Points that can be used until the end of some day of a month."""

    month: str | None = Field(
        description="The month of their last usable day, in the program's zone; null: they never expire.",
        examples=["2027-03"],
    )
    available: int = Field(examples=[1000])
    pending: int = Field(examples=[100])
    reserved: int = Field(examples=[100])
    total: Worth


class Liability(Answer):
    """What the program owes its members."""

    model_config = shown(
        {
            "as_of": "2026-03-31T16:00:00Z",
            "program_version": 1,
            "currency": "CNY",
            "available": {"points": 1000, "value": 1000},
            "pending": {"points": 100, "value": 100},
            "reserved": {"points": 100, "value": 100},
            "total": {"points": 1200, "value": 1200},
            "debt": {"points": 30, "value": 30},
            "cash": 1000,
            "months": [
                {
                    "month": "2027-03",
                    "available": 1000,
                    "pending": 100,
                    "reserved": 100,
                    "total": {"points": 1200, "value": 1200},
                }
            ],
        }
    )

    as_of: datetime
    program_version: int = Field(description="The rules in force then, whose rate values the points.")
    currency: str
    available: Worth
    pending: Worth = Field(description="Of orders not settled yet.")
    reserved: Worth = Field(description="Kept by holds.")
    total: Worth = Field(description="All three.")
    debt: Worth = Field(description="Points that members owe after refunds; not taken off the total.")
    cash: int = Field(description="Cash back not spent yet, in the minor unit.")
    months: list[Month] = Field(
        description="The total by when it expires, next first. A lot counts in the month in which it next "
        "expires as known today, though points may have been extended since `as_of`."
    )


def liability_of(row: LiabilityRow, *, as_of: datetime, program: Program) -> dict[str, Any]:
    """The liability in `Liability`'s shape, at the program's plain rate."""
    available = sum(month.available for month in row.months)
    pending = sum(month.pending for month in row.months)
    reserved = sum(month.reserved for month in row.months)
    return {
        "as_of": as_of,
        "program_version": program.version,
        "currency": program.currency,
        "available": _worth(available, program),
        "pending": _worth(pending, program),
        "reserved": _worth(reserved, program),
        "total": _worth(available + pending + reserved, program),
        "debt": _worth(row.debt, program),
        "cash": row.cash,
        "months": [_month(month, program) for month in row.months],
    }


def _month(month: MonthRow, program: Program) -> dict[str, Any]:
    total = month.available + month.pending + month.reserved
    return {**month._asdict(), "total": _worth(total, program)}


def _worth(points: int, program: Program) -> dict[str, int]:
    return {"points": points, "value": points * program.paying.worth_fen // program.paying.points}
