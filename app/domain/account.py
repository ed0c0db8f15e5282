"""The ledger's rows as values.

Each class mirrors one table, field for column and in the same order (a test holds them together), so that a row
read is `Account._make(record)` and a row to save is the tuple itself. They are immutable: a decision returns the
rows as they stand afterwards.
"""

from datetime import date, datetime
from typing import NamedTuple
from zlib import crc32

from app.domain.rows import quickly_replaced

BUCKETS = 64


def bucket_of(key: str) -> int:
    """The shard (0 to 63) the rows of a member live in, or those led to by another key: stable for good."""
    return crc32(key.encode()) % BUCKETS


@quickly_replaced
class Account(NamedTuple):
    """One member: what they hold and where they stand. A cache of the ledger, provably (`loyalty verify`).

    Points are integers; `cash` and `spend` are in the currency's minor unit. `due_at` and `hold_due_at` are lower
    bounds: nothing falls due on this account before them, so most commands need not read the lots.
    """

    bucket: int
    member_id: str
    status: str  # active, frozen, erased
    joined_at: datetime
    sequence: int  # of the newest entry, 0 before the first
    lot_count: int  # the number of the newest lot
    lot_floor: int  # no lot numbered below it can change any more without being named
    available: int
    pending: int
    reserved: int
    debt: int
    growth: int
    cash: int
    earned: int
    redeemed: int
    expired: int
    spend: int  # settled orders less refunds, over the lifetime
    orders: int  # settled orders not refunded in full
    tier: str
    tier_since: datetime
    tier_valid_until: datetime | None
    tier_state: str  # held, warned (its period ends soon), grace (it has ended), manual (set by a person)
    approved_tier: str | None  # the highest a person approved, while it is still deserved
    reviewed_tier: str | None  # the highest whose review was opened, whatever became of it
    review: int | None  # sequence of the entry that opened the review still open
    streak: int
    last_sign_in: date | None
    last_at: datetime | None  # recorded time of the newest entry
    due_at: datetime | None
    hold_due_at: datetime | None
    next_expires_at: datetime | None  # exact, of the available points
    next_expires_points: int
    coupons: int  # that can be used now
    coupon_due_at: datetime | None  # a lower bound of when a coupon begins, expires or is unlocked next
    benefits_at: datetime | None  # when the tier owes coupons next
    chances: int  # of the lottery
    invited_by: str | None  # who brought the member, while no reward was paid for it
    campaigns: bytes = b""  # those that gave the member something: a bit each, at the campaign's number

    def took_part_in(self, number: int) -> bool:
        """Whether the campaign of this number gave the member something, taken back since or not."""
        place = number >> 3
        return place < len(self.campaigns) and bool(self.campaigns[place] >> (number & 7) & 1)

    def taking_part_in(self, number: int) -> "Account":
        """The account that remembers it did."""
        place = number >> 3
        bits = bytearray(self.campaigns.ljust(place + 1, b"\0"))
        bits[place] |= 1 << (number & 7)
        return self._replace(campaigns=bytes(bits))


@quickly_replaced
class Lot(NamedTuple):
    """Points granted at once, which expire together; for an order, also the order's own state.

    granted = remaining + reserved + redeemed + expired + clawed_back + moved, all at least 0.
    """

    bucket: int
    member_id: str
    lot: int  # 1, 2, 3, ... per member
    sequence: int  # of the entry that granted it
    source: str  # order, sign_in, adjustment, transfer, import
    pending: bool
    granted: int
    remaining: int
    reserved: int
    redeemed: int
    expired: int
    clawed_back: int  # taken by refunds or paid to a debt
    moved: int  # given to another member
    accrued_at: datetime  # validity counts from here
    expires_at: datetime | None
    settle_at: datetime | None  # pending only: when it settles by itself
    program_version: int
    order_id: str | None
    amount: int | None  # of the order, minor unit
    refunded: int | None
    tier: str | None  # whose rate the order was granted at
    terms: str | None  # JSON: the order's lines and what is refunded of each


class Entry(NamedTuple):
    """One command's effect on one member: the signed changes and the balances after. Never changed once written."""

    bucket: int
    member_id: str
    sequence: int
    kind: str
    key: str  # natural key, unique per member and kind
    lot: int | None  # the first lot it granted
    order_id: str | None
    points: int
    pending: int
    reserved: int
    debt: int
    growth: int
    cash: int
    points_after: int
    pending_after: int
    reserved_after: int
    debt_after: int
    growth_after: int
    cash_after: int
    occurred_at: datetime
    recorded_at: datetime
    program_version: int
    actor: str
    request_id: str
    content: bytes  # 16-byte hash of the command, to tell a repeat from a clash
    detail: str  # JSON: what the answer holds beyond these columns


class Redemption(NamedTuple):
    """Points taken at once, or held to be taken: where they came from and what became of them."""

    bucket: int
    member_id: str
    reference: str
    status: str  # reserved, redeemed, cancelled, expired
    points: int  # asked for
    committed: int
    refunded: int
    lots: list[int]  # that points are held or spent of now, in spending order
    parts: list[int]  # how many of each
    order_id: str | None
    hold_expires_at: datetime | None
    program_version: int


class Coupon(NamedTuple):
    """A coupon in a member's hands, and what became of it."""

    bucket: int
    member_id: str
    code: str
    template: str
    status: str  # issued, locked, redeemed, expired, voided
    sequence: int  # of the entry that issued it
    source: str  # claim, exchange, issue, code, tier, birthday
    issued_at: datetime
    valid_from: datetime
    valid_until: datetime | None
    reference: str | None  # what locked or redeemed it: a caller's reference, or `checkout/<id>`
    discount: int | None  # what it gives there, minor unit: counted in its template's budget
    lock_expires_at: datetime | None  # of a lock by itself; a checkout's lock ends with the checkout
    public_code: str | None  # by which the member got it


