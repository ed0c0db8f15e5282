"""Whom a member is told to have been brought by: found by a member's id, else by the code they bring others by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from app.domain.account import bucket_of
from app.domain.command import Command
from app.domain.commands import Enrol
from app.ledger.connection import Connection

_FIND = """
SELECT wanted.told, referral_code.member_id
  FROM unnest($1::smallint[], $2::text[], $3::smallint[], $4::text[]) AS wanted (bucket, told, code_bucket, code)
  JOIN referral_code ON referral_code.bucket = wanted.code_bucket AND referral_code.code = wanted.code
 WHERE NOT EXISTS (SELECT FROM account WHERE account.bucket = wanted.bucket AND account.member_id = wanted.told)
"""

_KNOWN = """
SELECT member_id FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, member_id)
  JOIN account USING (bucket, member_id)
"""

_ABOVE = """
SELECT member_id, inviter FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, member_id)
  JOIN referral USING (bucket, member_id)
"""


async def with_referrers(connection: Connection, commands: Sequence[Command]) -> list[Command]:
    """The commands, each with the member that its code leads to, and of members who are there already with all who
    stand above that one, so that they are locked: read without locks, so the decision looks again.
    """
    telling = [command for command in commands if isinstance(command, Enrol) and command.referrer is not None]
    if not telling:
        return list(commands)
    leads = await _read_codes(connection, {command.referrer for command in telling if command.referrer})
    ids = {command.member_id for command in telling}
    known = {row["member_id"] for row in await connection.fetch(_KNOWN, *_keys(ids))}
    late = {
        leads.get(name, name)
        for command in telling
        if command.member_id in known
        if (name := command.referrer)
    }
    above = await _read_above(connection, late) if late else {}
    return [_found(command, leads, known, above) for command in commands]


async def _read_codes(connection: Connection, told: Collection[str]) -> dict[str, str]:
    """Whose codes these are, of those that are no member's id. People write codes in any case."""
    ordered = list(told)
    rows = await connection.fetch(_FIND, *_keys(ordered), *_keys([name.upper() for name in ordered]))
    return {row["told"]: row["member_id"] for row in rows}


async def _read_above(connection: Connection, members: Collection[str]) -> dict[str, str]:
    """Who brought these members, who brought those, and so on up."""
    above: dict[str, str] = {}
    wanted = set(members)
    while wanted:
        rows = await connection.fetch(_ABOVE, *_keys(wanted))
        above |= {row["member_id"]: row["inviter"] for row in rows}
        wanted = {row["inviter"] for row in rows} - above.keys()
    return above


def _found(command: Command, leads: dict[str, str], known: Collection[str], above: dict[str, str]) -> Command:
    if not isinstance(command, Enrol) or command.person is None or command.referrer is None:
        return command
    referrer = leads.get(command.referrer, command.referrer)
    if referrer != command.referrer:
        command = replace(command, person={**command.person, "referred_by": referrer})
    if command.member_id not in known:
        return command
    chain: list[str] = []
    up = above.get(referrer)
    while up is not None and up not in chain:
        chain.append(up)
        up = above.get(up)
    return replace(command, above=tuple(chain)) if chain else command


def _keys(names: Collection[str]) -> tuple[list[int], list[str]]:
    ordered = list(names)
    return [bucket_of(name) for name in ordered], ordered
