"""What is granted outside an order, and what campaigns add to it. Source: RULES.md, Points, Campaigns."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.campaign_commands import PayCampaign
from app.domain.campaigns import Campaign, CampaignBudget, Effect, Facts, Trigger
from app.domain.commands import Accrue, Adjust, Enrol, Redeem, Reverse, SignIn
from app.domain.rewards import Given, give
from app.domain.roster import Roster
from app.domain.shelf import NeedsMore
from tests.domain.book import Book
from tests.domain.fair import PLAIN, Fair, campaign, chances, coupon, growth, points, times
from tests.domain.programs import program
from tests.domain.shop import template

BASE = (("base", "the base", 10),)
OFF = template("t", amount_off_fen=100)


def sign_in(code: str, *effects: Effect, **more: Any) -> Campaign:
    return campaign(code, *effects, trigger="sign_in", **more)


def given_to(book: Book, **how: Any) -> Given:
    member, context = book.members["m"], book.context()
    return give(member, member.account, context, source="x", **how)


def test_what_is_granted_alone() -> None:
    given = given_to(
        Book(PLAIN), parts=(*BASE, ("none", "nothing", 0), ("more", "more", 5)), growth=3, chances=2
    )
    assert (given.points, given.growth, given.lot) == (15, 3, 1)
    account, [lot] = given.account, given.lots
    assert (account.available, account.growth, account.earned, account.chances) == (15, 3, 15, 2)
    assert (lot.source, lot.granted, lot.remaining, lot.terms) == ("x", 15, 15, '{"growth":3}')
    assert given.detail == {
        "points": 15, "breakdown": (BASE[0], ("more", "more", 5)), "growth": 3, "chances": 2, "debt_paid": 0
    }  # fmt: skip
    assert given.rows()["lots"] == given.lots


def test_nothing_is_granted() -> None:
    given = given_to(Book(PLAIN))
    assert (given.points, given.lot, given.detail) == (0, None, {"points": 0, "breakdown": ()})


def test_growth_alone_has_a_lot_that_never_expires() -> None:
    """Tiers may count it within a window."""
    given = given_to(Book(PLAIN), growth=3)
    [lot] = given.lots
    assert (lot.granted, lot.expires_at, lot.terms) == (0, None, '{"growth":3}')


def test_points_alone_tell_of_no_growth() -> None:
    given = given_to(Book(PLAIN), parts=BASE)
    assert (given.lots[0].terms, "growth" in given.detail) == (None, False)


def test_growth_of_a_campaign_comes_on_top() -> None:
    book = Fair(sign_in("a", growth(4)))
    given = given_to(book, growth=4, trigger="sign_in")
    assert (given.growth, given.account.growth, given.detail["growth"]) == (8, 8, 8)
    assert [lot.terms for lot in given.lots] == ['{"growth":8}']


def test_points_pay_debt_first() -> None:
    book = Book(PLAIN)
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    book.do(Redeem(member_id="m", reference="r", points=100))
    book.do(Reverse(member_id="m", order_id="o", reference="b", amount=400))
    given = given_to(book, parts=BASE)
    assert (given.account.available, given.account.debt, given.detail["debt_paid"]) == (6, 0, 4)


def test_coupons_besides() -> None:
    book = Book(PLAIN, templates=[OFF, template("u", amount_off_fen=1, stock=1)])
    given = given_to(book, coupons=["t", "u", "u", "unknown"])
    assert [each.template for each in given.coupons] == ["t", "u"]
    assert [each["template"] for each in given.detail["coupons"]] == ["t", "u"]
    assert given.detail["refused"] == [
        {"template": "u", "code": "coupon_exhausted"},
        {"template": "unknown", "code": "template_not_found"},
    ]
    assert given.account.coupons == 2


# campaigns of signing in, what they make of the 10 points of it
SIGNED: dict[str, tuple[list[Campaign], list[tuple[str, int]]]] = {
    "none": ([], []),
    "a multiplier": ([sign_in("a", times("2.5"))], [("a", 15)]),
    "rounded down once": ([sign_in("a", times("1.25")), sign_in("b", times("1.2"))], [("a", 2), ("b", 3)]),
    "several effects": ([sign_in("a", times("2"), points(3), times("1.5"))], [("a", 10), ("a", 3), ("a", 10)]),
    "not stacking": ([sign_in("a", points(1), stacks=False), sign_in("b", points(2))], [("a", 1)]),
    "in all": ([sign_in("a", points(9), times("3"), budget=CampaignBudget(points=11))], [("a", 9), ("a", 2)]),
    "two effects, the first takes it": (
        [sign_in("a", points(9), times("3"), budget=CampaignBudget(per_member=9))],
        [("a", 9)],
    ),
    "spent": (
        [sign_in("a", points(9), stacks=False, budget=CampaignBudget(per_day=0)), sign_in("b", points(2))],
        [("b", 2)],
    ),
    "spent one after another": (
        [sign_in(code, points(9), stacks=False, budget=CampaignBudget(per_day=0)) for code in "ab"],
        [],
    ),
    "for orders": ([campaign("a", points(1))], []),
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNED)
def test_what_campaigns_add(name: str) -> None:
    campaigns, paid = SIGNED[name]
    book = Fair(*campaigns)
    told = book.parts(SignIn(member_id="m"))
    assert told == [("sign_in", 10), *((f"campaign:{code}", part) for code, part in paid)]
    assert book.account().available == 10 + sum(part for _, part in paid)
    for code in {code for code, _ in paid}:
        assert book.tally(code) == {"times": 1, "points": sum(part for each, part in paid if each == code)}


def test_prizes_of_campaigns_and_those_besides_are_told_together() -> None:
    book = Fair(
        sign_in("a", growth(4), chances(1), coupon("t")),
        templates=[OFF, template("u", amount_off_fen=1, stock=0)],
    )
    given = given_to(
        book,
        parts=BASE,
        growth=2,
        chances=5,
        coupons=["t", "u"],
        trigger="sign_in",
        event={"event.streak": 1},
    )
    assert (given.growth, given.account.growth, given.account.chances, given.account.coupons) == (6, 6, 6, 2)
    assert given.detail["chances"] == 6
    assert [each["template"] for each in given.detail["coupons"]] == ["t", "t"]
    assert given.detail["refused"] == [{"template": "u", "code": "coupon_exhausted"}]
    sums = {each.campaign: each for each in given.tallies}
    assert len(given.tallies) == 3
    assert set(sums) == {"a"}


def test_what_campaigns_could_not_give_is_told_beside() -> None:
    book = Fair(sign_in("a", coupon("u", 2)), templates=[template("u", amount_off_fen=1, stock=1)])
    given = given_to(book, parts=BASE, coupons=["unknown"], trigger="sign_in")
    assert given.detail["refused"] == [
        {"template": "u", "code": "coupon_exhausted"},
        {"template": "unknown", "code": "template_not_found"},
    ]
    assert book.failures == [("a", "u: coupon_exhausted")]


def test_conditions_are_told_the_event() -> None:
    told: list[int] = []

    def condition(facts: Facts) -> bool:
        told.append(facts["event.streak"])
        return facts["event.streak"] == 2

    book = Fair(sign_in("a", points(5), condition="second"), says={"second": condition})
    assert book.do(SignIn(member_id="m"))["points"] == 10
    assert book.later(days=1).do(SignIn(member_id="m"))["points"] == 15
    assert told == [1, 2]


def test_a_share_that_does_not_reach_asks_for_more() -> None:
    book = Book(PLAIN)
    found = sign_in("a", points(5), budget=CampaignBudget(points=100))
    member = book.members["m"]
    context = book.context()._replace(campaigns=Roster({"sign_in": [found]}, left={"a": 4}))
    with pytest.raises(NeedsMore):
        give(member, member.account, context, source="x", parts=BASE, trigger="sign_in")


# --- occasions --------------------------------------------------------------------------------------------


def pay(code: str = "a", occasion: str = "at/2026-03-05", trigger: Trigger = "schedule") -> PayCampaign:
    return PayCampaign(member_id="m", campaign=code, trigger=trigger, occasion=occasion)


def test_a_spent_campaign_writes_nothing_on_an_occasion() -> None:
    book = Fair(campaign("a", points(50), chances(1), trigger="schedule", budget=CampaignBudget(points=70)))
    for number in range(3):
        book.do(pay(occasion=f"at/{number}"))
    assert book.kinds() == ["campaign", "campaign"]
    assert book.tally("a") == {"times": 2, "points": 70, "chances": 2}


def test_a_campaign_that_gives_no_points_on_an_occasion() -> None:
    book = Fair(campaign("a", coupon("t"), growth(9), trigger="schedule"), templates=[OFF])
    body = book.do(pay())
    assert (body["points"], book.account().growth, book.account().coupons) == (0, 9, 1)
    assert book.tally("a") == {"times": 1, "growth": 9, "coupons": 1}


def test_an_occasion_may_raise_the_tier_and_that_is_an_occasion_too() -> None:
    """Once for each tier, though the member falls and rises again."""
    grown = program(
        tiers={"qualification": {"metrics": ["growth"], "combine": "any", "window": {"kind": "lifetime"}},
               "ladder": [{"code": code, "name": code, "thresholds": {"growth": at} if at else {}, "rate": "1",
                           "requires_review": False, "benefits": []}
                          for code, at in (("low", 0), ("mid", 100), ("top", 200))]}
    )  # fmt: skip
    book = Fair(
        campaign("a", growth(100), trigger="schedule"),
        campaign("up", growth(100), trigger="tier_change", condition="to mid"),
        campaign("up-too", points(5), trigger="tier_change"),
        program=grown,
        says={"to mid": lambda facts: (facts["event.from"], facts["event.to"]) == ("low", "mid")},
    )
    book.do(pay())
    assert book.account().tier == "top"
    keys = {entry.key.removeprefix("campaign/") for entry in book.entries["m"]}
    assert keys == {"a/at/2026-03-05", "up/tier/mid", "up-too/tier/mid", "up-too/tier/top"}
    assert book.account().available == 10


JOINED: list[tuple[str, dict[str, int], str]] = [
    ("ab", {}, "ab"),
    ("Ab", {}, "A"),
    ("aB", {}, "a"),
    ("aBc", {}, "ac"),
    ("Ab", {"A": 0}, "b"),  # spent, it counts as if it were not there
    ("aB", {"a": 0}, "B"),
    ("AB", {"A": 0, "B": 0}, ""),
]


@pytest.mark.parametrize(("those", "left", "paid"), JOINED)
def test_campaigns_of_one_occasion_that_don_t_stack(those: str, left: dict[str, int], paid: str) -> None:
    """Capitals don't stack."""
    book = Fair()
    book.campaigns = [
        campaign(
            code,
            points(5),
            trigger="enrolment",
            priority=-number,
            stacks=code.islower(),
            budget=CampaignBudget(points=left.get(code)),
        )
        for number, code in enumerate(those)
    ]
    book.do(Enrol(member_id="n"))
    assert sorted(entry.key for entry in book.entries.get("n", [])) == [
        f"campaign/{code}/enrolment" for code in sorted(paid)
    ]


