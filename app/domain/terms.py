"""The sections of a program: where each group of rules takes its numbers from. Amounts in the minor unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from app.domain.activity_terms import ActivityKind
from app.domain.mission_terms import Mission
from app.domain.ratio import Ratio
from app.domain.referral_terms import ReferralTerms

Metric = Literal["spend", "orders", "points_earned", "growth"]
METRICS: tuple[Metric, ...] = ("spend", "orders", "points_earned", "growth")

ValidityPolicy = Literal["anniversary", "months", "calendar_year_end", "inactivity", "yearly_tenth", "never"]
CashPolicy = Literal["none", "single_order", "cumulative"]
AfterLadder = Literal["restart", "stay"]
Combine = Literal["any", "all"]
WindowKind = Literal["lifetime", "rolling_months", "calendar_year"]
Occasion = Literal["entry", "month", "birthday"]
OCCASIONS: frozenset[Occasion] = frozenset({"entry", "month", "birthday"})


@dataclass(frozen=True, slots=True)
class Earning:
    """Points for purchases: `rate` for each `unit_fen` paid; a category's or a brand's rate replaces it."""

    rate: Ratio
    unit_fen: int
    unit_name: str  # what people call the unit, for labels
    categories: Mapping[str, Ratio]
    brands: Mapping[str, Ratio]


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth value (成长值): `rate` for each `Earning.unit_fen` paid."""

    rate: Ratio


class CashStep(NamedTuple):
    """An order of `at_fen` or more returns `reward_fen`."""

    at_fen: int
    reward_fen: int


@dataclass(frozen=True, slots=True)
class Cash:
    """Cash back (返利). `single_order` pays the highest step an order reaches; `cumulative` pays `reward_fen`
    each time lifetime spend passes a multiple of `every_fen`."""

    policy: CashPolicy
    steps: tuple[CashStep, ...] = ()
    every_fen: int = 0
    reward_fen: int = 0


class LadderStep(NamedTuple):
    """The extra `points` of one day of a sign-in streak."""

    day: int
    points: int


@dataclass(frozen=True, slots=True)
class SignIn:
    """`points` and `growth` a day, extras by streak day; past its last step the ladder restarts or stays."""

    points: int
    growth: int
    ladder: tuple[LadderStep, ...]
    after_ladder: AfterLadder


class Validity(NamedTuple):
    """How long points stay usable: `years` under anniversary, and under calendar_year_end how many later
    (0: the year of the accrual); `months` under months and inactivity. A tuple, to be a fast cache key."""

    policy: ValidityPolicy
    years: int = 0
    months: int = 0


class PayingTerms(NamedTuple):
    """What a tier's members pay with points at: their own worth and cap where the program gives them one."""

    worth_fen: int | None
    max_share_percent: int | None


@dataclass(frozen=True, slots=True)
class Paying:
    """`points` points are worth `worth_fen`. At checkout: at least `min_points`, in whole `step_points`,
    for at most `max_share_percent` of the order."""

    points: int
    worth_fen: int
    min_points: int
    step_points: int
    max_share_percent: int
    tiers: Mapping[str, PayingTerms]

    def value_fen(self, points: int, *, tier: str) -> int:
        """What `points` are worth to a member of `tier`, rounded down."""
        return points * self._worth_fen(tier) // self.points

    def most_points(self, value_fen: int, *, tier: str) -> int:
        """The most points that are worth no more than this to a member of `tier`."""
        return ((value_fen + 1) * self.points - 1) // self._worth_fen(tier)

    def share_percent(self, *, tier: str) -> int:
        """The most of an order that a member of `tier` may pay with points."""
        terms = self.tiers.get(tier)
        own = None if terms is None else terms.max_share_percent
        return self.max_share_percent if own is None else own

    def _worth_fen(self, tier: str) -> int:
        terms = self.tiers.get(tier)
        return self.worth_fen if terms is None or terms.worth_fen is None else terms.worth_fen


@dataclass(frozen=True, slots=True)
class Reserve:
    """How long points are held when nobody says, and at most."""

    default_seconds: int
    max_seconds: int


@dataclass(frozen=True, slots=True)
class TierCoupon:
    """Coupons that a tier gives: `count` of a template, on entering it, each month, or in the birthday's month."""

    template: str
    on: Occasion
    count: int = 1

    def to_document(self) -> dict[str, Any]:
        """As the program has it: a count of one goes without saying."""
        told: dict[str, Any] = {"template": self.template, "on": self.on}
        return told if self.count == 1 else {**told, "count": self.count}


@dataclass(frozen=True, slots=True)
class Benefit:
    """Something a tier grants. What it says of a discount, shipping and coupons the rules here act on; `terms` are
    for other systems. None: it does not say.
    """

    code: str
    label: str
    terms: Mapping[str, Any]
    discount_percent: int | None = None
    free_shipping: bool | None = None
    coupon: TierCoupon | None = None

    def all_terms(self) -> dict[str, Any]:
        """Everything it says beyond its code and label, as the document has it."""
        said: dict[str, Any] = dict(self.terms)
        if self.discount_percent is not None:
            said["discount_percent"] = self.discount_percent
        if self.free_shipping is not None:
            said["free_shipping"] = self.free_shipping
        if self.coupon is not None:
            said["coupon"] = self.coupon.to_document()
        return said


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of the ladder. `thresholds` has each qualifying metric; the lowest tier's is empty."""

    rank: int  # 0 is the lowest
    code: str
    name: str
    thresholds: Mapping[Metric, int]
    rate: Ratio  # multiplies what purchases earn
    requires_review: bool
    benefits: tuple[Benefit, ...]
    name_en: str | None = None


@dataclass(frozen=True, slots=True)
class Qualification:
    """What counts (`metrics`), whether one of them or all must be reached, and over which time."""

    metrics: tuple[Metric, ...]
    combine: Combine
    window: WindowKind
    window_months: int = 0  # rolling_months only


@dataclass(frozen=True, slots=True)
class Tiers:
    """The ladder from the lowest up, how it is climbed, how long a tier holds (None months: for good)."""

    ladder: tuple[Tier, ...]
    qualification: Qualification
    validity_months: int | None
    grace_days: int
    warn_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All sections together: what a program says, whatever its version."""

    currency: str
    timezone: ZoneInfo
    earning: Earning
    growth: Growth
    cash: Cash
    sign_in: SignIn
    validity: Validity
    paying: Paying
    reserve: Reserve
    settlement_days: int
    refund_grace_days: int
    approval_over_points: int
    tiers: Tiers
    activities: Mapping[str, ActivityKind]  # by kind
    missions: tuple[Mission, ...]
    referral: ReferralTerms | None = None
