"""Paying the share of what invitees spent: the engine's `PayReferralShare` command, in bounded batches.

What was paid is due no more: so it may be ended and begun anew at any time, by any number of processes.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from app.database import Database
from app.domain.posting import Caller
from app.domain.referral_commands import PayReferralShare
from app.ledger.engine import Engine, LedgerUnavailable
from app.ledger.load import REAL_CLOCK, SANDBOX_CLOCK
from app.ledger.outcome import Outcome
from app.ledger.request import SYSTEM, Request
from app.queries.referrals import Due, due_shares

BATCH = 50
"""Invitations at a time, as when what fell due is written down (`actions/maturity.py`)."""


async def pay_referral_shares(
    database: Database, *, is_sandbox: bool, is_stopping: Callable[[], bool] = lambda: False
) -> int:
    """Give each inviter the share of what their invitees spent in the time that was promised, once it is over.

    Returns for how many invitees it was asked; a frozen inviter is asked about again the next time. Raises
    `LedgerUnavailable`, or as asyncpg does, when the database goes away; what was paid until then stands.
    """
    engine = Engine(database.connect, is_sandbox=is_sandbox)
    connection = await database.connect()
    try:
        await engine.start()
        now = await connection.fetchval(f"SELECT {SANDBOX_CLOCK if is_sandbox else REAL_CLOCK}")
        caller = Caller(SYSTEM, f"referrals-{secrets.token_hex(4)}")
        asked, after = 0, None
        while not is_stopping():
            found = await due_shares(connection, now=now, after=after, limit=BATCH)
            if not found:
                break
            requests = [Request(_command(due), caller) for due in found]
            for result in await engine.submit_all(requests):
                if isinstance(result, LedgerUnavailable):
                    raise result
                asked += isinstance(result, Outcome) and not result.replayed
            after = found[-1]
        return asked
    finally:
        await engine.stop()
        await connection.close()


def _command(due: Due) -> PayReferralShare:
    return PayReferralShare(member_id=due.member_id, invitee=due.invitee)
