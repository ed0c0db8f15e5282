"""Campaigns: what they say. What a grant earns under them is decided in `boosts.py` and `rewards.py`.

Source: RULES.md, Campaigns; the fields on the wire are API.md's, with those that are ours. Amounts in the minor unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5
from typing import Any, Literal, NamedTuple, get_args

from app.domain.ratio import Ratio

Trigger = Literal[
    "order",
    "sign_in",
    "activity",
    "enrolment",
    "referral",
    "tier_change",
    "birthday",
    "schedule",
    "holiday",
    "dormancy",
    "balance",
    "campaign_end",
]
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)
EARNING_TRIGGERS: frozenset[Trigger] = frozenset({"order", "sign_in", "activity", "referral"})
"""Where something else earns points already, which a campaign may multiply or add to. The others pay by themselves,
once for each occasion."""
ONE_OCCASION: frozenset[Trigger] = frozenset({"enrolment", "tier_change", "birthday"})
"""Where all campaigns that are open are asked on the same occasion. The others that pay by themselves come each at
their own time."""
STACKING_TRIGGERS = EARNING_TRIGGERS | ONE_OCCASION
"""Where one campaign may stand before another."""

EffectKind = Literal[
    "multiply_points",
    "add_points",
    "add_growth",
    "add_chances",
    "issue_coupon",
    "gift",
    "discount",
    "free_shipping",
]
AT_THE_TILL: frozenset[EffectKind] = frozenset({"gift", "discount", "free_shipping"})
"""What a campaign of orders does when a cart is priced; the rest it does when the order is recorded."""

State = Literal["draft", "live", "paused", "ended"]


class Lines(NamedTuple):
    """Which lines of an order an effect is for: named by any of the three, or all if none is named."""

    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()

    def has(self, sku: str, category: str | None, brand: str | None) -> bool:
        if not (self.skus or self.categories or self.brands):
            return True
        return sku in self.skus or category in self.categories or brand in self.brands


ALL_LINES = Lines()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing a campaign does; which fields say something depends on the kind."""

    kind: EffectKind
    factor: Ratio | None = None  # multiply_points: above 1
    amount: int = 0  # add_points, add_growth, add_chances: how many
    template: str | None = None  # issue_coupon
    count: int = 1  # issue_coupon, gift: how many pieces
    percent_off: int = 0  # discount
    max_discount_fen: int | None = None  # discount
    sku: str | None = None  # gift
    lines: Lines = ALL_LINES  # multiply_points and discount


class CampaignWindow(NamedTuple):
    """From an instant until another (None: open), and of that the days which a recurrence (RFC 5545) names."""

    from_at: datetime | None = None
    until: datetime | None = None
    rrule: str | None = None


class CampaignBudget(NamedTuple):
    """The most points it gives: in all, to one member, and on one program day to all together. None: no limit."""

    points: int | None = None
    per_member: int | None = None
    per_day: int | None = None


NEVER = datetime.min.replace(tzinfo=UTC)
_ALWAYS = CampaignWindow()
_UNLIMITED = CampaignBudget()


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One version of a campaign, and how it stands (`state`).

    `dormant_days` goes with dormancy, `balance` with balance, `holidays` with holiday, `of_campaign` with
    campaign_end, `at_minute` (of the local day) with schedule and holiday.
    """

    campaign: str
    name: str
    trigger: Trigger
    effects: tuple[Effect, ...]
    window: CampaignWindow = _ALWAYS
    tiers: frozenset[str] = frozenset()  # none: all
    audience: str | None = None  # CEL over the member
    condition: str | None = None  # CEL over the event
    budget: CampaignBudget = _UNLIMITED
    priority: int = 0
    stacks: bool = True
    holdout_percent: int = 0
    dormant_days: int = 0
    balance: int = 0
    holidays: tuple[str, ...] = ()
    of_campaign: str | None = None
    at_minute: int = 0
    version: int = 1
    revision: int = 0
    state: State = "live"
    created_at: datetime = NEVER

    @property
    def order_key(self) -> tuple[int, str]:
        """The order in which campaigns are applied: higher priority first, then by name."""
        return -self.priority, self.campaign

    def holds_out(self, member_id: str) -> bool:
        """Whether the member is in the control group, which gets nothing: for good, and the same for SQL that asks
        `('x' || left(md5(campaign || '/' || member_id), 8))::bit(32)::bigint % 100 < holdout_percent`.
        """
        if not self.holdout_percent:
            return False
        digest = md5(f"{self.campaign}/{member_id}".encode(), usedforsecurity=False).hexdigest()
        return int(digest[:8], 16) % 100 < self.holdout_percent


Facts = Mapping[str, Any]
"""What conditions are told, by CEL name: `member.tier`, `order.amount`, `event.kind`, `local.month`, `now`, ..."""
