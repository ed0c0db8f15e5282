"""Simulations on the wire: what would happen, and why."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator, model_validator
from pydantic_core import PydanticCustomError

from app.domain.command import Command
from app.domain.commands import SignIn
from app.domain.identifiers import ID_PATTERN
from app.domain.simulation import MADE_UP, MadeUp
from app.schemas.accruals import AccrualRequest
from app.schemas.activities import ActivityRequest
from app.schemas.common import (
    MAX_AMOUNT,
    MAX_POINTS,
    AmountFen,
    Answer,
    Attributes,
    Instant,
    MemberId,
    OrderId,
    Reference,
    Wire,
    text,
)
from app.schemas.drafts import DRAFTS_EXAMPLE, Drafts
from app.schemas.parts import Balance, Moment, Part, shown

_ORDER: dict[str, Any] = {"type": "order", "amount": 30000, "channel": "app"}
_MAX_COUNT = 10**6


class OrderEvent(AccrualRequest):
    """As `POST /v1/members/{member_id}/accruals`; the id may be left out."""

    model_config = shown(_ORDER)

    type: Literal["order"]
    order_id: OrderId = "simulated"


class SignInEvent(Wire):
    """As `POST /v1/members/{member_id}/sign-ins`."""

    model_config = shown({"type": "sign_in"})

    type: Literal["sign_in"]

    def to_command(self, member_id: str) -> Command:
        """What is asked of the ledger."""
        return SignIn(member_id=member_id)


class ActivityEvent(ActivityRequest):
    """As `POST /v1/members/{member_id}/activities`; the reference may be left out."""

    model_config = shown({"type": "activity", "kind": "review", "level": "pictures"})

    type: Literal["activity"]
    reference: Reference = "simulated"


_EVENTS: dict[str, type[Wire]] = {"order": OrderEvent, "sign_in": SignInEvent, "activity": ActivityEvent}


def _by_type(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Each mistake at its own place, which the type is no step of."""
    if isinstance(value, dict):
        told = cast("dict[str, Any]", value)
        if isinstance(kind := told.get("type"), str) and kind in _EVENTS:
            return _EVENTS[kind].model_validate(told)
    return handler(value)


Event = Annotated[
    Annotated[OrderEvent | SignInEvent | ActivityEvent, Field(discriminator="type")],
    WrapValidator(_by_type),
    Field(description="What would happen."),
]


class MadeUpMember(Wire):
    """A member who does not exist. Nobody is in a control group."""

    model_config = shown({"tier": "gold", "available": 500, "region": "CN-31", "birthday_month": 3})

    tier: Annotated[str, Field(pattern=ID_PATTERN)] | None = Field(
        None,
        description="Absent: the one that the figures below deserve; the lowest where tiers look at a window of "
        "time, of which these figures say nothing.",
        examples=["gold"],
    )
    spend: AmountFen = Field(0, description="Lifetime spend, in the minor unit.", le=MAX_AMOUNT)
    orders: int = Field(0, ge=0, le=_MAX_COUNT, description="Orders so far.", examples=[3])
    available: int = Field(0, ge=0, le=MAX_POINTS, description="Points that can be spent.", examples=[500])
    growth: int = Field(0, ge=0, le=MAX_POINTS, description="Growth value.", examples=[700])
    joined_at: Instant | None = Field(None, description="Absent: at the moment of the event.")
    region: Annotated[str, text(max_length=100)] | None = Field(None, examples=["CN-31"])
    gender: Annotated[str, text(max_length=32)] | None = Field(None, examples=["male"])
    birthday_month: int | None = Field(None, ge=1, le=12, description="1 to 12.", examples=[3])
    attributes: Attributes | None = None

    def to_made_up(self) -> MadeUp:
        """The member as the rules take them."""
        return MadeUp(
            tier=self.tier,
            spend_fen=self.spend,
            orders=self.orders,
            available=self.available,
            growth=self.growth,
            joined_at=self.joined_at,
            traits={
                "region": self.region,
                "gender": self.gender,
                "birthday_month": self.birthday_month,
                "attributes": self.attributes,
            },
        )


