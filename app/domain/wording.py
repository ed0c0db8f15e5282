"""The rules in words, Chinese and English, for members to read (RULES.md: Transparency).

Each section is a title and sentences; a sentence that says nothing under these terms is left out.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from app.domain.phrases import Phrase, days, growth, listed, money, months, points, seconds, years
from app.domain.ratio import Ratio
from app.domain.terms import Benefit, Metric, Terms, Tier
from app.domain.wording_engagement import activities, missions, referral

Lines = Iterator[Phrase]

METRICS: dict[Metric, Phrase] = {
    "spend": Phrase("消费额", "spend"),
    "orders": Phrase("订单数", "orders"),
    "points_earned": Phrase("累计获得积分", "points earned"),
    "growth": Phrase("成长值", "growth"),
}


class TextSection(NamedTuple):
    """A part of the rules in one language."""

    title: str
    lines: tuple[str, ...]


class Text(NamedTuple):
    """The rules in both languages, section by section alike."""

    zh: tuple[TextSection, ...]
    en: tuple[TextSection, ...]


def text_of(terms: Terms) -> Text:
    """All rules of these terms in words."""
    told = [(title, tuple(lines(terms))) for title, lines in _SECTIONS]
    return Text(
        *(
            tuple(
                TextSection(title[language], tuple(line[language] for line in lines))
                for title, lines in told
                if lines
            )
            for language in (0, 1)
        )
    )


def tier_name(tier: Tier) -> Phrase:
    return Phrase(tier.name, tier.name_en or tier.code.replace("_", " ").capitalize())


def _earning(terms: Terms) -> Lines:
    earning, unit = terms.earning, money(terms.earning.unit_fen, terms.currency)
    rate = _points_at(earning.rate)
    yield Phrase(f"每消费 {unit.zh}得 {rate.zh}。", f"Every {unit.en} spent earns {rate.en}.")
    yield Phrase(
        "按实付的商品金额计算（优惠券、折扣和积分抵扣之后，不含运费），每笔订单只在最后取整一次，不足 1 分不计。",
        "What counts is what was paid for goods, after discounts and points and without shipping; each order is "
        "rounded down once, at the end.",
    )
    for zh, en, rates in (("品类", "Category", earning.categories), ("品牌", "Brand", earning.brands)):
        for name, own in rates.items():
            worth = _points_at(own)
            yield Phrase(
                f"{zh}「{name}」：每消费 {unit.zh}得 {worth.zh}。",
                f"{en} “{name}”: every {unit.en} spent earns {worth.en}.",
            )
    faster = [tier for tier in terms.tiers.ladder if tier.rate != Ratio(1, 1)]
    if faster:
        rates = listed(
            [Phrase(f"{_name(tier).zh} ×{tier.rate}", f"{_name(tier).en} ×{tier.rate}") for tier in faster]
        )
        yield Phrase(
            f"会员等级倍数：{rates.zh}；升级当单仍按原等级计算。",
            f"Tiers multiply this: {rates.en}. The order that wins a tier still earns at the tier before it.",
        )
    if terms.growth.rate.numerator:
        yield Phrase(
            f"每消费 {unit.zh}另得 {terms.growth.rate} 成长值；成长值不会过期，也不能消费。",
            f"Every {unit.en} spent also gives {terms.growth.rate} growth, which never expires and is never spent.",
        )
    yield from _cash(terms)


def _cash(terms: Terms) -> Lines:
    cash, currency = terms.cash, terms.currency
    for step in cash.steps:
        at, reward = money(step.at_fen, currency), money(step.reward_fen, currency)
        yield Phrase(
            f"单笔订单满 {at.zh}返利 {reward.zh}。",
            f"A single order of {at.en} or more returns {reward.en} cash.",
        )
    if len(cash.steps) > 1:
        yield Phrase("多档返利只取达到的最高一档。", "Of several steps the highest one reached counts.")
    if cash.policy == "cumulative":
        every, reward = money(cash.every_fen, currency), money(cash.reward_fen, currency)
        yield Phrase(
            f"累计消费每满 {every.zh}返利 {reward.zh}。",
            f"Every {every.en} of lifetime spend returns {reward.en} cash.",
        )


def _sign_in(terms: Terms) -> Lines:
    sign_in = terms.sign_in
    daily = [points(sign_in.points)] if sign_in.points else []
    if sign_in.growth:
        daily.append(growth(sign_in.growth))
    if not daily and not sign_in.ladder:
        return
    worth = listed(daily, zh="和 ", en=" and ") if daily else points(0)
    yield Phrase(f"每天签到一次，得 {worth.zh}。", f"Signing in, once a day, gives {worth.en}.")
    if not sign_in.ladder:
        return
    extras = listed(
        [Phrase(f"第 {day} 天 +{extra}", f"day {day} +{extra:,}") for day, extra in sign_in.ladder]
    )
    yield Phrase(f"连续签到另有奖励积分：{extras.zh}。", f"A streak gives extra points: {extras.en}.")
    yield (
        Phrase(
            "满一轮后重新计算；漏签一天从第 1 天开始。",
            "After the last step the ladder starts again; a missed day starts at 1.",
        )
        if sign_in.after_ladder == "restart"
        else Phrase(
            "之后每天都得最后一档奖励；漏签一天从第 1 天开始。",
            "After the last step every day gives that extra; a missed day starts at 1.",
        )
    )


def _validity(terms: Terms) -> Lines:
    validity = terms.validity
    match validity.policy:
        case "anniversary":
            span = years(validity.years)
            yield Phrase(
                f"积分自获得之日起 {span.zh}内有效，可用到满期当天结束（2 月 29 日获得的到 2 月 28 日）。",
                f"Points are valid for {span.en} from the day they were earned, through the anniversary "
                "(29 February: 28 February).",
            )
        case "calendar_year_end":
            yield (
                Phrase(
                    "积分有效期到获得当年的年底。",
                    "Points are valid until the end of the year they were earned in.",
                )
                if not validity.years
                else Phrase(
                    f"积分有效期到获得之年后第 {validity.years} 年的年底。",
                    f"Points are valid until the end of the {_ordinal(validity.years)} year after they were earned.",
                )
            )
        case "months":
            span = months(validity.months)
            yield Phrase(
                f"积分自获得之日起 {span.zh}内有效，可用到满期当天结束。",
                f"Points are valid for {span.en} from the day they were earned, through the last day.",
            )
        case "inactivity":
            span = months(validity.months)
            yield Phrase(
                f"连续 {span.zh}没有活动，积分失效；每次活动都会延长有效期。",
                f"Points expire after {span.en} without activity; every activity keeps them alive.",
            )
        case "yearly_tenth":
            yield Phrase(
                "每年年底失效积分的十分之一。", "A tenth of the points expires at the end of each year."
            )
        case _:  # never
            yield Phrase("积分长期有效。", "Points never expire.")
    yield Phrase("使用时先用最早到期的积分。", "Points that expire first are spent first.")


def _paying(terms: Terms) -> Lines:
    paying, currency = terms.paying, terms.currency
    worth = money(paying.worth_fen, currency)
    yield Phrase(f"{paying.points} 积分抵 {worth.zh}。", f"{points(paying.points).en} pay {worth.en}.")
    least, step = points(paying.min_points), points(paying.step_points)
    yield Phrase(
        f"结账时至少使用 {least.zh}，按 {step.zh}的整数倍使用，最多抵订单金额的 {paying.max_share_percent}%。",
        f"At checkout: at least {least.en}, in multiples of {paying.step_points:,}, for at most "
        f"{paying.max_share_percent}% of the order.",
    )
    for tier in terms.tiers.ladder:
        own = paying.tiers.get(tier.code)
        if own is None:
            continue
        told: list[Phrase] = []
        if own.worth_fen is not None:
            value = money(own.worth_fen, currency)
            told.append(
                Phrase(f"{paying.points} 积分抵 {value.zh}", f"{points(paying.points).en} pay {value.en}")
            )
        if own.max_share_percent is not None:
            share = own.max_share_percent
            told.append(Phrase(f"最多抵 {share}%", f"for at most {share}% of the order"))
        if told:
            said, name = listed(told, zh="，"), _name(tier)
            yield Phrase(f"{name.zh}：{said.zh}。", f"{name.en}: {said.en}.")


def _tiers(terms: Terms) -> Lines:
    qualification, tiers = terms.tiers.qualification, terms.tiers
    window = {
        "lifetime": Phrase("累计", "over a lifetime"),
        "rolling_months": Phrase(
            f"最近 {months(qualification.window_months).zh}",
            f"within {months(qualification.window_months).en}",
        ),
        "calendar_year": Phrase("自然年内", "within the calendar year"),
    }[qualification.window]
    for tier in tiers.ladder:
        name, gains = _name(tier), [_benefit(benefit) for benefit in tier.benefits]
        held = listed(gains, zh="；", en="; ")
        has_zh, has_en = (f"，享有{held.zh}", f": {held.en}") if gains else ("", "")
        if not tier.rank:
            yield Phrase(f"{name.zh}：注册即得{has_zh}。", f"{name.en}, on joining{has_en}.")
            continue
        asked = [
            Phrase(
                f"{window.zh}{METRICS[metric].zh}满 {_threshold(metric, value, terms).zh}",
                f"{METRICS[metric].en} of {_threshold(metric, value, terms).en}",
            )
            for metric, value in tier.thresholds.items()
        ]
        either = qualification.combine == "any"
        needs = listed(asked, zh="或" if either else "且", en=" or " if either else " and ")
        review_zh, review_en = (
            ("，经人工审核", ", after a person's review") if tier.requires_review else ("", "")
        )
        yield Phrase(
            f"{name.zh}：{needs.zh}{review_zh}{has_zh}。",
            f"{name.en}, from {needs.en} {window.en}{review_en}{has_en}.",
        )
    yield Phrase(
        "达到条件当时即升级，可连升多级。", "Who reaches a tier has it at once, over several steps if earned."
    )
    if tiers.validity_months is None:
        yield Phrase("等级长期有效。", "A tier, once won, is kept.")
        return
    span, grace = months(tiers.validity_months), days(tiers.grace_days)
    yield Phrase(
        f"等级有效期 {span.zh}；到期未达条件{f'，宽限 {grace.zh}后' if tiers.grace_days else '，'}降一级。",
        f"A tier holds for {span.en}; who no longer reaches it then goes down one step"
        + (f" after {grace.en} of grace." if tiers.grace_days else "."),
    )
    if tiers.warn_days:
        ahead = days(tiers.warn_days)
        yield Phrase(f"到期前 {ahead.zh}提醒。", f"Who would go down is told {ahead.en} before.")


def _refunds(terms: Terms) -> Lines:
    yield Phrase(
        "退款时按退款部分收回所得积分、成长值和返利，并重新评定等级；已用掉的积分记为欠分，以后获得的积分先抵欠分。",
        "A refund takes back what the refunded part earned and re-evaluates the tier; points already spent become a "
        "debt that later points pay first.",
    )
    yield Phrase(
        "退回积分抵扣时，积分回到原来的批次和原有效期。",
        "Points that paid for a refunded order return to where they came from, with their own expiry.",
    )
    if terms.refund_grace_days:
        grace = days(terms.refund_grace_days)
        yield Phrase(
            f"其间已过期的，可再用 {grace.zh}。",
            f"Those that expired meanwhile can be used for {grace.en} more.",
        )


def _settlement(terms: Terms) -> Lines:
    span = days(terms.settlement_days)
    yield Phrase(
        f"待确认的积分在确认收货后可用，最迟 {span.zh}后自动确认。",
        f"Pending points become available once the order is settled, after {span.en} at the latest.",
    )
    default, most = seconds(terms.reserve.default_seconds), seconds(terms.reserve.max_seconds)
    yield Phrase(
        f"结账时积分默认保留 {default.zh}，最长 {most.zh}。",
        f"Points held for a checkout are held for {default.en} unless said otherwise, at most {most.en}.",
    )
    large = points(terms.approval_over_points)
    yield Phrase(
        f"超过 {large.zh}的人工调整须经另一人批准。",
        f"Corrections by hand of more than {large.en} need a second person's approval.",
    )
    zone = terms.timezone.key
    yield Phrase(f"所有日期按 {zone} 时间计算。", f"Days are those of the time zone {zone}.")


def _points_at(rate: Ratio) -> Phrase:
    return Phrase(f"{rate} 积分", f"{rate} point" if rate == Ratio(1, 1) else f"{rate} points")


def _threshold(metric: Metric, value: int, terms: Terms) -> Phrase:
    match metric:
        case "spend":
            return money(value, terms.currency)
        case "orders":
            return Phrase(f"{value} 笔", f"{value:,}")
        case _:
            return Phrase(str(value), f"{value:,}")


_name = tier_name

_OCCASIONS = {
    "entry": Phrase("升级时", "on reaching the tier"),
    "month": Phrase("每月", "each month"),
    "birthday": Phrase("生日当月", "in the month of the birthday"),
}


def _benefit(benefit: Benefit) -> Phrase:
    """A benefit by its label; what the rules act on is said in English too where the document has no word for it."""
    own = benefit.terms.get("label_en")
    if isinstance(own, str):
        return Phrase(benefit.label, own)
    if benefit.discount_percent is not None:
        return Phrase(benefit.label, f"{benefit.discount_percent}% off")
    if benefit.coupon is not None:
        occasion = _OCCASIONS[benefit.coupon.on]
        count = f"{benefit.coupon.count} coupons" if benefit.coupon.count > 1 else "a coupon"
        pieces = f"{benefit.coupon.count} 张" if benefit.coupon.count > 1 else ""
        return Phrase(f"{occasion.zh}送{benefit.label}{pieces}", f"{count} {occasion.en}")
    return Phrase(benefit.label, benefit.code.replace("_", " "))


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


_SECTIONS: tuple[tuple[Phrase, Callable[[Terms], Lines]], ...] = (
    (Phrase("消费积分", "Earning points"), _earning),
    (Phrase("签到", "Signing in"), _sign_in),
    (Phrase("活动", "Activities"), activities),
    (Phrase("邀请好友", "Inviting friends"), referral),
    (Phrase("任务", "Missions"), missions),
    (Phrase("积分有效期", "How long points last"), _validity),
    (Phrase("积分抵扣", "Paying with points"), _paying),
    (Phrase("会员等级", "Tiers"), _tiers),
    (Phrase("退款", "Refunds"), _refunds),
    (Phrase("到账与其他", "Settlement and limits"), _settlement),
)
