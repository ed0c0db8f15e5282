"""What changed between two programs, in data and in words."""

from __future__ import annotations

import functools
import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.program import Program
from app.domain.program_diff import Difference, differences
from tests.domain.programs import document
from tests.domain.test_program import VARIANTS, variant


def canonical(made: dict[str, Any]) -> dict[str, Any]:
    return Program.from_document(1, made).to_document()


BEFORE = canonical(document())


def changed(**sections: Any) -> dict[str, Any]:
    return canonical(document(**sections))


def tiers(change: Any) -> dict[str, Any]:
    made = json.loads(json.dumps(document()))  # nothing in it is shared
    change(made["tiers"]["ladder"])
    return canonical(made)


def extra_tier(ladder: list[dict[str, Any]]) -> None:
    top = {**ladder[-1], "code": "black_card", "name": "黑金会员", "thresholds": {"spend": 9_000_000}}
    ladder.append(top)


MISSION = {
    "mission": "three", "name": "三单", "counts": "orders", "at_least": 3, "period": "month", "reward": {"points": 10},
}  # fmt: skip
JOINING = MISSION | {"period": {"days_after_joining": 7}, "reward": {"points": 10, "coupon": "w"}}
SHARE = {"ladder": [{"from": 5, "inviter_points": 300}], "share": {"percent": "1", "days": 90}}

