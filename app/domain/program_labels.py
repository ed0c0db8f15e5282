"""The places of a program document by name, and their values in words: what the words of a difference are made of."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from app.domain.phrases import Phrase, days, growth, listed, money, months, points, seconds, times, years

Kind = Callable[[Any, str], Phrase]
"""A value in words, in a program of this currency."""


def _plain(value: Any, currency: str) -> Phrase:  # noqa: ANN401 - JSON
    """Any JSON value, as short as it can be told."""
    match value:
        case None:
            return Phrase("无", "none")
        case True | False:
            return Phrase("是", "yes") if value else Phrase("否", "no")
        case str():
            return _WORDS.get(value, Phrase(value, value))
        case [*things]:
            return listed([_plain(thing, currency) for thing in things]) if things else Phrase("无", "none")
        case dict():
            named = cast("dict[str, Any]", value)
            return listed(
                [
                    Phrase(f"{name} {told.zh}", f"{name} {told.en}")
                    for name, thing in named.items()
                    for told in (_plain(thing, currency),)
                ]
            )
        case _:
            return Phrase(str(value), f"{value:,}")


def _counted(words: Callable[[int], Phrase], value: Any, currency: str) -> Phrase:  # noqa: ANN401 - JSON
    """A number in these words, with its unit; what is null is told as such."""
    return words(value) if type(value) is int else _plain(value, currency)


def _money(value: Any, currency: str) -> Phrase:  # noqa: ANN401 - JSON
    return money(value, currency)


def _percent(value: Any, _currency: str) -> Phrase:  # noqa: ANN401 - JSON
    return Phrase(f"{value}%", f"{value}%")


def _named(value: Any, currency: str) -> Phrase:  # noqa: ANN401 - JSON
    """A whole thing by what it gives, else by its own name."""
    if isinstance(value, Mapping):
        thing = cast("Mapping[str, Any]", value)
        if "reward_fen" in thing:
            return money(thing["reward_fen"], currency)
        for given in ("points", "inviter_points"):
            if given in thing:
                return points(thing[given])
        for name in ("label", "name"):
            if name in thing:
                return Phrase(
                    thing[name], thing.get(f"{name}_en") or _spaced(str(thing.get("code") or thing[name]))
                )
    return _plain(value, currency)


def _parts(pattern: str, value: Any, currency: str) -> Phrase:  # noqa: ANN401 - JSON
    """A section that came or went whole: each of its members by its own name."""
    if not isinstance(value, Mapping):
        return _plain(value, currency)
    parts: list[Phrase] = []
    for name, part in cast("Mapping[str, Any]", value).items():
        zh, en, kind = _LEAVES.get(f"{pattern}.{name}", (name, _spaced(name), _plain))
        said = kind(part, currency)
        parts.append(Phrase(f"{zh} {said.zh}", f"{en} {said.en}"))
    return listed(parts)


_DAYS, _MONTHS, _YEARS, _TIMES = (partial(_counted, words) for words in (days, months, years, times))
_POINTS, _GROWTH, _SECONDS = (partial(_counted, words) for words in (points, growth, seconds))

_LEAVES: dict[str, tuple[str, str, Kind]] = {
    "currency": ("币种", "currency", _plain),
    "timezone": ("时区", "time zone", _plain),
    "earning.rate": ("每个计分单位的积分", "points for each unit spent", _plain),
    "earning.unit_fen": ("计分单位", "unit that earns", _money),
    "earning.unit_name": ("计分单位名称", "name of the unit", _plain),
    "earning.categories.*": ("每个计分单位的积分", "points for each unit spent", _plain),
    "earning.brands.*": ("每个计分单位的积分", "points for each unit spent", _plain),
    "growth.rate": ("每个计分单位的成长值", "growth for each unit spent", _plain),
    "cash.policy": ("返利方式", "cash back", _plain),
    "cash.steps": ("返利档位", "steps of cash back", _plain),
    "cash.steps.=": ("返利", "cash back", _named),
    "cash.steps.=.reward_fen": ("返利", "cash back", _money),
    "cash.every_fen": ("返利每满金额", "spend for each cash back", _money),
    "cash.reward_fen": ("返利金额", "cash back", _money),
    "sign_in.points": ("每日签到积分", "points of a sign-in", _POINTS),
    "sign_in.growth": ("每日签到成长值", "growth of a sign-in", _GROWTH),
    "sign_in.ladder.=.points": ("奖励", "extra", _POINTS),
    "sign_in.after_ladder": ("满一轮后", "after the last step of the streak", _plain),
    "validity.policy": ("有效期规则", "how long points last", _plain),
    "validity.years": ("有效期", "how long points last", _YEARS),
    "validity.months": ("有效期", "how long points last", _MONTHS),
    "paying.points": ("抵扣所需积分", "points that pay", _POINTS),
    "paying.worth_fen": ("抵扣金额", "what they pay", _money),
    "paying.min_points": ("最少使用积分", "fewest points at checkout", _POINTS),
    "paying.step_points": ("积分使用倍数", "points are used in multiples of", _POINTS),
    "paying.max_share_percent": ("最高抵扣比例", "most of an order that points pay", _percent),
    "paying.tiers.*": ("积分抵扣规则", "own terms of paying", partial(_parts, "paying.tiers.*")),
    "paying.tiers.*.worth_fen": ("抵扣金额", "what points pay", _money),
    "paying.tiers.*.max_share_percent": ("最高抵扣比例", "most of an order that points pay", _percent),
    "reserve.default_seconds": ("默认保留时间", "how long points are held", _SECONDS),
    "reserve.max_seconds": ("最长保留时间", "how long points are held at most", _SECONDS),
    "settlement.days": ("自动确认时间", "when pending points settle by themselves", _DAYS),
    "refunds.grace_days": ("退回积分的宽限", "grace of returned points", _DAYS),
    "adjustments.approval_over_points": ("须批准的调整", "corrections that need approval, above", _POINTS),
    "tiers.ladder": ("等级顺序", "order of the tiers", _plain),
    "tiers.ladder.=.name": ("名称", "name", _plain),
    "tiers.ladder.=.name_en": ("英文名称", "English name", _plain),
    "tiers.ladder.=.rate": ("积分倍数", "rate", _plain),
    "tiers.ladder.=.requires_review": ("人工审核", "needs a review", _plain),
    "tiers.ladder.=.thresholds.spend": ("消费额门槛", "spend needed", _money),
    "tiers.ladder.=.thresholds.orders": ("订单数门槛", "orders needed", _plain),
    "tiers.ladder.=.thresholds.points_earned": ("积分门槛", "points needed", _POINTS),
    "tiers.ladder.=.thresholds.growth": ("成长值门槛", "growth needed", _GROWTH),
    "tiers.ladder.=.benefits": ("权益顺序", "order of the benefits", _plain),
    "tiers.ladder.=.benefits.=.label": ("名称", "label", _plain),
    "tiers.ladder.=.benefits.=.discount_percent": ("折扣", "discount", _percent),
    "tiers.ladder.=.benefits.=.free_shipping": ("包邮", "free shipping", _plain),
    "tiers.ladder.=.benefits.=.coupon": (
        "优惠券",
        "coupon",
        partial(_parts, "tiers.ladder.=.benefits.=.coupon"),
    ),
    "tiers.ladder.=.benefits.=.coupon.template": ("优惠券", "coupon", _plain),
    "tiers.ladder.=.benefits.=.coupon.on": ("发券时机", "when the coupon comes", _plain),
    "tiers.ladder.=.benefits.=.coupon.count": ("发券张数", "coupons at once", _plain),
    "tiers.qualification.metrics": ("评级指标", "what counts for tiers", _plain),
    "tiers.qualification.combine": ("评级条件", "how thresholds combine", _plain),
    "tiers.qualification.window.kind": ("评级时间范围", "time that counts for tiers", _plain),
    "tiers.qualification.window.months": ("评级时间范围", "time that counts for tiers", _MONTHS),
    "tiers.validity_months": ("等级有效期", "how long a tier holds", _MONTHS),
    "tiers.grace_days": ("降级宽限", "grace before going down", _DAYS),
    "tiers.warn_days": ("降级提醒", "warning before going down", _DAYS),
    "activities": ("活动顺序", "order of the activities", _plain),
    "activities.=.label": ("名称", "label", _plain),
    "activities.=.label_en": ("英文名称", "English label", _plain),
    "activities.=.points": ("积分", "points", _POINTS),
    "activities.=.growth": ("成长值", "growth", _GROWTH),
    "activities.=.per_day": ("每天次数", "times a day", _TIMES),
    "activities.=.once": ("仅限一次", "only once", _plain),
    "activities.=.levels": ("质量档位", "levels", _plain),
    "activities.=.levels.=.label": ("名称", "label", _plain),
    "activities.=.levels.=.label_en": ("英文名称", "English label", _plain),
    "activities.=.levels.=.points": ("积分", "points", _POINTS),
    "activities.=.levels.=.growth": ("成长值", "growth", _GROWTH),
    "referral": ("邀请奖励", "rewards for inviting friends", partial(_parts, "referral")),
    "referral.inviter_points": ("邀请人积分", "points of the inviter", _POINTS),
    "referral.invitee_points": ("受邀好友积分", "points of the friend", _POINTS),
    "referral.min_order_fen": ("好友首单门槛", "first order of a friend that counts", _money),
    "referral.per_month": ("每月奖励邀请数", "invitations rewarded a month", _TIMES),
    "referral.ladder.=.inviter_points": ("邀请人积分", "points of the inviter", _POINTS),
    "referral.share": ("好友消费分成", "share of what friends spend", partial(_parts, "referral.share")),
    "referral.share.percent": ("好友消费分成", "share of what friends spend", _percent),
    "referral.share.days": ("好友消费分成时间", "time of the share", _DAYS),
    "missions": ("任务顺序", "order of the missions", _plain),
    "missions.=.name": ("名称", "name", _plain),
    "missions.=.name_en": ("英文名称", "English name", _plain),
    "missions.=.counts": ("统计内容", "what it counts", _plain),
    "missions.=.kind": ("统计活动", "activities it counts", _plain),
    "missions.=.at_least": ("目标", "goal", _plain),
    "missions.=.period": ("周期", "period", _plain),
    "missions.=.period.days_after_joining": ("入会后天数", "days after joining", _DAYS),
    "missions.=.reward": ("奖励", "reward", partial(_parts, "missions.=.reward")),
    "missions.=.reward.points": ("奖励积分", "points", _POINTS),
    "missions.=.reward.growth": ("奖励成长值", "growth", _GROWTH),
    "missions.=.reward.chances": ("奖励抽奖机会", "lottery chances", _plain),
    "missions.=.reward.coupon": ("奖励优惠券", "coupon", _plain),
    "missions.=.badge": ("徽章", "badge", _plain),
}
"""What a place is called in both languages, and what it holds; `=` is a thing with a name, `*` a name of the shop's."""

