"""Line promotions: which one each line takes, and how a bundle's price comes to its lines."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.carts import Cart, CartLine
from app.domain.coupon_templates import Bundle, Template
from app.domain.eligibility import eligible_lines
from app.domain.promotions import Promoted, line_promotions
from tests.domain.shop import line, template


def price(code: str, **terms: object) -> Template:
    return template(code, "line_price", automatic=True, **terms)


def bundle(code: str, quantity: int, price_fen: int, **terms: object) -> Template:
    return price(code, bundle=Bundle(quantity, price_fen), **terms)


def promoted(lines: list[CartLine], *templates: Template) -> list[Promoted | None]:
    goods = Cart(tuple(lines))
    return line_promotions(lines, [(each, eligible_lines(each, goods)) for each in templates])


def savings(lines: list[CartLine], *templates: Template) -> list[tuple[str, int] | None]:
    return [each and tuple(each) for each in promoted(lines, *templates)]


@pytest.mark.parametrize(
    ("promotion", "saved"),
    [
        (price("p", price_fen=800), ("p", 400)),
        (price("p", price_fen=0), ("p", 2_000)),
        (price("p", price_fen=1_000), None),
        (price("p", price_fen=1_100), None),  # never dearer
        (price("p", amount_off_fen=150), ("p", 300)),
        (price("p", amount_off_fen=1_500), ("p", 2_000)),  # never below nothing
        (price("p", percent_off=33), ("p", 660)),
        (price("p", percent_off=100), ("p", 2_000)),
        (bundle("p", 2, 1_500), ("p", 500)),
        (bundle("p", 2, 2_000), None),
        (bundle("p", 3, 1), None),  # no full set
        (bundle("p", 1, 0), ("p", 2_000)),
    ],
)
def test_what_a_line_of_two_pieces_saves(promotion: Template, saved: tuple[str, int] | None) -> None:
    assert savings([line("1", 2_000, 2)], promotion) == [saved]


def test_a_percentage_of_a_line_is_rounded_down() -> None:
    tenth = price("p", percent_off=10)
    assert savings([line("1", 199), line("2", 10), line("3", 9)], tenth) == [("p", 19), ("p", 1), None]


def test_each_line_takes_its_best() -> None:
    lines = [line("1", 1_000, category="tea"), line("2", 10_000, category="tea"), line("3", 1_000)]
    some = price("some", percent_off=10, categories=["tea"])
    flat = price("flat", amount_off_fen=500, categories=["tea"])
    assert savings(lines, some, flat) == [("flat", 500), ("some", 1_000), None]


def test_of_equals_the_first_in_code_order() -> None:
    assert savings([line("1", 1_000)], price("b", percent_off=10), price("a", amount_off_fen=100)) == [
        ("a", 100)
    ]
    twice = [bundle("b", 1, 900), bundle("a", 1, 900)]
    assert savings([line("1", 1_000)], *twice) == [("a", 100)]


def test_a_bundle_is_of_the_dearest_pieces_and_shared_by_their_worth() -> None:
    lines = [line("1", 1_000), line("2", 6_000, 2), line("3", 2_000)]
    # Three pieces for 50: 30 + 30 + 20 = 80; the one of 10 stays as it is.
    assert savings(lines, bundle("b", 3, 5_000)) == [None, ("b", 2_250), ("b", 750)]


def test_a_line_may_be_in_a_bundle_with_some_of_its_pieces() -> None:
    lines = [line("1", 5_000, 5), line("2", 3_000)]
    # One of 30 and two of 10 for 40: 10 saved, 3/5 on the dear one and 2/5 on the line of five.
    assert savings(lines, bundle("b", 3, 4_000)) == [("b", 400), ("b", 600)]


def test_only_as_many_sets_as_save() -> None:
    lines = [line("1", 15_000, 3), line("2", 6_000, 3)]
    assert savings(lines, bundle("b", 3, 9_900)) == [("b", 5_100), None]  # a second set would cost 39 more


def test_a_bundle_must_save_more_than_what_its_lines_take_anyway() -> None:
    lines = [line("1", 1_000), line("2", 1_000)]
    pair = bundle("pair", 2, 1_600)
    assert savings(lines, pair, price("own", percent_off=20)) == [("own", 200), ("own", 200)]
    assert savings(lines, pair, price("own", percent_off=19)) == [("pair", 200), ("pair", 200)]


def test_the_bundle_that_saves_most_comes_first_and_lines_are_in_one() -> None:
    lines = [line("1", 1_000, category="x"), line("2", 1_000, category="y"), line("3", 1_000, category="z")]
    wide = bundle("wide", 2, 1_500, categories=["x", "y"])
    best = bundle("best", 2, 1_000, categories=["y", "z"])
    assert savings(lines, wide, best) == [None, ("best", 500), ("best", 500)]
    other = [*lines, line("4", 1_000, category="x")]
    pair = bundle("wide", 2, 1_500, categories=["x", "y"])
    assert savings(other, pair, best) == [("wide", 250), ("best", 500), ("best", 500), ("wide", 250)]


def test_a_line_left_out_of_a_bundle_keeps_its_own() -> None:
    lines = [line("1", 1_000), line("2", 1_000), line("3", 900)]
    taken = savings(lines, bundle("pair", 2, 1_000), price("own", amount_off_fen=100))
    assert taken == [("pair", 500), ("pair", 500), ("own", 100)]


def test_quantities_of_any_size() -> None:
    many = line("1", 10**12, 10**9)
    assert savings([many, line("2", 10, 10**9)], bundle("b", 7, 6_000)) == [("b", (10**9 // 7) * 1_000), None]


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 3)), min_size=1, max_size=4),
    st.integers(1, 4),
    st.integers(0, 150),
)
def test_a_bundle_saves_as_much_as_can_be(
    pieces: list[tuple[int, int]], quantity: int, price_fen: int
) -> None:
    """Against every choice of full sets, the pieces of a line all costing the same."""
    lines = [line(str(n), unit * count, count) for n, (unit, count) in enumerate(pieces)]
    saved = sum(each.discount_fen for each in promoted(lines, bundle("b", quantity, price_fen)) if each)
    choices = product(*(range(count + 1) for _, count in pieces))
    most = max(
        sum(unit * chosen for (unit, _), chosen in zip(pieces, choice, strict=True))
        - sum(choice) // quantity * price_fen
        for choice in choices
        if sum(choice) % quantity == 0
    )
    assert saved == most


promotions = st.lists(
    st.one_of(
        st.builds(lambda n, fen: ("price_fen", n, fen), st.integers(0, 9), st.integers(0, 300)),
        st.builds(lambda n, fen: ("amount_off_fen", n, fen), st.integers(0, 9), st.integers(1, 300)),
        st.builds(lambda n, percent: ("percent_off", n, percent), st.integers(0, 9), st.integers(1, 100)),
        st.builds(
            lambda n, fen, q: ("bundle", n, Bundle(q, fen)),
            st.integers(0, 9),
            st.integers(0, 900),
            st.integers(1, 4),
        ),
    ),
    max_size=5,
)


@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(1, 4)), min_size=1, max_size=6), promotions)
def test_no_line_goes_below_nothing_and_none_is_worse_off(
    figures: list[tuple[int, int]], terms: list[tuple[str, int, object]]
) -> None:
    lines = [line(str(n), amount_fen, count) for n, (amount_fen, count) in enumerate(figures)]
    templates = [price(f"{n}-{place}", **{name: value}) for place, (name, n, value) in enumerate(terms)]
    taken = promoted(lines, *templates)
    for each, own in zip(lines, taken, strict=True):
        assert own is None or 0 <= own.discount_fen <= each.amount_fen
    alone = promoted(lines, *(each for each in templates if each.bundle is None))
    assert sum(each.discount_fen for each in taken if each) >= sum(
        each.discount_fen for each in alone if each
    )
