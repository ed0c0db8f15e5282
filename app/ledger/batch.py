"""One batch: what its commands need is locked and read, all is decided (`deciding.py`), saved and committed together.

What falls due on a member is written down before the first command on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import structlog

from app.domain.account import Account, Budget
from app.domain.benefits import templates_given
from app.domain.campaigns import Trigger
from app.domain.command import Command
from app.domain.commands import Accrue
from app.domain.occasions import on_rising
from app.domain.posting import Member
from app.domain.program import Program
from app.domain.roster import Roster
from app.domain.shelf import Shelf
from app.domain.standing import tier_foreseen
from app.ledger.budgets import Drawing, drawn
from app.ledger.campaign_failures import Untold
from app.ledger.campaign_rack import Ahead, CampaignRack
from app.ledger.claims import Claimed, claim_keys, keep_answers
from app.ledger.connection import Connection
from app.ledger.deciding import Deciding
from app.ledger.fill import fill
from app.ledger.load import load
from app.ledger.locks import Locked, lock_accounts, read_clock
from app.ledger.needs import Again, Needs
from app.ledger.people import read_known, save_people
from app.ledger.plan import Directory, Found, find, lock, names_members_alone
from app.ledger.rack import TemplateRack
from app.ledger.referrers import with_referrers
from app.ledger.request import Request, Result
from app.ledger.rulebook import Rulebook, VersionUnknown
from app.ledger.rush import refuse_exhausted
from app.ledger.save import save
from app.ledger.unheard import Unheard, results_of
from app.ledger.wants import Wants, by_member, moments_of
from app.security.pii import PiiRing

log = structlog.get_logger(__name__)


Latecomers = Callable[[Callable[[Request], bool]], Sequence[Request]]
"""Takes those of the requests that wait for which the question is answered with yes, from the first to the last."""


def nobody(_may_join: Callable[[Request], bool]) -> Sequence[Request]:
    """Where none is to join."""
    return ()


class Known(NamedTuple):
    """What a process knows of the rules and of whose what is, from one batch to the next."""

    rulebook: Rulebook
    rack: TemplateRack
    campaigns: CampaignRack
    directory: Directory
    pii: PiiRing | None = None  # opens birthdays; without it none is known


class Batch:
    """The working state of one batch, from its locked rows to what is to be saved.

    `unheard`: earlier tries of the same requests that may have been committed; this one comes to them once it may be.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        *,
        known: Known,
        needs: Needs | None = None,
        unheard: Sequence[Unheard] = (),
    ) -> None:
        self.requests = requests
        self.known = known
        self.rulebook = known.rulebook
        self.needs = needs or Needs()
        self.ahead: dict[Trigger, Ahead] = {}  # what campaigns may need, by the triggers of the commands
        self.fired: list[Ahead] = []  # of those that pay
        self.shares: list[Budget] = []  # of budgets, locked
        self.commands: list[Command] = []  # those of the requests, and those that follow from them
        self.holders: dict[str, str] = {}  # of the checkouts named
        self.spent: list[str] = []  # budgets of which nothing is left
        self.untold: Mapping[str, Untold] = {}  # what campaigns failed at
        self.has_told = False
        self.now: datetime | None = None  # once it is known
        self.claimed: dict[bytes, Claimed] = {}
        self.decided: Deciding | None = None  # once it is saved
        self.unheard = unheard

    async def run(
        self,
        connection: Connection,
        *,
        clock: str,
        more_wait: Callable[[], bool] = lambda: False,
        latecomers: Latecomers = nobody,
    ) -> list[Result]:
        """Decide and save every command in one transaction, unless that is done; the results in the order of the
        requests, then of the `latecomers` that joined while the locks were waited for.

        If `more_wait()` at the end, the commit opens the next batch's transaction in the same round trip.
        """
        if self.unheard and (answered := await results_of(connection, self.unheard)) is not None:
            return answered
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
                await self._carry_out(connection, found, results, clock=clock, latecomers=latecomers)
            answered = [results[position] for position in range(len(self.requests))]
            if self.decided is not None and self.decided.saving.entries:
                self.unheard = [*self.unheard, Unheard(self.decided.saving.entries, answered)]
            await connection.execute("COMMIT; BEGIN" if more_wait() else "COMMIT")
        except BaseException:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise
        if self.decided is not None:
            self.known.directory.keep(self.decided.saving.checkout_keys)
            self.known.rack.note_exhausted(self.decided.exhausted)
        self.known.campaigns.note_spent(self.spent)
        if self.untold:
            self.known.campaigns.failures.note(self.untold, is_told=self.has_told)
        return answered

    async def _carry_out(
        self,
        connection: Connection,
        found: Found,
        results: dict[int, Result],
        *,
        clock: str,
        latecomers: Latecomers,
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
        locked = await lock_accounts(
            connection,
            {member for command in self.commands for member in command.members},
            clock=clock,
            drawing=Drawing(
                {budget for ahead in self.fired for budget in ahead.budgets},
                self.needs.budgets,
                self.known.campaigns.share_of,
            ),
        )
        if late := latecomers(partial(self._may_join, locked.accounts)):
            requests |= enumerate(late, start=len(self.requests))
            self.requests = [*self.requests, *late]
            self.commands += [request.command for request in late]
            # None of them happens before it was asked.
            locked = locked._replace(now=max(locked.now, await read_clock(connection, clock)))
        self.shares = locked.shares
        await self._keep_up(connection, locked)
        shelf = self.known.rack.shelf(counters=counters, codes=codes)
        deciding = await self._load(connection, locked, shelf)
        deciding.mature(locked.accounts)
        for position, request in requests.items():
            results[position] = deciding.result(request, locked.now)
        if deciding.needs_more is not None:
            raise Again(deciding.needs_more)
        await self._save(connection, deciding)

    def _may_join(self, accounts: Mapping[str, Account], request: Request) -> bool:
        """Whether a request that came meanwhile needs no lock but those that are held: it asks of members who are
        locked what others of the batch ask, too. So who waits for a member whom many ask something of takes along all
        that came until then, instead of coming back and waiting for the next.
        """
        command = request.command
        return (
            request.claim is None
            and accounts.keys() >= set(command.members)
            and names_members_alone(command)
            and any(type(command) is type(other) and command.fires == other.fires for other in self.commands)
        )

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
            if "order" in fired:  # which may bring a new tier
                fired.add("tier_change")
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

    async def _load(self, connection: Connection, locked: Locked, shelf: Shelf) -> Deciding:
        """Read what the commands need; the members and everything else as decisions are handed them."""
        self.now = locked.now
        program = self.rulebook.at(locked.now)
        roster = self.known.campaigns.roster(locked.now, program, rows=self.shares, whole=self.needs.budgets)
        foreseen = self._foreseen(locked, program, roster)
        self.commands += foreseen
        moments = moments_of(self.commands, locked)
        members = {member_id: Member(account) for member_id, account in locked.accounts.items()}
        wanted = Wants(
            self.commands,
            accounts=locked.accounts,
            moments=moments,
            program=program,
            shelf=shelf,
            asks_for_traits=self.known.rack.asks_for_traits,
            ahead=self.ahead,
        ).all(self.needs)
        limited = frozenset(campaign for ahead in self.fired for campaign in ahead.limited)
        templates, periods = by_member(wanted.template_coupons), by_member(wanted.progress)
        for member_id, member in members.items():
            member.sees_all_lots = member_id in wanted.lots or not member.account.lot_count
            member.sees_wallet = member_id in wanted.wallets
            member.limited = limited
            member.sees_referral = member_id in wanted.referrals
            member.sees_gifts = member_id in wanted.gifts
            member.sees_templates = frozenset(templates.get(member_id, ()))
            member.periods = frozenset(periods.get(member_id, ()))
        loaded = await load(connection, wanted)
        granting = (loaded.lots, loaded.redemptions, loaded.activities, loaded.progress, loaded.entries)
        versions = {row.program_version for rows in granting for row in rows}
        if not versions <= self.rulebook.programs.keys():  # the locks were waited for meanwhile
            raise VersionUnknown
        await read_known(connection, self.commands, members, self.known.pii)
        if any(coupon.template not in self.known.rack.templates for coupon in loaded.coupons):
            await self.known.rack.refresh(connection)  # made since the rack was filled
        return Deciding(
            members=members,
            entries=fill(members, loaded, self.known.pii),
            moments=moments,
            program=program,
            programs=self.rulebook.programs,
            shelf=shelf,
            roster=roster,
            holders=self.holders,
            claimed=self.claimed,
            needs=self.needs._replace(commands=self.needs.commands.union(foreseen)),
            pii=self.known.pii,
        )

    def _foreseen(self, locked: Locked, program: Program, roster: Roster) -> list[Command]:
        """What campaigns of a new tier are going to be asked, where an order plainly brings one: what is found with
        the rest need not make the batch begin again.
        """
        found: list[Command] = []
        if roster.open("tier_change"):
            for command in self.commands:
                account = locked.accounts.get(command.member_id)
                if account is not None and isinstance(command, Accrue) and command.settle:
                    tier = tier_foreseen(account, command.amount, program)
                    if tier != account.tier:
                        found += on_rising(account, tier, program, roster)
        return found

    # --- save ---------------------------------------------------------------------------------------------

    async def _save(self, connection: Connection, deciding: Deciding) -> None:
        saving, roster = deciding.saving, deciding.roster
        for row in drawn(
            self.shares, saving.draws, whole=self.needs.budgets, share_of=self.known.campaigns.share_of
        ):
            saving.budgets[row.budget, row.share_of] = row
        self.spent = [budget for budget in self.needs.budgets if not roster.left(budget, 1)]
        await save(connection, saving, share_of=self.known.campaigns.share_of)
        await save_people(connection, deciding.people, joined=saving.joined)
        failures = self.known.campaigns.failures
        self.untold = failures.with_more(roster.failures, self.now)
        self.has_told = await failures.tell(connection, self.untold)
        if self.claimed:
            await keep_answers(connection, self.claimed.values())
        self.decided = deciding
