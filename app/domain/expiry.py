"""When points expire, and how much goes then. Source: RULES.md, Points, validity.

`expires_at` is the midnight that *ends* the last usable day of the program's zone; at that instant the points
are gone already. None means never.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.domain.calendar import add_months, end_of_day, local_date
from app.domain.program import Program
from app.domain.terms import Validity

_DAY = timedelta(days=1)


class Expired(NamedTuple):
    """What goes at a lot's `expires_at`, and when it expires next (None: nothing more will)."""

    points: int
    next_expires_at: datetime | None


def expires_at(accrued_at: datetime, program: Program) -> datetime | None:
    """The UTC instant at which points accrued then first expire; it may be past for a back-dated order.

    Under `inactivity` the accrual counts as activity: at each later one, ask again with that instant, and
    move the lots that have not expired to the answer.
    """
    return expires_after(local_date(accrued_at, program.timezone), program)


def expires_after(day: date, program: Program) -> datetime | None:
    """The same of points accrued on that day of the program's zone."""
    return _expiry_of(day, program.validity, program.timezone)


@lru_cache(maxsize=8192)
def _expiry_of(day: date, validity: Validity, timezone: ZoneInfo) -> datetime | None:
    match validity.policy:
        case "anniversary":
            last = add_months(day, 12 * validity.years)  # 29 February becomes 28 February
        case "yearly_tenth":
            last = add_months(day, 12)
        case "months" | "inactivity":
            last = add_months(day, validity.months)
        case "calendar_year_end":
            last = date(day.year + validity.years, 12, 31)
        case _:  # never
            return None
    return end_of_day(last, timezone)


def points_due(*, granted: int, remaining: int, program: Program) -> int:
    """How many of a lot's remaining points go at its next expiry: all, or a tenth of the grant rounded up."""
    if program.validity.policy == "yearly_tenth":
        return min(remaining, -(-granted // 10))
    return remaining


def expire_step(
    *,
    granted: int,
    remaining: int,
    accrued_at: datetime,
    expires_at: datetime,
    program: Program,
) -> Expired:
    """What goes at `expires_at` from a lot with these points, and when it expires next.

    Reserved points never go. Under `yearly_tenth` the lot expires again on each anniversary, even when it is
    empty, for spent points may come back; otherwise once, and what is freed later is past `expires_at` already.
    """
    points = points_due(granted=granted, remaining=remaining, program=program)
    if program.validity.policy != "yearly_tenth":
        return Expired(points, None)
    return Expired(points, _next_anniversary(accrued_at, after=expires_at, timezone=program.timezone))


def _next_anniversary(accrued_at: datetime, *, after: datetime, timezone: ZoneInfo) -> datetime:
    """The end of the first anniversary that ends later than `after`."""
    accrued_on = local_date(accrued_at, timezone)
    years = local_date(after, timezone).year - accrued_on.year
    upcoming = end_of_day(add_months(accrued_on, 12 * years), timezone)
    while upcoming <= after:
        years += 1
        upcoming = end_of_day(add_months(accrued_on, 12 * years), timezone)
    return upcoming


def extended(now: datetime, *, grace_days: int, program: Program) -> datetime:
    """The end of the program's day `grace_days` from now: 0 is the end of today."""
    return end_of_day(local_date(now, program.timezone) + _DAY * grace_days, program.timezone)
