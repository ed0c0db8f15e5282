"""Step three of a batch: all its rows in one statement, each table touched once.

Rows go as arrays of the tables' own row types, `unnest($1::entry[])`: measured faster than an array per column.
"""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.domain.account import (
    SUMS_OF_CAMPAIGNS,
    Account,
    Activity,
    BenefitGrant,
    Budget,
    CampaignPoints,
    CampaignSum,
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
    bucket_of,
)
from app.domain.posting import Change
from app.ledger.connection import Connection


@dataclass(slots=True)
class Saving:
    """The rows as they stand after a batch, each once."""

    entries: list[Entry] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    joined: set[str] = field(default_factory=set)  # members whose account is new
    lots: dict[tuple[str, int], Lot] = field(default_factory=dict)
    redemptions: dict[tuple[str, str], Redemption] = field(default_factory=dict)
    reviews: dict[tuple[str, int], Review] = field(default_factory=dict)
    coupons: dict[tuple[str, str], Coupon] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)  # new ones
    taken_codes: dict[str, Code] = field(default_factory=dict)  # of nobody's, now somebody's
    counters: dict[str, Counter] = field(default_factory=dict)
    checkouts: dict[tuple[str, str], Checkout] = field(default_factory=dict)
    checkout_keys: dict[str, str] = field(default_factory=dict)  # of new checkouts, with their member
    grants: dict[tuple[str, str], BenefitGrant] = field(default_factory=dict)
    activities: dict[tuple[str, str], Activity] = field(default_factory=dict)
    progress: dict[tuple[str, str, str], MissionProgress] = field(default_factory=dict)
    given: dict[tuple[str, str], CampaignPoints] = field(default_factory=dict)
    tallies: list[Tally] = field(default_factory=list)  # what campaigns gave more
    newcomers: list[str] = field(default_factory=list)  # campaigns, once for each participant more
    draws: dict[str, int] = field(default_factory=dict)  # points by budget
    budgets: dict[tuple[str, int], Budget] = field(default_factory=dict)  # their shares, once drawn from
    referrals: dict[str, Referral] = field(default_factory=dict)
    invitations: dict[tuple[str, str], Invitation] = field(default_factory=dict)
    referrers: dict[str, Referrer] = field(default_factory=dict)
    referral_codes: dict[str, ReferralCode] = field(default_factory=dict)  # new ones
    has_old_lots: bool = False  # some of `lots` are in the database already

    def keep(self, change: Change) -> None:
        """Note the rows of an applied change, the second member's of a transfer aside."""
        account = change.account
        member_id = account.member_id
        if change.entry is not None:
            self.entries.append(change.entry)
        if account is not self.accounts.get(member_id):
            self.accounts[member_id] = account
        for lot in change.lots:
            if not self.has_old_lots and lot.sequence != account.sequence:
                self.has_old_lots = True
            self.lots[member_id, lot.lot] = lot
        if change.redemption is not None:
            self.redemptions[member_id, change.redemption.reference] = change.redemption
        for review in change.reviews:
            self.reviews[member_id, review.sequence] = review
        if change.grant is not None:
            self.grants[member_id, change.grant.reference] = change.grant
        if change.activity or change.progress:
            self._keep_deeds(change)
        if change.tallies:
            self._keep_campaigns(change)
        if change.referral or change.invitation or change.referrer:
            self._keep_referral(change)
        if change.coupons or change.checkout or change.counters:
            self._keep_coupons(change)

    def _keep_deeds(self, change: Change) -> None:
        member_id = change.account.member_id
        if change.activity is not None:
            self.activities[member_id, change.activity.reference] = change.activity
        for row in change.progress:
            self.progress[member_id, row.period, row.mission] = row

    def _keep_campaigns(self, change: Change) -> None:
        self.tallies += change.tallies
        self.newcomers += change.newcomers
        for row in change.given:
            self.given[row.member_id, row.campaign] = row
        for budget, points in change.draws.items():
            self.draws[budget] = self.draws.get(budget, 0) + points

    def campaign_sums(self, share_of: int) -> dict[str, CampaignSum]:
        """What campaigns gave more, in the order in which every process adds it up."""
        more: dict[str, list[tuple[int, ...]]] = {}
        for tally in self.tallies:
            more.setdefault(tally.campaign, []).append(tally[1:])
        participants = Count(self.newcomers)
        return {
            code: CampaignSum(
                bucket_of(code), code, share_of, participants[code], *map(sum, zip(*figures, strict=True))
            )
            for code, figures in sorted(more.items())
        }

    def _keep_referral(self, change: Change) -> None:
        if change.referral is not None:
            self.referrals[change.referral.member_id] = change.referral
        if change.invitation is not None:
            self.invitations[change.invitation.member_id, change.invitation.invitee] = change.invitation
        if change.referrer is not None:
            self.referrers[change.referrer.member_id] = change.referrer
        if change.referral_code is not None:
            self.referral_codes[change.referral_code.code] = change.referral_code

    def _keep_coupons(self, change: Change) -> None:
        member_id, checkout = change.account.member_id, change.checkout
        for coupon in change.coupons:
            self.coupons[member_id, coupon.code] = coupon
        for code in change.codes:
            (self.codes if code.kind == "coupon" else self.taken_codes)[code.code] = code
        for counter in change.counters:
            self.counters[counter.template] = counter
        if checkout is not None:
            self.checkouts[member_id, checkout.checkout_id] = checkout
            if change.entry is not None and change.entry.kind == "hold":
                self.checkout_keys[checkout.checkout_id] = member_id


