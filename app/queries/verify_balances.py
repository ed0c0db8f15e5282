"""What `verify` compares balances with: each member's entries, of which each must follow from the one before.

Almost always they do, so of all members only a hash of their chain is compared with that of their account (`CHAIN`),
and those where it differs are looked at closely (`BALANCES`, `BROKEN`).
"""

from __future__ import annotations

from app.queries.verify_checks import OF_BUCKETS, OF_MEMBERS, Check, comparison, hash_of, where_there
from app.queries.verify_lots import GIVEN

_WALLETS = ("points", "pending", "reserved", "debt", "growth", "cash")


# Of an unbroken chain each entry's balances are the next one's before: in the exclusive or of both all cancel out but
# the first one's before (nothing) and the last one's after (the account's). No two entries have the same sequence.
_LINK = (
    f"{hash_of(*(f'{wallet}_after' for wallet in _WALLETS), 'sequence')} "
    f"# {hash_of(*(f'{wallet}_after - {wallet}' for wallet in _WALLETS), 'sequence - 1')}"
)
_HELD = ("available", *_WALLETS[1:])
ENDS = (
    f"{hash_of(*(f'account.{wallet}' for wallet in _HELD), 'account.sequence')} "
    f"# {hash_of(*('0' for _ in _WALLETS), '0::bigint')}"
)
"""What `chain.ends` must be, by the account."""

CHAIN = f"""
link AS (
    SELECT member_id, recorded_at, link, given, recorded_at < lag(recorded_at) OVER member AS is_early
      FROM (SELECT member_id, sequence, recorded_at, {_LINK} AS link, {GIVEN} AS given
              FROM public.entry WHERE {OF_BUCKETS}) AS entry
    WINDOW member AS (PARTITION BY member_id ORDER BY sequence)
), chain AS (
    SELECT member_id, bit_xor(link) AS ends, max(recorded_at) AS last_at, count(*) FILTER (WHERE is_early) AS early,
           bit_xor(given) AS given
      FROM link GROUP BY member_id
)"""
"""Of each member the hash of all entries as CTEs, of which the last is `chain`: its `ends`; the time of the last one;
how many are `early`, before the one before; and what plain ones have `given`.
"""

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
        Check(
            "account, by entries",
            "'present'",
            "CASE WHEN account.bucket IS NULL THEN 'missing' ELSE 'present' END",
        ),
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
