"""A lot granted outside an order: whose it is, by which entry, under which version."""

import pytest

from app.domain.grants import granted
from tests.domain.book import START, Book, at
from tests.domain.programs import DEFAULT


@pytest.mark.parametrize(("of_version", "version"), [(None, 2), (1, 1)])
def test_a_lot_is_its_members_and_its_entrys(of_version: int | None, version: int) -> None:
    book = Book()
    book.adopt(at(DEFAULT, version=2))
    before = book.account()._replace(sequence=7, lot_count=4)
    after, arrival = granted(
        before,
        10,
        book.context(),
        source="transfer",
        accrued_at=START,
        expires_at=None,
        program_version=of_version,
    )
    lot = arrival.lot
    assert (lot.bucket, lot.member_id, lot.lot, lot.sequence) == (before.bucket, "m", 5, 8)
    assert (lot.program_version, lot.pending, lot.remaining) == (version, False, 10)
    assert (after.lot_count, after.available) == (5, 10)
