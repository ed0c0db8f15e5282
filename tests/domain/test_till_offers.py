"""What campaigns do at the till: priced at the hold, counted with the order. Source: RULES.md, Campaigns."""

from typing import Any

import pytest

from app.domain.account import Tally
from app.domain.campaigns import Campaign, CampaignBudget, Effect, Lines
from app.domain.carts import Cart, CartEmpty, Wish
from app.domain.checkout_commands import CompleteCheckout, HoldCheckout
from app.domain.commands import Accrue
from app.domain.coupon_commands import ClaimCoupon
from app.domain.coupon_templates import Template
from app.domain.posting import Change, Context
from app.domain.quotes import Quote
from app.domain.ratio import Ratio
from app.domain.roster import Asking, ConditionFailed, Failure, Roster
from app.domain.shelf import NeedsMore
from app.domain.till_offers import offers
from app.domain.wallets import Wallet
from tests.domain.book import Book
from tests.domain.lane import PLAIN
from tests.domain.shop import cart, line, template

FIRST = frozenset({"sku-1"})


def off(percent: int, **more: Any) -> Effect:
    return Effect(kind="discount", percent_off=percent, **more)


NOTHING: list[dict[str, int]] = [{}, {}]
GIFT = Effect(kind="gift", sku="mug", count=2)
FREE = Effect(kind="free_shipping")
TEN = Effect(kind="add_points", amount=10)


def campaign(code: str, *effects: Effect, **more: Any) -> Campaign:
    return Campaign(campaign=code, name=code, trigger="order", effects=effects, **more)


class Shop(Book):
    """A book with open campaigns of orders; `first` and `facts` are what conditions were asked with first and last."""

    def __init__(self, *campaigns: Campaign, templates: Any = ()) -> None:
        self.campaigns = campaigns
        self.left: dict[str, int] = {}
        self.facts: dict[str, Any] = {}
        self.first: dict[str, Any] = {}
        self.tallies: tuple[Tally, ...] = ()
        self.failures: list[Failure] = []
        super().__init__(PLAIN, templates=templates)

    def _ask(self, _trigger: str, facts: Any) -> Asking:
        self.facts = dict(facts)
        self.first = self.first or self.facts

        def asked(condition: str) -> bool:
            if condition == "breaks":
                raise ConditionFailed("no such attribute")
            return condition in facts["order.skus"]

        return asked

    def context(self) -> Context:
        roster = Roster({"order": self.campaigns}, left=self.left, all_shares=self.left, ask=self._ask)
        roster.failures = self.failures
        return super().context()._replace(campaigns=roster)

    def decide(self, command: Any) -> Change:
        change = super().decide(command)
        self.tallies = change.tallies
        return change

    def quote(self, cart: Cart, *coupons: str) -> Quote:
        wish = Wish(0, 0, coupons)
        return Wallet(self.members["m"], wish, self.context()).price(cart, wish)

    def hold(self, cart: Cart, *coupons: str) -> dict[str, Any]:
        return self.do(HoldCheckout(member_id="m", checkout_id="k", cart=cart, wish=Wish(0, 0, coupons)))

    def complete(self) -> dict[str, Any]:
        return self.do(CompleteCheckout(member_id="m", checkout_id="k"))

    def told(self) -> list[tuple[str, int, int, int, int]]:
        """(campaign, times, amount, points, discount) of what the last decision counts."""
        return [(each.campaign, each.times, each.amount, each.points, each.discount) for each in self.tallies]


def sources(quote: Quote) -> list[dict[str, int]]:
    return [dict(line.discounts) for line in quote.lines]


def test_a_discount_is_spread_over_the_lines_to_the_fen() -> None:
    quote = Shop(campaign("week", off(10))).quote(cart(3_333, 3_333, 3_334))
    assert sources(quote) == [{"campaign:week": 333}, {"campaign:week": 333}, {"campaign:week": 334}]
    assert (quote.discount_fen, quote.payable_fen) == (1_000, 9_000)
    assert [tuple(used) for used in quote.used] == [(None, "campaign:week", 1_000, None)]


