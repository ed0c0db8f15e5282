"""The steps that the engine and a plain model of the rules take together (TARGETS.md, 4)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg

from app.actions.coupon_templates import create_template
from app.database import Database
from app.domain.carts import Cart, CartLine, Wish
from app.domain.checkout_commands import CancelCheckout, CompleteCheckout, HoldCheckout, RefundCheckout
from app.domain.command import Command
from app.domain.commands import (
    Accrue,
    Adjust,
    Cancel,
    Commit,
    Enrol,
    Mature,
    Redeem,
    Refund,
    Reverse,
    Settle,
    SignIn,
    Transfer,
)
from app.domain.coupon_commands import ClaimCoupon
from app.domain.errors import LoyaltyError
from app.ledger.engine import Engine
from app.ledger.outcome import Outcome
from tests.ledger.fair import put_live
from tests.ledger.fair_model import CAMPAIGNS
from tests.ledger.model import Member, Refused
from tests.ledger.shelf import make_codes
from tests.ledger.till import Till, request

BEGIN = datetime(2100, 1, 1, tzinfo=UTC)  # later than what the real clock dates: the program, coupon codes
STILL_CLOCK = f"timestamptz '{BEGIN.isoformat()}' + (SELECT ahead FROM clock)"
"""The sandbox's clock, with a beginning that stands in place of the real clock.

What is over is told by the moment a command is decided, which a slow machine has long after the model's: a hold of a
minute was over for the one and open for the other. So both have the same moment, and it moves by `World.wait` alone.
"""
MEMBERS = 3
CODES = 4  # of coupons, of each member
ACCOUNT = (
    "available, pending, reserved, debt, earned, redeemed, expired, spend, growth, cash, tier, streak, "
    "next_expires_at, next_expires_points, coupons"
)
LOT = "granted, remaining, reserved, redeemed, expired, clawed_back, moved, pending, refunded, expires_at"


class Held(NamedTuple):
    """What a member has: columns ACCOUNT of the account, and LOT of every lot."""

    account: tuple[Any, ...]
    lots: list[tuple[Any, ...]]


class World:
    """The service under test: an engine whose clock stands still, and the owner's connection that moves it."""

    def __init__(self, url: str, runner: asyncio.Runner) -> None:
        self._run = runner.run
        self.database = Database(url)
        self.engine = Engine(self.database.connect, is_sandbox=True)
        self.engine._clock = STILL_CLOCK
        self._now = BEGIN
        self.owner: asyncpg.Connection[Any] = self.run(asyncpg.connect(url))
        self.run(self.engine.start())
        seven_off = {"name": "7 off", "kind": "amount_off", "amount_off": 700, "threshold": 2_000}
        self.run(
            create_template(
                self.database,
                template="off",
                document={**seven_off, "valid": {"days": 1}, "budget": 10**9},
                clock=STILL_CLOCK,
            )
        )

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._run(work)

    def close(self) -> None:
        self.run(self.engine.stop())
        self.run(self.owner.close())
        self.run(self.database.dispose())

    def put_campaigns(self) -> None:
        """From now on those of `fair_model` are live."""
        till = Till(self.database, self.engine)
        for name, fields in CAMPAIGNS.items():
            terms = {key: value for key, value in fields.items() if key != "effects"}
            self.run(put_live(till, name, *fields["effects"], **terms))

    def enrol(self, names: Sequence[str]) -> None:
        """Members, and coupons that each of them may claim."""
        self.ask_all([Enrol(member_id=name) for name in names])
        codes = [code_of(name, number) for name in names for number in range(CODES)]
        self.run(make_codes(self.database, "off", *codes))

    def now(self) -> datetime:
        return self._now

    def wait(self, span: timedelta) -> None:
        self._now += span
        self.run(self.owner.execute("UPDATE clock SET ahead = $1", self._now - BEGIN))

    def ask(self, command: Command) -> Outcome | str:
        """The outcome, or the code of the refusal."""
        try:
            return self.run(self.engine.submit(request(command)))
        except LoyaltyError as refusal:
            return refusal.code

    def ask_all(self, commands: list[Command]) -> list[Outcome | str]:
        """As `ask`, all in one batch."""
        results = self.run(self.engine.submit_all([request(command) for command in commands]))
        return [result.code if isinstance(result, LoyaltyError) else result for result in results]

    def held(self, names: Sequence[str]) -> dict[str, Held]:
        """What each of these members has."""
        accounts = self._rows(f"SELECT member_id, {ACCOUNT} FROM account WHERE member_id = ANY($1)", names)
        held = {row[0]: Held(tuple(row)[1:], []) for row in accounts}
        for row in self._rows(
            f"SELECT member_id, {LOT} FROM lot WHERE member_id = ANY($1) ORDER BY member_id, lot", names
        ):
            held[row[0]].lots.append(tuple(row)[1:])
        return held

    def _rows(self, statement: str, names: Sequence[str]) -> list[asyncpg.Record]:
        return self.run(self.owner.fetch(statement, names))


