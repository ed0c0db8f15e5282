"""A member's status, as a mobile app shows it (API.md: Members)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from app.domain.account import Account, Lot
from app.domain.calendar import local_date
from app.domain.instants import rfc3339
from app.domain.program import Program
from app.domain.standing import standing_of
from app.domain.tiers import Progress, progress


def counts_all_lots(program: Program) -> bool:
    """Whether a status needs the member's lots: only where a window decides what spend counts."""
    return program.tiers.qualification.window != "lifetime"


def status(
    account: Account,
    *,
    lots: Iterable[Lot],
    now: datetime,
    program: Program,
    programs: Mapping[int, Program],
) -> dict[str, Any]:
    """The status of an account on which nothing is due. `lots` matter where `counts_all_lots`."""
    standing = standing_of(account, lots, at=now, programs=programs, program=program)
    tier = program.tier(account.tier)
    ahead = progress(standing, current=account.tier, program=program)
    today = local_date(now, program.timezone)
    last = account.last_sign_in
    days_ago = None if last is None else (today - last).days
    expiration = None
    if account.next_expires_at is not None and account.next_expires_points:
        expiration = {"points": account.next_expires_points, "at": rfc3339(account.next_expires_at)}
    return {
        "member_id": account.member_id,
        "status": account.status,
        "joined_at": rfc3339(account.joined_at),
        "tier": {
            "code": tier.code,
            "name": tier.name,
            "since": rfc3339(account.tier_since),
            "valid_until": rfc3339(account.tier_valid_until),
            "next": None if ahead is None else _next(ahead),
        },
        "points": {
            "available": account.available,
            "pending": account.pending,
            "reserved": account.reserved,
            "debt": account.debt,
            "earned": account.earned,
            "redeemed": account.redeemed,
            "expired": account.expired,
            "next_expiration": expiration,
        },
        "growth": account.growth,
        "cash": account.cash,
        "spend": {"lifetime": account.spend, "window": standing.spend_fen},
        "sign_in": {
            "streak": account.streak if days_ago is not None and days_ago <= 1 else 0,
            "signed_in_today": days_ago is not None and days_ago <= 0,
            "last": None if last is None else last.isoformat(),
        },
        "coupons": {"usable": account.coupons},
    }


def _next(ahead: Progress) -> dict[str, Any]:
    """The next tier and the amount still to spend; `GET .../tier` tells what else may count."""
    return {"code": ahead.next.code, "amount_to_go": ahead.amount_to_go_fen}