_WORDS = {
    "none": Phrase("无", "none"),
    "single_order": Phrase("按单笔", "by single order"),
    "cumulative": Phrase("按累计", "by lifetime spend"),
    "restart": Phrase("重新开始", "starts again"),
    "stay": Phrase("停在最后一档", "stays on the last step"),
    "anniversary": Phrase("满周年", "to the anniversary"),
    "calendar_year_end": Phrase("年底", "to the end of a year"),
    "months": Phrase("按月", "by months"),
    "inactivity": Phrase("不活动失效", "while active"),
    "yearly_tenth": Phrase("每年十分之一", "a tenth expires yearly"),
    "never": Phrase("长期有效", "for good"),
    "any": Phrase("满足任一", "any of them"),
    "all": Phrase("全部满足", "all of them"),
    "lifetime": Phrase("累计", "lifetime"),
    "rolling_months": Phrase("滚动月份", "rolling months"),
    "calendar_year": Phrase("自然年", "calendar year"),
    "spend": Phrase("消费额", "spend"),
    "orders": Phrase("订单数", "orders"),
    "points_earned": Phrase("获得积分", "points earned"),
    "growth": Phrase("成长值", "growth"),
    "entry": Phrase("升级时", "on reaching the tier"),
    "month": Phrase("每月", "each month"),
    "birthday": Phrase("生日当月", "in the month of the birthday"),
}

