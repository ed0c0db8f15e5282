"""What would happen and why: each reason why a campaign takes part or doesn't, on members as they are or made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from app.domain.calendar import local_date
from app.domain.campaign_choice import budgets_of
from app.domain.campaigns import Campaign, CampaignBudget, Effect, Facts, Lines, Trigger
from app.domain.commands import Accrue, Enrol, Freeze, Settle, SignIn
from app.domain.coupon_templates import Template
from app.domain.errors import MemberFrozen, TierNotFound
from app.domain.posting import Context, Gift, Member
from app.domain.program import Program
from app.domain.ratio import Ratio
from app.domain.roster import Asking, Roster
from app.domain.shelf import NeedsMore, ReadingShelf
from app.domain.simulation import (
    MADE_UP,
    MadeUp,
    Simulated,
    Simulation,
    SimulationRepeats,
    SimulationTooEarly,
    told,
)
from tests.domain.book import CALLER, START, Book, at
from tests.domain.programs import DEFAULT, program
from tests.domain.test_backtest import asking, campaign

TEN = Template(template="ten", name="Ten off", kind="amount_off", amount_off_fen=1_000, per_member=1)
TEA = Effect(kind="multiply_points", factor=Ratio(2, 1), lines=Lines(categories=frozenset({"tea"})))
"""Has nothing to add to an order without tea."""


def context(
    *campaigns: Campaign,
    by: Program = DEFAULT,
    left: Mapping[str, int] | None = None,
    templates: Mapping[str, Template] | None = None,
) -> Context:
    today = local_date(START, by.timezone)
    found: dict[Trigger, Sequence[Campaign]] = {}
    budgets: dict[str, int] = {}
    for each in sorted(campaigns, key=lambda each: each.order_key):
        found[each.trigger] = [*found.get(each.trigger, ()), each]
        budgets |= dict.fromkeys(budgets_of(each, today.isoformat()), 1_000_000)
    budgets |= left or {}
    numbers = iter(range(100))
    return Context(
        START,
        today,
        by,
        {by.version: by},
        CALLER,
        ReadingShelf(templates or {}, new_code=lambda: f"~{next(numbers)}"),
        Roster(found, left=budgets, all_shares=budgets, ask=asking),
    )


def order(amount_fen: int = 10_000, member: str = MADE_UP, **fields: Any) -> Accrue:
    return Accrue(member_id=member, order_id="o", amount=amount_fen, **fields)


def simulate(
    *campaigns: Campaign,
    made_up: MadeUp | None = None,
    command: Any = None,
    also: Sequence[Campaign] = (),
    member: Member | None = None,
    **options: Any,
) -> dict[str, Any]:
    """What an order of 100 yuan by somebody made up would come to; `also` are looked at, and not open."""
    by = context(*campaigns, **options)
    member = member or (made_up or MadeUp()).member(by)
    found = Simulation({member.account.member_id: member}, by).run(command or order(), [*campaigns, *also])
    return told(found, by)


def outcomes(found: Mapping[str, Any]) -> dict[str, str]:
    return {looked["campaign"]: looked["outcome"] for looked in found["campaigns"]}


def test_an_order_without_campaigns() -> None:
    assert simulate(made_up=MadeUp(tier="gold", available=50), command=order(100_000)) == {
        "points": 1_200,
        "breakdown": [
            {"rule": "purchase", "label": "1 point per yuan", "points": 1_000, "version": 1},
            {"rule": "tier:gold", "label": "gold ×1.2", "points": 200, "version": 1},
        ],
        "growth": 1_000,
        "cash": 1_000,
        "chances": 0,
        "coupons": [],
        "tier": {"before": "gold", "after": "gold"},
        "balance": {"available": 1_250, "pending": 0, "reserved": 0, "debt": 0},
        "campaigns": [],
    }


def test_a_campaign_takes_part_and_names_its_version() -> None:
    found = simulate(campaign(version=3))
    assert found["points"] == 200
    assert found["breakdown"][1] == {
        "rule": "campaign:double",
        "label": "Double",
        "points": 100,
        "version": 3,
    }
    assert found["campaigns"] == [
        {
            "campaign": "double",
            "name": "Double",
            "version": 3,
            "outcome": "applied",
            "detail": "It took part.",
        }
    ]


def held_out() -> Campaign:
    """A campaign that holds out the member made up."""
    return next(
        each
        for each in (campaign(f"c-{number}", holdout_percent=50) for number in range(100))
        if each.holds_out(MADE_UP)
    )


@pytest.mark.parametrize(
    ("looked_at", "outcome"),
    [
        (campaign("c", tiers=frozenset({"gold"})), "not_for_tier"),
        (campaign("c", audience="member.region=north"), "not_in_audience"),
        (campaign("c", audience="member.region=south", condition="order.channel=app"), "condition_false"),
        (campaign("c", audience="member.region=south", condition="order.channel=till"), "applied"),
        (campaign("c", condition="fails"), "failed"),
        (held_out(), "held_out"),
        (campaign("c", trigger="sign_in"), "other_trigger"),
        (campaign("c", trigger="tier_change"), "other_trigger"),
    ],
)
def test_each_reason(looked_at: Campaign, outcome: str) -> None:
    found = simulate(looked_at, made_up=MadeUp(traits={"region": "south"}), command=order(channel="till"))
    assert [looked["outcome"] for looked in found["campaigns"]] == [outcome]
    assert (found["points"] == 200) == (outcome == "applied")


def test_what_fails_is_told_with_its_words() -> None:
    [looked] = simulate(campaign(condition="fails"))["campaigns"]
    assert looked["detail"] == "Its conditions could not be evaluated. (no such attribute)"


def test_one_that_is_not_open() -> None:
    assert outcomes(simulate(campaign("open"), also=[campaign("closed")])) == {
        "open": "applied",
        "closed": "not_open",
    }


def test_one_that_does_not_stack_shadows_the_others() -> None:
    first = campaign("first", priority=9, stacks=False)
    assert outcomes(simulate(first, campaign("second"))) == {"first": "applied", "second": "shadowed"}
    last = campaign("last", stacks=False)
    assert outcomes(simulate(campaign("first", priority=9), last)) == {
        "first": "applied",
        "last": "shadowed",
    }


def test_one_that_has_nothing_to_add() -> None:
    till = campaign("till", Effect(kind="free_shipping"))
    tea = campaign("tea", TEA)
    alone = campaign("zz", stacks=False)
    assert outcomes(simulate(till, tea, alone)) == {
        "till": "acts_at_till",
        "tea": "adds_nothing",
        "zz": "shadowed",
    }


def test_one_whose_budget_is_spent_shadows_nobody() -> None:
    spent = campaign("a-spent", stacks=False, budget=CampaignBudget(points=500))
    assert outcomes(simulate(spent, campaign("b"), left={"a-spent": 0})) == {
        "a-spent": "budget_spent",
        "b": "applied",
    }


def test_a_budget_that_is_spent() -> None:
    spent = campaign("spent", budget=CampaignBudget(points=500))
    assert outcomes(simulate(spent, left={"spent": 0})) == {"spent": "budget_spent"}
    day = campaign("day", budget=CampaignBudget(per_day=500))
    assert outcomes(simulate(day, left={"day/2026-03-05": 0})) == {"day": "budget_spent"}
    assert simulate(spent, left={"spent": 30})["points"] == 130


def test_a_member_who_got_their_share() -> None:
    limited = campaign("limited", budget=CampaignBudget(per_member=40))
    member = MadeUp().member(context())
    member.given = {"limited": 40}
    assert outcomes(simulate(limited, member=member)) == {"limited": "budget_spent"}
    member = MadeUp().member(context())
    member.given = {"limited": 10}
    assert simulate(limited, member=member)["points"] == 130


@pytest.mark.parametrize(
    ("budget", "left", "outcome"),
    [
        (CampaignBudget(points=500), {"tea": 1}, "adds_nothing"),
        (CampaignBudget(points=500), {"tea": 0}, "budget_spent"),
        (CampaignBudget(per_day=500), {"tea/2026-03-05": 1}, "adds_nothing"),
        (CampaignBudget(per_member=1), {}, "adds_nothing"),
    ],
)
def test_a_budget_is_spent_with_its_last_point(
    budget: CampaignBudget, left: dict[str, int], outcome: str
) -> None:
    assert outcomes(simulate(campaign("tea", TEA, budget=budget), left=left)) == {"tea": outcome}


def test_a_point_left_in_one_share_asks_for_no_other_share() -> None:
    tea = campaign("tea", TEA, budget=CampaignBudget(points=500))
    by = context(tea)._replace(campaigns=Roster({"order": [tea]}, left={"tea": 1}, ask=asking))
    assert outcomes(told(Simulation({MADE_UP: MadeUp().member(by)}, by).run(order(), [tea]), by)) == {
        "tea": "adds_nothing"
    }


def test_what_spent_its_budget_by_this_order_shadows_the_others() -> None:
    last = campaign("last", stacks=False, priority=9, budget=CampaignBudget(points=500))
    assert outcomes(simulate(last, campaign("other"), left={"last": 100})) == {
        "last": "applied",
        "other": "shadowed",
    }


def test_one_that_does_not_apply_shadows_nobody() -> None:
    first = campaign("first", stacks=False, priority=9, tiers=frozenset({"gold"}))
    assert outcomes(simulate(first, campaign("tea", TEA))) == {"first": "not_for_tier", "tea": "adds_nothing"}


@pytest.mark.parametrize(
    "effect",
    [
        Effect(kind="add_points", amount=5),
        Effect(kind="add_growth", amount=5),
        Effect(kind="add_chances", amount=5),
        Effect(kind="issue_coupon", template="ten"),
    ],
)
def test_whatever_it_gives_it_took_part(effect: Effect) -> None:
    assert outcomes(simulate(campaign("gift", effect), templates={"ten": TEN})) == {"gift": "applied"}


def test_conditions_are_asked_of_what_triggers_their_campaign() -> None:
    """A campaign of orders knows of the order, one of a rise in tier knows of the tiers."""
    rise = campaign("rise", trigger="tier_change", condition="event.to=gold")
    large = campaign("large", condition="order.amount=1", trigger="order")
    by = context(rise, large)
    asked: list[tuple[Trigger, str]] = []

    def ask(trigger: Trigger, facts: Facts) -> Asking:
        def answer(condition: str) -> bool:
            asked.append((trigger, condition))
            return asking(trigger, facts)(condition)

        return answer

    by.campaigns.ask = ask
    found = Simulation({MADE_UP: MadeUp().member(by)}, by).run(order(30_000), [rise, large])
    assert outcomes(told(found, by)) == {"rise": "condition_false", "large": "condition_false"}
    assert set(asked) == {("tier_change", "event.to=gold"), ("order", "order.amount=1")}


def test_prizes_are_told_and_what_could_not_be_given() -> None:
    gift = campaign("gift", Effect(kind="issue_coupon", template="ten"), Effect(kind="add_chances", amount=2))
    found = simulate(gift, templates={"ten": TEN})
    assert (found["coupons"], found["chances"], found["points"]) == (["ten"], 2, 100)
    [looked] = simulate(gift)["campaigns"]
    assert looked["outcome"] == "applied"  # there are the chances
    assert looked["detail"].startswith("It took part. (ten: ")
    alone = campaign("gift", Effect(kind="issue_coupon", template="ten"))
    assert outcomes(simulate(alone)) == {"gift": "adds_nothing"}


def test_an_order_of_nothing() -> None:
    """It takes part in none, though the condition of one may hold."""
    found = campaign("any", Effect(kind="add_points", amount=5), condition="order.amount=0")
    assert outcomes(simulate(found, command=order(0))) == {"any": "adds_nothing"}


def test_what_follows_is_part_of_it() -> None:
    rise = campaign("rise", Effect(kind="add_points", amount=500), trigger="tier_change")
    others = campaign("others", trigger="tier_change", tiers=frozenset({"gold"}))
    found = simulate(rise, others, command=order(30_000))
    assert found["points"] == 800
    assert found["tier"] == {"before": "bronze", "after": "silver"}
    assert outcomes(found) == {"rise": "applied", "others": "not_for_tier"}
    assert [part["rule"] for part in found["breakdown"]] == ["purchase", "campaign:rise"]


def test_missions_are_part_of_it() -> None:
    mission = {"mission": "first", "name": "首单", "counts": "orders", "at_least": 1, "period": "ever"}
    by = program(missions=[{**mission, "reward": {"points": 66}}])
    assert simulate(by=by)["points"] == 166


def test_other_things_that_happen() -> None:
    assert simulate(campaign(trigger="sign_in"), command=SignIn(member_id=MADE_UP))["points"] == 20


def test_what_happened_already_is_refused() -> None:
    by = context()
    member = MadeUp().member(by)
    known = {(MADE_UP, "order/o")}
    with pytest.raises(SimulationRepeats):
        Simulation({MADE_UP: member}, by, known=known).run(order(), ())
    assert Simulation({MADE_UP: member}, by, known=known).run(SignIn(member_id=MADE_UP), ()).changes


def test_what_is_done_once_a_day_happened_today() -> None:
    by = context()
    sign_in = SignIn(member_id=MADE_UP)
    yesterday = Simulation({MADE_UP: MadeUp().member(by)}, by, known={(MADE_UP, "sign_in/2026-03-04")})
    assert yesterday.run(sign_in, ()).changes
    today = Simulation({MADE_UP: MadeUp().member(by)}, by, known={(MADE_UP, "sign_in/2026-03-05")})
    with pytest.raises(SimulationRepeats):
        today.run(sign_in, ())


def run(by: Context, **options: Any) -> Simulated:
    member = MadeUp().member(by)
    return Simulation({MADE_UP: member}, by, **options).run(order(30_000), ())


def test_what_follows_has_to_be_loaded_first() -> None:
    rise = campaign("rise", Effect(kind="add_points", amount=500), trigger="tier_change")
    with pytest.raises(NeedsMore) as more:
        run(context(rise), loaded=())
    [command] = more.value.commands
    assert command.kind == "campaign"
    assert len(run(context(rise), loaded=[command]).changes) == 2


def test_what_followed_already_does_not_follow_again() -> None:
    mission = {"mission": "first", "name": "首单", "counts": "orders", "at_least": 1, "period": "ever"}
    by = context(by=program(missions=[{**mission, "reward": {"points": 66}}]))
    assert len(run(by).changes) == 2
    assert len(run(by, known={(MADE_UP, "mission/first/ever")}).changes) == 1


def test_the_gift_of_a_tier_is_given_once() -> None:
    by = context(campaign("rise", Effect(kind="add_points", amount=500), trigger="tier_change"))
    member = MadeUp().member(by)
    member.gifts = {"campaign/rise/tier/silver": Gift(None, 500, 0)}
    [_, again] = Simulation({MADE_UP: member}, by).run(order(30_000), ()).changes
    assert again.entry is None


def test_what_follows_may_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(members: Any, command: Any, by: Any) -> Any:
        if command.kind == "campaign":
            raise MemberFrozen
        return decide(members, command, by)

    from app.domain import simulation

    decide = simulation.decide
    monkeypatch.setattr(simulation, "decide", refuse)
    rise = campaign("rise", Effect(kind="add_points", amount=500), trigger="tier_change")
    assert len(run(context(rise)).changes) == 1


# --- made-up members -------------------------------------------------------------------------------------


def test_somebody_made_up_stands_where_they_deserve() -> None:
    by = context()
    assert MadeUp().member(by).account.tier == "bronze"
    account = MadeUp(spend_fen=300_000, orders=3, growth=9).member(by).account
    assert (account.tier, account.spend, account.orders, account.growth) == ("gold", 300_000, 3, 9)
    assert (account.member_id, account.joined_at) == (MADE_UP, START)
    assert MadeUp(tier="diamond").member(by).account.tier == "diamond"
    with pytest.raises(TierNotFound):
        MadeUp(tier="tin").member(by)


def test_what_somebody_made_up_spent_lies_in_no_window() -> None:
    """It is of no order, so of no day."""
    qualification = {"metrics": ["spend"], "combine": "any", "window": {"kind": "calendar_year"}}
    by = context(by=program(tiers={"qualification": qualification}))
    assert MadeUp(spend_fen=300_000).member(by).account.tier == "bronze"


def test_somebody_made_up_earned_what_they_have() -> None:
    joined = START - timedelta(days=400)
    account = MadeUp(available=50, joined_at=joined).member(context()).account
    assert (account.available, account.earned, account.joined_at) == (50, 50, joined)


def test_what_is_told_is_what_comes_on_top() -> None:
    member = MadeUp(growth=5).member(context())
    member.account = member.account._replace(cash=700, chances=3)
    found = simulate(member=member, command=order(100_000))
    assert (found["growth"], found["cash"], found["chances"]) == (1_000, 1_000, 0)


def test_what_was_granted_before_is_told_by_the_version_that_granted_it() -> None:
    book = Book(DEFAULT)
    book.do(order(member="m", settle=False))
    book.adopt(at(DEFAULT, version=2))
    by = book.context()._replace(campaigns=Roster({}))
    found = told(Simulation(book.members, by).run(Settle(member_id="m", order_id="o"), ()), by)
    assert [(part["points"], part["version"]) for part in found["breakdown"]] == [(100, 1)]
    assert (found["points"], found["balance"]["available"]) == (100, 100)


def test_what_grants_nothing_has_no_breakdown() -> None:
    found = simulate(command=Freeze(member_id=MADE_UP))
    assert (found["points"], found["breakdown"]) == (0, [])


def test_a_referral_is_told_of_the_member_alone() -> None:
    book = Book(DEFAULT, "inviter")
    book.do(Enrol(member_id="m", person={"referred_by": "inviter"}))
    by = context()
    members = {name: book.members[name] for name in ("inviter", "m")}
    found = Simulation(members, by).run(order(member="m"), ())
    assert {change.account.member_id for change in found.changes} == {"m", "inviter"}
    assert told(found, by)["points"] == 200


def test_the_refusals_say_what_to_do() -> None:
    assert SimulationTooEarly.example().detail.endswith(".")
