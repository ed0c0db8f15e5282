from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ratio import Ratio


@pytest.mark.parametrize(
    ("text", "ratio", "shortest"),
    [
        ("1", (1, 1), "1"),
        ("1.2", (6, 5), "1.2"),
        ("1.20", (6, 5), "1.2"),
        ("0", (0, 1), "0"),
        ("0.000001", (1, 1_000_000), "0.000001"),
        ("0.05", (1, 20), "0.05"),
        ("10.5", (21, 2), "10.5"),
        ("007", (7, 1), "7"),
        ("999999.999999", (999_999_999_999, 1_000_000), "999999.999999"),
    ],
)
def test_reads_decimals_exactly(text: str, ratio: tuple[int, int], shortest: str) -> None:
    assert Ratio.parse(text) == ratio
    assert str(Ratio.parse(text)) == shortest


@pytest.mark.parametrize(
    "text",
    ["", ".5", "1.", "-1", "+1", "1e3", "1,5", " 1", "1\n", "１", "NaN", "1234567", "0.1234567", "1/2"],
)
def test_refuses_what_is_no_plain_decimal(text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal"):
        Ratio.parse(text)


@given(st.decimals(min_value=0, max_value=999_999, places=6).map(lambda each: f"{each:f}"))
def test_round_trips(text: str) -> None:
    ratio = Ratio.parse(text)
    assert Fraction(*ratio) == Fraction(text)
    assert Ratio.parse(str(ratio)) == ratio
