"""Days of the program's time zone, and the instants where they begin.

A *day* is a day in the program's zone (API.md, Conventions); instants are aware, and UTC when made here.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


def local_date(instant: datetime, tz: ZoneInfo) -> date:
    """The day on which an aware instant falls."""
    return instant.astimezone(tz).date()


@lru_cache(maxsize=8192)
def midnight(day: date, tz: ZoneInfo) -> datetime:
    """The UTC instant at which `day` begins.

    Where the clocks jump ahead at midnight, that is the jump, the first instant dated `day` or later: a
    skipped day begins where the next one does. Where midnight comes twice, it is the first.
    """
    return datetime.combine(day, time(), tzinfo=tz).astimezone(UTC)


def end_of_day(day: date, tz: ZoneInfo) -> datetime:
    """The UTC instant that ends `day`: the next day's midnight."""
    return midnight(day + _DAY, tz)


def add_months(day: date, months: int) -> date:
    """The same day of the month, `months` later (earlier, if negative), or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    if day.day <= 28:
        return date(year, month, day.day)
    return date(year, month, min(day.day, monthrange(year, month)[1]))