def test_campaigns_of_other_occasions_are_not_in_each_other_s_way() -> None:
    """Both are open, and would pay at their own moments: days of dormancy, holidays, campaigns that end."""
    book = Fair(
        campaign("a", points(5), trigger="dormancy", dormant_days=90, stacks=False),
        campaign("b", points(6), trigger="dormancy", dormant_days=30),
    )
    assert book.do(pay("b", "dormant/2026-02-01", "dormancy"))["points"] == 6


def test_who_joins_frozen_by_import_is_asked_nothing() -> None:
    book = Fair(campaign("a", points(5), trigger="enrolment"))
    assert book.kinds() == ["campaign"]
    book.do(Enrol(member_id="m"))
    book.do(Adjust(member_id="m", reference="r", points=1, reason="x"))
    assert book.kinds() == ["campaign", "adjust"]


# --- in general -------------------------------------------------------------------------------------------

limits = st.none() | st.integers(0, 60)
effects = st.one_of(
    st.integers(1, 40).map(points),
    st.sampled_from(["1.1", "2", "3.75"]).map(times),
    st.integers(1, 9).map(growth),
    st.integers(1, 3).map(chances),
)
budgets = st.builds(CampaignBudget, limits, limits, limits)
grants = st.tuples(st.lists(effects, min_size=1, max_size=3), budgets, st.booleans())


@given(st.lists(grants, max_size=4), st.integers(1, 12))
def test_breakdowns_add_up_and_budgets_hold(
    found: list[tuple[list[Effect], CampaignBudget, bool]], days: int
) -> None:
    """`Fair` holds every grant to its budgets, and what is counted to what the entries tell."""
    book = Fair(
        *(
            sign_in(f"c{number}", *effects, budget=budget, stacks=stacks)
            for number, (effects, budget, stacks) in enumerate(found)
        )
    )
    for _ in range(days):
        body = book.later(days=1).do(SignIn(member_id="m"))
        assert body["points"] == sum(part["points"] for part in body["breakdown"])
        assert min(part["points"] for part in body["breakdown"]) > 0
    assert book.account().earned == book.account().available
