"""The days a campaign recurs on: a rule of RFC 5545 (RRULE) of whole days, such as `FREQ=MONTHLY;BYDAY=1SA`.

Days are those of the program's zone; a rule counts from the day its window begins. What a rule may ask for is bounded,
so that finding its days takes no longer however it is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from app.domain.calendar import local_date, midnight
from app.domain.campaigns import Campaign
from app.domain.errors import ErrorKind, LoyaltyError

MAX_LENGTH = 200
YEARS_AHEAD = 30
"""How far a rule's days are looked for: one that has none by then has none."""

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_YEARS_AHEAD = timedelta(days=YEARS_AHEAD * 365)
_DAYS_OF = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 28, "YEARLY": 365}
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_NUMBERS = {
    "INTERVAL": (1, 1_000),
    "COUNT": (1, 10_000),
    "BYMONTHDAY": (-31, 31),
    "BYMONTH": (1, 12),
    "BYSETPOS": (-366, 366),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
}
_LISTS = frozenset({"BYMONTHDAY", "BYMONTH", "BYSETPOS", "BYYEARDAY", "BYWEEKNO"})
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class RecurrenceInvalid(LoyaltyError):
    code = "recurrence_invalid"
    kind = ErrorKind.UNPROCESSABLE
    title = "The recurrence can't be used"

    def __init__(self, told: str = "FREQ must be one of DAILY, WEEKLY, MONTHLY, YEARLY") -> None:
        super().__init__(f"Correct the rule: {told}. One for every first Saturday is FREQ=MONTHLY;BYDAY=1SA.")
        self.told = told


class RecurrenceNever(LoyaltyError):
    code = "recurrence_never"
    kind = ErrorKind.UNPROCESSABLE
    title = "The recurrence has no day"

    def __init__(self) -> None:
        super().__init__(
            f"The rule names no day within the window, or within {YEARS_AHEAD} years. Correct the rule or the window."
        )


class RecurrenceAlways(LoyaltyError):
    code = "recurrence_always"
    kind = ErrorKind.UNPROCESSABLE
    title = "The recurrence names every day"

    def __init__(self) -> None:
        super().__init__("The rule names every day of the window, as no rule does. Leave `rrule` out.")


def check(rule: str, *, start: date, until: date | None = None) -> None:
    """Raise RecurrenceInvalid unless the rule can be used from `start` on; RecurrenceNever or RecurrenceAlways if it
    names none or all of the days before `until` (None: for good).
    """
    _check_form(rule)
    first = next_day(rule, start=start, after=start - _DAY)
    if first is None or (until is not None and first >= until):
        raise RecurrenceNever
    end = start + _YEARS_AHEAD if until is None else min(until, start + _YEARS_AHEAD)
    if end - start > _DAY and _names_all(rule, start, end):
        raise RecurrenceAlways


def occurs_on(rule: str, *, start: date, day: date) -> bool:
    """Whether the rule, counted from `start`, names the day."""
    return day in _days_through(rule, start, day.year)


def next_day(rule: str, *, start: date, after: date) -> date | None:
    """The first day it names after that one; None if there is none within the years looked ahead."""
    last = date(min(max(start, after).year + YEARS_AHEAD, date.max.year), 12, 31)
    return next((day for day in _days(rule, start, last) if day > after), None)


def is_open(campaign: Campaign, now: datetime, today: date, timezone: ZoneInfo) -> bool:
    """Whether a campaign that is live gives at this moment: its window holds, and its recurrence names the day."""
    window = campaign.window
    if window.from_at is not None and now < window.from_at:
        return False
    if window.until is not None and now >= window.until:
        return False
    if window.rrule is None:
        return True
    return occurs_on(window.rrule, start=start_of(campaign, timezone), day=today)


def open_days(campaign: Campaign, first: date, last: date, timezone: ZoneInfo) -> frozenset[date]:
    """The days from `first` through `last` on which it gives for some time at least, if it is live."""
    from_at, until, rule = campaign.window
    if from_at is not None:
        first = max(first, local_date(from_at, timezone))
    if until is not None:
        last = min(last, local_date(until - _MOMENT, timezone))
    days = frozenset(first + _DAY * number for number in range((last - first).days + 1))
    if rule is None or not days:
        return days
    return days & _days_through(rule, start_of(campaign, timezone), last.year)


def opens_next(campaign: Campaign, now: datetime, timezone: ZoneInfo) -> datetime | None:
    """The next moment from which its window and its days hold; None if they do now, or never will again."""
    window, today = campaign.window, local_date(now, timezone)
    if is_open(campaign, now, today, timezone):
        return None
    opens = max(now, window.from_at or now)
    if window.rrule is not None:
        first = local_date(opens, timezone)
        start = start_of(campaign, timezone)
        day = next_day(window.rrule, start=start, after=first - _DAY)
        while (
            day is not None and local_date(midnight(day, timezone), timezone) != day
        ):  # a day left out there
            day = next_day(window.rrule, start=start, after=day)
        if day is None:
            return None
        opens = max(opens, midnight(day, timezone))
    return None if window.until is not None and opens >= window.until else opens


