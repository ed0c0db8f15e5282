"""When campaigns that fire without an event are due. Source: RULES.md, Campaigns."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.domain.campaign_walks import (
    SIGNS_OF_LIFE,
    WALKED,
    Standing,
    Walk,
    due_walks,
    fired_days,
    is_over,
    moments_between,
)
from app.domain.campaigns import (
    EARNING_TRIGGERS,
    TRIGGERS,
    Campaign,
    CampaignWindow,
    Effect,
    Trigger,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
NEW_YEAR = datetime(2031, 1, 1, tzinfo=UTC)


def campaign(trigger: Trigger, **more: Any) -> Campaign:
    return Campaign(
        campaign="c", name="c", trigger=trigger, effects=(Effect(kind="add_points", amount=1),), **more
    )


def due(
    campaign: Campaign,
    local: str,
    *,
    zone: ZoneInfo = SHANGHAI,
    started: datetime = NEW_YEAR,
    fired: Collection[str] = (),
    over: Collection[str] = (),
    holidays: Collection[str] = (),
) -> list[Walk]:
    """The walks of a campaign that is open, at a local time."""
    walks = list(
        due_walks(
            {campaign.trigger: [campaign]},
            datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC),
            zone,
            standing=Standing({"c": started}, {"c": list(map(date.fromisoformat, fired))}, over),
            holidays=frozenset(holidays),
        )
    )
    assert all(walk.campaign is campaign for walk in walks)
    return walks


def run_of(walks: list[Walk]) -> str | None:
    assert len(walks) <= 1
    return walks[0].run if walks else None


def instant(local: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC)


def test_what_is_walked_is_what_nothing_else_pays() -> None:
    assert set(TRIGGERS) - set(WALKED) == EARNING_TRIGGERS | {"enrolment", "tier_change"}
    assert len(set(SIGNS_OF_LIFE)) == len(SIGNS_OF_LIFE)


# --- schedules ---------------------------------------------------------------------------------------------

SATURDAYS = CampaignWindow(rrule="FREQ=MONTHLY;BYDAY=1SA")


@pytest.mark.parametrize(
    ("at_minute", "local", "run"),
    [
        (0, "2031-03-01T00:00:00", "at/2031-03-01"),
        (600, "2031-03-01T09:59:59", None),
        (600, "2031-03-01T10:00:00", "at/2031-03-01"),
        (1_439, "2031-03-01T23:59:00", "at/2031-03-01"),
    ],
)
def test_a_recurrence_fires_on_the_day_it_is_open(at_minute: int, local: str, run: str | None) -> None:
    walks = due(campaign("schedule", window=SATURDAYS, at_minute=at_minute), local)
    assert run_of(walks) == run
    assert all(walk.until == instant("2031-03-02T00:00:00") and walk.since is None for walk in walks)


@pytest.mark.parametrize(
    ("local", "run"),
    [
        # 2:30 is skipped on this day, and comes twice on the other.
        ("2031-03-09T01:59:59", None),
        ("2031-03-09T03:30:00", "at/2031-03-09"),
        ("2031-11-02T01:29:59", None),
        ("2031-11-02T02:30:00", "at/2031-11-02"),
    ],
)
def test_where_clocks_are_changed(local: str, run: str | None) -> None:
    daily = campaign("schedule", window=CampaignWindow(rrule="FREQ=WEEKLY;BYDAY=SU"), at_minute=150)
    assert run_of(due(daily, local, zone=NEW_YORK)) == run


@pytest.mark.parametrize(
    ("from_at", "at", "started", "fired", "local", "run"),
    [
        # the day its window begins
        ("2031-03-05T00:00", 600, "2031-03-01T12:00", [], "2031-03-05T09:59", None),
        ("2031-03-05T00:00", 600, "2031-03-01T12:00", [], "2031-03-05T10:00", "2031-03-05"),
        ("2031-03-05T00:00", 600, "2031-03-01T12:00", [], "2031-03-06T09:59", "2031-03-05"),
        ("2031-03-05T00:00", 600, "2031-03-01T12:00", [], "2031-03-06T10:00", None),
        # begins later in the day than its time
        ("2031-03-05T18:00", 600, "2031-03-01T12:00", [], "2031-03-06T17:59", "2031-03-05"),
        # started later
        ("2031-03-05T00:00", 600, "2031-03-07T12:00", [], "2031-03-07T12:00", "2031-03-07"),
        ("2031-03-05T00:00", 600, "2031-03-07T08:00", [], "2031-03-07T09:00", None),
        # no window: the day it was started
        (None, 0, "2031-03-07T23:59", [], "2031-03-08T00:01", "2031-03-07"),
        (None, 600, "2031-03-07T08:00", [], "2031-03-07T10:00", "2031-03-07"),
        (None, 600, "2031-03-07T12:00", [], "2031-03-08T12:00", None),
        # paused and started again: what it has fired, it goes on with if it is not done
        (None, 0, "2031-03-09T08:00", ["2031-03-07"], "2031-03-09T09:00", "2031-03-07"),
        (None, 0, "2031-03-09T08:00", ["2031-03-07"], "2031-03-10T09:00", None),
        ("2031-03-05T00:00", 0, "2031-03-09T08:00", ["2031-03-05"], "2031-03-09T09:00", "2031-03-05"),
        # its window was changed to a later day
        ("2031-03-05T00:00", 600, "2031-03-01T12:00", ["2031-03-04"], "2031-03-05T10:00", "2031-03-05"),
        ("2031-04-05T00:00", 0, "2031-03-01T08:00", ["2031-03-05"], "2031-04-05T09:00", "2031-04-05"),
    ],
)
def test_without_a_recurrence_it_fires_once(
    from_at: str | None, at: int, started: str, fired: list[str], local: str, run: str | None
) -> None:
    window = CampaignWindow(from_at=None if from_at is None else instant(from_at))
    walks = due(
        campaign("schedule", window=window, at_minute=at), local, started=instant(started), fired=fired
    )
    assert run_of(walks) == (None if run is None else f"at/{run}")
    assert all(walk.until is not None and walk.since is None for walk in walks)


def test_a_day_after_its_time_it_is_over() -> None:
    window = CampaignWindow(from_at=instant("2031-03-05T00:00"))
    [walk] = due(campaign("schedule", window=window, at_minute=600), "2031-03-05T10:00")
    assert walk.until == instant("2031-03-06T10:00")


# --- the others --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("holidays", "local", "run"),
    [
        ({"春节"}, "2031-01-23T08:29", None),
        ({"春节"}, "2031-01-23T08:30", "holiday/2031-01-23"),
        ({"春节", "元旦"}, "2031-01-23T23:59", "holiday/2031-01-23"),
        ({"元旦"}, "2031-01-23T12:00", None),
        (set[str](), "2031-01-24T12:00", None),
    ],
)
def test_holidays(holidays: set[str], local: str, run: str | None) -> None:
    asked = campaign("holiday", holidays=("国庆节", "春节"), at_minute=510)
    walks = due(asked, local, holidays=holidays)
    assert run_of(walks) == run
    assert all(walk.until == instant("2031-01-24T00:00") for walk in walks)


@pytest.mark.parametrize(
    ("trigger", "run", "occasion", "since"),
    [
        ("birthday", "birthday/2031", "birthday/2031", "2031-03-05T12:00"),
        ("balance", "balance", "balance", "2031-03-05T12:00"),
        ("dormancy", "dormant", "dormant/2030-12-05", "2031-03-05T00:00"),
        ("campaign_end", "end", "end", "2031-03-05T00:00"),
    ],
)
def test_what_is_looked_for_again(trigger: Trigger, run: str, occasion: str, since: str) -> None:
    asked = campaign(trigger, of_campaign="double")
    [walk] = due(asked, "2031-03-05T12:34:56.789", over={"double"})
    assert (walk.run, walk.occasion(date(2030, 12, 5)), walk.since) == (run, occasion, instant(since))
    assert walk.until is None


def test_a_campaign_that_has_not_ended_has_no_end() -> None:
    assert due(campaign("campaign_end", of_campaign="double"), "2031-03-05T12:34:56") == []


@pytest.mark.parametrize(
    ("state", "until", "answer"),
    [
        ("live", None, False),
        ("live", timedelta(seconds=1), False),
        ("live", timedelta(), True),
        ("paused", timedelta(), True),
        ("ended", None, True),
        ("paused", None, False),
    ],
)
def test_when_a_campaign_is_over(state: Any, until: timedelta | None, answer: bool) -> None:
    window = CampaignWindow(until=None if until is None else NEW_YEAR + until)
    assert is_over(campaign("order", state=state, window=window), NEW_YEAR) is answer


def test_the_days_on_which_a_schedule_fired() -> None:
    assert fired_days(["balance", "at/2031-03-05", "holiday/2031-01-23"]) == [date(2031, 3, 5)]


# --- many at once ------------------------------------------------------------------------------------------


def moments(
    campaign: Campaign, before: str, now: str, days: Collection[str] = (), zone: ZoneInfo = SHANGHAI
) -> list[str]:
    """The local moments at which it fires between two others."""
    found = moments_between(
        [campaign],
        instant(before, zone),
        instant(now, zone),
        zone,
        standing=Standing({"c": instant("2031-03-05T12:00")}, {}, ()),
        is_day=lambda asked, day: asked is campaign and day.isoformat() in days,
    )
    return [moment.astimezone(zone).isoformat(timespec="minutes")[:16] for moment in found]


@pytest.mark.parametrize(
    ("asked", "before", "now", "found"),
    [
        (
            campaign("schedule", window=SATURDAYS, at_minute=600),
            "2031-03-01T10:00",
            "2031-04-05T10:01",
            ["2031-03-08T10:00", "2031-04-05T10:00"],
        ),
        (campaign("schedule", window=SATURDAYS, at_minute=600), "2031-03-01T09:59", "2031-03-01T09:59", []),
        (campaign("holiday"), "2031-03-07T00:00", "2031-03-09T00:00", ["2031-03-08T00:00"]),
        (campaign("schedule"), "2031-03-01T00:00", "2032-01-01T00:00", ["2031-03-05T12:00"]),
        (
            campaign("schedule", at_minute=1_200),
            "2031-03-01T00:00",
            "2032-01-01T00:00",
            ["2031-03-05T20:00"],
        ),
        (campaign("schedule"), "2031-03-06T00:00", "2032-01-01T00:00", []),
        (
            campaign("birthday"),
            "2031-01-01T00:00",
            "2031-03-01T00:00",
            ["2031-02-01T00:00"],
        ),
        (campaign("dormancy"), "2031-01-01T00:00", "2032-03-01T00:00", []),
        (campaign("balance"), "2031-03-01T00:00", "2031-01-01T00:00", []),
    ],
)
def test_the_moments_on_the_way(asked: Campaign, before: str, now: str, found: list[str]) -> None:
    days = ["2031-03-01", "2031-03-08", "2031-04-05"]
    assert moments(asked, before, now, days) == found


@pytest.mark.parametrize(
    ("zone", "before", "now"),
    [
        (SHANGHAI, "2031-03-07T23:00", "2031-03-08T07:00"),  # it is the day before in UTC
        (NEW_YORK, "2031-03-08T20:00", "2031-03-08T22:00"),  # the day after
    ],
)
def test_their_days_are_the_programs(zone: ZoneInfo, before: str, now: str) -> None:
    at_minute = 0 if zone is SHANGHAI else 21 * 60
    asked = campaign("schedule", window=SATURDAYS, at_minute=at_minute)
    fires = f"2031-03-08T{at_minute // 60:02}:00"
    assert moments(asked, before, now, ["2031-03-08"], zone) == [fires]


def test_of_a_long_way_the_last_years_are_gone_through() -> None:
    assert len(moments(campaign("birthday"), "1931-01-01T00:00", "2031-01-01T00:00")) == 120
