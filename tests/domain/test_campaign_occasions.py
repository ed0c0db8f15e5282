"""Campaigns that pay by themselves, one occasion after another. Source: RULES.md, Campaigns."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.campaign_commands import PayCampaign
from app.domain.campaigns import Campaign, CampaignBudget, Effect, Facts, Trigger
from app.domain.carts import Wish
from app.domain.checkout_commands import CompleteCheckout, HoldCheckout
from app.domain.commands import Accrue, Freeze, Redeem
from app.domain.errors import MemberFrozen
from app.domain.occasions import on_rising, pay
from app.domain.posting import Context
from app.domain.program import Program
from app.domain.roster import Asking, ConditionFailed, Failure, Roster
from tests.domain.book import Book
from tests.domain.fair import Fair, campaign, growth, points
from tests.domain.programs import DEFAULT, with_validity
from tests.domain.shop import cart


class Gifts(Book):
    """A book in which campaigns that give 50 points by themselves are open."""

    def __init__(self, *triggers: Trigger, program: Program = DEFAULT, **more: Any) -> None:
        self.campaigns: dict[Trigger, list[Campaign]] = {
            trigger: [
                Campaign(
                    campaign=trigger,
                    name=trigger,
                    trigger=trigger,
                    effects=(Effect(kind="add_points", amount=50),),
                    **more,
                )
            ]
            for trigger in triggers
        }
        super().__init__(program)

    def context(self) -> Context:
        return super().context()._replace(campaigns=Roster(self.campaigns))

    def ask(self, trigger: Trigger, occasion: str) -> dict[str, Any]:
        return self.do(PayCampaign(member_id="m", campaign=trigger, trigger=trigger, occasion=occasion))


def test_it_pays_and_tells() -> None:
    book = Gifts("schedule")
    assert book.ask("schedule", "at/2026-03-05") == {
        "campaign": "schedule",
        "occasion": "at/2026-03-05",
        "points": 50,
        "balance": {"available": 50, "pending": 0, "reserved": 0, "debt": 0},
    }
    entry = book.last()
    assert (entry.kind, entry.key) == ("campaign", "campaign/schedule/at/2026-03-05")
    assert book.detail()["breakdown"] == [["schedule", 1, 50, "schedule"]]


def test_the_frozen_get_nothing() -> None:
    book = Gifts("schedule")
    book.do(Freeze(member_id="m"))
    with pytest.raises(MemberFrozen):
        book.ask("schedule", "at/2026-03-05")


@pytest.mark.parametrize(("spent", "points"), [(0, 150), (1, 99)])
def test_a_balance_is_asked_for_again_once_the_account_is_locked(spent: int, points: int) -> None:
    book = Gifts("balance", balance=100)
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    if spent:
        book.do(Redeem(member_id="m", reference="r", points=spent))
    assert bool(book.ask("balance", "balance")) == (not spent)
    assert book.balances()[0] == points


def test_a_gift_shows_no_life() -> None:
    book = Gifts("dormancy", program=with_validity(policy="inactivity", months=6))
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    ends = book.lot(1).expires_at
    assert ends is not None
    book.later(days=100)
    book.ask("dormancy", "dormant/2026-03-05")
    assert book.lot(1).expires_at == ends
    given = book.lot(2).expires_at
    assert given is not None
    assert given > ends


def test_which_campaigns_a_command_has_looked_up() -> None:
    pay = PayCampaign(member_id="m", campaign="c", trigger="schedule", occasion="at/2026-03-05")
    hold = HoldCheckout(member_id="m", checkout_id="k", cart=cart(100), wish=Wish(0, 0, ()))
    complete = CompleteCheckout(member_id="m", checkout_id="k")
    assert [(each.fires, each.foretells) for each in (pay, hold, complete)] == [
        ("schedule", None),
        (None, "order"),
        ("order", None),
    ]


def test_one_that_fails_pays_nothing_and_is_told() -> None:
    def ask(trigger: Trigger, _facts: Facts) -> Asking:
        assert trigger == "schedule"
        raise ConditionFailed("it divides by zero.")

    book = Gifts("schedule", condition="broken")
    roster = Roster(book.campaigns, ask=ask)
    command = PayCampaign(member_id="m", campaign="schedule", trigger="schedule", occasion="at/2026-03-05")
    change = pay(book.members["m"], command, book.context()._replace(campaigns=roster))
    assert change.entry is None
    assert roster.failures == [Failure("schedule", "it divides by zero.")]


# --- several at once --------------------------------------------------------------------------------------

RISES = Accrue(member_id="m", order_id="o", amount=30_000)  # from bronze to silver

PAID: list[tuple[str, dict[str, dict[str, Any]], str]] = [
    ("ab", {}, "ab"),
    ("aB", {}, "a"),
    ("Ab", {}, "A"),
    ("aBc", {}, "ac"),
    ("AB", {}, "A"),
    # One whose budget is spent stands in nobody's way, nor does one whose condition does not hold.
    ("Ab", {"A": {"budget": CampaignBudget(points=0)}}, "b"),
    ("Ab", {"A": {"budget": CampaignBudget(points=9)}}, "A"),
    ("Ab", {"A": {"condition": "no"}}, "b"),
    ("Ab", {"A": {"condition": "yes"}}, "A"),
]


@pytest.mark.parametrize(("those", "terms", "paid"), PAID)
@pytest.mark.parametrize("gives", [points(5), growth(5)])
def test_those_of_one_occasion_apply_as_those_of_an_order(
    those: str, terms: dict[str, dict[str, Any]], paid: str, gives: Effect
) -> None:
    """Capitals don't stack: they apply as the first alone, and then alone."""
    found = [
        campaign(
            code, gives, trigger="tier_change", stacks=code.islower(), priority=-number, **terms.get(code, {})
        )
        for number, code in enumerate(those)
    ]
    book = Fair(*found, program=DEFAULT, says={"yes": lambda _: True, "no": lambda _: False})
    book.do(RISES)
    if gives.kind == "add_growth" and "budget" in terms.get("A", {}):
        paid = "A"  # a budget is of points
    assert [entry.key for entry in book.entries["m"][1:]] == [f"campaign/{code}/tier/silver" for code in paid]
    assert book.failures == []


