"""How a decision is put: the member as found, the moment it is taken in, and the change that comes out."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from app.domain.account import (
    Account,
    Activity,
    BenefitGrant,
    CampaignPoints,
    Checkout,
    Code,
    Counter,
    Coupon,
    Entry,
    Invitation,
    Lot,
    MissionProgress,
    Redemption,
    Referral,
    ReferralCode,
    Referrer,
    Review,
    Tally,
)
from app.domain.command import Command
from app.domain.compact import compact
from app.domain.program import Program
from app.domain.roster import NO_CAMPAIGNS, Roster
from app.domain.rows import quickly_replaced
from app.domain.shelf import EMPTY_SHELF, Shelf


class Caller(NamedTuple):
    """Who asks, as the ledger records it."""

    actor: str
    request_id: str


class Context(NamedTuple):
    """The moment a decision is taken in: its time, the rules in force, every version that granted, who asks, the
    coupon templates and the campaigns.
    """

    now: datetime
    today: date
    program: Program
    programs: Mapping[int, Program]
    caller: Caller
    shelf: Shelf = EMPTY_SHELF
    campaigns: Roster = NO_CAMPAIGNS


@quickly_replaced
class Change(NamedTuple):
    """What a decision does to one member. `detail` is what the answer holds beyond the entry's columns."""

    account: Account
    entry: Entry | None = None
    detail: Mapping[str, Any] = {}
    lots: tuple[Lot, ...] = ()
    redemption: Redemption | None = None
    reviews: tuple[Review, ...] = ()
    person: Mapping[str, Any] | None = None
    erases_person: bool = False
    coupons: tuple[Coupon, ...] = ()
    codes: tuple[Code, ...] = ()
    counters: tuple[Counter, ...] = ()
    checkout: Checkout | None = None
    grant: BenefitGrant | None = None
    tallies: tuple[Tally, ...] = ()  # what campaigns gave more
    newcomers: tuple[str, ...] = ()  # those of them that gave the member something for the first time
    given: tuple[CampaignPoints, ...] = ()  # what the limited ones of them gave so far
    draws: Mapping[str, int] = {}  # points drawn from budgets of campaigns
    activity: Activity | None = None
    progress: tuple[MissionProgress, ...] = ()
    turned: tuple[MissionProgress, ...] = ()  # of these, what is completed by it, or is so no more
    referral: Referral | None = None
    invitation: Invitation | None = None
    referrer: Referrer | None = None
    referral_code: ReferralCode | None = None
    undoes: Referral | None = None  # whose order it leaves too little of
    lost: tuple[Command, ...] = ()  # what takes back the gifts for tiers that it takes
    other: "Change | None" = None  # what it does to the second member of a transfer


TAKEN_BACK = frozenset({"activity", "campaign", "referral", "mission"})
"""The entries whose grants may be taken back, which needs what they tell."""


class Told(NamedTuple):
    """What an entry of TAKEN_BACK tells: the lot it granted if there were points, and under which rules."""

    lot: int | None
    program_version: int
    detail: Mapping[str, Any]


_GIVING = frozenset({"campaign", "campaign_undo"})


class Gift(NamedTuple):
    """What a campaign gave for a tier, by an entry of its own: its lot if it has one, and how much of both."""

    lot: int | None
    points: int
    growth: int


