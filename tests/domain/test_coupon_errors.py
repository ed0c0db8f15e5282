"""The refusals of coupons: each tells what to do, and can be shown."""

from __future__ import annotations

import json
import re

import pytest

from app.domain import coupon_errors
from app.domain.coupon_errors import (
    STATE_REFUSALS,
    CodeTaken,
    CouponExhausted,
    CouponLimitReached,
    TemplateNotOpen,
)
from app.domain.coupon_reasons import REASON_CODES, reason, told_reason
from app.domain.errors import LoyaltyError
from tests.domain.test_errors import shown_extra

EVERY = [each for each in LoyaltyError.__subclasses__() if each.__module__ == coupon_errors.__name__]


@pytest.mark.parametrize("error", EVERY, ids=lambda each: each.code)
def test_each_tells_what_to_do_and_can_be_shown(error: type[LoyaltyError]) -> None:
    shown = error.example()
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert not error.title.endswith(".")
    assert shown.detail.endswith(".")
    assert json.loads(json.dumps(shown.extra)) == shown.extra
    assert not shown.extra.keys() & {"type", "title", "status", "detail", "code", "request_id"}


def test_the_state_of_a_coupon_is_refused_by_the_reason_that_tells_it() -> None:
    for code, error in STATE_REFUSALS.items():
        assert error.code == code
        assert code in REASON_CODES


def test_figures_come_along() -> None:
    assert CouponExhausted(left=3).extra == {"left": 3}
    assert shown_extra(EVERY) == {
        "template_not_open": {"state": "paused"},
        "coupon_exhausted": {"left": 0},
        "coupon_limit_reached": {"limit": "per_member"},
        "code_taken": {"count": 1, "codes": ["SPRING30"]},
        "coupon_not_locked": {"coupon_status": "issued"},
        "coupon_not_redeemed": {"coupon_status": "issued"},
        "coupon_not_applicable": {
            "coupons": [
                {
                    "code": "SPRING30",
                    "reasons": [told_reason(reason("threshold_not_reached", {"missing": 2_000}))],
                }
            ]
        },
    }
    assert CouponLimitReached(limit="per_day").detail.endswith("tomorrow.")
    assert "active first" in TemplateNotOpen(state="paused").detail
    assert "another template" in TemplateNotOpen(state="over").detail


def test_of_many_codes_taken_the_first_are_told() -> None:
    refusal = CodeTaken([f"C{number:02}" for number in range(25)])
    assert refusal.extra["count"] == 25
    assert refusal.extra["codes"] == [f"C{number:02}" for number in range(10)]
    assert "C00" not in refusal.detail
