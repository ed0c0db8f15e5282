"""Ten live campaigns, as a shop has them: one gives to every order within a budget, the others to some or to none."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Final

from app.actions.campaigns import move_campaign, put_campaign
from app.database import Database
from app.domain.posting import Caller
from app.ledger.load import REAL_CLOCK

if TYPE_CHECKING:
    from bench.service import Service

_CALLER: Final = Caller("key:000000000000", "0123456789abcdef")
_DOUBLE: Final = [{"kind": "multiply_points", "factor": "2"}]
_HUNDRED: Final = [{"kind": "add_points", "points": 100}]

CAMPAIGNS: Final[Mapping[str, Mapping[str, Any]]] = {
    "everybody": {
        "name": "5 points an order",
        "trigger": "order",
        "effects": [{"kind": "add_points", "points": 5}],
        "budget": {"points": 10**12, "per_day": 10**12},
    },
    "birthday": {
        "name": "birthday month double points",
        "trigger": "order",
        "audience": "member.birthday_month == local.month",
        "effects": _DOUBLE,
    },
    "member-day": {
        "name": "member day",
        "trigger": "order",
        "window": {"rrule": "FREQ=MONTHLY;BYDAY=1SA"},
        "effects": _DOUBLE,
    },
    "category": {
        "name": "double points on shoes",
        "trigger": "order",
        "condition": '"shoes" in order.categories',
        "effects": [{"kind": "multiply_points", "factor": "2", "lines": {"categories": ["shoes"]}}],
    },
    "large": {
        "name": "large orders",
        "trigger": "order",
        "condition": "order.amount >= 500000",
        "effects": _HUNDRED,
        "budget": {"points": 10**9, "per_member": 1_000},
    },
    "app": {
        "name": "in the app",
        "trigger": "order",
        "condition": 'order.channel == "app" && member.tier in ["gold", "platinum", "diamond"]',
        "effects": [{"kind": "multiply_points", "factor": "1.2"}],
        "holdout_percent": 10,
    },
    "sign-in": {"name": "sign in", "trigger": "sign_in", "effects": _DOUBLE},
    "welcome": {"name": "welcome", "trigger": "enrolment", "effects": _HUNDRED},
    "rise": {"name": "a new tier", "trigger": "tier_change", "effects": _HUNDRED},
    "return": {"name": "come back", "trigger": "dormancy", "dormant_days": 365, "effects": _HUNDRED},
}


async def start_all(url: str) -> None:
    """Make all of them live in the database at `url`."""
    database = Database(url)
    try:
        for campaign, document in CAMPAIGNS.items():
            await put_campaign(
                database, campaign=campaign, document=document, caller=_CALLER, clock=REAL_CLOCK
            )
            await move_campaign(database, campaign=campaign, verb="start", caller=_CALLER, clock=REAL_CLOCK)
    finally:
        await database.dispose()


@contextlib.contextmanager
def paused(service: Service) -> Generator[None]:
    """None of them live while the block runs. Raises SystemExit if one can't be paused."""
    _move_all(service, "pause")
    try:
        yield
    finally:
        _move_all(service, "start")


def _move_all(service: Service, verb: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    for campaign in CAMPAIGNS:
        path = f"/v1/campaigns/{campaign}/{verb}"
        connection.request("POST", path, headers={"Authorization": f"Bearer {service.key}"})
        answered = connection.getresponse()
        told = answered.read().decode()
        if answered.status != 200:
            raise SystemExit(f"POST {path} was answered {answered.status}: {told}")
    connection.close()
