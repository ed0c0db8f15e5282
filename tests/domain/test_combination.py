"""Which coupons go together, and that the best is the best: held against trying every subset, naively."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from app.domain import combination
from app.domain.carts import Cart
from app.domain.combination import EXACT_UP_TO, stacks
from app.domain.coupon_templates import Gift, Kind, StacksWith, Step, Template
from app.domain.pricing import Basket, Candidate, Priced
from app.domain.quotes import Quote
from tests.domain.naive_pricing import Offer, best_of_all, goodness, outcome
from tests.domain.shop import ask, cart, held, line, reasons, template, used

SOON = datetime(2026, 4, 1, tzinfo=UTC)
LATER = SOON + timedelta(days=30)
TIER_PERCENT = {"bronze": 0, "silver": 2, "platinum": 5}


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("other_kinds", "other_kinds", (False, True)),
        ("all", "all", (True, True)),
        ("all", "other_kinds", (False, True)),
        ("none", "all", (False, False)),
        ("none", "none", (False, False)),
    ],
)
def test_both_must_agree(one: StacksWith, other: StacksWith, together: tuple[bool, bool]) -> None:
    """With another of its kind, and with one of another kind."""
    first = template("a", amount_off_fen=1, stacks_with=one)
    for second, expected in zip(
        (
            template("b", amount_off_fen=1, stacks_with=other),
            template("b", "free_shipping", stacks_with=other),
        ),
        together,
        strict=True,
    ):
        assert stacks(first, second) is stacks(second, first) is expected


def test_two_of_one_group_never_go_together() -> None:
    one, other = (
        template("a", "gift", group="g", stacks_with="all"),
        template("b", "free_shipping", group="g", stacks_with="all"),
    )
    assert not stacks(one, other)
    assert stacks(one, template("b", "free_shipping", group="h", stacks_with="all"))


def off(code: str, fen: int, **terms: Any) -> Template:
    return template(code, amount_off_fen=fen, **terms)


@pytest.mark.parametrize(
    ("wallet", "taken", "rejected"),
    [
        (  # the larger of two that do not stack
            [held("A", off("a", 300)), held("B", off("b", 500))],
            ["B"],
            {"A": [("not_stackable", {"with": ["B"]})]},
        ),
        (  # two small ones beat a large one that goes alone
            [
                held("A", off("a", 300, stacks_with="all")),
                held("B", off("b", 300, stacks_with="all")),
                held("C", off("c", 500, stacks_with="none")),
            ],
            ["A", "B"],
            {"C": [("not_stackable", {"with": ["A", "B"]})]},
        ),
        (  # a gift is worth nothing, and is taken all the same
            [held("A", off("a", 300)), held("G", template("g", "gift", gift=Gift("cup", 1)))],
            ["A", "G"],
            {},
        ),
        (  # of equals, fewer coupons
            [
                held("A", off("a", 400, stacks_with="all")),
                held("B", off("b", 600, stacks_with="all")),
                held("C", off("c", 1_000, stacks_with="other_kinds")),
            ],
            ["C"],
            {"A": [("not_stackable", {"with": ["C"]})], "B": [("not_stackable", {"with": ["C"]})]},
        ),
        (  # then the one that runs out sooner, also of one template
            [held("A", off("a", 300)), held("B", off("a", 300), LATER), held("C", off("a", 300), SOON)],
            ["C"],
            {"A": [("not_stackable", {"with": ["C"]})], "B": [("not_stackable", {"with": ["C"]})]},
        ),
        (  # also where either takes all
            [held("A", off("a", 10_000), LATER), held("B", off("b", 10_000), SOON)],
            ["B"],
            {"A": [("not_stackable", {"with": ["B"]})]},
        ),
        (  # then the first in code order
            [held("B", off("b", 300), SOON), held("A", off("a", 300), SOON)],
            ["A"],
            {"B": [("not_stackable", {"with": ["A"]})]},
        ),
        (  # one that takes all leaves nothing for another
            [held("A", off("a", 10_000, stacks_with="all")), held("B", off("b", 300, stacks_with="all"))],
            ["A"],
            {"B": [("not_best", {})]},
        ),
        (  # two of one template that stack
            [held("A", off("a", 300, stacks_with="all")), held("B", off("a", 300, stacks_with="all"))],
            ["A", "B"],
            {},
        ),
        (  # two of one template that do not, and one of another kind
            [
                held("A", off("a", 300)),
                held("B", off("a", 300)),
                held("P", template("p", "percent_off", percent_off=10)),
            ],
            ["A", "P"],
            {"B": [("not_stackable", {"with": ["A"]})]},
        ),
        (  # the thresholds of both look at the whole
            [
                held(code, off(code.lower(), 300, threshold_fen=10_000, stacks_with="all"))
                for code in ("A", "B")
            ],
            ["A", "B"],
            {},
        ),
        ([held("G", template("g", "gift", gift=Gift("cup", 1)))], ["G"], {}),
        ([held("P", template("p", "percent_off", percent_off=100))], ["P"], {}),
        ([], [], {}),
    ],
)
def test_the_best(wallet: list[Any], taken: list[str], rejected: dict[str, Any]) -> None:
    quote = ask(cart(4_000, 6_000), coupons="best", wallet=wallet)
    assert [name for name, _ in used(quote)] == taken
    assert reasons(quote) == rejected
    assert quote.best_is_exact is True


def test_an_amount_may_spoil_the_threshold_of_a_percentage() -> None:
    """60 off leave 40, and half of what is left asks for 50: the half alone is less than the 60."""
    wallet = [
        held("A", off("a", 6_000)),
        held("P", template("p", "percent_off", percent_off=50, threshold_fen=5_000)),
    ]
    assert used(ask(cart(10_000), coupons="best", wallet=wallet)) == [("A", 6_000)]
    wallet[1] = held("P", template("p", "percent_off", percent_off=70, threshold_fen=5_000))
    assert used(ask(cart(10_000), coupons="best", wallet=wallet)) == [("P", 7_000)]


def test_shipping_counts_as_much_as_goods() -> None:
    wallet = [held("A", off("a", 5_000, stacks_with="none")), held("S", template("s", "free_shipping"))]
    quote = ask(cart(10_000, shipping_fen=9_000), coupons="best", wallet=wallet)
    assert used(quote) == [("S", 9_000)]


def test_shipping_is_made_free_once() -> None:
    wallet = [held(code, template("s", "free_shipping", stacks_with="all")) for code in ("S", "T")]
    quote = ask(cart(10_000, shipping_fen=500), coupons="best", wallet=wallet)
    assert (used(quote), reasons(quote)) == ([("S", 500)], {"T": [("not_best", {})]})


def test_every_combination_of_ten_is_looked_at() -> None:
    wallet = [held(f"C{n}", off(f"c{n}", 100 + n)) for n in range(EXACT_UP_TO)]
    assert ask(cart(10_000), coupons="best", wallet=wallet).best_is_exact is True
    wallet.append(held("D", off("d", 1)))
    assert ask(cart(10_000), coupons="best", wallet=wallet).best_is_exact is False


def test_coupons_of_one_template_that_do_not_stack_are_one_candidate() -> None:
    wallet = [held(f"C{n:02}", off("c", 100)) for n in range(50)]
    quote = ask(cart(10_000), coupons="best", wallet=wallet)
    assert (used(quote), quote.best_is_exact) == ([("C00", 100)], True)


def test_automatic_templates_are_part_of_the_search() -> None:
    promotions = [off("auto", 500, automatic=True)]
    wallet = [held("A", off("a", 400)), held("P", template("p", "percent_off", percent_off=10))]
    quote = ask(cart(10_000), coupons="best", wallet=wallet, promotions=promotions)
    assert used(quote) == [("auto", 500), ("P", 950)]
    assert reasons(quote) == {"A": [("not_stackable", {"with": ["auto"]})]}


def test_one_that_does_not_fit_alone_is_no_candidate() -> None:
    promotions = [off("auto", 500, threshold_fen=20_000, automatic=True)]
    wallet = [held(f"C{n}", off(f"c{n}", 500, threshold_fen=20_000)) for n in range(20)]
    quote = ask(cart(10_000), coupons="best", wallet=wallet, promotions=promotions)
    assert used(quote) == []
    assert quote.best_is_exact is True


# --- thousands of random carts ---------------------------------------------------------------------------


def repeatable(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - no secret


def some_template(random: Random, code: str, **terms: Any) -> Template:
    """Small figures, so that thresholds are met by a hair and roundings differ."""
    kinds: tuple[Kind, ...] = ("amount_off", "percent_off", "free_shipping", "gift", "exchange")
    kind = random.choices(kinds, (5, 5, 1, 1, 2))[0]
    if random.random() < 0.5 and kind != "exchange":
        where: dict[str, Any] = {}
    else:
        where = {"categories": random.sample(["x", "y", "z"], random.randint(1, 2))}
        if random.random() < 0.3:
            where["skus"] = ["sku-1"]
    terms |= where | {
        "stacks_with": random.choices(("none", "other_kinds", "all"), (1, 3, 8))[0],
        "group": random.choice([None, None, None, "g", "h"]),
        "threshold_fen": random.choice([0, 0, random.randint(1, 700)]),
    }
    match kind:
        case "amount_off":
            if random.random() < 0.3:
                first = random.randint(1, 300)
                terms["threshold_fen"] = 0
                terms["steps"] = (
                    Step(first, random.randint(1, 50)),
                    Step(first + 100, random.randint(51, 100)),
                )
            else:
                terms["amount_off_fen"] = random.choice([10, 50, 100, random.randint(1, 400)])
        case "percent_off":
            terms["percent_off"] = random.choice([1, 10, 33, 50, 100, random.randint(1, 100)])
        case "gift":
            terms["gift"] = Gift("cup", 1)
        case _:
            pass
    if kind in {"percent_off", "exchange"} and random.random() < 0.4:
        terms["max_discount_fen"] = random.randint(1, 60)
    return template(code, kind, **terms)


def some_cart(random: Random) -> Cart:
    lines = tuple(
        line(
            str(number),
            random.choice([0, 1, 7, 100, random.randint(1, 500)]),
            random.randint(1, 4),
            category=random.choice(["x", "y", "z", None]),
        )
        for number in range(random.randint(1, 5))
    )
    return Cart(lines, random.choice([0, 10, 80]))


def some_offers(random: Random, most: int) -> list[Offer]:
    offers: list[Offer] = []
    for number in range(random.randint(1, most)):
        coupons = [offer for offer in offers if offer.code is not None]
        until = random.choice([None, SOON, LATER])
        if coupons and random.random() < 0.2:  # another of a template there is
            offers.append(Offer(f"C{random.randrange(100)}-{number}", random.choice(coupons).template, until))
        elif random.random() < 0.2:
            offers.append(Offer(None, some_template(random, f"t{number}", automatic=True), None))
        else:
            code = f"C{random.randrange(100)}-{number}"
            offers.append(Offer(code, some_template(random, f"t{random.randrange(9)}-{number}"), until))
    return offers


def best_quote(goods: Cart, offers: list[Offer], tier: str) -> Quote:
    return ask(
        goods,
        coupons="best",
        wallet=[held(each.code, each.template, each.valid_until) for each in offers if each.code is not None],
        promotions=[each.template for each in offers if each.code is None],
        tier=tier,
    )


def check_against_every_subset(random: Random, most: int) -> None:
    goods, offers, tier = some_cart(random), some_offers(random, most), random.choice([*TIER_PERCENT])
    shipping_fen = 0 if tier == "platinum" else goods.shipping_fen
    expected = best_of_all(goods, TIER_PERCENT[tier], shipping_fen, offers)
    quote = best_quote(goods, offers, tier)
    assert quote.best_is_exact is True
    assert sorted(used(quote)) == sorted(
        (offer.code or offer.template.template, fen) for offer, fen in expected.applied
    )
    assert [each.payable_fen for each in quote.lines] == expected.lines
    assert quote.shipping.payable_fen == expected.shipping


@pytest.mark.parametrize("seed", range(40))
def test_no_subset_is_better(seed: int) -> None:
    random = repeatable(seed)
    for _ in range(120):
        check_against_every_subset(random, 6)


@pytest.mark.parametrize("seed", range(10))
def test_no_subset_of_ten_is_better(seed: int) -> None:
    random = repeatable(1_000 + seed)
    for _ in range(5):
        check_against_every_subset(random, EXACT_UP_TO)


@pytest.mark.parametrize("seed", range(20))
def test_beyond_ten_it_says_so_and_finds_a_good_one(seed: int) -> None:
    """What it finds can be had, and is never worse than what any single coupon saves."""
    random = repeatable(2_000 + seed)
    goods = Cart(tuple(line(str(n), random.randint(100, 900), 2, category="x") for n in range(4)), 50)
    offers = [
        Offer(f"C{n:02}", some_template(random, f"t{n:02}"), random.choice([None, SOON])) for n in range(16)
    ]
    quote = best_quote(goods, offers, "bronze")
    fits = {each.code: each.discount_fen for each in quote.fitting}
    if len(fits) <= EXACT_UP_TO:
        assert quote.best_is_exact is True
        return
    assert quote.best_is_exact is False
    chosen = [offer for offer in offers if offer.code in {each.code for each in quote.used}]
    found = outcome(goods, 0, 50, chosen)
    assert len(found.applied) == len(chosen)
    assert found.saved == sum(each.discount_fen for each in quote.used) >= max(fits.values())
    for offer in offers:  # nor is it better with one left out
        without = [each for each in chosen if each is not offer]
        assert goodness(outcome(goods, 0, 50, without)) >= goodness(found)


def test_beyond_ten_one_is_exchanged_for_another_where_that_helps() -> None:
    """The two that save most alone spoil each other: the larger amount leaves too little for the percentage."""
    others = [held(f"C{n}", off(f"c{n}", 1, stacks_with="none")) for n in range(10)]
    share = template("p", "percent_off", percent_off=70, threshold_fen=5_000, stacks_with="all")
    wallet = [held("P", share), held("A", off("a", 6_000, stacks_with="all")), *others]
    quote = ask(cart(10_000), coupons="best", wallet=wallet)
    assert (used(quote), quote.best_is_exact) == ([("P", 7_000)], False)
    wallet.append(held("S", template("s", "free_shipping", stacks_with="all")))  # the strongest, and stays
    quote = ask(cart(10_000, shipping_fen=9_000), coupons="best", wallet=wallet)
    assert used(quote) == [("P", 7_000), ("S", 9_000)]


def test_beyond_ten_a_coupon_that_adds_nothing_is_kept() -> None:
    """B would come first, for its threshold, and A take the rest: A alone saves as much."""
    others = [held(f"C{n}", off(f"c{n}", 1, stacks_with="none")) for n in range(10)]
    wallet = [
        held("A", off("a", 1_000, stacks_with="all")),
        held("B", off("b", 900, threshold_fen=1_000, stacks_with="all")),
        *others,
    ]
    quote = ask(cart(1_000), coupons="best", wallet=wallet)
    assert (used(quote), quote.best_is_exact) == ([("A", 1_000)], False)
    wallet.append(held("S", template("s", "free_shipping", stacks_with="all")))
    quote = ask(cart(1_000, shipping_fen=500), coupons="best", wallet=wallet)
    assert used(quote) == [("A", 1_000), ("S", 500)]


def test_a_full_wallet_is_searched_no_longer_than_that() -> None:
    """Sixty coupons, the best of each of six groups."""
    groups = [
        [off(f"g{g}-{n}", 10 * n + g, group=f"g{g}", stacks_with="all") for n in range(1, 11)]
        for g in range(6)
    ]
    wallet = [held(each.template, each) for group in groups for each in group]
    quote = ask(cart(100_000), coupons="best", wallet=wallet)
    assert sorted(name for name, _ in used(quote)) == [f"g{g}-10" for g in range(6)]
    assert quote.best_is_exact is False


@pytest.mark.parametrize(("lines", "most"), [(1, 301), (50, 301), (500, 62)])
def test_long_carts_and_many_coupons_are_tried_less_often(
    monkeypatch: pytest.MonkeyPatch, lines: int, most: int
) -> None:
    tried: list[int] = []
    price = combination.price

    def counted(basket: Basket, chosen: Iterable[Candidate]) -> Priced:
        tried.append(1)
        return price(basket, chosen)

    monkeypatch.setattr(combination, "price", counted)
    wallet = [held(f"C{n}", off(f"t{n}", 100 + n, stacks_with="all", group=f"g{n % 25}")) for n in range(50)]
    quote = ask(cart(*[10_000] * lines), coupons="best", wallet=wallet)
    assert len(quote.used) == 25
    assert len(tried) <= most


def test_the_carts_are_of_all_sorts() -> None:
    """The random carts try what they are meant to try."""
    random = repeatable(5)
    seen: Counter[str] = Counter()
    for _ in range(300):
        quote = best_quote(some_cart(random), some_offers(random, 6), "bronze")
        seen[f"used {min(3, len(quote.used))}"] += 1
        for _, whys in quote.rejected:
            seen[whys[0].code] += 1
    assert set(seen) >= {"used 0", "used 1", "used 2", "used 3", "not_stackable", "not_best"}
    assert set(seen) >= {"threshold_not_reached", "product_not_eligible", "coupon_no_effect"}
    assert min(seen.values()) >= 5
