"""Campaigns on the wire: what they say, how they stand, and what they gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, Field

from app.actions.campaigns import Moment as At
from app.domain.campaigns import State, Trigger
from app.domain.instants import rfc3339
from app.domain.program_warnings import Warning as CampaignNote
from app.queries.campaigns import CampaignRow, CampaignVersionRow, Failures, Given
from app.recurrence import is_open, opens_next
from app.schemas.campaign_document import MEMBER_DAY, CampaignTerms
from app.schemas.common import Answer, Wire
from app.schemas.parts import Moment, shown

_STANDING: dict[str, Any] = {
    "campaign": "member-day",
    "version": 1,
    "state": "live",
    "is_open": False,
    "next_opens_at": "2026-04-03T16:00:00Z",
    "created_at": "2026-02-20T02:00:00Z",
    "updated_at": "2026-02-21T02:00:00Z",
    "started_at": "2026-02-21T02:00:00Z",
    "ended_at": None,
}
_SAID: dict[str, Any] = {
    **dict.fromkeys(CampaignTerms.model_fields),
    **MEMBER_DAY,
    "window": {"from": "2026-02-28T16:00:00Z", "until": None, "rrule": "FREQ=MONTHLY;BYDAY=1SA"},
    "budget": {"points": 1_000_000, "per_member": 5_000, "per_day": None},
    "stacks": True,
}
_CAMPAIGN = {**_STANDING, **_SAID}
_WARNING = {
    "code": "same_days",
    "pointer": "/window",
    "detail": "The campaign birthday-month is for the same days, from 2026-04-04 on: together they give 4 times the "
    "points.",
}
_FIGURES: dict[str, Any] = {
    "participants": 400,
    "times": 520,
    "amount": 15_600_000,
    "points": 156_000,
    "growth": 0,
    "chances": 0,
    "coupons": 0,
    "discount": 0,
    "taken_back": 1_200,
    "budget_left": 844_000,
    "budget_left_today": None,
}


class CampaignVerb(Wire):
    """Starting, pausing and ending take no fields: the body may be left out."""


# --- answers -----------------------------------------------------------------------------------------------


class LinesShown(Answer):
    """Which lines of an order it is for."""

    skus: list[str] | None
    categories: list[str] | None
    brands: list[str] | None


class EffectShown(Answer):
    """One thing a campaign does; besides its `kind` it has the fields of that kind."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(examples=["multiply_points"])


class WindowShown(Answer):
    """When it gives."""

    from_at: Moment | None = Field(alias="from")
    until: Moment | None
    rrule: str | None = Field(examples=["FREQ=MONTHLY;BYDAY=1SA"])


class BudgetShown(Answer):
    """The most points it gives."""

    points: int | None = Field(examples=[1_000_000])
    per_member: int | None = Field(examples=[5_000])
    per_day: int | None = Field(examples=[50_000])


class CampaignSaid(Answer):
    """What a campaign says; null: nothing of the kind."""

    name: str
    trigger: Trigger
    effects: list[EffectShown]
    window: WindowShown | None = Field(description="Null: for good.")
    tiers: list[str] | None
    audience: str | None
    condition: str | None
    budget: BudgetShown | None = Field(description="Null: without limit.")
    priority: int
    stacks: bool
    holdout_percent: int
    dormant_days: int | None
    balance: int | None
    holidays: list[str] | None
    of_campaign: str | None
    at: str | None


class Campaign(CampaignSaid):
    """A campaign: what it says, and how it stands."""

    model_config = shown(_CAMPAIGN)

    campaign: str
    version: int = Field(description="Of what it says: each change of that makes another.")
    state: State = Field(
        description="`draft` until it is started, `live`, `paused`, and `ended` for good. Only a live one gives."
    )
    is_open: bool = Field(
        description="Whether it gives at this moment: it is live, its window and its days hold."
    )
    next_opens_at: Moment | None = Field(
        description="The next moment from which its window and its days hold. Null: they do now, or never will again."
    )
    created_at: Moment
    updated_at: Moment
    started_at: Moment | None = Field(description="When it was started first.")
    ended_at: Moment | None


class CampaignWarning(Answer):
    """What to think of before a campaign is started. It forbids nothing."""

    code: str = Field(description="Stable, for programs.")
    pointer: str = Field(description="A JSON pointer into what the campaign says.")
    detail: str


class CampaignWithWarnings(Campaign):
    """A campaign, and what to think of before it is started."""

    model_config = shown({**_CAMPAIGN, "warnings": [_WARNING]})

    warnings: list[CampaignWarning]


class CampaignFailures(Answer):
    """How often it could not be decided on: then it gave nothing, and what it followed went on without it."""

    count: int = Field(examples=[0])
    last_at: Moment | None
    last_error: str | None = Field(examples=["it divides by zero."])


