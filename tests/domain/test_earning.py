from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.boosts import Boost
from app.domain.campaigns import Lines
from app.domain.earning import Earned, Line, Part, check_lines, earned, told_parts
from app.domain.errors import ItemsAmountMismatch, LineIdRepeated, TierNotFound
from app.domain.program import Program
from app.domain.ratio import Ratio
from tests.domain.programs import DEFAULT, document, program

RATED = program(
    earning={
        "rate": "1",
        "categories": {"shoes": "2", "gift-cards": "0", "books": "0.333333"},
        "brands": {"acme": "3.5"},
    }
)


def line(
    line_id: str, amount_fen: int, category: str | None = None, brand: str | None = None, quantity: int = 1
) -> Line:
    return Line(line_id, f"sku-{line_id}", category, brand, quantity, amount_fen)


@pytest.mark.parametrize(
    ("amount_fen", "tier", "points", "breakdown"),
    [
        (30_000, "bronze", 300, [("purchase", "1 point per yuan", 300)]),
        (29_999, "silver", 299, [("purchase", "1 point per yuan", 299)]),
        (99, "bronze", 0, []),
        (0, "gold", 0, []),
        # 315.99 at 1.2 is 379.188, not 1.2 times the 315 of the base rounded down: 378.
        (31_599, "gold", 379, [("purchase", "1 point per yuan", 315), ("tier:gold", "gold ×1.2", 64)]),
        (400, "gold", 4, [("purchase", "1 point per yuan", 4)]),
        (84, "gold", 1, [("tier:gold", "gold ×1.2", 1)]),
        (83, "gold", 0, []),
        (150, "platinum", 2, [("purchase", "1 point per yuan", 1), ("tier:platinum", "platinum ×1.5", 1)]),
        (
            10**12,
            "diamond",
            2 * 10**10,
            [("purchase", "1 point per yuan", 10**10), ("tier:diamond", "diamond ×2", 10**10)],
        ),
    ],
)
def test_a_purchase(amount_fen: int, tier: str, points: int, breakdown: list[tuple[str, str, int]]) -> None:
    got = earned(amount_fen=amount_fen, tier=tier, program=DEFAULT)
    assert (got.points, list(got.breakdown)) == (points, breakdown)
    assert got.growth == amount_fen // 100


@pytest.mark.parametrize(
    ("rate", "amount_fen", "growth"),
    [("1.5", 10_100, 151), ("0.5", 10_100, 50), ("1", 10**18 + 100, 10**16 + 1)],
)
def test_growth_has_a_rate_of_its_own(rate: str, amount_fen: int, growth: int) -> None:
    rules = program(growth={"rate": rate})
    assert earned(amount_fen=amount_fen, tier="gold", program=rules).growth == growth


def test_an_order_of_nothing_is_boosted_by_nothing() -> None:
    boosts = (Boost("a", 1, "a", "add_points", amount=50), Boost("b", 1, "b", "add_growth", amount=7))
    got = earned(amount_fen=0, ordered_fen=0, tier="gold", program=DEFAULT, boosts=boosts)
    assert (got.points, got.growth, got.boosted) == (0, 0, (0, 0))


def test_a_tier_may_earn_less() -> None:
    ladder = document()["tiers"]["ladder"]
    ladder[0]["rate"] = "0.5"
    got = earned(amount_fen=10_100, tier="bronze", program=program(tiers={"ladder": ladder}))
    assert got.points == 50
    assert got.breakdown == (("purchase", "1 point per yuan", 101), ("tier:bronze", "bronze ×0.5", -51))


@pytest.mark.parametrize("rate", ["0.07", "0.29", "0.57", "1.15", "2.3", "4.35", "19.99"])
def test_no_rate_is_a_float(rate: str) -> None:
    """Most decimals are no binary fractions: 100 times 1.15 is a little less than 115 there."""
    ladder = document()["tiers"]["ladder"]
    ladder[0]["rate"] = rate
    by_tier = program(tiers={"ladder": ladder})
    by_rate = program(earning={"rate": rate})
    for amount_fen in (*range(100, 20_000, 100), 10**12 - 1, 10**12):
        exact = floor(Fraction(rate) * amount_fen / 100)
        for rules in (by_tier, by_rate):
            assert earned(amount_fen=amount_fen, tier="bronze", program=rules).points == exact


def test_rates_of_categories_and_brands_replace_the_base_rate() -> None:
    lines = (
        line("1", 10_000),
        line("2", 5_050, category="shoes"),
        line("3", 2_000, category="shoes", brand="acme"),  # the brand's rate, not the category's
        line("4", 50_000, category="gift-cards"),
        line("5", 1_000, category="hats", brand="other"),
        line("6", 950, category="shoes"),
    )
    got = earned(amount_fen=69_000, lines=lines, tier="gold", program=RATED)
    assert got.breakdown == (
        ("purchase", "1 point per yuan", 110),
        ("category:shoes", "2 points per yuan on shoes", 120),
        ("brand:acme", "3.5 points per yuan on acme", 70),
        ("tier:gold", "gold ×1.2", 60),
    )
    assert got.points == 360
    assert (got.growth, got.cash_fen) == (690, 0)  # of the amount, whatever the lines' rates