_SHOP_NAMED = {"earning.categories": Phrase("品类", "category"), "earning.brands": Phrase("品牌", "brand")}


def label_of(names: Sequence[str], document: Mapping[str, Any]) -> Phrase:
    """What the place is called: "黄金会员的积分倍数", "rate of Gold"."""
    owners = [owner for end in range(len(names)) if (owner := _owner(names[: end + 1], document)) is not None]
    known = _LEAVES.get(_pattern(names))
    if known is not None:
        leaf = Phrase(known[0], known[1])
    elif _owner(names, document) is not None:
        leaf = owners.pop()
    else:
        leaf = Phrase(names[-1], _spaced(names[-1]))
    if not owners:
        return leaf
    return Phrase(
        f"{''.join(owner.zh for owner in owners)}的{leaf.zh}",
        f"{leaf.en} of {' of '.join(owner.en for owner in reversed(owners))}",
    )


def value_of(names: Sequence[str], value: Any, document: Mapping[str, Any]) -> Phrase:  # noqa: ANN401 - JSON
    """The value of the place in words."""
    leaf = _LEAVES.get(_pattern(names))
    kind = leaf[2] if leaf is not None else _named
    return kind(value, str(document["currency"]))


def _owner(names: Sequence[str], document: Mapping[str, Any]) -> Phrase | None:
    """Whose the rest of a place is, if its last step leads to a thing of its own."""
    *way, step = names
    if way == ["paying", "tiers"]:
        return _tier(step, document)
    if ".".join(way) in _SHOP_NAMED:
        word = _SHOP_NAMED[".".join(way)]
        return Phrase(f"{word.zh}「{step}」", f"{word.en} “{step}”")
    return _thing(way, step[1:], document) if step.startswith("=") else None