@pytest.mark.parametrize(
    ("effects", "discounts", "payable_fen", "free_by"),
    [
        ((off(10, max_discount_fen=700),), [{"campaign:c": 467}, {"campaign:c": 233}], 14_300 + 800, None),
        ((off(10, lines=Lines(skus=FIRST)),), [{"campaign:c": 1_000}, {}], 14_000 + 800, None),
        (
            (off(10, lines=Lines(skus=FIRST)), off(20, lines=Lines(skus=frozenset({"sku-2"})))),
            [{"campaign:c": 1_000}, {"campaign:c": 1_000}],
            13_000 + 800,
            None,
        ),
        ((off(10, lines=Lines(brands=FIRST)),), NOTHING, 15_000 + 800, None),
        ((off(10, lines=Lines(categories=FIRST)),), NOTHING, 15_000 + 800, None),
        ((FREE,), NOTHING, 15_000, "campaign:c"),
        ((GIFT,), NOTHING, 15_000 + 800, None),
        ((TEN,), NOTHING, 15_000 + 800, None),
    ],
)
def test_effects(
    effects: tuple[Effect, ...], discounts: list[dict[str, int]], payable_fen: int, free_by: str | None
) -> None:
    quote = Shop(campaign("c", *effects)).quote(cart(10_000, 5_000, shipping_fen=800))
    assert sources(quote) == discounts
    assert quote.payable_fen == payable_fen
    assert quote.shipping.free_by == free_by
    gifts = [(used.template, *used.gift) for used in quote.used if used.gift is not None]
    assert gifts == ([("campaign:c", "mug", 2)] if GIFT in effects else [])


@pytest.mark.parametrize(
    ("campaigns", "payable_fen"),
    [
        ((campaign("a", off(10)), campaign("b", off(20))), 7_200),
        ((campaign("a", off(10), stacks=False), campaign("b", off(20))), 9_000),
        ((campaign("a", off(10)), campaign("b", off(20), stacks=False)), 9_000),
        ((campaign("a", TEN, stacks=False), campaign("b", off(20))), 10_000),
        ((campaign("a", off(10), tiers=frozenset({"gold"})), campaign("b", off(20))), 8_000),
        ((campaign("a", off(10), condition="sku-1"), campaign("b", off(20), audience="sku-2")), 9_000),
        ((campaign("a", off(10), condition="breaks"), campaign("b", off(20))), 8_000),
        ((campaign("a", off(10), holdout_percent=100), campaign("b", off(20))), 8_000),
    ],
)
def test_they_are_chosen_as_for_points(campaigns: tuple[Campaign, ...], payable_fen: int) -> None:
    shop = Shop(*campaigns)
    assert shop.quote(cart(10_000)).payable_fen == payable_fen
    assert shop.failures == []


@pytest.mark.parametrize("pays", [TEN, Effect(kind="multiply_points", factor=Ratio(2, 1))])
def test_one_whose_budget_is_spent_counts_as_if_it_were_not_there(pays: Effect) -> None:
    limited = campaign("a", off(10), pays, stacks=False, budget=CampaignBudget(points=50))
    shop = Shop(limited, campaign("b", off(20)))
    shop.left = {"a": 1}
    assert shop.quote(cart(10_000)).payable_fen == 9_000
    shop.left = {"a": 0}
    assert shop.quote(cart(10_000)).payable_fen == 8_000


def test_one_that_gave_a_member_all_it_may_counts_as_if_it_were_not_there() -> None:
    shop = Shop(
        campaign("a", off(10), TEN, stacks=False, budget=CampaignBudget(per_member=30)),
        campaign("b", off(20)),
    )
    shop.members["m"].given = {"a": 29}
    assert shop.quote(cart(10_000)).payable_fen == 9_000
    shop.members["m"].given = {"a": 30}
    assert shop.quote(cart(10_000)).payable_fen == 8_000


def test_a_point_of_a_budget_is_enough() -> None:
    shop = Shop()
    roster = Roster({"order": [campaign("a", off(10), TEN, budget=CampaignBudget(points=50))]}, left={"a": 1})
    assert len(offers(shop.members["m"], cart(10_000), shop.context()._replace(campaigns=roster))) == 1


def test_a_hold_asks_for_the_budget_that_a_quote_has_read() -> None:
    shop = Shop(campaign("a", off(10), TEN, budget=CampaignBudget(points=50)))
    with pytest.raises(NeedsMore) as raised:
        shop.hold(cart(10_000))
    assert raised.value.budgets == {"a"}
    shop.left = {"a": 1}
    shop.hold(cart(10_000))


def test_a_budget_of_points_does_not_limit_who_pays_none() -> None:
    shop = Shop(campaign("a", off(10), budget=CampaignBudget(points=50)))
    shop.left = {"a": 0}
    assert shop.quote(cart(10_000)).payable_fen == 9_000


def test_conditions_see_the_cart_before_discounts() -> None:
    shop = Shop(campaign("a", off(10), condition="sku-1"))
    lines = (line("1", 10_000, 2, category="tea"), line("2", 500, brand="b"))
    shop.hold(Cart(lines, 0, "app"))
    shop.campaigns = (campaign("a", off(10), condition="sku-1"),)
    shop.first = {}
    offered = shop.quote(Cart(lines, 0, "app"))
    assert offered.payable_fen == 9_450
    assert (shop.first["order.amount"], shop.first["order.channel"]) == (10_500, "app")
    # The last to ask is what the order earns, on what is paid.
    assert shop.facts["order.amount"] == 9_450
    assert (shop.facts["order.channel"], shop.facts["order.categories"]) == ("app", ["tea"])


