"""Ledgers for the tests of what reads them."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from app.database import Database
from app.domain import commands as ask
from app.domain.command import Command
from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.errors import LoyaltyError
from app.domain.posting import Caller
from app.ledger.engine import Engine
from app.ledger.outcome import Outcome
from app.ledger.request import Request


class Shop:
    """A running ledger whose clock can be set ahead, and how a shop speaks to it."""

    def __init__(self, database: Database, engine: Engine, owner: asyncpg.Connection[Any]) -> None:
        self.database = database
        self.engine = engine
        self.owner = owner

    async def ask(self, command: Command, *, actor: str = "key:test") -> Outcome:
        return await self.engine.submit(Request(command, Caller(actor, "r-1")))

    async def try_to(self, command: Command) -> Outcome | None:
        """As `ask`; None where the rules refuse."""
        try:
            return await self.ask(command)
        except LoyaltyError:
            return None

    async def wait(self, **delay: float) -> datetime:
        """Let time pass; what the clock says then."""
        await self.owner.execute("UPDATE clock SET ahead = ahead + $1", timedelta(**delay))
        return await self.now()

    async def now(self) -> datetime:
        now: datetime = await self.owner.fetchval("SELECT clock_timestamp() + ahead FROM clock")
        return now


@contextlib.asynccontextmanager
async def open_shop(url: str) -> AsyncGenerator[Shop]:
    """A shop on the migrated database at `url`."""
    database = Database(url)
    engine = Engine(database.connect, is_sandbox=True)
    await engine.start()
    owner: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        yield Shop(database, engine, owner)
    finally:
        await owner.close()
        await engine.stop()
        await database.dispose()


async def replace_program(url: str, changes: Mapping[str, Any]) -> None:
    """Change the first program, before anybody lives by it: `{"tiers.validity_months": 6}`."""
    document = copy.deepcopy(DEFAULT_PROGRAM_DOCUMENT)
    for path, value in changes.items():
        *sections, name = path.split(".")
        section: dict[str, Any] = document
        for part in sections:
            section = section[part]
        section[name] = value
    owner: asyncpg.Connection[Any] = await asyncpg.connect(url)
    await owner.execute("UPDATE program_version SET document = $1", json.dumps(document))
    await owner.close()


async def live(shop: Shop, member: str) -> None:
    """A history in which everything happens: at its end a hold is open, an order pending, a review open."""
    friend = f"{member}-friend"
    for who in (member, friend):
        await shop.ask(ask.Enrol(member_id=who))
    await shop.ask(ask.Import(member_id=member, reference="i", points=50, spend=1_000, growth=7))
    await shop.ask(ask.Accrue(member_id=member, order_id="o1", amount=40_000))
    await shop.ask(ask.Accrue(member_id=member, order_id="o2", amount=20_000, settle=False))
    await shop.ask(ask.Accrue(member_id=member, order_id="o3", amount=5_000, settle=False))
    await shop.ask(ask.Settle(member_id=member, order_id="o2"))
    await shop.ask(ask.SignIn(member_id=member))
    await shop.ask(ask.Redeem(member_id=member, reference="r1", points=100))
    await shop.ask(ask.Redeem(member_id=member, reference="r2", points=90, reserve=True))
    await shop.ask(ask.Commit(member_id=member, reference="r2", points=60))
    await shop.ask(ask.Redeem(member_id=member, reference="r3", points=30, reserve=True))
    await shop.ask(ask.Cancel(member_id=member, reference="r3"))
    await shop.ask(ask.Refund(member_id=member, redemption="r1", reference="f1", points=40))
    await shop.ask(ask.Reverse(member_id=member, order_id="o1", reference="v1", amount=15_000))
    await shop.ask(ask.Reverse(member_id=member, order_id="o3", reference="v1", amount=2_000))
    await shop.ask(ask.Adjust(member_id=member, reference="a1", points=25, reason="sorry"))
    await shop.ask(ask.Adjust(member_id=member, reference="a2", points=-5, reason="tier_change"))
    await shop.ask(ask.Transfer(member_id=member, reference="t1", to=friend, points=20))
    await shop.ask(ask.Accrue(member_id=member, order_id="big", amount=4_000_000))
    await shop.ask(ask.SetTier(member_id=member, reference="s1", tier="gold", reason="a friend"))
    await shop.ask(ask.Freeze(member_id=member))
    await shop.ask(ask.Unfreeze(member_id=member))
    await shop.ask(
        ask.Redeem(member_id=member, reference="r4", points=11, reserve=True, hold_seconds=600_000)
    )
