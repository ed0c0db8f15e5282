"""What commands are answered, in full. Source: API.md, the shape of each answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.domain.activity_commands import RecordActivity, ReverseActivity
from app.domain.command import Command
from app.domain.commands import Accrue, Adjust, Cancel, Commit, DecideReview, Redeem, Refund, SetTier
from tests.domain.book import START, Book
from tests.domain.fair import Fair, campaign, coupon
from tests.domain.lane import Lane
from tests.domain.programs import program
from tests.domain.shop import template

LASTS = "2027-03-05T16:00:00Z"  # a year from the day on which the tests begin


def balance(available: int, *, reserved: int = 0) -> dict[str, int]:
    return {"available": available, "pending": 0, "reserved": reserved, "debt": 0}


def reserved() -> Book:
    """A member with 500 points, 300 of which are held as `r`."""
    book = Book()
    book.do(Adjust(member_id="m", reference="a", points=500, reason="gift"))
    book.do(Redeem(member_id="m", reference="r", points=300, reserve=True))
    return book


def spent() -> Book:
    book = reserved()
    book.do(Commit(member_id="m", reference="r"))
    return book


def reviewed() -> Book:
    """A member whose tier waits for a review, which the entry numbered 1 opened the day before."""
    book = Book()
    book.do(Accrue(member_id="m", order_id="o", amount=3_000_000))
    return book.later(days=1)


ANSWERED: dict[str, tuple[Callable[[], Book], Command, dict[str, Any]]] = {
    "commit": (
        reserved,
        Commit(member_id="m", reference="r", points=200),
        {
            "reference": "r",
            "status": "redeemed",
            "points": 200,
            "value": 200,
            "lots": [{"lot": 1, "points": 200, "expires_at": LASTS}],
            "hold_expires_at": None,
            "freed": 100,
            "expired": 0,
            "debt_paid": 0,
            "balance": balance(300),
        },
    ),
    "cancel": (
        reserved,
        Cancel(member_id="m", reference="r"),
        {
            "reference": "r",
            "status": "cancelled",
            "points": 300,
            "lots": [{"lot": 1, "points": 300, "expires_at": LASTS}],
            "expired": 0,
            "debt_paid": 0,
            "balance": balance(500),
        },
    ),
    "refund": (
        spent,
        Refund(member_id="m", redemption="r", reference="x", points=50),
        {
            "redemption": "r",
            "reference": "x",
            "points": 50,
            "rest": 250,
            "lots": [{"lot": 1, "points": 50, "expires_at": LASTS}],
            "expired": 0,
            "debt_paid": 0,
            "balance": balance(250),
        },
    ),
    "adjust": (
        reserved,
        Adjust(member_id="m", reference="less", points=-5, reason="oops"),
        {
            "reference": "less",
            "status": "applied",
            "points": -5,
            "reason": "oops",
            "debt_paid": 0,
            "balance": balance(195, reserved=300),
        },
    ),
    "set_tier": (
        Book,
        SetTier(member_id="m", reference="s", tier="gold", reason="朋友", until=START + timedelta(days=10)),
        {
            "member_id": "m",
            "reference": "s",
            "from": "bronze",
            "to": "gold",
            "until": "2026-03-15T02:00:00Z",
            "reason": "朋友",
            "actor": "till",
            "set_at": "2026-03-05T02:00:00Z",
        },
    ),
    "review": (
        reviewed,
        DecideReview(member_id="m", review=1, approve=True, reason="好"),
        {
            "id": "m~1",
            "member_id": "m",
            "from": "platinum",
            "to": "diamond",
            "opened_at": "2026-03-05T02:00:00Z",
            "status": "approved",
            "decided_at": "2026-03-06T02:00:00Z",
            "actor": "till",
            "reason": "好",
        },
    ),
}


@pytest.mark.parametrize(("before", "command", "body"), ANSWERED.values(), ids=ANSWERED)
def test_answers(before: Callable[[], Book], command: Command, body: dict[str, Any]) -> None:
    assert before().do(command) == body


def test_what_an_activity_that_is_worth_nothing_gives_and_what_is_taken_back_with_it() -> None:
    wave = {"kind": "wave", "label": "打招呼", "points": 0}
    book = Book(program(activities=[wave]))
    told = {
        "reference": "a",
        "kind": "wave",
        "level": None,
        "points": 0,
        "growth": 0,
        "chances": 0,
        "balance": balance(0),
        "tier": {"code": "bronze", "changed": False},
    }
    assert book.do(RecordActivity(member_id="m", reference="a", activity="wave")) == told | {
        "status": "recorded",
        "coupons": [],
        "breakdown": [],
        "debt_paid": 0,
    }
    assert book.do(ReverseActivity(member_id="m", reference="a")) == told | {
        "status": "reversed",
        "recovered": 0,
        "shortfall": 0,
    }


def test_the_coupons_that_an_activity_gave() -> None:
    book = Fair(campaign("c", coupon("five"), trigger="activity"), templates=(template("five"),))
    told = book.do(RecordActivity(member_id="m", reference="a", activity="review"))
    assert told["coupons"] == ["C1"]


def held() -> Lane:
    """A lane with a cart of 100 yuan and shipping, held for 400 points, 10 yuan of cash and a coupon."""
    lane = Lane(template("five", amount_off_fen=500))
    lane.hold(10_000, shipping_fen=800, points=400, cash=1_000, coupons=("C1",))
    return lane


def test_a_hold_is_told_with_its_quote() -> None:
    lane = Lane()
    body = lane.hold(10_000)
    assert {name: body[name] for name in ("checkout_id", "member_id", "status", "hold_expires_at")} == {
        "checkout_id": "k",
        "member_id": "m",
        "status": "held",
        "hold_expires_at": "2026-03-05T02:30:00Z",
    }
    assert body["earns"] == {
        "points": 100,
        "breakdown": [{"rule": "purchase", "label": "1 point per yuan", "points": 100, "version": 1}],
    }
    assert (body["payable"], body["balance"]) == (10_000, balance(1_000))


def test_a_checkout_that_is_cancelled() -> None:
    assert held().cancel() == {
        "checkout_id": "k",
        "member_id": "m",
        "status": "cancelled",
        "freed": {"points": 400, "cash": 1_000, "coupons": ["C1"]},
        "expired": 0,
        "debt_paid": 0,
        "balance": balance(1_000),
    }


def test_a_checkout_that_is_refunded() -> None:
    lane = held()
    lane.complete()
    assert lane.refund(4_750, reference="b") == {
        "checkout_id": "k",
        "member_id": "m",
        "reference": "b",
        "refunded": {"amount": 4_050, "points": 200, "cash": 500, "coupons": []},
        "taken_back": {"points": 41, "recovered": 41, "shortfall": 0},
        "status": "partially_refunded",
        "expired": 0,
        "debt_paid": 0,
        "balance": balance(840),
        "tier": {"code": "bronze", "changed": False},
    }
