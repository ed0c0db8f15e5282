"""What an account remembers by itself: the campaigns that gave its member something."""

import pytest

from tests.domain.book import Book


@pytest.mark.parametrize(
    ("numbers", "kept"),
    [
        ([0], b"\x01"),
        ([7], b"\x80"),
        ([8], b"\x00\x01"),
        ([16], b"\x00\x00\x01"),
        ([1, 8], b"\x02\x01"),
        ([8, 1], b"\x02\x01"),
        ([3, 3, 4], b"\x18"),
    ],
)
def test_a_campaign_is_remembered_by_its_bit(numbers: list[int], kept: bytes) -> None:
    account = Book().account()
    for number in numbers:
        account = account.taking_part_in(number)
    assert account.campaigns == kept
    assert [number for number in range(32) if account.took_part_in(number)] == sorted(set(numbers))
