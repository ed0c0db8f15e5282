"""Points spent, held, freed, given back. Source: RULES.md, Points (spending order to refund)."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.commands import (
    Accrue,
    Adjust,
    Cancel,
    Commit,
    Import,
    Redeem,
    Refund,
    Reverse,
)
from app.domain.errors import (
    HoldTooLong,
    InsufficientPoints,
)
from app.domain.redemptions import (
    CommitExceedsReservation,
    RedemptionNotFound,
    RefundExceedsRedemption,
    ReservationClosed,
    ReservationExpired,
    ReservationOpen,
)
from tests.domain.book import START, Book, at
from tests.domain.programs import program, with_validity

HOLD_REFUSALS = (
    CommitExceedsReservation,
    RefundExceedsRedemption,
    ReservationClosed,
    ReservationExpired,
    ReservationOpen,
)


def lots(book: Book, *grants: tuple[int, int]) -> Book:
    """Lots of so many points that expire in so many days."""
    for number, (points, days) in enumerate(grants):
        command = Import(
            member_id="m", reference=f"i{number}", points=points, expires_at=book.now + timedelta(days=days)
        )
        book.do(command)
    return book


def redeem(points: int, reference: str = "r", **fields: int) -> Redeem:
    return Redeem(member_id="m", reference=reference, points=points, **fields)


def reserve(points: int, reference: str = "r", **fields: int) -> Redeem:
    return Redeem(member_id="m", reference=reference, points=points, reserve=True, **fields)


def taken(body: dict[str, list[dict[str, int]]]) -> list[tuple[int, int]]:
    return [(part["lot"], part["points"]) for part in body["lots"]]


def test_next_to_expire_first_then_oldest_first() -> None:
    book = lots(Book(), (100, 300), (100, 100), (100, 300), (100, 200))
    assert taken(book.do(redeem(250))) == [(2, 100), (4, 100), (1, 50)]
    assert taken(book.do(redeem(150, "r2"))) == [(1, 50), (3, 100)]
    with pytest.raises(InsufficientPoints) as refused:
        book.do(redeem(1, "r3"))
    assert refused.value.extra == {"available": 0}


def test_what_never_expires_is_spent_last() -> None:
    book = Book(with_validity(policy="never"))
    book.do(Adjust(member_id="m", reference="a", points=100, reason="gift"))
    lots(book, (100, 3000))
    assert taken(book.do(redeem(150))) == [(2, 100), (1, 50)]
    assert book.account().next_expires_at is None


def test_the_answer() -> None:
    book = lots(Book(), (500, 10))
    body = book.do(redeem(200))
    assert body == {
        "reference": "r",
        "status": "redeemed",
        "points": 200,
        "value": 200,
        "lots": [{"lot": 1, "points": 200, "expires_at": "2026-03-15T02:00:00Z"}],
        "hold_expires_at": None,
        "balance": {"available": 300, "pending": 0, "reserved": 0, "debt": 0},
    }
    body = book.do(reserve(100, "h", hold_seconds=60))
    assert (body["status"], body["hold_expires_at"]) == ("reserved", "2026-03-05T02:01:00Z")
    assert book.balances() == (200, 0, 100, 0)
    assert book.account().redeemed == 200


def test_what_points_are_worth_is_as_the_tier_and_the_version_say() -> None:
    """Those of the tier that the member has, and of the version under which the points were held."""
    book = Book(program(paying={"tiers": {"silver": {"worth_fen": 200}}}))
    book.do(Import(member_id="m", reference="i", points=100, spend=30_000))
    assert book.account().tier == "silver"
    assert book.do(redeem(10))["value"] == 20
    book.do(reserve(10, "h"))
    book.adopt(at(program(), version=2))
    assert book.do(Commit(member_id="m", reference="h"))["value"] == 20
    assert book.do(redeem(10, "r2"))["value"] == 10


def test_all_that_becomes_of_a_redemption_names_its_order() -> None:
    book = lots(Book(), (100, 10))
    for reference in ("spent", "cancelled", "lapsed"):
        book.do(Redeem(member_id="m", reference=reference, points=10, reserve=True, order_id="o"))
    book.do(Redeem(member_id="m", reference="r", points=10, order_id="o"))
    assert {held.order_id for held in book.members["m"].redemptions.values()} == {"o"}
    book.do(Commit(member_id="m", reference="spent"))
    book.do(Refund(member_id="m", redemption="spent", reference="x"))
    book.do(Cancel(member_id="m", reference="cancelled"))
    book.later(days=1).mature("m")
    assert [(entry.kind, entry.order_id) for entry in book.entries["m"][1:]] == [
        (kind, "o")
        for kind in ("reserve", "reserve", "reserve", "redeem", "commit", "refund", "cancel", "lapse")
    ]
    assert (book.last().key, book.last().occurred_at) == ("lapse/lapsed", START + timedelta(seconds=1_800))


@pytest.mark.parametrize(("hold_seconds", "until"), [(None, 1_800), (1, 1), (604_800, 604_800)])
def test_a_hold_ends(hold_seconds: int | None, until: int) -> None:
    book = lots(Book(), (100, 300))
    book.do(Redeem(member_id="m", reference="h", points=40, reserve=True, hold_seconds=hold_seconds))
    book.later(seconds=until - 1).mature("m")
    assert book.balances() == (60, 0, 40, 0)
    book.later(seconds=1).mature("m")
    assert book.balances() == (100, 0, 0, 0)
    assert book.last().kind == "lapse"
    for late in (Commit(member_id="m", reference="h"), Cancel(member_id="m", reference="h")):
        with pytest.raises(ReservationExpired):
            book.do(late)


def test_at_most_seven_days() -> None:
    book = lots(Book(), (100, 300))
    with pytest.raises(HoldTooLong):
        book.do(reserve(1, hold_seconds=604_801))


def test_reserved_points_cannot_be_spent_twice() -> None:
    book = lots(Book(), (100, 300))
    book.do(reserve(60))
    with pytest.raises(InsufficientPoints):
        book.do(redeem(41, "r2"))
    book.do(redeem(40, "r2"))


def test_committing_less_frees_the_rest_what_was_taken_last_first() -> None:
    book = lots(Book(), (100, 10), (100, 20), (100, 30))
    book.do(reserve(250))
    body = book.do(Commit(member_id="m", reference="r", points=120))
    assert taken(body) == [(1, 100), (2, 20)]
    assert (body["points"], body["freed"], body["status"]) == (120, 130, "redeemed")
    assert book.balances() == (180, 0, 0, 0)
    assert [book.lot(number).remaining for number in (1, 2, 3)] == [0, 80, 100]


def test_commit_refuses() -> None:
    book = lots(Book(), (100, 10))
    with pytest.raises(RedemptionNotFound):
        book.do(Commit(member_id="m", reference="r"))
    book.do(reserve(50))
    with pytest.raises(CommitExceedsReservation) as exceeds:
        book.do(Commit(member_id="m", reference="r", points=51))
    assert exceeds.value.extra == {"reserved": 50}
    book.do(Commit(member_id="m", reference="r"))
    for again in (Commit(member_id="m", reference="r"), Cancel(member_id="m", reference="r")):
        with pytest.raises(ReservationClosed) as closed:
            book.do(again)
        assert closed.value.extra == {"redemption_status": "redeemed"}
    book.do(reserve(50, "c"))
    book.do(Cancel(member_id="m", reference="c"))
    with pytest.raises(ReservationClosed):
        book.do(Commit(member_id="m", reference="c"))


def test_cancel_gives_back_to_the_lots() -> None:
    book = lots(Book(), (100, 10), (100, 20))
    before = book.account().next_expires_points
    book.do(reserve(150))
    body = book.do(Cancel(member_id="m", reference="r"))
    assert body["status"] == "cancelled"
    assert taken(body) == [(1, 100), (2, 50)]
    assert book.balances() == (200, 0, 0, 0)
    assert book.account().next_expires_points == before == 100


def test_what_expires_while_reserved_may_be_committed_and_expires_when_freed() -> None:
    book = lots(Book(), (100, 1), (100, 20))
    book.do(reserve(150, hold_seconds=172_800))
    book.later(days=1).mature("m")
    assert book.balances() == (50, 0, 150, 0)
    body = book.do(Commit(member_id="m", reference="r", points=60))
    assert (body["freed"], body["expired"]) == (90, 40)
    assert book.balances() == (100, 0, 0, 0)
    assert (book.lot(1).redeemed, book.lot(1).expired) == (60, 40)


def test_a_hold_lapses_before_points_expire_at_the_same_instant_or_after() -> None:
    for days in (1, 2):
        book = lots(Book(), (100, days))
        book.do(reserve(100, hold_seconds=86_400))
        book.later(days=3).mature("m")
        assert book.balances() == (0, 0, 0, 0)
        assert book.account().expired == 100


@pytest.mark.parametrize(
    ("refunds", "back"),
    [((None,), [(1, 100), (2, 50)]), ((30,), [(2, 30)]), ((70,), [(2, 50), (1, 20)])],
)
def test_a_refund_returns_what_was_taken_last_first(
    refunds: tuple[int | None, ...], back: list[tuple[int, int]]
) -> None:
    book = lots(Book(), (100, 10), (100, 20))
    book.do(redeem(150))
    body = book.do(Refund(member_id="m", redemption="r", reference="x", points=refunds[0]))
    assert sorted(taken(body)) == sorted(back)
    assert body["rest"] == 150 - sum(part for _, part in back)
    assert book.account().redeemed == body["rest"]


def test_refund_refuses() -> None:
    book = lots(Book(), (100, 10))
    refund = Refund(member_id="m", redemption="r", reference="x", points=51)
    with pytest.raises(RedemptionNotFound):
        book.do(refund)
    book.do(reserve(50))
    with pytest.raises(ReservationOpen):
        book.do(refund)
    book.do(Commit(member_id="m", reference="r"))
    with pytest.raises(RefundExceedsRedemption) as refused:
        book.do(refund)
    assert refused.value.extra == {"rest": 50}
    book.do(Refund(member_id="m", redemption="r", reference="y"))
    with pytest.raises(RefundExceedsRedemption):
        book.do(Refund(member_id="m", redemption="r", reference="z"))
    book.do(reserve(50, "c"))
    book.do(Cancel(member_id="m", reference="c"))
    with pytest.raises(ReservationClosed) as closed:
        book.do(Refund(member_id="m", redemption="c", reference="x"))
    assert closed.value.extra == {"redemption_status": "cancelled"}


@pytest.mark.parametrize(("grace_days", "available"), [(0, 60), (7, 90)])
def test_what_expired_meanwhile_stays_expired_but_for_grace_days(grace_days: int, available: int) -> None:
    book = lots(Book(program(refunds={"grace_days": grace_days})), (30, 10), (100, 20))
    book.do(redeem(70))
    book.later(days=10)
    body = book.do(Refund(member_id="m", redemption="r", reference="x", points=70))
    assert body["balance"]["available"] == available + 40
    assert body["expired"] == 90 - available
    book.later(days=8).mature("m")
    assert book.balances() == (100, 0, 0, 0)


def test_grace_leaves_lots_that_are_good_alone() -> None:
    book = lots(Book(program(refunds={"grace_days": 7})), (100, 20))
    book.do(Adjust(member_id="m", reference="a", points=5, reason="r"))
    ends = book.lot(1).expires_at
    book.do(redeem(50))
    book.do(Refund(member_id="m", redemption="r", reference="x"))
    assert book.lot(1).expires_at == ends


def test_what_comes_back_pays_debt_first() -> None:
    book = Book()
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    book.do(redeem(60))
    book.do(reserve(40, "h"))
    book.do(Reverse(member_id="m", order_id="o", reference="b", amount=8_000))
    assert book.balances() == (0, 0, 40, 80)
    body = book.do(Cancel(member_id="m", reference="h"))
    assert body["debt_paid"] == 40
    assert book.balances() == (0, 0, 0, 40)
    body = book.do(Refund(member_id="m", redemption="r", reference="x"))
    assert (body["debt_paid"], body["balance"]["available"]) == (40, 20)


def test_what_a_commit_frees_pays_debt_first() -> None:
    book = Book()
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    book.do(redeem(60))
    book.do(reserve(40, "h"))
    book.do(Reverse(member_id="m", order_id="o", reference="b", amount=8_000))
    body = book.do(Commit(member_id="m", reference="h", points=10))
    assert (body["freed"], body["debt_paid"]) == (30, 30)
    assert book.balances() == (0, 0, 0, 50)


def test_what_was_taken_last_comes_back_first_and_pays_the_debt() -> None:
    book = lots(Book(), (100, 10), (100, 20))
    book.do(redeem(200))
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    book.do(redeem(100, "spent"))
    book.do(Reverse(member_id="m", order_id="o", reference="b", amount=10_000))
    assert book.balances() == (0, 0, 0, 100)
    book.do(Refund(member_id="m", redemption="r", reference="x"))
    assert (book.lot(1).remaining, book.lot(2).clawed_back) == (100, 100)


def test_what_several_lots_pay_and_lose_is_added_up() -> None:
    book = lots(Book(), (100, 10), (100, 20), (100, 30), (100, 40))
    book.do(redeem(400))
    book.do(Accrue(member_id="m", order_id="o", amount=15_000))
    book.do(redeem(150, "spent"))
    book.do(Reverse(member_id="m", order_id="o", reference="b", amount=15_000))
    book.later(days=21)
    body = book.do(Refund(member_id="m", redemption="r", reference="x"))
    assert (body["expired"], body["debt_paid"]) == (200, 150)
    assert book.balances() == (50, 0, 0, 0)


@pytest.mark.parametrize(("sees_all", "floor"), [(True, 2), (False, 1)])
def test_only_who_sees_all_lots_can_tell_the_oldest_open_one(*, sees_all: bool, floor: int) -> None:
    book = lots(Book(), (100, 10), (100, 20))
    book.members["m"].sees_all_lots = sees_all
    book.do(redeem(100))
    assert book.account().lot_floor == floor


def test_expired_points_pay_no_debt() -> None:
    book = lots(Book(), (100, 1))
    book.do(redeem(100))
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    book.do(redeem(100, "r2"))
    book.do(Reverse(member_id="m", order_id="o", reference="b", amount=10_000))
    book.later(days=2)
    body = book.do(Refund(member_id="m", redemption="r", reference="x"))
    assert (body["expired"], body["debt_paid"]) == (100, 0)
    assert book.balances() == (0, 0, 0, 100)


TENTH = with_validity(policy="yearly_tenth")


def test_points_that_come_back_lose_the_tenths_they_missed_not_all() -> None:
    for years, lost in ((1, 100), (3, 300)):
        book = Book(TENTH)
        book.do(Accrue(member_id="m", order_id="o", amount=100_000))
        book.do(redeem(1_000))
        book.later(days=366 * years)
        body = book.do(Refund(member_id="m", redemption="r", reference="x"))
        assert body["expired"] == lost
        assert book.balances() == (1_000 - lost, 0, 0, 0)


def test_many_small_refunds_lose_no_more_than_one() -> None:
    book = Book(TENTH)
    book.do(Accrue(member_id="m", order_id="o", amount=100_000))
    book.do(redeem(1_000))
    book.later(days=366)
    for number in range(20):
        book.do(Refund(member_id="m", redemption="r", reference=f"x{number}", points=50))
    assert book.balances()[0] >= 900


def test_a_tenth_of_what_was_held_over_its_day_goes_when_freed() -> None:
    book = Book(TENTH)
    book.do(Accrue(member_id="m", order_id="o", amount=100_000))
    book.later(days=364).do(reserve(1_000, hold_seconds=604_800))
    book.later(days=3)
    body = book.do(Cancel(member_id="m", reference="r"))
    assert body["expired"] == 100
    assert book.balances() == (900, 0, 0, 0)
    assert book.account().next_expires_points == 100


@settings(max_examples=60, deadline=None)
@given(
    grants=st.lists(st.tuples(st.integers(1, 300), st.integers(1, 5)), min_size=1, max_size=5),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["redeem", "reserve", "commit", "cancel", "refund", "wait"]),
            st.integers(1, 400),
            st.integers(0, 3),
        ),
        max_size=25,
    ),
)
def test_lots_add_up_whatever_happens(
    grants: list[tuple[int, int]], steps: list[tuple[str, int, int]]
) -> None:
    """The book holds every step to the invariants; here: no refusal but those of the rules."""
    book = lots(Book(), *grants)
    total = sum(points for points, _ in grants)
    for number, (what, points, which) in enumerate(steps):
        reference = f"r{which}"
        match what:
            case "redeem":
                command = redeem(points, reference=f"n{number}")
            case "reserve":
                command = reserve(points, reference, hold_seconds=86_400 * 2)
                if reference in book.members["m"].redemptions:
                    continue
            case "commit":
                command = Commit(member_id="m", reference=reference, points=points)
            case "cancel":
                command = Cancel(member_id="m", reference=reference)
            case "refund":
                command = Refund(member_id="m", redemption=reference, reference=f"b{number}", points=points)
            case _:
                book.later(hours=points)
                book.mature("m")
                continue
        with contextlib.suppress(InsufficientPoints, RedemptionNotFound, *HOLD_REFUSALS):
            book.do(command)
    account = book.account()
    assert account.available + account.reserved + account.redeemed + account.expired == total
    book.later(days=30)
    book.mature("m")
    account = book.account()
    assert (account.available, account.reserved, account.redeemed + account.expired) == (0, 0, total)
