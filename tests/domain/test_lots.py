"""Lots by themselves: which can be spent, what is taken, what comes back, what the account knows of them.

The engine writes down what fell due before it decides anything, so these bounds are seldom met there; each must hold
by itself all the same.
"""

from datetime import datetime, timedelta

import pytest

from app.domain.account import Account, Lot
from app.domain.lots import (
    arrive,
    expire,
    moves,
    release,
    spend,
    spendable,
    take,
    with_arrival,
    with_due_dates,
)
from tests.domain.book import START, Book
from tests.domain.programs import DEFAULT, with_validity

A_YEAR = timedelta(days=365)
AN_INSTANT = timedelta(microseconds=1)
TENTHS = with_validity(policy="yearly_tenth")


def lot(number: int, remaining: int, expires_at: datetime | None = START + A_YEAR, **fields: object) -> Lot:
    """A settled lot of which this much remains; the rest of what was granted is redeemed."""
    made = Lot(
        bucket=1,
        member_id="m",
        lot=number,
        sequence=number,
        source="adjustment",
        pending=False,
        granted=remaining,
        remaining=remaining,
        reserved=0,
        redeemed=0,
        expired=0,
        clawed_back=0,
        moved=0,
        accrued_at=START,
        expires_at=expires_at,
        settle_at=None,
        program_version=1,
        order_id=None,
        amount=None,
        refunded=None,
        tier=None,
        terms=None,
    )
    return made._replace(**fields)


def account(**fields: object) -> Account:
    """A member who holds nothing."""
    return Book().account()._replace(**fields)


def numbers(lots: list[Lot]) -> list[int]:
    return [each.lot for each in lots]


@pytest.mark.parametrize(
    ("one", "is_there"),
    [
        (lot(1, 1), True),
        (lot(1, 0), False),
        (lot(1, 1, None), True),
        (lot(1, 1, START + AN_INSTANT), True),
        (lot(1, 1, START), False),
        (lot(1, 1, START - AN_INSTANT), False),
        (lot(1, 1, pending=True), False),
    ],
)
def test_what_can_be_spent_now(one: Lot, *, is_there: bool) -> None:
    assert spendable([one], START) == ([one] if is_there else [])


def test_next_to_expire_first_then_oldest_first_and_what_never_expires_last() -> None:
    lots = [
        lot(1, 5, None),
        lot(4, 5),
        lot(3, 5),
        lot(5, 5, START + AN_INSTANT),
        lot(2, 5, START + 2 * A_YEAR),
    ]
    assert numbers(spendable(lots, START)) == [5, 3, 4, 2, 1]


@pytest.mark.parametrize(
    ("points", "parts"),
    [(0, []), (1, [1]), (4, [4]), (5, [4, 1]), (10, [4, 6]), (11, [4, 6, 1]), (99, [4, 6, 2])],
)
def test_as_much_of_each_as_it_has_and_no_lot_more_than_needed(points: int, parts: list[int]) -> None:
    taken = take([lot(1, 4), lot(2, 6), lot(3, 2)], points)
    assert [part for _, part in taken] == parts
    assert numbers([each for each, _ in taken]) == list(range(1, len(parts) + 1))


def test_more_than_the_lots_hold_is_a_broken_ledger() -> None:
    with pytest.raises(AssertionError):
        spend([lot(1, 4), lot(2, 6, START)], 5, START)


def test_moves_tell_what_changed_and_every_new_lot() -> None:
    before = {1: lot(1, 5), 2: lot(2, 5), 3: lot(3, 5, reserved=2)}
    after = [lot(1, 5), lot(2, 3, reserved=2), lot(3, 5, reserved=1), lot(4, 0), lot(5, 7)]
    assert moves(before, after) == [[2, -2, 2], [3, 0, -1], [4, 0, 0], [5, 7, 0]]


@pytest.mark.parametrize(
    ("debt", "expires_at", "expected"),
    [
        (0, START + A_YEAR, (10, 0, 0)),
        (4, START + A_YEAR, (6, 4, 0)),
        (10, START + A_YEAR, (0, 10, 0)),
        (11, START + A_YEAR, (0, 10, 0)),
        (4, START, (0, 0, 10)),
        (0, START, (0, 0, 10)),
        (4, START + AN_INSTANT, (6, 4, 0)),
        (4, None, (6, 4, 0)),
    ],
)
def test_what_arrives_expires_first_then_pays_debt(
    debt: int, expires_at: datetime | None, expected: tuple[int, int, int]
) -> None:
    waiting = lot(1, 10, expires_at, pending=True, settle_at=START)
    for arrival in (
        release(waiting, debt=debt, now=START, program=DEFAULT),
        arrive(
            waiting._replace(pending=False, remaining=0),
            10,
            debt=debt,
            now=START,
            program=DEFAULT,
        ),
    ):
        available, debt_paid, expired = expected
        assert arrival[1:] == expected
        assert not arrival.lot.pending
        assert (arrival.lot.remaining, arrival.lot.clawed_back, arrival.lot.expired) == (
            available,
            debt_paid,
            expired,
        )


