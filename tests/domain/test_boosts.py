"""What campaigns add to an order, in points and growth. Source: API.md, Campaigns (several multipliers that stack
multiply, rounded down once)."""

import json
from collections.abc import Iterable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.boosts import (
    Boost,
    Weighted,
    boosted_growth,
    boosted_points,
    boosts_of,
    flat_points,
    read_boosts,
    write_boosts,
)
from app.domain.campaigns import ALL_LINES, Effect, Lines
from app.domain.compact import compact
from app.domain.ratio import Ratio
from tests.domain.fair import campaign, chances, coupon, growth, points, times

WHOLE = Fraction(1)


def boost(kind: str = "multiply_points", factor: str | None = None, amount: int = 0, **more: object) -> Boost:
    ratio = None if factor is None else Ratio.parse(factor)
    return Boost("c", 1, "C", kind, ratio, amount, **more)  # type: ignore[arg-type]


def lines(*points: str, category: str | None = None) -> list[Weighted]:
    return [Weighted(Fraction(each), f"s{number}", category, None) for number, each in enumerate(points)]


FIRST = Lines(skus=frozenset({"s0"}))
SHOES = Lines(categories=frozenset({"shoes"}))
NIKE = Lines(brands=frozenset({"nike"}))

PAID: list[tuple[list[Boost], list[Weighted], str, tuple[int, ...]]] = [
    ([], lines("10"), "1", ()),
    ([boost(factor="2")], lines("10"), "1", (10,)),
    ([boost(factor="2"), boost(factor="3")], lines("10"), "1", (10, 40)),  # multipliers multiply
    ([boost(factor="1.5"), boost(factor="1.5")], lines("1"), "1", (0, 1)),  # 2.25, rounded down once
    ([boost(factor="1.5"), boost(factor="1.5")], lines("10"), "1", (5, 7)),  # 22.5
    ([boost(factor="2", lines=FIRST)], lines("10", "7"), "1", (10,)),
    ([boost(factor="2", lines=FIRST), boost(factor="2")], lines("10", "7"), "1", (10, 27)),
    ([boost(factor="2", lines=SHOES)], lines("10", "7"), "1", (0,)),
    ([boost(factor="2", lines=SHOES)], lines("10", "7", category="shoes"), "1", (17,)),
    ([boost(factor="2", lines=NIKE)], [Weighted(Fraction(5), "s", None, "nike")], "1", (5,)),
    ([boost("add_points", amount=50)], lines("10"), "1", (50,)),
    ([boost("add_points", amount=50)], [], "1", (50,)),  # flat points ask for no line
    ([boost("add_points", amount=50)], lines("3"), "1/3", (16,)),
    ([boost("add_points", amount=50)], lines("0"), "0", (0,)),
    ([boost("add_points", amount=5), boost(factor="2")], lines("10"), "1", (5, 10)),  # flat ones aren't multiplied
    ([boost(factor="2"), boost("add_points", amount=5)], lines("10"), "1", (10, 5)),
    ([boost(factor="1.5"), boost("add_points", amount=5)], lines("10"), "1", (5, 5)),
    ([boost("add_growth", amount=9), boost("add_chances", amount=9)], lines("10"), "1", (0, 0)),
    ([boost("issue_coupon", template="t")], lines("10"), "1", (0,)),
    # What one boost leaves of a point counts for the next.
    ([boost("add_points", amount=1), boost("add_points", amount=1)], lines("0"), "1/2", (0, 1)),
    # A boost with a cap pays at most that; the next multiplies as if it had paid whole.
    ([boost(factor="2", cap=3)], lines("10"), "1", (3,)),
    ([boost(factor="2", cap=30)], lines("10"), "1", (10,)),
    ([boost(factor="2", cap=0), boost(factor="2")], lines("10"), "1", (0, 20)),
    ([boost("add_points", amount=50, cap=16)], lines("3"), "1", (16,)),
    # The fraction of what was cut off is gone.
    ([boost(factor="1.5", cap=0), boost(factor="1.5")], lines("1"), "1", (0, 0)),
    # Exact, also where a float is not.
    ([boost(factor="2")], lines("100000000000000001"), "1", (10**17 + 1,)),
    ([boost("add_points", amount=10**17 + 1)], [], "1", (10**17 + 1,)),
]  # fmt: skip


