"""Whether a batch was committed whose connection was lost while it was.

It is looked up before anything is decided again: what was decided stands then, refusals too. Decided anew, a command
that was refused might be carried out after all, behind those that followed it in its list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.domain.account import Entry
from app.ledger.connection import Connection
from app.ledger.request import Result

# Once its members are locked, the lost transaction is over; who joined in it can't be locked and is waited for by the
# unique keys of what is written next. In a transaction of its own: batches lock other rows before members.
_LOCK = """
SELECT FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, member_id)
  JOIN account USING (bucket, member_id)
 ORDER BY account.bucket, account.member_id
   FOR NO KEY UPDATE OF account
"""
# All of them, so that whoever else may have carried out one of its commands meanwhile is not taken for it.
_COUNT = """
SELECT count(*)
  FROM unnest($1::smallint[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[], $6::text[])
       AS wanted (bucket, member_id, sequence, key, recorded_at, request_id)
  JOIN entry USING (bucket, member_id, sequence, key, recorded_at, request_id)
"""


class Unheard(NamedTuple):
    """What a batch wrote and would have answered, had it heard of its commit."""

    entries: Sequence[Entry]  # one at least
    results: Sequence[Result]

    def part(self, first: int, end: int) -> Unheard:
        """The same of its requests from number `first` on, before number `end`."""
        return self._replace(results=self.results[first:end])


async def results_of(connection: Connection, tries: Sequence[Unheard]) -> list[Result] | None:
    """The results of the one of these tries that was committed, None if none was."""
    for unheard in tries:
        buckets, members, sequences, keys, moments, requests = zip(
            *(
                (each.bucket, each.member_id, each.sequence, each.key, each.recorded_at, each.request_id)
                for each in unheard.entries
            ),
            strict=True,
        )
        await connection.execute("BEGIN")
        await connection.execute(_LOCK, buckets, members)
        found = await connection.fetchval(_COUNT, buckets, members, sequences, keys, moments, requests)
        await connection.execute("COMMIT")
        if found == len(unheard.entries):
            return list(unheard.results)
    return None