def test_what_is_released_no_longer_waits() -> None:
    waiting = lot(1, 10, pending=True, settle_at=START)
    assert release(waiting, debt=0, now=START, program=DEFAULT).lot.settle_at is None
    assert release(waiting, debt=1, now=START, program=DEFAULT).lot.settle_at is None


@pytest.mark.parametrize("remaining", [0, 1, 10])
def test_a_lot_expires_whole_at_its_instant(remaining: int) -> None:
    after, points = expire(lot(1, remaining, START, granted=10), now=START, program=DEFAULT)
    assert (points, after.remaining, after.expired, after.expires_at) == (remaining, 0, remaining, START)
    early = lot(1, remaining, START + AN_INSTANT)
    assert expire(early, now=START, program=DEFAULT) == (early, 0)


def test_a_tenth_expires_at_each_anniversary_that_has_passed() -> None:
    first = datetime.fromisoformat("2027-03-05T16:00:00+00:00")
    one = lot(1, 95, first, granted=95)
    after, points = expire(one, now=first, program=TENTHS)
    assert (points, after.remaining, after.expired) == (10, 85, 10)
    assert after.expires_at == datetime.fromisoformat("2028-03-05T16:00:00+00:00")
    after, points = expire(one, now=first + 3 * A_YEAR, program=TENTHS)
    assert (points, after.remaining, after.expired) == (30, 65, 30)
    empty = lot(1, 0, first, granted=95, redeemed=95)
    assert expire(empty, now=first, program=TENTHS) == (empty, 0)


def test_the_account_knows_the_next_expiry_and_the_oldest_open_lot() -> None:
    soon, later = START + timedelta(days=1), START + timedelta(days=2)
    lots = [
        lot(1, 0),
        lot(2, 0, soon, reserved=1),
        lot(3, 5, later),
        lot(4, 7, soon),
        lot(5, 8, soon),
        lot(6, 9, soon, pending=True, settle_at=soon),
        lot(7, 4, None),
        lot(8, 0),
    ]
    known = with_due_dates(account(lot_count=8), lots, {1: DEFAULT})
    assert (known.lot_floor, known.next_expires_at, known.next_expires_points) == (2, soon, 15)
    assert known.due_at == soon

    unseen = with_due_dates(account(lot_count=8, lot_floor=1), lots, {1: DEFAULT}, sees_all=False)
    assert (unseen.lot_floor, unseen.next_expires_points) == (1, 15)


@pytest.mark.parametrize(
    ("open_lot", "floor"),
    [
        (lot(2, 0), 4),
        (lot(2, 1), 2),
        (lot(2, 0, reserved=1), 2),
        (lot(2, 0, pending=True, settle_at=START), 2),
        (lot(2, 0, pending=True), 4),
    ],
)
def test_a_lot_is_open_while_it_holds_or_awaits_something(open_lot: Lot, floor: int) -> None:
    known = with_due_dates(account(lot_count=3, lot_floor=1), [lot(1, 0), open_lot, lot(3, 0)], {1: DEFAULT})
    assert known.lot_floor == floor


def test_nothing_to_expire_is_known_too() -> None:
    before = account(lot_count=1, next_expires_at=START, next_expires_points=5, due_at=START + A_YEAR)
    known = with_due_dates(before, [lot(1, 5, None)], {1: DEFAULT})
    assert (known.next_expires_at, known.next_expires_points, known.due_at) == (None, 0, START + A_YEAR)


@pytest.mark.parametrize(
    ("known", "expires_at", "points", "expected"),
    [
        ((None, 0), START, 3, (START, 3)),
        ((START, 5), START, 3, (START, 8)),
        ((START + AN_INSTANT, 5), START, 3, (START, 3)),
        ((START, 5), START + AN_INSTANT, 3, (START, 5)),
        ((START, 5), None, 3, (START, 5)),
        ((START, 5), START, 0, (START, 5)),
        ((START, 5), START - AN_INSTANT, 1, (START - AN_INSTANT, 1)),
    ],
)
def test_what_arrives_may_be_next_to_expire(
    known: tuple[datetime | None, int],
    expires_at: datetime | None,
    points: int,
    expected: tuple[datetime, int],
) -> None:
    before = account(lot_count=1, lot_floor=1, next_expires_at=known[0], next_expires_points=known[1])
    after = with_arrival(before, lot(1, points, expires_at), points, DEFAULT)
    assert (after.next_expires_at, after.next_expires_points) == expected
    if expected[0] != known[0]:
        assert after.due_at == expected[0]


@pytest.mark.parametrize(("number", "floor"), [(3, 3), (4, 4), (5, 4)])
def test_an_older_lot_that_gets_points_back_is_open_again(number: int, floor: int) -> None:
    after = with_arrival(account(lot_count=5, lot_floor=4), lot(number, 1, None), 1, DEFAULT)
    assert after.lot_floor == floor


def test_of_a_tenth_that_is_due_only_what_was_missing_is_added() -> None:
    before = account(lot_count=1, lot_floor=1, next_expires_at=START, next_expires_points=4)
    after = with_arrival(before, lot(1, 14, START, granted=100), 10, TENTHS)
    assert after.next_expires_points == 10
