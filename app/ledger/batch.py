"""One batch: commands decided one after another on locked rows, saved and committed together.

A refusal is decided before anything is written, so it fails its own command alone. What falls due on a member is
written down before the first command on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import structlog

from app.domain.account import Account, Budget, Entry
from app.domain.answers import answer, has_answer
from app.domain.benefits import templates_given
from app.domain.calendar import local_date
from app.domain.campaigns import Trigger
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
from app.domain.roster import NO_CAMPAIGNS
from app.domain.shelf import EMPTY_SHELF, NeedsMore
from app.domain.status import status
from app.ledger.budgets import drawn, lock_budgets
from app.ledger.campaign_failures import Untold
from app.ledger.campaign_rack import Ahead, CampaignRack
from app.ledger.claims import Claim, Claimed, claim_keys, keep_answers
from app.ledger.connection import Connection
from app.ledger.fill import fill
from app.ledger.load import Locked, load, lock_accounts
from app.ledger.needs import Again, Needs
from app.ledger.outcome import Outcome
from app.ledger.people import erase_person, read_known, save_person
from app.ledger.plan import Directory, Found, find, lock
from app.ledger.rack import TemplateRack
from app.ledger.referrers import with_referrers
from app.ledger.rulebook import Rulebook, VersionUnknown
from app.ledger.rush import refuse_exhausted
from app.ledger.save import Saving, save
from app.ledger.wants import Wants, by_member, moments_of, not_before_last
from app.security.pii import PiiRing

SYSTEM = "system"
log = structlog.get_logger(__name__)


class Request(NamedTuple):
    """A command as it came in: who gave it, and the idempotency key it came with, if any."""

    command: Command
    caller: Caller
    claim: Claim | None = None


class InternalError(Exception):
    """A command that broke rather than being refused; the log has the reason."""


Result = Outcome | LoyaltyError | InternalError


class Known(NamedTuple):
    """What a process knows of the rules and of whose what is, from one batch to the next."""

    rulebook: Rulebook
    rack: TemplateRack
    campaigns: CampaignRack
    directory: Directory
    pii: PiiRing | None = None  # opens birthdays; without it none is known


class Batch:
    """The working state of one batch, from its locked rows to what is to be saved.

    `lost_at`: when the same requests were decided before, if the connection was lost on that and they may have
    been committed.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        *,
        known: Known,
        lost_at: datetime | None = None,
        needs: Needs | None = None,
    ) -> None:
        self.requests = requests
        self.known = known
        self.rulebook = known.rulebook
        self.lost_at = lost_at
        self.needs = needs or Needs()
        self.needs_more: Needs | None = None  # of what some decision turned out to need
        self.shelf = EMPTY_SHELF
        self.roster = NO_CAMPAIGNS
        self.ahead: dict[Trigger, Ahead] = {}  # what campaigns may need, by the triggers of the commands
        self.fired: list[Ahead] = []  # of those that pay
        self.shares: list[Budget] = []  # of budgets, locked
        self.commands: list[Command] = []  # those of the requests, and those that follow from them
        self.holders: dict[str, str] = {}  # of the checkouts named
        self.exhausted: dict[str, int] = {}  # templates whose stock is given out, each at its revision
        self.spent: list[str] = []  # budgets of which nothing is left
        self.untold: Mapping[str, Untold] = {}  # what campaigns failed at
        self.has_told = False
        self.now: datetime | None = None  # once it is known
        self.members: dict[str, Member] = {}
        self.entries: dict[tuple[str, str], tuple[Entry, Mapping[str, Any]]] = {}
        self.saving = Saving()
        self.people: list[tuple[str, Mapping[str, Any] | None, datetime]] = []
        self.claimed: dict[bytes, Claimed] = {}
        self.moments: dict[str, datetime] = {}  # of each member found, when the batch happens to them

    async def run(
        self, connection: Connection, *, clock: str, more_wait: Callable[[], bool] = lambda: False
    ) -> list[Result]:
        """Decide and save every command in one transaction; the results in the order of the requests.

        If `more_wait()` at the end, the commit opens the next batch's transaction in the same round trip.
        """
        if not connection.is_in_transaction():
            await connection.execute("BEGIN")
        try:
            found = await find(
                connection,
                [request.command for request in self.requests],
                rack=self.known.rack,
                directory=self.known.directory,
            )
            commands = await with_referrers(connection, found.commands)
            self._take_over(found._replace(commands=commands))
            results: dict[int, Result] = {}
            results |= await refuse_exhausted(
                connection, [(request.command, request.claim) for request in self.requests], self.known.rack
            )
            if len(results) < len(self.requests):
                await self._carry_out(connection, found, results, clock=clock)
            await connection.execute("COMMIT; BEGIN" if more_wait() else "COMMIT")
        except BaseException:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise
        self.known.directory.keep(self.saving.checkout_keys)
        self.known.rack.note_exhausted(self.exhausted)
        self.known.campaigns.note_spent(self.spent)
        if self.untold:
            self.known.campaigns.failures.note(self.untold, is_told=self.has_told)
        return [results[position] for position in range(len(self.requests))]

    async def _carry_out(
        self, connection: Connection, found: Found, results: dict[int, Result], *, clock: str
    ) -> None:
        """Decide and save the commands that have no result yet, and note theirs."""
        requests = {
            position: request for position, request in enumerate(self.requests) if position not in results
        }
        # The first to come with a key claims it; backwards, so that it is the one that stays.
        claims = {
            request.claim.key: request.claim for request in reversed(requests.values()) if request.claim
        }
        if claims:
            self.claimed = await claim_keys(connection, claims.values())
        self.commands = [*(request.command for request in requests.values()), *self.needs.commands]
        self._look_ahead()
        codes, counters = await lock(
            connection, found, rack=self.known.rack, counters=self.needs.counters | self._templates_given()
        )
        self.shares = await lock_budgets(
            connection,
            {budget for ahead in self.fired for budget in ahead.budgets},
            whole=self.needs.budgets,
            share_of=self.known.campaigns.share_of,
        )
        locked = await lock_accounts(
            connection, {member for command in self.commands for member in command.members}, clock=clock
        )
        await self._keep_up(connection, locked)
        self.shelf = self.known.rack.shelf(counters=counters, codes=codes)
        await self._load(connection, locked)
        self._mature(locked)
        for position, request in requests.items():
            results[position] = self._result(request, locked.now)
        if self.needs_more is not None:
            raise Again(self.needs_more)
        await self._save(connection)

    async def _keep_up(self, connection: Connection, locked: Locked) -> None:
        """Learn the rules, templates and campaigns as they are once everything is locked."""
        known = self.known
        if locked.newest_publication > self.rulebook.newest:
            await self.rulebook.refresh(connection)
        await known.rack.keep_up(connection, locked.newest_revision)
        if locked.newest_campaigns > known.campaigns.newest:
            await known.campaigns.refresh(connection)
            self._look_ahead()

    def _look_ahead(self) -> None:
        """Find what campaigns may need for these commands."""
        campaigns = self.known.campaigns
        if campaigns.has_live:
            fired: set[Trigger | None] = {command.fires for command in self.commands}
            told: set[Trigger | None] = {command.foretells for command in self.commands}
            self.ahead = {
                trigger: campaigns.ahead(trigger) for trigger in fired | told if trigger is not None
            }
            self.fired = [self.ahead[trigger] for trigger in fired if trigger is not None]

    def _templates_given(self) -> frozenset[str]:
        """The templates of which the commands may give coupons by the program or by campaigns: of one not named here
        yet, what falls due asks by itself.
        """
        boosted = frozenset(template for ahead in self.fired for template in ahead.templates)
        occasions = frozenset(on for command in self.commands for on in command.gives)
        if not occasions:
            return boosted
        return boosted | templates_given(self.rulebook.lately, occasions)

    # --- plan ---------------------------------------------------------------------------------------------

    def _take_over(self, found: Found) -> None:
        """Go on with the commands as they were found, each with its member."""
        self.requests = [
            request if request.command is command else request._replace(command=command)
            for request, command in zip(self.requests, found.commands, strict=True)
        ]
        self.holders = found.holders

    # --- load ---------------------------------------------------------------------------------------------

    async def _load(self, connection: Connection, locked: Locked) -> None:
        self.now = locked.now
        self.program = self.rulebook.at(locked.now)
        self.roster = self.known.campaigns.roster(
            locked.now, self.program, rows=self.shares, whole=self.needs.budgets
        )
        self.moments = moments_of(self.commands, locked)
        for member_id, account in locked.accounts.items():
            self.members[member_id] = Member(account)
        wanted = Wants(
            self.commands,
            accounts=locked.accounts,
            moments=self.moments,
            program=self.program,
            shelf=self.shelf,
            asks_for_traits=self.known.rack.asks_for_traits,
            ahead=self.ahead,
        ).all(self.needs, lost_at=self.lost_at)
        templates, periods = by_member(wanted.template_coupons), by_member(wanted.progress)
        for member_id, member in self.members.items():
            member.sees_all_lots = member_id in wanted.lots or not member.account.lot_count
            member.sees_wallet = member_id in wanted.wallets
            member.sees_referral = member_id in wanted.referrals
            member.sees_templates = frozenset(templates.get(member_id, ()))
            member.periods = frozenset(periods.get(member_id, ()))
        loaded = await load(connection, wanted)
        versions = {row.program_version for rows in (loaded.lots, loaded.redemptions) for row in rows}
        if not versions <= self.rulebook.programs.keys():  # the locks were waited for meanwhile
            raise VersionUnknown
        await read_known(connection, self.commands, self.members, self.known.pii)
        if any(coupon.template not in self.known.rack.templates for coupon in loaded.coupons):
            await self.known.rack.refresh(connection)  # made since the rack was filled
        self.entries |= fill(self.members, loaded, self.known.pii)

    def _mature(self, locked: Locked) -> None:
        """Bring every member on whom something fell due up to date, before any command on them."""
        caller = Caller(SYSTEM, "maturity")
        for member_id, account in locked.accounts.items():
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

    # --- decide -------------------------------------------------------------------------------------------

    def _result(self, request: Request, now: datetime) -> Result:
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
        known, is_own = self._known(request, context.today)
        if claim is not None and (kept := self.claimed[claim.key].outcome_for(claim)) is not None:
            return kept._replace(replayed=not is_own)
        if known is not None:
            body = self._repeated(command, *known)
            outcome = Outcome(created=is_own, body=body, replayed=not is_own)
        else:
            self._check_named(command)
            change = decide(self.members, command, context)
            body = self._take_in(change, context)
            outcome = Outcome(created=self._makes_something(command, member), body=body)
        if claim is not None:
            self.claimed[claim.key].outcome = outcome
        return outcome

    def _known(self, request: Request, today: date) -> tuple[tuple[Entry, Mapping[str, Any]] | None, bool]:
        """The entry the command wrote before, if any, and whether this very request wrote it: after a lost
        connection it finds what it had committed itself, also if that was before midnight.
        """
        command, request_id = request.command, request.caller.request_id
        if self.lost_at is not None:
            then = local_date(self.lost_at, self.program.timezone)
            for day in (today, then):
                key = command.natural_key(day)
                known = None if key is None else self.entries.get((command.member_id, key))
                if known is not None and known[0].request_id == request_id:
                    return known, True
        key = command.natural_key(today)
        return (None if key is None else self.entries.get((command.member_id, key))), False

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
        told = {name: person[name] for name in ("gender", "region", "attributes") if name in person}
        sealed = person.get("birthday")
        if sealed is not None and self.known.pii is not None:
            told["birthday_month"] = self.known.pii.birthday_month(sealed, member_id=member.account.member_id)
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
            self._take_in(followed, system)

    def _status(self, member: Member, *, now: datetime | None = None) -> dict[str, Any]:
        return status(
            member.account,
            lots=member.lots.values(),
            now=now or member.account.last_at or member.account.joined_at,
            program=self.program,
            programs=self.rulebook.programs,
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
        today = local_date(now, self.program.timezone)
        return Context(now, today, self.program, self.rulebook.programs, caller, self.shelf, self.roster)

    # --- save ---------------------------------------------------------------------------------------------

    async def _save(self, connection: Connection) -> None:
        if self.saving.draws:
            self._draw()
        self.spent = [budget for budget in self.needs.budgets if not self.roster.left(budget, 1)]
        await save(connection, self.saving)
        for member_id, person, now in self.people:
            if person is None:
                await erase_person(connection, member_id)
            else:
                await save_person(connection, member_id, person, now=now)
        failures = self.known.campaigns.failures
        self.untold = failures.with_more(self.roster.failures, self.now)
        self.has_told = await failures.tell(connection, self.untold)
        if self.claimed:
            await keep_answers(connection, self.claimed.values())

    def _draw(self) -> None:
        """Take what campaigns paid from the shares of their budgets."""
        draws, whole = self.saving.draws, self.needs.budgets
        for row in drawn(self.shares, draws, whole=whole, share_of=self.known.campaigns.share_of):
            self.saving.budgets[row.budget, row.share_of] = row
