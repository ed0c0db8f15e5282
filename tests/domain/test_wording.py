"""The rules in words: what is said under which terms, and that both languages say as much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.phrases import money, seconds
from app.domain.program import Program
from app.domain.wording import text_of
from tests.domain.programs import document, program, with_section, with_validity
from tests.domain.test_program import VARIANTS, variant

_RULES = Path(__file__).with_name("rules")


def lines(made: Program, language: str = "zh") -> str:
    sections = text_of(made).zh if language == "zh" else text_of(made).en
    return "\n".join(line for section in sections for line in section.lines)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_default_program(language: str) -> None:
    """The rules as members read them, from the first word to the last."""
    text = text_of(Program.from_document(1, DEFAULT_PROGRAM_DOCUMENT))
    sections = text.zh if language == "zh" else text.en
    told = (f"{section.title}\n" + "".join(f"- {line}\n" for line in section.lines) for section in sections)
    assert "\n".join(told) == (_RULES / f"{language}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", VARIANTS)
def test_both_languages_say_as_much(name: str) -> None:
    text = text_of(Program.from_document(1, variant(name)))
    assert [len(section.lines) for section in text.zh] == [len(section.lines) for section in text.en]
    for section in (*text.zh, *text.en):
        assert section.lines
        for line in (section.title, *section.lines):
            assert line == line.strip()
            assert not set(line) & set("{}_")
            assert "None" not in line


SAID: list[tuple[dict[str, Any], str, str]] = [
    ({"earning": {"rate": "0.5"}}, "每消费 1 元得 0.5 积分", "earns 0.5 points"),
    ({"earning": {"categories": {"tea": "2"}}}, "品类「tea」：每消费 1 元得 2 积分", "Category “tea”"),
    ({"earning": {"brands": {"acme": "0"}}}, "品牌「acme」", "Brand “acme”: every 1 yuan spent earns 0 points"),
    ({"currency": "USD"}, "每消费 USD 1得", "Every USD 1 spent"),
    ({"refunds": {"grace_days": 7}}, "可再用 7 天", "for 7 days more"),
    ({"sign_in": {"after_ladder": "stay"}}, "\n之后每天都得最后一档奖励；漏签一天从第 1 天开始。\n",
     "\nAfter the last step every day gives that extra; a missed day starts at 1.\n"),
    ({"sign_in": {"growth": 0, "ladder": []}}, "每天签到一次，得 10 积分。", "gives 10 points."),
    ({"sign_in": {"points": 0, "growth": 0}}, "得 0 积分", "gives 0 points"),
    ({"paying": {"tiers": {"gold": {"worth_fen": 120, "max_share_percent": 60}}}},
     "黄金会员：100 积分抵 1.20 元，最多抵 60%", "Gold: 100 points pay 1.20 yuan, for at most 60% of the order"),
    ({"paying": {"tiers": {"gold": {"max_share_percent": 60}}}}, "黄金会员：最多抵 60%", "Gold: for at most 60%"),
    ({"paying": {"tiers": {"gold": {"worth_fen": 120}}}}, "黄金会员：100 积分抵 1.20 元。",
     "Gold: 100 points pay 1.20 yuan."),
    ({"tiers": {"validity_months": 12, "grace_days": 30, "warn_days": 14}}, "宽限 30 天后降一级",
     "after 30 days of grace"),
    ({"paying": {"tiers": {"gold": {}}}}, "100 积分抵 1 元", "100 points pay 1 yuan"),
    ({"tiers": {"validity_months": 1}}, "等级有效期 1 个月；到期未达条件，降一级", "A tier holds for 1 month; "),
    ({"cash": {"steps": [{"at_fen": 1, "reward_fen": 1}, {"at_fen": 2, "reward_fen": 2}]}},
     "单笔订单满 0.01 元返利 0.01 元。\n单笔订单满 0.02 元返利 0.02 元。\n多档返利只取达到的最高一档。\n",
     "\nOf several steps the highest one reached counts.\n"),
    ({"activities": [{"kind": "walk_dog", "label": "遛狗", "points": 1, "once": True}]},
     "遛狗：1 积分（仅限一次）", "Walk dog: 1 point (once)."),
    ({"activities": [{"kind": "walk_dog", "label": "遛狗", "points": 1, "once": True, "per_day": 2}]},
     "遛狗：1 积分（每天最多 2 次，仅限一次）。", "Walk dog: 1 point (at most 2 times a day, once)."),
    ({"activities": [{"kind": "survey", "label": "问卷", "points": 1, "per_day": 1, "growth": 2}]},
     "问卷：1 积分、2 成长值（每天最多 1 次）", "Survey: 1 point and 2 growth (once a day)."),
    ({"referral": {"ladder": [{"from": 5, "inviter_points": 300}], "share": {"percent": "1.5", "days": 90}}},
     "从第 5 位好友起，邀请人每位得 300 积分", "1.5% of what the friend spends within 90 days"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "zh", "en"), SAID)
def test_what_is_said(changes: dict[str, Any], zh: str, en: str) -> None:
    made = program(**changes)
    assert zh in lines(made)
    assert en in lines(made, "en")


@pytest.mark.parametrize(
    ("validity", "zh", "en"),
    [
        ({"policy": "anniversary", "years": 2},
         "积分自获得之日起 2 年内有效，可用到满期当天结束（2 月 29 日获得的到 2 月 28 日）。",
         ("Points are valid for 2 years from the day they were earned, through the anniversary "
          "(29 February: 28 February).")),
        ({"policy": "calendar_year_end", "years": 0}, "积分有效期到获得当年的年底。",
         "Points are valid until the end of the year they were earned in."),
        ({"policy": "calendar_year_end", "years": 2}, "积分有效期到获得之年后第 2 年的年底。",
         "Points are valid until the end of the 2nd year after they were earned."),
        ({"policy": "months", "months": 6}, "积分自获得之日起 6 个月内有效，可用到满期当天结束。",
         "Points are valid for 6 months from the day they were earned, through the last day."),
        ({"policy": "inactivity", "months": 6}, "连续 6 个月没有活动，积分失效；每次活动都会延长有效期。",
         "Points expire after 6 months without activity; every activity keeps them alive."),
        ({"policy": "yearly_tenth"}, "每年年底失效积分的十分之一。",
         "A tenth of the points expires at the end of each year."),
        ({"policy": "never"}, "积分长期有效。", "Points never expire."),
    ],
)  # fmt: skip
def test_how_long_points_last(validity: dict[str, Any], zh: str, en: str) -> None:
    made = with_validity(**validity)
    assert zh in lines(made).splitlines()
    assert en in lines(made, "en").splitlines()


@pytest.mark.parametrize(
    ("years", "ordinal"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (14, "14th"),
     (21, "21st"), (22, "22nd"), (23, "23rd"), (100, "100th")],
)  # fmt: skip
def test_which_year_after(years: int, ordinal: str) -> None:
    made = with_validity(policy="calendar_year_end", years=years)
    assert f"the end of the {ordinal} year after" in lines(made, "en")


def test_cash_by_lifetime_spend() -> None:
    made = with_section("cash", {"policy": "cumulative", "every_fen": 100_000, "reward_fen": 500})
    assert "累计消费每满 1000 元返利 5 元。" in lines(made)


@pytest.mark.parametrize(
    ("window", "combine", "zh", "en"),
    [
        ({"kind": "rolling_months", "months": 6}, "all",
         "最近 6 个月消费额满 1 元且最近 6 个月订单数满 2 笔且最近 6 个月累计获得积分满 3000且最近 6 个月成长值满 4000",
         "spend of 1 yuan and orders of 2 and points earned of 3,000 and growth of 4,000 within 6 months"),
        ({"kind": "calendar_year"}, "any",
         "自然年内消费额满 1 元或自然年内订单数满 2 笔或自然年内累计获得积分满 3000或自然年内成长值满 4000",
         "spend of 1 yuan or orders of 2 or points earned of 3,000 or growth of 4,000 within the calendar year"),
    ],
)  # fmt: skip
def test_what_a_tier_asks(window: dict[str, Any], combine: str, zh: str, en: str) -> None:
    made = document()
    metrics = {"spend": 100, "orders": 2, "points_earned": 3_000, "growth": 4_000}
    made["tiers"]["qualification"] = {"metrics": list(metrics), "combine": combine, "window": window}
    made["tiers"]["ladder"] = made["tiers"]["ladder"][:2]
    made["tiers"]["ladder"][1] |= {"code": "silver_card", "thresholds": metrics, "benefits": []}
    told = Program.from_document(1, made)
    assert f"白银会员：{zh}。" in lines(told).splitlines()
    assert f"Silver card, from {en}." in lines(told, "en").splitlines()


def test_benefits_in_words() -> None:
    made = document()
    coupon = {"template": "monthly", "on": "month", "count": 2}
    made["tiers"]["ladder"][0] |= {
        "name_en": "Friend",
        "benefits": [
            {"code": "monthly", "label": "月券", "coupon": coupon},
            {"code": "lounge", "label": "休息室", "label_en": "airport lounge"},
        ],
    }
    made["tiers"]["ladder"][1]["benefits"] = []
    told = Program.from_document(1, made)
    assert "青铜会员：注册即得，享有每月送月券2 张；休息室。" in lines(told)
    assert "Friend, on joining: 2 coupons each month; airport lounge." in lines(told, "en")
    assert "白银会员：累计消费额满 300 元。" in lines(told)


def test_sections_without_anything_are_left_out() -> None:
    made = document(activities=[], missions=[], sign_in={"points": 0, "growth": 0, "ladder": []})
    del made["referral"]
    made["growth"]["rate"] = "0"
    made["cash"] = {"policy": "none"}
    for tier in made["tiers"]["ladder"]:
        tier["rate"] = "1"
    text = text_of(Program.from_document(1, made))
    assert [section.title for section in text.zh] == [
        "消费积分", "积分有效期", "积分抵扣", "会员等级", "退款", "到账与其他",
    ]  # fmt: skip
    assert len(text.zh[0].lines) == 2


MISSIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"counts": "orders", "at_least": 3, "period": "month", "reward": {"points": 100}},
     "月度三单：一个月内完成 3 笔订单，得 100 积分。", "three: complete 3 orders within a month and get 100 points."),
    ({"counts": "amount", "at_least": 50_000, "period": "ever", "reward": {"growth": 5, "chances": 2}},
     "月度三单：累计消费满 500 元，得 5 成长值、2 次抽奖机会。",
     "spend 500 yuan in all and get 5 growth, lottery chances: 2."),
    ({"counts": "sign_ins", "at_least": 5, "period": "week", "badge": "早起"},
     "月度三单：一周内签到 5 次，得 徽章「早起」。", "sign in 5 times within a week and get the badge “早起”."),
    ({"counts": "activities", "kind": "review", "at_least": 1, "period": {"days_after_joining": 30},
      "reward": {"coupon": "w"}, "badge": "新人"},
     "月度三单：入会后 30 天内完成「商品评价」1 次，得 一张优惠券和徽章「新人」。",
     "three: do “Product review” 1 time within 30 days of joining and get a coupon and the badge “新人”."),
    ({"counts": "referrals", "at_least": 2, "period": "day", "reward": {"points": 1}},
     "月度三单：一天内成功邀请 2 位好友，得 1 积分。", "invite 2 friends who order within a day"),
]  # fmt: skip


@pytest.mark.parametrize(("mission", "zh", "en"), MISSIONS)
def test_missions(mission: dict[str, Any], zh: str, en: str) -> None:
    made = program(missions=[{"mission": "three", "name": "月度三单", **mission}])
    assert zh in lines(made)
    assert "因退款等不再达成的任务，收回其奖励；再次达成时重新发放。" in lines(made).splitlines()
    assert en in lines(made, "en")
    assert "Three orders: " in lines(
        program(missions=[{"mission": "three", "name": "月度三单", "name_en": "Three orders", **mission}]),
        "en",
    )


def test_levels_of_an_activity() -> None:
    kind = {
        "kind": "review",
        "label": "评价",
        "points": 20,
        "levels": [
            {"level": "plain", "points": 20},
            {"level": "pictures", "label": "带图评价", "points": 40},
            {"level": "film", "label": "视频评价", "points": 40, "growth": 5},
        ],
    }
    made = program(activities=[kind])
    assert "评价：20 积分；带图评价 40 积分，视频评价 40 积分、5 成长值。" in lines(made)
    assert "Review: 20 points; pictures 40 points, film 40 points and 5 growth." in lines(made, "en")


@pytest.mark.parametrize(
    ("amount", "currency", "zh", "en"),
    [
        (30_000, "CNY", "300 元", "300 yuan"),
        (1_250, "CNY", "12.50 元", "12.50 yuan"),
        (123_456_700, "USD", "USD 1234567", "USD 1,234,567"),
        (1_000, "JPY", "JPY 1000", "JPY 1,000"),
        (1_005, "KWD", "KWD 1.005", "KWD 1.005"),
    ],
)
def test_money(amount: int, currency: str, zh: str, en: str) -> None:
    assert money(amount, currency) == (zh, en)


@pytest.mark.parametrize(
    ("count", "zh", "en"),
    [(1, "1 秒", "1 second"), (90, "90 秒", "90 seconds"), (60, "1 分钟", "1 minute"), (7_200, "2 小时", "2 hours"),
     (604_800, "7 天", "7 days"), (0, "0 秒", "0 seconds")],
)  # fmt: skip
def test_spans(count: int, zh: str, en: str) -> None:
    assert seconds(count) == (zh, en)
