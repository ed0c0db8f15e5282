"""The recorded orders once more, through the very decisions that grant points live, under other rules.

One `Run` is one way it could have gone: each order is decided at the moment it was made, on the member as the orders
before left them, and what follows from an order follows (missions, campaigns of rising). Only orders happen: nothing is
redeemed, nobody signs in or is invited, and coupons that tiers give are left out; so two runs differ by their rules.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import count
from typing import Any, NamedTuple

from app.domain.account import Coupon, Tally
from app.domain.calendar import local_date
from app.domain.campaign_choice import budgets_of
from app.domain.campaigns import Campaign, Facts, Trigger
from app.domain.command import Command
from app.domain.commands import Accrue, DecideReview, Enrol, Import
from app.domain.coupon_templates import Template
from app.domain.decisions import decide
from app.domain.earning import Line
from app.domain.follow_ups import follow_ups
from app.domain.maturity import is_due, mature
from app.domain.orders import Order, Returned
from app.domain.posting import Caller, Change, Context, Member
from app.domain.program import Program
from app.domain.roster import Asking, Failure, Roster
from app.domain.shares import spread
from app.domain.shelf import ReadingShelf
from app.domain.standing import tier_due_at
from app.domain.status import counts_all_lots

CALLER = Caller("system", "backtest")
_NOTHING_RETURNED = Returned(0, 0)


class Buyer(NamedTuple):
    """What is known of a member besides their orders. `opening` is what was brought along from elsewhere: points,
    spend (minor unit) and growth. `is_approved`: a person approved a tier that asks for it.
    """

    member_id: str
    joined_at: datetime
    traits: Mapping[str, Any] = {}
    opening: tuple[int, int, int] = (0, 0, 0)
    is_approved: bool = False


class Placed(NamedTuple):
    """An order as it was recorded: what is left of it after refunds. The amount in the minor unit."""

    buyer: Buyer
    order_id: str
    at: datetime
    amount_fen: int
    lines: tuple[Line, ...] = ()
    channel: str | None = None


class Rules(NamedTuple):
    """What decides in one run. `open_at` gives the campaigns open at a moment, by trigger and in the order they
    apply: the same object as long as nothing opens or closes.
    """

    program_at: Callable[[datetime], Program]
    programs: Mapping[int, Program]
    open_at: Callable[[datetime], Mapping[Trigger, Sequence[Campaign]]]
    ask: Callable[[Trigger, Facts], Asking]
    templates: Mapping[str, Template]


class Granted(NamedTuple):
    """What one order came to, with what its campaigns gave; `tier` is the one it was granted at."""

    program: Program
    tier: str
    points: int
    growth: int
    cash_fen: int
    tallies: Sequence[Tally]
    coupons: Sequence[Coupon]
    failures: Sequence[Failure]


def placed(buyer: Buyer, order_id: str, at: datetime, order: Order) -> Placed | None:
    """A recorded order to be run again; None for one that was refunded in full."""
    if order.amount and not order.rest:
        return None
    lines = [
        line._replace(
            quantity=max(line.quantity - back.quantity, 1), amount_fen=line.amount_fen - back.amount
        )
        for line in order.lines
        if (back := order.returned.get(line.line_id, _NOTHING_RETURNED)).amount < line.amount_fen
        or not line.amount_fen
    ]
    if order.unallocated:  # it lies on all lines alike
        shares = spread(order.rest, [line.amount_fen for line in lines]) if lines else []
        lines = [line._replace(amount_fen=share) for line, share in zip(lines, shares, strict=True)]
    return Placed(buyer, order_id, at, order.rest, tuple(lines), order.channel)


class Run:
    """Members as they would stand, order by order; orders come in the order of their time."""

    def __init__(self, rules: Rules) -> None:
        self.members: dict[str, Member] = {}
        self._rules = rules
        self._codes = count(1)
        self._shelf = ReadingShelf(rules.templates, new_code=lambda: f"backtest-{next(self._codes)}")
        self._drawn: dict[str, int] = {}  # of each budget
        self._roster = Roster({})
        self._roster_of: tuple[Mapping[Trigger, Sequence[Campaign]], date] | None = None
        # Only a window that decides the tier looks back at orders: else a member is no more than their sums.
        self._keeps_lots = any(counts_all_lots(program) for program in rules.programs.values())

    def place(self, order: Placed) -> Granted:
        """Let the order happen."""
        context = self._context(order.at)
        member = self.members.get(order.buyer.member_id) or self._join(order.buyer, context)
        if is_due(member.account, context.now):
            mature(member, context)
        tier = member.account.tier
        accrual = Accrue(
            member_id=member.account.member_id,
            order_id=order.order_id,
            amount=order.amount_fen,
            items=order.lines,
            channel=order.channel,
        )
        changes = list(self._happen(member, accrual, context))
        if member.account.review is not None and order.buyer.is_approved:
            approval = DecideReview(
                member_id=member.account.member_id,
                review=member.account.review,
                approve=True,
                reason="approved then",
            )
            changes += self._happen(member, approval, context)
        self._forget(member, context)
        failures, self._roster.failures = self._roster.failures, []
        entries = [each.entry for each in changes if each.entry is not None]
        return Granted(
            context.program,
            tier,
            sum(entry.points for entry in entries),
            sum(entry.growth for entry in entries),
            sum(entry.cash for entry in entries),
            [tally for each in changes for tally in each.tallies],
            [coupon for each in changes for coupon in each.coupons],
            failures,
        )

    def _join(self, buyer: Buyer, context: Context) -> Member:
        """The member as before their first order."""
        change = decide(self.members, Enrol(member_id=buyer.member_id), context)
        member = Member(change.account)
        member.traits = buyer.traits
        self.members[buyer.member_id] = member
        points, spend_fen, growth = buyer.opening
        if any(buyer.opening):
            opening = Import(
                member_id=buyer.member_id,
                reference="opening",
                joined_at=min(buyer.joined_at, context.now),
                points=points,
                spend=spend_fen,
                growth=growth,
            )
            self._decide(member, opening, context)
            self._forget(member, context)
        member.account = member.account._replace(joined_at=buyer.joined_at)
        return member

    def _happen(self, member: Member, command: Command, context: Context) -> Iterator[Change]:
        """The command, and what follows from it as it does live: missions completed, campaigns of rising."""
        before = member.account
        change = self._decide(member, command, context)
        yield change
        for following in follow_ups(before, change, context):
            yield from self._happen(member, following, context)

    def _decide(self, member: Member, command: Command, context: Context) -> Change:
        change = decide(self.members, command, context)
        member.apply(change)
        context.shelf.put(change.counters, change.codes)
        context.campaigns.draw(change.draws)
        for budget, points in change.draws.items():
            self._drawn[budget] = self._drawn.get(budget, 0) + points
        return change

    def _context(self, now: datetime) -> Context:
        program = self._rules.program_at(now)
        today = local_date(now, program.timezone)
        open_now = self._rules.open_at(now)
        if self._roster_of is None or self._roster_of[0] is not open_now or self._roster_of[1] != today:
            self._roster_of = open_now, today
            left = self._left(open_now, today)
            self._roster = Roster(open_now, left=left, all_shares=left, ask=self._rules.ask)
        return Context(now, today, program, self._rules.programs, CALLER, self._shelf, self._roster)

    def _left(self, open_now: Mapping[Trigger, Sequence[Campaign]], today: date) -> dict[str, int]:
        """What is left of the budgets of the campaigns open."""
        left: dict[str, int] = {}
        for campaign in (each for campaigns in open_now.values() for each in campaigns):
            for budget in budgets_of(campaign, today.isoformat()):
                most = campaign.budget.points if budget == campaign.campaign else campaign.budget.per_day
                left[budget] = max((most or 0) - self._drawn.get(budget, 0), 0)
        return left

    def _forget(self, member: Member, context: Context) -> None:
        """Keep of the member only what later orders ask for, so that a million of them fit."""
        account = member.account._replace(benefits_at=None)
        if not self._keeps_lots:
            member.lots.clear()
            account = account._replace(
                available=0,
                lot_floor=account.lot_count + 1,
                due_at=tier_due_at(account, context.program),
                next_expires_at=None,
                next_expires_points=0,
                coupon_due_at=None,
            )
        member.orders.clear()
        member.account = account
