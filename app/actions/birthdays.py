"""Giving the coupons of birthdays: the engine's `GiveBirthdayCoupon` command, in bounded batches.

Who has had theirs this year has an entry that says so, and is not found again: so it may be ended and begun anew at
any time, by any number of processes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import structlog

from app.database import Database
from app.domain.benefit_commands import GiveBirthdayCoupon
from app.domain.benefits import coupons_on
from app.domain.calendar import local_date
from app.domain.posting import Caller
from app.ledger.connection import Connection
from app.ledger.engine import Engine, LedgerUnavailable
from app.ledger.load import REAL_CLOCK, SANDBOX_CLOCK
from app.ledger.outcome import Outcome
from app.ledger.request import SYSTEM, Request
from app.queries.birthdays import START, birthdays_without_digest, members_with_birthday
from app.security.pii import PiiRing

BATCH = 50
"""Members at a time, as when what fell due is written down (`actions/maturity.py`)."""

DIGESTS = 500

log = structlog.get_logger(__name__)


async def give_birthday_coupons(
    database: Database, *, pii: PiiRing, is_sandbox: bool, is_stopping: Callable[[], bool] = lambda: False
) -> int:
    """Give everybody whose birthday is in this month of the program's zone the coupons of their tier, once a year.

    Returns to how many. Raises `LedgerUnavailable`, or as asyncpg does, when the database goes away; what was given
    until then stands.
    """
    engine = Engine(database.connect, is_sandbox=is_sandbox, pii=pii)
    connection = await database.connect()
    try:
        await engine.start()
        await _add_digests(connection, pii, is_stopping)
        now = await connection.fetchval(f"SELECT {SANDBOX_CLOCK if is_sandbox else REAL_CLOCK}")
        program = engine.rulebook.at(now)
        today = local_date(now, program.timezone)
        tiers = [tier.code for tier in program.tiers.ladder if coupons_on(tier, "birthday")]
        digest, key = pii.month_digest(today.month), GiveBirthdayCoupon(member_id="").natural_key(today)
        caller = Caller(SYSTEM, f"birthdays-{secrets.token_hex(4)}")
        given, after = 0, START
        while tiers and not is_stopping():
            found = await members_with_birthday(
                connection, digest=digest, key=key, tiers=tiers, after=after, limit=BATCH
            )
            if not found:
                break
            requests = [Request(GiveBirthdayCoupon(member_id=member_id), caller) for _, member_id in found]
            for result in await engine.submit_all(requests):
                if isinstance(result, LedgerUnavailable):
                    raise result
                given += isinstance(result, Outcome) and not result.replayed
            after = found[-1]
        return given
    finally:
        await engine.stop()
        await connection.close()


async def _add_digests(connection: Connection, pii: PiiRing, is_stopping: Callable[[], bool]) -> None:
    """Have those found by the month of their birthday whose birthday was told before there were digests."""
    after, unreadable = START, 0
    while not is_stopping():
        found = await birthdays_without_digest(connection, after=after, limit=DIGESTS)
        if not found:
            break
        after = found[-1][0]
        opened = [
            (bucket, member_id, pii.month_digest(month))
            for (bucket, member_id), sealed in found
            if (month := pii.birthday_month(sealed, member_id=member_id))
        ]
        unreadable += len(found) - len(opened)
        # One that was told anew meanwhile has its digest.
        await connection.execute(
            "UPDATE person_birthday AS kept SET digest = new.digest "
            "FROM unnest($1::smallint[], $2::text[], $3::bytea[]) AS new (bucket, member_id, digest) "
            "WHERE kept.bucket = new.bucket AND kept.member_id = new.member_id AND kept.digest IS NULL",
            [bucket for bucket, _, _ in opened],
            [member_id for _, member_id, _ in opened],
            [digest for _, _, digest in opened],
        )
    if unreadable:
        log.warning("birthdays_unreadable", members=unreadable)