def code_of(member: str, number: int) -> str:
    """Of the coupons that were made for the member to claim."""
    return f"{member}-c{number}"


class Steps:
    """What may be asked of three members, each step taken by both; what they answer and what they hold must be the
    same.
    """

    world: World
    kind: type[Member] = Member
    number = 0

    def enrol(self) -> None:
        self.join(secrets.token_hex(6))
        self.world.enrol(self.names)

    def join(self, start: str) -> None:
        """Begin with members whose names begin so; the world is to enrol them."""
        self.names = [f"{start}-{number}" for number in range(MEMBERS)]
        self.members = [self.kind() for _ in self.names]
        self.touched = set(range(MEMBERS))
        self.at_once: set[tuple[int, str]] = set()
        self.waiting: list[tuple[Command, str | tuple[int, ...]]] | None = None

    def now(self) -> datetime:
        return self.world.now()

    def step(self, who: int, command: Command, take: Callable[[Member, datetime], object]) -> Outcome | None:
        """Take it with the model and with the engine: both do it, or both refuse it for the same reason."""
        now = self.now()
        self.touched.add(who)
        self.members[who].pass_to(now)
        try:
            take(self.members[who], now)
            expected: str | tuple[int, ...] = self.members[who].balances()
        except Refused as refusal:
            expected = str(refusal)
        if self.waiting is not None:
            self.waiting.append((command, expected))
            return None
        answered = self.world.ask(command)
        self.compare(answered, expected)
        return None if isinstance(answered, str) else answered

    def compare(self, answered: Outcome | str, expected: str | tuple[int, ...]) -> None:
        if isinstance(answered, str) or isinstance(expected, str):
            assert answered == expected
        elif "balance" in answered.body and not answered.replayed:
            assert tuple(answered.body["balance"].values()) == expected

    def gather(self) -> None:
        """From now on steps wait, to be taken by the engine in one batch."""
        if self.waiting is None:
            self.waiting = []

    def take_together(self) -> None:
        steps, self.waiting = self.waiting or [], None
        answers = self.world.ask_all([command for command, _ in steps])
        for answered, (_, expected) in zip(answers, steps, strict=True):
            self.compare(answered, expected)

    def new(self, kind: str) -> str:
        self.number += 1
        return f"{kind}{self.number}"

    def accrue(self, who: int, which: int, amount: int, settle: bool, days_ago: int) -> None:
        order = f"o{which}"
        known = any(lot.order == order for lot in self.members[who].lots)
        at = self.now() - timedelta(days=days_ago)
        name = self.new("p") if known else order
        if settle:
            self.at_once.add((who, name))
        self.step(
            who,
            Accrue(
                member_id=self.names[who],
                order_id=name,
                amount=amount,
                settle=settle,
                occurred_at=at if days_ago else None,
            ),
            lambda member, now: member.accrue(
                now, name, amount, occurred_at=at if days_ago else now, settle=settle
            ),
        )

    def settle(self, who: int, which: int) -> None:
        order = f"o{which}"
        self.members[who].pass_to(self.now())
        lot = next((lot for lot in self.members[who].lots if lot.order == order), None)
        if lot is not None and lot.settle_at is None and (who, order) not in self.at_once:
            return  # settled by a command or by time: a repeat, answered as it was
        self.step(
            who,
            Settle(member_id=self.names[who], order_id=order),
            lambda member, now: member.settle(now, order),
        )

    def reverse(self, who: int, which: int, amount: int | None) -> None:
        order = f"o{which}"
        if amount is None:  # all that is left
            lot = next((lot for lot in self.members[who].lots if lot.order == order), None)
            amount = lot.amount - lot.refunded if lot else 1
        command = Reverse(
            member_id=self.names[who], order_id=order, reference=self.new("b"), amount=amount or 1
        )
        self.step(who, command, lambda member, _: member.reverse(order, amount or 1))

    def redeem(self, who: int, which: int, points: int, hold_seconds: int | None) -> None:
        name = f"r{which}"
        if name in self.members[who].taken:
            name = self.new("q")
        command = Redeem(
            member_id=self.names[who],
            reference=name,
            points=points,
            reserve=hold_seconds is not None,
            hold_seconds=hold_seconds,
        )
        self.step(
            who, command, lambda member, now: member.redeem(now, name, points, hold_seconds=hold_seconds)
        )

    def commit(self, who: int, which: int, points: int | None) -> None:
        name = f"r{which}"
        taken = self.members[who].taken.get(name)
        if taken is not None and taken.status == "redeemed":
            return  # a repeat, or another figure
        self.step(
            who,
            Commit(member_id=self.names[who], reference=name, points=points),
            lambda member, now: member.commit(now, name, points),
        )

    def cancel(self, who: int, which: int) -> None:
        name = f"r{which}"
        taken = self.members[who].taken.get(name)
        if taken is not None and taken.status == "cancelled":
            return
        self.step(
            who,
            Cancel(member_id=self.names[who], reference=name),
            lambda member, now: member.cancel(now, name),
        )

    def refund(self, who: int, which: int, points: int | None) -> None:
        name = f"r{which}"
        command = Refund(member_id=self.names[who], redemption=name, reference=self.new("x"), points=points)
        self.step(who, command, lambda member, now: member.refund(now, name, points))

    def sign_in(self, who: int) -> None:
        fresh: list[bool] = []
        outcome = self.step(
            who, SignIn(member_id=self.names[who]), lambda member, now: fresh.append(member.sign_in(now))
        )
        assert outcome is None or outcome.replayed is not fresh[0]

    def adjust(self, who: int, points: int) -> None:
        command = Adjust(member_id=self.names[who], reference=self.new("a"), points=points, reason="x")
        self.step(who, command, lambda member, now: member.adjust(now, points))

    def transfer(self, who: int, to: int, points: int) -> None:
        if who == to:
            return
        command = Transfer(
            member_id=self.names[who], reference=self.new("t"), to=self.names[to], points=points
        )

        def take(member: Member, now: datetime) -> None:
            self.members[to].pass_to(now)
            member.transfer(now, self.members[to], points)

        self.touched.add(to)
        self.step(who, command, take)

    def claim(self, who: int, which: int) -> None:
        code = code_of(self.names[who], which)
        self.step(
            who,
            ClaimCoupon(member_id=self.names[who], code=code),
            lambda member, now: member.claim(now, code),
        )

    def checkout(self, who: int, *statuses: str) -> str:
        """The newest checkout that stands so; else the newest, or none there is."""
        found = self.members[who].checkouts
        fitting = [name for name, checkout in found.items() if checkout.status in statuses]
        return [f"{self.names[who]}-none", *found, *fitting][-1]

    def hold(self, who: int, amount: int, points: int, cash: int, coupon: int | None, seconds: int) -> None:
        name = self.new(f"{self.names[who]}-k")
        code = None if coupon is None else code_of(self.names[who], coupon)
        command = HoldCheckout(
            member_id=self.names[who],
            checkout_id=name,
            cart=Cart((CartLine("1", "sku", None, None, 1, amount),)),
            wish=Wish(points, cash, () if code is None else (code,)),
            hold_seconds=seconds,
        )
        self.step(
            who,
            command,
            lambda member, now: member.hold(
                now, name, amount, points=points, cash=cash, coupon=code, seconds=seconds
            ),
        )

    def complete(self, who: int, status: str, earn_only: bool) -> None:
        name = self.checkout(who, status)
        command = CompleteCheckout(member_id=self.names[who], checkout_id=name, earn_only=earn_only)
        checkout = self.members[who].checkouts.get(name)
        if checkout is not None and checkout.status in ("completed", "refunded"):
            return  # a repeat, or another question
        self.step(who, command, lambda member, now: member.complete(now, name, earn_only=earn_only))

    def release(self, who: int, status: str) -> None:
        name = self.checkout(who, status)
        checkout = self.members[who].checkouts.get(name)
        if checkout is not None and checkout.status == "cancelled":
            return
        command = CancelCheckout(member_id=self.names[who], checkout_id=name)
        self.step(who, command, lambda member, now: member.release(now, name))

    def refund_checkout(self, who: int, amount: int | None) -> None:
        name = self.checkout(who, "completed")
        if amount is None:  # all that is left
            checkout = self.members[who].checkouts.get(name)
            amount = checkout.payable - checkout.refunded if checkout else 1
        command = RefundCheckout(
            member_id=self.names[who], checkout_id=name, reference=self.new("y"), amount=amount or 1
        )
        self.step(who, command, lambda member, now: member.refund_checkout(now, name, amount or 1))

    def wait(self, hours: int) -> None:
        self.take_together()
        self.world.wait(timedelta(hours=hours))

    def mature(self, who: int) -> None:
        self.step(who, Mature(member_id=self.names[who]), lambda member, now: member.pass_to(now))

    def both_hold_the_same(self) -> None:
        if not self.waiting:
            self.compare_held(self.world.held([self.names[who] for who in self.touched]))

    def compare_held(self, held: Mapping[str, Held]) -> None:
        """Hold the members that steps touched against what they have, by name."""
        for who in self.touched:
            name, expected = self.names[who], _held(self.members[who])
            assert held[name] == expected, f"{name} was to have {expected}, and has {held[name]}"
        self.touched = set()


def _held(member: Member) -> Held:
    """What the ledger should hold of the member."""
    return Held(
        account=(
            *member.balances(),
            member.earned,
            sum(lot.redeemed for lot in member.lots),
            sum(lot.expired for lot in member.lots),
            member.spend,
            member.growth,
            member.cash,
            member.tier,
            member.streak,
            *member.next_expiration(),
            member.usable(),
        ),
        lots=[
            (
                lot.granted,
                lot.remaining,
                lot.reserved,
                lot.redeemed,
                lot.expired,
                lot.clawed_back,
                lot.moved,
                lot.settle_at is not None,
                lot.refunded if lot.order else None,
                lot.expires_at if lot.granted else None,
            )
            for lot in member.lots
        ],
    )
