"""A ledger in memory: commands decided one after another as by the engine, each step held to the invariants.

The invariants are those of TARGETS.md, counted anew from the lots and the entries after every command.
"""

import json
from collections import Counter as Counted
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain.account import ORDERED, Account, Checkout, Code, Counter, Coupon, Entry, Lot, bucket_of
from app.domain.answers import answer, has_answer
from app.domain.calendar import local_date
from app.domain.command import Command
from app.domain.commands import Enrol
from app.domain.coupon_templates import Template
from app.domain.decisions import decide
from app.domain.expiry import points_due
from app.domain.follow_ups import follow_ups
from app.domain.maturity import is_due, mature
from app.domain.posting import Caller, Change, Context, Member
from app.domain.program import Program
from app.domain.shelf import Shelf
from tests.domain.due import due_dates
from tests.domain.programs import DEFAULT
from tests.domain.replay import Replay, check_rows

START = datetime(2026, 3, 5, 2, tzinfo=UTC)  # ten in the morning in Shanghai
CALLER = Caller("till", "request-1")


class Book:
    """Members and their entries. `now` moves by `later`; `do` decides a command and returns its answer.

    Coupons get the codes C1, C2, ...; `matches` tells whether a condition on a member holds.
    """

    def __init__(
        self,
        program: Program = DEFAULT,
        *members: str,
        now: datetime = START,
        templates: Iterable[Template] = (),
    ) -> None:
        self.program = program
        self.programs = {program.version: program}
        self.now = now
        self.members: dict[str, Member] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.replays: dict[str, Replay] = {}
        self.templates: dict[str, Template] = {}
        self.counters: dict[str, Counter] = {}
        self.codes: dict[str, Code] = {}
        self.matches: Callable[[str, Mapping[str, Any]], bool] = lambda _condition, _facts: True
        self._codes_made = 0
        for template in templates:
            self.offer(template)
        for member in members or ("m",):
            self.do(Enrol(member_id=member))

    def adopt(self, program: Program) -> None:
        """Put another version into force."""
        self.program = program
        self.programs[program.version] = program

    def offer(self, template: Template) -> None:
        """Put a template on the shelf, or another revision of one."""
        code = template.template
        self.templates[code] = template
        self.counters.setdefault(code, Counter(bucket_of(code), code, 0, 0))
        if template.public_code is not None:
            self._make_code(template.public_code, code, "public")

    def make_codes(self, template: str, *codes: str) -> None:
        """Codes for whoever brings them first; they take their stock now."""
        for code in codes:
            self._make_code(code, template, "unique")
        counter = self.counters[template]
        self.counters[template] = counter._replace(issued=counter.issued + len(codes))

    def _make_code(self, code: str, template: str, kind: str) -> None:
        self.codes[code] = Code(bucket_of(code), code, template, kind, None, None, self.now)

    def _new_code(self) -> str:
        self._codes_made += 1
        return f"C{self._codes_made}"

    def later(self, **span: float) -> "Book":
        self.now += timedelta(**span)
        return self

    def context(self) -> Context:
        today = local_date(self.now, self.program.timezone)
        shelf = Shelf(
            self.templates,
            counters=self.counters,
            codes=self.codes,
            new_code=self._new_code,
            matches=self.matches,
        )
        return Context(self.now, today, self.program, self.programs, CALLER, shelf)

    def mature(self, member_id: str) -> None:
        """Write down what fell due on a member, as comes before every command, and what follows from it."""
        member = self.members.get(member_id)
        if member is not None and is_due(member.account, self.now):
            account = member.account
            following: list[Command] = []
            for change in mature(member, self.context()):
                assert change.account.sequence - account.sequence == (change.entry is not None)
                self._record(change)
                following.extend(follow_ups(account, change, self.context()))
                account = change.account
            account = member.account
            assert (account.hold_due_at, account.due_at) == due_dates(member, self.now, self.program)
            self.check(member_id)
            self._follow(following)

    def decide(self, command: Command) -> Change:
        """The change the command makes, taken in. Raises its refusal, which leaves everything as it was."""
        for member_id in command.members:
            self.mature(member_id)
        before = self._rows()
        try:
            change = decide(self.members, command, self.context())
        finally:
            assert before == self._rows()
        self._check_named(command, change.entry)
        following: list[Command] = []
        for part in (change, change.other):
            if part is not None:
                name = part.account.member_id
                account = self.members[name].account if name in self.members else None
                self.members.setdefault(name, Member(part.account)).apply(part)
                self._record(part)
                self.check(name)
                following.extend(follow_ups(account, part, self.context()))
        self.check_referrals()
        self._follow(following)
        return change

    def _follow(self, commands: Iterable[Command]) -> None:
        """What follows from a change, each as an entry of its own, once."""
        for command in commands:
            key = command.natural_key(self.context().today)
            if all(entry.key != key for entry in self.entries.get(command.member_id, [])):
                self.decide(command)

    def do(self, command: Command) -> dict[str, Any]:
        """Decide, and answer: the same from what was decided and from the entry as it is read again."""
        change = self.decide(command)
        entry = change.entry
        if entry is None or not has_answer(entry.kind):
            return {}
        body = answer(entry, change.detail)
        held = self.members[entry.member_id].held.get(command.checkout_named or "", {})
        again = json.loads(json.dumps(answer(entry, {**held, **json.loads(entry.detail)})))
        assert json.loads(json.dumps(body)) == again
        return again

    def _rows(self) -> dict[str, tuple[Any, ...]]:
        return {
            name: (member.account, dict(member.lots), dict(member.coupons), dict(member.checkouts))
            for name, member in self.members.items()
        }

    # --- looking ------------------------------------------------------------------------------------------

    def account(self, member_id: str = "m") -> Account:
        return self.members[member_id].account

    def lot(self, number: int, member_id: str = "m") -> Lot:
        return self.members[member_id].lots[number]

    def coupon(self, code: str, member_id: str = "m") -> Coupon:
        return self.members[member_id].coupons[code]

    def checkout(self, checkout_id: str, member_id: str = "m") -> Checkout:
        return self.members[member_id].checkouts[checkout_id]

    def last(self, member_id: str = "m") -> Entry:
        return self.entries[member_id][-1]

    def detail(self, member_id: str = "m") -> dict[str, Any]:
        return json.loads(self.last(member_id).detail)

    def kinds(self, member_id: str = "m") -> list[str]:
        return [entry.kind for entry in self.entries.get(member_id, [])]

    def balances(self, member_id: str = "m") -> tuple[int, int, int, int]:
        """Available, pending, reserved, debt."""
        account = self.account(member_id)
        return account.available, account.pending, account.reserved, account.debt

    # --- invariants ---------------------------------------------------------------------------------------

    def _record(self, change: Change) -> None:
        check_rows(change)
        if change.entry is not None:
            self.entries.setdefault(change.account.member_id, []).append(change.entry)
            self.replays.setdefault(change.account.member_id, Replay()).take_in(change.entry)
            assert json.loads(json.dumps(change.detail)).items() >= json.loads(change.entry.detail).items()
            if change.entry.kind == "hold" and change.checkout is not None:  # as the next batch would read it
                held = self.members[change.account.member_id].held
                held[change.checkout.checkout_id] = json.loads(change.entry.detail)
        self.counters |= {counter.template: counter for counter in change.counters}
        self.codes |= {code.code: code for code in change.codes}

    def check(self, member_id: str) -> None:
        """The account agrees with its lots and with the replay of its entries; nothing is negative."""
        account, lots = self.account(member_id), list(self.members[member_id].lots.values())
        for lot in lots:
            parts = (lot.remaining, lot.reserved, lot.redeemed, lot.expired, lot.clawed_back, lot.moved)
            assert min(parts) >= 0
            assert lot.granted == sum(parts)
            assert lot.pending or lot.settle_at is None
            if lot.amount is not None:
                assert lot.refunded is not None
                assert 0 <= lot.refunded <= lot.amount
        settled = [lot for lot in lots if not lot.pending]
        assert account.available == sum(lot.remaining for lot in settled)
        assert account.pending == sum(lot.remaining for lot in lots if lot.pending)
        assert account.reserved == sum(lot.reserved for lot in lots)
        assert account.redeemed == sum(lot.redeemed for lot in lots)
        assert account.expired == sum(lot.expired for lot in lots)
        assert account.debt == 0 or account.available == 0
        assert min(account.debt, account.spend, account.orders) >= 0
        assert account.lot_count == max((lot.lot for lot in lots), default=0)
        self._check_dates(account, settled, lots)
        self._check_holds(member_id)
        self._check_coupons(member_id)
        self._check_counters()
        self._check_entries(account, self.entries.get(member_id, []))
        self.replays.get(member_id, Replay()).check(lots)
        reviews = self.members[member_id].reviews.values()
        waiting = [review.sequence for review in reviews if review.status == "open"]
        assert waiting == ([] if account.review is None else [account.review])

    def _check_named(self, command: Command, entry: Entry | None) -> None:
        """The entry is found again by the command, and knows what was asked."""
        key = command.natural_key(self.context().today)
        if entry is not None and key is not None:
            assert (entry.key, entry.content) == (key, command.content()), command

    def check_referrals(self) -> None:
        """Both sides of each invitation tell the same, and the inviter's figures are those of their invitations."""
        for name, member in self.members.items():
            referral, account = member.referral, member.account
            waits_for = None
            if referral is not None:
                invitation = self.members[referral.inviter].invitations[name]
                is_open = referral.order_id is None
                waits = (invitation.status == "bound", invitation.paid_at is None, referral.paid_at is None)
                assert waits == (is_open,) * 3
                assert not is_open or invitation.lot is referral.lot is None
                assert invitation.bound_at == referral.bound_at
                if referral.order_id is None and account.status != "erased":
                    waits_for = referral.inviter
            assert account.invited_by == waits_for
            invitations = member.invitations.values()
            if member.referrer is not None:
                paid = [invitation for invitation in invitations if invitation.status == "paid"]
                _, _, _, bound, paid_count, _, month_paid, earned = member.referrer
                assert (bound, paid_count) == (len(invitations), len(paid))
                assert 0 <= month_paid <= paid_count
                assert earned == sum(each.points + each.share_points for each in invitations)
            else:
                assert not invitations

    def _check_dates(self, account: Account, settled: Iterable[Lot], lots: Iterable[Lot]) -> None:
        for lot in lots:
            may_change = lot.remaining or lot.reserved or lot.settle_at
            assert not may_change or lot.lot >= account.lot_floor
            assert lot.settle_at is None or (account.due_at is not None and account.due_at <= lot.settle_at)
        next_at = min((lot.expires_at for lot in settled if lot.remaining and lot.expires_at), default=None)
        going = [lot for lot in settled if lot.remaining and lot.expires_at == next_at is not None]
        assert account.next_expires_at == next_at
        assert account.next_expires_points == sum(
            points_due(
                granted=lot.granted, remaining=lot.remaining, program=self.programs[lot.program_version]
            )
            for lot in going
        )
        assert next_at is None or (account.due_at is not None and account.due_at <= next_at)

    def _check_holds(self, member_id: str) -> None:
        held: dict[int, int] = {}
        spent: dict[int, int] = {}
        account, member = self.account(member_id), self.members[member_id]
        for redemption in member.redemptions.values():
            kept = sum(redemption.parts)
            if redemption.status == "reserved":
                assert kept == redemption.points
                _count(held, redemption.lots, redemption.parts)
                _check_falls_due(account.hold_due_at, redemption.hold_expires_at)
            else:
                assert kept == redemption.committed - redemption.refunded
                _count(spent, redemption.lots, redemption.parts)
        for checkout in member.checkouts.values():
            self._check_checkout(checkout, member)
            _count(held if checkout.status == "held" else spent, checkout.lots, checkout.parts)
            if checkout.status == "held":
                _check_falls_due(account.hold_due_at, checkout.hold_expires_at)
        assert held == {lot.lot: lot.reserved for lot in member.lots.values() if lot.reserved}
        assert spent == {lot.lot: lot.redeemed for lot in member.lots.values() if lot.redeemed}

    def _check_checkout(self, checkout: Checkout, member: Member) -> None:
        assert min(checkout.parts, default=1) > 0
        assert 0 <= checkout.points_refunded <= checkout.points
        assert 0 <= checkout.cash_refunded <= checkout.cash
        coupons = [member.coupons[code] for code in checkout.coupons]
        its_own = [coupon for coupon in coupons if coupon.reference == f"checkout/{checkout.checkout_id}"]
        match checkout.status:
            case "held":
                assert sum(checkout.parts) == checkout.points
                assert [coupon.status for coupon in its_own] == ["locked"] * len(coupons)
            case "cancelled" | "lapsed":
                assert checkout.parts == its_own == []
            case _:
                assert checkout.status in ORDERED
                assert sum(checkout.parts) == checkout.points - checkout.points_refunded
                assert checkout.checkout_id in member.orders
                assert {coupon.status for coupon in its_own} <= {"redeemed"}
                if checkout.status != "refunded":
                    assert its_own == coupons

    def _check_coupons(self, member_id: str) -> None:
        account, coupons = self.account(member_id), self.members[member_id].coupons
        usable = 0
        for coupon in coupons.values():
            assert self.codes[coupon.code].member_id == member_id
            if coupon.status == "issued":
                begins = coupon.valid_from > self.now
                usable += not begins
                _check_falls_due(account.coupon_due_at, coupon.valid_from if begins else coupon.valid_until)
            if coupon.status == "locked":
                _check_falls_due(account.coupon_due_at, coupon.lock_expires_at)
            assert (coupon.status in ("locked", "redeemed")) == (coupon.reference is not None)
            assert (coupon.reference is None) == (coupon.discount is None)
        assert account.coupons == usable
        _check_falls_due(account.due_at, account.coupon_due_at)

    def _check_counters(self) -> None:
        """What was given out is counted, and within the limits."""
        coupons = [coupon for member in self.members.values() for coupon in member.coupons.values()]
        for name, counter in self.counters.items():
            template = self.templates[name]
            given = [coupon for coupon in coupons if coupon.template == name]
            waiting = [
                code
                for code in self.codes.values()
                if (code.template, code.kind, code.member_id) == (name, "unique", None)
            ]
            assert counter.issued == len(given) + len(waiting)
            assert template.stock is None or counter.issued <= template.stock
            if template.budget_fen is not None:
                assert counter.discounted == sum(coupon.discount or 0 for coupon in given)
                assert counter.discounted <= template.budget_fen
            if template.per_member is not None:
                had = Counted(coupon.member_id for coupon in given if coupon.status != "voided")
                assert max(had.values(), default=0) <= template.per_member

    def _check_entries(self, account: Account, entries: list[Entry]) -> None:
        assert [entry.sequence for entry in entries] == list(range(1, account.sequence + 1))
        assert len({entry.key for entry in entries}) == len(entries)
        totals = (0, 0, 0, 0, 0, 0)
        last_at = None
        for entry in entries:
            changes = (entry.points, entry.pending, entry.reserved, entry.debt, entry.growth, entry.cash)
            totals = tuple(map(sum, zip(totals, changes, strict=True)))
            assert totals == (
                entry.points_after,
                entry.pending_after,
                entry.reserved_after,
                entry.debt_after,
                entry.growth_after,
                entry.cash_after,
            )
            assert last_at is None or entry.recorded_at >= last_at
            last_at = entry.recorded_at
        assert totals == (
            account.available,
            account.pending,
            account.reserved,
            account.debt,
            account.growth,
            account.cash,
        )
        assert account.last_at == last_at


def _count(into: dict[int, int], lots: Iterable[int], parts: Iterable[int]) -> None:
    for lot, part in zip(lots, parts, strict=True):
        into[lot] = into.get(lot, 0) + part


def _check_falls_due(known: datetime | None, at: datetime | None) -> None:
    """`known` is no later than the moment something falls due."""
    assert at is None or (known is not None and known <= at)


def at(program: Program, *, version: int) -> Program:
    """The same rules as another version."""
    return Program.from_document(version, program.to_document())
