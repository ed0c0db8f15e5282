"""Orders run again: as live they would be granted, and what two runs of them come to beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.backtest import Buyer, Placed, Rules, Run, placed
from app.domain.backtest_figures import Comparison, Period
from app.domain.campaigns import Campaign, CampaignBudget, Effect, Facts, Trigger
from app.domain.commands import Accrue
from app.domain.coupon_templates import Template
from app.domain.earning import Line
from app.domain.orders import Order, Returned
from app.domain.program import Program
from app.domain.ratio import Ratio
from app.domain.roster import Asking, ConditionFailed
from tests.domain.book import START, Book
from tests.domain.programs import DEFAULT, program

DAY = timedelta(days=1)
DOUBLE = Effect(kind="multiply_points", factor=Ratio(2, 1))


def campaign(code: str = "double", *effects: Effect, **fields: Any) -> Campaign:
    return Campaign(
        campaign=code,
        name=code.title(),
        trigger=fields.pop("trigger", "order"),
        effects=effects or (DOUBLE,),
        **fields,
    )


def asking(_trigger: Trigger, facts: Facts) -> Asking:
    """Conditions of the tests: a name and the value it must have; `fails` can't be evaluated."""

    def ask(condition: str) -> bool:
        if condition == "fails":
            raise ConditionFailed("no such attribute")
        name, value = condition.split("=")
        return str(facts[name]) == value

    return ask


def rules(
    *campaigns: Campaign, by: Program = DEFAULT, templates: Mapping[str, Template] | None = None
) -> Rules:
    found: dict[Trigger, Sequence[Campaign]] = {}
    for each in sorted(campaigns, key=lambda each: each.order_key):
        found[each.trigger] = [*found.get(each.trigger, ()), each]
    return Rules(lambda _now: by, {by.version: by}, lambda _now: found, asking, templates or {})


def order(number: int, amount_fen: int, *, member: str = "m", days: float = 0, **fields: Any) -> Placed:
    buyer = fields.pop("buyer", None) or Buyer(member, START)
    return Placed(buyer, f"o-{number}", START + DAY * days, amount_fen, **fields)


# --- one run ---------------------------------------------------------------------------------------------


def test_it_grants_what_was_granted_live() -> None:
    amounts = [29_999, 1, 280_000, 12_345, 700_000, 99]
    book = Book()
    live = []
    for number, amount in enumerate(amounts):
        book.later(days=1)
        live.append(book.do(Accrue(member_id="m", order_id=f"o-{number}", amount=amount))["points"])
    run = Run(rules())
    again = [run.place(order(number, amount, days=number + 1)) for number, amount in enumerate(amounts)]
    assert [granted.points for granted in again] == live
    assert [granted.tier for granted in again] == ["bronze", "bronze", "silver", "gold", "gold", "platinum"]
    account, lived = run.members["m"].account, book.members["m"].account
    for figure in ("spend", "orders", "earned", "growth", "cash", "tier", "review", "streak"):
        assert (figure, getattr(account, figure)) == (figure, getattr(lived, figure))


def test_a_campaign_boosts_whom_it_is_for() -> None:
    run = Run(rules(campaign(condition="order.channel=app", audience="member.region=north")))
    north = Buyer("n", START, {"region": "north"})
    assert run.place(order(1, 1_000, buyer=north, channel="app")).points == 20
    assert run.place(order(2, 1_000, buyer=north, channel="till")).points == 10
    granted = run.place(order(3, 1_000, channel="app"))
    assert (granted.points, granted.tallies) == (10, [])


