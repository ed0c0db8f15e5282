"""Any rule that can be written: held to what dateutil says, to days looked at one by one, and to its time."""

from __future__ import annotations

import calendar
from contextlib import suppress
from datetime import date
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.recurrence import RecurrenceAlways, RecurrenceInvalid, RecurrenceNever, check, next_day, occurs_on
from tests.pace import takes_at_most
from tests.test_recurrence import DAY, START, WEEKDAYS, as_dateutil_says, between

numbered = st.builds(
    lambda number, day: f"{number or ''}{day}",
    st.sampled_from([0, 0, 1, 2, 3, 4, 5, -1, -2, -5]),
    st.sampled_from(WEEKDAYS),
)


def listed(values: st.SearchStrategy[object]) -> st.SearchStrategy[str]:
    return st.lists(values.map(str), min_size=1, max_size=5).map(",".join)


def some(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, most).filter(bool)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Any rule that has the form of one; it may name no day, or all."""
    freq = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    with_numbers = freq in ("MONTHLY", "YEARLY")
    parts = {
        "INTERVAL": st.integers(1, 6) | st.integers(1, 1_000),
        "COUNT": st.integers(1, 50) | st.integers(1, 10_000),
        "UNTIL": st.dates(date(2026, 1, 1), date(2040, 1, 1)).map("{:%Y%m%d}".format),
        "BYDAY": listed(numbered if with_numbers else st.sampled_from(WEEKDAYS)),
        "BYMONTHDAY": listed(some(-31, 31)),
        "BYMONTH": listed(some(1, 12)),
        "BYYEARDAY": listed(some(-366, 366)),
        "BYWEEKNO": listed(some(-53, 53)),
        "BYSETPOS": listed(some(-6, 6) | some(-366, 366)),
        "WKST": st.sampled_from(WEEKDAYS),
    }
    names = draw(st.lists(st.sampled_from(list(parts)), max_size=4, unique=True))
    if "COUNT" in names and "UNTIL" in names:
        names.remove("COUNT")
    if freq == "DAILY" and "BYSETPOS" in names:
        names.remove("BYSETPOS")
    return ";".join([f"FREQ={freq}", *(f"{name}={draw(parts[name])}" for name in names)])


starts = st.dates(date(2020, 1, 1), date(2032, 12, 31))


@given(rule=rules(), start=starts)
@settings(deadline=None)
def test_any_rule_names_the_days_that_dateutil_does(rule: str, start: date) -> None:
    last = date(start.year + 5, 12, 31)
    found = [day for day in between(start - DAY * 40, last) if occurs_on(rule, start=start, day=day)]
    first = next_day(rule, start=start, after=start - DAY)
    if first is None and rule.startswith(("FREQ=DAILY", "FREQ=WEEKLY")):
        assert not found  # dateutil would look for a first day until the year 9999
        return
    assert found == as_dateutil_says(rule, start, last)
    if found:
        assert first == found[0]
    else:
        assert first is None or first > last
    for day, following in pairwise(found[:20]):
        assert next_day(rule, start=start, after=day) == following


@given(rule=rules(), start=st.dates(date(1900, 1, 1), date(2200, 12, 31)))
@settings(deadline=None)
def test_any_rule_is_answered_in_time(rule: str, start: date) -> None:
    """Also one that names no day, or that began long ago."""
    with takes_at_most(0.5):
        try:
            check(rule, start=start)
        except (RecurrenceNever, RecurrenceAlways):
            pass
        else:
            next_day(rule, start=start, after=max(start, date(2026, 6, 1)))


@given(
    rule=st.text(
        st.sampled_from("FREQ=;,-+0123456789 BYDAYMONTHSETPOSUNTILCOUNTWKSTMOTUSA\n:Ｗ"), max_size=60
    )
)
def test_whatever_is_sent_is_taken_or_refused(rule: str) -> None:
    for written in (rule, f"FREQ=MONTHLY;{rule}", f"FREQ=DAILY;BYDAY={rule}", f"FREQ=DAILY;UNTIL={rule}"):
        with suppress(RecurrenceInvalid, RecurrenceNever, RecurrenceAlways):
            check(written, start=START)


def naive(
    freq: str, interval: int, weekdays: set[int], monthdays: set[int], start: date, last: date
) -> list[date]:
    """The days of a rule told by looking at each day alone, weeks beginning on Mondays."""

    def period(day: date) -> int:
        return {
            "DAILY": day.toordinal(),
            "WEEKLY": (day.toordinal() - 1) // 7,
            "MONTHLY": day.year * 12 + day.month,
        }[freq]

    def is_named(day: date) -> bool:
        length = calendar.monthrange(day.year, day.month)[1]
        if not weekdays and not monthdays:
            same = {
                "DAILY": True,
                "WEEKLY": day.weekday() == start.weekday(),
                "MONTHLY": day.day == start.day,
            }
            return same[freq]
        return (not weekdays or day.weekday() in weekdays) and (
            not monthdays or day.day in monthdays or day.day - length - 1 in monthdays
        )

    return [
        day for day in between(start, last) if (period(day) - period(start)) % interval == 0 and is_named(day)
    ]


@given(
    freq=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    interval=st.integers(1, 9),
    weekdays=st.sets(st.integers(0, 6), max_size=3),
    monthdays=st.sets(some(-31, 31), max_size=3),
    start=starts,
)
@settings(deadline=None)
def test_any_plain_rule_names_the_days_found_one_by_one(
    freq: str, interval: int, weekdays: set[int], monthdays: set[int], start: date
) -> None:
    rule = f"FREQ={freq};INTERVAL={interval}"
    if weekdays:
        rule += ";BYDAY=" + ",".join(WEEKDAYS[weekday] for weekday in weekdays)
    if monthdays:
        rule += ";BYMONTHDAY=" + ",".join(map(str, monthdays))
    last = date(start.year + 2, 12, 31)
    found = [day for day in between(start, last) if occurs_on(rule, start=start, day=day)]
    assert found == naive(freq, interval, weekdays, monthdays, start, last)
