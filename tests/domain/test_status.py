"""The status a mobile app shows. Source: API.md, Members."""

from datetime import timedelta
from typing import Any

from app.domain.commands import Accrue, Redeem, SignIn
from app.domain.status import counts_all_lots, status
from tests.domain.book import START, Book
from tests.domain.programs import DEFAULT
from tests.domain.test_standing import tiers


def shown(book: Book) -> dict[str, Any]:
    book.mature("m")
    return status(
        book.account(),
        lots=book.members["m"].lots.values(),
        now=book.now,
        program=book.program,
        programs=book.programs,
    )


def test_a_new_member() -> None:
    assert shown(Book()) == {
        "member_id": "m",
        "status": "active",
        "joined_at": "2026-03-05T02:00:00Z",
        "tier": {
            "code": "bronze",
            "name": "青铜会员",
            "since": "2026-03-05T02:00:00Z",
            "valid_until": None,
            "next": {"code": "silver", "amount_to_go": 30_000},
        },
        "points": {
            "available": 0,
            "pending": 0,
            "reserved": 0,
            "debt": 0,
            "earned": 0,
            "redeemed": 0,
            "expired": 0,
            "next_expiration": None,
        },
        "growth": 0,
        "cash": 0,
        "spend": {"lifetime": 0, "window": 0},
        "sign_in": {"streak": 0, "signed_in_today": False, "last": None},
        "coupons": {"usable": 0},
    }


def test_a_busy_member() -> None:
    book = Book()
    book.do(SignIn(member_id="m"))
    book.do(Accrue(member_id="m", order_id="o", amount=68_500))
    book.later(days=1).do(SignIn(member_id="m"))
    book.do(Redeem(member_id="m", reference="r", points=200))
    book.do(Redeem(member_id="m", reference="h", points=100, reserve=True))
    told = shown(book)
    assert told["points"] == {
        "available": 405,
        "pending": 0,
        "reserved": 100,
        "debt": 0,
        "earned": 705,
        "redeemed": 200,
        "expired": 0,
        "next_expiration": {"points": 395, "at": "2027-03-05T16:00:00Z"},
    }
    assert told["tier"]["next"] == {"code": "gold", "amount_to_go": 231_500}
    assert told["sign_in"] == {"streak": 2, "signed_in_today": True, "last": "2026-03-06"}
    assert (told["growth"], told["spend"]) == (695, {"lifetime": 68_500, "window": 68_500})


def test_the_streak_shows_until_a_day_is_missed() -> None:
    book = Book()
    book.do(SignIn(member_id="m"))
    book.later(days=1)
    assert shown(book)["sign_in"] == {"streak": 1, "signed_in_today": False, "last": "2026-03-05"}
    book.later(days=1)
    assert shown(book)["sign_in"]["streak"] == 0


def test_days_of_the_streak_are_the_program_s() -> None:
    book = Book()
    book.do(SignIn(member_id="m"))
    book.later(hours=15)  # past midnight in Shanghai
    assert shown(book)["sign_in"] == {"streak": 1, "signed_in_today": False, "last": "2026-03-05"}


def test_a_tier_may_end() -> None:
    book = Book()
    book.members["m"].account = book.account()._replace(tier_valid_until=START + timedelta(days=1))
    assert shown(book)["tier"]["valid_until"] == "2026-03-06T02:00:00Z"


def test_of_no_points_it_is_not_told_when_they_expire() -> None:
    book = Book()
    book.members["m"].account = book.account()._replace(next_expires_at=START + timedelta(days=1))
    assert shown(book)["points"]["next_expiration"] is None


def test_the_top() -> None:
    book = Book()
    book.members["m"].account = book.account()._replace(tier="diamond")
    assert shown(book)["tier"]["next"] is None


def test_a_window_shows_what_counts_in_it() -> None:
    rolling = tiers(window={"kind": "rolling_months", "months": 1})
    assert (counts_all_lots(rolling), counts_all_lots(DEFAULT)) == (True, False)
    book = Book(rolling)
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    book.later(days=40).do(Accrue(member_id="m", order_id="o2", amount=5_000))
    assert shown(book)["spend"] == {"lifetime": 15_000, "window": 5_000}
