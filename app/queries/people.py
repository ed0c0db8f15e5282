"""Reading the person behind a member, and finding members: by person, tier, status, time of joining."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.account import bucket_of
from app.models.ledger import Account
from app.models.people import Person, PersonLookup
from app.security.pii import LookupKind, lookup_bucket


async def read_person(connection: AsyncConnection, member_id: str) -> dict[str, Any] | None:
    """The person's columns, all null if nothing was told or the member was erased; None: no such member."""
    statement = (
        select(*Person.__table__.columns)
        .select_from(Account)
        .outerjoin(Person, and_(Person.bucket == Account.bucket, Person.member_id == Account.member_id))
        .where(Account.bucket == bucket_of(member_id), Account.member_id == member_id)
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else {str(column): value for column, value in row.items()}


async def members_with(
    connection: AsyncConnection, digests: Sequence[tuple[LookupKind, bytes]]
) -> list[tuple[int, str]]:
    """The (bucket, member id) of the members who have all these, each the digest of a phone number or an e-mail
    address; a family may share one.
    """
    found: set[str] | None = None
    for kind, digest in digests:
        rows = await connection.execute(
            select(PersonLookup.member_id).where(
                PersonLookup.bucket == lookup_bucket(digest),
                PersonLookup.digest == digest,
                PersonLookup.kind == kind,
            )
        )
        members = set(rows.scalars())
        found = members if found is None else found & members
    return sorted((bucket_of(member_id), member_id) for member_id in found or ())


async def find_members(
    connection: AsyncConnection,
    *,
    among: Sequence[tuple[int, str]] | None = None,
    status: str | None = None,
    tier: str | None = None,
    joined_from: datetime | None = None,
    joined_to: datetime | None = None,
    after: tuple[int, str] | None = None,
    limit: int,
) -> list[tuple[int, str]]:
    """The (bucket, member id) of up to `limit` members that fit all that is given, in that order, after `after`.

    `joined_from` is included, `joined_to` is not. `among` are (bucket, member id) to choose from.
    """
    statement = select(Account.bucket, Account.member_id).order_by(Account.bucket, Account.member_id)
    if among is not None:
        statement = statement.where(tuple_(Account.bucket, Account.member_id).in_(among))
    if status is not None:
        statement = statement.where(Account.status == status)
    if tier is not None:
        statement = statement.where(Account.tier == tier)
    if joined_from is not None:
        statement = statement.where(Account.joined_at >= joined_from)
    if joined_to is not None:
        statement = statement.where(Account.joined_at < joined_to)
    if after is not None:
        statement = statement.where(tuple_(Account.bucket, Account.member_id) > tuple_(*after))
    rows = await connection.execute(statement.limit(limit))
    return [(row.bucket, row.member_id) for row in rows]


async def any_sealed_value(connection: AsyncConnection) -> bytes | None:
    """One of the encrypted values, to see whether the keys at hand open it; None if there is none."""
    sealed = func.coalesce(Person.name, Person.phone, Person.email, Person.birthday)
    return (await connection.execute(select(sealed).where(sealed.is_not(None)).limit(1))).scalar()
