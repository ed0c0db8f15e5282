"""The past stays what it was then, however late what fell due was written down."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

import pytest

from app.domain import commands as ask
from app.domain.checkout_commands import CancelCheckout
from app.domain.command import Command
from app.domain.coupon_commands import ClaimCoupon, LockCoupon
from app.ledger.load import SANDBOX_CLOCK
from app.queries.balances import read_balance
from app.queries.liability import read_liability
from app.queries.members import MemberReader
from app.queries.verify import verify
from tests.queries.checkouts import TEMPLATES, complete, hold, offer, refund
from tests.queries.ledgers import Shop, open_shop, replace_program

MEMBERS = ("a", "b", "c")
WALLETS = ("available", "pending", "reserved", "debt", "growth", "cash")


def _some_command(dice: random.Random, member: str, number: int) -> Command:
    reference, order = f"r{dice.randint(1, number)}", f"o{dice.randint(1, number)}"
    other = dice.choice([name for name in MEMBERS if name != member])
    choices: list[Command] = [
        ask.Accrue(member_id=member, order_id=f"o{number}", amount=dice.randint(0, 200_000)),
        ask.Accrue(member_id=member, order_id=f"o{number}", amount=dice.randint(0, 90_000), settle=False),
        ask.Settle(member_id=member, order_id=order),
        ask.Reverse(member_id=member, order_id=order, reference=f"v{number}", amount=dice.randint(1, 90_000)),
        ask.SignIn(member_id=member),
        ask.Redeem(member_id=member, reference=f"r{number}", points=dice.randint(1, 900)),
        ask.Redeem(member_id=member, reference=f"r{number}", points=dice.randint(1, 900), reserve=True,
                   hold_seconds=dice.choice([60, 600_000])),
        ask.Commit(member_id=member, reference=reference, points=dice.choice([None, 1, 50])),
        ask.Cancel(member_id=member, reference=reference),
        ask.Refund(member_id=member, redemption=reference, reference=f"f{number}",
                   points=dice.choice([None, 1, 50])),
        ask.Adjust(member_id=member, reference=f"a{number}", points=dice.choice([-70, 90]), reason="x"),
        ask.Transfer(member_id=member, reference=f"t{number}", to=other, points=dice.randint(1, 300)),
        ask.Import(member_id=member, reference=f"i{number}", points=dice.randint(0, 99)),
    ]  # fmt: skip
    return dice.choice([dice.choice(choices), dice.choice(_of_checkouts(dice, member, number))])


def _of_checkouts(dice: random.Random, member: str, number: int) -> list[Command]:
    name, amounts = f"k{number // 40}", dice.choices(range(0, 90_000, 17), k=2)
    points, cash, coupons = dice.choice([0, 300, "max"]), dice.choice([0, "max"]), dice.choice([(), "best"])
    template = dice.choice([*TEMPLATES])
    new = hold(member, name, *amounts, points=points, cash=cash, coupons=coupons,
               settle=dice.random() < 0.7, hold_seconds=dice.choice([60, 600_000]))  # fmt: skip
    return [
        new,
        new,
        complete(member, name),
        complete(member, name),
        complete(member, name, earn_only=True, paid=dice.choice([None, 5_000])),
        complete(member, name, earn_only=True),
        CancelCheckout(member_id="", checkout_id=f"{member}-{name}"),
        refund(member, name, f"f{number}", amount=dice.randint(1, 50_000)),
        refund(member, name, f"f{number}", items=(("2", None, 900),)),
        refund(member, name, f"f{number}", items=(("1", None, None),)),
        ClaimCoupon(member_id=member, template=template),
        LockCoupon(member_id=member, code="HELLO", reference=f"l{number}", discount=10),
    ]


async def _standing(reader: MemberReader) -> dict[str, dict[str, int]]:
    """What each member holds at this moment, by the rules alone; nothing is written down."""
    standing: dict[str, dict[str, int]] = {}
    for member, status in zip(MEMBERS, await reader.statuses(MEMBERS), strict=True):
        assert status is not None
        points: dict[str, Any] = status["points"]
        standing[member] = {
            **{name: points[name] for name in WALLETS[:4]},
            "growth": status["growth"],
            "cash": status["cash"],
        }
    return standing


CUMULATIVE = {"policy": "cumulative", "every_fen": 100_000, "reward_fen": 1_000}
WINDOWED: dict[str, Any] = {
    "tiers.qualification.window": {"kind": "rolling_months", "months": 3},
    "tiers.validity_months": 6,
    "tiers.grace_days": 30,
    "tiers.warn_days": 7,
}
PROGRAMS: list[dict[str, Any]] = [
    {},
    {"validity": {"policy": "yearly_tenth"}},
    {"validity": {"policy": "inactivity", "months": 2}, "refunds.grace_days": 10},
    {"validity": {"policy": "never"}, **WINDOWED},
    {"validity": {"policy": "calendar_year_end", "years": 0}, "cash": CUMULATIVE, **WINDOWED},
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("program", PROGRAMS, ids=["default", "tenths", "inactivity", "never", "year-end"])
async def test_the_past_is_what_it_was(fresh_database_url: str, program: dict[str, Any], seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same history each time
    if program:
        await replace_program(fresh_database_url, program)
    async with open_shop(fresh_database_url) as shop:
        reader = MemberReader(
            shop.database.connect, rules=shop.engine.rulebook, templates=shop.engine.rack, clock=SANDBOX_CLOCK
        )
        reader.start()
        await offer(shop)
        before = await shop.now()
        for member in MEMBERS:
            await shop.ask(ask.Enrol(member_id=member))
        history: list[tuple[datetime, dict[str, dict[str, int]]]] = []
        for number in range(1, 321):
            await shop.try_to(_some_command(dice, dice.choice(MEMBERS), number))
            if dice.random() < 0.12:
                await shop.wait(hours=dice.choice([0.1, 1, 30, 500, 3_000]))
                standing = await _standing(reader)
                history.append((await shop.now(), standing))
        for member in MEMBERS:
            await shop.ask(ask.Mature(member_id=member))
        await reader.stop()
        assert (await verify(shop.database.connect)).differences == []
        nothing = dict.fromkeys(WALLETS, 0)
        for moment, standing in [(before, dict.fromkeys(MEMBERS, nothing)), *history]:
            await _compare(shop, moment, standing)


async def _compare(shop: Shop, moment: datetime, standing: dict[str, dict[str, int]]) -> None:
    async with shop.database.engine.connect() as connection:
        for member in MEMBERS:
            row = await read_balance(connection, member_id=member, as_of=moment)
            assert row is not None
            assert row._asdict() == {"as_of": moment, **standing[member]}
    async with shop.database.engine.connect() as connection:
        owed = await read_liability(connection, as_of=moment, timezone="Asia/Shanghai")
    for wallet in ("available", "pending", "reserved"):
        total = sum(getattr(month, wallet) for month in owed.months)
        assert total == sum(each[wallet] for each in standing.values()), (moment, wallet)
    assert owed.debt == sum(each["debt"] for each in standing.values())
    assert owed.cash == sum(each["cash"] for each in standing.values())
    months = [month.month for month in owed.months]
    assert months == sorted(months, key=str)


async def test_tenths_are_owed_year_by_year(fresh_database_url: str) -> None:
    await replace_program(fresh_database_url, {"validity": {"policy": "yearly_tenth"}})
    async with open_shop(fresh_database_url) as shop:
        placed = datetime.fromisoformat("2026-03-05T10:00:00+08:00")
        await shop.wait(seconds=(placed - await shop.now()).total_seconds() + 60)
        await shop.ask(ask.Enrol(member_id="a"))
        await shop.ask(ask.Accrue(member_id="a", order_id="o", amount=10_500, occurred_at=placed))
        await shop.ask(ask.Redeem(member_id="a", reference="r", points=7))
        await shop.ask(ask.Redeem(member_id="a", reference="h", points=30, reserve=True))
        async with shop.database.engine.connect() as connection:
            owed = await read_liability(connection, as_of=await shop.now(), timezone="Asia/Shanghai")
    assert [(month.month, month.available, month.reserved) for month in owed.months] == [
        ("2027-03", 11, 30),
        *((f"{year}-03", 11, 0) for year in range(2028, 2033)),
        ("2033-03", 2, 0),
    ]


async def test_points_are_owed_in_the_month_of_their_last_usable_day(fresh_database_url: str) -> None:
    """They expire at the midnight that ends it, which may begin the next month, in the program's zone."""
    async with open_shop(fresh_database_url) as shop:
        await shop.ask(ask.Enrol(member_id="a"))
        for points, expires_at in (
            (1, "2099-04-01T00:00:00+08:00"),
            (10, "2099-04-01T00:00:01+08:00"),
            (100, "2099-05-01T00:00:00+08:00"),
            (1_000, "2100-01-01T00:00:00+08:00"),
        ):
            instant = datetime.fromisoformat(expires_at)
            await shop.ask(
                ask.Import(member_id="a", reference=f"i{points}", points=points, expires_at=instant)
            )
        async with shop.database.engine.connect() as connection:
            owed = await read_liability(connection, as_of=await shop.now(), timezone="Asia/Shanghai")
    assert [(month.month, month.available) for month in owed.months] == [
        ("2099-03", 1),
        ("2099-04", 110),
        ("2099-12", 1_000),
    ]
