"""What the places of a program document are called, and their values in words."""

from typing import Any

import pytest

from app.domain.program_labels import label_of, value_of
from tests.domain.programs import document

PLACES: list[tuple[str, str, str]] = [
    ("earning categories", "categories", "categories"),
    (
        "earning categories tea",
        "品类「tea」的每个计分单位的积分",
        "points for each unit spent of category “tea”",
    ),
    ("paying tiers", "tiers", "tiers"),
    ("paying tiers gold", "黄金会员的积分抵扣规则", "own terms of paying of Gold card"),
    ("tiers ladder =gold rate", "黄金会员的积分倍数", "rate of Gold card"),
]


@pytest.mark.parametrize(("place", "zh", "en"), PLACES)
def test_what_a_place_is_called(place: str, zh: str, en: str) -> None:
    made = document()
    made["tiers"]["ladder"][2]["name_en"] = "Gold card"
    assert label_of(place.split(), made) == (zh, en)


VALUES: list[tuple[str, Any, str, str]] = [
    ("settlement days", 15, "15 天", "15 days"),
    ("settlement days", None, "无", "none"),
    ("settlement days", True, "是", "yes"),
    ("validity months", 6, "6 个月", "6 months"),
    ("validity years", 1, "1 年", "1 year"),
    ("activities =review per_day", 3, "3 次", "3 times"),
    ("sign_in points", 10, "10 积分", "10 points"),
    ("sign_in growth", 5, "5 成长值", "5 growth"),
    ("reserve max_seconds", 7_200, "2 小时", "2 hours"),
    ("paying tiers gold", {"worth_fen": 120}, "抵扣金额 USD 1.20", "what points pay USD 1.20"),
    ("paying tiers gold", None, "无", "none"),
    ("paying tiers gold", "later", "later", "later"),
    ("referral share", {"percent": "1", "days": 90}, "好友消费分成 1%、好友消费分成时间 90 天",
     "share of what friends spend 1%, time of the share 90 days"),
    ("referral share", {"of_whom": 2}, "of_whom 2", "of whom 2"),
    ("tiers ladder", [], "无", "none"),
    ("missions =three", {"name": "三单", "name_en": "Three orders"}, "三单", "Three orders"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "zh", "en"), VALUES)
def test_what_a_value_is_called(place: str, value: Any, zh: str, en: str) -> None:
    assert value_of(place.split(), value, document(currency="USD")) == (zh, en)