def test_budgets_hold_in_the_order_of_time() -> None:
    run = Run(rules(campaign(budget=CampaignBudget(points=25, per_day=12))))
    points = [run.place(order(number, 1_000, days=number // 2)).points for number in range(8)]
    # 12 a day, of 25 in all.
    assert points == [20, 12, 20, 12, 11, 10, 10, 10]
    assert Run(rules(campaign(budget=CampaignBudget(points=0)))).place(order(1, 1_000)).points == 10


def test_a_budget_of_a_day_is_that_of_the_program_s_day() -> None:
    run = Run(rules(campaign(budget=CampaignBudget(per_day=12))))
    # START is ten in the morning in Shanghai: 14 hours on, the next day begins there.
    points = [
        run.place(order(number, 2_000, days=hours / 24)).points for number, hours in enumerate((0, 13, 15))
    ]
    assert points == [32, 20, 32]


def test_an_order_is_granted_by_the_program_of_its_moment() -> None:
    first, later = program(), program(earning={"rate": "2"})
    run = Run(rules()._replace(program_at=lambda now: first if now < START + DAY else later))
    assert [run.place(order(number, 1_000, days=number)).points for number in range(2)] == [10, 20]


def test_each_line_earns_at_its_own_rate() -> None:
    run = Run(rules(by=program(earning={"categories": {"tea": "3"}})))
    lines = (Line("a", "sku-a", "tea", None, 1, 900), Line("b", "sku-b", None, None, 1, 100))
    assert run.place(order(1, 1_000, lines=lines)).points == 28


def test_a_member_gets_no_more_than_their_share() -> None:
    run = Run(rules(campaign(budget=CampaignBudget(per_member=15))))
    assert [run.place(order(number, 1_000)).points for number in range(3)] == [20, 15, 10]
    assert run.place(order(3, 1_000, member="n")).points == 20


def test_a_campaign_may_open_and_close() -> None:
    closed: dict[Trigger, Sequence[Campaign]] = {}
    opened: dict[Trigger, Sequence[Campaign]] = {"order": [campaign()]}
    later = rules()._replace(open_at=lambda now: opened if now >= START + DAY / 8 else closed)
    run = Run(later)
    assert [run.place(order(number, 1_000, days=number / 8)).points for number in range(3)] == [10, 20, 20]


def test_what_fails_is_told_and_pays_nothing() -> None:
    run = Run(rules(campaign(condition="fails")))
    granted = run.place(order(1, 1_000))
    assert granted.points == 10
    assert [(failure.campaign, failure.error) for failure in granted.failures] == [
        ("double", "no such attribute")
    ]
    assert run.place(order(2, 1_000)).failures == granted.failures


def test_rising_pays_once() -> None:
    rise = campaign("rise", Effect(kind="add_points", amount=500), trigger="tier_change")
    run = Run(rules(rise))
    assert [run.place(order(number, 30_000)).points for number in range(2)] == [800, 300]
    assert run.members["m"].account.earned == 1_100


def test_an_occasion_comes_once_even_if_the_tier_is_won_again() -> None:
    rise = campaign("rise", Effect(kind="add_points", amount=500), trigger="tier_change")
    run = Run(rules(rise))
    run.place(order(1, 30_000))
    member = run.members["m"]
    member.account = member.account._replace(tier="bronze")
    assert run.place(order(2, 100)).points == 1


def test_missions_are_rewarded() -> None:
    mission = {"mission": "three", "name": "三单", "counts": "orders", "at_least": 3, "period": "month"}
    by = program(missions=[{**mission, "reward": {"points": 300}}])
    run = Run(rules(by=by))
    assert [run.place(order(number, 1_000)).points for number in range(4)] == [10, 10, 310, 10]


TEMPLATE = Template(template="ten", name="Ten off", kind="amount_off", amount_off_fen=1_000, per_member=1)


def test_coupons_are_given_within_their_limits() -> None:
    run = Run(
        rules(campaign("gift", Effect(kind="issue_coupon", template="ten")), templates={"ten": TEMPLATE})
    )
    assert [coupon.template for coupon in run.place(order(1, 1_000)).coupons] == ["ten"]
    refused = run.place(order(2, 1_000))
    assert (len(refused.coupons), len(refused.failures)) == (0, 1)


def test_what_was_brought_along_counts_from_the_first_order_on() -> None:
    run = Run(rules())
    joined = START - 400 * DAY
    buyer = Buyer("m", joined, opening=(50, 300_000, 7))
    assert run.place(order(1, 10_000, buyer=buyer)).points == 120
    account = run.members["m"].account
    assert (account.tier, account.spend, account.growth, account.joined_at) == ("gold", 310_000, 107, joined)
    assert account.earned == 50 + 120


def test_what_a_person_approved_is_approved_again() -> None:
    for is_approved, tier in ((True, "diamond"), (False, "platinum")):
        run = Run(rules())
        granted = run.place(order(1, 3_000_000, buyer=Buyer("m", START, is_approved=is_approved)))
        assert granted.points == 30_000
        assert run.members["m"].account.tier == tier


def test_a_tier_period_ends_on_the_way() -> None:
    by = program(
        tiers={
            "qualification": {
                "metrics": ["spend"],
                "combine": "any",
                "window": {"kind": "rolling_months", "months": 3},
            },
            "validity_months": 3,
            "grace_days": 0,
        }
    )
    run = Run(rules(by=by))
    tiers = [run.place(order(number, 20_000, days=days)).tier for number, days in enumerate((0, 1, 30, 200))]
    assert tiers == ["bronze", "bronze", "silver", "bronze"]


def test_a_tier_period_ends_without_lots_as_well() -> None:
    """Once the period is over, what was spent in a lifetime must reach the tier in the program there is by then."""
    terms = {"validity_months": 3, "grace_days": 0}
    gentle, steep = program(tiers=terms), program(tiers={**steeper(9).to_document()["tiers"], **terms})
    run = Run(rules()._replace(program_at=lambda now: gentle if now < START + DAY else steep))
    tiers = [run.place(order(number, 30_000, days=days)).tier for number, days in enumerate((0, 1, 200))]
    assert tiers == ["bronze", "silver", "bronze"]


def test_a_lifetime_window_keeps_no_lots() -> None:
    run = Run(rules())
    for number in range(3):
        run.place(order(number, 1_000, days=400 * number))
    member = run.members["m"]
    assert (member.lots, member.orders, member.account.available) == ({}, {}, 0)
    assert member.account.earned == 30


# --- what is left of an order ----------------------------------------------------------------------------

LINES = (Line("a", "sku-a", None, None, 3, 900), Line("b", "sku-b", None, None, 1, 100))


@pytest.mark.parametrize(
    ("returned", "unallocated", "left"),
    [
        ({}, 0, [("a", 3, 900), ("b", 1, 100)]),
        ({"a": Returned(1, 300)}, 0, [("a", 2, 600), ("b", 1, 100)]),
        ({"a": Returned(3, 900)}, 0, [("b", 1, 100)]),
        ({"a": Returned(0, 899)}, 0, [("a", 3, 1), ("b", 1, 100)]),
        ({}, 500, [("a", 3, 450), ("b", 1, 50)]),
        ({"b": Returned(1, 100)}, 450, [("a", 3, 450)]),
    ],
)
def test_what_is_left_is_placed(
    returned: dict[str, Returned], unallocated: int, left: list[tuple[str, int, int]]
) -> None:
    found = placed(Buyer("m", START), "o", START, Order(1_000, LINES, returned, unallocated, "app"))
    assert found is not None
    assert [(line.line_id, line.quantity, line.amount_fen) for line in found.lines] == left
    assert found.amount_fen == sum(amount for _, _, amount in left)
    assert found.channel == "app"


def test_nothing_is_left_of_an_order_refunded_in_full() -> None:
    assert placed(Buyer("m", START), "o", START, Order(1_000, (), {}, 1_000, None)) is None
    without_lines = placed(Buyer("m", START), "o", START, Order(1_000, (), {}, 400, None))
    assert without_lines == Placed(Buyer("m", START), "o", START, 600)
    for_nothing = placed(Buyer("m", START), "o", START, Order(0, (), {}, 0, None))
    assert for_nothing == Placed(Buyer("m", START), "o", START, 0)


# --- two runs beside each other --------------------------------------------------------------------------


def compare(
    baseline: Rules, draft: Rules, orders: Sequence[Placed], *, days: int = 30, since: int = 0
) -> dict[str, Any]:
    def names(by: Rules) -> dict[str, str]:
        return {each.campaign: each.name for some in by.open_at(START).values() for each in some}

    comparison = Comparison(
        Run(baseline),
        Run(draft),
        period=Period(START + DAY * since, START + DAY * days),
        names=(names(baseline), names(draft)),
        templates=draft.templates,
        ladder=[tier.code for tier in DEFAULT.tiers.ladder],
    )
    for each in orders:
        comparison.place(each)
    return comparison.result()


def test_the_same_rules_differ_in_nothing() -> None:
    found = compare(rules(), rules(), [order(number, 12_345, days=number) for number in range(5)])
    assert found["points"] == {"baseline": 615, "draft": 615, "difference": 0}
    assert found["tiers"]["moves"] == []
    assert (found["orders"], found["amount"], found["members"]) == (5, 61_725, 1)


def test_a_draft_is_told_with_its_cost() -> None:
    draft = rules(
        campaign(),
        campaign("gift", Effect(kind="issue_coupon", template="ten"), Effect(kind="add_chances", amount=2)),
        campaign("broken", condition="fails"),
        templates={"ten": TEMPLATE, "half": TEMPLATE},
    )
    found = compare(
        rules(), draft, [order(1, 10_000), order(2, 5_000, days=1), order(3, 100_000, member="n")]
    )
    assert found["points"] == {"baseline": 1_150, "draft": 2_300, "difference": 1_150}
    assert found["cost"] == {
        "points": {"baseline": 1_150, "draft": 2_300, "difference": 1_150},
        "cash": {"baseline": 1_000, "draft": 1_000, "difference": 0},
        "coupons": {"baseline": 0, "draft": 2_000, "difference": 2_000},
        "total": {"baseline": 2_150, "draft": 5_300, "difference": 3_150},
        "unpriced_coupons": {"baseline": 0, "draft": 0, "difference": 0},
    }
    assert found["coupons"]["draft"] == 2
    assert found["chances"]["draft"] == 6
    assert found["campaigns"]["baseline"] == []
    assert found["campaigns"]["draft"] == [
        _told("broken", failures={"count": 3, "last_error": "no such attribute"}),
        _told("double", times=3, members=2, amount=115_000, points=1_150),
        _told(
            "gift",
            times=3,
            members=2,
            amount=115_000,
            chances=6,
            coupons=2,
            failures={"count": 1, "last_error": "ten: coupon_limit_reached"},
        ),
    ]


def test_what_the_baseline_gave_is_told_as_that_of_the_draft() -> None:
    gift = campaign("gift", Effect(kind="issue_coupon", template="ten"), Effect(kind="add_growth", amount=5))
    same = rules(gift, templates={"ten": TEMPLATE})
    orders = [order(1, 100_000), order(2, 100_000, member="n"), order(3, 200_000, member="n")]
    found = compare(same, same, orders)
    assert found["members"] == 2
    assert found["growth"] == {"baseline": 4_015, "draft": 4_015, "difference": 0}
    assert found["coupons"] == {"baseline": 2, "draft": 2, "difference": 0}
    assert found["cost"]["cash"] == {"baseline": 3_000, "draft": 3_000, "difference": 0}
    assert found["cost"]["coupons"] == {"baseline": 2_000, "draft": 2_000, "difference": 0}
    limited = {"count": 1, "last_error": "ten: coupon_limit_reached"}
    told = _told("gift", times=3, members=2, amount=400_000, growth=15, coupons=2, failures=limited)
    assert found["campaigns"] == {"baseline": [told], "draft": [told]}


def _told(code: str, **figures: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("times", "members", "amount", "points", "growth", "chances", "coupons"), 0)
    no_failures = {"count": 0, "last_error": None}
    return {"campaign": code, "name": code.title(), **nothing, "failures": no_failures, **figures}


def test_a_coupon_of_no_one_worth_is_counted_apart() -> None:
    percent = Template(template="ten", name="Ten", kind="percent_off", percent_off=10)
    draft = rules(campaign("gift", Effect(kind="issue_coupon", template="ten")), templates={"ten": percent})
    found = compare(rules(), draft, [order(1, 10_000), order(2, 10_000)])
    assert found["cost"]["coupons"]["draft"] == 0
    assert found["cost"]["unpriced_coupons"] == {"baseline": 0, "draft": 2, "difference": 2}


def test_only_orders_of_the_period_count() -> None:
    found = compare(rules(), rules(), [order(1, 30_000), order(2, 1_000, days=5)], since=3)
    assert (found["orders"], found["points"]["draft"]) == (1, 10)
    assert found["tiers"]["data"] == [{"tier": "silver", "baseline": 1, "draft": 1}]


def steeper(times: int) -> Program:
    """The default program with thresholds so many times as high."""
    ladder = DEFAULT.to_document()["tiers"]["ladder"]
    for tier in ladder[1:]:
        tier["thresholds"]["spend"] *= times
    return program(tiers={"ladder": ladder})


def test_who_moves_is_told() -> None:
    orders = [order(1, 30_000), order(2, 70_000, member="n"), order(3, 400_000, member="o")]
    found = compare(rules(), rules(by=steeper(2)), orders)
    assert found["tiers"]["data"] == [
        {"tier": "bronze", "baseline": 0, "draft": 1},
        {"tier": "silver", "baseline": 2, "draft": 2},
        {"tier": "gold", "baseline": 1, "draft": 0},
    ]
    assert found["tiers"]["moves"] == [
        {"from": "silver", "to": "bronze", "members": 1},
        {"from": "gold", "to": "silver", "members": 1},
    ]
    of_gold_first = [order(1, 400_000), order(2, 30_000, member="n")]
    assert compare(rules(), rules(by=steeper(99)), of_gold_first)["tiers"]["moves"] == [
        {"from": "silver", "to": "bronze", "members": 1},
        {"from": "gold", "to": "bronze", "members": 1},
    ]


def test_the_series_is_by_day_or_by_month() -> None:
    orders = [order(1, 1_000), order(2, 2_000, days=0.5), order(3, 3_000, days=40)]
    found = compare(rules(), rules(campaign()), orders)
    assert found["series"] == {
        "by": "day",
        "data": [
            {"date": "2026-03-05", "orders": 2, "amount": 3_000, "baseline": 30, "draft": 60},
            {"date": "2026-04-14", "orders": 1, "amount": 3_000, "baseline": 30, "draft": 60},
        ],
    }
    assert compare(rules(), rules(), orders, days=100)["series"]["by"] == "day"
    by_month = compare(rules(), rules(), orders, days=101)["series"]
    assert by_month["by"] == "month"
    assert [told["date"] for told in by_month["data"]] == ["2026-03-01", "2026-04-01"]


def test_days_are_the_programs() -> None:
    at = datetime(2026, 3, 31, 16, 30, tzinfo=UTC)
    found = compare(rules(), rules(), [Placed(Buyer("m", at), "o", at, 100)])
    assert found["series"]["data"][0]["date"] == "2026-04-01"
