"""What the rules of coupons are handed."""

import pytest

from app.domain.account import Counter, bucket_of
from app.domain.shelf import NeedsMore, ReadingShelf, Shelf
from tests.domain.shop import template

COUNTER = Counter(0, "t", 3, 7)


def test_a_counter_that_is_not_locked_is_asked_for() -> None:
    shelf = Shelf({}, counters={"t": COUNTER})
    assert shelf.counter("t") == COUNTER
    with pytest.raises(NeedsMore) as asked:
        shelf.counter("u")
    assert asked.value.counters == {"u"}


def test_where_nothing_is_written_a_counter_that_is_not_loaded_has_room() -> None:
    shelf = ReadingShelf({}, counters={"t": COUNTER})
    assert shelf.counter("t") == COUNTER
    counter = shelf.counter("u")
    assert counter == Counter(bucket_of("u"), "u", 0, 0)


def test_what_gives_itself_is_found_among_the_templates_unless_it_is_named() -> None:
    templates = {code: template(code, amount_off_fen=1, automatic=code == "auto") for code in ("auto", "t")}
    assert Shelf(templates).automatic == [templates["auto"]]
    assert Shelf(templates, automatic=[]).automatic == []
