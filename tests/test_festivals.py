"""The days on which Chinese holidays begin."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.festivals import NAMES, beginning_on, days_of


@pytest.mark.parametrize(
    ("day", "names"),
    [
        ("2026-01-01", {"元旦"}),
        ("2026-02-16", {"农历除夕"}),
        ("2026-02-17", {"春节"}),
        ("2026-02-18", set[str]()),
        ("2026-04-05", {"清明节"}),
        ("2026-04-06", set[str]()),  # a day off instead of the Sunday
        ("2026-05-01", {"劳动节"}),
        ("2026-06-19", {"端午节"}),
        ("2026-09-25", {"中秋节"}),
        ("2026-10-01", {"国庆节"}),
        ("2020-10-01", {"中秋节", "国庆节"}),
        ("2028-10-03", {"中秋节"}),  # within the week of the other
        ("2027-02-06", {"春节"}),
        ("2026-11-23", set[str]()),
    ],
)
def test_first_days(day: str, names: set[str]) -> None:
    assert beginning_on(date.fromisoformat(day)) == names


@pytest.mark.parametrize("year", range(2020, 2050))
def test_each_begins_once_a_year(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(365)]
    begun = [name for day in days for name in beginning_on(day)]
    # New Year's Eve of the lunar calendar is no holiday of every year.
    assert sorted({*begun, "农历除夕"}) == sorted(NAMES)
    assert len(begun) == len(set(begun))


def test_all_days() -> None:
    days = days_of(2026)
    assert [day.day for day in days if "国庆节" in days[day]] == [1, 2, 3]
    assert {name for names in days.values() for name in names} == set(NAMES)