TOLD: list[tuple[dict[str, Any], dict[str, Any], list[tuple[str, Any, Any, str, str]]]] = [
    (BEFORE, changed(earning={"rate": "2"}),
     [("/earning/rate", "1", "2", "每个计分单位的积分：1 → 2", "Points for each unit spent: 1 → 2")]),
    (BEFORE, changed(earning={"categories": {"a/b": "3"}}),
     [("/earning/categories/a~1b", None, "3", "新增品类「a/b」的每个计分单位的积分：3",
       "Added points for each unit spent of category “a/b”: 3")]),
    (BEFORE, changed(earning={"categories": {"a~1": "3"}}),
     [("/earning/categories/a~01", None, "3", ..., ...)]),
    (BEFORE, changed(timezone="Asia/Tokyo"),
     [("/timezone", "Asia/Shanghai", "Asia/Tokyo", "时区：Asia/Shanghai → Asia/Tokyo",
       "Time zone: Asia/Shanghai → Asia/Tokyo")]),
    (BEFORE, tiers(lambda ladder: ladder[1]["thresholds"].update(spend=50_000)),
     [("/tiers/ladder/1/thresholds/spend", 30_000, 50_000, "白银会员的消费额门槛：300 元 → 500 元",
       "Spend needed of Silver: 300 yuan → 500 yuan")]),
    (BEFORE, tiers(lambda ladder: ladder[3]["benefits"][1].update(discount_percent=6)),
     [("/tiers/ladder/3/benefits/1/discount_percent", 5, 6, "铂金会员权益「discount」的折扣：5% → 6%",
       "Discount of benefit “discount” of Platinum: 5% → 6%")]),
    (BEFORE, tiers(lambda ladder: ladder[3]["benefits"][1].update(gate=["a", {"b": None}])),
     [("/tiers/ladder/3/benefits/1/gate", None, ["a", {"b": None}], "新增铂金会员权益「discount」的gate：a、b 无",
       "Added gate of benefit “discount” of Platinum: a, b none")]),
    (BEFORE, tiers(lambda ladder: ladder[4].update(requires_review=False)),
     [("/tiers/ladder/4/requires_review", True, False, "钻石会员的人工审核：是 → 否",
       "Needs a review of Diamond: yes → no")]),
    (BEFORE, tiers(extra_tier),
     [("/tiers/ladder/5", None, ..., "新增黑金会员", "Added Black card")]),
    (tiers(extra_tier), BEFORE,
     [("/tiers/ladder/5", ..., None, "取消黑金会员", "Removed Black card")]),
    (BEFORE, tiers(lambda ladder: ladder[2]["benefits"].pop(3)),
     [("/tiers/ladder/2/benefits/3", ..., None, "取消黄金会员的权益「free_shipping」（原为 包邮）",
       "Removed benefit “free shipping” of Gold (was free shipping)")]),
    (BEFORE, tiers(lambda ladder: ladder[2]["benefits"].reverse()),
     [("/tiers/ladder/2/benefits", ..., ..., ..., ...)]),
    (BEFORE, tiers(lambda ladder: ladder[0].update(benefits=[])),
     [("/tiers/ladder/0/benefits/0", ..., None, "取消青铜会员的权益「birthday_coupon」（原为 生日优惠券）", ...)]),
    (BEFORE, changed(sign_in={"ladder": [*BEFORE["sign_in"]["ladder"], {"day": 60, "points": 7}]}),
     [("/sign_in/ladder/3", None, {"day": 60, "points": 7}, "新增连续签到第 60 天：7 积分",
       "Added day 60 of a streak: 7 points")]),
    (BEFORE, changed(sign_in={"ladder": [{"day": 7, "points": 21}]}),
     [("/sign_in/ladder/0/points", 20, 21, "连续签到第 7 天的奖励：20 积分 → 21 积分", ...),
      ("/sign_in/ladder/1", ..., None, "取消连续签到第 15 天（原为 50 积分）", ...),
      ("/sign_in/ladder/2", ..., None, ..., "Removed day 30 of a streak (was 100 points)")]),
    (BEFORE, changed(cash={"steps": [{"at_fen": 10**5, "reward_fen": 1_200}, {"at_fen": 10**6, "reward_fen": 10**4}]}),
     [("/cash/steps/0/reward_fen", 1_000, 1_200, "单笔满 1000 元的返利：10 元 → 12 元", ...),
      ("/cash/steps/1", None, ..., "新增单笔满 10000 元的返利：100 元",
       "Added cash back of an order of 10,000 yuan: 100 yuan")]),
    (canonical(variant("cumulative")), canonical(variant("no cash")),
     [("/cash/policy", "cumulative", "none", "返利方式：按累计 → 无", "Cash back: by lifetime spend → none"),
      ("/cash/every_fen", 100, None, "取消返利每满金额（原为 1 元）", ...),
      ("/cash/reward_fen", 1, None, ..., "Removed cash back (was 0.01 yuan)")]),
    (BEFORE, canonical(variant("paying")),
     [("/paying/tiers/gold", None, {"worth_fen": 120}, "新增黄金会员的积分抵扣规则：抵扣金额 1.20 元",
       "Added own terms of paying of Gold: what points pay 1.20 yuan"),
      ("/paying/tiers/diamond", None, {"max_share_percent": 100}, ..., ...)]),
    (BEFORE, changed(referral=SHARE),
     [("/referral/ladder/0", None, ..., "新增第 5 位好友起：300 积分", "Added friends from number 5 on: 300 points"),
      ("/referral/share", None, {"percent": "1", "days": 90}, ..., ...)]),
    (changed(referral=SHARE), changed(referral=SHARE | {"ladder": [{"from": 5, "inviter_points": 400}]}),
     [("/referral/ladder/0/inviter_points", 300, 400, "第 5 位好友起的邀请人积分：300 积分 → 400 积分", ...)]),
    (BEFORE, changed(missions=[MISSION]),
     [("/missions/0", None, ..., "新增任务「three」：三单", "Added mission “three”: 三单")]),
    (changed(missions=[MISSION]), changed(missions=[JOINING]),
     [("/missions/0/period", "month", {"days_after_joining": 7}, "任务「three」的周期：每月 → days_after_joining 7",
       ...),
      ("/missions/0/reward/coupon", None, "w", "新增任务「three」的奖励优惠券：w", ...)]),
    (changed(activities=[{"kind": "walk", "label": "步行", "points": 1}]),
     changed(activities=[{"kind": "walk", "label": "步行", "points": 1, "per_day": 3,
                          "levels": [{"level": "far", "label": "远", "points": 2}]}]),
     [("/activities/0/per_day", None, 3, "新增活动「walk」的每天次数：3 次", ...),
      ("/activities/0/levels/0", None, ..., "新增活动「walk」的档位「far」：2 积分", ...)]),
    (changed(activities=[{"kind": "walk", "label": "步行", "points": 1,
                          "levels": [{"level": "far", "label": "远", "points": 2}]}]),
     changed(activities=[{"kind": "walk", "label": "步行", "points": 1}]),
     [("/activities/0/levels/0", ..., None, "取消活动「walk」的档位「far」（原为 2 积分）", ...)]),
    (canonical(variant("rolling")), BEFORE,
     [("/tiers/qualification/combine", "all", "any", "评级条件：全部满足 → 满足任一", ...),
      ("/tiers/qualification/window/kind", "rolling_months", "lifetime", ..., ...),
      ("/tiers/qualification/window/months", 12, None, "取消评级时间范围（原为 12 个月）", ...),
      ("/tiers/validity_months", 12, None, "等级有效期：12 个月 → 无", ...),
      ("/tiers/grace_days", 30, 0, "降级宽限：30 天 → 0 天", ...),
      ("/tiers/warn_days", 14, 0, ..., "Warning before going down: 14 days → 0 days")]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), TOLD)