def test_lines_at_the_base_rate_are_rounded_once_together() -> None:
    lines = (line("1", 50), line("2", 50))
    assert earned(amount_fen=100, lines=lines, tier="bronze", program=RATED).points == 1
    assert earned(amount_fen=100, lines=lines, tier="bronze", program=DEFAULT).points == 1


def test_the_smallest_line_counts_in_full() -> None:
    rules = program(earning={"categories": {"shoes": "200"}})
    got = earned(amount_fen=1, lines=(line("1", 1, category="shoes"),), tier="bronze", program=rules)
    assert got.points == 2


def test_a_refund_without_lines_lies_on_all_of_them_alike() -> None:
    lines = (line("1", 10_000), line("2", 10_000, category="shoes"))
    got = earned(amount_fen=15_000, unallocated_refund_fen=5_000, lines=lines, tier="bronze", program=RATED)
    assert got.breakdown == (
        ("purchase", "1 point per yuan", 75),
        ("category:shoes", "2 points per yuan on shoes", 150),
    )
    assert got.growth == 150


def test_what_is_told_of_the_parts() -> None:
    """Also of those of a campaign as entries told them before."""
    parts: list[Part] = [
        ("purchase", "1 point per yuan", 10),
        ("double", 3, 8, "the double"),
        ("campaign:a", "the a", 5, 2),
    ]
    assert told_parts(parts, version=4) == [
        {"rule": "purchase", "label": "1 point per yuan", "points": 10, "version": 4},
        {"rule": "campaign:double", "label": "the double", "points": 8, "version": 3},
        {"rule": "campaign:a", "label": "the a", "points": 5, "version": 2},
    ]


def test_nothing_is_left() -> None:
    gone = (line("1", 0), line("2", 0, category="shoes"))
    assert earned(amount_fen=0, lines=gone, tier="gold", program=RATED) == Earned(0, (), 0, 0)
    refunded = earned(
        amount_fen=0, unallocated_refund_fen=100, lines=(line("1", 100),), tier="gold", program=RATED
    )
    assert refunded == Earned(0, (), 0, 0)


def test_refuses_a_state_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="more was refunded"):
        earned(amount_fen=-1, tier="gold", program=DEFAULT)
    with pytest.raises(ValueError, match="not what is left"):
        earned(amount_fen=100, lines=(line("1", 99),), tier="gold", program=RATED)
    with pytest.raises(TierNotFound):
        earned(amount_fen=100, tier="wood", program=DEFAULT)


def test_lines_must_add_up_and_have_ids_of_their_own() -> None:
    check_lines(amount_fen=100, lines=())
    check_lines(amount_fen=100, lines=(line("1", 60), line("2", 40)))
    with pytest.raises(ItemsAmountMismatch) as mismatch:
        check_lines(amount_fen=100, lines=(line("1", 60), line("2", 41)))
    assert mismatch.value.extra == {"amount": 100, "items_amount": 101}
    with pytest.raises(LineIdRepeated):
        check_lines(amount_fen=100, lines=(line("1", 60), line("1", 40)))


def with_cash(**cash: Any) -> Program:
    return Program.from_document(1, document() | {"cash": cash})


STEPS = with_cash(
    policy="single_order",
    steps=[{"at_fen": 100_000, "reward_fen": 1_000}, {"at_fen": 500_000, "reward_fen": 8_000}],
)
CUMULATIVE = with_cash(policy="cumulative", every_fen=100_000, reward_fen=500)


@pytest.mark.parametrize(
    ("rules", "amount_fen", "before_fen", "cash_fen"),
    [
        (DEFAULT, 99_999, 0, 0),
        (DEFAULT, 100_000, 0, 1_000),
        (DEFAULT, 900_000, 0, 1_000),
        (STEPS, 499_999, 0, 1_000),
        (STEPS, 500_000, 0, 8_000),
        (CUMULATIVE, 99_999, 0, 0),
        (CUMULATIVE, 1, 99_999, 500),
        (CUMULATIVE, 250_000, 60_000, 1_500),
        (CUMULATIVE, 99_999, 100_000, 0),
        (with_cash(policy="none"), 10**9, 0, 0),
    ],
)
def test_cash_back(rules: Program, amount_fen: int, before_fen: int, cash_fen: int) -> None:
    got = earned(amount_fen=amount_fen, spend_before_fen=before_fen, tier="bronze", program=rules)
    assert got.cash_fen == cash_fen


amounts = st.integers(0, 10**12)
tiers = st.sampled_from(["bronze", "silver", "gold", "platinum", "diamond"])
order_lines = st.lists(
    st.builds(
        Line,
        st.just("1"),
        st.just("sku"),
        st.sampled_from([None, "shoes", "gift-cards", "books", "hats"]),
        st.sampled_from([None, "acme", "other"]),
        st.integers(1, 9),
        st.one_of(st.integers(0, 500), amounts),
    ),
    min_size=1,
    max_size=6,
)


