"""The decisions of a batch: command after command, each on what the one before left, with what follows from it.

A refusal fails its own command alone. What turns out to need more than was loaded is noted: all is decided again then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import structlog

from app.domain.account import Account, Entry
from app.domain.answers import answer, has_answer
from app.domain.calendar import local_date
from app.domain.campaign_commands import PayCampaign
from app.domain.checkout_commands import CheckoutAlreadyExists, CheckoutCommand
from app.domain.checkout_errors import CheckoutNotFound
from app.domain.command import Command
from app.domain.commands import Enrol
from app.domain.coupon_commands import CouponCommand
from app.domain.coupon_errors import CouponExhausted, CouponNeedsMember, CouponNotFound
from app.domain.decisions import decide
from app.domain.errors import LoyaltyError, OrderAlreadyAccrued
from app.domain.follow_ups import follow_ups
from app.domain.maturity import is_due, mature
from app.domain.posting import Caller, Change, Context, Member
from app.domain.program import Program
from app.domain.roster import Roster
from app.domain.shelf import NeedsMore, Shelf
from app.domain.status import status
from app.ledger.claims import Claimed
from app.ledger.needs import Needs
from app.ledger.outcome import Outcome
from app.ledger.request import SYSTEM, InternalError, Request, Result
from app.ledger.save import Saving
from app.ledger.wants import not_before_last
from app.security.pii import PiiRing

log = structlog.get_logger(__name__)

Written = dict[tuple[str, str], tuple[Entry, Mapping[str, Any]]]
"""Entries by member and natural key, each with its detail."""


@dataclass(slots=True, kw_only=True)
class Deciding:
    """The members of a batch as they stand, and what becomes of them."""

    members: dict[str, Member]
    entries: Written  # found, and written here
    moments: Mapping[str, datetime]  # of each member found, when the batch happens to them
    program: Program
    programs: Mapping[int, Program]
    shelf: Shelf
    roster: Roster
    holders: dict[str, str]  # of the checkouts named
    claimed: Mapping[bytes, Claimed]
    needs: Needs
    pii: PiiRing | None
    saving: Saving = field(default_factory=Saving)
    people: list[tuple[str, Mapping[str, Any] | None, datetime]] = field(
        default_factory=list[tuple[str, Mapping[str, Any] | None, datetime]]
    )
    exhausted: dict[str, int] = field(default_factory=dict[str, int])  # templates, each at its revision
    _lately: tuple[datetime | None, date] = (None, date.min)  # the moment last asked for, and its day
    needs_more: Needs | None = None  # what some decision turned out to need, with what was needed before

    def mature(self, accounts: Mapping[str, Account]) -> None:
        """Bring every member on whom something fell due up to date, before any command on them."""
        caller = Caller(SYSTEM, "maturity")
        for member_id, account in accounts.items():
            now = self.moments[member_id]
            if not is_due(account, now):
                continue
            context = self._context(now, caller)
            try:
                changes = mature(self.members[member_id], context)
                for change in changes:
                    self._keep(change)
                before = account
                for change in changes:  # all of which the member has gone through already
                    self._follow_up(before, change, context)
                    before = change.account
            except NeedsMore as more:
                self._note(more)

    def result(self, request: Request, now: datetime) -> Result:
        try:
            return self._outcome(request, now)
        except LoyaltyError as refusal:
            template = request.command.template_issued
            if isinstance(refusal, CouponExhausted) and template is not None:
                self.exhausted[template] = self.shelf.templates[template].revision
            return refusal
        except NeedsMore as more:
            self._note(more)
            return InternalError()  # nobody gets it: all is decided again
        except Exception:
            log.exception("command_broke", kind=request.command.kind, request_id=request.caller.request_id)
            return InternalError()

    def _note(self, more: NeedsMore) -> None:
        self.needs_more = (self.needs_more or self.needs).with_more(more)

    def _outcome(self, request: Request, now: datetime) -> Outcome:
        command, claim = request.command, request.claim
        member = self.members.get(command.member_id)
        for other in command.members:
            if (party := self.members.get(other)) is not None:
                now = not_before_last(party.account, max(now, self.moments.get(other, now)))
        context = self._context(now, request.caller)
        if claim is not None and (kept := self.claimed[claim.key].outcome_for(claim)) is not None:
            return kept._replace(replayed=True)
        key = command.natural_key(context.today)
        known = None if key is None else self.entries.get((command.member_id, key))
        if known is not None:
            body = self._repeated(command, *known)
            outcome = Outcome(created=False, body=body, replayed=True)
        else:
            self._check_named(command)
            change = decide(self.members, command, context)
            body = self._take_in(change, context)
            outcome = Outcome(created=self._makes_something(command, member), body=body)
        if claim is not None:
            self.claimed[claim.key].outcome = outcome
        return outcome

    def _check_named(self, command: Command) -> None:
        """Raises CheckoutNotFound, CouponNotFound, CouponNeedsMember of a command whose member was not found, and
        CheckoutAlreadyExists of one that makes what another member has.
        """
        if not command.member_id and isinstance(command, CheckoutCommand):
            raise CheckoutNotFound
        if not command.member_id and isinstance(command, CouponCommand):
            raise CouponNeedsMember if command.code in self.shelf.codes else CouponNotFound
        made = command.checkout_made
        if made is not None and self.holders.get(made, command.member_id) != command.member_id:
            raise CheckoutAlreadyExists

    def _repeated(self, command: Command, entry: Entry, detail: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of the entry this command wrote before. Raises the command's `clash` if it differs."""
        if entry.content != command.content():
            raise OrderAlreadyAccrued if entry.kind == "accrue" else command.clash()
        if command.checkout_named is not None:
            detail = {**self.members[entry.member_id].held.get(command.checkout_named, {}), **detail}
        return (
            answer(entry, detail) if has_answer(entry.kind) else self._status(self.members[entry.member_id])
        )

    @staticmethod
    def _makes_something(command: Command, member: Member | None) -> bool:
        return member is None if isinstance(command, Enrol) else True

    def _take_in(self, change: Change, context: Context) -> dict[str, Any]:
        """Apply a change, keep its rows to be saved, and render its answer."""
        parts = (change,) if change.other is None else (change, change.other)
        before = [self._apply(part) for part in parts]
        member = self.members[change.account.member_id]
        if change.person or change.erases_person:
            self.people.append((change.account.member_id, change.person, context.now))
            self._learn(member, change.person or {})
        for account, part in zip(before, parts, strict=True):
            self._follow_up(account, part, context)
        if change.entry is not None and has_answer(change.entry.kind):
            return answer(change.entry, change.detail)
        return self._status(member, now=context.now)

    def _apply(self, change: Change) -> Account | None:
        """Take in what a change does to one member; the account before it, None of one who has just joined."""
        member_id = change.account.member_id
        member = self.members.get(member_id)
        before = None if member is None else member.account
        if member is None:
            member = self.members[member_id] = Member(change.account)
            self.saving.joined.add(member_id)
            self.saving.accounts[member_id] = change.account
        member.apply(change)
        self._keep(change)
        self.shelf.put(change.counters, change.codes)
        return before

    def _learn(self, member: Member, person: Mapping[str, Any]) -> None:
        """Know of the person at once what conditions may ask."""
        told = {name: person[name] for name in ("gender", "region") if name in person}
        if "attributes" in person:
            told["attributes"] = json.loads(person["attributes"] or "{}")
        sealed = person.get("birthday")
        if sealed is not None and self.pii is not None:
            told["birthday_month"] = self.pii.birthday_month(sealed, member_id=member.account.member_id)
        member.traits = {**member.traits, **told}

    def _follow_up(self, before: Account | None, change: Change, context: Context) -> None:
        """Decide what follows from a change that was taken in. Raises NeedsMore where that is not loaded."""
        if before is change.account:
            return
        for command in follow_ups(before, change, context):
            key = command.natural_key(context.today)
            if (command.member_id, key) in self.entries:
                continue
            is_new = command.members == (change.account.member_id,) and before is None
            if command not in self.needs.commands and not is_new:
                raise NeedsMore(commands=frozenset({command}))
            system = context._replace(caller=Caller(SYSTEM, context.caller.request_id))
            try:
                followed = decide(self.members, command, system)
            except LoyaltyError as refusal:
                log.info("follow_up_refused", kind=command.kind, code=refusal.code)
                continue
            except NeedsMore:
                raise
            except Exception:  # what it follows from is done, and stays so
                log.exception("follow_up_broke", kind=command.kind)
                if isinstance(command, PayCampaign):
                    self.roster.failed(command.campaign, "it broke.")
                continue
            self._take_in(followed, system)

    def _status(self, member: Member, *, now: datetime | None = None) -> dict[str, Any]:
        return status(
            member.account,
            lots=member.lots.values(),
            now=now or member.account.last_at or member.account.joined_at,
            program=self.program,
            programs=self.programs,
        )

    def _keep(self, change: Change) -> None:
        """Note what an applied change wrote, to be found and to be saved."""
        member_id = change.account.member_id
        if change.entry is not None:
            self.entries[member_id, change.entry.key] = change.entry, change.detail
            if change.entry.kind == "hold" and change.checkout is not None:
                self.holders[change.checkout.checkout_id] = member_id
        self.saving.keep(change)
        self.roster.draw(change.draws)

    def _context(self, now: datetime, caller: Caller) -> Context:
        if now != self._lately[0]:
            self._lately = now, local_date(now, self.program.timezone)
        return Context(now, self._lately[1], self.program, self.programs, caller, self.shelf, self.roster)
