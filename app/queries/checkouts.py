"""Reading a checkout as it stands."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.account import Checkout as CheckoutFields
from app.domain.account import Entry as EntryFields
from app.domain.account import bucket_of
from app.models.checkouts import Checkout, CheckoutKey
from app.models.ledger import Entry

_CHECKOUT = [getattr(Checkout, name) for name in CheckoutFields._fields]
_ENTRY = [getattr(Entry, name) for name in EntryFields._fields]


class CheckoutRow(NamedTuple):
    """A checkout with the entries that tell of it, each with its detail: the hold's, the order's once it is one,
    those of its refunds in their order.
    """

    checkout: CheckoutFields
    hold: tuple[EntryFields, dict[str, Any]]
    order: tuple[EntryFields, dict[str, Any]] | None
    refunds: list[tuple[EntryFields, dict[str, Any]]]


async def find_holder(connection: AsyncConnection, checkout_id: str) -> str | None:
    """Whose the checkout is; None if there is none."""
    return await connection.scalar(
        select(CheckoutKey.member_id).where(
            CheckoutKey.bucket == bucket_of(checkout_id), CheckoutKey.checkout_id == checkout_id
        )
    )


async def read_checkout(connection: AsyncConnection, *, member_id: str, checkout_id: str) -> CheckoutRow:
    """A checkout of the member's that there is."""
    bucket = bucket_of(member_id)
    row = (
        await connection.execute(
            select(*_CHECKOUT).where(
                Checkout.bucket == bucket,
                Checkout.member_id == member_id,
                Checkout.checkout_id == checkout_id,
            )
        )
    ).one()
    refunds = f"refund_checkout/{checkout_id}"
    rows = await connection.execute(
        select(*_ENTRY)
        .where(
            Entry.bucket == bucket,
            Entry.member_id == member_id,
            or_(
                Entry.key.in_((f"hold/{checkout_id}", f"order/{checkout_id}")),
                # The keys that begin so: what comes after a slash is a zero.
                and_(Entry.key > f"{refunds}/", Entry.key < f"{refunds}0"),
            ),
        )
        .order_by(Entry.sequence)
    )
    told = [(EntryFields._make(row), row.detail) for row in rows]
    by_kind = {entry.kind: (entry, detail) for entry, detail in told}
    return CheckoutRow(
        CheckoutFields._make(row),
        by_kind["hold"],
        by_kind.get("complete"),
        [(entry, detail) for entry, detail in told if entry.kind == "refund_checkout"],
    )