class Checkout(NamedTuple):
    """A cart that is held, or became an order: what it holds or spent. Its figures are in the entry of its hold."""

    bucket: int
    member_id: str
    checkout_id: str
    status: str  # held, completed, partially_refunded, refunded, cancelled, lapsed
    points: int  # held or spent
    points_refunded: int
    cash: int  # minor unit, held or spent
    cash_refunded: int
    lots: list[int]  # that points are held or spent of now, in spending order
    parts: list[int]  # how many of each
    coupons: list[str]  # locked or redeemed by it
    settles: bool  # at once when it completes
    hold_expires_at: datetime | None
    refunds: str | None  # JSON: what of its lines and its shipping came back


ORDERED = ("completed", "partially_refunded", "refunded")
"""What a checkout may be once it is an order."""


class BenefitGrant(NamedTuple):
    """A benefit that a person gave a member for a time, or for good."""

    bucket: int
    member_id: str
    reference: str
    sequence: int  # of the entry that granted it
    benefit: str
    label: str
    terms: str  # JSON: what it says, as a tier's benefit does
    since: datetime
    until: datetime | None
    revoked_at: datetime | None
    actor: str
    reason: str


class Code(NamedTuple):
    """Where a coupon code leads: to its template, and to the member once it is somebody's."""

    bucket: int
    code: str
    template: str
    kind: str  # coupon, unique, public, void
    member_id: str | None
    issue: str | None
    created_at: datetime


class Counter(NamedTuple):
    """What was given out of a coupon template: `issued` coupons, `discounted` by those locked or redeemed."""

    bucket: int
    template: str
    issued: int
    discounted: int  # minor unit


class CampaignPoints(NamedTuple):
    """The points a campaign gave a member so far, where it gives each only so much. Refunds give none back."""

    bucket: int
    member_id: str
    campaign: str
    points: int


class Tally(NamedTuple):
    """What more a campaign gave, or lost, with one entry."""

    campaign: str
    times: int = 0  # orders, sign-ins, occasions it gave something for
    amount: int = 0  # of those orders, minor unit
    points: int = 0
    growth: int = 0
    chances: int = 0
    coupons: int = 0
    discount: int = 0  # minor unit
    taken_back: int = 0  # points


SUMS_OF_CAMPAIGNS = Tally._fields[1:]
"""What is added up from one grant to the next."""


class CampaignSum(NamedTuple):
    """What a campaign gave, as far as the processes of one share decided it; the campaign's figures are the sums of its
    shares.
    """

    bucket: int
    campaign: str
    share_of: int
    participants: int  # members to whom it gave something, each counted once
    times: int
    amount: int
    points: int
    growth: int
    chances: int
    coupons: int
    discount: int
    taken_back: int


class Budget(NamedTuple):
    """A share of what a campaign may give in all, or on one day: `granted` of `share` points.

    The budget is the sum of its shares. A process draws from a share of its own, which no other waits for; points move
    from one share to another only while all of them are locked.
    """

    bucket: int
    budget: str  # the campaign, or `campaign/2026-11-23`
    share_of: int  # 0 holds what nobody took yet; the others are processes'
    share: int
    granted: int


class Referral(NamedTuple):
    """Who brought a member, and the order that was rewarded for it."""

    bucket: int
    member_id: str  # the invitee
    inviter: str
    bound_at: datetime
    program_version: int  # in force then: its share of spend was promised
    order_id: str | None
    lot: int | None  # of the invitee's reward, if it was in points
    paid_at: datetime | None


class Invitation(NamedTuple):
    """One member that an inviter brought, and what the inviter got for it."""

    bucket: int
    member_id: str  # the inviter
    invitee: str
    bound_at: datetime
    status: str  # bound, paid, limited (the invitee was rewarded, the inviter was not)
    lot: int | None  # of the inviter's reward, if it was in points
    points: int
    paid_at: datetime | None
    share_at: datetime | None  # when the share of what the invitee spends falls due
    share_points: int


class Referrer(NamedTuple):
    """What a member's invitations come to, and the code they bring others by."""

    bucket: int
    member_id: str
    code: str | None
    bound: int  # all of them
    paid: int
    month: date | None  # the first day of the month in which the last one was paid
    month_paid: int  # in that month
    earned: int  # points, shares of spend included


class ReferralCode(NamedTuple):
    """Where a code that members bring others by leads."""

    bucket: int
    code: str
    member_id: str


class Activity(NamedTuple):
    """Something a member did besides buying. What it gave is told by its entry."""

    bucket: int
    member_id: str
    sequence: int  # of the entry that recorded it
    reference: str
    kind: str
    level: str | None
    day: date  # of the program's zone
    status: str  # recorded, reversed
    lot: int | None  # of its points
    program_version: int  # whose missions count it


class MissionProgress(NamedTuple):
    """How far a member got with a mission in one of its periods."""

    bucket: int
    member_id: str
    period: str  # ever, 2026-11-23, 2026-W48, 2026-11, joining
    mission: str
    progress: int  # pieces, or the minor unit of what was bought
    program_version: int  # under which it was completed, or was counted last
    completed_at: datetime | None
    badge: str | None  # earned by completing it
    undone: int | None  # how often a refund undid it; None: completed before that was counted, and stays so


class Review(NamedTuple):
    """A tier waiting for a person's approval. Keyed by the entry that opened it."""

    bucket: int
    member_id: str
    sequence: int
    from_tier: str
    to_tier: str
    status: str  # open, approved, rejected, closed
    opened_at: datetime
    decided_at: datetime | None
    actor: str | None
    reason: str | None