def test_conditions_of_what_it_earns_see_the_order_as_it_is_paid() -> None:
    shop = Shop(campaign("a", TEN, condition="sku-1"))
    goods = Cart((line("1", 10_000, 2, category="tea"), line("2", 500, brand="b")), 300, "app")
    items = [
        {"line_id": "1", "sku": "sku-1", "category": "tea", "brand": "", "quantity": 2, "amount": 10_000},
        {"line_id": "2", "sku": "sku-2", "category": "", "brand": "b", "quantity": 1, "amount": 500},
    ]
    shop.hold(goods)
    assert (shop.facts["order.items"], shop.facts["order.channel"]) == (items, "app")
    shop.facts = {}
    shop.complete()
    assert (shop.facts["order.items"], shop.facts["order.channel"]) == (items, "app")


# --- with coupons and promotions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("promotion", "coupon", "payable_fen"),
    [
        (None, template("amount", amount_off_fen=1_000), 8_100),
        (None, template("percent", "percent_off", percent_off=20), 8_000),
        (None, template("percent", "percent_off", percent_off=20, stacks_with="all"), 7_200),
        (None, template("alone", amount_off_fen=500, stacks_with="none"), 9_500),
        (template("sale", "percent_off", percent_off=5, automatic=True), None, 9_000),
        (template("sale", "percent_off", percent_off=15, automatic=True), None, 8_500),
        (template("sale", "percent_off", percent_off=15, automatic=True, stacks_with="all"), None, 7_650),
        (template("sale", amount_off_fen=100, automatic=True), None, 8_910),
    ],
)
def test_it_goes_with_what_lets_it(
    promotion: Template | None, coupon: Template | None, payable_fen: int
) -> None:
    shop = Shop(campaign("c", off(10)), templates=[each for each in (promotion, coupon) if each is not None])
    coupons = ()
    if coupon is not None:
        shop.do(ClaimCoupon(member_id="m", template=coupon.template))
        coupons = ("C1",)
    quote = shop.quote(cart(10_000), *coupons)
    assert (quote.payable_fen, quote.coupons_used) == (payable_fen, list(coupons))


def test_a_promotion_of_that_name_is_none_of_its() -> None:
    shop = Shop(templates=[template("campaign:x", amount_off_fen=100, automatic=True)])
    assert sources(shop.quote(cart(10_000))) == [{"promotion:campaign:x": 100}]
    shop.hold(cart(10_000))
    assert "campaign_discounts" not in shop.detail()
    shop.complete()
    assert shop.told() == []


def test_a_cart_that_can_not_be_priced_is_refused_all_the_same() -> None:
    with pytest.raises(CartEmpty):
        Shop(campaign("c", off(10))).quote(Cart(()))


# --- checkouts ---------------------------------------------------------------------------------------------


def test_what_it_took_off_is_counted_with_the_order() -> None:
    shop = Shop(campaign("c", off(10), FREE, GIFT))
    held = shop.hold(cart(10_000, 3_333, shipping_fen=800))
    assert held["payable"] == 12_000
    assert {each["source"] for each in held["lines"][0]["discounts"]} == {"campaign:c"}
    assert [(each["template"], each["discount"]) for each in held["promotions"]] == [
        ("campaign:c", 0),
        ("campaign:c", 1_333),
        ("campaign:c", 800),
    ]
    assert shop.told() == []
    assert shop.detail()["campaign_discounts"] == {"c": 2_133}
    done = shop.complete()
    assert done["accrual"]["points"] == 120
    assert shop.told() == [("c", 1, 12_000, 0, 2_133)]


def test_an_order_counts_once_for_a_campaign_that_gives_points_too() -> None:
    shop = Shop(campaign("c", off(10), TEN), campaign("gift", GIFT))
    shop.hold(cart(10_000))
    done = shop.complete()
    assert done["accrual"]["points"] == 90 + 10
    assert shop.told() == [("c", 1, 9_000, 10, 0), ("gift", 1, 9_000, 0, 0), ("c", 0, 0, 0, 1_000)]


def test_the_hold_keeps_its_prices_and_points_are_those_of_the_completion() -> None:
    shop = Shop(campaign("c", off(10), TEN))
    shop.hold(cart(10_000))
    shop.campaigns = ()
    done = shop.complete()
    assert (done["payable"], done["accrual"]["points"]) == (9_000, 90)
    assert shop.told() == [("c", 1, 9_000, 0, 1_000)]
    assert shop.failures == []


def test_an_order_told_elsewhere_got_nothing_at_the_till() -> None:
    shop = Shop(campaign("c", off(10)))
    shop.do(Accrue(member_id="m", order_id="o", amount=10_000))
    assert shop.told() == []