def model_points(lines: list[Line], *, rest_fen: int, tier: str) -> int:
    """The rule as RULES.md says it, in fractions."""
    lines_fen = sum(each.amount_fen for each in lines)
    weight = Fraction(0)
    for each in lines:
        rate = {"shoes": Fraction(2), "gift-cards": Fraction(0), "books": Fraction(333_333, 10**6)}.get(
            each.category or "", Fraction(1)
        )
        weight += (Fraction(7, 2) if each.brand == "acme" else rate) * each.amount_fen / 100
    times = {"gold": Fraction(6, 5), "platinum": Fraction(3, 2), "diamond": Fraction(2)}.get(
        tier, Fraction(1)
    )
    return floor(times * weight * Fraction(rest_fen, lines_fen)) if lines_fen else 0


@given(order_lines, tiers, st.data())
def test_lines_earn_what_the_rule_says(lines: list[Line], tier: str, data: st.DataObject) -> None:
    lines_fen = sum(each.amount_fen for each in lines)
    unallocated_fen = data.draw(st.integers(0, lines_fen))
    got = earned(
        amount_fen=lines_fen - unallocated_fen,
        unallocated_refund_fen=unallocated_fen,
        lines=lines,
        tier=tier,
        program=RATED,
    )
    assert got.points == model_points(lines, rest_fen=lines_fen - unallocated_fen, tier=tier)
    assert got.points == sum(points for _, _, points in got.breakdown)
    assert all(points for _, _, points in got.breakdown)


@given(amounts, tiers)
def test_no_lines_earn_the_same_as_one_at_the_base_rate(amount_fen: int, tier: str) -> None:
    plain = earned(amount_fen=amount_fen, tier=tier, program=RATED)
    assert plain == earned(amount_fen=amount_fen, lines=(line("1", amount_fen),), tier=tier, program=RATED)
    assert plain.points == sum(points for _, _, points in plain.breakdown)


@given(order_lines, tiers, st.data())
def test_a_refund_never_earns(lines: list[Line], tier: str, data: st.DataObject) -> None:
    """Of a line or of the whole: what is kept never grows, and nothing is kept of nothing."""
    lines_fen = sum(each.amount_fen for each in lines)
    unallocated_fen = data.draw(st.integers(0, lines_fen))
    index = data.draw(st.integers(0, len(lines) - 1))
    back_fen = data.draw(st.integers(0, min(lines[index].amount_fen, lines_fen - unallocated_fen)))
    rest_fen = lines_fen - unallocated_fen

    def points(lines: list[Line], amount_fen: int, unallocated_fen: int) -> int:
        return earned(
            amount_fen=amount_fen,
            unallocated_refund_fen=unallocated_fen,
            lines=lines,
            tier=tier,
            program=RATED,
        ).points

    kept = points(lines, rest_fen, unallocated_fen)
    less = [*lines]
    less[index] = lines[index]._replace(amount_fen=lines[index].amount_fen - back_fen)
    assert points(less, rest_fen - back_fen, unallocated_fen) <= kept
    assert points(lines, rest_fen - back_fen, unallocated_fen + back_fen) <= kept
    assert points(lines, 0, lines_fen) == 0


def test_without_a_word_of_it_nothing_was_spent_before() -> None:
    assert earned(amount_fen=99_999, tier="bronze", program=CUMULATIVE).cash_fen == 0


@pytest.mark.parametrize(
    ("kind", "names", "points"),
    [("skus", "sku-2", 100), ("categories", "shoes", 200), ("brands", "acme", 350), ("brands", "other", 0)],
)
def test_a_campaign_multiplies_what_its_own_lines_earn(kind: str, names: str, points: int) -> None:
    lines = (
        line("1", 10_000, category="shoes"),
        line("2", 10_000),
        line("3", 10_000, category="hats", brand="acme"),
    )
    boost = Boost(
        "c",
        1,
        "C",
        "multiply_points",
        Ratio.parse("2"),
        lines=Lines()._replace(**{kind: frozenset({names})}),
    )
    whole = {"lines": lines, "tier": "bronze", "program": RATED, "boosts": (boost,), "ordered_fen": 30_000}
    assert earned(amount_fen=30_000, **whole).boosted == (points,)
    half = earned(amount_fen=15_000, unallocated_refund_fen=15_000, **whole)
    assert half.boosted == (points // 2,)


@given(st.lists(amounts, max_size=8), amounts)
def test_cumulative_cash_is_the_same_in_any_portions(orders_fen: list[int], before_fen: int) -> None:
    spend_fen, cash_fen = before_fen, 0
    for amount_fen in orders_fen:
        cash_fen += earned(
            amount_fen=amount_fen, spend_before_fen=spend_fen, tier="bronze", program=CUMULATIVE
        ).cash_fen
        spend_fen += amount_fen
    whole = earned(amount_fen=sum(orders_fen), spend_before_fen=before_fen, tier="bronze", program=CUMULATIVE)
    assert cash_fen == whole.cash_fen
