"""Backtests on the wire: a draft over the recorded orders of a period, and what it came to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from app.actions.backtest_runs import AskedBacktest
from app.domain.instants import rfc3339
from app.queries.backtests import BacktestRow
from app.schemas.common import Answer, Instant
from app.schemas.drafts import DRAFTS_EXAMPLE, Drafts
from app.schemas.parts import Date, Moment, shown

_ID = "8b0c5f1e-2d3a-4c6b-9e8f-7a6b5c4d3e2f"

BacktestId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        description="The backtest's id.",
        examples=[_ID],
    ),
]


def _after_from(until: datetime, info: ValidationInfo) -> datetime:
    since = info.data.get("from_")
    if since is not None and until <= since:
        raise PydanticCustomError("until_before_from", "Should lie after `from`")
    return until


class BacktestRequest(Drafts):
    """What to try, over which orders."""

    model_config = shown(
        {
            "from": "2026-01-01T00:00:00+08:00",
            "until": "2026-03-01T00:00:00+08:00",
            "campaigns": DRAFTS_EXAMPLE,
        },
        {
            "from": "2026-01-01T00:00:00+08:00",
            "until": "2026-03-01T00:00:00+08:00",
            "program": {"version": 2},
        },
    )

    from_: Instant = Field(
        alias="from",
        description="Orders from here on count; those before bring their members to where they stood.",
        examples=["2026-01-01T00:00:00+08:00"],
    )
    until: Annotated[Instant, AfterValidator(_after_from)] = Field(
        description="Orders before it count.", examples=["2026-03-01T00:00:00+08:00"]
    )


class Both(Answer):
    """A figure under what was in force, with the draft, and how much more that is."""

    baseline: int = Field(examples=[2453159])
    draft: int = Field(examples=[2504821])
    difference: int = Field(examples=[51662])


class Cost(Answer):
    """What was given, in the minor unit."""

    points: Both = Field(description="What the points pay at checkout, in their member's tier at the time.")
    cash: Both = Field(description="Cash back.")
    coupons: Both = Field(description="Coupons that take off one amount, by that amount.")
    total: Both
    unpriced_coupons: Both = Field(description="How many coupons have no one worth, and are not in the cost.")


class Failures(Answer):
    """How often a campaign could not be decided on, and why the last time."""

    count: int = Field(examples=[0])
    last_error: str | None


class CampaignFigures(Answer):
    """What one campaign gave over the period."""

    campaign: str = Field(examples=["member-day"])
    name: str = Field(examples=["会员日双倍积分"])
    times: int = Field(description="The orders it took part in.", examples=[2103])
    members: int = Field(examples=[1877])
    amount: int = Field(description="Of those orders, in the minor unit.", examples=[7431902])
    points: int = Field(examples=[51662])
    growth: int = Field(examples=[0])
    chances: int = Field(examples=[0])
    coupons: int = Field(examples=[0])
    failures: Failures


class CampaignsOfBoth(Answer):
    """The campaigns of both runs, by their codes."""

    baseline: list[CampaignFigures]
    draft: list[CampaignFigures]


class TierEnd(Answer):
    """How many members end in a tier."""

    tier: str = Field(examples=["silver"])
    baseline: int = Field(examples=[1728])
    draft: int = Field(examples=[1728])


class TierMoves(Answer):
    """Members who end in one tier as it was, and in another with the draft."""

    from_: str = Field(alias="from", examples=["bronze"])
    to: str = Field(examples=["silver"])
    members: int = Field(examples=[12])


class TiersOfBoth(Answer):
    """Where everybody who bought by the end of the period stands then; from the lowest tier up."""

    data: list[TierEnd]
    moves: list[TierMoves] = Field(description="Who moves.")


class SeriesPoint(Answer):
    """One day, or one month by its first day."""

    date: Date
    orders: int = Field(examples=[412])
    amount: int = Field(examples=[1476230])
    baseline: int = Field(description="Points.", examples=[14541])
    draft: int = Field(description="Points.", examples=[28944])


class Series(Answer):
    """The period by days, or, past 100 of them, by months; those without orders left out."""

    by: Literal["day", "month"]
    data: list[SeriesPoint]


class BacktestWarning(Answer):
    """What to know before believing the figures."""

    code: Literal["never_open", "not_for_orders", "acts_at_till", "nothing_recorded"]
    campaign: str | None
    detail: str


class BacktestResult(Answer):
    """What the orders of the period come to, as it was and with the draft."""

    orders: int = Field(examples=[69659])
    amount: int = Field(
        description="What is left of them after refunds, in the minor unit.", examples=[250031563]
    )
    members: int = Field(description="Who placed them.", examples=[23570])
    points: Both
    growth: Both
    chances: Both
    coupons: Both = Field(description="How many.")
    cost: Cost
    campaigns: CampaignsOfBoth
    tiers: TiersOfBoth
    series: Series
    warnings: list[BacktestWarning]
    seconds: float = Field(description="How long it took.", examples=[12.4])


def _both(baseline: int, difference: int = 0) -> dict[str, int]:
    return {"baseline": baseline, "draft": baseline + difference, "difference": difference}


_CAMPAIGN: dict[str, Any] = {
    "campaign": "member-day",
    "name": "会员日双倍积分",
    "times": 2103,
    "members": 1877,
    "amount": 7431902,
    "points": 51662,
    "growth": 0,
    "chances": 0,
    "coupons": 0,
    "failures": {"count": 0, "last_error": None},
}
_RESULT: dict[str, Any] = {
    "orders": 69659,
    "amount": 250031563,
    "members": 23570,
    "points": _both(2453159, 51662),
    "growth": _both(2453159),
    "chances": _both(0),
    "coupons": _both(0),
    "cost": {
        "points": _both(2453159, 51662),
        "cash": _both(3000),
        "coupons": _both(0),
        "total": _both(2456159, 51662),
        "unpriced_coupons": _both(0),
    },
    "campaigns": {"baseline": [], "draft": [_CAMPAIGN]},
    "tiers": {
        "data": [
            {"tier": "bronze", "baseline": 21823, "draft": 21811},
            {"tier": "silver", "baseline": 1747, "draft": 1759},
        ],
        "moves": [{"from": "bronze", "to": "silver", "members": 12}],
    },
    "series": {
        "by": "month",
        "data": [
            {"date": "2026-01-01", "orders": 8928, "amount": 29906017, "baseline": 293084, "draft": 301224}
        ],
    },
    "warnings": [],
    "seconds": 12.4,
}
_BACKTEST: dict[str, Any] = {
    "id": _ID,
    "status": "queued",
    "progress": 0.0,
    "from": "2025-12-31T16:00:00Z",
    "until": "2026-02-28T16:00:00Z",
    "campaigns": [{"campaign": "member-day", "version": 0}],
    "program": None,
    "error": None,
    "created_at": "2026-03-05T02:00:00Z",
    "created_by": "key:Kq3nV0sYb8Zd",
    "started_at": None,
    "finished_at": None,
}


class TriedCampaign(Answer):
    """A campaign that is tried."""

    campaign: str = Field(examples=["member-day"])
    version: int = Field(description="0: its document came along.", examples=[0])


class Backtest(Answer):
    """What is tried, and how far it is."""

    model_config = shown(_BACKTEST)

    id: str = Field(examples=[_ID])
    status: Literal["queued", "running", "done", "failed"]
    progress: float = Field(description="From 0 to 1.", ge=0, le=1, examples=[0.0])
    from_: Moment = Field(alias="from")
    until: Moment
    campaigns: list[TriedCampaign]
    program: int | None = Field(
        description="The version of the program that is tried; 0: its document came along; null: none."
    )
    error: str | None = Field(description="Why it failed.")
    created_at: Moment
    created_by: str
    started_at: Moment | None
    finished_at: Moment | None


class BacktestWithResult(Backtest):
    """What was tried, and what it came to once it is done."""

    model_config = shown(
        {
            **_BACKTEST,
            "status": "done",
            "progress": 1.0,
            "started_at": "2026-03-05T02:00:03Z",
            "finished_at": "2026-03-05T02:00:16Z",
            "result": _RESULT,
        }
    )

    result: BacktestResult | None


def backtest_answer(row: BacktestRow) -> dict[str, Any]:
    """The backtest in `Backtest`'s shape."""
    asked = AskedBacktest.from_document(row.asked)
    return {
        "id": str(row.id),
        "status": row.state,
        "progress": round(row.progress, 4),
        "from": rfc3339(asked.period.since),
        "until": rfc3339(asked.period.until),
        "campaigns": [{"campaign": draft.campaign, "version": draft.version} for draft in asked.campaigns],
        "program": None if asked.program is None else asked.program.version,
        "error": row.error,
        "created_at": rfc3339(row.created_at),
        "created_by": row.actor,
        "started_at": rfc3339(row.started_at),
        "finished_at": rfc3339(row.finished_at),
    }
