"""Points that arrive outside an order: a lot of their own, which pays debt first."""

from datetime import datetime

from app.domain.account import Account, Lot
from app.domain.lots import Arrival, release, with_arrival
from app.domain.posting import Context


def granted(
    account: Account,
    points: int,
    context: Context,
    *,
    source: str,
    accrued_at: datetime,
    expires_at: datetime | None,
    program_version: int | None = None,
) -> tuple[Account, Arrival]:
    """The account with a new lot of `points`, and how they arrived. What it earned is the caller's to count.

    `program_version` is that of the lot the points come from, where they are not granted just now.
    """
    version = context.program.version if program_version is None else program_version
    lot = Lot(
        bucket=account.bucket,
        member_id=account.member_id,
        lot=account.lot_count + 1,
        sequence=account.sequence + 1,
        source=source,
        pending=False,
        granted=points,
        remaining=points,
        reserved=0,
        redeemed=0,
        expired=0,
        clawed_back=0,
        moved=0,
        accrued_at=accrued_at,
        expires_at=expires_at,
        settle_at=None,
        program_version=version,
        order_id=None,
        amount=None,
        refunded=None,
        tier=None,
        terms=None,
    )
    program = context.programs[version]
    arrival = release(lot, debt=account.debt, now=context.now, program=program)
    after = with_arrival(
        account._replace(
            lot_count=lot.lot,
            available=account.available + arrival.available,
            debt=account.debt - arrival.debt_paid,
            expired=account.expired + arrival.expired,
        ),
        arrival.lot,
        arrival.available,
        program,
    )
    return after, arrival