def _insert(table: str) -> str:
    return f"INSERT INTO {table} SELECT * FROM unnest(${{}}::{table}[])"


def _upsert(table: str, key: Sequence[str], columns: Sequence[str]) -> str:
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    return f"{_insert(table)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"


def _update(table: str, key: Sequence[str], columns: Sequence[str]) -> str:
    changes = ", ".join(f"{column} = new.{column}" for column in columns if column not in key)
    match = " AND ".join(f"{table}.{column} = new.{column}" for column in key)
    return f"UPDATE {table} SET {changes} FROM unnest(${{}}::{table}[]) AS new WHERE {match}"


def _add_up(table: str, key: Sequence[str], sums: Sequence[str]) -> str:
    changes = ", ".join(f"{column} = {table}.{column} + excluded.{column}" for column in sums)
    return f"{_insert(table)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"


_MEMBER = ("bucket", "member_id")
_PARTS = {
    "entries": _insert("entry"),
    "new_lots": _insert("lot"),
    "lots": _upsert("lot", (*_MEMBER, "lot"), Lot._fields),
    "redemptions": _upsert("redemption", (*_MEMBER, "reference"), Redemption._fields),
    "reviews": _upsert("tier_review", (*_MEMBER, "sequence"), Review._fields),
    "coupons": _upsert("coupon", (*_MEMBER, "code"), Coupon._fields),
    "codes": _insert("coupon_code"),
    "counters": _update("coupon_counter", ("bucket", "template"), Counter._fields),
    "checkouts": _upsert("checkout", (*_MEMBER, "checkout_id"), Checkout._fields),
    "checkout_keys": _insert("checkout_key"),
    "grants": _upsert("benefit_grant", (*_MEMBER, "reference"), BenefitGrant._fields),
    "activities": _upsert("activity", (*_MEMBER, "sequence"), Activity._fields),
    "progress": _upsert("mission_progress", (*_MEMBER, "period", "mission"), MissionProgress._fields),
    "given": _upsert("campaign_points", (*_MEMBER, "campaign"), CampaignPoints._fields),
    "sums": _add_up("campaign_sum", ("bucket", "campaign", "share_of"), ("participants", *SUMS_OF_CAMPAIGNS)),
    "budgets": _upsert("campaign_budget", ("bucket", "budget", "share_of"), Budget._fields),
    "referrals": _upsert("referral", _MEMBER, Referral._fields),
    "invitations": _upsert("invitation", (*_MEMBER, "invitee"), Invitation._fields),
    "referrers": _upsert("referrer", _MEMBER, Referrer._fields),
    "referral_codes": _insert("referral_code"),
    "accounts": _update("account", _MEMBER, Account._fields),
}
_JOIN = _insert("account").format(1)
_TAKE_CODES = _update("coupon_code", ("bucket", "code"), Code._fields).format(1)
_statements: dict[tuple[str, ...], str] = {}


async def save(connection: Connection, saving: Saving, *, share_of: int) -> None:
    """Write the batch's rows; what campaigns gave into the process's own share.

    Raises asyncpg.UniqueViolationError if another process was first with a new row.
    """
    if saving.joined:
        await connection.execute(_JOIN, [saving.accounts[member] for member in sorted(saving.joined)])
    if saving.taken_codes:
        await connection.execute(_TAKE_CODES, list(saving.taken_codes.values()))
    parts: list[tuple[str, Sequence[tuple[object, ...]]]] = []
    if saving.entries:
        parts.append(("entries", saving.entries))
    if saving.lots:
        parts.append(("lots" if saving.has_old_lots else "new_lots", list(saving.lots.values())))
    if saving.redemptions:
        parts.append(("redemptions", list(saving.redemptions.values())))
    if saving.reviews:
        parts.append(("reviews", list(saving.reviews.values())))
    for name, rows in (
        ("coupons", saving.coupons),
        ("codes", saving.codes),
        ("counters", saving.counters),
        ("checkouts", saving.checkouts),
        ("grants", saving.grants),
        ("activities", saving.activities),
        ("progress", saving.progress),
        ("given", saving.given),
        ("sums", saving.campaign_sums(share_of)),
        ("budgets", saving.budgets),
        ("referrals", saving.referrals),
        ("invitations", saving.invitations),
        ("referrers", saving.referrers),
        ("referral_codes", saving.referral_codes),
    ):
        if rows:
            parts.append((name, list(rows.values())))
    if saving.checkout_keys:
        keys = saving.checkout_keys.items()
        parts.append(
            ("checkout_keys", [(bucket_of(checkout), checkout, member) for checkout, member in keys])
        )
    changed = [account for member, account in saving.accounts.items() if member not in saving.joined]
    if changed:
        parts.append(("accounts", changed))
    if parts:
        names = tuple(name for name, _ in parts)
        await connection.execute(_statement(names), *(rows for _, rows in parts))


def _statement(names: tuple[str, ...]) -> str:
    """The parts as one statement: all but the last as CTEs."""
    statement = _statements.get(names)
    if statement is None:
        texts = [_PARTS[name].format(number) for number, name in enumerate(names, start=1)]
        ctes = ", ".join(f"saved_{name} AS ({text})" for name, text in zip(names, texts, strict=True))
        head, _, last = ctes.rpartition(f"saved_{names[-1]} AS (")
        statement = f"WITH {head.rstrip(', ')} {last[:-1]}" if head else last[:-1]
        _statements[names] = statement
    return statement
