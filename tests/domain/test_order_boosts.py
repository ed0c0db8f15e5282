"""Campaigns on orders: which apply, what they add, what their budgets let, what refunds leave. Source: RULES.md."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.campaigns import Campaign, CampaignBudget, Effect, Lines
from app.domain.carts import Wish
from app.domain.checkout_commands import CompleteCheckout, HoldCheckout, RefundCheckout
from app.domain.commands import Accrue, Redeem, Reverse, Settle
from app.domain.earning import Line
from app.domain.ratio import Ratio
from tests.domain.fair import PLAIN, Fair, campaign, chances, coupon, growth, points, times
from tests.domain.programs import program
from tests.domain.shop import cart, template


def accrue(amount: int = 10_000, order_id: str = "o", **fields: Any) -> Accrue:
    return Accrue(member_id="m", order_id=order_id, amount=amount, **fields)


def reverse(amount: int, reference: str = "b", order_id: str = "o") -> Reverse:
    return Reverse(member_id="m", order_id=order_id, reference=reference, amount=amount)


def budget(**limits: int) -> CampaignBudget:
    return CampaignBudget(**limits)


DOUBLE = campaign("double", times("2"))
TRIPLE = campaign("triple", times("3"))
SHOES = Lines(categories=frozenset({"shoes"}))
TWO_LINES = (Line("1", "a", "shoes", "nike", 2, 6_000), Line("2", "b", None, None, 1, 4_000))
BRONZE, GOLD = frozenset({"bronze"}), frozenset({"gold"})

# campaigns, what each pays of an order of 100 yuan (100 points)
APPLIED: dict[str, tuple[list[Campaign], dict[str, int]]] = {
    "none": ([], {}),
    "one": ([DOUBLE], {"double": 100}),
    "two, by name": ([TRIPLE, DOUBLE], {"double": 100, "triple": 400}),
    "two, by priority": (
        [DOUBLE, campaign("triple", times("3"), priority=1)],
        {"triple": 200, "double": 300},
    ),
    "several effects": (
        [campaign("all", times("2"), points(50), times("1.5"), growth(7), chances(2))],
        {"all": 250},
    ),
    "on lines": ([campaign("shoes", times("2", lines=SHOES))], {"shoes": 60}),
    "on lines, then on all": (
        [campaign("a", times("2", lines=SHOES)), campaign("b", times("2"))],
        {"a": 60, "b": 160},
    ),
    "flat points are not multiplied": ([campaign("a", points(50)), DOUBLE], {"a": 50, "double": 100}),
    "not stacking, first": ([campaign("a", times("2"), stacks=False), TRIPLE], {"a": 100}),
    "not stacking, later": ([DOUBLE, campaign("z", times("9"), stacks=False)], {"double": 100}),
    "not stacking, twice": (
        [campaign("a", times("2"), stacks=False), campaign("b", times("9"), stacks=False)],
        {"a": 100},
    ),
    "not stacking, by priority": (
        [DOUBLE, campaign("z", times("9"), stacks=False, priority=1)],
        {"z": 800},
    ),
    "for the tier": ([campaign("a", times("2"), tiers=BRONZE)], {"a": 100}),
    "for another tier": ([campaign("a", times("2"), tiers=GOLD), TRIPLE], {"triple": 200}),
    "not stacking, for another tier": (
        [campaign("a", times("2"), tiers=GOLD, stacks=False), TRIPLE],
        {"triple": 200},
    ),
    "condition holds": ([campaign("a", times("2"), condition="yes")], {"a": 100}),
    "condition does not hold": ([campaign("a", times("2"), condition="no"), TRIPLE], {"triple": 200}),
    "not in the audience": ([campaign("a", times("2"), audience="no", condition="yes")], {}),
    "in the audience, condition does not hold": (
        [campaign("a", times("2"), audience="yes", condition="no")],
        {},
    ),
    "held out": ([campaign("a", times("2"), holdout_percent=99, stacks=False), TRIPLE], {"triple": 200}),
    "in all": ([campaign("a", times("3"), budget=budget(points=150))], {"a": 150}),
    "per member": ([campaign("a", times("3"), budget=budget(per_member=150))], {"a": 150}),
    "per day": ([campaign("a", times("3"), budget=budget(per_day=150))], {"a": 150}),
    "the least of them": (
        [campaign("a", times("3"), budget=budget(points=170, per_member=160, per_day=150))],
        {"a": 150},
    ),
    "enough": ([campaign("a", times("3"), budget=budget(points=200, per_member=200, per_day=200))], {"a": 200}),
    "the next multiplies as if it had paid whole": (
        [campaign("a", times("3"), budget=budget(points=1)), campaign("b", times("2"))],
        {"a": 1, "b": 300},
    ),
    "two effects within one budget": (
        [campaign("a", times("2"), points(50), budget=budget(points=120))],
        {"a": 120},
    ),
    "two effects, the first takes it all": (
        [campaign("a", times("2"), points(50), growth(3), budget=budget(points=60))],
        {"a": 60},
    ),
}  # fmt: skip


def fair(*campaigns: Campaign, **how: Any) -> Fair:
    return Fair(*campaigns, says={"yes": lambda _: True, "no": lambda _: False}, **how)


@pytest.mark.parametrize("name", APPLIED)
def test_what_each_pays(name: str) -> None:
    campaigns, paid = APPLIED[name]
    book = fair(*campaigns)
    told = book.parts(accrue(items=TWO_LINES))
    by_campaign: dict[str, int] = {}
    for rule, part in told:
        if rule.startswith("campaign:"):
            by_campaign[rule.removeprefix("campaign:")] = (
                by_campaign.get(rule.removeprefix("campaign:"), 0) + part
            )
    assert by_campaign == paid
    assert list(by_campaign) == list(paid)
    assert sum(part for _, part in told) == book.account().available == 100 + sum(paid.values())
    assert {code: book.tally(code).get("points") for code in paid} == paid
    assert {code for _, code in book.given} == set(paid)
    assert all(book.tally(code)["times"] == 1 and book.tally(code)["amount"] == 10_000 for code in paid)


def test_the_parts_name_version_and_label() -> None:
    book = fair(campaign("double", times("2"), version=7))
    body = book.do(accrue())
    assert body["breakdown"] == [
        {"rule": "purchase", "label": "1 point per yuan", "points": 100, "version": 1},
        {"rule": "campaign:double", "label": "the double", "points": 100, "version": 7},
    ]


def test_each_effect_is_a_part() -> None:
    book = fair(campaign("a", times("2"), points(50), times("1.5")))
    assert book.parts(accrue()) == [
        ("purchase", 100),
        ("campaign:a", 100),
        ("campaign:a", 50),
        ("campaign:a", 100),
    ]


def test_what_the_entry_of_an_order_tells() -> None:
    book = fair(DOUBLE)
    book.do(accrue())
    assert book.detail().keys() == {"breakdown", "expires", "tier", "campaigns"}


def test_growth_chances_and_coupons() -> None:
    book = fair(
        campaign("a", growth(7), chances(2), coupon("t", 2), growth(1)),
        templates=[template("t", amount_off_fen=100)],
    )
    body = book.do(accrue())
    assert body["points"] == 100
    account = book.account()
    assert (account.growth, account.chances, account.coupons) == (108, 2, 2)
    assert book.tally("a") == {"times": 1, "amount": 10_000, "growth": 8, "chances": 2, "coupons": 2}
    assert {each.source for each in book.members["m"].coupons.values()} == {"campaign"}


def test_what_is_told_and_kept_of_an_order_with_prizes() -> None:
    """The tier that the order brings is told all the same; the coupons are kept to be taken back with it."""
    book = fair(
        campaign("a", chances(2), coupon("t")),
        templates=[template("t", amount_off_fen=100)],
        program=program(),
    )
    book.do(accrue(30_000))
    assert book.detail()["tier_change"]["to"] == "silver"
    assert (
        book.lot(1).terms
        == '{"boosts":[["a",1,["add_chances",2]],["a",1,["issue_coupon","t",1]]],"coupons":["C1"]}'
    )


def test_a_coupon_that_cannot_be_given_is_told_and_stands_in_nobody_s_way() -> None:
    book = fair(
        campaign("a", coupon("t", 3), points(5)), templates=[template("t", amount_off_fen=100, stock=2)]
    )
    assert book.do(accrue())["points"] == 105
    assert book.tally("a")["coupons"] == 2
    assert book.detail()["refused"] == [{"template": "t", "code": "coupon_exhausted"}]
    assert book.failures == [("a", "t: coupon_exhausted")]


def test_a_condition_that_cannot_be_evaluated_pays_nothing_and_is_told() -> None:
    book = fair(campaign("a", times("2"), condition="breaks"), TRIPLE)
    assert book.parts(accrue()) == [("purchase", 100), ("campaign:triple", 200)]
    assert book.failures == [("a", "no such attribute")]


def test_what_conditions_are_told() -> None:
    told: list[Any] = []
    book = Fair(
        campaign("a", times("2"), audience="first", condition="second"),
        campaign("b", times("2"), condition="first"),
        says={
            "first": lambda facts: told.append(facts) or True,
            "second": lambda facts: told.append(facts) or True,
        },
    )
    book.do(accrue(items=TWO_LINES, channel="app"))
    assert len(told) == 3
    facts = told[0]
    assert all(each == facts for each in told)
    assert (facts["order.amount"], facts["order.channel"], facts["order.first"]) == (10_000, "app", True)
    assert facts["order.items"][1] == {
        "line_id": "2", "sku": "b", "category": "", "brand": "", "quantity": 1, "amount": 4_000
    }  # fmt: skip
    assert (facts["order.skus"], facts["order.categories"], facts["order.brands"]) == (
        ["a", "b"],
        ["shoes"],
        ["nike"],
    )
    assert (facts["member.tier"], facts["member.orders"], facts["local.date"]) == ("bronze", 0, "2026-03-05")
    assert facts["local.hour"] == 10
    book.do(accrue(order_id="o2"))
    assert told[3]["order.first"] is False
    assert told[3]["order.channel"] == ""
    assert not any("event" in name for name in told[3])


# --- budgets ----------------------------------------------------------------------------------------------


def test_the_last_grant_of_a_budget_is_what_is_left_of_it() -> None:
    book = fair(campaign("a", times("2"), budget=budget(points=250)), TRIPLE)
    got = [book.parts(accrue(order_id=f"o{number}"))[1:] for number in range(4)]
    assert got == [
        [("campaign:a", 100), ("campaign:triple", 400)],
        [("campaign:a", 100), ("campaign:triple", 400)],
        [("campaign:a", 50), ("campaign:triple", 400)],
        [("campaign:triple", 200)],  # a campaign whose budget is spent counts as if it were not there
    ]
    assert book.tally("a") == {"times": 3, "amount": 30_000, "points": 250}


def test_one_that_is_spent_shadows_nobody() -> None:
    once: dict[str, Any] = {"budget": budget(points=100), "stacks": False}
    book = fair(campaign("a", times("2"), **once), campaign("b", times("2"), **once), TRIPLE)
    got = [book.parts(accrue(order_id=f"o{number}"))[1:] for number in range(3)]
    assert got == [[("campaign:a", 100)], [("campaign:b", 100)], [("campaign:triple", 200)]]


def test_a_day_s_budget_is_another_one_tomorrow() -> None:
    book = fair(campaign("a", times("2"), budget=budget(per_day=150)))
    got = [book.parts(accrue(order_id=f"o{number}"))[1:] for number in range(3)]
    assert got == [[("campaign:a", 100)], [("campaign:a", 50)], []]
    assert book.later(days=1).parts(accrue(order_id="o3"))[1:] == [("campaign:a", 100)]


def test_one_member_s_share_is_not_another_s() -> None:
    book = fair(campaign("a", times("2"), budget=budget(per_member=150)), members=("m", "n"))
    for number in range(3):
        book.do(accrue(order_id=f"o{number}"))
    book.do(Accrue(member_id="n", order_id="n", amount=10_000))
    assert (book.tally("a")["points"], book.tally("a", "n")["points"]) == (150, 100)


def test_refunds_give_nothing_back_to_a_budget() -> None:
    book = fair(campaign("a", times("2"), budget=budget(points=100, per_member=100)))
    book.do(accrue())
    book.do(reverse(10_000))
    assert book.tally("a")["taken_back"] == 100
    assert book.parts(accrue(order_id="o2"))[1:] == []


def test_a_spent_campaign_that_would_pay_by_rounding_alone_is_left_out() -> None:
    """`a` gives 2.7, held to 1; so `b` leaves 0.5 of a point instead of 0.2; with it the 0.6 of `c` would be one."""

    def on(sku: str) -> Lines:
        return Lines(skus=frozenset({sku}))

    items = tuple(
        Line(sku, sku, None, None, 1, amount) for sku, amount in (("a", 1_000), ("b", 500), ("c", 600))
    )
    a = campaign("a", times("1.27", lines=on("a")), budget=budget(points=1))
    b = campaign("b", times("1.1", lines=on("b")))
    c = campaign("c", times("1.1", lines=on("c")), budget=budget(points=1))
    book = fair(a, b, c)
    assert book.parts(accrue(2_100, items=items))[1:] == [("campaign:a", 1), ("campaign:c", 1)]
    book = fair(a, b, c)
    book.do(accrue(1_000, "spends", items=(Line("c", "c", None, None, 1, 1_000),)))
    assert book.left["c"] == 0
    assert book.parts(accrue(2_100, items=items))[1:] == [("campaign:a", 1)]


def test_an_order_of_nothing() -> None:
    book = fair(campaign("a", times("2"), points(50), growth(5)))
    assert book.do(accrue(0))["points"] == 0
    assert book.account().growth == 0
    assert book.given == {}


def test_a_checkout_paid_with_points_alone_takes_part_in_no_campaign() -> None:
    """Else coupons and chances could be had again and again: all comes back with the points."""
    book = fair(
        campaign("a", chances(3), points(50), coupon("t")),
        templates=[template("t", amount_off_fen=100)],
        program=program(tiers=PLAIN.to_document()["tiers"], paying={"max_share_percent": 100}),
    )
    book.do(accrue(100_000))
    had = book.account()
    book.do(HoldCheckout(member_id="m", checkout_id="k", cart=cart(1_000), wish=Wish(1_000, 0, ())))
    book.do(CompleteCheckout(member_id="m", checkout_id="k"))
    assert book.account().available == 50
    book.do(RefundCheckout(member_id="m", checkout_id="k", reference="r", amount=1_000))
    account = book.account()
    assert (account.available, account.chances, account.coupons) == (had.available, had.chances, had.coupons)


def test_an_order_of_less_than_a_point_does_not_wait_for_a_budget() -> None:
    book = fair(campaign("a", times("2"), chances(1), budget=budget(points=1)))
    book.do(accrue())
    book.do(accrue(10, order_id="o2"))
    assert book.tally("a")["chances"] == 2  # what costs no points is in no budget


# --- later ------------------------------------------------------------------------------------------------


def test_a_pending_order_keeps_what_it_was_promised() -> None:
    book = fair(
        campaign("a", times("2"), growth(5), chances(2), coupon("t"), version=3),
        templates=[template("t", amount_off_fen=100)],
    )
    body = book.do(accrue(settle=False))
    assert (body["points"], body["status"]) == (200, "pending")
    account = book.account()
    assert (account.pending, account.growth, account.chances, account.coupons) == (200, 0, 0, 0)
    book.campaigns = []
    body = book.do(Settle(member_id="m", order_id="o"))
    assert body["points"] == 200
    assert body["breakdown"][1] == {"rule": "campaign:a", "label": "the a", "points": 100, "version": 3}
    account = book.account()
    assert (account.available, account.growth, account.chances, account.coupons) == (200, 105, 2, 1)
    assert book.tally("a") == {
        "times": 1, "amount": 10_000, "points": 100, "growth": 5, "chances": 2, "coupons": 1
    }  # fmt: skip


def test_what_campaigns_call_themselves_is_kept_until_it_was_told() -> None:
    book = fair(DOUBLE)
    book.do(accrue())
    book.do(accrue(order_id="later", settle=False))
    assert book.lot(1).terms == '{"boosts":[["double",1,"2"]]}'
    assert book.lot(2).terms == '{"boosts":[["double",1,"2",{"label":"the double"}]]}'


def test_a_pending_order_draws_what_it_was_promised_at_once() -> None:
    book = fair(campaign("a", times("2"), budget=budget(points=250)))
    book.do(accrue(settle=False))
    assert book.left["a"] == 150


def test_a_pending_order_settles_by_itself_with_what_is_left() -> None:
    book = fair(campaign("a", times("2"), growth(5), chances(2)))
    book.do(accrue(settle=False))
    book.do(reverse(5_000))
    book.later(days=16).mature("m")
    account = book.account()
    assert (account.available, account.pending, account.growth, account.chances) == (100, 0, 52, 2)
    assert book.tally("a")["taken_back"] == 50


def test_a_pending_order_that_came_back_gives_nothing() -> None:
    book = fair(campaign("a", times("2"), points(7), chances(2)))
    book.do(accrue(settle=False))
    book.do(reverse(10_000))
    book.later(days=16).mature("m")
    account = book.account()
    assert (account.available, account.pending, account.growth, account.chances) == (0, 0, 0, 0)
    assert book.tally("a") == {"times": 1, "amount": 10_000, "points": 107, "taken_back": 107}


# --- refunds ----------------------------------------------------------------------------------------------

FAIRLY = (
    campaign("a", times("1.5", lines=SHOES), points(33), growth(10), budget=budget(points=45)),
    campaign("b", times("1.1"), points(10)),
)
ITEMS = (Line("1", "a", "shoes", None, 3, 3_333), Line("2", "b", None, None, 1, 4_001))


def test_a_refund_at_once_and_in_pieces_in_any_order_leave_the_same() -> None:
    pieces: list[Any] = [
        {"amount": 700},
        {"items": (("1", 1, None),)},
        {"items": (("2", None, 1_234),)},
        {"amount": 1},
    ]
    left: set[Any] = set()
    for order in permutations(range(len(pieces))):
        book = fair(*FAIRLY)
        book.do(accrue(7_334, items=ITEMS))
        for number in order:
            book.do(Reverse(member_id="m", order_id="o", reference=f"b{number}", **pieces[number]))
        account = book.account()
        left.add(
            (account.available, account.growth, *(book.tally(code)["taken_back"] for code in ("a", "b")))
        )
    assert len(left) == 1


def test_what_comes_back_never_comes_back_twice_and_all_of_it_does() -> None:
    book = fair(*FAIRLY)
    book.do(accrue(7_334, items=ITEMS))
    last = book.account().available
    for number in range(7_334 // 97):
        book.do(reverse(97, f"b{number}"))
        assert book.account().available <= last
        last = book.account().available
    book.do(reverse(7_334 % 97, "rest"))
    account = book.account()
    assert (account.available, account.debt, account.growth, account.spend, account.orders) == (0, 0, 0, 0, 0)
    for code in ("a", "b"):
        assert book.tally(code)["taken_back"] == book.tally(code)["points"]


def test_what_was_spent_of_it_is_owed() -> None:
    book = fair(DOUBLE)
    book.do(accrue())
    book.do(Redeem(member_id="m", reference="r", points=150))
    body = book.do(reverse(10_000))
    assert (body["points"], body["recovered"], body["shortfall"]) == (200, 50, 150)
    assert book.tally("double")["taken_back"] == 100


def test_the_prizes_of_an_order_that_came_back_whole_are_gone() -> None:
    book = fair(campaign("a", chances(2), coupon("t", 2)), templates=[template("t", amount_off_fen=100)])
    book.do(accrue())
    book.do(reverse(9_999))
    assert (book.account().chances, book.account().coupons) == (2, 2)
    book.do(reverse(1, "rest"))
    assert (book.account().chances, book.account().coupons) == (0, 0)
    assert book.tally("a") == {"times": 1, "amount": 10_000}


factors = st.decimals(min_value="1.01", max_value="9", places=2).map(lambda each: Ratio.parse(str(each)))
lines = st.sampled_from([Lines(), SHOES, Lines(skus=frozenset({"b"})), Lines(brands=frozenset({"none"}))])
effects = st.one_of(
    st.builds(
        lambda factor, lines: Effect(kind="multiply_points", factor=factor, lines=lines), factors, lines
    ),
    st.integers(1, 500).map(points),
    st.integers(1, 500).map(growth),
)
budgets = st.builds(CampaignBudget, *[st.none() | st.integers(1, 300)] * 3)
campaigns = st.lists(
    st.tuples(
        st.lists(effects, min_size=1, max_size=3), budgets, st.integers(-1, 1), st.booleans()
    ),
    min_size=1,
    max_size=4,
).map(
    lambda found: [
        campaign(f"c{number}", *effects, budget=budget, priority=priority, stacks=stacks)
        for number, (effects, budget, priority, stacks) in enumerate(found)
    ]
)  # fmt: skip


@settings(max_examples=150)
@given(
    campaigns,
    st.lists(
        st.tuples(st.integers(0, 30_000), st.integers(0, 30_000), st.booleans()), min_size=1, max_size=5
    ),
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9_999)), max_size=6),
)
def test_breakdowns_add_up_budgets_hold_and_refunds_leave_nothing(
    found: list[Campaign], orders: list[tuple[int, int, bool]], refunds: list[tuple[int, int]]
) -> None:
    book = fair(*found)
    rests: list[int] = []
    for number, (first, second, settles) in enumerate(orders):
        items = (Line("1", "a", "shoes", None, 1, first), Line("2", "b", None, None, 1, second))
        body = book.do(accrue(first + second, f"o{number}", items=items, settle=settles))
        assert body["points"] == book.lot(number + 1).granted
        assert min((part["points"] for part in body["breakdown"]), default=1) > 0
        rests.append(first + second)
    for reference, (number, amount) in enumerate(refunds):
        if number < len(orders) and amount <= rests[number]:
            book.do(reverse(amount, f"b{reference}", f"o{number}"))
            rests[number] -= amount
    for number, rest in enumerate(rests):
        if rest:
            book.do(reverse(rest, "rest", f"o{number}"))
    account = book.account()
    assert (account.available, account.pending, account.debt, account.growth) == (0, 0, 0, 0)
    assert (account.earned, account.spend) == (0, 0)
    for row in book.given.values():
        assert row.points == row.taken_back
