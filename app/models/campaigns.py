"""Campaigns: what they say, what each version said, and what they gave.

The columns of `campaign_points`, `campaign_sum` and `campaign_budget` are those of the rows in `domain/account.py`, in
the same order.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.ledger import Name

Instant = TIMESTAMP(timezone=True)

# The points (the third of `SUMS_OF_CAMPAIGNS`) that the campaign of a row `wanted` gave its member, as the member's
# entries tell them.
POINTS_TOLD = """(
    SELECT coalesce(sum((detail -> 'campaigns' -> wanted.campaign ->> 2)::bigint), 0)
      FROM entry WHERE entry.bucket = wanted.bucket AND entry.member_id = wanted.member_id
       AND detail::text LIKE '%"campaigns":%')"""


class Campaign(Base):
    """A campaign as it is now: small, shared, rarely written. Each change takes the next revision of all campaigns,
    so that one number tells a process whether what it knows of them is still so.
    """

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint("revision > 0 AND version > 0", name="numbered"),
        CheckConstraint("state IN ('draft', 'live', 'paused', 'ended')", name="state"),
        Index("ix_campaign_revision", "revision", unique=True),
        Index("ix_campaign_number", "number", unique=True),
    )

    campaign: Mapped[str] = mapped_column(Name, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(Text)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    # The bit of `account.campaigns` that tells who took part.
    number: Mapped[int] = mapped_column(Integer)
    # Some version of it gives each member only so much.
    counts_members: Mapped[bool] = mapped_column(server_default=text("false"))


class CampaignVersion(Base):
    """What a version of a campaign said: never changed, so that a grant which names it can be explained."""

    __tablename__ = "campaign_version"

    campaign: Mapped[str] = mapped_column(Name, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(Text)


class CampaignPoints(Base):
    """The points a campaign gave a member, where it gives each only so much."""

    __tablename__ = "campaign_points"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        {"postgresql_with": {"fillfactor": "85"}},
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    campaign: Mapped[str] = mapped_column(Name, primary_key=True)
    points: Mapped[int] = mapped_column(BigInteger)


class CampaignSum(Base):
    """What a campaign gave, added up by each process in a share of its own. Its bucket is the campaign's."""

    __tablename__ = "campaign_sum"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    campaign: Mapped[str] = mapped_column(Name, primary_key=True)
    share_of: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    participants: Mapped[int] = mapped_column(BigInteger)
    times: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    growth: Mapped[int] = mapped_column(BigInteger)
    chances: Mapped[int] = mapped_column(BigInteger)
    coupons: Mapped[int] = mapped_column(BigInteger)
    discount: Mapped[int] = mapped_column(BigInteger)
    taken_back: Mapped[int] = mapped_column(BigInteger)


class CampaignBudget(Base):
    """The shares of a budget: hot rows of their own, locked before the members. Their bucket is the budget's."""

    __tablename__ = "campaign_budget"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        CheckConstraint("granted BETWEEN 0 AND share", name="not_overdrawn"),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    budget: Mapped[str] = mapped_column(Name, primary_key=True)
    share_of: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    share: Mapped[int] = mapped_column(BigInteger)
    granted: Mapped[int] = mapped_column(BigInteger)


class CampaignFailure(Base):
    """How often a campaign could not be decided on, and why the last time: nothing was paid then."""

    __tablename__ = "campaign_failure"

    campaign: Mapped[str] = mapped_column(Name, primary_key=True)
    failures: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime] = mapped_column(Instant)
    last_error: Mapped[str] = mapped_column(Text)


class CampaignRun(Base):
    """How far a campaign that fires without an event got on one occasion: up to which member it has looked."""

    __tablename__ = "campaign_run"

    campaign: Mapped[str] = mapped_column(Name, primary_key=True)
    occasion: Mapped[str] = mapped_column(Name, primary_key=True)
    after_bucket: Mapped[int] = mapped_column(SmallInteger)
    after_member: Mapped[str] = mapped_column(Name)
    paid: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
