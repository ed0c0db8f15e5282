"""When a campaign is open: its window, the days of its recurrence, and the midnights of the zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.calendar import local_date, midnight
from app.domain.campaigns import Campaign, CampaignWindow
from app.recurrence import is_open, open_days, opens_next, start_of

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
SATURDAYS = "FREQ=MONTHLY;BYDAY=1SA"
SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
APIA, LORD_HOWE = ZoneInfo("Pacific/Apia"), ZoneInfo("Australia/Lord_Howe")
HAVANA = ZoneInfo("America/Havana")  # whose clocks jump ahead at midnight
MADE = datetime(2011, 1, 1, 12, tzinfo=UTC)


def campaign(
    rrule: str | None = None,
    from_at: datetime | None = None,
    until: datetime | None = None,
    *,
    created_at: datetime = MADE,
) -> Campaign:
    window = CampaignWindow(from_at, until, rrule)
    return Campaign(campaign="c", name="C", trigger="order", effects=(), window=window, created_at=created_at)


def holds(given: Campaign, now: datetime, timezone: ZoneInfo) -> bool:
    return is_open(given, now, local_date(now, timezone), timezone)


def test_a_window_includes_its_beginning_and_not_its_end() -> None:
    from_at, until = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC)
    given = campaign(None, from_at, until)
    assert [
        holds(given, moment, SHANGHAI) for moment in (from_at - SECOND, from_at, until - SECOND, until)
    ] == [
        False,
        True,
        True,
        False,
    ]
    assert opens_next(given, from_at - DAY, SHANGHAI) == from_at
    assert opens_next(given, from_at, SHANGHAI) is None
    assert opens_next(given, until, SHANGHAI) is None
    assert holds(campaign(), datetime(2100, 1, 1, tzinfo=UTC), SHANGHAI)


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        (SHANGHAI, date(2026, 3, 7), 24),
        (NEW_YORK, date(2026, 3, 8), 23),
        (NEW_YORK, date(2026, 11, 1), 25),
        (LORD_HOWE, date(2026, 4, 5), 24.5),
        (LORD_HOWE, date(2026, 10, 4), 23.5),
        (HAVANA, date(2026, 3, 8), 23),
        (APIA, date(2011, 12, 29), 24),
        (APIA, date(2011, 12, 31), 24),
    ],
)
def test_a_day_lasts_from_midnight_to_midnight(timezone: ZoneInfo, day: date, hours: float) -> None:
    given = campaign(f"FREQ=YEARLY;BYMONTH={day.month};BYMONTHDAY={day.day}")
    opens = midnight(day, timezone)
    closes = opens + timedelta(hours=hours)
    assert not holds(given, opens - SECOND, timezone)
    assert holds(given, opens, timezone)
    assert holds(given, closes - SECOND, timezone)
    assert not holds(given, closes, timezone)
    assert opens_next(given, opens - DAY * 3, timezone) == opens
    assert opens_next(given, opens, timezone) is None
    following = opens_next(given, closes, timezone)
    assert following == midnight(day.replace(year=day.year + 1), timezone)


def test_the_day_that_apia_left_out_never_opens() -> None:
    """The 29th of December 2011 was followed by the 31st."""
    thirtieths = campaign("FREQ=MONTHLY;BYMONTHDAY=30")
    moment, last = datetime(2011, 12, 28, tzinfo=UTC), datetime(2012, 1, 20, tzinfo=UTC)
    while moment < last:
        assert not holds(thirtieths, moment, APIA)
        assert opens_next(thirtieths, moment, APIA) == midnight(date(2012, 1, 30), APIA)
        moment += timedelta(hours=1)
    once = campaign("FREQ=DAILY;BYMONTH=12;BYMONTHDAY=30;UNTIL=20111231")
    assert opens_next(once, datetime(2011, 12, 28, tzinfo=UTC), APIA) is None


def test_the_same_moment_is_another_day_elsewhere() -> None:
    given = campaign(SATURDAYS)
    moment = datetime(2026, 3, 6, 20, tzinfo=UTC)  # Saturday in Shanghai, Friday in New York
    assert holds(given, moment, SHANGHAI)
    assert not holds(given, moment, NEW_YORK)


def test_a_rule_counts_from_the_day_of_its_window_or_of_its_making() -> None:
    evening = datetime(2026, 3, 1, 20, tzinfo=UTC)
    made, since = campaign(created_at=evening), campaign(None, evening, created_at=MADE)
    assert start_of(made, SHANGHAI) == start_of(since, SHANGHAI) == date(2026, 3, 2)
    assert start_of(made, NEW_YORK) == date(2026, 3, 1)
    every_third = campaign("FREQ=DAILY;INTERVAL=3", created_at=evening)
    noons = [datetime(2026, 3, day, 4, tzinfo=UTC) for day in range(1, 10)]
    assert [noon.day for noon in noons if holds(every_third, noon, SHANGHAI)] == [2, 5, 8]


def test_a_window_that_begins_or_ends_within_a_day_of_its_rule() -> None:
    noon = datetime(2026, 3, 7, 4, tzinfo=UTC)  # of the first Saturday, in Shanghai
    given = campaign(SATURDAYS, noon, noon + DAY * 28)
    assert opens_next(given, noon - DAY, SHANGHAI) == noon
    assert not holds(given, noon - SECOND, SHANGHAI)
    assert holds(given, noon, SHANGHAI)
    april = midnight(date(2026, 4, 4), SHANGHAI)
    assert opens_next(given, noon + DAY, SHANGHAI) == april
    assert holds(given, april + timedelta(hours=12) - SECOND, SHANGHAI)
    assert not holds(given, april + timedelta(hours=12), SHANGHAI)
    assert opens_next(given, april + timedelta(hours=12), SHANGHAI) is None
    assert opens_next(campaign(SATURDAYS, noon, april), noon + DAY, SHANGHAI) is None


def test_a_rule_that_has_come_to_its_end_opens_no_more() -> None:
    given = campaign("FREQ=WEEKLY;BYDAY=SA;COUNT=2", datetime(2026, 3, 1, tzinfo=UTC))
    assert opens_next(given, datetime(2026, 3, 8, tzinfo=UTC), SHANGHAI) == midnight(
        date(2026, 3, 14), SHANGHAI
    )
    assert opens_next(given, datetime(2026, 3, 15, tzinfo=UTC), SHANGHAI) is None


zones = st.sampled_from([SHANGHAI, NEW_YORK, APIA, LORD_HOWE, HAVANA])
moments = st.integers(0, 900 * 86_400).map(lambda seconds: MADE + timedelta(seconds=seconds))
rules = st.none() | st.sampled_from(
    [
        *(SATURDAYS, "FREQ=MONTHLY;BYMONTHDAY=30", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=WEEKLY;BYDAY=MO,SU"),
        *("FREQ=DAILY;INTERVAL=2", "FREQ=WEEKLY;INTERVAL=2;COUNT=20", "FREQ=DAILY;BYMONTH=12;UNTIL=20120105"),
    ]
)


@given(timezone=zones, rule=rules, from_at=st.none() | moments, until=st.none() | moments, now=moments)
@settings(deadline=None)
def test_it_opens_next_when_it_is_told_to_and_not_before(
    timezone: ZoneInfo, rule: str | None, from_at: datetime | None, until: datetime | None, now: datetime
) -> None:
    given = campaign(rule, from_at, until)
    opens = opens_next(given, now, timezone)
    if holds(given, now, timezone):
        assert opens is None
        return
    last = opens if opens is not None else now + DAY * 70
    moment = now
    while moment < last:
        assert not holds(given, moment, timezone)
        moment += timedelta(hours=7)
    if opens is not None:
        assert opens > now
        assert not holds(given, opens - SECOND, timezone)
        assert holds(given, opens, timezone)


@given(timezone=zones, rule=rules, from_at=st.none() | moments, until=st.none() | moments, now=moments)
@settings(deadline=None)
def test_the_days_on_which_it_is_open_for_some_time(
    timezone: ZoneInfo, rule: str | None, from_at: datetime | None, until: datetime | None, now: datetime
) -> None:
    if from_at is not None and until is not None and from_at >= until:
        until = None
    given = campaign(rule, from_at, until)
    first = local_date(now, timezone)
    last = first + DAY * 20
    moment, end, found = midnight(first, timezone), midnight(last + DAY, timezone), set[date]()
    edges = {
        moment for moment in (from_at, until and until - timedelta(microseconds=1)) if moment is not None
    }
    while moment < end:
        edges.add(moment)
        moment += timedelta(minutes=30)
    for moment in edges:
        day = local_date(moment, timezone)
        if first <= day <= last and holds(given, moment, timezone):
            found.add(day)
    left_out = {date(2011, 12, 30)} if timezone is APIA else set[date]()
    assert open_days(given, first, last, timezone) - left_out == found
