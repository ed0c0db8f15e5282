"""What `verify` compares balances with: each member's entries, of which each must follow from the one before.

Almost always they do, so all members are sieved first by one hash each (`OFF`), and only those it catches are looked
at closely (`BALANCES`, `BROKEN`).
"""

from __future__ import annotations

from collections.abc import Iterable

from app.queries.verify_checks import OF_BUCKETS, OF_MEMBERS, Check, comparison, where_there

_WALLETS = ("points", "pending", "reserved", "debt", "growth", "cash")


def _hash(columns: Iterable[str], seed: str) -> str:
    """SQL of 64 bits that stand for integers, in this order."""
    for column in columns:
        seed = f"hashint8extended({column}, {seed})"
    return seed


# Of an unbroken chain each entry's balances are the next one's before: in the exclusive or of both all cancel out but
# the first one's before (nothing) and the last one's after (the account's). No two entries have the same sequence.
_LINK = (
    f"{_hash([f'{wallet}_after' for wallet in _WALLETS], 'sequence')} "
    f"# {_hash([f'{wallet}_after - {wallet}' for wallet in _WALLETS], 'sequence - 1')}"
)
_ENDS = f"{_hash(['available', *_WALLETS[1:]], 'account.sequence')} # {_hash(['0' for _ in _WALLETS], '0::bigint')}"

OFF = f"""
WITH link AS (
    SELECT member_id, recorded_at, recorded_at < lag(recorded_at) OVER member AS is_early, link
      FROM (SELECT member_id, sequence, recorded_at, {_LINK} AS link FROM entry WHERE {OF_BUCKETS}) AS entry
    WINDOW member AS (PARTITION BY member_id ORDER BY sequence)
), chain AS (
    SELECT member_id, bit_xor(link) AS ends, max(recorded_at) AS last_at, bool_or(is_early) AS has_early
      FROM link GROUP BY member_id
), account AS (
    SELECT member_id, last_at, {_ENDS} AS ends FROM account WHERE {OF_BUCKETS}
)
SELECT member_id FROM account FULL JOIN chain USING (member_id)
 WHERE account.ends IS DISTINCT FROM coalesce(chain.ends, 0)
    OR account.last_at IS DISTINCT FROM chain.last_at OR chain.has_early
"""
"""The members whose entries or account need a closer look."""

_SUMS = ", ".join(f"sum({wallet}) AS {wallet}" for wallet in _WALLETS)

BALANCES = comparison(
    f"""
WITH entries AS (
    SELECT member_id, count(*) AS entries, max(recorded_at) AS last_at, {_SUMS}
      FROM entry WHERE {OF_MEMBERS} GROUP BY member_id
), account AS (
    SELECT * FROM account WHERE {OF_MEMBERS}
)
""",
    member="member_id",
    place="''",
    rows="account FULL JOIN entries USING (member_id)",
    checks=[
        Check("account", "'present'", "CASE WHEN account.bucket IS NULL THEN 'missing' ELSE 'present' END"),
        *where_there(
            "account",
            (
                ("account.sequence", "coalesce(entries.entries, 0)", "account.sequence"),
                ("account.last_at", "entries.last_at", "account.last_at"),
                ("account.available, by entries", "coalesce(entries.points, 0)", "account.available"),
                *(
                    (f"account.{wallet}, by entries", f"coalesce(entries.{wallet}, 0)", f"account.{wallet}")
                    for wallet in _WALLETS[1:]
                ),
            ),
        ),
    ],
)

_BALANCES = ", ".join(
    f"('balance of {wallet}', ({wallet}_after - {wallet}_off)::text, {wallet}_after::text)"
    for wallet in _WALLETS
)
_OFF = ", ".join(
    f"{wallet}_after - {wallet} - lag({wallet}_after, 1, 0::bigint) OVER member AS {wallet}_off"
    for wallet in _WALLETS
)

BROKEN = f"""
WITH linked AS (
    SELECT member_id, sequence, recorded_at, {", ".join(f"{wallet}_after" for wallet in _WALLETS)}, {_OFF},
           sequence - lag(sequence, 1, 0::bigint) OVER member AS step, lag(recorded_at) OVER member AS before
      FROM entry WHERE {OF_MEMBERS}
    WINDOW member AS (PARTITION BY member_id ORDER BY sequence)
)
SELECT member_id, 'entry ' || sequence || ', ' || what, expected, found
  FROM linked, LATERAL (VALUES
       ('sequence', (sequence - step + 1)::text, sequence::text),
       ('recorded_at', greatest(before, recorded_at)::text, recorded_at::text),
       {_BALANCES}) AS looked_at (what, expected, found)
 WHERE expected <> found ORDER BY member_id, sequence
"""
"""(member, what, expected, found) of entries that do not follow from the one before."""
