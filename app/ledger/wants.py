"""What a batch reads beyond its accounts, and when it happens to each member."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import NamedTuple

from app.domain.account import Account
from app.domain.activity_terms import ActivityKind
from app.domain.benefits import templates_given
from app.domain.calendar import local_date
from app.domain.campaigns import Trigger
from app.domain.command import Command
from app.domain.commands import Accrue, Mature
from app.domain.maturity import is_due
from app.domain.missions import periods_of
from app.domain.program import Program
from app.domain.shelf import Shelf
from app.domain.status import counts_all_lots
from app.ledger.campaign_rack import Ahead
from app.ledger.load import Wanted
from app.ledger.locks import Locked
from app.ledger.needs import Needs


def not_before_last(account: Account, now: datetime) -> datetime:
    """The moment of a change of this account: the clock may have been set back since its last entry."""
    return now if account.last_at is None else max(now, account.last_at)


def moments_of(commands: Sequence[Command], locked: Locked) -> dict[str, datetime]:
    """When the batch happens to each member: now, but not before their last entry. Who gives points to another
    shares the later moment, so that what fell due by then is written down on both.
    """
    moments = {
        member_id: not_before_last(account, locked.now) for member_id, account in locked.accounts.items()
    }
    while max(moments.values(), default=locked.now) > locked.now:  # the clock was set back
        pairs = [[member_id for member_id in command.members if member_id in moments] for command in commands]
        before = dict(moments)
        for pair in pairs:
            moments |= dict.fromkeys(
                pair, max((moments[member_id] for member_id in pair), default=locked.now)
            )
        if moments == before:
            break
    return moments


def by_member(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """What is wanted of each member, of (member, what) pairs."""
    found: dict[str, set[str]] = {}
    for member_id, what in pairs:
        found.setdefault(member_id, set()).add(what)
    return found


_NAMED = [
    "spends",
    "order_named",
    "redemption_named",
    "review_named",
    "checkout_named",
    "activity_counted",
    "activity_named",
]
_OF_COUPONS = [
    "template_issued",
    "codes_named",
    "codes_held",
    "checkout_made",
    "needs_wallet",
    "needs_birthday",
    "needs_traits",
    "needs_grants",
]
_OF_REFERRALS = ["entries_told", "referrals_named", "referrers_named", "invitation_named", "history_of"]


class _Asked(NamedTuple):
    """Which questions commands of a class answer otherwise than any command does: the rest need not be asked."""

    named: bool
    coupons: bool
    campaigns: bool
    referrals: bool


@cache
def _asked(kind: type[Command]) -> _Asked:
    own = {name for name in dir(Command) if getattr(kind, name) is not getattr(Command, name)}
    return _Asked(
        named=not own.isdisjoint(_NAMED),
        coupons=not own.isdisjoint(_OF_COUPONS),
        campaigns=not own.isdisjoint(("fires", "foretells")),
        referrals=not own.isdisjoint(_OF_REFERRALS),
    )


class Wants:
    """What the commands of a batch need to be read, given their accounts."""

    def __init__(
        self,
        commands: Sequence[Command],
        *,
        accounts: Mapping[str, Account],
        moments: Mapping[str, datetime],
        program: Program,
        shelf: Shelf,
        asks_for_traits: bool,
        ahead: Mapping[Trigger, Ahead],
    ) -> None:
        self._commands = commands
        self._accounts = accounts
        self._moments = moments
        self._program = program
        self._shelf = shelf
        self._asks_for_traits = asks_for_traits
        self._ahead = ahead
        self._sees_all = counts_all_lots(program)
        self._weighs_gifts = not {"points_earned", "growth"}.isdisjoint(program.tiers.qualification.metrics)
        self._keeps_alive = program.validity.policy == "inactivity"
        self._templates_given = templates_given(program, Mature.gives)
        self._wanted = Wanted()
        # The moment last asked for, and its day.
        self._lately: tuple[datetime | None, date] = (None, date.min)

    def all(self, needs: Needs) -> Wanted:
        """Everything; also what earlier tries turned out to need."""
        wanted = self._wanted
        wanted.template_coupons.update(needs.template_coupons)
        wanted.coupons.update(needs.coupons)
        wanted.progress.update(needs.periods)
        wanted.gifts.update(needs.gifts_of)
        for account in self._accounts.values():
            self._add_due(account)
        for member_id in needs.all_lots_of:
            if member_id in self._accounts:
                wanted.lots.setdefault(member_id, self._accounts[member_id].lot_floor)
        for command in self._commands:
            asked = _asked(type(command))
            if asked.referrals:
                self._add_referrals(command)
            for member_id in command.members:
                account = self._accounts.get(member_id)
                if account is not None:
                    self._add_of(command, account, asked)
        for member_id in wanted.lots:
            wanted.reaching.pop(member_id, None)
        self._reach_at_once()
        return wanted

    def _reach_at_once(self) -> None:
        """Where less is spent than is next to expire, the lots that expire then are all that is needed: of members
        with 50 lots found in a third of the time.
        """
        wanted = self._wanted
        for member_id, (floor, points) in tuple(wanted.reaching.items()):
            account = self._accounts[member_id]
            if account.next_expires_at is not None and points < account.next_expires_points:
                wanted.next_to_expire[member_id] = floor, account.next_expires_at
                del wanted.reaching[member_id]

    def _add_of(self, command: Command, account: Account, asked: _Asked) -> None:
        """What a command needs of one of its members."""
        if asked.coupons:
            self._add_coupons(command, account)
        if asked.campaigns and self._ahead:
            self._add_campaigns(command, account)
        if self._program.missions and command.counts:
            self._add_missions(command, account)
        if account.sequence:
            self._add(command, account)
            if asked.named and account.member_id == command.member_id:
                self._add_named(command, account)

    def _add_due(self, account: Account) -> None:
        wanted, member_id = self._wanted, account.member_id
        now = self._moments[member_id]
        if is_due(account, now):
            wanted.lots[member_id] = 1 if self._sees_all else account.lot_floor
            wanted.holds.add(member_id)
            if account.coupon_due_at is not None and account.coupon_due_at <= now:
                wanted.wallets.add(member_id)
            if self._templates_given:
                self._add_tier_coupons(member_id)
        if account.review is not None:
            wanted.reviews.add((member_id, account.review))

    def _add_tier_coupons(self, member_id: str) -> None:
        """What decides whether the tier gives a member coupons, which may begin or be over already."""
        self._wanted.paid.add(member_id)
        self._wanted.wallets.add(member_id)
        self._wanted.template_coupons.update((member_id, template) for template in self._templates_given)

    def _add(self, command: Command, account: Account) -> None:
        wanted, member_id = self._wanted, account.member_id
        if self._sees_all:
            wanted.lots[member_id] = 1
        elif command.reads_all_lots or (self._keeps_alive and command.keeps_alive):
            wanted.lots.setdefault(member_id, account.lot_floor)
        if self._weighs_gifts and command.needs_lots:  # it may be a refund, and they may hold the tier
            wanted.gifts.add(member_id)
        if member_id != command.member_id:
            return
        if (key := command.natural_key(self._today(member_id))) is not None:
            wanted.keys.add((member_id, key))

    def _today(self, member_id: str) -> date:
        """The program's day on which the batch happens to the member: to most the same."""
        moment = self._moments[member_id]
        if moment != self._lately[0]:
            self._lately = moment, local_date(moment, self._program.timezone)
        return self._lately[1]

    def _add_named(self, command: Command, account: Account) -> None:
        """What a command names of its member's."""
        wanted, member_id = self._wanted, account.member_id
        if command.spends:
            _, points = wanted.reaching.get(member_id, (0, 0))
            wanted.reaching[member_id] = account.lot_floor, points + command.spends
        if (order_id := command.order_named) is not None:
            wanted.orders.add((member_id, f"order/{order_id}"))
        if (reference := command.redemption_named) is not None:
            wanted.redemptions.add((member_id, reference))
        if (review := command.review_named) is not None:
            wanted.reviews.add((member_id, review))
        if (checkout_id := command.checkout_named) is not None:
            wanted.checkouts.add((member_id, checkout_id))
            wanted.keys.add((member_id, f"hold/{checkout_id}"))
        if (kind := self._program.activities.get(command.activity_counted or "")) is not None:
            self._add_activities(kind, member_id, self._today(member_id))
        if (reference := command.activity_named) is not None:
            wanted.named_activities.add((member_id, f"activity/{reference}"))

    def _add_activities(self, kind: ActivityKind, member_id: str, today: date) -> None:
        """What the limits of a kind of activity count."""
        if kind.is_once:
            self._wanted.activities.add((member_id, kind.kind, date.min))
        elif kind.per_day is not None:
            self._wanted.activities.add((member_id, kind.kind, today))

    def _add_missions(self, command: Command, account: Account) -> None:
        """How far the member is with the missions of the day: of another day the decision asks by itself."""
        occurred_at = command.occurred_at if isinstance(command, Accrue) else None
        day = local_date(occurred_at or self._moments[account.member_id], self._program.timezone)
        self._wanted.progress.update((account.member_id, period) for period in periods_of(self._program, day))

    def _add_campaigns(self, command: Command, account: Account) -> None:
        wanted, member_id = self._wanted, account.member_id
        trigger = command.fires or command.foretells
        if trigger == "tier_change":
            wanted.gifts.add(member_id)
        ahead = None if trigger is None else self._ahead.get(trigger)
        if ahead is None:
            return
        if ahead.templates and command.fires is not None:
            wanted.template_coupons.update((member_id, template) for template in ahead.templates)
        for campaign, number in ahead.limited.items():
            if account.took_part_in(number):
                wanted.given.add((member_id, campaign))
        if ahead.asks_for_traits:
            wanted.traits.add(member_id)

    def _add_referrals(self, command: Command) -> None:
        wanted = self._wanted
        wanted.keys.update(command.entries_told)
        wanted.orders.update(command.entries_told)
        wanted.referrals.update(command.referrals_named)
        wanted.referrers.update(command.referrers_named)
        if command.invitation_named is not None:
            wanted.invitations.add(command.invitation_named)
        if command.history_of is not None:
            wanted.lots[command.history_of] = 1

    def _add_coupons(self, command: Command, account: Account) -> None:
        wanted, member_id = self._wanted, account.member_id
        template = self._shelf.templates.get(command.template_issued or "")
        if template is not None:
            wanted.template_coupons.add((member_id, template.template))
            if template.points_price is not None:
                _, points = wanted.reaching.get(member_id, (0, 0))
                wanted.reaching[member_id] = account.lot_floor, points + template.points_price
        for name in command.codes_named:
            code = self._shelf.codes.get(name)
            if code is not None and code.member_id is None:  # it may become the member's
                wanted.template_coupons.add((member_id, code.template))
        wanted.coupons.update((member_id, code) for code in command.codes_held)
        if command.needs_wallet:
            wanted.wallets.add(member_id)
        if command.needs_birthday:
            given = templates_given(self._program, command.gives)
            wanted.template_coupons.update((member_id, template) for template in given)
        if command.checkout_made is not None and not account.orders and account.hold_due_at is not None:
            wanted.holds.add(member_id)  # another cart that is held may be the first order
        if command.needs_birthday or (command.needs_traits and self._asks_for_traits):
            wanted.traits.add(member_id)
        if command.needs_grants:
            wanted.grants.add(member_id)
