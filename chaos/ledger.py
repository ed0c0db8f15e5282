"""What the service holds in the end, as it stands in its tables."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from app.domain.account import SUMS_OF_CAMPAIGNS
from app.ledger.connection import Connection

BALANCES = ("available", "pending", "reserved", "debt", "growth", "cash")
FIGURES = (*BALANCES, "earned", "redeemed", "expired", "spend", "tier", "streak", "coupons")
LOT = ("granted", "remaining", "reserved", "redeemed", "expired", "clawed_back", "moved", "pending")
SYSTEM = "system"
POT = "pot"
"""The campaign whose budget runs out: it adds to activities while there is any left."""

# Holds as they are: `account.hold_due_at` is a lower bound, which a hold that was extended leaves behind.
OVERDUE: Final = """
    SELECT (SELECT count(*) FROM account WHERE due_at <= $1)
        + (SELECT count(*) FROM redemption WHERE status = 'reserved' AND hold_expires_at <= $1)
        + (SELECT count(*) FROM checkout WHERE status = 'held' AND hold_expires_at <= $1)
"""


class Entry(NamedTuple):
    """A row of the ledger; `after` has BALANCES as the entry left them."""

    member: str
    sequence: int
    kind: str
    key: str
    actor: str
    request_id: str
    recorded_at: datetime
    after: tuple[int, ...]


class Ledger(NamedTuple):
    """Everything that is compared, read in one snapshot at `now` of the program's clock."""

    now: datetime
    overdue: int  # accounts and holds of which something fell due that is not written down
    entries: dict[str, list[Entry]]
    accounts: dict[str, dict[str, Any]]
    lots: dict[str, list[tuple[Any, ...]]]
    coupons: dict[str, dict[str, str]]  # by member and code: status
    templates: dict[str, list[str]]  # codes of coupons, by template
    checkouts: dict[str, dict[str, str]]
    redemptions: dict[str, dict[str, str]]
    issued: dict[str, int]  # by template, as its counter says
    gifts: dict[tuple[str, int], int]  # points that the campaign with a pot gave, by member and entry
    pot_granted: int  # as its budget says


async def read(connection: Connection) -> Ledger:
    """Read it all."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        now: datetime = await connection.fetchval("SELECT clock_timestamp() + ahead FROM clock")
        entries: dict[str, list[Entry]] = {}
        for row in await connection.fetch(
            "SELECT member_id, sequence, kind, key, actor, request_id, recorded_at, points_after, pending_after, "
            "reserved_after, debt_after, growth_after, cash_after FROM entry ORDER BY member_id, sequence"
        ):
            entries.setdefault(row[0], []).append(Entry(*row[:7], tuple(row[7:])))
        accounts = {
            row["member_id"]: dict(row)
            for row in await connection.fetch(f"SELECT member_id, {', '.join(FIGURES)} FROM account")
        }
        lots: dict[str, list[tuple[Any, ...]]] = {}
        for row in await connection.fetch(
            f"SELECT member_id, {', '.join(LOT)} FROM lot ORDER BY member_id, lot"
        ):
            lots.setdefault(row[0], []).append(tuple(row)[1:])
        templates: dict[str, list[str]] = {}
        for row in await connection.fetch("SELECT template, code FROM coupon"):
            templates.setdefault(row[0], []).append(row[1])
        return Ledger(
            now,
            await connection.fetchval(OVERDUE, now),
            entries,
            accounts,
            lots,
            await _by_member(connection, "SELECT member_id, code, status FROM coupon"),
            templates,
            await _by_member(connection, "SELECT member_id, checkout_id, status FROM checkout"),
            await _by_member(connection, "SELECT member_id, reference, status FROM redemption"),
            {row[0]: row[1] for row in await connection.fetch("SELECT template, issued FROM coupon_counter")},
            {
                (row[0], row[1]): row[2]
                for row in await connection.fetch(
                    "SELECT member_id, sequence, (detail #>> $1::text[])::bigint FROM entry "
                    "WHERE kind = 'activity' AND detail #>> $1::text[] IS NOT NULL",
                    ["campaigns", POT, str(SUMS_OF_CAMPAIGNS.index("points"))],
                )
            },
            await connection.fetchval(
                "SELECT coalesce(sum(granted), 0)::bigint FROM campaign_budget WHERE budget = $1", POT
            ),
        )


async def _by_member(connection: Connection, query: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for member, name, status in await connection.fetch(query):
        found.setdefault(member, {})[name] = status
    return found
