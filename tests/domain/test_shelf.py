"""What the rules of coupons are handed."""

import pytest

from app.domain.account import Counter
from app.domain.shelf import NeedsMore, ReadingShelf, Shelf

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
    assert (counter.template, counter.issued, counter.discounted) == ("u", 0, 0)
