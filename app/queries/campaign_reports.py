"""What members bought while a campaign ran: those it treated and those it held out, each as one group.

The audience is asked as members stand now. Without a condition in CEL the database adds everything up; with one, its
members are gone through some hundreds at a time, and only sums are kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from app.domain.account import Account
from app.domain.calendar import local_date
from app.domain.campaign_document import read_campaign
from app.domain.campaign_facts import CampaignFacts
from app.domain.campaigns import Campaign
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.lift import Group
from app.domain.posting import Caller, Context, Member
from app.domain.roster import ConditionFailed
from app.expressions import asking
from app.queries.maturing import Rules
from app.security.pii import PiiRing

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

AT_ONCE = 500
_WIDTH = len(Account._fields)
_CALLER = Caller("system", "report")

_CAMPAIGN = """
SELECT document, version, created_at, started_at, ended_at, {clock} AS now FROM campaign WHERE campaign = $1
"""

# The same as `Campaign.holds_out`. Its parameters are the campaign's code and its percentage.
_HELD_OUT = "('x' || left(md5($1 || '/' || account.member_id), 8))::bit(32)::bigint % 100 < $2::integer AS is_held_out"
_COUNTS = "source = 'order' AND accrued_at >= $3 AND accrued_at < $4 AND (refunded < amount OR amount = 0)"
_BELONGS = "account.status <> 'erased' AND account.joined_at < $4 AND ($5::text[] IS NULL OR account.tier = ANY ($5))"
_SUMS = f"""
WITH bought AS (
    SELECT bucket, member_id, count(*) AS orders, sum(amount - refunded) AS amount
      FROM lot WHERE {_COUNTS} GROUP BY bucket, member_id
), members AS (
    SELECT {_HELD_OUT}, coalesce(bought.orders, 0) AS orders, coalesce(bought.amount, 0) AS amount
      FROM account LEFT JOIN bought USING (bucket, member_id) WHERE {_BELONGS}
)
SELECT is_held_out, count(*) AS members, count(*) FILTER (WHERE orders >= 1) AS buyers,
       count(*) FILTER (WHERE orders >= 2) AS repeat_buyers, sum(orders) AS orders, sum(amount) AS amount,
       sum(amount * amount) AS squares
  FROM members GROUP BY is_held_out
"""
_PAGE = f"""
SELECT account.*, {_HELD_OUT}, bought.orders AS bought, bought.amount, person.gender, person.region,
       person.attributes, person.birthday
  FROM account LEFT JOIN person USING (bucket, member_id), LATERAL (
       SELECT count(*) AS orders, coalesce(sum(lot.amount - lot.refunded), 0) AS amount FROM lot
        WHERE lot.bucket = account.bucket AND lot.member_id = account.member_id AND {_COUNTS}) AS bought
 WHERE {_BELONGS} AND (account.bucket, account.member_id) > ($6::smallint, $7)
 ORDER BY account.bucket, account.member_id LIMIT $8
"""


class Groups(NamedTuple):
    """Both groups, and how many members the audience could not be asked for (in neither group)."""

    treated: Group
    control: Group
    failures: int = 0


class Report(NamedTuple):
    """What a campaign changed from its start until its end, or so far."""

    campaign: Campaign
    since: datetime
    until: datetime
    groups: Groups


class ReportTooEarly(LoyaltyError):
    code = "report_too_early"
    kind = ErrorKind.CONFLICT
    title = "The campaign has not run yet"

    def __init__(self) -> None:
        super().__init__(
            "There is nothing to report before the campaign is started and its window begins. Start it, or try it with "
            "POST /v1/backtests."
        )


async def read_report(
    connection: Connection, code: str, *, rules: Rules, pii: PiiRing, clock: str
) -> Report | None:
    """The report of a campaign, None for an unknown one. `clock` is the SQL of the program's clock.

    Raises ReportTooEarly.
    """
    row = await connection.fetchrow(_CAMPAIGN.format(clock=clock), code)
    if row is None:
        return None
    campaign = read_campaign(
        code, json.loads(row["document"]), version=row["version"], created_at=row["created_at"]
    )
    window, now, started_at = campaign.window, row["now"], row["started_at"]
    if started_at is None or now <= (since := max(started_at, window.from_at or started_at)):
        raise ReportTooEarly
    until = max(since, min(each for each in (now, row["ended_at"], window.until) if each is not None))
    belongs = None
    if campaign.audience is not None:
        await rules.refresh(connection)
        belongs = _audience(campaign, rules, now)
    groups = await read_groups(connection, campaign, since=since, until=until, belongs=belongs, pii=pii)
    return Report(campaign, since, until, groups)


def _audience(campaign: Campaign, rules: Rules, now: datetime) -> Callable[[Member], bool]:
    """Whether a member is in the audience as of now. The function raises ConditionFailed."""
    program, audience = rules.at(now), campaign.audience
    assert audience is not None
    context = Context(now, local_date(now, program.timezone), program, rules.programs, _CALLER)

    def belongs(member: Member) -> bool:
        return asking(campaign.trigger, CampaignFacts(member, member.account, context))(audience)

    return belongs


async def read_groups(
    connection: Connection,
    campaign: Campaign,
    *,
    since: datetime,
    until: datetime,
    belongs: Callable[[Member], bool] | None,
    pii: PiiRing,
) -> Groups:
    """The groups by what they bought from `since` until `until`. `belongs` tells whether a member, given with what
    conditions may ask, is in the audience, and raises ConditionFailed; None: every member of the campaign's tiers is.
    """
    tiers = sorted(campaign.tiers) if campaign.tiers else None
    asked = (campaign.campaign, campaign.holdout_percent, since, until, tiers)
    if belongs is None:
        rows = await connection.fetch(_SUMS, *asked)
        sums = {
            is_held_out: Group(*(int(figure) for figure in figures))
            for is_held_out, *figures in map(tuple, rows)
        }
        return Groups(sums.get(False, Group()), sums.get(True, Group()))
    groups = {False: Group(), True: Group()}
    failures, bucket, member_id = 0, -1, ""
    while rows := await connection.fetch(_PAGE, *asked, bucket, member_id, AT_ONCE):
        for row in rows:
            member = _member(row, pii)
            try:
                is_asked = belongs(member)
            except ConditionFailed:
                failures += 1
                continue
            if is_asked:
                held_out = row["is_held_out"]
                groups[held_out] = groups[held_out].with_member(
                    orders=row["bought"], amount_fen=int(row["amount"])
                )
        bucket, member_id = rows[-1]["bucket"], rows[-1]["member_id"]
    return Groups(groups[False], groups[True], failures)


def _member(row: asyncpg.Record, pii: PiiRing) -> Member:
    """The member with what conditions may ask of the person."""
    member = Member(Account._make(tuple(row)[:_WIDTH]))
    member.traits = _traits(row, member.account.member_id, pii)
    return member


def _traits(row: asyncpg.Record, member_id: str, pii: PiiRing) -> dict[str, Any]:
    return {
        "gender": row["gender"],
        "region": row["region"],
        "attributes": json.loads(row["attributes"] or "{}"),
        "birthday_month": pii.birthday_month(row["birthday"], member_id=member_id),
    }
