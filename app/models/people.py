"""The person behind a member: encrypted, erased on request while the ledger stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Person(Base):
    """What the shop tells about a member. Name, phone, e-mail and birthday are sealed (`security/pii.py`).

    `consents` maps a purpose to `{"granted", "text_version", "recorded_at"}`. `revision` goes up with every
    change. The digests are those of `person_lookup`, kept so that its rows are found again to be removed.
    `birthday_changed_at` is when a birthday that was known became another, or was cleared, the last time.
    """

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        CheckConstraint("(phone IS NULL) = (phone_digest IS NULL)", name="phone_digest"),
        CheckConstraint("(email IS NULL) = (email_digest IS NULL)", name="email_digest"),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    email: Mapped[bytes | None] = mapped_column(LargeBinary)
    birthday: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    email_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    gender: Mapped[str | None] = mapped_column(Text)
    region: Mapped[str | None] = mapped_column(Text)
    referred_by: Mapped[str | None] = mapped_column(Text)
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    consents: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    revision: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    birthday_changed_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))


class PersonBirthday(Base):
    """The digest of the month of a member's birthday, by which it is found who has theirs in a month.

    Null where the birthday was told before there were digests, until a job that can open it adds it.
    """

    __tablename__ = "person_birthday"
    __table_args__ = (
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
        Index("ix_person_birthday_digest", "digest", "bucket", "member_id"),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)


class PersonLookup(Base):
    """From the digest of a phone number or e-mail address to the members that have it.

    A look-up by another key than the member: its bucket is that of the digest (`lookup_bucket`), so that it
    is found in one shard. Families share a phone, so a digest may lead to several members.
    """

    __tablename__ = "person_lookup"
    __table_args__ = (
        CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
        CheckConstraint("kind IN ('phone', 'email')", name="kind"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    member_id: Mapped[str] = mapped_column(Text, primary_key=True)
