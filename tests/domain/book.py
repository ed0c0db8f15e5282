"""A ledger in memory: commands decided one after another as by the engine, each step held to the invariants.

The invariants are those of TARGETS.md, counted anew from the lots and the entries after every command.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain.account import Account, Entry, Lot
from app.domain.answers import answer, has_answer
from app.domain.calendar import local_date
from app.domain.commands import Command, Enrol
from app.domain.decisions import decide
from app.domain.expiry import points_due
from app.domain.maturity import is_due, mature
from app.domain.posting import Caller, Change, Context, Member
from app.domain.program import Program
from tests.domain.programs import DEFAULT

START = datetime(2026, 3, 5, 2, tzinfo=UTC)  # ten in the morning in Shanghai
CALLER = Caller("till", "request-1")


class Book:
    """Members and their entries. `now` moves by `later`; `do` decides a command and returns its answer."""

    def __init__(self, program: Program = DEFAULT, *members: str, now: datetime = START) -> None:
        self.program = program
        self.programs = {program.version: program}
        self.now = now
        self.members: dict[str, Member] = {}
        self.entries: dict[str, list[Entry]] = {}
        for member in members or ("m",):
            self.do(Enrol(member_id=member))

    def adopt(self, program: Program) -> None:
        """Put another version into force."""
        self.program = program
        self.programs[program.version] = program

    def later(self, **span: float) -> "Book":
        self.now += timedelta(**span)
        return self

    def context(self) -> Context:
        today = local_date(self.now, self.program.timezone)
        return Context(self.now, today, self.program, self.programs, CALLER)

    def mature(self, member_id: str) -> None:
        """Write down what fell due on a member, as comes before every command."""
        member = self.members.get(member_id)
        if member is not None and is_due(member.account, self.now):
            account = member.account
            for change in mature(member, self.context()):
                assert change.account.sequence - account.sequence == (change.entry is not None)
                self._record(change)
                account = change.account
            assert not is_due(member.account, self.now)
            self.check(member_id)

    def decide(self, command: Command) -> Change:
        """The change the command makes, taken in. Raises its refusal, which leaves everything as it was."""
        for member_id in command.members:
            self.mature(member_id)
        before = {name: (m.account, dict(m.lots)) for name, m in self.members.items()}
        try:
            change = decide(self.members, command, self.context())
        finally:
            assert before == {name: (m.account, m.lots) for name, m in self.members.items()}
        for part in (change, change.other):
            if part is not None:
                name = part.account.member_id
                self.members.setdefault(name, Member(part.account)).apply(part)
                self._record(part)
                self.check(name)
        return change

    def do(self, command: Command) -> dict[str, Any]:
        """Decide, and answer: the same from what was decided and from the entry as it is read again."""
        change = self.decide(command)
        entry = change.entry
        if entry is None or not has_answer(entry.kind):
            return {}
        body = answer(entry, change.detail)
        again = answer(entry, json.loads(entry.detail))
        assert json.loads(json.dumps(body)) == again
        return again

    # --- looking ------------------------------------------------------------------------------------------

    def account(self, member_id: str = "m") -> Account:
        return self.members[member_id].account

    def lot(self, number: int, member_id: str = "m") -> Lot:
        return self.members[member_id].lots[number]

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
        if change.entry is not None:
            self.entries.setdefault(change.account.member_id, []).append(change.entry)

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
        self._check_entries(account, self.entries.get(member_id, []))

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
        account = self.account(member_id)
        for redemption in self.members[member_id].redemptions.values():
            kept = sum(redemption.parts)
            if redemption.status == "reserved":
                assert kept == redemption.points
                assert redemption.hold_expires_at is not None
                assert account.hold_due_at is not None
                assert account.hold_due_at <= redemption.hold_expires_at
                for lot, part in zip(redemption.lots, redemption.parts, strict=True):
                    held[lot] = held.get(lot, 0) + part
            else:
                assert kept == redemption.committed - redemption.refunded
        reserved = {lot.lot: lot.reserved for lot in self.members[member_id].lots.values() if lot.reserved}
        assert held == reserved

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


def at(program: Program, *, version: int) -> Program:
    """The same rules as another version."""
    return Program.from_document(version, program.to_document())
