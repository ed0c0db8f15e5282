"""Parts that many answers share. Their times come as text from the domain, so they are declared as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from app.schemas.common import Answer

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2027-03-05T16:00:00Z"])]
"""A moment in an answer: RFC 3339, in UTC."""

Date = Annotated[str, Field(json_schema_extra={"format": "date"}, examples=["2026-03-05"])]
"""A day of the program's zone in an answer."""


def shown(*examples: Mapping[str, object], **schema: object) -> ConfigDict:
    """The configuration of a shape whose schema shows `examples`, and says `schema` besides."""
    said: dict[str, Any] = {"examples": list(examples), **schema}
    return ConfigDict(json_schema_extra=said)


class Balance(Answer):
    """The member's points as this operation left them. What follows from it by itself (the reward of a referral, of a
    mission, of a new tier, or its undoing) is an entry of its own, after this one.
    """

    available: int = Field(description="Points that can be spent.", examples=[415], ge=0)
    pending: int = Field(description="Points of orders not settled yet.", examples=[0], ge=0)
    reserved: int = Field(description="Points held by reservations.", examples=[100], ge=0)
    debt: int = Field(
        description="Points owed after refunds: what arrives pays them first, and until then none are "
        "available.",
        examples=[0],
        ge=0,
    )


class Part(Answer):
    """What one rule gave or took."""

    rule: str = Field(examples=["purchase"])
    label: str = Field(description="In words.", examples=["1 point per yuan"])
    points: int = Field(examples=[300])
    version: int = Field(description="Of the program, or of the campaign that the rule names.", examples=[1])


class LotPart(Answer):
    """Points of one lot: those granted at once, which expire together."""

    lot: int = Field(description="The lot's number, counted per member.", examples=[1])
    points: int = Field(description="How many of its points.", examples=[100])
    expires_at: Moment | None = Field(description="When they expire; null: never.")


class TierAfter(Answer):
    """The member's tier as this operation left it."""

    code: str = Field(examples=["silver"])
    changed: bool = Field(description="Whether this operation changed it.", examples=[True])
