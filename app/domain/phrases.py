"""Plain words in Chinese and English: numbers, money and times, as an app can show them."""

from collections.abc import Sequence
from typing import NamedTuple


class Phrase(NamedTuple):
    """The same in both languages."""

    zh: str
    en: str


_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "BHD": 3, "KWD": 3, "OMR": 3, "JOD": 3, "TND": 3}
"""Digits of the minor unit, where they are not two (ISO 4217)."""


def money(amount_fen: int, currency: str) -> Phrase:
    """An amount in the minor unit: "300 元", "12.50 yuan", "USD 5"."""
    digits = _DIGITS.get(currency, 2)
    whole, part = divmod(amount_fen, 10**digits)
    fraction = f".{part:0{digits}}" if part else ""
    if currency == "CNY":
        return Phrase(f"{whole}{fraction} 元", f"{whole:,}{fraction} yuan")
    return Phrase(f"{currency} {whole}{fraction}", f"{currency} {whole:,}{fraction}")


def points(count: int) -> Phrase:
    return Phrase(f"{count} 积分", _counted(count, "point"))


def growth(count: int) -> Phrase:
    return Phrase(f"{count} 成长值", f"{count:,} growth")


def days(count: int) -> Phrase:
    return Phrase(f"{count} 天", _counted(count, "day"))


def months(count: int) -> Phrase:
    return Phrase(f"{count} 个月", _counted(count, "month"))


def years(count: int) -> Phrase:
    return Phrase(f"{count} 年", _counted(count, "year"))


def times(count: int) -> Phrase:
    return Phrase(f"{count} 次", _counted(count, "time"))


def seconds(count: int) -> Phrase:
    """A span in its largest whole unit: "30 分钟", "7 days"."""
    for size, zh, en in ((86_400, "天", "day"), (3_600, "小时", "hour"), (60, "分钟", "minute")):
        if count and count % size == 0:
            return Phrase(f"{count // size} {zh}", _counted(count // size, en))
    return Phrase(f"{count} 秒", _counted(count, "second"))


def listed(phrases: Sequence[Phrase], *, zh: str = "、", en: str = ", ") -> Phrase:
    """Several, one after the other."""
    return Phrase(zh.join(each.zh for each in phrases), en.join(each.en for each in phrases))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
