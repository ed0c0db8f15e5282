"""The person behind a member, saved in the transaction that enrols, changes or forgets them.

Values arrive sealed; the look-up rows follow the digests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.domain.account import bucket_of
from app.domain.command import Command
from app.domain.commands import Enrol
from app.domain.posting import Member
from app.ledger.connection import Connection
from app.security.pii import PiiRing, lookup_bucket

# What a command may set; `consents` adds to those recorded, every other column is replaced.
COLUMNS = (
    "name",
    "phone",
    "email",
    "birthday",
    "phone_digest",
    "email_digest",
    "gender",
    "region",
    "referred_by",
    "attributes",
    "consents",
    "birthday_changed_at",
)
# A consent repeated in the same words keeps the time it was first recorded at.
_CONSENTS = (
    "person.consents || (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(excluded.consents) "
    "WHERE (person.consents -> key) - 'recorded_at' IS DISTINCT FROM value - 'recorded_at')"
)
_LOOKUPS = {"phone": "phone_digest", "email": "email_digest"}

_NEW_PEOPLE = f"""
INSERT INTO person (revision, bucket, member_id, updated_at, {", ".join(COLUMNS)})
SELECT 1, * FROM unnest($1::smallint[], $2::text[], $3::timestamptz[], $4::bytea[], $5::bytea[], $6::bytea[],
    $7::bytea[], $8::bytea[], $9::bytea[], $10::text[], $11::text[], $12::text[], $13::jsonb[], $14::jsonb[],
    $15::timestamptz[])
"""
_NEW_LOOKUPS = """
INSERT INTO person_lookup (bucket, digest, kind, member_id)
SELECT * FROM unnest($1::smallint[], $2::bytea[], $3::text[], $4::text[])
"""
_NEW_BIRTHDAYS = """
INSERT INTO person_birthday (bucket, member_id, digest)
SELECT * FROM unnest($1::smallint[], $2::text[], $3::bytea[])
"""
_EMPTY = {"attributes": "{}", "consents": "{}"}

Told = tuple[str, Mapping[str, Any] | None, datetime]
"""A member, what became known of them (None: they are forgotten), and when."""


async def read_known(
    connection: Connection, commands: Iterable[Command], members: Mapping[str, Member], pii: PiiRing | None
) -> None:
    """Have the members know what was told of who brought them and of their birthday, where commands tell that anew."""
    told = {
        command.member_id
        for command in commands
        if isinstance(command, Enrol) and (command.names_referrer or command.names_birthday)
    }
    asked = [member_id for member_id in told if member_id in members]  # the others join just now
    if not asked:
        return
    rows = await connection.fetch(
        "SELECT member_id, referred_by, birthday, birthday_changed_at "
        "FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, member_id) "
        "JOIN person USING (bucket, member_id)",
        [bucket_of(member_id) for member_id in asked],
        asked,
    )
    for row in rows:
        member = members[row["member_id"]]
        member.referred_by = row["referred_by"]
        member.birthday_changed_at = row["birthday_changed_at"]
        if row["birthday"] is not None:
            member.birthday_mark = _mark_of(row["birthday"], row["member_id"], pii)


def _mark_of(sealed: bytes, member_id: str, pii: PiiRing | None) -> bytes:
    """What tells the birthday from another; one that can't be opened is unlike any."""
    return b"" if pii is None else pii.mark_of(sealed, member_id=member_id)


async def save_people(connection: Connection, people: Sequence[Told], *, joined: set[str]) -> None:
    """Save what was told, in order. Of those who `joined` in this transaction nothing is known yet: they are saved
    together, one statement a table, and what was told of them after that like of everybody else.
    """
    new: dict[str, tuple[Mapping[str, Any], datetime]] = {}
    others: list[Told] = []
    for member_id, person, now in people:
        if person is not None and member_id in joined and member_id not in new:
            new[member_id] = person, now
        else:
            others.append((member_id, person, now))
    if new:
        await _save_new(connection, new)
    for member_id, person, now in others:
        if person is None:
            await erase_person(connection, member_id)
        else:
            await save_person(connection, member_id, person, now=now)