class Member:
    """A member as loaded, changed only by applying decisions: so a batch decides each on what the last one left."""

    __slots__ = (
        "account",
        "activities",
        "birthday_changed_at",
        "birthday_mark",
        "checkouts",
        "coupons",
        "gifts",
        "given",
        "grants",
        "held",
        "invitations",
        "limited",
        "lots",
        "orders",
        "paid",
        "periods",
        "progress",
        "redemptions",
        "referral",
        "referred_by",
        "referrer",
        "reviews",
        "sees_all_lots",
        "sees_gifts",
        "sees_referral",
        "sees_templates",
        "sees_wallet",
        "told",
        "traits",
    )

    def __init__(self, account: Account) -> None:
        self.account = account
        self.lots: dict[int, Lot] = {}
        self.sees_all_lots = True  # else only those in spending order that reach what the batch takes
        self.orders: dict[str, int] = {}  # order_id → lot number, of the orders looked up
        self.redemptions: dict[str, Redemption] = {}
        self.reviews: dict[int, Review] = {}
        self.referred_by: str | None = None  # where a command names a referrer
        self.birthday_mark: bytes | None = None  # tells a birthday from another, where a command tells one
        self.birthday_changed_at: datetime | None = None
        self.sees_referral = True  # it is known who brought the member, if anybody did
        self.referral: Referral | None = None
        self.referrer: Referrer | None = None
        self.invitations: dict[str, Invitation] = {}  # by invitee, those that commands name
        self.coupons: dict[str, Coupon] = {}
        self.sees_wallet = True  # every coupon issued or locked; else only those that the batch names
        self.sees_templates: frozenset[str] | None = None  # of which every coupon is there; None: of all
        self.checkouts: dict[str, Checkout] = {}
        self.held: dict[str, Mapping[str, Any]] = {}  # checkout_id → what the entry of its hold tells
        self.traits: Mapping[
            str, Any
        ] = {}  # gender, region, attributes, birthday_month: where a rule may ask
        self.grants: dict[str, BenefitGrant] = {}  # by reference, where a command asks for benefits
        self.paid: set[str] = set()  # keys of the entries by which the tier gave coupons
        self.sees_gifts = True  # what campaigns gave for tiers is known
        self.gifts: dict[str, Gift] = {}  # by key, and the keys of the entries by which it was taken back
        self.activities: dict[str, Activity] = {}  # by reference: those named, and those that limits count
        self.told: dict[str, Told] = {}  # by key, what entries of TAKEN_BACK tell
        self.progress: dict[tuple[str, str], MissionProgress] = {}  # by mission and period
        self.periods: frozenset[str] | None = None  # whose progress was looked up; None: all
        self.limited: frozenset[str] | None = None  # campaigns whose gifts are counted; None: of all
        self.given: dict[str, int] = {}  # points by campaign, where one gives each member only so much

    def load_lots(self, lots: Iterable[Lot]) -> None:
        for lot in lots:
            self.lots[lot.lot] = lot
            if lot.order_id is not None:
                self.orders[lot.order_id] = lot.lot

    def apply(self, change: Change) -> None:
        """Take in a change decided on this member."""
        self.account = change.account
        self.load_lots(change.lots)
        if change.redemption is not None:
            self.redemptions[change.redemption.reference] = change.redemption
        for review in change.reviews:
            self.reviews[review.sequence] = review
        for coupon in change.coupons:
            self.coupons[coupon.code] = coupon
        if change.checkout is not None:
            self.checkouts[change.checkout.checkout_id] = change.checkout
        if change.grant is not None:
            self.grants[change.grant.reference] = change.grant
        if change.activity is not None:
            self.activities[change.activity.reference] = change.activity
        for row in change.progress:
            self.progress[row.mission, row.period] = row
        self.referral = change.referral or self.referral
        self.referrer = change.referrer or self.referrer
        if change.invitation is not None:
            self.invitations[change.invitation.invitee] = change.invitation
        for row in change.given:
            self.given[row.campaign] = row.points
        if change.entry is not None:
            self._note(change.entry, change)
        if change.person:
            self._learn(change.person)

    def _learn(self, person: Mapping[str, Any]) -> None:
        """Keep what later decisions ask of the person."""
        self.referred_by = person.get("referred_by") or self.referred_by
        self.birthday_mark = person.get("birthday_mark", self.birthday_mark)
        self.birthday_changed_at = person.get("birthday_changed_at", self.birthday_changed_at)

    def _note(self, entry: Entry, change: Change) -> None:
        """Keep what later decisions ask of an entry."""
        if entry.kind in _GIVING and entry.key.split("/")[2] == "tier":
            self.gifts[entry.key] = Gift(entry.lot, change.detail["points"], change.detail.get("growth", 0))
        if entry.kind == "hold" and change.checkout is not None:
            self.held[change.checkout.checkout_id] = change.detail
        elif entry.kind == "tier_coupons":
            self.paid.add(entry.key)
        elif entry.kind in TAKEN_BACK:
            self.told[entry.key] = Told(entry.lot, entry.program_version, change.detail)


def telling(change: Change, **more: object) -> Change:
    """The change whose entry tells `more` besides."""
    entry = change.entry
    assert entry is not None, "only an entry can tell"
    begun = "{" if entry.detail == "{}" else f"{entry.detail[:-1]},"
    entry = entry._replace(detail=f"{begun}{compact(more)[1:]}")
    return change._replace(entry=entry, detail={**change.detail, **more})


def post(
    before: Account,
    after: Account,
    *,
    kind: str,
    key: str | None,
    context: Context,
    content: bytes = b"",
    detail: str = "{}",
    occurred_at: datetime | None = None,
    lot: int | None = None,
    order_id: str | None = None,
) -> tuple[Account, Entry]:
    """The account with its new entry: the signed changes are what differs between `before` and `after`.

    Without a natural key the entry's own sequence makes it unique.
    """
    sequence = before.sequence + 1
    now = context.now
    entry = Entry(
        before.bucket,
        before.member_id,
        sequence,
        kind,
        key if key is not None else f"{kind}/{sequence}",
        lot,
        order_id,
        after.available - before.available,
        after.pending - before.pending,
        after.reserved - before.reserved,
        after.debt - before.debt,
        after.growth - before.growth,
        after.cash - before.cash,
        after.available,
        after.pending,
        after.reserved,
        after.debt,
        after.growth,
        after.cash,
        now if occurred_at is None else occurred_at,
        now,
        context.program.version,
        context.caller.actor,
        context.caller.request_id,
        content,
        detail,
    )
    return after._replace(sequence=sequence, last_at=now), entry
