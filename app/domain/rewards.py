"""What is granted outside an order: its points in one lot, growth, chances, coupons, and what campaigns add to it.

Sign-ins, activities, referrals, missions and the occasions of campaigns all go through here, so that a grant is
explained, limited and taken back in one way.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from app.domain.account import Account, Code, Counter, Coupon, Lot, Tally
from app.domain.boosts import Boost, Weighted, boosted_points, boosts_of
from app.domain.campaign_choice import applying, limit, stacked
from app.domain.campaign_facts import CampaignFacts
from app.domain.campaigns import Campaign, Facts, Trigger
from app.domain.command import Command
from app.domain.compact import compact
from app.domain.coupon_issuing import Handed, hand_out, shown
from app.domain.earning import Part
from app.domain.expiry import expires_at
from app.domain.grants import granted
from app.domain.posting import Change, Context, Member, post
from app.domain.prizes import Prizes, give_prizes
from app.domain.standing import restand

_WHOLE = Fraction(1)


class Given(NamedTuple):
    """A grant as decided: the account with it, its lot if it has points or growth, what the entry tells, and the rows
    that come along. The caller evaluates the tier and posts the entry.

    `detail` has points, breakdown, growth (if any), and what is told of chances, coupons and debt.
    """

    account: Account
    lots: tuple[Lot, ...]
    points: int
    growth: int
    detail: dict[str, Any]
    coupons: tuple[Coupon, ...] = ()
    codes: tuple[Code, ...] = ()
    counters: tuple[Counter, ...] = ()
    tallies: tuple[Tally, ...] = ()
    draws: Mapping[str, int] = {}

    @property
    def lot(self) -> int | None:
        """The number of its lot, for the entry."""
        return self.lots[0].lot if self.lots else None

    def rows(self) -> dict[str, Any]:
        """What the caller's Change takes over as it is."""
        return {
            "lots": self.lots,
            "coupons": self.coupons,
            "codes": self.codes,
            "counters": self.counters,
            "tallies": self.tallies,
            "draws": self.draws,
        }


class _Boosted(NamedTuple):
    boosts: tuple[Boost, ...] = ()
    paid: tuple[int, ...] = ()
    tallies: tuple[Tally, ...] = ()
    draws: Mapping[str, int] = {}


def give(
    member: Member,
    account: Account,
    context: Context,
    *,
    source: str,
    parts: Sequence[tuple[str, str, int]] = (),
    growth: int = 0,
    chances: int = 0,
    coupons: Iterable[str] = (),
    trigger: Trigger | None = None,
    event: Facts | None = None,
    campaigns: Sequence[Campaign] | None = None,
) -> Given:
    """Grant `parts` (rule, label, points), growth, lottery chances and a coupon of each template named, with what the
    campaigns of `trigger` add, whose conditions are told `event` besides. `campaigns` names them where they are chosen.

    `account` is as a decision under way has it already. A coupon that can't be given is told, not raised.
    Raises NeedsMore.
    """
    base = sum(points for _, _, points in parts)
    if campaigns is None:
        campaigns = _applying(member, account, context, trigger, event or {})
    boosted = _boosted(member, campaigns, base, context) if campaigns else _Boosted()
    added = sum(boost.amount for boost in boosted.boosts if boost.kind == "add_growth")
    breakdown: list[Part] = [part for part in parts if part[2]]
    for boost, points in zip(boosted.boosts, boosted.paid, strict=True):
        if points:
            breakdown.append((boost.campaign, boost.version, points, boost.label))
    points = base + sum(boosted.paid)
    detail: dict[str, Any] = {"points": points, "breakdown": tuple(breakdown)}
    if growth + added:
        detail["growth"] = growth + added
    after = account._replace(
        growth=account.growth + growth + added,
        earned=account.earned + points,
        chances=account.chances + chances,
    )
    lots: tuple[Lot, ...] = ()
    if points or growth + added:  # growth has a lot too: tiers may count it within a window
        after, arrival = granted(
            after,
            points,
            context,
            source=source,
            accrued_at=context.now,
            expires_at=expires_at(context.now, context.program) if points else None,
        )
        terms = compact({"growth": growth + added}) if growth + added else None
        lots = (arrival.lot._replace(terms=terms),)
        detail["debt_paid"] = arrival.debt_paid
    prizes = give_prizes(member, after, boosted.boosts, context)
    if chances:
        detail["chances"] = chances
    return _with_prizes(
        Given(after, lots, points, growth + added, detail, tallies=boosted.tallies, draws=boosted.draws),
        prizes,
        hand_out(
            member,
            Handed(prizes.account, prizes.coupons, prizes.codes, prizes.counters),
            coupons,
            context,
            source=source,
        ),
    )


