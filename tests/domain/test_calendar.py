from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendar import add_months, end_of_day, local_date, midnight

SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "zone", "day"),
    [
        ("2026-03-05T15:59:59.999999", "Asia/Shanghai", date(2026, 3, 5)),
        ("2026-03-05T16:00:00", "Asia/Shanghai", date(2026, 3, 6)),
        ("2026-03-05T04:59:59", "America/New_York", date(2026, 3, 4)),
    ],
)
def test_local_date(instant: str, zone: str, day: date) -> None:
    assert local_date(utc(instant), ZoneInfo(zone)) == day


@pytest.mark.parametrize(
    ("day", "zone", "instant"),
    [
        (date(2026, 3, 6), "Asia/Shanghai", "2026-03-05T16:00:00"),
        # The clocks jump from 0:00 to 1:00: the day begins with the jump.
        (date(2018, 11, 4), "America/Sao_Paulo", "2018-11-04T03:00:00"),
        # The day was left out altogether: it begins, and ends, where the next one begins.
        (date(2011, 12, 30), "Pacific/Apia", "2011-12-30T10:00:00"),
        (date(2011, 12, 31), "Pacific/Apia", "2011-12-30T10:00:00"),
        # They go back from 1:00 to 0:00: the first midnight counts.
        (date(2023, 10, 29), "Atlantic/Azores", "2023-10-29T00:00:00"),
        # They go back from 0:00 to 23:00 of the day before, which so has 25 hours.
        (date(2018, 2, 18), "America/Sao_Paulo", "2018-02-18T03:00:00"),
    ],
)
def test_midnight(day: date, zone: str, instant: str) -> None:
    assert midnight(day, ZoneInfo(zone)) == utc(instant)
    assert midnight(day, ZoneInfo(zone)).tzinfo is UTC
    assert end_of_day(day - timedelta(days=1), ZoneInfo(zone)) == utc(instant)


@given(
    st.dates(date(1920, 1, 1), date(2200, 12, 31)),
    st.sampled_from(
        [
            "Asia/Shanghai",
            "America/Toronto",
            "America/Sao_Paulo",
            "Pacific/Apia",
            "Africa/Cairo",
            "Asia/Tehran",
        ]
    ).map(ZoneInfo),
)
def test_midnight_is_the_first_instant_of_the_day(day: date, zone: ZoneInfo) -> None:
    begins = midnight(day, zone)
    assert local_date(begins, zone) >= day
    assert local_date(begins - timedelta(microseconds=1), zone) < day
    assert begins <= end_of_day(day, zone)


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 5), -1, date(2025, 12, 5)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_add_months(day: date, months: int, after: date) -> None:
    assert add_months(day, months) == after
