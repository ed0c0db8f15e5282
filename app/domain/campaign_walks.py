"""Which campaigns that fire without an event are due now, and through whom a job has to walk to pay them.

Source: RULES.md, Campaigns: at a scheduled time, on a holiday, when a member falls dormant, when a balance reaches N,
in the month of a birthday, when another campaign ends. Days and times of day are those of the program's zone.

- A schedule with a recurrence, and a holiday, fire on each of their days: from their time of day on, or as soon as
  they can after it, until the day is over.
- A schedule without a recurrence fires once: at its time of the day on which its window begins or it was started,
  whichever is later, or as soon as it can within 24 hours of that.
- The others are looked for again and again: balances and birthdays every hour, who is dormant and who took part in what
  has ended every day.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.domain.calendar import end_of_day, local_date, midnight
from app.domain.campaigns import Campaign, Trigger

WALKED: tuple[Trigger, ...] = ("schedule", "holiday", "dormancy", "balance", "birthday", "campaign_end")
"""The triggers that a job pays; the others follow from what a member does."""

SIGNS_OF_LIFE = (
    "accrue",
    "activity",
    "claim_coupon",
    "complete",
    "hold",
    "import",
    "lock_coupon",
    "redeem",
    "redeem_coupon",
    "reserve",
    "sign_in",
    "transfer",
)
"""The kinds of entries by which a member was there: what came of it later by itself, or what others did, is none. Who
has none counts from joining; who was brought along from elsewhere, from then.
"""

_LATE = timedelta(days=1)
_GONE_THROUGH = timedelta(days=3_660)


class Walk(NamedTuple):
    """A walk through the members, who are all asked whether the campaign pays them.

    `run` is the name its progress is kept under, and, but for dormancy, the occasion that it pays. One that was ended
    begins anew if it began before `since`; without that it is walked once. At `until` it is over, done or not.
    """

    campaign: Campaign
    run: str
    since: datetime | None = None
    until: datetime | None = None

    def occasion(self, last: date) -> str:
        """What a member is paid for who was there on that day for the last time."""
        return f"{self.run}/{last.isoformat()}" if self.campaign.trigger == "dormancy" else self.run


class Standing(NamedTuple):
    """What is known of the campaigns beyond what they say: when each was `started`, the days on which each `fired`, and
    which of them are `over`.
    """

    started: Mapping[str, datetime]
    fired: Mapping[str, Collection[date]]
    over: Collection[str]


def due_walks(
    campaigns: Mapping[Trigger, Sequence[Campaign]],
    now: datetime,
    timezone: ZoneInfo,
    *,
    standing: Standing,
    holidays: frozenset[str],
) -> Iterator[Walk]:
    """The walks that are due now, of the `campaigns` open by trigger. `holidays` are those that begin today."""
    today = local_date(now, timezone)
    hour, begun = now.replace(minute=0, second=0, microsecond=0), midnight(today, timezone)
    for campaign in campaigns.get("schedule", ()):
        if campaign.window.rrule is None:
            yield from _once(campaign, now, timezone, standing)
        elif _at(campaign, today, timezone) <= now:
            yield Walk(campaign, f"at/{today.isoformat()}", until=end_of_day(today, timezone))
    for campaign in campaigns.get("holiday", ()):
        if not holidays.isdisjoint(campaign.holidays) and _at(campaign, today, timezone) <= now:
            yield Walk(campaign, f"holiday/{today.isoformat()}", until=end_of_day(today, timezone))
    for campaign in campaigns.get("birthday", ()):
        yield Walk(campaign, f"birthday/{today.year}", since=hour)
    for campaign in campaigns.get("balance", ()):
        yield Walk(campaign, "balance", since=hour)
    for campaign in campaigns.get("dormancy", ()):
        yield Walk(campaign, "dormant", since=begun)
    for campaign in campaigns.get("campaign_end", ()):
        if campaign.of_campaign in standing.over:
            yield Walk(campaign, "end", since=begun)


def moments_between(
    campaigns: Iterable[Campaign],
    before: datetime,
    now: datetime,
    timezone: ZoneInfo,
    *,
    standing: Standing,
    is_day: Callable[[Campaign, date], bool],
) -> list[datetime]:
    """The moments between `before` and `now` at which schedules and holidays fire and months of birthdays begin; what
    is looked for again and again is found at the end just as well. `is_day` tells the days of a recurrence and of
    holidays. Of a long time only the last years are gone through.
    """
    found: set[datetime] = set()
    first = local_date(before if now - before < _GONE_THROUGH else now - _GONE_THROUGH, timezone)
    days = [first + timedelta(days=number) for number in range((local_date(now, timezone) - first).days + 1)]
    for campaign in campaigns:
        if campaign.trigger == "birthday":
            found.update(midnight(day, timezone) for day in days if day.day == 1)
        elif campaign.trigger == "schedule" and campaign.window.rrule is None:
            found.add(_once_at(campaign, timezone, standing)[1])
        elif campaign.trigger in ("schedule", "holiday"):
            found.update(_at(campaign, day, timezone) for day in days if is_day(campaign, day))
    return sorted(moment for moment in found if before < moment < now)


def _once(campaign: Campaign, now: datetime, timezone: ZoneInfo, standing: Standing) -> Iterator[Walk]:
    """The walk of a schedule without a recurrence, if its time has come and is not long over."""
    day, due_at = _once_at(campaign, timezone, standing)
    if due_at <= now < due_at + _LATE:
        yield Walk(campaign, f"at/{day.isoformat()}", until=due_at + _LATE)


def _once_at(campaign: Campaign, timezone: ZoneInfo, standing: Standing) -> tuple[date, datetime]:
    """The day of a schedule without a recurrence, and the instant from which it fires."""
    started_at = standing.started[campaign.campaign]
    begins_at = max(started_at, campaign.window.from_at or started_at)
    earliest = date.min if campaign.window.from_at is None else local_date(campaign.window.from_at, timezone)
    # One that was paused and started again has fired when it did.
    fired = (day for day in standing.fired.get(campaign.campaign, ()) if day >= earliest)
    day = min(fired, default=local_date(begins_at, timezone))
    return day, max(begins_at, _at(campaign, day, timezone))


def _at(campaign: Campaign, day: date, timezone: ZoneInfo) -> datetime:
    """The instant of its time of day."""
    hour, minute = divmod(campaign.at_minute, 60)
    return datetime.combine(day, time(hour, minute), tzinfo=timezone).astimezone(UTC)


def is_over(campaign: Campaign, now: datetime) -> bool:
    """Whether a campaign has ended: by a person, or with its window."""
    until = campaign.window.until
    return campaign.state == "ended" or (until is not None and until <= now)


def fired_days(runs: Collection[str]) -> list[date]:
    """The days of those of the runs that are a schedule's."""
    return [date.fromisoformat(run.removeprefix("at/")) for run in runs if run.startswith("at/")]