class SimulationRequest(Drafts):
    """An event to be tried on a member, with drafts or without."""

    model_config = shown(
        {"event": _ORDER, "member_id": "u-1001"},
        {
            "event": _ORDER,
            "member": {"tier": "gold", "birthday_month": 3},
            "at": "2026-03-07T10:00:00+08:00",
            "campaigns": DRAFTS_EXAMPLE,
        },
        {"event": {"type": "sign_in"}, "member": {}},
        oneOf=[
            {
                "required": ["member_id"],
                "properties": {"member_id": {"type": "string"}, "member": {"type": "null"}},
            },
            {
                "required": ["member"],
                "properties": {"member": {"type": "object"}, "member_id": {"type": "null"}},
            },
        ],
    )

    event: Event
    member_id: MemberId | None = Field(None, description="A member as they are now.")
    member: MadeUpMember | None = Field(None, description="A member made up.")
    at: Instant | None = Field(
        None,
        description="When it would happen: not before the member's last entry. Absent: now.",
        examples=["2026-03-07T10:00:00+08:00"],
    )

    @model_validator(mode="after")
    def _names_one(self) -> SimulationRequest:
        if (self.member_id is None) == (self.member is None):
            raise PydanticCustomError("member_id_or_member", "Should name either `member_id` or `member`")
        return self

    def to_command(self) -> Command:
        """What is asked of the ledger."""
        return self.event.to_command(MADE_UP if self.member_id is None else self.member_id)


Outcome = Literal[
    "applied",
    "not_for_tier",
    "not_in_audience",
    "condition_false",
    "held_out",
    "failed",
    "budget_spent",
    "shadowed",
    "not_open",
    "other_trigger",
    "acts_at_till",
    "adds_nothing",
]


class LookedAt(Answer):
    """A campaign and what became of it."""

    campaign: str = Field(examples=["member-day"])
    name: str = Field(examples=["会员日双倍积分"])
    version: int = Field(description="0: a document that came along.", examples=[1])
    outcome: Outcome
    detail: str = Field(description="Why, in words.", examples=["It took part."])


class TierMove(Answer):
    """The member's tier before and after."""

    before: str = Field(examples=["gold"])
    after: str = Field(examples=["gold"])


class Simulation(Answer):
    """What would happen to the member. Nothing of it did."""

    model_config = shown(
        {
            "at": "2026-03-07T02:00:00Z",
            "program_version": 1,
            "points": 720,
            "breakdown": [
                {"rule": "purchase", "label": "1 point per yuan", "points": 300, "version": 1},
                {"rule": "tier:gold", "label": "gold ×1.2", "points": 60, "version": 1},
                {"rule": "campaign:member-day", "label": "会员日双倍积分", "points": 360, "version": 0},
            ],
            "growth": 300,
            "cash": 0,
            "chances": 0,
            "coupons": [],
            "tier": {"before": "gold", "after": "gold"},
            "balance": {"available": 720, "pending": 0, "reserved": 0, "debt": 0},
            "campaigns": [
                {
                    "campaign": "member-day",
                    "name": "会员日双倍积分",
                    "version": 0,
                    "outcome": "applied",
                    "detail": "It took part.",
                }
            ],
        }
    )

    at: Moment = Field(description="When it would happen.")
    program_version: int = Field(description="By which rules; 0: a document that came along.", examples=[1])
    points: int = Field(
        description="The sum of the breakdown: of the event, and of what follows from it, such as a mission completed."
    )
    breakdown: list[Part] = Field(description="Which rule gave how much.")
    growth: int = Field(description="Growth value.", examples=[300])
    cash: int = Field(description="Cash back, in the minor unit.", examples=[0])
    chances: int = Field(description="Chances of the lottery.", examples=[0])
    coupons: list[str] = Field(description="The template of each coupon that would be given.")
    tier: TierMove
    balance: Balance = Field(description="The member's points afterwards.")
    campaigns: list[LookedAt] = Field(
        description="Every draft, and every live campaign of what happens, whether it takes part or not."
    )
