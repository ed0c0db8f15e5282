"""The default program: RULES.md's numbers, as the document of program version 1. Amounts in fen."""

from typing import Any

_BIRTHDAY_COUPON = {
    "code": "birthday_coupon",
    "label": "生日优惠券",
    "coupon": {"template": "birthday", "on": "birthday"},
}
_PRIORITY = {"code": "priority_activities", "label": "活动优先参与"}
_SMALL_DISCOUNT = {"code": "discount", "label": "会员折扣 2%", "discount_percent": 2}
_LARGE_DISCOUNT = {"code": "discount", "label": "会员折扣 5%", "discount_percent": 5}
_FREE_SHIPPING = {"code": "free_shipping", "label": "包邮", "free_shipping": True}
_OWN_SERVICE = {"code": "own_service", "label": "专属客服"}
_NEW_FIRST = {"code": "new_products_first", "label": "新品优先购"}
_PERSONAL_SERVICE = {"code": "personal_service", "label": "私人顾问服务"}
_GIFTS = {"code": "gifts", "label": "会员礼品"}

DEFAULT_PROGRAM_DOCUMENT: dict[str, Any] = {
    "currency": "CNY",
    "timezone": "Asia/Shanghai",
    "earning": {
        "rate": "1",
        "unit_fen": 100,
        "unit_name": "yuan",
        "categories": {},
        "brands": {},
    },
    "growth": {"rate": "1"},
    "cash": {"policy": "single_order", "steps": [{"at_fen": 100_000, "reward_fen": 1_000}]},
    "sign_in": {
        "points": 10,
        "growth": 5,
        "ladder": [
            {"day": 7, "points": 20},
            {"day": 15, "points": 50},
            {"day": 30, "points": 100},
        ],
        "after_ladder": "restart",
    },
    "validity": {"policy": "anniversary", "years": 1},
    "paying": {
        "points": 100,
        "worth_fen": 100,
        "min_points": 100,
        "step_points": 100,
        "max_share_percent": 50,
        "tiers": {},
    },
    "reserve": {"default_seconds": 1_800, "max_seconds": 604_800},
    "settlement": {"days": 15},
    "refunds": {"grace_days": 0},
    "adjustments": {"approval_over_points": 10_000},
    "referral": {
        "inviter_points": 200,
        "invitee_points": 100,
        "min_order_fen": 5_000,
        "per_month": 20,
    },
    "tiers": {
        "ladder": [
            {
                "code": "bronze",
                "name": "青铜会员",
                "thresholds": {},
                "rate": "1",
                "requires_review": False,
                "benefits": [_BIRTHDAY_COUPON],
            },
            {
                "code": "silver",
                "name": "白银会员",
                "thresholds": {"spend": 30_000},
                "rate": "1",
                "requires_review": False,
                "benefits": [_BIRTHDAY_COUPON, _SMALL_DISCOUNT, _PRIORITY],
            },
            {
                "code": "gold",
                "name": "黄金会员",
                "thresholds": {"spend": 300_000},
                "rate": "1.2",
                "requires_review": False,
                "benefits": [_BIRTHDAY_COUPON, _SMALL_DISCOUNT, _PRIORITY, _FREE_SHIPPING, _OWN_SERVICE],
            },
            {
                "code": "platinum",
                "name": "铂金会员",
                "thresholds": {"spend": 1_000_000},
                "rate": "1.5",
                "requires_review": False,
                "benefits": [
                    _BIRTHDAY_COUPON,
                    _LARGE_DISCOUNT,
                    _PRIORITY,
                    _FREE_SHIPPING,
                    _OWN_SERVICE,
                    _NEW_FIRST,
                ],
            },
            {
                "code": "diamond",
                "name": "钻石会员",
                "thresholds": {"spend": 3_000_000},
                "rate": "2",
                "requires_review": True,
                "benefits": [
                    _BIRTHDAY_COUPON,
                    _LARGE_DISCOUNT,
                    _PRIORITY,
                    _FREE_SHIPPING,
                    _OWN_SERVICE,
                    _NEW_FIRST,
                    _PERSONAL_SERVICE,
                    _GIFTS,
                ],
            },
        ],
        "qualification": {"metrics": ["spend"], "combine": "any", "window": {"kind": "lifetime"}},
        "validity_months": None,
        "grace_days": 0,
        "warn_days": 0,
    },
    "activities": [
        {
            "kind": "review",
            "label": "商品评价",
            "label_en": "product review",
            "points": 20,
            "growth": 20,
            "per_day": 5,
            "levels": [
                {"level": "text", "points": 20},
                {"level": "pictures", "label": "带图评价", "label_en": "review with pictures", "points": 40},
            ],
        },
        {"kind": "share", "label": "分享", "label_en": "share", "points": 5, "per_day": 3},
        {"kind": "post", "label": "社区发帖", "label_en": "post", "points": 5, "per_day": 5},
        {"kind": "reply", "label": "社区回复", "label_en": "reply", "points": 2, "per_day": 10},
        {"kind": "topic", "label": "参与话题", "label_en": "topic", "points": 5},
        {"kind": "vote", "label": "参与投票", "label_en": "vote", "points": 2},
        {"kind": "quiz", "label": "知识问答", "label_en": "quiz", "points": 5},
        {"kind": "survey", "label": "问卷调查", "label_en": "survey", "points": 30, "per_day": 1},
        {"kind": "charity", "label": "公益活动", "label_en": "charity", "points": 10},
        {"kind": "suggestion", "label": "建议被采纳", "label_en": "adopted suggestion", "points": 200},
        {"kind": "profile", "label": "完善资料", "label_en": "profile completed", "points": 50, "once": True},
    ],
}