@pytest.mark.parametrize(("boosts", "order", "share", "paid"), PAID)
def test_points(boosts: list[Boost], order: list[Weighted], share: str, paid: tuple[int, ...]) -> None:
    assert boosted_points(boosts, order, share=Fraction(share)) == paid


@pytest.mark.parametrize(("boosts", "order", "share", "paid"), PAID)
def test_flat_points_are_known_without_the_order(
    boosts: list[Boost], order: list[Weighted], share: str, paid: tuple[int, ...]
) -> None:
    """Of an order of which nothing came back; what multiplies hangs on it."""
    if any(each.factor for each in boosts):
        assert flat_points(boosts) is None
    elif share == "1":
        assert flat_points(boosts) == paid == boosted_points(boosts, order, share=WHOLE)


def test_growth() -> None:
    boosts = [boost("add_growth", amount=7), boost("add_points", amount=50), boost("add_growth", amount=2)]
    assert boosted_growth(boosts, share=WHOLE) == 9
    assert boosted_growth(boosts, share=Fraction(1, 2)) == 4  # 3 and 1


def test_what_a_campaign_adds() -> None:
    """The effects of the till are decided there."""
    effects = (
        times("2", lines=FIRST),
        points(5),
        growth(6),
        chances(7),
        coupon("t", 3),
        Effect(kind="gift", sku="mug"),
        Effect(kind="discount", percent_off=10),
        Effect(kind="free_shipping"),
    )
    found = list(boosts_of(campaign("c", *effects, version=4)))
    assert [each.kind for each in found] == [effect.kind for effect in effects[:5]]
    assert {(each.campaign, each.version, each.label) for each in found} == {("c", 4, "the c")}
    assert found[0].factor == (2, 1)
    assert found[0].lines == FIRST
    assert [each.amount for each in found] == [0, 5, 6, 7, 0]
    assert (found[4].template, found[4].pieces) == ("t", 3)


def test_what_says_nothing_is_not_written() -> None:
    boosts = [
        boost("add_points", amount=5),
        boost("add_growth", amount=6),
        boost(factor="1.5", cap=7, lines=FIRST),
        boost("issue_coupon", template="t", pieces=2),
    ]
    assert write_boosts(boosts, is_told=True) == [
        ("c", 1, 5),
        ("c", 1, ["add_growth", 6]),
        ("c", 1, "1.5", {"lines": [["s0"], [], []], "cap": 7}),
        ("c", 1, ["issue_coupon", "t", 2]),
    ]


def test_labels_are_kept_until_they_were_told() -> None:
    assert write_boosts([boost("add_points", amount=5)]) == [("c", 1, 5, {"label": "C"})]
    [read] = read_boosts(json.loads(compact(write_boosts([boost("add_points", amount=5)], is_told=True))))
    assert read == boost("add_points", amount=5)._replace(label="")


def test_each_kind_is_read_as_it_was_written() -> None:
    boosts = (
        boost("add_points", amount=5, cap=3),
        boost("add_growth", amount=6),
        boost("add_chances", amount=7),
        boost(factor="1.5", lines=FIRST),
        boost("issue_coupon", template="t", pieces=2),
    )
    assert read_boosts(json.loads(compact(write_boosts(boosts)))) == boosts


def test_those_written_by_their_names_are_read() -> None:
    named = (
        '[{"campaign":"c","version":1,"label":"C","kind":"add_points","amount":5,"cap":3},'
        '{"campaign":"c","version":1,"label":"C","kind":"multiply_points","factor":"1.5","lines":[["s0"],[],[]]},'
        '{"campaign":"c","version":1,"label":"C","kind":"issue_coupon","template":"t","pieces":2}]'
    )
    assert read_boosts(json.loads(named)) == (
        boost("add_points", amount=5, cap=3),
        boost(factor="1.5", lines=FIRST),
        boost("issue_coupon", template="t", pieces=2),
    )


