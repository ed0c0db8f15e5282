"""Benefits that persons gave members. The columns are those of the row in `domain/account.py`, in the same order."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.ledger import Name

Instant = TIMESTAMP(timezone=True)


class BenefitGrant(Base):
    """A benefit for a time or for good; it ends by itself."""

    __tablename__ = "benefit_grant"
    __table_args__ = (
        CheckConstraint("until > since", name="until_after_since"),
        ForeignKeyConstraint(["bucket", "member_id"], ["account.bucket", "account.member_id"]),
    )

    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[str] = mapped_column(Name, primary_key=True)
    reference: Mapped[str] = mapped_column(Name, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    benefit: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    terms: Mapped[str] = mapped_column(JSON)
    since: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
