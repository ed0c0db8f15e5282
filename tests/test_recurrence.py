"""Recurrences: which rules are refused, which days the others name, and when a campaign is open by them."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr

from app.recurrence import (
    MAX_LENGTH,
    YEARS_AHEAD,
    RecurrenceAlways,
    RecurrenceInvalid,
    RecurrenceNever,
    check,
    next_day,
    occurs_on,
)

DAY = timedelta(days=1)
START = date(2026, 3, 1)  # a Sunday
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
EVERY_DAY = ",".join(WEEKDAYS)
SATURDAYS = "FREQ=MONTHLY;BYDAY=1SA"


def days(rule: str, start: date = START, *, years: int = 5) -> list[date]:
    """The days it names in so many years."""
    check(rule, start=start)
    return [
        day
        for day in between(start, date(start.year + years, 12, 31))
        if occurs_on(rule, start=start, day=day)
    ]


def between(first: date, last: date) -> Iterator[date]:
    return (first + DAY * number for number in range((last - first).days + 1))


def as_dateutil_says(rule: str, start: date, last: date) -> list[date]:
    beginning = datetime.combine(start, datetime.min.time())
    named = rrulestr(rule, dtstart=beginning).between(
        beginning, datetime.combine(last, datetime.min.time()), inc=True
    )
    return [moment.date() for moment in named]


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("", "no part of a rule of whole days"),
        ("saturdays", "no part of a rule of whole days"),
        ("BYDAY=SA", "FREQ is missing"),
        ("FREQ", "FREQ must be one of DAILY, WEEKLY, MONTHLY, YEARLY"),
        ("FREQ=", "FREQ must be one of"),
        ("FREQ=HOURLY", "FREQ must be one of"),
        ("FREQ=SECONDLY;COUNT=5", "FREQ must be one of"),
        ("FREQ=daily", "FREQ must be one of"),
        ("FREQ=DAILY=DAILY", "FREQ must be one of"),
        ("FREQ=DAILY\nFREQ=DAILY", "FREQ must be one of"),
        ("freq=DAILY", "no part"),
        ("FREQ=DAILY;", "no part"),
        (" FREQ=DAILY", "no part"),
        ("RRULE:FREQ=DAILY", "no part"),
        ("DTSTART=20260101;FREQ=DAILY", "no part"),
        ("FREQ=DAILY;BYHOUR=3", "no part"),
        ("FREQ=DAILY;BYMINUTE=3", "no part"),
        ("FREQ=DAILY;BYSECOND=3", "no part"),
        ("FREQ=YEARLY;BYEASTER=0", "no part"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ is there twice"),
        ("FREQ=DAILY;COUNT=3;COUNT=4", "COUNT is there twice"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20300101", "COUNT does not go with UNTIL"),
        ("FREQ=DAILY;COUNT=0", "COUNT must be from 1 to 10000"),
        ("FREQ=DAILY;COUNT=10001", "COUNT must be from 1 to 10000"),
        ("FREQ=DAILY;COUNT=-1", "COUNT must be from 1 to 10000"),
        ("FREQ=DAILY;COUNT=3,4", "COUNT must be from 1 to 10000"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be from 1 to 1000"),
        ("FREQ=DAILY;INTERVAL=1001", "INTERVAL must be from 1 to 1000"),
        ("FREQ=DAILY;INTERVAL=1.5", "INTERVAL must be from 1 to 1000"),
        ("FREQ=DAILY;INTERVAL=２", "INTERVAL must be from 1 to 1000"),
        ("FREQ=DAILY;INTERVAL=" + "9" * 100, "INTERVAL must be from 1 to 1000"),
        ("FREQ=DAILY;UNTIL=2030-01-01", "UNTIL must be a day such as 20271231"),
        ("FREQ=DAILY;UNTIL=20300230", "UNTIL must be a day"),
        ("FREQ=DAILY;UNTIL=20300101T000000Z", "UNTIL must be a day"),
        ("FREQ=DAILY;UNTIL=2030 101", "UNTIL must be a day"),
        ("FREQ=DAILY;UNTIL=00000101", "UNTIL must be a day"),
        ("FREQ=WEEKLY;BYDAY=", "BYDAY must name weekdays such as SA, 1SA or -1FR"),
        ("FREQ=WEEKLY;BYDAY=SAT", "BYDAY must name weekdays"),
        ("FREQ=WEEKLY;BYDAY=SA,", "BYDAY must name weekdays"),
        ("FREQ=WEEKLY;BYDAY=sa", "BYDAY must name weekdays"),
        ("FREQ=MONTHLY;BYDAY=0SA", "BYDAY must name weekdays"),
        ("FREQ=YEARLY;BYDAY=54SA", "BYDAY must name weekdays"),
        ("FREQ=MONTHLY;BYDAY=--1SA", "BYDAY must name weekdays"),
        ("FREQ=MONTHLY;BYDAY=1 SA", "BYDAY must name weekdays"),
        ("FREQ=WEEKLY;BYDAY=1SA", "BYDAY names numbered weekdays with MONTHLY and YEARLY alone"),
        ("FREQ=DAILY;BYDAY=-1SA", "BYDAY names numbered weekdays with MONTHLY and YEARLY alone"),
        ("FREQ=MONTHLY;BYDAY=6SA", "the weekdays of a month from 1 to 5, or from -5 to -1"),
        ("FREQ=MONTHLY;BYDAY=53MO", "the weekdays of a month from 1 to 5, or from -5 to -1"),
        ("FREQ=MONTHLY;BYDAY=SA,-6SU", "the weekdays of a month from 1 to 5, or from -5 to -1"),
        ("FREQ=YEARLY;BYMONTH=12;BYDAY=53MO", "the weekdays of a month from 1 to 5, or from -5 to -1"),
        ("FREQ=WEEKLY;WKST=1", "WKST must be a weekday such as MO"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY must be from -31 to 31, and not 0"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY must be from -31 to 31"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,,2", "BYMONTHDAY must be from -31 to 31"),
        ("FREQ=MONTHLY;BYMONTHDAY=--1", "BYMONTHDAY must be from -31 to 31"),
        ("FREQ=MONTHLY;BYMONTHDAY=", "BYMONTHDAY must be from -31 to 31"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH must be from 1 to 12"),
        ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH must be from 1 to 12"),
        ("FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY must be from -366 to 366"),
        ("FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO must be from -53 to 53"),
        ("FREQ=YEARLY;BYSETPOS=0;BYDAY=SA", "BYSETPOS must be from -366 to 366"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS goes with WEEKLY, MONTHLY and YEARLY alone"),
        ("FREQ=DAILY;" + "X" * MAX_LENGTH, "at most 200 characters"),
    ],
)
def test_what_is_refused(rule: str, words: str) -> None:
    with pytest.raises(RecurrenceInvalid) as refusal:
        check(rule, start=START)
    assert words in refusal.value.detail
    assert refusal.value.told in refusal.value.detail


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    for rule in (
        "secret",
        "secret;secret",
        "FREQ=secret",
        "FREQ=DAILY;UNTIL=secret",
        "FREQ=DAILY;BYDAY=secret",
    ):
        with pytest.raises(RecurrenceInvalid) as refusal:
            check(rule, start=START)
        assert "secret" not in refusal.value.detail


@pytest.mark.parametrize(
    ("rule", "until"),
    [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", None),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", None),
        ("FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30,31", None),
        ("FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4,6,9,11", None),
        ("FREQ=DAILY;BYDAY=MO;BYMONTH=3;INTERVAL=1000;BYMONTHDAY=2", None),
        ("FREQ=WEEKLY;BYDAY=SA,SU;BYSETPOS=3", None),
        ("FREQ=YEARLY;INTERVAL=1000;BYMONTH=1;BYMONTHDAY=1", None),
        ("FREQ=DAILY;UNTIL=20260228", None),
        ("FREQ=DAILY;UNTIL=00010101", None),
        (SATURDAYS, date(2026, 3, 7)),
        ("FREQ=DAILY;BYDAY=MO", date(2026, 3, 2)),
        (SATURDAYS, START),
        (SATURDAYS, START - DAY * 100),
    ],
)
def test_what_names_no_day(rule: str, until: date | None) -> None:
    with pytest.raises(RecurrenceNever):
        check(rule, start=START, until=until)


@pytest.mark.parametrize(
    ("rule", "until"),
    [
        ("FREQ=DAILY", None),
        ("FREQ=DAILY", START + DAY * 2),
        ("FREQ=DAILY;COUNT=10", START + DAY * 10),
        ("FREQ=DAILY;UNTIL=20260310", date(2026, 3, 11)),
        ("FREQ=DAILY;UNTIL=99991231", None),
        (f"FREQ=WEEKLY;BYDAY={EVERY_DAY}", None),
        ("FREQ=YEARLY;BYMONTH=3,4", date(2026, 4, 1)),
        ("FREQ=DAILY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12", date(2226, 3, 1)),
    ],
)
def test_what_names_every_day(rule: str, until: date | None) -> None:
    if rule.startswith("FREQ=YEARLY"):
        rule += f";BYDAY={EVERY_DAY}"
    with pytest.raises(RecurrenceAlways):
        check(rule, start=START, until=until)


@pytest.mark.parametrize(
    ("rule", "until"),
    [
        ("FREQ=DAILY;INTERVAL=2", None),
        ("FREQ=DAILY;COUNT=1", None),
        # They end, though years later.
        ("FREQ=DAILY;COUNT=1000", None),
        ("FREQ=DAILY;COUNT=10000", None),
        ("FREQ=DAILY;UNTIL=20451231", None),
        ("FREQ=DAILY;COUNT=10", START + DAY * 11),
        # All weeks but the 53rd that some years have.
        ("FREQ=YEARLY;BYWEEKNO=" + ",".join(map(str, range(1, 53))), None),
        # A window of one day says nothing of a rule.
        ("FREQ=DAILY", START + DAY),
        (SATURDAYS, date(2026, 3, 8)),
    ],
)
def test_what_names_some_days(rule: str, until: date | None) -> None:
    check(rule, start=START, until=until)


def test_what_is_too_far_ahead_is_never() -> None:
    """The next leap day on a Wednesday is that of 2040."""
    rule = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=WE"
    first = date(2040, 2, 29)
    assert next_day(rule, start=START, after=START) == first
    assert first.year - START.year < YEARS_AHEAD
    with pytest.raises(RecurrenceNever):
        check(rule, start=START, until=first)
    check(rule, start=START, until=first + DAY)


# --- which days it names ---------------------------------------------------------------------------------


def test_first_saturdays_for_thirty_years() -> None:
    by_the_calendar = [
        next(
            date(year, month, day)
            for day, weekday in calendar.Calendar().itermonthdays2(year, month)
            if day and weekday == calendar.SATURDAY
        )
        for year in range(2026, 2057)
        for month in range(1, 13)
    ]
    found = days(SATURDAYS, years=30)
    assert found == [day for day in by_the_calendar if day >= START]
    assert found == as_dateutil_says(SATURDAYS, START, date(2056, 12, 31))
    named = set(found)
    for day in between(date(2025, 1, 1), date(2056, 12, 31)):
        assert occurs_on(SATURDAYS, start=START, day=day) is (day in named)


@pytest.mark.parametrize(
    ("rule", "start", "first"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=-1", date(2027, 12, 1), ["1231", "0131", "0229", "0331", "0430"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", date(2026, 1, 31), ["0131", "0331", "0531", "0731", "0831", "1031"]),
        ("FREQ=MONTHLY", date(2026, 1, 31), ["0131", "0331", "0531", "0731"]),
        (
            "FREQ=MONTHLY;BYMONTHDAY=29,30,-1",
            date(2026, 2, 1),
            ["0228", "0329", "0330", "0331", "0429", "0430"],
        ),
        ("FREQ=MONTHLY;INTERVAL=3;BYDAY=-1FR", date(2026, 1, 1), ["0130", "0424", "0731", "1030", "0129"]),
        ("FREQ=MONTHLY;BYDAY=5SA", date(2026, 1, 1), ["0131", "0530", "0829", "1031"]),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", date(2026, 1, 1), ["0213", "0313", "1113", "0813"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", date(2026, 1, 1), ["0130", "0227", "0331"]),
        ("FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1,-1", date(2026, 1, 1), ["0103", "0131", "0201", "0228"]),
        ("FREQ=YEARLY", date(2026, 11, 11), ["1111", "1111"]),
        ("FREQ=YEARLY;BYMONTH=5;BYDAY=2SU", date(2026, 1, 1), ["0510", "0509", "0514"]),
        ("FREQ=YEARLY;BYDAY=1MO,-1MO", date(2026, 1, 1), ["0105", "1228", "0104", "1227"]),
        (
            "FREQ=YEARLY;BYYEARDAY=1,-1,366",
            date(2027, 1, 1),
            ["0101", "1231", "0101", "1231", "0101", "1231"],
        ),
        ("FREQ=WEEKLY", date(2026, 3, 4), ["0304", "0311", "0318"]),
        ("FREQ=WEEKLY;BYDAY=TU,SU", date(2026, 3, 4), ["0308", "0310", "0315"]),
        # Every other week: which Sunday goes with which Tuesday hangs on where weeks begin (RFC 5545, 3.3.10).
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO", date(1997, 8, 5), ["0805", "0810", "0819", "0824"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", date(1997, 8, 5), ["0805", "0817", "0819", "0831"]),
        ("FREQ=DAILY;INTERVAL=10", date(2026, 12, 25), ["1225", "0104", "0114"]),
        ("FREQ=DAILY;BYMONTH=1;BYMONTHDAY=1,2", date(2026, 3, 1), ["0101", "0102", "0101", "0102"]),
    ],
)
def test_days_named(rule: str, start: date, first: list[str]) -> None:
    found = days(rule, start)
    assert [f"{day:%m%d}" for day in found[: len(first)]] == first
    assert all(day >= start for day in found)


def test_leap_days() -> None:
    assert days("FREQ=YEARLY", date(2028, 2, 29), years=16) == [
        date(year, 2, 29) for year in (2028, 2032, 2036, 2040, 2044)
    ]
    assert days("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", date(2090, 1, 1), years=20) == [
        date(2092, 2, 29),
        date(2096, 2, 29),
        date(2104, 2, 29),
        date(2108, 2, 29),
    ]
    assert days("FREQ=YEARLY;BYYEARDAY=60", START, years=2) == [
        date(2026, 3, 1),
        date(2027, 3, 1),
        date(2028, 2, 29),
    ]
    assert days("FREQ=YEARLY;BYYEARDAY=366", START, years=6) == [date(2028, 12, 31), date(2032, 12, 31)]


@pytest.mark.parametrize("number", [*range(1, 54), -1])
def test_weeks_of_the_year_are_those_of_iso(number: int) -> None:
    """Across the ends of years too: the 53rd week of 2026 ends in January, the first of 2030 begins in December. Only
    that dateutil takes the 52nd week's days in January for a 53rd week's, after some years that have none.
    """
    first, last = date(2020, 1, 1), date(2040, 12, 31)
    found = set(days(f"FREQ=YEARLY;BYWEEKNO={number};BYDAY={EVERY_DAY}", first, years=20))

    def is_named(day: date) -> bool:
        year, week, _ = day.isocalendar()
        weeks = date(year, 12, 28).isocalendar().week
        return week == (number if number > 0 else weeks + 1 + number)

    wrong = found ^ {day for day in between(first, last) if is_named(day)}
    assert wrong <= {date(year, 1, day) for year in (2022, 2039) for day in (1, 2)}
    assert not wrong or number in (52, 53)


def test_a_count_and_a_last_day() -> None:
    assert days("FREQ=WEEKLY;BYDAY=SA;COUNT=3") == [date(2026, 3, 7), date(2026, 3, 14), date(2026, 3, 21)]
    assert days("FREQ=WEEKLY;BYDAY=SA;UNTIL=20260321") == days("FREQ=WEEKLY;BYDAY=SA;COUNT=3"), (
        "that day included"
    )
    assert days("FREQ=WEEKLY;BYDAY=SA;UNTIL=20260320") == days("FREQ=WEEKLY;BYDAY=SA;COUNT=2")
    assert len(days("FREQ=DAILY;COUNT=10000", years=30)) == 10_000


def test_it_counts_from_its_start_and_names_none_before() -> None:
    rule = "FREQ=WEEKLY;INTERVAL=3"
    for offset in range(21):
        start = START + DAY * offset
        assert days(rule, start, years=1)[:3] == [start, start + DAY * 21, start + DAY * 42]
        assert not any(occurs_on(rule, start=start, day=start - DAY * back) for back in range(1, 900, 7))
    assert next_day(rule, start=START, after=START - DAY * 5_000) == START
