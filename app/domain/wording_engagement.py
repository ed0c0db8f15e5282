"""Activities, invitations and missions in words: what members are given for besides buying."""

from collections.abc import Iterator

from app.domain.activity_terms import ActivityKind
from app.domain.mission_terms import Counts, Mission, MissionPeriod, MissionReward
from app.domain.phrases import Phrase, days, growth, listed, money, points, times
from app.domain.terms import Terms

_COUNTED: dict[Counts, Phrase] = {
    "orders": Phrase("完成 {} 笔订单", "complete {} orders"),
    "amount": Phrase("消费满 {}", "spend {}"),
    "sign_ins": Phrase("签到 {} 次", "sign in {} times"),
    "activities": Phrase("参与活动 {} 次", "take part {} times"),
    "referrals": Phrase("成功邀请 {} 位好友", "invite {} friends who order"),
}


def activities(terms: Terms) -> Iterator[Phrase]:
    """What each kind of activity gives, and how often."""
    for kind in terms.activities.values():
        label = activity_label(kind)
        worth = _worth(kind.points, kind.growth)
        limits: list[Phrase] = []
        if kind.per_day is not None:
            most = times(kind.per_day)
            limits.append(
                Phrase(
                    f"每天最多 {most.zh}", f"at most {most.en} a day" if kind.per_day > 1 else "once a day"
                )
            )
        if kind.is_once:
            limits.append(Phrase("仅限一次", "once"))
        limit = listed(limits, zh="，")
        levels = listed(
            [
                Phrase(f"{level.label} {own.zh}", f"{level.label_en or level.level} {own.en}")
                for level in kind.levels.values()
                if (level.label, level.points, level.growth) != (kind.label, kind.points, kind.growth)
                for own in (_worth(level.points, level.growth),)
            ],
            zh="，",
        )
        yield Phrase(
            f"{label.zh}：{worth.zh}{_if_any('；', levels.zh)}{_if_any('（', limit.zh, '）')}。",
            f"{label.en}: {worth.en}{_if_any('; ', levels.en)}{_if_any(' (', limit.en, ')')}.",
        )
    if terms.activities:
        yield Phrase(
            "同一内容只奖励一次；内容被删除时收回奖励。",
            "The same thing is rewarded once, and the reward is taken back when the content is removed.",
        )


def referral(terms: Terms) -> Iterator[Phrase]:
    """What bringing a member is worth."""
    own = terms.referral
    if own is None:
        return
    least = money(own.min_order_fen, terms.currency)
    inviter, invitee = points(own.inviter_points), points(own.invitee_points)
    yield Phrase(
        f"好友首笔满 {least.zh}的订单完成后，邀请人得 {inviter.zh}，好友得 {invitee.zh}；仅注册不奖励。",
        f"When a friend's first order of at least {least.en} is settled, the inviter gets {inviter.en} and the friend "
        f"{invitee.en}; joining alone gives nothing.",
    )
    for step in own.ladder:
        more = points(step.inviter_points)
        yield Phrase(
            f"从第 {step.at} 位好友起，邀请人每位得 {more.zh}。",
            f"From the inviter's friend number {step.at:,} on, each is worth {more.en}.",
        )
    if own.share is not None:
        span = days(own.share.days)
        yield Phrase(
            f"另按好友 {span.zh}内消费额的 {own.share.percent}% 奖励邀请人积分。",
            f"The inviter also gets {own.share.percent}% of what the friend spends within {span.en}, in points.",
        )
    yield Phrase(
        f"每月最多奖励 {own.per_month} 次邀请；退款后订单不足 {least.zh}时收回奖励。",
        f"At most {own.per_month:,} invitations a month are rewarded; a refund that leaves less than {least.en} of the "
        "order takes it back.",
    )


def missions(terms: Terms) -> Iterator[Phrase]:
    """What each mission asks and gives."""
    for mission in terms.missions:
        asked, within = _asked(mission, terms), _within(mission.period)
        given = [_reward(mission.reward)] if mission.reward != MissionReward() else []
        if mission.badge is not None:
            given.append(Phrase(f"徽章「{mission.badge}」", f"the badge “{mission.badge}”"))
        got = listed(given, zh="和", en=" and ")
        yield Phrase(
            f"{mission.name}：{within.zh}{asked.zh}，得 {got.zh}。",
            f"{mission.name_en or mission.mission}: {asked.en} {within.en} and get {got.en}.",
        )
    if terms.missions:
        yield Phrase(
            "因退款等不再达成的任务，收回其奖励；再次达成时重新发放。",
            "What a mission gave is taken back when a refund undoes it, and given again when it is completed again.",
        )


def activity_label(kind: ActivityKind) -> Phrase:
    told = kind.label_en or kind.kind.replace("_", " ")
    return Phrase(kind.label, told[:1].upper() + told[1:])


def _asked(mission: Mission, terms: Terms) -> Phrase:
    if mission.activity is not None:
        label = activity_label(terms.activities[mission.activity])
        return Phrase(
            f"完成「{label.zh}」{mission.at_least} 次", f"do “{label.en}” {times(mission.at_least).en}"
        )
    amount = money(mission.at_least, terms.currency) if mission.counts == "amount" else None
    zh, en = amount or (str(mission.at_least), f"{mission.at_least:,}")
    counted = _COUNTED[mission.counts]
    return Phrase(counted.zh.format(zh), counted.en.format(en))


def _within(period: MissionPeriod) -> Phrase:
    span = days(period.days)
    return {
        "ever": Phrase("累计", "in all"),
        "day": Phrase("一天内", "within a day"),
        "week": Phrase("一周内", "within a week"),
        "month": Phrase("一个月内", "within a month"),
        "joining": Phrase(f"入会后 {span.zh}内", f"within {span.en} of joining"),
    }[period.kind]


def _reward(reward: MissionReward) -> Phrase:
    told: list[Phrase] = []
    if reward.points:
        told.append(points(reward.points))
    if reward.growth:
        told.append(growth(reward.growth))
    if reward.chances:
        told.append(Phrase(f"{reward.chances} 次抽奖机会", f"lottery chances: {reward.chances:,}"))
    if reward.coupon is not None:
        told.append(Phrase("一张优惠券", "a coupon"))
    return listed(told)


def _worth(count: int, growing: int) -> Phrase:
    told = points(count)
    if not growing:
        return told
    more = growth(growing)
    return Phrase(f"{told.zh}、{more.zh}", f"{told.en} and {more.en}")


def _if_any(before: str, told: str, after: str = "") -> str:
    return f"{before}{told}{after}" if told else ""
