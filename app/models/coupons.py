"""Coupon templates, their counters, the codes that lead to coupons, and the coupons in members' hands.

The columns of `coupon` and `coupon_counter` are those of the rows in `domain/account.py`, in the same order. As with
entries and lots no foreign key leads to the account: the engine has it locked, and `loyalty verify` finds orphans.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.ledger import Name

Instant = TIMESTAMP(timezone=True)


class CouponTemplate(Base):
    """What a coupon is worth and to whom: small, shared, rarely written. Each change takes the next revision of all
    templates, so that one number tells a process whether what it knows of them is still so.
    """

    __tablename__ = "coupon_template"
    __table_args__ = (
        CheckConstraint("revision > 0", name="revision"),
        Index("ix_coupon_template_revision", "revision", unique=True),
    )

    template: Mapped[str] = mapped_column(Name, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class CouponCounter(Base):
    """What was given out of a template: a hot row of its own, locked before the members. Its bucket is the
    template's.
    """

    __tablename__ = "coupon_counter"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        CheckConstraint("issued >= 0 AND discounted >= 0", name="not_negative"),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    template: Mapped[str] = mapped_column(Name, primary_key=True)
    issued: Mapped[int] = mapped_column(BigInteger)
    discounted: Mapped[int] = mapped_column(BigInteger)


class CouponCode(Base):
    """Where a code leads: to the template, and to the member once it is somebody's. Its bucket is the code's.

    `coupon`: of a coupon issued to a member. `unique`: made or imported beforehand, for whoever brings it first.
    `public`: for everybody, as often as the template allows. `void`: made, and no good any more.
    """

    __tablename__ = "coupon_code"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        CheckConstraint("kind IN ('coupon', 'unique', 'public', 'void')", name="kind"),
        CheckConstraint("kind <> 'coupon' OR member_id IS NOT NULL", name="coupon_held"),
        CheckConstraint("kind NOT IN ('public', 'void') OR member_id IS NULL", name="nobodys"),
        Index("ix_coupon_code_made", "template", "code", postgresql_where=text("kind <> 'coupon'")),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(Name, primary_key=True)
    template: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Text)
    member_id: Mapped[str | None] = mapped_column(Name)
    issue: Mapped[str | None] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(Instant)


class Coupon(Base):
    """A coupon in a member's hands."""

    __tablename__ = "coupon"
    __table_args__ = (
        CheckConstraint(
            "status IN ('issued', 'locked', 'redeemed', 'expired', 'voided')",
            name="status",
        ),
        CheckConstraint(
            "(status IN ('locked', 'redeemed')) = (reference IS NOT NULL) "
            "AND (reference IS NULL) = (discount IS NULL)",
            name="used_by_reference",
        ),
        CheckConstraint("discount >= 0", name="discount"),
        CheckConstraint("lock_expires_at IS NULL OR status = 'locked'", name="lock"),
        Index("ix_coupon_template", "template"),
        {"postgresql_with": {"fillfactor": "85"}},
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    code: Mapped[str] = mapped_column(Name, primary_key=True)
    template: Mapped[str] = mapped_column(Name)
    status: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[datetime] = mapped_column(Instant)
    valid_from: Mapped[datetime] = mapped_column(Instant)
    valid_until: Mapped[datetime | None] = mapped_column(Instant)
    reference: Mapped[str | None] = mapped_column(Name)
    discount: Mapped[int | None] = mapped_column(BigInteger)
    lock_expires_at: Mapped[datetime | None] = mapped_column(Instant)
    public_code: Mapped[str | None] = mapped_column(Name)


class CouponIssue(Base):
    """Coupons given out at once: to a list of members, or as codes. Named by its request's idempotency key."""

    __tablename__ = "coupon_issue"
    __table_args__ = (CheckConstraint("members >= 0 AND codes >= 0", name="not_negative"),)

    issue: Mapped[str] = mapped_column(Name, primary_key=True)
    template: Mapped[str] = mapped_column(Name)
    actor: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    members: Mapped[int] = mapped_column(Integer)
    codes: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Instant)


class CouponIssuePart(Base):
    """Some of the members of an issue, done together: `refused` tells who got none, and why."""

    __tablename__ = "coupon_issue_part"
    __table_args__ = (
        Index("ix_coupon_issue_part_open", "issue", "part", postgresql_where=text("done_at IS NULL")),
    )

    issue: Mapped[str] = mapped_column(Name, primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    members: Mapped[list[str]] = mapped_column(ARRAY(Text))
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    issued: Mapped[int] = mapped_column(Integer)
    refused: Mapped[list[Any]] = mapped_column(JSONB)
