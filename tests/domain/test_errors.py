import json
import re
from collections.abc import Iterable
from typing import Any

import pytest

from app.domain import errors, program, redemptions  # these bring refusals of their own
from app.domain.errors import ErrorKind, LoyaltyError

THEIRS = {errors.__name__, program.__name__, redemptions.__name__}


def every_error(base: type[LoyaltyError] = LoyaltyError) -> list[type[LoyaltyError]]:
    return [found for each in base.__subclasses__() for found in (each, *every_error(each))]


MINE = [each for each in every_error() if each.__module__ in THEIRS]


@pytest.mark.parametrize("error", MINE, ids=lambda each: each.code)
def test_each_tells_what_to_do_and_can_be_shown(error: type[LoyaltyError]) -> None:
    shown = error.example()
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert isinstance(error.kind, ErrorKind)
    assert error.title
    assert not error.title.endswith(".")
    assert str(shown) == shown.detail
    assert shown.detail.endswith(".")
    assert json.loads(json.dumps(shown.extra)) == shown.extra
    assert not shown.extra.keys() & {"type", "title", "status", "detail", "code", "request_id"}


def test_codes_are_unique() -> None:
    codes = [each.code for each in MINE]
    assert len(codes) == len(set(codes))


def shown_extra(refusals: Iterable[type[LoyaltyError]]) -> dict[str, dict[str, Any]]:
    """What comes along with the example of each of these, of those with which something does."""
    return {error.code: error.example().extra for error in refusals if error.example().extra}


def test_figures_come_along() -> None:
    assert shown_extra(each for each in MINE if each.__module__ == errors.__name__) == {
        "refund_exceeds_order": {"rest": 12_000},
        "items_amount_mismatch": {"amount": 30_000, "items_amount": 29_900},
        "occurred_at_in_future": {"latest": "2026-03-06T02:00:00Z"},
        "insufficient_points": {"available": 415},
        "hold_too_long": {"max_hold_seconds": 604_800},
        "review_closed": {"review_status": "closed"},
    }
    assert errors.ReviewClosed(status=None).extra == {}


def test_figures_are_told() -> None:
    assert "415" in errors.InsufficientPoints(available=415).detail
