"""Reading what a member's benefits come from."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import cast, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from app.domain.account import Account as AccountRow
from app.domain.account import BenefitGrant as GrantRow
from app.domain.account import bucket_of
from app.models.benefits import BenefitGrant
from app.models.ledger import Account

_ACCOUNT = [getattr(Account, name) for name in AccountRow._fields]
# The rules read the terms as the text they wrote.
_GRANT = [
    cast(BenefitGrant.terms, Text) if name == "terms" else getattr(BenefitGrant, name)
    for name in GrantRow._fields
]


class BenefitsRow(NamedTuple):
    """The account, and what persons gave the member, first given first."""

    account: AccountRow
    grants: list[GrantRow]


async def read_benefits(connection: AsyncConnection, member_id: str) -> BenefitsRow | None:
    """What a member's benefits come from; None for an unknown member."""
    bucket = bucket_of(member_id)
    row = (
        await connection.execute(
            select(*_ACCOUNT).where(Account.bucket == bucket, Account.member_id == member_id)
        )
    ).one_or_none()
    if row is None:
        return None
    grants = await connection.execute(
        select(*_GRANT)
        .where(BenefitGrant.bucket == bucket, BenefitGrant.member_id == member_id)
        .where(BenefitGrant.revoked_at.is_(None))
        .order_by(BenefitGrant.sequence)
    )
    return BenefitsRow(AccountRow._make(row), [GrantRow._make(grant) for grant in grants])
