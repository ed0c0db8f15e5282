"""Both groups of a campaign: the database's sums, those gone through by condition, and counting by hand agree."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.actions.sandbox import set_clock
from app.database import Database
from app.domain.account import Account
from app.domain.campaigns import Campaign
from app.domain.commands import Accrue, Command, Enrol, Erase, Reverse
from app.domain.lift import Group
from app.domain.posting import Caller
from app.ledger.engine import Engine
from app.ledger.load import SANDBOX_CLOCK
from app.ledger.outcome import Outcome
from app.ledger.request import Request
from app.queries import campaign_reports
from app.queries.campaign_reports import Groups, ReportTooEarly, read_report
from app.security.pii import PiiRing
from tests.stored_campaigns import store_campaign

PII = PiiRing.parse(f"k1:{'A' * 43}=")
START = datetime(2026, 3, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
MEMBERS = [f"m-{number:03}" for number in range(60)]


class Shop:
    """Sixty members of whom some buy in March, on a ledger whose clock is set to the first of April."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self.database = database
        self.engine = engine
        self.bought: dict[
            str, list[int]
        ] = {}  # amounts left of the orders from the second to the thirtieth day

    async def do(self, *commands: Command) -> None:
        results = await self.engine.submit_all(
            [Request(command, Caller("test", "request")) for command in commands]
        )
        assert all(isinstance(result, Outcome) for result in results), results

    async def open(self) -> None:
        await set_clock(self.database, now=START)
        await self.do(
            *(
                Enrol(member_id=name, person={"region": "north" if number % 3 else "south"})
                for number, name in enumerate(MEMBERS)
            )
        )
        await set_clock(self.database, now=START + 31 * DAY)
        for number, name in enumerate(MEMBERS):
            self.bought[name] = []
            for order in range(number % 4):
                amount = 1_000 * number + order
                day = (number * 7 + order * 11) % 33
                at = START + day * DAY
                await self.do(
                    Accrue(member_id=name, order_id=f"o-{order}", amount=amount, occurred_at=at),
                )
                if number % 5 == 0 and amount:
                    back = amount if order else amount // 2
                    await self.do(Reverse(member_id=name, order_id=f"o-{order}", reference="r", amount=back))
                    amount -= back
                if 1 <= day < 30 and (amount or number == 0):
                    self.bought[name].append(amount)
        await self.do(Erase(member_id=MEMBERS[7]))

    async def report(self, code: str) -> Any:
        connection = await self.database.connect()
        try:
            return await read_report(
                connection, code, rules=self.engine.rulebook, pii=PII, clock=SANDBOX_CLOCK
            )
        finally:
            await connection.close()

    def by_hand(self, campaign: Campaign, members: list[str]) -> tuple[Group, Group]:
        groups = {False: Group(), True: Group()}
        for name in members:
            held_out, amounts = campaign.holds_out(name), self.bought[name]
            groups[held_out] = groups[held_out].with_member(orders=len(amounts), amount_fen=sum(amounts))
        return groups[False], groups[True]


@pytest.fixture
async def shop(fresh_database_url: str) -> AsyncGenerator[Shop]:
    database = Database(fresh_database_url)
    engine = Engine(database.connect, is_sandbox=True, pii=PII)
    await engine.start()
    made = Shop(database, engine)
    await made.open()
    yield made
    await engine.stop()
    await database.dispose()


ALIVE = [name for name in MEMBERS if name != MEMBERS[7]]
RUN = {"since": START + DAY, "stopped_at": START + 30 * DAY, "state": "ended"}


async def test_both_ways_agree_with_counting_by_hand(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await store_campaign(shop.database, "all", holdout_percent=30, **RUN)
    await store_campaign(
        shop.database, "told", holdout_percent=30, audience="member.orders >= 0 && local.year == 2026", **RUN
    )
    monkeypatch.setattr(campaign_reports, "AT_ONCE", 7)
    for code in ("all", "told"):
        report = await shop.report(code)
        assert (report.since, report.until) == (START + DAY, START + 30 * DAY)
        assert report.groups == Groups(*shop.by_hand(report.campaign, ALIVE))
        assert report.groups.control.members > 5
        assert report.groups.treated.repeat_buyers > 5


async def test_the_audience_decides_who_counts(shop: Shop) -> None:
    await store_campaign(shop.database, "north", audience='member.region == "north"', **RUN)
    await store_campaign(shop.database, "silver", tiers=["silver", "gold"], **RUN)
    north = [name for number, name in enumerate(MEMBERS) if number % 3 and name in ALIVE]
    report = await shop.report("north")
    assert report.groups == Groups(*shop.by_hand(report.campaign, north))
    assert report.groups.control == Group()
    report = await shop.report("silver")
    connection = await shop.database.connect()
    accounts = [Account._make(row) for row in await connection.fetch("SELECT * FROM account")]
    await connection.close()
    silver = [
        account.member_id
        for account in accounts
        if account.tier in ("silver", "gold") and account.status == "active"
    ]
    assert 0 < len(silver) < len(ALIVE)
    assert report.groups == Groups(*shop.by_hand(report.campaign, silver))


async def test_who_cannot_be_asked_is_in_neither_group(shop: Shop) -> None:
    await store_campaign(shop.database, "asks", audience="member.attributes.vip == true", **RUN)
    assert (await shop.report("asks")).groups == Groups(Group(), Group(), failures=len(ALIVE))


async def test_a_window_narrows_the_time(shop: Shop) -> None:
    await store_campaign(
        shop.database, "live", window={"from": "2026-03-05T00:00:00Z", "until": "2026-06-01T00:00:00Z"}
    )
    report = await shop.report("live")
    assert report.since == datetime(2026, 3, 5, tzinfo=UTC)
    assert timedelta() <= report.until - (START + 31 * DAY) < timedelta(minutes=1)


async def test_before_it_begins_there_is_nothing_to_tell(shop: Shop) -> None:
    await store_campaign(shop.database, "draft", since=None)
    await store_campaign(shop.database, "ahead", window={"from": "2026-06-01T00:00:00Z"})
    for code in ("draft", "ahead"):
        with pytest.raises(ReportTooEarly):
            await shop.report(code)
    assert await shop.report("unknown") is None
