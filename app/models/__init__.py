"""Tables and their constraints; importing this module makes `Base.metadata` whole."""

from app.models import (
    activities,
    api_keys,
    backtests,
    benefits,
    campaigns,
    checkouts,
    coupons,
    ledger,
    people,
    program,
    referrals,
    shop_events,
)
from app.models.base import Base

__all__ = [
    "Base",
    "activities",
    "api_keys",
    "backtests",
    "benefits",
    "campaigns",
    "checkouts",
    "coupons",
    "ledger",
    "people",
    "program",
    "referrals",
    "shop_events",
]