def start_of(campaign: Campaign, timezone: ZoneInfo) -> date:
    """The day from which its recurrence counts."""
    return local_date(campaign.window.from_at or campaign.created_at, timezone)


class _Far(Exception):
    """The rule's periods went beyond the days that are asked for."""


class _Interval(int):
    """An interval that is added so many times and no more: a rule that names no day would be gone through until the
    year 9999 otherwise, which takes minutes.
    """

    left: int

    def __radd__(self, other: int) -> int:
        self._use()
        return other + int(self)

    def __mul__(self, other: int) -> int:
        self._use()
        return int(self) * other

    def _use(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _Far


@lru_cache(maxsize=1_024)
def _days_through(rule: str, start: date, year: int) -> frozenset[date]:
    return frozenset(_days(rule, start, date(year, 12, 31)))


def _days(rule: str, start: date, last: date) -> Iterator[date]:
    """The days from `start` through `last` that the rule names, in their order."""
    parts = dict(part.split("=") for part in rule.split(";"))
    interval = _Interval(parts.get("INTERVAL", 1))
    interval.left = 2 + (last - start).days // (_DAYS_OF[parts["FREQ"]] * interval)
    beginning = datetime.combine(start, time())
    made: Any = rrulestr(rule, dtstart=beginning)
    with suppress(_Far):
        for moment in made.replace(interval=interval):
            if moment.date() > last:
                return
            yield moment.date()


def _names_all(rule: str, start: date, end: date) -> bool:
    """Whether the rule names each day from `start` on and before `end`."""
    days = _days(rule, start, end - _DAY)
    return all(next(days, None) == start + _DAY * number for number in range((end - start).days))


def _check_form(rule: str) -> None:
    if len(rule) > MAX_LENGTH:
        raise RecurrenceInvalid(f"it must be at most {MAX_LENGTH} characters")
    seen: dict[str, str] = {}
    for part in rule.split(";"):
        name, _, value = part.partition("=")
        if name in seen:
            raise RecurrenceInvalid(f"{name} is there twice")
        seen[name] = value
        _check_part(name, value)
    if "FREQ" not in seen:
        raise RecurrenceInvalid("FREQ is missing")
    if seen["FREQ"] in ("DAILY", "WEEKLY") and any(each.isdigit() for each in seen.get("BYDAY", "")):
        raise RecurrenceInvalid("BYDAY names numbered weekdays with MONTHLY and YEARLY alone")
    if seen["FREQ"] == "MONTHLY" or "BYMONTH" in seen:
        numbers = [day[:-2] for day in seen.get("BYDAY", "").split(",")]
        if any(number and not _is_number(number, -5, 5) for number in numbers):
            raise RecurrenceInvalid("BYDAY numbers the weekdays of a month from 1 to 5, or from -5 to -1")
    if seen["FREQ"] == "DAILY" and "BYSETPOS" in seen:
        raise RecurrenceInvalid("BYSETPOS goes with WEEKLY, MONTHLY and YEARLY alone")
    if {"COUNT", "UNTIL"} <= seen.keys():
        raise RecurrenceInvalid("COUNT does not go with UNTIL")


def _check_part(name: str, value: str) -> None:
    match name:
        case "FREQ":
            if value not in _FREQUENCIES:
                raise RecurrenceInvalid(f"FREQ must be one of {', '.join(_FREQUENCIES)}")
        case "BYDAY":
            for day in value.split(","):
                number, weekday = day[:-2], day[-2:]
                if weekday not in _WEEKDAYS or (number and not _is_number(number, -53, 53)):
                    raise RecurrenceInvalid("BYDAY must name weekdays such as SA, 1SA or -1FR")
        case "WKST":
            if value not in _WEEKDAYS:
                raise RecurrenceInvalid("WKST must be a weekday such as MO")
        case "UNTIL":
            _check_until(value)
        case _:
            if name not in _NUMBERS:
                raise RecurrenceInvalid("it has a part that is no part of a rule of whole days")
            least, most = _NUMBERS[name]
            values = value.split(",") if name in _LISTS else [value]
            if not all(_is_number(each, least, most) for each in values):
                raise RecurrenceInvalid(f"{name} must be from {least} to {most}, and not 0")


def _check_until(value: str) -> None:
    try:
        if len(value) != 8:
            raise ValueError
        datetime.strptime(value, "%Y%m%d")  # noqa: DTZ007 - a day, of no zone
    except ValueError:
        raise RecurrenceInvalid("UNTIL must be a day such as 20271231") from None


def _is_number(value: str, least: int, most: int) -> bool:
    digits = value.removeprefix("-")
    return (
        digits.isascii()
        and digits.isdigit()
        and len(digits) <= 6
        and least <= int(value) <= most
        and int(value) != 0
    )
