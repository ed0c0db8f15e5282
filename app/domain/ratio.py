"""Rates as exact integer ratios: fast, and never a float."""

import re
from math import gcd
from typing import NamedTuple

_DECIMAL = re.compile(r"[0-9]{1,6}(?:\.([0-9]{1,6}))?", re.ASCII)


class Ratio(NamedTuple):
    """A rate, at least 0, in lowest terms. Its denominator divides a power of ten: it has a decimal form."""

    numerator: int
    denominator: int

    @classmethod
    def parse(cls, text: str) -> "Ratio":
        """Read a decimal such as "1.2": up to 6 digits before and after the point. Raises ValueError."""
        found = _DECIMAL.fullmatch(text)
        if found is None:
            raise ValueError(f"not a decimal number: {text!r}")
        denominator = 10 ** len(found[1] or "")
        numerator = int(text.replace(".", ""))
        shared = gcd(numerator, denominator)
        return cls(numerator // shared, denominator // shared)

    def __str__(self) -> str:
        """The shortest decimal form: "1.2"."""
        scale = 1
        while scale % self.denominator:
            scale *= 10
        digits = len(str(scale)) - 1
        whole, part = divmod(self.numerator * (scale // self.denominator), scale)
        return f"{whole}.{part:0{digits}}" if digits else str(whole)
