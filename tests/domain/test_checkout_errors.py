import json
import re

import pytest

from app.domain import checkout_commands, checkout_errors, reversal
from app.domain.errors import LoyaltyError
from tests.domain.test_errors import every_error, shown_extra

MODULES = {checkout_commands.__name__, checkout_errors.__name__, reversal.__name__}
ERRORS = [each for each in every_error() if each.__module__ in MODULES]


@pytest.mark.parametrize("error", ERRORS, ids=lambda each: each.code)
def test_each_tells_what_to_do_and_can_be_shown(error: type[LoyaltyError]) -> None:
    shown = error.example()
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert shown.detail.endswith(".")
    assert json.loads(json.dumps(shown.extra)) == shown.extra
    assert not shown.extra.keys() & {"type", "title", "status", "detail", "code", "request_id"}


def test_codes_are_unique() -> None:
    codes = [each.code for each in ERRORS]
    assert len(codes) == len(set(codes)) == 12


def test_figures_come_along() -> None:
    assert shown_extra(each for each in ERRORS if each.__module__ == checkout_errors.__name__) == {
        "points_over_limit": {"max": 5_000, "min": 100, "step": 100},
        "cash_over_limit": {"max": 1_000},
        "quote_changed": {"difference": {"payable": {"quoted": 27_000, "now": 30_000}}},
        "hold_lapsed": {"missing": [{"what": "points", "needed": 1_000, "available": 400}]},
        "checkout_not_held": {"checkout_status": "lapsed"},
        "checkout_not_completed": {"checkout_status": "held"},
        "paid_exceeds_checkout": {"payable": 27_000},
    }


def test_each_figure_that_is_another_now_is_told() -> None:
    refusal = checkout_errors.QuoteChanged({"payable": (27_000, 30_000), "points": (5, 0)})
    assert "payable 27000 is 30000 now, points 5 is 0 now." in refusal.detail