names = st.frozensets(st.sampled_from(["a", "b", "s0", "鞋"]), max_size=2)
factors = st.decimals(min_value="1.0001", max_value="100", places=4).map(lambda each: Ratio.parse(str(each)))
caps = st.none() | st.integers(0, 400)
which_lines = st.just(ALL_LINES) | st.builds(Lines, names, names, names)
all_boosts = st.lists(
    st.one_of(
        st.builds(
            lambda factor, lines, cap: boost(lines=lines, cap=cap)._replace(factor=factor),
            factors,
            which_lines,
            caps,
        ),
        st.builds(lambda amount, cap: boost("add_points", amount=amount, cap=cap), st.integers(1, 300), caps),
        st.builds(lambda amount: boost("add_growth", amount=amount), st.integers(1, 300)),
        st.builds(lambda amount: boost("add_chances", amount=amount), st.integers(1, 300)),
        st.builds(lambda pieces: boost("issue_coupon", template="t", pieces=pieces), st.integers(1, 3)),
    ),
    max_size=5,
)
orders = st.lists(
    st.builds(
        Weighted,
        st.fractions(0, 1_000, max_denominator=100),
        st.sampled_from(["a", "s0", "x"]),
        st.sampled_from([None, "b"]),
        st.sampled_from([None, "鞋"]),
    ),
    max_size=4,
)
shares = st.fractions(0, 1, max_denominator=1_000)


def _by_hand(boosts: Iterable[Boost], order: Iterable[Weighted], share: Fraction) -> Fraction:
    """All points of an order without caps: each line by all its factors, and the flat ones."""
    total = Fraction()
    for line in order:
        value = line.points
        for each in boosts:
            if each.factor is not None and each.lines.has(line.sku, line.category, line.brand):
                value *= Fraction(*each.factor)
        total += value
    return total + share * sum(each.amount for each in boosts if each.kind == "add_points")


@given(all_boosts, orders, shares)
def test_all_of_it_is_rounded_down_once(boosts: list[Boost], order: list[Weighted], share: Fraction) -> None:
    uncapped = [each._replace(cap=None) for each in boosts]
    base = int(sum((line.points for line in order), Fraction()))
    assert base + sum(boosted_points(uncapped, order, share=share)) == int(_by_hand(boosts, order, share))


@given(all_boosts, orders, shares)
def test_no_boost_takes_away_or_exceeds_its_cap(
    boosts: list[Boost], order: list[Weighted], share: Fraction
) -> None:
    paid = boosted_points(boosts, order, share=share)
    assert min(paid, default=0) >= 0
    for each, points_paid in zip(boosts, paid, strict=True):
        assert each.cap is None or points_paid <= each.cap


@given(all_boosts, orders, shares, st.lists(shares, min_size=4, max_size=4))
def test_less_of_an_order_is_worth_no_more(
    boosts: list[Boost], order: list[Weighted], share: Fraction, kept: list[Fraction]
) -> None:
    """Also with caps: what is paid in all, base points included, falls with what is left."""
    rest = [line._replace(points=line.points * part) for line, part in zip(order, kept, strict=False)]

    def worth(of: list[Weighted], part: Fraction) -> int:
        base = int(sum((line.points for line in of), Fraction()))
        return base + sum(boosted_points(boosts, of, share=part))

    assert worth(rest, share * min(kept)) <= worth(order, share)


@given(all_boosts, orders)
def test_what_hangs_on_no_line_is_known_without_the_order(boosts: list[Boost], order: list[Weighted]) -> None:
    flat = flat_points(boosts)
    assert (flat is None) == any(each.factor is not None for each in boosts)
    assert flat is None or flat == boosted_points(boosts, order, share=WHOLE)


@given(all_boosts)
def test_boosts_survive_being_kept(boosts: list[Boost]) -> None:
    assert read_boosts(json.loads(compact(write_boosts(boosts)))) == tuple(boosts)