async def _save_new(connection: Connection, new: Mapping[str, tuple[Mapping[str, Any], datetime]]) -> None:
    rows = [
        (
            bucket_of(member_id),
            member_id,
            now,
            *(values.get(column) or _EMPTY.get(column) for column in COLUMNS),
        )
        for member_id, (values, now) in new.items()
    ]
    await connection.execute(_NEW_PEOPLE, *zip(*rows, strict=True))
    lookups = [
        (lookup_bucket(digest), digest, kind, member_id)
        for member_id, (values, _) in new.items()
        for kind, column in _LOOKUPS.items()
        if (digest := values.get(column)) is not None
    ]
    if lookups:
        await connection.execute(_NEW_LOOKUPS, *zip(*lookups, strict=True))
    birthdays = [
        (bucket_of(member_id), member_id, digest)
        for member_id, (values, _) in new.items()
        if (digest := values.get("birthday_digest")) is not None
    ]
    if birthdays:
        await connection.execute(_NEW_BIRTHDAYS, *zip(*birthdays, strict=True))


async def save_person(
    connection: Connection, member_id: str, values: Mapping[str, Any], *, now: datetime
) -> None:
    """Set these columns of the member's row, made if there is none."""
    given = [column for column in COLUMNS if column in values]
    before = await connection.fetchrow(
        "SELECT phone_digest, email_digest FROM person WHERE bucket = $1 AND member_id = $2",
        bucket_of(member_id),
        member_id,
    )
    names = "".join(f", {column}" for column in given)
    marks = "".join(f", ${number}" for number in range(4, 4 + len(given)))
    changes = "".join(
        f", {column} = {_CONSENTS if column == 'consents' else f'excluded.{column}'}" for column in given
    )
    await connection.execute(
        f"INSERT INTO person (bucket, member_id, updated_at, revision{names}) VALUES ($1, $2, $3, 1{marks}) "
        "ON CONFLICT (bucket, member_id) DO UPDATE SET updated_at = excluded.updated_at, "
        f"revision = person.revision + 1{changes}",
        bucket_of(member_id),
        member_id,
        now,
        *(values[column] for column in given),
    )
    for kind, column in _LOOKUPS.items():
        if column in values:
            await _move_lookup(
                connection, member_id, kind, before[column] if before else None, values[column]
            )
    if "birthday_digest" in values:
        await _set_birthday(connection, member_id, values["birthday_digest"])


async def erase_person(connection: Connection, member_id: str) -> None:
    """Delete the member's row and what leads to it."""
    row = await connection.fetchrow(
        "DELETE FROM person WHERE bucket = $1 AND member_id = $2 RETURNING phone_digest, email_digest",
        bucket_of(member_id),
        member_id,
    )
    for kind, column in _LOOKUPS.items():
        await _move_lookup(connection, member_id, kind, row[column] if row else None, None)
    await _set_birthday(connection, member_id, None)


async def _set_birthday(connection: Connection, member_id: str, digest: bytes | None) -> None:
    """Have the member found by the month of their birthday, or not any more."""
    if digest is None:
        await connection.execute(
            "DELETE FROM person_birthday WHERE bucket = $1 AND member_id = $2",
            bucket_of(member_id),
            member_id,
        )
        return
    await connection.execute(
        "INSERT INTO person_birthday (bucket, member_id, digest) VALUES ($1, $2, $3) "
        "ON CONFLICT (bucket, member_id) DO UPDATE SET digest = excluded.digest",
        bucket_of(member_id),
        member_id,
        digest,
    )


async def _move_lookup(
    connection: Connection, member_id: str, kind: str, before: bytes | None, after: bytes | None
) -> None:
    if before == after:
        return
    if before is not None:
        await connection.execute(
            "DELETE FROM person_lookup WHERE bucket = $1 AND digest = $2 AND kind = $3 AND member_id = $4",
            lookup_bucket(before),
            before,
            kind,
            member_id,
        )
    if after is not None:
        await connection.execute(
            "INSERT INTO person_lookup (bucket, digest, kind, member_id) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT DO NOTHING",
            lookup_bucket(after),
            after,
            kind,
            member_id,
        )