def test_each_change_is_told(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    found = differences(before, after)
    assert [each.pointer for each in found] == [pointer for pointer, *_ in expected]
    for each, told in zip(found, expected, strict=True):
        for value, said in zip(each, told, strict=True):
            assert said is ... or value == said


def test_a_section_that_came_whole() -> None:
    without = document()
    del without["referral"]
    (only,) = differences(canonical(without), BEFORE)
    assert (only.pointer, only.before) == ("/referral", None)
    assert only.zh.startswith("新增邀请奖励：邀请人积分 200 积分、受邀好友积分 100 积分")


def test_tiers_in_another_order() -> None:
    after = deepcopy(BEFORE)
    after["tiers"]["ladder"][1:3] = reversed(after["tiers"]["ladder"][1:3])
    (only,) = differences(BEFORE, after)
    assert only.pointer == "/tiers/ladder"
    assert only.after == ["bronze", "gold", "silver", "platinum", "diamond"]
    assert only.en.startswith("Order of the tiers: bronze, silver")


def test_what_nobody_foresaw_is_told_too() -> None:
    """The words know every place that a document has today; a document of tomorrow is told by its own names."""
    later = BEFORE | {"new_rules": [1, 2], "tiers": BEFORE["tiers"] | {"ladder": ["bronze"]}}
    found = {each.pointer: each for each in differences(BEFORE, later)}
    assert found["/new_rules"].en == "Added new rules: 1, 2"
    assert found["/tiers/ladder"].after == ["bronze"]
    bare = document(activities=[{"kind": "walk"}])
    assert differences(document(activities=[]), bare)[0].en == "Added activity “walk”: kind walk"
    paid = {**BEFORE, "paying": {**BEFORE["paying"], "tiers": {"wood": None}}}
    assert differences(BEFORE, paid)[0].en == "Added own terms of paying of Wood: none"


def at(made: Any, pointer: str) -> Any:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    return functools.reduce(
        lambda place, step: place[int(step) if isinstance(place, list) else step], steps, made
    )


@given(first=st.sampled_from(list(VARIANTS)), second=st.sampled_from(list(VARIANTS)))
def test_each_place_is_there(first: str, second: str) -> None:
    before, after = canonical(variant(first)), canonical(variant(second))
    found = differences(before, after)
    assert (not found) == (before == after)
    for change in found:
        if change.after is not None:
            assert at(after, change.pointer) == change.after
        else:
            assert at(before, change.pointer) == change.before
        assert change.zh
        assert change.en[0].isupper()


def test_nothing_changed() -> None:
    assert differences(BEFORE, deepcopy(BEFORE)) == []
    assert Difference("/x", 1, 2, "", "").after == 2