def post_grant(
    member: Member,
    given: Given,
    command: Command,
    context: Context,
    *,
    detail: dict[str, Any],
    key: str | None = None,
) -> Change:
    """The change of a command that granted this: the tier evaluated, and one entry of the command's kind, which tells
    `detail`; under `key` if that is not the command's own.
    """
    restanding = restand(member, given.account, context, changed=given.lots)
    if restanding.detail:
        detail = {**detail, "tier_change": restanding.detail}
    after, entry = post(
        member.account,
        restanding.account,
        kind=command.kind,
        key=key or command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        lot=given.lot,
    )
    return Change(account=after, entry=entry, detail=detail, reviews=restanding.reviews, **given.rows())


def _with_prizes(given: Given, prizes: Prizes, handed: Handed) -> Given:
    detail = {**given.detail, **prizes.detail}
    if "chances" in given.detail:
        detail["chances"] = given.detail["chances"] + prizes.detail.get("chances", 0)
    if handed.coupons:
        detail["coupons"] = [shown(coupon) for coupon in handed.coupons]
    if handed.refused:
        detail["refused"] = [*prizes.detail.get("refused", ()), *handed.refused]
    return given._replace(
        account=handed.account,
        detail=detail,
        coupons=handed.coupons,
        codes=handed.codes,
        counters=handed.counters,
        tallies=(*given.tallies, *prizes.tallies),
    )


def _applying(
    member: Member, account: Account, context: Context, trigger: Trigger | None, event: Facts
) -> Sequence[Campaign]:
    if trigger is None:
        return ()
    return applying(
        trigger,
        account,
        context.campaigns,
        lambda: CampaignFacts(member, account, context, event=event),
    )


def _boosted(member: Member, campaigns: Sequence[Campaign], base: int, context: Context) -> _Boosted:
    """What the campaigns that apply add to `base` points, within their budgets."""
    spent: frozenset[str] = frozenset()
    whole = Weighted(Fraction(base), "", None, None)
    while True:
        chosen = stacked([campaign for campaign in campaigns if campaign.campaign not in spent])
        boosts = tuple(boost for campaign in chosen for boost in boosts_of(campaign))
        paid = boosted_points(boosts, [whole], share=_WHOLE)
        wanted: dict[str, int] = {}
        for boost, points in zip(boosts, paid, strict=True):
            wanted[boost.campaign] = wanted.get(boost.campaign, 0) + points
        limited = limit(chosen, wanted, member, context)
        if limited.spent:
            spent |= limited.spent
            continue
        left = dict(limited.points)
        allowed: list[int] = []
        for boost, points in zip(boosts, paid, strict=True):
            allowed.append(min(points, left[boost.campaign]))
            left[boost.campaign] -= allowed[-1]
        tallies = tuple(
            Tally(
                campaign.campaign,
                times=1,
                points=limited.points[campaign.campaign],
                growth=sum(effect.amount for effect in campaign.effects if effect.kind == "add_growth"),
            )
            for campaign in chosen
        )
        return _Boosted(boosts, tuple(allowed), tallies, limited.draws)
