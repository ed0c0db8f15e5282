"""Whatever the campaigns and the orders: simulated before, granted live and run again, each comes to the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.account import Account
from app.domain.backtest import Buyer, Granted, Placed, Rules, Run
from app.domain.campaigns import Campaign, CampaignBudget, Effect, Facts, Lines, Trigger
from app.domain.commands import Accrue
from app.domain.coupon_templates import Template
from app.domain.earning import Line
from app.domain.ratio import Ratio
from app.domain.simulation import Simulation, told
from tests.domain.book import START
from tests.domain.fair import Fair
from tests.domain.programs import program

MEMBERS = ("a", "b", "c")
TEMPLATE = Template(
    template="ten", name="Ten", kind="amount_off", amount_off_fen=1_000, per_member=2, stock=4
)
PROGRAM = program(
    earning={"categories": {"tea": "1.5"}, "brands": {}},
    missions=[
        {
            "mission": "three",
            "name": "三单",
            "counts": "orders",
            "at_least": 3,
            "period": "week",
            "reward": {"points": 50, "growth": 3},
        }
    ],
)
SAYS: Mapping[str, Callable[[Facts], bool]] = {
    "large": lambda facts: facts["order.amount"] >= 20_000,
    "app": lambda facts: facts["order.channel"] == "app",
    "regular": lambda facts: facts["member.orders"] >= 2,
    "silver up": lambda facts: facts["member.tier"] != "bronze",
}

amounts = st.one_of(st.integers(0, 40_000), st.sampled_from([29_999, 30_000, 300_000, 1_000_000]))
effects = st.one_of(
    st.builds(
        Effect,
        kind=st.just("multiply_points"),
        factor=st.sampled_from([Ratio(2, 1), Ratio(3, 2), Ratio(11, 10)]),
        lines=st.sampled_from([Lines(), Lines(categories=frozenset({"tea"}))]),
    ),
    st.builds(
        Effect, kind=st.sampled_from(["add_points", "add_growth", "add_chances"]), amount=st.integers(1, 99)
    ),
    st.just(Effect(kind="issue_coupon", template="ten")),
)
flat = st.builds(Effect, kind=st.just("add_points"), amount=st.integers(1, 99))
limits = st.one_of(st.none(), st.integers(1, 700))


@st.composite
def campaigns(draw: st.DrawFn) -> list[Campaign]:
    found: list[Campaign] = []
    for number in range(draw(st.integers(0, 4))):
        trigger: Trigger = draw(st.sampled_from(["order", "order", "order", "tier_change"]))
        of_order = trigger == "order"
        found.append(
            Campaign(
                campaign=f"c-{number}",
                name=f"the {number}",
                trigger=trigger,
                effects=tuple(draw(st.lists(effects if of_order else flat, min_size=1, max_size=3))),
                tiers=draw(st.sampled_from([frozenset[str](), frozenset({"silver", "gold"})])),
                condition=draw(st.sampled_from([None, *SAYS, "fails"])) if of_order else None,
                budget=CampaignBudget(draw(limits), draw(limits), draw(limits)),
                priority=draw(st.integers(0, 2)),
                stacks=draw(st.booleans()),
                holdout_percent=draw(st.sampled_from([0, 0, 40])),
            )
        )
    return found


@st.composite
def orders(draw: st.DrawFn) -> Placed:
    lines = tuple(
        Line(str(number), "sku", draw(st.sampled_from(["tea", None])), None, 1, amount)
        for number, amount in enumerate(draw(st.lists(amounts, max_size=3)))
    )
    amount = sum(line.amount_fen for line in lines) if lines else draw(amounts)
    channel = draw(st.sampled_from([None, "app"]))
    buyer = Buyer(draw(st.sampled_from(MEMBERS)), START)
    return Placed(buyer, "", START, amount, lines, channel)


def live_and_simulated(
    fair: Fair, placed: Sequence[Placed]
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """What each order changed of its member: points, growth, chances, coupons and the tier's rank after."""
    live: list[tuple[int, ...]] = []
    simulated: list[tuple[int, ...]] = []
    for order in placed:
        fair.now = order.at
        command = accrual(order)
        context = fair.context()
        would = told(Simulation(deepcopy(fair.members), context, known=known(fair)).run(command, ()), context)
        rank = PROGRAM.tier(would["tier"]["after"]).rank
        simulated.append((would["points"], would["growth"], would["chances"], len(would["coupons"]), rank))
        before = fair.account(order.buyer.member_id)
        fair.do(command)
        live.append(changed(before, fair.account(order.buyer.member_id)))
    return live, simulated


def accrual(order: Placed) -> Accrue:
    return Accrue(
        member_id=order.buyer.member_id,
        order_id=order.order_id,
        amount=order.amount_fen,
        items=order.lines,
        channel=order.channel,
    )


def known(fair: Fair) -> set[tuple[str, str]]:
    return {(member, entry.key) for member, entries in fair.entries.items() for entry in entries}


def changed(before: Account, after: Account) -> tuple[int, ...]:
    return (
        after.earned - before.earned,
        after.growth - before.growth,
        after.chances - before.chances,
        after.coupons - before.coupons,
        PROGRAM.tier(after.tier).rank,
    )


def again(run: Run, order: Placed) -> tuple[int, ...]:
    granted: Granted = run.place(order)
    return (
        granted.points,
        granted.growth,
        sum(tally.chances for tally in granted.tallies),
        len(granted.coupons),
        PROGRAM.tier(run.members[order.buyer.member_id].account.tier).rank,
    )


@given(campaigns(), st.lists(st.tuples(orders(), st.integers(0, 72)), min_size=1, max_size=12))
def test_each_comes_to_the_same(found: list[Campaign], told_orders: list[tuple[Placed, int]]) -> None:
    placed: list[Placed] = []
    at = START
    for number, (order, hours) in enumerate(told_orders):
        at += timedelta(hours=hours)
        placed.append(order._replace(order_id=f"o-{number}", at=at))
    fair = Fair(*found, program=PROGRAM, members=MEMBERS, templates=[TEMPLATE], says=SAYS)
    live, simulated = live_and_simulated(fair, placed)
    by_trigger: dict[Trigger, list[Campaign]] = {}
    for each in sorted(found, key=lambda each: each.order_key):
        by_trigger.setdefault(each.trigger, []).append(each)
    rules: Any = Rules(
        lambda _now: PROGRAM,
        {PROGRAM.version: PROGRAM},
        lambda _now: by_trigger,
        fair._ask,
        {"ten": TEMPLATE},
    )
    run = Run(rules)
    assert simulated == live
    assert [again(run, order) for order in placed] == live