def _thing(way: Sequence[str], name: str, document: Mapping[str, Any]) -> Phrase:
    """A thing of a list, by its name there."""
    match way:
        case ["tiers", "ladder"]:
            told = _tier(name, document)
        case ["cash", "steps"]:
            at = money(int(name), str(document["currency"]))
            told = Phrase(f"单笔满 {at.zh}", f"an order of {at.en}")
        case ["sign_in", "ladder"]:
            told = Phrase(f"连续签到第 {name} 天", f"day {name} of a streak")
        case ["referral", "ladder"]:
            told = Phrase(f"第 {name} 位好友起", f"friends from number {name} on")
        case _:
            word = _THINGS[way[-1]]
            told = Phrase(f"{word.zh}「{name}」", f"{word.en} “{_spaced(name)}”")
    return told


_THINGS = {
    "benefits": Phrase("权益", "benefit"),
    "activities": Phrase("活动", "activity"),
    "levels": Phrase("档位", "level"),
    "missions": Phrase("任务", "mission"),
}


def _tier(code: str, document: Mapping[str, Any]) -> Phrase:
    for tier in document["tiers"]["ladder"]:
        if tier["code"] == code:
            return Phrase(tier["name"], tier.get("name_en") or _spaced(code).capitalize())
    return Phrase(code, _spaced(code).capitalize())


def _pattern(names: Sequence[str]) -> str:
    steps = list(names)
    if len(steps) > 2 and (".".join(steps[:2]) in _SHOP_NAMED or steps[:2] == ["paying", "tiers"]):
        steps[2] = "*"
    return ".".join("=" if step.startswith("=") else step for step in steps)


def _spaced(name: str) -> str:
    return name.replace("_", " ")
