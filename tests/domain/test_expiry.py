from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import local_date
from app.domain.expiry import Expired, expire_step, expires_at, extended, points_due
from tests.domain.programs import DEFAULT, with_validity

# From 1990 to 2100.
INSTANTS = st.integers(631_152_000, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
YEARLY_TENTH = with_validity(policy="yearly_tenth")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("validity", "accrued_at", "expected"),
    [
        # 5 March in Shanghai: usable through 5 March of the next year.
        ({"policy": "anniversary", "years": 1}, "2026-03-05T02:00:00", "2027-03-05T16:00:00"),
        # 16:00 UTC is the 6th there already; one microsecond earlier is still the 5th.
        ({"policy": "anniversary", "years": 1}, "2026-03-05T16:00:00", "2027-03-06T16:00:00"),
        ({"policy": "anniversary", "years": 1}, "2026-03-05T15:59:59.999999", "2027-03-05T16:00:00"),
        ({"policy": "anniversary", "years": 1}, "2024-02-29T02:00:00", "2025-02-28T16:00:00"),
        ({"policy": "anniversary", "years": 4}, "2024-02-29T02:00:00", "2028-02-29T16:00:00"),
        ({"policy": "months", "months": 1}, "2026-01-31T02:00:00", "2026-02-28T16:00:00"),
        ({"policy": "inactivity", "months": 6}, "2026-01-31T02:00:00", "2026-07-31T16:00:00"),
        ({"policy": "calendar_year_end", "years": 0}, "2026-03-05T02:00:00", "2026-12-31T16:00:00"),
        ({"policy": "calendar_year_end", "years": 1}, "2026-12-31T15:59:59", "2027-12-31T16:00:00"),
        ({"policy": "calendar_year_end", "years": 1}, "2026-12-31T16:00:00", "2028-12-31T16:00:00"),
        ({"policy": "yearly_tenth"}, "2026-03-05T02:00:00", "2027-03-05T16:00:00"),
        ({"policy": "never"}, "2026-03-05T02:00:00", None),
        # The midnight that ends the last day is skipped there: the points live until the clocks jump.
        (
            {"policy": "anniversary", "years": 1, "timezone": "America/Sao_Paulo"},
            "2017-11-03T12:00:00",
            "2018-11-04T03:00:00",
        ),
    ],
)
def test_expires_at(validity: dict[str, Any], accrued_at: str, expected: str | None) -> None:
    assert expires_at(utc(accrued_at), with_validity(**validity)) == (expected and utc(expected))


@given(INSTANTS)
def test_a_year_is_never_shorter_than_365_days_and_never_longer_than_367(accrued_at: datetime) -> None:
    ends = expires_at(accrued_at, DEFAULT)
    assert ends is not None
    an_hour = timedelta(hours=1)  # China had summer time until 1991
    assert timedelta(days=365) - an_hour < ends - accrued_at <= timedelta(days=367) + an_hour
    last_day = local_date(ends - timedelta(microseconds=1), DEFAULT.timezone)
    assert last_day.year == local_date(accrued_at, DEFAULT.timezone).year + 1


def test_all_goes_at_once() -> None:
    step = expire_step(
        granted=100,
        remaining=70,
        accrued_at=utc("2026-03-05T02:00:00"),
        expires_at=utc("2027-03-05T16:00:00"),
        program=DEFAULT,
    )
    assert step == Expired(70, None)


@pytest.mark.parametrize(
    ("granted", "remaining", "points"),
    [
        (100, 100, 10),
        (101, 101, 11),  # a tenth is rounded up
        (100, 7, 7),
        (100, 10, 10),
        (100, 0, 0),  # what is spent or reserved may come back
        (3, 3, 1),
    ],
)
def test_a_tenth_goes_each_year(granted: int, remaining: int, points: int) -> None:
    step = expire_step(
        granted=granted,
        remaining=remaining,
        accrued_at=utc("2026-03-05T02:00:00"),
        expires_at=utc("2027-03-05T16:00:00"),
        program=YEARLY_TENTH,
    )
    assert step == Expired(points, utc("2028-03-05T16:00:00"))
    assert points_due(granted=granted, remaining=remaining, program=YEARLY_TENTH) == points


@pytest.mark.parametrize(
    ("accrued_at", "expires_at", "next_expires_at"),
    [
        # In Shanghai it was the 6th already.
        ("2026-03-05T20:00:00", "2027-03-06T16:00:00", "2028-03-06T16:00:00"),
        ("2024-02-29T02:00:00", "2025-02-28T16:00:00", "2026-02-28T16:00:00"),
        ("2024-02-29T02:00:00", "2027-02-28T16:00:00", "2028-02-29T16:00:00"),
        # The anniversary ends with the year, its midnight is in the next one.
        ("2025-12-31T02:00:00", "2026-12-31T16:00:00", "2027-12-31T16:00:00"),
        # Extended lots: the first anniversary that is still to come.
        ("2026-03-05T02:00:00", "2027-06-01T16:00:00", "2028-03-05T16:00:00"),
        ("2026-03-05T02:00:00", "2028-01-10T16:00:00", "2028-03-05T16:00:00"),
    ],
)
def test_the_next_tenth_goes_on_the_next_anniversary(
    accrued_at: str, expires_at: str, next_expires_at: str
) -> None:
    step = expire_step(
        granted=100,
        remaining=100,
        accrued_at=utc(accrued_at),
        expires_at=utc(expires_at),
        program=YEARLY_TENTH,
    )
    assert step.next_expires_at == utc(next_expires_at)


@given(
    granted=st.integers(1, 10**12),
    accrued_at=INSTANTS,
)
def test_tenths_take_everything_in_at_most_ten_years(granted: int, accrued_at: datetime) -> None:
    remaining, due, steps = granted, expires_at(accrued_at, YEARLY_TENTH), 0
    while remaining:
        assert due is not None
        step = expire_step(
            granted=granted,
            remaining=remaining,
            accrued_at=accrued_at,
            expires_at=due,
            program=YEARLY_TENTH,
        )
        assert step.points > 0
        assert step.next_expires_at is not None
        assert step.next_expires_at > due
        remaining, due, steps = remaining - step.points, step.next_expires_at, steps + 1
    assert steps <= 10


def test_grace_ends_with_a_day() -> None:
    now = utc("2026-03-05T16:00:00")  # the 6th in Shanghai
    assert extended(now, grace_days=0, program=DEFAULT) == utc("2026-03-06T16:00:00")
    assert extended(now, grace_days=7, program=DEFAULT) == utc("2026-03-13T16:00:00")
