"""When something falls due on a member next, looked for in all their rows."""

from collections.abc import Iterable
from datetime import datetime

from app.domain.posting import Member
from app.domain.program import Program
from app.domain.standing import tier_due_at


def due_dates(member: Member, now: datetime, program: Program) -> tuple[datetime | None, datetime | None]:
    """The next end of a hold, and the next of all else: what an account says once all that was due is written down."""
    reserved = [hold.hold_expires_at for hold in member.redemptions.values() if hold.status == "reserved"]
    held = [checkout.hold_expires_at for checkout in member.checkouts.values() if checkout.status == "held"]
    account = member.account
    others = [account.benefits_at, tier_due_at(account, program)]
    for lot in member.lots.values():
        others += [lot.settle_at, lot.expires_at if lot.remaining and not lot.pending else None]
    for coupon in member.coupons.values():
        if coupon.status == "locked":
            others.append(coupon.lock_expires_at)
        elif coupon.status == "issued":
            others.append(coupon.valid_from if coupon.valid_from > now else coupon.valid_until)
    return _first([*reserved, *held]), _first(others)


def _first(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