class CampaignFigures(Answer):
    """What it gave so far. Refunds leave these as they were, but for what is said to be less what came back."""

    participants: int = Field(description="Members it gave something.")
    times: int = Field(description="How often: orders, sign-ins, occasions.")
    amount: int = Field(description="What the orders it applied to came to, in the minor unit.")
    points: int
    growth: int
    chances: int = Field(description="Less what went with orders that came back whole.")
    coupons: int = Field(description="Less those that are void, as their orders came back whole.")
    discount: int = Field(description="What it took off orders, in the minor unit.")
    taken_back: int = Field(description="Points that came back with refunds.")
    budget_left: int | None = Field(description="Points of the budget in all. Null: without limit.")
    budget_left_today: int | None = Field(description="Points of today's budget. Null: without limit.")


class CampaignInFull(CampaignWithWarnings):
    """A campaign, what it gave so far, and what could not be decided on."""

    model_config = shown(
        {
            **_CAMPAIGN,
            "warnings": [_WARNING],
            "failures": {"count": 0, "last_at": None, "last_error": None},
            "figures": _FIGURES,
        }
    )

    failures: CampaignFailures
    figures: CampaignFigures


class CampaignVersion(Answer):
    """What a version of a campaign says. It never changes."""

    model_config = shown(
        {
            "version": 1,
            "created_at": "2026-02-20T02:00:00Z",
            "created_by": "key:Kq3nV0sYb8Zd",
            "document": MEMBER_DAY,
        }
    )

    version: int
    created_at: Moment
    created_by: str
    document: dict[str, Any] = Field(description="As it is sent: only what it says.")


class DocumentFault(Answer):
    """What is wrong with what a campaign says, and where."""

    pointer: str
    detail: str
    code: str = Field(description="Stable, for programs.")
    line: int | None = Field(description="In a condition: at which line of it.")
    column: int | None = Field(description="In a condition: at which character of that line, from 1.")


class CampaignFindings(Answer):
    """What a look at a campaign found."""

    model_config = shown(
        {"valid": True, "mistakes": [], "warnings": [_WARNING]},
        {
            "valid": False,
            "mistakes": [
                {
                    "pointer": "/condition",
                    "detail": "The condition is wrong at line 1, column 14: this can't be applied to (int, string).",
                    "code": "expression_invalid",
                    "line": 1,
                    "column": 14,
                }
            ],
            "warnings": [],
        },
    )

    valid: bool
    mistakes: list[DocumentFault] = Field(description="What keeps it from being made.")
    warnings: list[CampaignWarning]


# --- from rows ---------------------------------------------------------------------------------------------


def campaign_answer(row: CampaignRow, at: At) -> dict[str, Any]:
    """The campaign in `Campaign`'s shape, as it stands at that moment."""
    campaign = row.read()
    now, timezone = at.now, at.program.timezone
    return {
        **_said(row.document),
        "campaign": row.campaign,
        "version": row.version,
        "state": row.state,
        "is_open": row.state == "live" and is_open(campaign, now, at.today, timezone),
        "next_opens_at": None if row.state == "ended" else rfc3339(opens_next(campaign, now, timezone)),
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
        "started_at": rfc3339(row.started_at),
        "ended_at": rfc3339(row.ended_at),
    }


def with_warnings(row: CampaignRow, at: At, warnings: Sequence[CampaignNote]) -> dict[str, Any]:
    """The campaign in `CampaignWithWarnings`' shape."""
    return {**campaign_answer(row, at), "warnings": [warning._asdict() for warning in warnings]}


def figures_answer(
    row: CampaignRow, given: Given, *, granted: tuple[int, int], failures: Failures
) -> dict[str, Any]:
    """What `CampaignInFull` has besides."""
    budget = row.read().budget
    limits = zip((budget.points, budget.per_day), granted, strict=True)
    left, left_today = (None if limit is None else limit - spent for limit, spent in limits)
    return {
        "failures": {
            "count": failures.failures,
            "last_at": rfc3339(failures.last_at),
            "last_error": failures.last_error,
        },
        "figures": {**given._asdict(), "budget_left": left, "budget_left_today": left_today},
    }


def version_answer(row: CampaignVersionRow) -> dict[str, Any]:
    """The version in `CampaignVersion`'s shape."""
    return {
        "version": row.version,
        "created_at": rfc3339(row.created_at),
        "created_by": row.actor,
        "document": row.document,
    }


def _said(document: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of `CampaignSaid`, of a document that leaves out what it does not say."""
    return {
        **{name: document.get(name) for name in CampaignSaid.model_fields},
        "effects": [_effect(effect) for effect in document["effects"]],
        "window": _named(document.get("window"), ("from", "until", "rrule")),
        "budget": _named(document.get("budget"), BudgetShown.model_fields),
        "priority": document.get("priority", 0),
        "stacks": document.get("stacks", True),
        "holdout_percent": document.get("holdout_percent", 0),
    }


def _effect(effect: Mapping[str, Any]) -> dict[str, Any]:
    if "lines" not in effect:
        return dict(effect)
    return {**effect, "lines": _named(effect["lines"], LinesShown.model_fields)}


def _named(part: Mapping[str, Any] | None, names: Mapping[str, Any] | Sequence[str]) -> dict[str, Any] | None:
    return None if part is None else {name: part.get(name) for name in names}