def test_those_of_other_triggers_have_occasions_of_their_own() -> None:
    """Of two that come round by themselves, neither stacks, and both pay."""
    book = Fair(*(campaign(code, points(5), trigger="schedule", stacks=False) for code in "ab"))
    for code in "ab":
        book.do(PayCampaign(member_id="m", campaign=code, trigger="schedule", occasion="at/2026-03-05"))
    assert book.balances()[0] == 10


def test_one_that_stacks_with_none_pays_what_is_left_of_its_budget() -> None:
    found = campaign("A", points(5), trigger="tier_change", stacks=False, budget=CampaignBudget(points=3))
    book = Fair(found, program=DEFAULT)
    book.do(RISES)
    assert book.tally("A") == {"times": 1, "points": 3}


@pytest.mark.parametrize("budget", [CampaignBudget(per_member=5), CampaignBudget(points=5)])
@pytest.mark.parametrize("trigger", ["tier_change", "enrolment", "birthday"])
def test_what_it_gave_on_the_occasion_itself_keeps_the_others_out(
    trigger: Trigger, budget: CampaignBudget
) -> None:
    book = Fair(
        campaign("A", points(5), trigger=trigger, stacks=False, priority=1, budget=budget),
        campaign("b", points(5), trigger=trigger),
        program=DEFAULT,
    )
    if trigger == "tier_change":
        book.do(RISES)
    else:
        for code in "Ab":
            book.do(PayCampaign(member_id="m", campaign=code, trigger=trigger, occasion=trigger))
    paid = [entry.key for entry in book.entries["m"] if entry.kind == "campaign"]
    assert [key.split("/")[1] for key in paid] == ["A"]


def test_who_else_is_asked_on_the_occasion_is_named_for_what_they_paid() -> None:
    asked = PayCampaign(
        member_id="m", campaign="b", trigger="birthday", occasion="birthday/2026", beside=("A",)
    )
    assert asked.entries_told == (("m", "campaign/A/birthday/2026"),)
    assert asked.content() == replace(asked, beside=()).content()


def test_one_that_gave_the_member_all_it_may_stands_in_nobodys_way() -> None:
    once = CampaignBudget(per_member=5)
    book = Fair(
        campaign("A", points(5), trigger="tier_change", stacks=False, priority=1, budget=once),
        campaign("b", points(5), trigger="tier_change"),
        program=DEFAULT,
    )
    book.do(RISES)
    book.do(Accrue(member_id="m", order_id="more", amount=270_000))
    keys = [entry.key for entry in book.entries["m"]]
    assert [key for key in keys if key.endswith("tier/gold")] == ["campaign/b/tier/gold"]


def test_what_conditions_are_told_of_a_rise() -> None:
    told: list[tuple[object, ...]] = []
    names = ("event.from", "event.to", "member.tier", "member.region", "local.date")

    def rose(facts: Facts) -> bool:
        told.append(tuple(facts[name] for name in names))
        return True

    book = Fair(
        campaign("a", points(5), trigger="tier_change", condition="rose"),
        program=DEFAULT,
        says={"rose": rose},
    )
    book.members["m"].traits = {"region": "310000"}
    book.do(RISES)
    assert told == [("bronze", "silver", "silver", "310000", "2026-03-05")]


def test_a_failure_is_told_once_of_the_one_that_failed() -> None:
    found = [campaign(code, points(5), trigger="tier_change", stacks=False, **more)
             for code, more in (("a", {"condition": "unknown"}), ("b", {"holdout_percent": 0}))]  # fmt: skip
    book = Fair(*found, program=DEFAULT)
    book.do(RISES)
    assert book.failures == [Failure("a", "no such attribute")]
    assert book.kinds() == ["accrue", "campaign"]


def test_joining_is_an_occasion() -> None:
    book = Fair(campaign("hello", points(5), trigger="enrolment"))
    assert [entry.key for entry in book.entries["m"]] == ["campaign/hello/enrolment"]


@pytest.mark.parametrize(("tier", "asked"), [("bronze", 0), ("silver", 0), ("gold", 1)])
def test_only_who_rises_is_asked(tier: str, asked: int) -> None:
    book = Fair(campaign("a", points(5), trigger="tier_change"), program=DEFAULT)
    account = book.account()._replace(tier="silver")
    assert len(list(on_rising(account, tier, DEFAULT, book.context().campaigns))) == asked
