"""Step one of a batch: what is left of the budgets it draws from and its accounts, locked in one global order.

One statement, so that a lone command pays one round trip for both; all else is read by the next one, as of a moment
after the locks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import NamedTuple

from app.domain.account import Account, Budget, bucket_of
from app.ledger.budgets import LOCK_SHARES, NO_DRAWING, Drawing, prepare
from app.ledger.connection import Connection

# The clock is read in the outer query: a row comes out of `locked` once it is locked, so the last reading is after
# all locks. Sorting by the key is the one global order that keeps batches from waiting for each other in a circle.
_LOCK = """
WITH {shares}locked AS MATERIALIZED (
    SELECT account.*
      FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, member_id)
      JOIN account USING (bucket, member_id)
     {after_shares}
     ORDER BY account.bucket, account.member_id
       FOR NO KEY UPDATE OF account
)
SELECT locked.*, {told} FROM locked
"""
# A condition on nothing of the accounts is looked at once, before the first of them is sought; to count them, all
# shares must have been locked. So whoever waits for a share holds no member yet.
_AFTER_SHARES = "WHERE (SELECT count(*) FROM shares) >= 0"

# Read after the counters of templates are locked, too: whoever changes a template locks its counter first. Who
# publishes a program or changes what campaigns give locks their tables, which a statement waits for before it looks.
# The shares are told as JSON, made once: an array of rows took the server 10 microseconds an account.
_TOLD = """{clock} AS now,
       (SELECT max(publication) FROM program_version) AS publication,
       (SELECT max(revision) FROM coupon_template) AS revision,
       (SELECT max(revision) FROM campaign) AS campaigns,
       {shares} AS shares"""
_SHARES = """(SELECT json_agg(json_build_array(bucket, budget, share_of, share, granted)) FROM shares)"""


class Locked(NamedTuple):
    """The accounts of a batch and the shares of budgets, locked, and the moment after that."""

    accounts: dict[str, Account]
    shares: list[Budget]
    now: datetime
    newest_publication: int  # of the program
    newest_revision: int  # of the coupon templates
    newest_campaigns: int  # revision of theirs


async def lock_accounts(
    connection: Connection, members: Iterable[str], *, clock: str, drawing: Drawing = NO_DRAWING
) -> Locked:
    """Lock the shares of budgets, then the accounts that exist, in key order, and read them and the clock."""
    await prepare(connection, drawing)
    draws = bool(drawing.budgets)
    arguments = drawing.arguments() if draws else ()
    ids = list(members)
    rows = await connection.fetch(
        _locking(clock, draws=draws), [bucket_of(member) for member in ids], ids, *arguments
    )
    told = rows or await connection.fetch(_telling(clock, draws=draws), *arguments)
    width = len(Account._fields)
    accounts = [Account._make(row[:width]) for row in map(tuple, rows)]
    *_, publication, revision, campaigns, shares = told[-1]
    return Locked(
        {account.member_id: account for account in accounts},
        [Budget._make(share) for share in json.loads(shares or "[]")],
        max(row["now"] for row in told),
        publication,
        revision or 0,
        campaigns or 0,
    )


async def read_clock(connection: Connection, clock: str) -> datetime:
    """The time now, once more."""
    return await connection.fetchval(f"SELECT {clock}")


@cache
def _locking(clock: str, *, draws: bool) -> str:
    return _LOCK.format(
        shares=f"{_shares(3)}, " if draws else "",
        after_shares=_AFTER_SHARES if draws else "",
        told=_told(clock, draws=draws),
    )


@cache
def _telling(clock: str, *, draws: bool) -> str:
    """The same where none of the members is known yet."""
    return f"{f'WITH {_shares(1)} ' if draws else ''}SELECT {_told(clock, draws=draws)}"


def _shares(first: int) -> str:
    """Their arguments are those from number `first` on."""
    return f"shares AS MATERIALIZED ({LOCK_SHARES.format(*range(first, first + 4))})"


def _told(clock: str, *, draws: bool) -> str:
    return _TOLD.format(clock=clock, shares=_SHARES if draws else "NULL")
