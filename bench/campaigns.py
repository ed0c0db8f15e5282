"""Ten live campaigns, as a shop has them: one gives to every order within a budget, the others to some or to none."""

import contextlib
import http.client
import json
import secrets
from collections.abc import Generator, Mapping
from typing import Any, Final

from bench.service import Service

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


@contextlib.contextmanager
def live(service: Service) -> Generator[None]:
    """All of them live while the block runs, under names of their own. Raises SystemExit if one is refused."""
    run = secrets.token_hex(3)
    names = [f"{campaign}-{run}" for campaign in CAMPAIGNS]
    for name, document in zip(names, CAMPAIGNS.values(), strict=True):
        _ask(service, "PUT", f"/v1/campaigns/{name}", document)
        _ask(service, "POST", f"/v1/campaigns/{name}/start", {})
    try:
        yield
    finally:
        for name in names:
            _ask(service, "POST", f"/v1/campaigns/{name}/end", {})


def _ask(service: Service, method: str, path: str, body: Mapping[str, Any]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body), headers)
    answered = connection.getresponse()
    told = answered.read().decode()
    connection.close()
    if answered.status not in (200, 201):
        raise SystemExit(f"{method} {path} was answered {answered.status}: {told}")
