"""The public holidays of China, by their Chinese names: as the State Council set them where it has, else as the law has
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from holidays import country_holidays

NAMES = ("元旦", "农历除夕", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节")
"""Those there are; but for the eve of the Spring Festival they come every year."""


def beginning_on(day: date) -> frozenset[str]:
    """The holidays whose first day it is; days off that others are worked for instead are none."""
    return _beginnings(day.year).get(day, frozenset())


def days_of(year: int) -> Mapping[date, frozenset[str]]:
    """All days of the holidays of a year, with those that fall on them."""
    return _days(year)


@lru_cache(maxsize=64)
def _beginnings(year: int) -> Mapping[date, frozenset[str]]:
    found: dict[date, frozenset[str]] = {}
    seen: frozenset[str] = frozenset()
    for day, names in sorted(_days(year).items()):
        if names - seen:
            found[day] = names - seen
            seen |= names
    return found


@lru_cache(maxsize=64)
def _days(year: int) -> Mapping[date, frozenset[str]]:
    calendar = country_holidays("CN", years=year, language="zh_CN")
    found = {day: frozenset(calendar.get_list(day)).intersection(NAMES) for day in calendar}
    return {day: names for day, names in found.items() if names}
